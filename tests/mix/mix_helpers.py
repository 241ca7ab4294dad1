"""The passes of mix over files, put together without Beam: a small group-by in memory takes its place."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import xxhash

from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import ShardWriter, schema_of
from xlcorpus.dataset.tally import Tally
from xlcorpus.mix import passes
from xlcorpus.mix.allocate import CellPlan, MixPlan, plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.count import Counting, CountShard, cells_of, key_of
from xlcorpus.mix.request import Request, needs, spec_of
from xlcorpus.mix.rows import CODESWITCH, DOCUMENT, PAIR, TEMPLATE
from xlcorpus.mix.spec import MixSpec
from xlcorpus.mix.summary import notes_of

ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])
CODESWITCH_SCHEMA = load_schema("codeswitch")
Shard: TypeAlias = pa.RecordBatch | tuple[str, pa.RecordBatch]  # of documents, or (name of the schema, rows)


def _identified(names: Sequence[str], source: str, columns: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows with doc_id, source and origin that follow from their names, and other columns."""
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([xxhash.xxh3_128_digest(name.encode()) for name in names], pa.binary(16)),
            "source": pa.array([source] * len(names), pa.string()),
            "origin": pa.array([{"file": name, "offset": 0} for name in names], ORIGIN),
            **columns,
        }
    )


def documents(texts: Sequence[str | None], langs: Sequence[str | None], **columns: Any) -> pa.RecordBatch:
    """Documents of the source web; each id follows from the row's language and number (or from `names`)."""
    names = columns.pop("names", [f"{lang}/{row}" for row, lang in enumerate(langs)])
    given = {"text": pa.array(texts, pa.string()), "lang": pa.array(langs, pa.string()), **columns}
    return _identified(names, "web", given)


def pairs(rows: Sequence[tuple[str | None, str | None]], src_lang: Any, tgt_lang: Any, **columns: Any) -> Shard:
    """Sentence pairs of the source opus; a language for all of them, or a list."""
    names = columns.pop("names", [f"pair {src_lang} {tgt_lang} {row}" for row in range(len(rows))])
    langs = {"src_lang": src_lang, "tgt_lang": tgt_lang}
    given = {
        "src": pa.array([src for src, _ in rows], pa.string()),
        "tgt": pa.array([tgt for _, tgt in rows], pa.string()),
        **{
            name: pa.array(lang if isinstance(lang, list) else [lang] * len(rows), pa.string())
            for name, lang in langs.items()
        },
        **columns,
    }
    return PAIR, _identified(names, "opus", given)


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
    return CODESWITCH, _identified(names, "web", {"lang": pa.array([lang] * count, pa.string()), **given, **columns})


@dataclass(frozen=True)
class Mixed:
    """What the passes leave."""

    plan: MixPlan
    documents: list[pa.RecordBatch]
    decisions: pa.Table
    scattered: list[passes.Scattered]
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


def count_shards(folder: Path, shards: Sequence[Shard], counting: Counting) -> tuple[list[Path], list[dict[str, Any]]]:
    """Shards written to files and counted: their paths, the records."""
    count = CountShard(folder / "scratch", counting)
    paths, records = [], []
    for number, (schema, batch) in enumerate(named(shard) for shard in shards):
        with ShardWriter(folder, "data", f"part-{number:05d}", batch.schema) as writer:
            writer.write(batch)
            (file,) = writer.close(keep_empty=True)
        paths.append(folder / file.name)
        records.append(count(number, {"path": str(paths[-1]), "columns": batch.schema.names, "schema": schema}))
    return paths, records


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
) -> Mixed:
    """Count, plan, choose, scatter and gather ratios or a spec (which has its own unit).

    shuffle: elements reach each group in an order of this number. spill: texts move through files.
    """
    chaos = random.Random(shuffle)
    scratch = folder / "scratch"
    fixed = asked if isinstance(asked, MixSpec) else None
    domain, dup_size = needs(fixed)
    unit = fixed.unit if fixed is not None else unit
    paths, records = count_shards(folder, shards, Counting(unit, tokenizer, template, latin, domain, dup_size))
    cells: tuple[Cell, ...] = cells_of(records)
    spec = asked if isinstance(asked, MixSpec) else spec_of(Request(ratios=asked, unit=unit), cells, {})
    plan = plan_mix(cells, spec, budget, max_epochs)

    pack = passes.PackCounts(scratch, tuple(key_of(item.cell) for item in plan.cells))
    choose, write = passes.ChooseCell(plan.cells, seed), passes.WriteUses(scratch)
    packed = [element for number in range(len(shards)) for element in pack(number)]
    uses = [element for group in _grouped(packed, chaos) for element in choose(group)]
    for number, parts in _grouped(uses, chaos):
        write(number, parts)
    schemas = [(f"input {number}", *_columns(shard)) for number, shard in enumerate(shards)]
    schema = passes.unite_schemas(schemas)
    scatter = passes.Scatter(scratch, schema, plan.cells, targets, template, keep_text)
    scattered, moved = [], defaultdict[int, list[pa.RecordBatch]](list)
    for number, (path, shard) in enumerate(zip(paths, shards, strict=True)):
        if spill:
            scattered.append(scatter.spill(number, path, named(shard)[0]))
            continue
        part, texts = scatter(number, path, named(shard)[0])
        scattered.append(part)
        for target, batch in texts.items():
            moved[target].append(batch)
    if spill:
        moved |= {target: passes.read_spills(scratch, target) for target in range(targets)}
    gathered = [passes.gather(moved[target], schema) for target in range(targets)]
    achieved = passes.add_sums([item.name for item in plan.cells], [part.cells for part in gathered])
    decisions = [batch for part in scattered for batch in part.decisions]
    return Mixed(
        plan=plan,
        documents=[part.documents for part in gathered],
        decisions=pa.Table.from_batches(decisions, DECISION),
        scattered=scattered,
        notes=notes_of(plan, spec, achieved, unit),
    )


def _columns(shard: Shard) -> tuple[str, pa.Schema]:
    schema, batch = named(shard)
    return schema, batch.schema


def _grouped(elements: Sequence[tuple[int, Any]], chaos: random.Random) -> list[tuple[int, list[Any]]]:
    """A GroupByKey whose groups and elements come in any order."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for key, value in chaos.sample(list(elements), len(elements)):
        groups[key].append(value)
    return list(groups.items())


def finished(folder: Path, shard: Shard, cuts: int = 1) -> Path:
    """A finished dataset of these rows, in so many shards."""
    schema, batch = named(shard)
    size = -(-batch.num_rows // cuts)
    files = []
    for number in range(cuts):
        with ShardWriter(folder, "data", f"part-{number:05d}", batch.schema) as writer:
            writer.write(batch.slice(number * size, size))
            files += writer.close(keep_empty=True)
    tally = Tally("ingest", rows_in=batch.num_rows)
    tally.count_output(batch)
    arrow = schema_of([folder / file.name for file in files])
    Manifest(f"{schema}-1", arrow, (), {}, files[0].sha256, "1", 0, tuple(files), (), (), (tally,)).save(folder)
    return folder
