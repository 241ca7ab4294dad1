"""The documents of an export, read by its layout alone: struct and numpy, nothing of the product or the tools."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

Documents = list[list[int]]


def _cut(ids: np.ndarray, ends: list[int]) -> Documents:
    return [ids[start:end].tolist() for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _files(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(suffix))


def read_megatron(folder: Path) -> Documents:
    """Every sequence by its pointer; the documents are one sequence each."""
    found: Documents = []
    for file in _files(folder, ".idx"):
        index = file.read_bytes()
        magic, version, code, sequences, documents = struct.unpack_from("<9sQBQQ", index)
        assert (magic, version, documents) == (b"MMIDIDX\0\0", 1, sequences + 1)
        dtype = {4: np.dtype("<i4"), 8: np.dtype("<u2")}[code]
        at = 34
        lengths = np.frombuffer(index, "<i4", sequences, at)
        pointers = np.frombuffer(index, "<i8", sequences, at + 4 * sequences)
        firsts = np.frombuffer(index, "<i8", documents, at + 12 * sequences)
        assert len(index) == at + 12 * sequences + 8 * documents
        assert firsts.tolist() == list(range(sequences + 1))
        content = file.with_suffix(".bin").read_bytes()
        assert len(content) == lengths.sum() * dtype.itemsize
        for length, pointer in zip(lengths.tolist(), pointers.tolist(), strict=True):
            found.append(np.frombuffer(content, dtype, length, pointer).tolist())
    return found


def read_datatrove(folder: Path) -> Documents:
    """By the ends in .ds.index; the width of an id by the metadata."""
    found: Documents = []
    for file in _files(folder, ".ds"):
        facts, tokens, _ = Path(f"{file}.metadata").read_text().split("\n")
        dtype = {"2": "<u2", "4": "<u4"}[facts.rpartition("|")[2]]
        ends = np.fromfile(f"{file}.index", "<u8").tolist()
        ids = np.fromfile(file, dtype)
        assert len(ids) == int(tokens) == ends[-1]
        found += _cut(ids, ends)
    return found


def read_olmo(folder: Path) -> Documents:
    """By the places in .csv.gz; the width is in export.json alone."""
    dtype = json.loads((folder / "export.json").read_text())["dtype"]
    found: Documents = []
    for file in _files(folder, ".npy"):
        ids = np.fromfile(file, np.dtype(dtype).newbyteorder("<"))
        lines = gzip.decompress(file.with_suffix(".csv.gz").read_bytes()).decode().split("\n")
        places = [tuple(map(int, line.split(","))) for line in lines if line]
        assert [start for start, _ in places] == [0, *(end for _, end in places[:-1])]
        assert places[-1][1] == len(ids)
        found += _cut(ids, [end for _, end in places])
    return found


def read_litgpt(folder: Path) -> Documents:
    """Items by the offsets of each chunk of the index."""
    index = json.loads((folder / "index.json").read_text())
    (kind,) = index["config"]["data_format"]
    dtype = {"no_header_tensor:16": np.dtype("<i4"), "no_header_tensor:20": np.dtype("<u2")}[kind]
    found: Documents = []
    for chunk in index["chunks"]:
        content = (folder / chunk["filename"]).read_bytes()
        (items,) = struct.unpack_from("<I", content)
        offsets = np.frombuffer(content, "<u4", items + 1, 4).tolist()
        assert (len(content), offsets[-1], items) == (chunk["chunk_bytes"], len(content), chunk["chunk_size"])
        assert offsets[0] == 4 * (items + 2)
        ids = np.frombuffer(content, dtype, offset=offsets[0])
        assert len(ids) == chunk["dim"]
        found += _cut(ids, [(end - offsets[0]) // dtype.itemsize for end in offsets[1:]])
    return found


def read_mds(folder: Path) -> Documents:
    """Samples by the offsets of each shard of the index."""
    found: Documents = []
    for shard in json.loads((folder / "index.json").read_text())["shards"]:
        content = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(content) == shard["raw_data"]["bytes"]
        (samples,) = struct.unpack_from("<I", content)
        assert samples == shard["samples"]
        dtype = np.dtype(shard["column_encodings"][0].partition(":")[2])
        offsets = np.frombuffer(content, "<u4", samples + 1, 4).tolist()
        settings = json.loads(content[4 * (samples + 2) : offsets[0]])
        assert settings.items() <= shard.items()
        for begin, end in pairwise(offsets):
            size, shape_of = struct.unpack_from("<IB", content, begin)
            assert begin + 4 + size == end
            width = 1 << (shape_of & 3)
            assert shape_of >> 2 == 1
            length = int.from_bytes(content[begin + 5 : begin + 5 + width], "little")
            ids = np.frombuffer(content[begin + 5 + width : end], dtype)
            assert len(ids) == length
            found.append(ids.tolist())
    return found


READERS: dict[str, Callable[[Path], Documents]] = {
    "megatron": read_megatron,
    "datatrove": read_datatrove,
    "olmo": read_olmo,
    "litgpt": read_litgpt,
    "mds": read_mds,
}
