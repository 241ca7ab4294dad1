"""mosaicml-streaming and litdata over the tokens of packs: run by `benchmarks.loader` in an interpreter that has them.

`python loader_peers.py write|read KIND SHARDS FOLDER LENGTH BATCH`: writes the packs of Parquet files, filled up with
0, in the peer's format, or reads them three times as int64[BATCH, LENGTH]; prints the CPU seconds of each epoch.
"""

from __future__ import annotations

import functools
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

EPOCHS = 3


def packs(shards: Path, length: int) -> Iterator[np.ndarray]:
    """uint16[length] of each pack."""
    for path in sorted(shards.glob("*.parquet")):
        for row in pq.read_table(path, columns=["input_ids"]).column(0):
            ids = np.zeros(length, dtype=np.uint16)
            found = row.values.to_numpy()
            ids[: len(found)] = found
            yield ids


def write_mds(shards: Path, folder: Path, length: int) -> None:
    """MDS, uncompressed."""
    from streaming import MDSWriter

    with MDSWriter(out=str(folder), columns={"ids": f"ndarray:uint16:{length}"}) as writer:
        for ids in packs(shards, length):
            writer.write({"ids": ids})


def write_litdata(shards: Path, folder: Path, length: int) -> None:
    """Chunks of tokens, uncompressed."""
    from litdata import TokensLoader, optimize

    read = functools.partial(tensors, length=length)
    optimize(read, [str(shards)], str(folder), chunk_bytes="64MB", item_loader=TokensLoader(), num_workers=1)


def tensors(shards: str, length: int) -> Iterator[torch.Tensor]:
    """int32[length] of each pack, for litdata's worker."""
    for ids in packs(Path(shards), length):
        yield torch.from_numpy(ids.astype(np.int32))


def stacked(rows: Iterable[Any], batch: int) -> Iterator[torch.Tensor]:
    """int64[batch, length]"""
    held: list[Any] = []
    for row in rows:
        held.append(row)
        if len(held) == batch:
            yield torch.from_numpy(np.stack(held).astype(np.int64))
            held = []


def mosaic(folder: Path, length: int, batch: int, *, ahead: int | None) -> Callable[[], Any]:
    """Batches of StreamingDataset; ahead: `predownload`, None: ds[i] in order, without its threads."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    dataset = StreamingDataset(local=str(folder), batch_size=batch, predownload=ahead, shuffle=False)
    if ahead is None:
        return lambda: stacked((dataset[place]["ids"] for place in range(len(dataset))), batch)
    return lambda: stacked((sample["ids"] for sample in dataset), batch)


def litdata(folder: Path, length: int, batch: int) -> Callable[[], Any]:
    """Batches of StreamingDataset with TokensLoader, blocks of one length."""
    from litdata import StreamingDataset, TokensLoader

    dataset = StreamingDataset(str(folder), item_loader=TokensLoader(block_size=length))

    def batches() -> Iterator[torch.Tensor]:
        held: list[torch.Tensor] = []
        for row in dataset:
            held.append(row)
            if len(held) == batch:
                yield torch.stack(held).to(torch.int64)
                held = []

    return batches


READERS: dict[str, Callable[..., Callable[[], Any]]] = {
    "mosaicml": lambda *given: mosaic(*given, ahead=40_000),
    "mosaicml ds[i]": lambda *given: mosaic(*given, ahead=None),
    "litdata": litdata,
}


def measure(batches: Callable[[], Iterable[Any]], ids_of: Callable[[Any], torch.Tensor]) -> dict[str, Any]:
    """CPU seconds, wall seconds and cells of each epoch, and the peak of memory in bytes."""
    figures: list[dict[str, float]] = []
    for _ in range(EPOCHS):
        began, clock, cells = time.process_time(), time.perf_counter(), 0
        for one in batches():
            ids = ids_of(one)
            cells += ids.numel()
        seconds, wall = time.process_time() - began, time.perf_counter() - clock
        figures.append({"cpu": seconds, "wall": wall, "cells": cells})
    return {"epochs": figures, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main(arguments: list[str]) -> None:
    """Write, or read and print JSON."""
    action, kind = arguments[:2]
    shards, folder = map(Path, arguments[2:4])
    length, batch = map(int, arguments[4:6])
    torch.set_num_threads(1)
    if action == "write":
        shutil.rmtree(folder, ignore_errors=True)
        (write_mds if kind == "mosaicml" else write_litdata)(shards, folder, length)
        return
    print(json.dumps(measure(READERS[kind](folder, length, batch), lambda ids: ids)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
