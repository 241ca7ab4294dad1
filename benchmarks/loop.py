"""The same chain in a plain loop, without Beam: `python -m benchmarks.loop CHAIN.json MEASURED.json`.

The kernels, readers and writers are the pipelines' own, and so are the places where data goes to disk. What Beam does
there, dictionaries do here. No sidecars, counts, checks or manifests: all of that is counted as overhead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from benchmarks.chain import CHOOSE, COMPARE, COUNT, FILTER, GATHER, KEEP, MARK, MATCH, SCATTER, SHINGLE, SIGN, Chain
from benchmarks.meter import Meter

METER = Meter()
with METER.phase("imports"):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from xlcorpus.dataset.beside import read_beside
    from xlcorpus.dataset.columns import append_slices
    from xlcorpus.dataset.dataset import Shard, read_batches
    from xlcorpus.dataset.decisions import DECISION, REJECT
    from xlcorpus.dataset.kinds import DOCUMENT
    from xlcorpus.dataset.layout import DATA, DECISIONS, REJECTS
    from xlcorpus.dataset.shards import ShardFile, ShardWriter
    from xlcorpus.dataset.spills import read_spills
    from xlcorpus.dedup import compare, mark, match, signature
    from xlcorpus.dedup.options import DedupOptions
    from xlcorpus.dedup.sign import SignShard
    from xlcorpus.ingest.columns import output_schema
    from xlcorpus.ingest.find import find_files
    from xlcorpus.ingest.read import cut_files, read_range
    from xlcorpus.lid.identify import identify_batch
    from xlcorpus.lid.model import load_model
    from xlcorpus.mix.allocate import MixPlan
    from xlcorpus.mix.census import CountShard
    from xlcorpus.mix.gather import gather
    from xlcorpus.mix.inputs import plan_for
    from xlcorpus.mix.mixed_rows import Form, unite_schemas
    from xlcorpus.mix.options import Options
    from xlcorpus.mix.scatter import Scatter
    from xlcorpus.mix.templated import PAIRS
    from xlcorpus.mix.uses import DrawCell, PackTexts, WriteUses
    from xlcorpus.quality.filter import filter_batch
    from xlcorpus.quality.signals import score_batch
    from xlcorpus.quality.thresholds import load_thresholds
    from xlcorpus.raw.options import ReadOptions

K = TypeVar("K")
V = TypeVar("V")
_SCHEMAS = {DECISIONS: DECISION, REJECTS: REJECT}


class TaskFiles:
    """The Parquet files of one task in one dataset."""

    def __init__(self, folder: Path, number: int) -> None:
        """Nothing is opened before the first rows."""
        self._folder, self._number = folder, number
        self._writers: dict[str, ShardWriter] = {}

    def write(self, kind: str, batch: pa.RecordBatch) -> None:
        """Append rows to data, decisions or rejects."""
        if kind not in self._writers:
            stem = f"part-{self._number:05d}"
            self._writers[kind] = ShardWriter(self._folder, kind, stem, _SCHEMAS.get(kind, batch.schema))
        self._writers[kind].write(batch)

    def close(self) -> list[ShardFile]:
        """Name the files; returns the shards of documents."""
        keep_empty = self._number == 0  # a dataset without rows has one empty shard
        closed = {kind: writer.close(keep_empty=keep_empty and kind == DATA) for kind, writer in self._writers.items()}
        return closed.get(DATA, [])


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def _paths(folder: Path, shards: Iterable[ShardFile]) -> dict[int, Path]:
    return {number: folder / shard.name for number, shard in enumerate(shards)}


def filter_documents(raw: str, folder: Path) -> dict[int, Path]:
    """Ingest, identify, score and filter in one pass; returns the shards by number."""
    options = ReadOptions(source="web")
    files = find_files([raw], options)
    schema = output_schema(files, options)
    model, thresholds = load_model("embedded"), load_thresholds(None)
    shards: list[ShardFile] = []
    for number, ranges in enumerate(cut_files(files, target_bytes=options.task_bytes)):
        out = TaskFiles(folder, number)
        for part in ranges:
            for read in read_range(part, options, schema):
                kept = filter_batch(score_batch(identify_batch(read.rows, model)), thresholds)
                out.write(DATA, kept.rows)
                for kind, rows in ((DECISIONS, read.decisions), (DECISIONS, kept.decisions), (REJECTS, read.rejects)):
                    if rows is not None and rows.num_rows:
                        out.write(kind, rows)
        shards += out.close()
    return _paths(folder, shards)


def deduplicate(paths: dict[int, Path], folder: Path, chain: Chain) -> dict[int, Path]:
    """Sign, match, mark and write what stays."""
    work = folder / "_work"
    options = DedupOptions(threshold=chain.threshold)
    with METER.phase(SIGN):
        banding = signature.choose_banding(chain.threshold)
        sign = SignShard(work, options, banding, chain.seed)
        shards_of = {number: Shard(path, 0, 0, DOCUMENT, ()) for number, path in paths.items()}
        rows = {number: sign(number, shard).rows for number, shard in shards_of.items()}
    with METER.phase(MATCH):
        matched = match.MatchShards(work, rows, paths, banding.bands)(0, None)
    with METER.phase(SHINGLE):
        shingle = compare.ShingleShard(work, options.shingle_size)
        shingled = [(number, shingle(number, shard)) for number, shard in shards_of.items()]
        groups = compare.groups_of(matched, shingled)
    with METER.phase(COMPARE):
        for number, group in enumerate(groups):
            compare.JudgeGroup(work, options.threshold)(number, group)
    with METER.phase(MARK):
        mark.MarkShards(work, rows, len(groups))(0, None)
    shards: list[ShardFile] = []
    with METER.phase(KEEP):
        for number, path in paths.items():
            out = TaskFiles(folder, number)
            for batch in append_slices(read_batches(path), read_beside(mark.mark_file(work, number))):
                result = mark.keep_best_batch(batch, options.threshold)
                out.write(DATA, result.rows)
                if result.decisions is not None and result.decisions.num_rows:
                    out.write(DECISIONS, result.decisions)
            shards += out.close()
    return _paths(folder, shards)


def _shards(paths: dict[int, Path]) -> dict[int, Shard]:
    found = {}
    for number, path in paths.items():
        metadata = pq.read_metadata(path)
        names = tuple(pq.read_schema(path).names)
        found[number] = Shard(path, metadata.num_rows, path.stat().st_size, DOCUMENT, names)
    return found


def _count(shards: dict[int, Shard], work: Path, chain: Chain) -> MixPlan:
    asked = {"ratios": chain.ratios, "unit": chain.unit, "budget": chain.budget, "max_epochs": chain.max_epochs}
    options = Options.model_validate(asked)
    count = CountShard(work, options.counting(None))
    return plan_for(options, [count(number, shard) for number, shard in shards.items()])[1]


def _choose(shards: dict[int, Shard], work: Path, plan: MixPlan, seed: int) -> None:
    pack, draw, write = PackTexts.of(work, plan.cells), DrawCell(plan.cells, seed), WriteUses(work)
    cells = _grouped(pair for number in shards for pair in pack(number))
    for uses in _grouped(pair for group in cells.items() for pair in draw(group)).items():
        write(uses)


def _scatter(shards: dict[int, Shard], folder: Path, plan: MixPlan, chain: Chain) -> pa.Schema:
    schema = unite_schemas([(DOCUMENT, pq.read_schema(shards[0].location))])
    scatter = Scatter(folder / "_work", schema, plan.cells, chain.shards, PAIRS, Form((DOCUMENT,)))
    for number, shard in shards.items():
        out = TaskFiles(folder, number)
        for result in scatter.to_files(number, shard):
            if result.decisions is not None:
                out.write(DECISIONS, result.decisions)
        out.close()
    return schema


def mixture(paths: dict[int, Path], folder: Path, chain: Chain) -> None:
    """Count, choose, scatter, gather."""
    work, shards = folder / "_work", _shards(paths)
    with METER.phase(COUNT):
        plan = _count(shards, work, chain)
    with METER.phase(CHOOSE):
        _choose(shards, work, plan, chain.seed)
    with METER.phase(SCATTER):
        schema = _scatter(shards, folder, plan, chain)
    with METER.phase(GATHER):
        for target in range(chain.shards):
            out = TaskFiles(folder, target)
            out.write(DATA, gather(read_spills(work, target), schema)[0])
            out.close()


def main(arguments: list[str]) -> None:
    """Run and write the figures."""
    chain = Chain.load(Path(arguments[0]))
    output = Path(chain.output)
    with METER.phase(FILTER):
        filtered = filter_documents(chain.raw, output / "filter")
    mixture(deduplicate(filtered, output / "dedup", chain), output / "mix", chain)
    if "apache_beam" in sys.modules:
        raise RuntimeError("the plain loop has imported Beam: its figures would be those of Beam")
    METER.save(Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
