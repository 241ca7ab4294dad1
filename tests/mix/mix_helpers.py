"""The phases of mix over files, put together without Beam: a small group-by in memory takes its place."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from tests import rows
from tests.rows import documents, grouped, write_dataset, write_shards
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.dataset import Shard as ShardOnDisk
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.spills import read_spills
from xlcorpus.mix.achieved import notes_of
from xlcorpus.mix.allocate import CellPlan, MixPlan, plan_mix
from xlcorpus.mix.census import Counting, CountShard, ShardCells, cells_of
from xlcorpus.mix.gather import add_sums, gather
from xlcorpus.mix.inputs import spec_of
from xlcorpus.mix.mixed_rows import Form, unite_schemas
from xlcorpus.mix.options import Options
from xlcorpus.mix.scatter import Scatter
from xlcorpus.mix.spec import MixSpec, needs
from xlcorpus.mix.templated import PAIRS as TEMPLATE
from xlcorpus.mix.texts import CODESWITCH, DOCUMENT, PAIR
from xlcorpus.mix.uses import DrawCell, PackTexts, WriteUses
from xlcorpus.pairs.swap import Directions

CODESWITCH_SCHEMA = load_schema("codeswitch")
Shard: TypeAlias = pa.RecordBatch | tuple[str, pa.RecordBatch]  # of documents, or (name of the schema, rows)


def pairs(*given: Any, **columns: Any) -> Shard:
    """Sentence pairs of the source opus; a language for all of them, or a list."""
    return PAIR, rows.pairs(*given, **columns)


def switched(texts: Sequence[str | None], originals: Sequence[str], lang: str, **columns: Any) -> Shard:
    """Code-switched rows of the source web."""
    count = len(texts)
    span = {"start": 0, "end": 1, "src_token": "x", "new_token": "y", "tgt_lang": "eng_Latn"}
    values = {
        "cs_source": texts,
        "cs_target": originals,
        "cs_spans": [[span]] * count,
        "cs_langs": [["eng_Latn"]] * count,
        "cs_operator": ["dict_word"] * count,
    }
    fields = [field for field in CODESWITCH_SCHEMA.fields if field.name in CODESWITCH_SCHEMA.required]
    given = {
        field.name: pa.array(values.get(field.name, [1] * count), field.type)
        for field in fields
        if field.name.startswith("cs_")
    }
    names = [f"switched {lang} {row}" for row in range(count)]
    batch = documents(originals, [lang] * count, names=names, **given, **columns)
    return CODESWITCH, batch.drop_columns(["text"])


@dataclass(frozen=True)
class Mixed:
    """What the phases leave; accounts: rows, rows used and uses of each input shard."""

    plan: MixPlan
    documents: list[pa.RecordBatch]
    decisions: pa.Table
    accounts: list[tuple[int, int, int]]
    notes: dict[str, Any]

    @property
    def taken(self) -> list[CellPlan]:
        """The cells that the mix names."""
        return [item for item in self.plan.cells if item.path]

    @property
    def names(self) -> list[str]:
        """Names of the documents in the order of the mixture."""
        return [row["file"] for batch in self.documents for row in batch.column("origin").to_pylist()]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for batch in self.documents for row in batch.to_pylist()]


def count_shards(
    folder: Path, shards: Sequence[Shard], counting: Counting
) -> tuple[list[ShardOnDisk], list[ShardCells]]:
    """Shards written to files and counted: where they are, the records."""
    count = CountShard(folder / "scratch", counting)
    schemas, batches = zip(*map(named, shards), strict=True)
    written = [
        replace(shard, schema=schema) for shard, schema in zip(write_shards(folder, batches), schemas, strict=True)
    ]
    return written, [count(number, shard) for number, shard in enumerate(written)]


def named(shard: Shard) -> tuple[str, pa.RecordBatch]:
    """The shard with the name of its schema."""
    return shard if isinstance(shard, tuple) else (DOCUMENT, shard)


def mix(
    folder: Path,
    shards: Sequence[Shard],
    asked: Mapping[str, float] | MixSpec,
    *,
    budget: int | None = None,
    unit: str = "docs",
    tokenizer: str | None = None,
    max_epochs: float | None = 1.0,
    seed: int = 0,
    targets: int = 1,
    shuffle: int = 0,
    keep_text: bool = False,
    template: str = TEMPLATE,
    latin: bool = False,
    spill: bool = True,
    specials: int = 0,
    directions: str = "as-is",
) -> Mixed:
    """Count, plan, choose, scatter and gather ratios or a spec (which has its own unit).

    shuffle: elements reach each group in an order of this number. spill: texts move through files.
    """
    chaos = random.Random(shuffle)
    scratch = folder / "scratch"
    fixed = asked if isinstance(asked, MixSpec) else None
    unit = fixed.unit if fixed is not None else unit
    ways = Directions.parse(directions)
    counting = Counting(unit, tokenizer, template, latin, *needs(fixed), specials, directions=ways)
    written, records = count_shards(folder, shards, counting)
    cells = cells_of(records)
    spec = asked if isinstance(asked, MixSpec) else spec_of(Options(ratios=asked, unit=unit), cells, {})
    plan = plan_mix(cells, spec, budget, max_epochs)

    pack, draw, write = PackTexts.of(scratch, plan.cells), DrawCell(plan.cells, seed), WriteUses(scratch)
    packed = [element for number in range(len(shards)) for element in pack(number)]
    uses = [element for group in grouped(packed, chaos) for element in draw(group)]
    for group in grouped(uses, chaos):
        assert write(group) == [group[0]]
    columns = [_columns(shard) for shard in shards]
    form = Form(tuple(dict.fromkeys(kind for kind, _ in columns)), swaps=ways.swaps)
    schema = unite_schemas(columns, form=form)
    scatter = Scatter(scratch, schema, plan.cells, targets, template, form, keep_text)
    scattered: list[list[Result]] = []
    moved = defaultdict[int, list[pa.RecordBatch]](list)
    for number, shard in enumerate(written):
        if spill:
            scattered.append(list(scatter.to_files(number, shard)))
        else:
            scattered.append(list(scatter(number, shard, lambda target, texts: moved[target].append(texts))))
    if spill:
        moved |= {target: read_spills(scratch, target) for target in range(targets)}
    gathered = [gather(moved[target], schema) for target in range(targets)]
    achieved = add_sums([item.name for item in plan.cells], [sums for _, sums in gathered])
    decisions = [part.decisions for results in scattered for part in results if part.decisions is not None]
    return Mixed(
        plan=plan,
        documents=[texts for texts, _ in gathered],
        decisions=pa.Table.from_batches(decisions, DECISION),
        accounts=[_account(results) for results in scattered],
        notes=notes_of(plan, spec, achieved, unit),
    )


def _account(results: list[Result]) -> tuple[int, int, int]:
    given = sum(part.rows_in or 0 for part in results)
    used = given - sum(part.decisions.num_rows for part in results if part.decisions is not None)
    return given, used, used + sum(part.repeated for part in results)


def _columns(shard: Shard) -> tuple[str, pa.Schema]:
    schema, batch = named(shard)
    return schema, batch.schema


def finished(folder: Path, shard: Shard, cuts: int = 1) -> Dataset:
    """A finished dataset of these rows, in so many shards."""
    schema, batch = named(shard)
    size = -(-batch.num_rows // cuts)
    return write_dataset(folder, [batch.slice(number * size, size) for number in range(cuts)], schema)


def totals_by(plan: MixPlan, key: str) -> dict[str, int]:
    """Units by source, kind, lang (of pairs: as pairs), script or domain, of what the mix takes."""
    totals: dict[str, int] = {}
    for item in plan.cells:
        if item.path:
            value = item.cell.value(key)
            totals[value] = totals.get(value, 0) + item.budget
    return dict(sorted(totals.items()))
