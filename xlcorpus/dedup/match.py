"""Match signatures over all shards, in one place: which texts are copies, and which others must be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import write_beside
from xlcorpus.dataset.columns import fixed_binary
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.candidates import Components, star_edges
from xlcorpus.dedup.sets import MOST_ROWS
from xlcorpus.dedup.sign import band_name, read_signed
from xlcorpus.errors import UserError
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import begins_of, heads_of, offsets_of

MOST_TEXTS = 1 << 31  # their numbers have 32 bits
GROUP_SHINGLES = 1 << 22  # of texts that are compared on one worker: 32 MB; more where a component has more
BLOCK_SHINGLES = 1 << 20  # in memory at once: 8 MB; more where a text has more


@dataclass(frozen=True)
class Matched:
    """What `MatchShards` found: candidates, with copies; of each group the first seat of each block, and the end."""

    candidates: int
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class MatchShards:
    """One worker, from the signatures of all shards: candidates, best first, and where each is to be compared.

    Of each text a few 8-byte numbers are in memory at once, 175 bytes in all (`benchmarks.dedup`).
    rows, paths: of each shard; bands: in a signature, without that of the content.
    """

    folder: Location
    rows: Mapping[int, int]
    paths: Mapping[int, Location]
    bands: int

    def __call__(self, number: int, content: None) -> Matched:
        """Writes the candidates and, for each shard, the seats of those that are to be compared."""
        labels = self._components()
        candidates = np.flatnonzero(np.bincount(labels, minlength=1)[labels] > 1)
        labels = labels[candidates]
        ids = self._signed("doc_id", candidates).view(np.uint64).reshape(-1, 2)
        ranks = self._signed("rank", candidates)
        # The highest rank first, then the smallest id, then the first row.
        order = np.lexsort((ids[:, 1].byteswap(), ids[:, 0].byteswap(), -ranks))
        del ranks
        ids, candidates, labels = ids[order], candidates[order], labels[order]
        leaders = _first_copies(labels, self._signed("digest", candidates))
        shingles = self._signed("shingles", candidates)
        seats = _seated(labels, leaders == np.arange(len(leaders)), shingles)
        self._write_candidates(candidates, ids, leaders, seats)
        self._write_seats(candidates, labels, seats)
        return Matched(len(candidates), seats.bounds)

    def _components(self) -> np.ndarray:
        """int32[texts]: those that share a band are connected. Raises UserError where two texts have one doc_id."""
        found = Components(sum(self.rows.values()))
        for band in range(self.bands + 1):
            found.add(*star_edges(read_signed(self.folder, self.rows, band_name(band))))
        labels = found.labels()
        self._check_ids(labels)
        return labels

    def _check_ids(self, labels: np.ndarray) -> None:
        half = read_signed(self.folder, self.rows, "doc_id").view(np.uint64)[::2].copy()
        one, other = star_edges(half)
        if not len(one):
            return
        ids = read_signed(self.folder, self.rows, "doc_id")
        digests = read_signed(self.folder, self.rows, "digest")
        odd = (ids[one] == ids[other]) & ((digests[one] != digests[other]) | (labels[one] != labels[other]))
        if odd.any():
            first = int(np.flatnonzero(odd)[0])
            raise UserError(
                f"{odd.sum():,} documents have the doc_id of another one and are no copy of it: "
                f"{self._place(int(one[first]))} and {self._place(int(other[first]))} are both "
                f"{bytes(ids[one[first]]).hex()}",
                remedy="a cluster is named by an id: ingest what is in there once, or each with a --source of its own",
            )

    def _place(self, text: int) -> str:
        starts = offsets_of(np.fromiter(self.rows.values(), dtype=np.int64))
        shard = int(np.searchsorted(starts, text, side="right")) - 1
        return f"row {text - starts[shard]} of {self.paths[list(self.rows)[shard]]}"

    def _signed(self, name: str, wanted: np.ndarray) -> np.ndarray:
        """A column of the signatures, of these texts in this order."""
        return read_signed(self.folder, self.rows, name)[wanted]

    def _write_candidates(self, candidates: np.ndarray, ids: np.ndarray, leaders: np.ndarray, seats: _Seats) -> None:
        columns = [pa.array(candidates), fixed_binary(ids), pa.array(leaders), pa.array(seats.group)]
        table = pa.RecordBatch.from_arrays(columns, names=["text", "doc_id", "leader", "group"])
        write_beside(candidates_file(self.folder), table)

    def _write_seats(self, candidates: np.ndarray, labels: np.ndarray, seats: _Seats) -> None:
        chosen = np.flatnonzero(seats.group >= 0)
        chosen = chosen[np.argsort(candidates[chosen], kind="stable")]
        texts = candidates[chosen]
        columns = [labels[chosen], seats.group[chosen], seats.block[chosen], seats.seat[chosen]]
        starts = offsets_of(np.fromiter(self.rows.values(), dtype=np.int64))
        cuts = np.searchsorted(texts, starts)
        for number, start, first, last in zip(self.rows, starts, cuts, cuts[1:], strict=False):
            part = [texts[first:last] - start, *(column[first:last] for column in columns)]
            arrays = [pa.array(column.astype(np.int32)) for column in part]
            write_beside(
                seats_file(self.folder, number),
                pa.RecordBatch.from_arrays(arrays, names=["row", "label", "group", "block", "seat"]),
            )


@dataclass(frozen=True)
class _Seats:
    """Of each candidate, int32: its group (-1: it need not be compared), its block in the group, its seat there.

    bounds: of each group the first seat of each block, and the end.
    """

    group: np.ndarray
    block: np.ndarray
    seat: np.ndarray
    bounds: tuple[tuple[int, ...], ...]


def _first_copies(labels: np.ndarray, digests: np.ndarray) -> np.ndarray:
    """int64[candidates]: of each the first one (its leader) of the same content in its component."""
    halves = digests.view(np.uint64).reshape(-1, 2)
    key = halves[:, 0] ^ mix(labels.astype(np.uint64))
    order = np.argsort(key, kind="stable")
    leaders = np.empty(len(order), dtype=np.int64)
    leaders[order] = order[heads_of(begins_of(key[order]) | begins_of(halves[order, 1]))]
    return leaders


def _seated(labels: np.ndarray, leads: np.ndarray, shingles: np.ndarray) -> _Seats:
    """Seats, best first, for those of each content that leads it, of components with more than one content.

    Components stay whole, and go to groups in the order of their best. A text without shingles is like no other one.
    """
    leads = leads & (shingles > 0)
    leads[leads] = np.bincount(labels[leads], minlength=1)[labels[leads]] > 1
    chosen = np.flatnonzero(leads)
    weights = shingles[chosen].astype(np.int64)
    _, first, component = np.unique(labels[chosen], return_index=True, return_inverse=True)
    by_best = np.argsort(first)
    heavy = np.bincount(component, weights, minlength=len(first)).astype(np.int64)[by_best]
    group_of = np.empty(len(first), dtype=np.int64)
    group_of[by_best] = _cut(heavy, np.zeros(len(heavy), dtype=np.int64), GROUP_SHINGLES, len(chosen) + 1)
    group = group_of[component]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max(initial=-1) + 2))
    seat = np.arange(len(order)) - np.repeat(starts[:-1], np.diff(starts))
    block = _cut(weights[order], group[order], BLOCK_SHINGLES, MOST_ROWS)
    begins = np.flatnonzero(begins_of(block))
    bounds = []
    for start, end in zip(starts.tolist(), starts[1:].tolist(), strict=False):
        bounds.append((*(begins[slice(*np.searchsorted(begins, [start, end]))] - start).tolist(), end - start))
    block -= block[np.repeat(starts[:-1], np.diff(starts))]
    columns = np.full((3, len(labels)), -1, dtype=np.int32)
    columns[:, chosen[order]] = group[order], block, seat
    return _Seats(columns[0], columns[1], columns[2], tuple(bounds))


def _cut(weights: np.ndarray, groups: np.ndarray, most: int, most_items: int) -> np.ndarray:
    """int64[n]: consecutive items in parts of at most `most` in weight (one of more stands alone) and `most_items`."""
    part = np.empty(len(weights), dtype=np.int64)
    before = offsets_of(weights)
    ends = np.append(np.flatnonzero(np.diff(groups)) + 1, len(groups))
    first = number = 0
    while first < len(weights):
        last = int(np.searchsorted(before, before[first] + most, side="right")) - 1
        last = min(max(last, first + 1), first + most_items, int(ends[np.searchsorted(ends, first, side="right")]))
        part[first:last] = number
        first, number = last, number + 1
    return part


def candidates_file(folder: Location) -> Location:
    """All candidates, best first."""
    return folder / "candidates.arrow"


def seats_file(folder: Location, number: int) -> Location:
    """The candidates of shard `number` that are to be compared, by row."""
    return folder / f"{number:05d}.seats.arrow"
