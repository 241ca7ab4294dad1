"""Documents, shards and manifests for the tests of datasets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests import rows
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.manifest import Manifest, StepRecord
from xlcorpus.dataset.shards import ShardFile, ShardWriter
from xlcorpus.dataset.tally import Tally

SENTENCES = ["Habari ya asubuhi", "Добрый день, друзья", "こんにちは世界", "สวัสดีชาวโลก", "नमस्ते दुनिया", "مرحبا", ""]


def documents(texts: list[str], **columns: Any) -> pa.RecordBatch:
    """A batch of documents of two sources."""
    sources = ["web" if row % 3 else "books" for row in range(len(texts))]
    return rows.documents(texts, source=sources, **columns)


def varied(count: int) -> pa.RecordBatch:
    """Documents with every kind of column that ingest hands on (dictionaries are plain by then), nulls among them."""
    numbers = range(count)
    return documents(
        [SENTENCES[row % 7] * (row % 5) for row in numbers],
        lang=pa.array([None if row % 4 == 0 else f"l{row % 3}_Latn" for row in numbers], pa.string()),
        score=pa.array([row / 7 for row in numbers], pa.float32()),
        count=pa.array([None if row % 5 == 0 else row for row in numbers], pa.int64()),
        flag=pa.array([row % 2 == 0 for row in numbers], pa.bool_()),
        alts=pa.array(
            [[{"lang": "a", "score": 0.5}] * (row % 3) for row in numbers],
            pa.list_(pa.struct([("lang", pa.string()), ("score", pa.float32())])),
        ),
        image=pa.array([bytes([row % 256]) * (row % 9) for row in numbers], pa.binary()),
    )


def write_shard(root: Path, batches: list[pa.RecordBatch], stem: str = "part-00000") -> list[ShardFile]:
    """Write batches as the data of a dataset."""
    with ShardWriter(root, "data", stem, batches[0].schema) as writer:
        for batch in batches:
            writer.write(batch)
        return writer.close()


def make_dataset(folder: Path, batches: list[pa.RecordBatch], **changes: Any) -> Manifest:
    """A finished dataset in `folder`: its shard, one shard of decisions, and the manifest."""
    rows = sum(batch.num_rows for batch in batches)
    with ShardWriter(folder, "decisions", "part-00000", DECISION) as writer:
        decisions = writer.close(keep_empty=True)
    content: dict[str, Any] = {
        "schema": "document-1",
        "arrow_schema": batches[0].schema,
        "steps": (StepRecord("ingest", {"files": ["a.jsonl"], "text_column": "text"}, {"lid": "ab" * 16}),),
        "inputs": {"a.jsonl": {"bytes": 12, "xxh3": "0" * 32}},
        "fingerprint": "f" * 32,
        "code_version": "0.1.0",
        "seed": 7,
        "shards": tuple(write_shard(folder, batches)),
        "decisions": tuple(decisions),
        "rejects": (),
        "tallies": (Tally("ingest", rows_in=rows, rows_out=rows, languages=Counter({"": rows})),),
        "notes": {"note": "ключ"},
        **changes,
    }
    manifest = Manifest(**content)
    manifest.save(folder)
    return manifest


def weights_of(batch: pa.RecordBatch) -> list[int]:
    """What `row_weights` promises: 64 and the bytes of every text and binary value."""
    return [
        64
        + sum(
            len(v.encode() if isinstance(v, str) else v)
            for k, v in row.items()
            if k != "doc_id" and isinstance(v, str | bytes)
        )
        for row in batch.to_pylist()
    ]
