"""The TransliCo view in tests: a stand-in for the romanisation tool, the step with it, and its passes without Beam."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest

from tests import rows
from tests.rows import grouped, write_shards
from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.pipelines import romanize
from xlcorpus.pipelines import translico as graph
from xlcorpus.romanize import tools
from xlcorpus.romanize.tools import language_code
from xlcorpus.translico import choose
from xlcorpus.translico import pairs as translico
from xlcorpus.translico.options import PairOptions
from xlcorpus.translico.pairs import PAIR
from xlcorpus.translico.sentences import ListSentences


class UpperCase:
    """A tool that writes capitals after the language's code, nothing for signs, and fails on one word."""

    name = "uppercase"
    version = "7"
    column = "text_latn"

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        if script == "Zsym":
            return None
        if "crash" in text:
            raise ArithmeticError(f"cannot read {text!r}")
        if "vanish" in text:
            return " \n\u3000"
        return f"{lcode or '-'}\n {text.upper()}\u2028"


def open_upper_case(name: str, cache_bytes: int, named_signs: str) -> UpperCase:
    assert (name, cache_bytes) == ("uppercase", 1 << 20)
    return UpperCase()


class Options(graph.Options):
    """The options of romanize, of the stand-in."""

    tool: str = "uppercase"
    lcode: Literal["auto", "none"] = "auto"
    cache_mb: int = 1


@dataclass(frozen=True)
class CopyKernel:
    """The map step: a text's copy in capitals."""

    step: str = "romanize"

    def load(self) -> None:
        return None

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        capitals = pa.array([text.upper() for text in batch.column("text").to_pylist()], pa.string())
        return Result(batch.append_column("text_latn", capitals))


def check(options: Any, datasets: Sequence[Any]) -> list[str]:
    """As of romanize, with the stand-in among the tools that write Latin script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tools.COLUMNS, "uppercase", "text_latn")
        return romanize.check(options, datasets)


STEP = Step(
    name="romanize",
    summary="A stand-in.",
    order=60,
    speed=1.0,
    options=Options,
    makes=romanize.STEP.makes,
    models=lambda options: {"tool": "uppercase-7"},
    check=check,
    map=lambda options, execution: MapBatches(CopyKernel()),
    run=functools.partial(graph.run, open_tool=open_upper_case),
    shuffles=romanize.STEP.shuffles,
)


ALL = PairOptions(share=1.0, floor=0)


def documents(texts: Sequence[str | None], langs: Sequence[str | None], **columns: Any) -> pa.RecordBatch:
    """Identified documents; the script is the end of the language's label."""
    return rows.documents(texts, langs, script=True, **columns)


@dataclass(frozen=True)
class View:
    """What the passes leave."""

    pairs: pa.Table
    decisions: pa.Table
    rejects: pa.Table
    counts: dict[str, Any]
    repeated: int

    @property
    def texts(self) -> list[str]:
        return self.pairs["text"].to_pylist()

    @property
    def reasons(self) -> dict[str, str]:
        """Reason by the document's name."""
        return {row["origin"]["file"]: row["reason"] for row in self.decisions.to_pylist()}


def view(
    folder: Path,
    shards: Sequence[pa.RecordBatch],
    options: PairOptions | None = None,
    *,
    seed: int = 0,
    lcode: str = "auto",
    shuffle: int = 0,
    keep_text: bool = False,
) -> View:
    """List, choose and write. shuffle: elements reach each group in an order of this number."""
    options = options or ALL
    chaos, scratch = random.Random(shuffle), folder / "scratch"
    listing, written = ListSentences(scratch, options.include_latin), write_shards(folder, shards)
    listed = [listing(number, shard) for number, shard in enumerate(written)]
    deal = choose.DealSentences.of(scratch, listed, seed)
    packed = [part for number in chaos.sample(range(len(shards)), len(shards)) for part in deal(number)]
    distinct = [part for group in grouped(packed, chaos) for part in choose.KeepFirst(seed)(group)]
    counted = [part for given in distinct for part in choose.count_groups(given)]
    apportion = choose.Apportion(options.share, options.floor)
    quotas = dict(part for group in grouped(counted, chaos) for part in apportion(group))
    states = [part for number, given in distinct for part in choose.take_quota(given, quotas[number])]
    for group in grouped(states, chaos):
        choose.WriteStates(scratch)(group)
    made = [
        part
        for number, shard in enumerate(written)
        for part in pairs_of(shard.location, scratch, number, options, lcode, keep_text)
    ]
    counts: Counts = {}
    for part in made:
        add_counts(counts, part.counts)
    return View(
        pa.Table.from_batches([part.rows for part in made], PAIR),
        pa.Table.from_batches([part.decisions for part in made if part.decisions is not None], DECISION),
        pa.Table.from_batches([part.rejects for part in made if part.rejects is not None], REJECT),
        translico.notes_of(counts),
        sum(part.repeated for part in made),
    )


def pairs_of(
    path: Path, scratch: Path, number: int, options: PairOptions = ALL, lcode: str = "auto", keep_text: bool = False
) -> list[Result]:
    """What becomes of a shard."""
    code_of = functools.partial(language_code, asked=lcode, tool=UpperCase.name)
    states = choose.state_file(scratch, number)
    given = translico.pairs_of_shard(
        path, states, UpperCase(), code_of, include_latin=options.include_latin, keep_text=keep_text
    )
    return list(given)
