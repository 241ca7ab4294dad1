"""Packs to whole documents, in a pure order: the parts of a split document are joined where its last part lies.

Tokens are held for as long as a part waits for the others of its document. `pack` leaves them within a window of each
other (16 M tokens, 64 MB); where more than `HELD_TOKENS` wait, the oldest go to a file and are read from there. So
memory does not grow with the dataset: 72 bytes for each part that waits, and the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, UserError, first_line
from xlcorpus.pack.packs import PACK_AGAIN, sizes_of, values_of
from xlcorpus.pack.segments import Parts
from xlcorpus.text.draws import id_halves
from xlcorpus.text.ragged import begins_of, offsets_of, sums_in_runs

BLOCK_TOKENS = 1 << 20  # joined and written at once, 4 MB
HELD_TOKENS = 64 << 20  # 256 MB
COLUMNS = ("length", "input_ids", "doc_starts", "doc_ids", "doc_offsets", "doc_lengths")
EPOCHS = "epochs"
# What is known of a part: key of its document, tokens before it and in it and in the document, its number in the order
# of reading, and where its tokens are held.
_PART = np.dtype(
    [(name, np.uint64) for name in ("high", "low")]
    + [(name, np.int64) for name in ("epoch", "offset", "size", "total", "place", "block", "at")]
)
_KEY = ("high", "low", "epoch", "total")  # switched variants of a document share its id, hardly its length


@dataclass(frozen=True)
class Documents:
    """Some documents: int32[tokens] end to end, int64[documents] tokens of each."""

    ids: np.ndarray
    sizes: np.ndarray


@dataclass
class Joiner:
    """Joins the parts of documents, block by block; what it gives does not depend on where blocks are cut.

    where: the dataset, for errors; length: its context length; epochs: whether parts say which use of the document
    they are of; scratch: folder for tokens that wait for long.
    """

    where: Location
    length: int
    epochs: bool
    scratch: Location
    held_tokens: int = HELD_TOKENS
    tokens: int = 0
    _places: int = 0
    _numbers: int = 0
    _waiting: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=_PART))
    _blocks: dict[int, np.ndarray] = field(default_factory=dict)
    _on_disk: set[int] = field(default_factory=set)

    def join(self, batches: Iterable[pa.RecordBatch], block_tokens: int = BLOCK_TOKENS) -> Iterator[Documents]:
        """Whole documents of these packs. Raises IntegrityError where parts are missing or do not fit."""
        read: list[tuple[np.ndarray, np.ndarray]] = []
        tokens = 0
        for batch in batches:
            read.append(self._parts(batch, tokens))
            tokens += len(read[-1][0])
            if tokens >= block_tokens:
                yield self._add(*map(np.concatenate, zip(*read, strict=True)))
                read, tokens = [], 0
        if read:
            yield self._add(*map(np.concatenate, zip(*read, strict=True)))
        if len(self._waiting):
            missing = self._waiting[0]
            raise IntegrityError(
                f"{self.where}: of document {_name(missing)} ({missing['total']:,} tokens) and of "
                f"{len(np.unique(self._waiting[list(_KEY)])) - 1:,} others not all parts are there",
                remedy=PACK_AGAIN,
            )

    def _parts(self, batch: pa.RecordBatch, before: int) -> tuple[np.ndarray, np.ndarray]:
        """int32 ids of the batch, and its parts; before: tokens of the block before them."""
        columns = {"offset": "doc_offsets", "total": "doc_lengths"} | ({"epoch": EPOCHS} if self.epochs else {})
        try:
            laid_out = Parts.of(batch, self.length)
            sizes = laid_out.sizes[~laid_out.padding]
            for column in ("doc_ids", *columns.values()):
                if (sizes_of(batch.column(column)) != sizes_of(batch.column("doc_starts"))).any():
                    raise ValueError(f"of the parts of a pack doc_starts has another number than {column}")
            ids = values_of(batch.column("input_ids"))[0]
            if ids.dtype != np.int32 or not len(ids) == sizes.sum() == np.sum(batch.column("length").to_numpy()):
                raise ValueError("the lengths of packs are not those of their ids")
            halves = id_halves(batch.column("doc_ids").flatten().cast(pa.binary(16)))
        except (pa.ArrowInvalid, ValueError, UserError) as error:
            raise IntegrityError(f"{self.where}: {first_line(error)}", remedy=PACK_AGAIN) from error
        parts = np.zeros(len(sizes), dtype=_PART)
        parts["high"], parts["low"] = halves[:, 0], halves[:, 1]
        for name, column in columns.items():
            parts[name] = values_of(batch.column(column))[0]
        parts["size"] = sizes
        parts["at"] = before + offsets_of(sizes)[:-1]
        parts["place"] = self._places + np.arange(len(parts))
        self._places += len(parts)
        self.tokens += len(ids)
        return ids, parts

    def _add(self, ids: np.ndarray, parts: np.ndarray) -> Documents:
        self._numbers += 1
        parts["block"] = self._numbers
        self._blocks[self._numbers] = ids
        whole = parts["size"] == parts["total"]
        self._check(parts, whole & (parts["offset"] != 0))
        joined, ends, self._waiting = self._complete(np.concatenate([self._waiting, parts[~whole]]))
        found = np.concatenate([parts[whole], joined])
        order = np.lexsort((found["offset"], np.concatenate([parts["place"][whole], ends])))
        found = found[order]
        documents = Documents(self._gather(found), found["total"][found["offset"] == 0])
        self._forget()
        return documents

    def _complete(self, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parts of documents that are complete, the place of the last one read of each, and the parts that wait.

        Parts of a document that is there several times under one key are told apart where they lie one after the
        other; else IntegrityError, or UserError where the shards are of a version that did not say the epoch.
        """
        parts = parts[np.lexsort([parts[name] for name in ("place", *reversed(_KEY))])]
        begins = np.logical_or.reduce([begins_of(parts[name]) for name in _KEY])
        before = sums_in_runs(parts["size"], begins)
        within = before % np.maximum(parts["total"], 1)
        after = within + parts["size"]
        self._check(parts, after > parts["total"])
        copy = np.cumsum(begins | (within == 0)) - 1
        last = after == parts["total"]
        ends = np.full(len(parts), -1, dtype=np.int64)
        ends[copy[last]] = parts["place"][last]
        done = ends[copy] >= 0
        joined, ends = parts[done], ends[copy][done]
        order = np.lexsort((joined["offset"], ends))
        joined, ends = joined[order], ends[order]
        self._check(joined, joined["offset"] != sums_in_runs(joined["size"], begins_of(ends)))
        return joined, ends, parts[~done]

    def _check(self, parts: np.ndarray, wrong: np.ndarray) -> None:
        if not wrong.any():
            return
        part = parts[np.argmax(wrong)]
        where = f"{self.where}: document {_name(part)} ({part['total']:,} tokens)"
        if not self.epochs:
            raise UserError(
                f"{where} is there more than once, and these shards do not say which part is of which copy: they were "
                f"made before packs had the column {EPOCHS}",
                remedy=PACK_AGAIN,
            )
        raise IntegrityError(
            f"{where}: the parts do not follow one another (token {part['offset']:,}); one is missing or there twice",
            remedy=f"{PACK_AGAIN}; where several texts share a doc_id and a length, "
            "with --strategy concatenate, which lays them one after the other",
        )

    def _gather(self, parts: np.ndarray) -> np.ndarray:
        """int32[tokens]: the tokens of these parts, one after the other.

        A slice for each run of parts that lie as they are wanted (0.3 us): an index for each token costs 5 ns, as
        much as 16 tokens of a run.
        """
        at, stops, blocks = parts["at"], parts["at"] + parts["size"], parts["block"]
        begins = np.ones(len(parts), dtype=bool)
        begins[1:] = (at[1:] != stops[:-1]) | (blocks[1:] != blocks[:-1])
        firsts = np.flatnonzero(begins)
        lasts = np.append(firsts[1:], len(parts))[: len(firsts)] - 1
        runs = zip(blocks[firsts].tolist(), at[firsts].tolist(), stops[lasts].tolist(), strict=True)
        none = np.zeros(0, dtype=np.int32)
        return np.concatenate([none, *(self._blocks[block][start:stop] for block, start, stop in runs)])

    def _forget(self) -> None:
        """Let go of blocks for which no part waits; where too many tokens are held, keep the parts alone, on disk."""
        needed = set(self._waiting["block"].tolist())
        for number in [number for number in self._blocks if number not in needed]:
            del self._blocks[number]
            if number in self._on_disk:
                self._on_disk.remove(number)
                storage.remove(self._file(number))
        in_memory = [number for number in self._blocks if number not in self._on_disk]
        if sum(len(self._blocks[number]) for number in in_memory) <= self.held_tokens:
            return
        moved = np.isin(self._waiting["block"], in_memory)
        self._numbers += 1
        file = self._file(self._numbers)
        storage.write_bytes(file, self._gather(self._waiting[moved]).astype("<i4", copy=False).tobytes())
        self._blocks[self._numbers] = np.frombuffer(storage.mapped_buffer(file), dtype="<i4")
        self._on_disk.add(self._numbers)
        self._waiting["at"][moved] = offsets_of(self._waiting["size"][moved])[:-1]
        self._waiting["block"][moved] = self._numbers
        for number in in_memory:
            del self._blocks[number]

    def _file(self, number: int) -> Location:
        return self.scratch / f"waiting-{number}.ids"


