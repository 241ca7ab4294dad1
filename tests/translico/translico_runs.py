"""The TransliCo view in tests: a stand-in for the romanisation tool, the step with it, and its passes without Beam."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import xxhash

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.runners import choose_runner
from xlcorpus.beam.step import GraphStep, MapStep, StepOptions
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.pipelines.translico import translico_step
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.run import Finished, Settings, run_recipe
from xlcorpus.translico import choose
from xlcorpus.translico import pairs as translico
from xlcorpus.translico.pairs import PAIR, PairCounts, PairSettings

ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])


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


def open_upper_case(name: str, cache_bytes: int) -> UpperCase:
    assert (name, cache_bytes) == ("uppercase", 1 << 20)
    return UpperCase()


class Options(StepOptions):
    """The options that the view reads, as romanize has them."""

    tool: str = "uppercase"
    lcode: Literal["auto", "none"] = "auto"
    cache_mb: int = 1
    view: Literal["translico"] | None = None
    share: float = 0.05
    floor: int = 1000
    include_latin: bool = True


@dataclass(frozen=True)
class CopyKernel:
    """The map step: a text's copy in capitals."""

    step: str = "romanize"

    def load(self) -> None:
        return None

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> pa.RecordBatch:
        capitals = pa.array([text.upper() for text in batch.column("text").to_pylist()], pa.string())
        return batch.append_column("text_latn", capitals)


def models(options: Options) -> dict[str, str]:
    return {"tool": "uppercase-7"}


VIEW = translico_step(Options, models, open_upper_case)


def instead(options: Options) -> GraphStep | None:
    return VIEW if options.view else None


STEP = MapStep("romanize", "A stand-in.", Options, lambda o, e: MapBatches(CopyKernel()), models, instead=instead)


def doc_id(name: str) -> bytes:
    return xxhash.xxh3_128_digest(name.encode())


def documents(texts: Sequence[str | None], langs: Sequence[str | None], **columns: Any) -> pa.RecordBatch:
    """Identified documents; the script is the end of the language's label."""
    names = columns.pop("names", [f"{lang}/{row}" for row, lang in enumerate(langs)])
    scripts = [lang and lang.partition("_")[2] for lang in langs]
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([doc_id(name) for name in names], pa.binary(16)),
            "text": pa.array(texts, pa.string()),
            "source": pa.array(["web"] * len(texts), pa.string()),
            "origin": pa.array([{"file": name, "offset": 0} for name in names], ORIGIN),
            "lang": pa.array(langs, pa.string()),
            "script": pa.array(scripts, pa.string()),
            **columns,
        }
    )


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
    settings: PairSettings | None = None,
    *,
    shuffle: int = 0,
    keep_text: bool = False,
) -> View:
    """List, choose and write. shuffle: elements reach each group in an order of this number."""
    settings = settings or PairSettings(share=1.0, floor=0)
    chaos, scratch = random.Random(shuffle), folder / "scratch"
    listing, paths, listed = translico.ListSentences(scratch, settings), [], []
    for number, batch in enumerate(shards):
        with ShardWriter(folder, "data", f"part-{number:05d}", batch.schema) as writer:
            writer.write(batch)
            (file,) = writer.close(keep_empty=True)
        paths.append(folder / file.name)
        listed.append(listing(number, {"path": str(paths[-1])}))
    pack = choose.pack_of(scratch, listed, settings.seed)
    packed = [part for number in chaos.sample(range(len(shards)), len(shards)) for part in pack(number)]
    distinct = [part for group in _grouped(packed, chaos) for part in choose.KeepFirst(settings.seed)(group)]
    counted = [part for given in distinct for part in choose.count_groups(given)]
    apportion = choose.Apportion(settings.share, settings.floor)
    quotas = dict(part for group in _grouped(counted, chaos) for part in apportion(group))
    states = [part for number, rows in distinct for part in choose.take_quota(rows, quotas[number])]
    for number, parts in _grouped(states, chaos):
        choose.WriteStates(scratch)(number, parts)
    counts, made = PairCounts(), []
    for number, path in enumerate(paths):
        made += list(
            translico.pairs_of_shard(number, path, scratch, UpperCase(), settings, counts, keep_text=keep_text)
        )
    return View(
        pa.Table.from_batches([part.pairs for part in made], PAIR),
        pa.Table.from_batches([part.decisions for part in made], DECISION),
        pa.Table.from_batches([part.rejects for part in made], REJECT),
        counts.to_json(),
        sum(part.repeated for part in made),
    )


def _grouped(elements: Sequence[tuple[int, Any]], chaos: random.Random) -> list[tuple[int, list[Any]]]:
    """A GroupByKey whose groups and elements come in any order."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for key, value in chaos.sample(list(elements), len(elements)):
        groups[key].append(value)
    return list(groups.items())


def run_nodes(nodes: Sequence[Node], output: Path, *, workers: int = 1, **more: Any) -> dict[str, Finished]:
    """Run nodes in this process; what was made, by the id of the last node."""
    choice, _ = choose_runner("local", workers, [])
    given: dict[str, Any] = {"quiet": True, "say": lambda line: None, "seed": 5, **more}
    finished = run_recipe(nodes, lambda node: output / node.id, Settings(runner=choice, **given))
    return {done.work.id: done for done in finished}
