"""A plain pyarrow rewrite of what a mix took: `python -m benchmarks.mix_rewrite PLAN.json`; see `benchmarks.mix`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xlcorpus.dataset.layout import DATA

_ROW_GROUP_BYTES = 16 << 20
_PLAIN = {"text", "src", "tgt", "doc_id", "origin", "url"}  # columns without a dictionary


def shard_columns(folder: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of each shard, in order."""
    for path in sorted((folder / DATA).glob("*.parquet")):
        have = pq.read_schema(path).names
        yield pq.read_table(path, columns=[name for name in names if name in have])


def id_halves(column: pa.ChunkedArray) -> np.ndarray:
    """uint64[rows]: the first half of each id, which is random."""
    chunk = column.combine_chunks()
    return np.frombuffer(chunk.buffers()[1], dtype=np.uint64)[2 * chunk.offset :][: 2 * len(chunk) : 2]


def rewrite_plan(inputs: Sequence[Path], output: Path, folder: Path) -> Path:
    """Which rows of each input shard the mix took, for `rewrite`: shards with files of row numbers, as JSON."""
    folder.mkdir()
    taken = np.sort(np.concatenate([id_halves(table["doc_id"]) for table in shard_columns(output, ["doc_id"])]))
    shards: list[list[str]] = []
    for path in (path for dataset in inputs for path in sorted((dataset / DATA).glob("*.parquet"))):
        ids = id_halves(pq.read_table(path, columns=["doc_id"])["doc_id"])
        uses = np.searchsorted(taken, ids, side="right") - np.searchsorted(taken, ids, side="left")
        file = folder / f"{len(shards)}.npy"
        np.save(file, uses)
        shards.append([str(path), str(file), str(folder / f"{len(shards)}.parquet")])
    plan = folder / "plan.json"
    plan.write_text(json.dumps(shards), encoding="utf-8")
    return plan


def rewrite(plan: Path) -> None:
    """The plain rewrite: read each shard, take rows, write them."""
    for source, uses_file, target in json.loads(plan.read_text(encoding="utf-8")):
        table, uses = pq.ParquetFile(source).read(use_threads=False), np.load(uses_file)
        # Epoch by epoch: beside its copy, within a page, a text would be compressed to nothing.
        rows = [np.flatnonzero(uses > epoch) for epoch in range(int(uses.max(initial=0)))]
        table = table.take(pa.array(np.concatenate([np.zeros(0, dtype=np.int64), *rows])))
        if "src" in table.column_names:
            table = table.append_column("text", pc.binary_join_element_wise(table["src"], table["tgt"], "\n"))
        coded = [name for name in table.column_names if name not in _PLAIN]
        pq.write_table(
            table,
            target,
            row_group_size=max(1, int(table.num_rows * _ROW_GROUP_BYTES / max(table.nbytes, _ROW_GROUP_BYTES))),
            version="2.6",
            compression="zstd",
            compression_level=3,
            use_dictionary=coded,
        )


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
