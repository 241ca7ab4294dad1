"""Datasets to export, their documents joined row by row in Python, and an export of them in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests import packed
from tests.rows import write_dataset
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.export.export import Exported, ExportOptions, export
from xlcorpus.pack.packs import PACK

SCHEMA = pa.schema([field.with_nullable(True) for field in PACK])


def packs(**options: Any) -> Path:
    """Packs of 90 documents in 14 scripts, every 13th longer than a pack; options: of pack."""
    return packed.packs(90, **options)


def exported(dataset: Path, folder: Path, format: str, *, overwrite: bool = False, **options: Any) -> Exported:
    """`xlcorpus export DATASET --format F --output FOLDER`."""
    return export(dataset, folder, ExportOptions(format=format, **options), overwrite=overwrite)


def documents_of(dataset: Path) -> list[list[int]]:
    """The documents of packs, one part at a time, in the order in which they end; by doc_id, epoch and length."""
    held: dict[tuple[Any, ...], dict[int, list[int]]] = defaultdict(dict)
    found = []
    for row in Dataset.open(dataset).to_arrow().to_pylist():
        bounds = [*row["doc_starts"], row["length"]]
        for number, doc_id in enumerate(row["doc_ids"]):
            ids = row["input_ids"][bounds[number] : bounds[number + 1]]
            epoch = row["epochs"][number] if "epochs" in row else 0
            key = (doc_id, epoch, row["doc_lengths"][number])
            held[key][row["doc_offsets"][number]] = ids
            if sum(map(len, held[key].values())) == row["doc_lengths"][number]:
                parts = held.pop(key)
                found.append([token for offset in sorted(parts) for token in parts[offset]])
    assert not held
    return found


def pack_row(number: int, parts: Iterable[tuple[bytes, list[int], int, int, int]]) -> dict[str, Any]:
    """A pack by hand; of each part doc_id, ids, offset, tokens of the document, epoch."""
    parts = list(parts)
    starts = [sum(len(part[1]) for part in parts[:number]) for number in range(len(parts))]
    ids = [token for part in parts for token in part[1]]
    return {
        "pack_id": number,
        "length": len(ids),
        "input_ids": ids,
        "doc_starts": starts,
        "doc_ids": [part[0] for part in parts],
        "doc_offsets": [part[2] for part in parts],
        "doc_lengths": [part[3] for part in parts],
        "epochs": [part[4] for part in parts],
        "langs": ["eng_Latn"] * len(parts),
        "kinds": [None] * len(parts),
    }


def by_hand(folder: Path, shards: list[list[dict[str, Any]]], *, older: bool = False, **notes: Any) -> Path:
    """A dataset of packs by hand, with the notes of packs of 64; older: of a version with fewer columns; notes: what is
    said otherwise, None: not at all."""
    like = Dataset.open(packs()).manifest
    schema = pa.schema([one for one in SCHEMA if not (older and one.name in ("sources", "epochs", "part_bytes"))])
    batches = [pa.RecordBatch.from_pylist(rows, schema=schema) for rows in shards]
    said = {name: value for name, value in {**like.notes, **notes}.items() if value is not None}
    return write_dataset(folder, batches, "token", steps=like.steps, notes=said).folder


def with_notes(dataset: Path, folder: Path, **notes: Any) -> Path:
    """The dataset with other notes."""
    given = Dataset.open(dataset)
    (folder / "data").mkdir(parents=True)
    for shard in given.manifest.shards:
        (folder / shard.name).write_bytes((dataset / shard.name).read_bytes())
    replace(given.manifest, notes={**given.manifest.notes, **notes}).save(folder)
    return folder