def _name(part: np.ndarray) -> str:
    """The doc_id, hex."""
    return np.array([part["high"], part["low"]], dtype=np.uint64).tobytes().hex()


def in_blocks(documents: Iterable[Documents], size: int) -> Iterator[Documents]:
    """The same tokens cut every `size` of them, whatever documents they are of; the last block may be shorter."""
    rest = np.zeros(0, dtype=np.int32)
    for some in documents:
        ids = np.concatenate([rest, some.ids])
        count = len(ids) // size
        if count:
            yield Documents(ids[: count * size], np.full(count, size, dtype=np.int64))
        rest = ids[count * size :]
    if len(rest):
        yield Documents(rest, np.array([len(rest)], dtype=np.int64))


def by_file(documents: Iterable[Documents], token_bytes: int, more: int, most: int) -> Iterator[tuple[int, Documents]]:
    """The documents with the number of the file of each: at most `most` bytes a file, but for one that is larger.

    more: bytes beside its tokens that a document takes.
    """
    number, filled = 0, 0
    for some in documents:
        ends, at = np.cumsum(some.sizes * token_bytes + more), offsets_of(some.sizes)
        start, before = 0, 0
        while start < len(ends):
            stop = int(np.searchsorted(ends, before + most - filled, side="right"))
            if stop <= start and filled:
                number, filled = number + 1, 0
                continue
            stop = max(stop, start + 1)
            yield number, Documents(some.ids[at[start] : at[stop]], some.sizes[start:stop])
            filled += int(ends[stop - 1]) - before
            start, before = stop, int(ends[stop - 1])
