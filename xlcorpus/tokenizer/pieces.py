"""Rows of texts and special ids in turn, and the ids they become: special ids stand beside the texts, never in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.ragged import begins_of, offsets_of, ranges, rows_of

TEXT = -1  # in the place of a special id


@dataclass(frozen=True)
class Pieces:
    """Rows of pieces.

    texts: string[pieces], '' where one is a special id; specials: int32[pieces], TEXT where one is a text; offsets:
    int64[rows + 1], of the pieces of each row; trained: bool[pieces], whether the loss counts; None: everywhere.
    Texts that follow one another in a row are one text, which is cut as a whole.
    """

    texts: pa.Array
    specials: np.ndarray
    offsets: np.ndarray
    trained: np.ndarray | None = None

    @property
    def special_counts(self) -> np.ndarray:
        """int64[rows]: special ids of each row."""
        return np.diff(offsets_of(self.specials != TEXT)[self.offsets])

    def row_texts(self) -> pa.Array:
        """string[rows]: the texts of each row end to end."""
        return joined(self.texts, self.offsets)

    def runs(self) -> Runs:
        """The rows as special ids and whole texts."""
        row, special = rows_of(self.offsets), self.specials != TEXT
        begins = begins_of(row) | special
        begins[1:] |= special[:-1]
        at = np.flatnonzero(begins)
        borders = np.append(at, len(begins))
        return Runs(
            joined(self.texts, borders), self.specials[at], np.searchsorted(at, self.offsets).astype(np.int64), borders
        )


@dataclass(frozen=True)
class Runs:
    """Special ids and texts of rows, no two texts side by side.

    texts, specials, offsets: as of `Pieces`; borders: int64[runs + 1], of the pieces that each is made of.
    """

    texts: pa.Array
    specials: np.ndarray
    offsets: np.ndarray
    borders: np.ndarray


@dataclass(frozen=True)
class Encoded:
    """ids: int32[n], end to end; offsets: int64[rows + 1]; trained: bool[n], None: all of them."""

    ids: np.ndarray
    offsets: np.ndarray
    trained: np.ndarray | None = None


def joined(texts: pa.Array, offsets: np.ndarray) -> pa.Array:
    """string[rows]: the texts offsets[i]:offsets[i + 1] end to end."""
    if len(texts) == len(offsets) - 1 and (np.diff(offsets) == 1).all():
        return texts
    wide = texts.cast(pa.large_string())
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), wide)
    return pc.binary_join(lists, pa.scalar("", pa.large_string())).cast(texts.type)


def interleave(runs: Runs, ids: np.ndarray, offsets: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ids of all runs end to end (int32), and int64[runs + 1]; ids and offsets: of the texts, which are the runs
    `places`."""
    sizes = np.ones(len(runs.specials), dtype=np.int64)
    sizes[places] = np.diff(offsets)
    ends = offsets_of(sizes)
    found = np.empty(int(ends[-1]), dtype=np.int32)
    special = runs.specials != TEXT
    found[ends[:-1][special]] = runs.specials[special]
    found[ranges(ends[places], sizes[places])] = ids
    return found, ends


def overlapping(starts: np.ndarray, ends: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """bool[n]: which of the stretches starts[i]:ends[i] overlap one of first[k]:last[k], ascending and apart."""
    if not len(first):
        return np.zeros(len(starts), dtype=bool)
    next_one = np.searchsorted(last, starts, side="right")
    found: np.ndarray = (next_one < len(first)) & (first[np.minimum(next_one, len(first) - 1)] < ends)
    return found


def stretches(flags: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last places of the pieces that are flagged (bool[pieces]), those that touch as one; pieces without a
    place of their own left out. offsets: int64[pieces + 1], ascending."""
    flags = flags & (np.diff(offsets) > 0)
    at = np.flatnonzero(flags)
    first, last = offsets[:-1][at], offsets[1:][at]
    apart = np.ones(len(at), dtype=bool)
    apart[1:] = first[1:] != last[:-1]
    return first[apart], last[np.append(apart[1:], True)] if len(at) else last


def with_around(pieces: Pieces, before: Sequence[int], after: Sequence[int]) -> Pieces:
    """The rows with these ids before and after them, but for rows that begin or end with a special id of their own."""
    sizes = np.diff(pieces.offsets)
    some = np.flatnonzero(sizes)
    first, last = pieces.offsets[:-1][some], pieces.offsets[1:][some] - 1
    rows_begun = some[pieces.specials[first] == TEXT] if before else some[:0]
    rows_ended = some[pieces.specials[last] == TEXT] if after else some[:0]
    if not len(rows_begun) + len(rows_ended):
        return pieces
    added_before, added_after = np.zeros((2, len(sizes)), dtype=np.int64)
    added_before[rows_begun], added_after[rows_ended] = len(before), len(after)
    offsets = offsets_of(added_before + sizes + added_after)
    old = ranges(offsets[:-1] + added_before, sizes)
    source = np.full(int(offsets[-1]), len(pieces.specials), dtype=np.int64)
    source[old] = np.arange(len(pieces.specials))
    texts = pa.concat_arrays([pieces.texts, pa.array([""], pieces.texts.type)]).take(pa.array(source))
    specials = np.append(pieces.specials, np.int32(TEXT))[source]
    begins = offsets[:-1][rows_begun]
    ends = offsets[1:][rows_ended] - len(after)
    trained = None
    if pieces.trained is not None:
        trained = np.append(pieces.trained, False)[source]
    for places, ids, beside in (
        (begins, before, pieces.offsets[:-1][rows_begun]),
        (ends, after, pieces.offsets[1:][rows_ended] - 1),
    ):
        for at, number in enumerate(ids):
            specials[places + at] = number
            if trained is not None and pieces.trained is not None:
                trained[places + at] = pieces.trained[beside]  # the end of an answer is part of it
    return Pieces(texts, specials, offsets, trained)


def rows_of_pieces(pieces: Pieces, rows: np.ndarray) -> Pieces:
    """These rows alone."""
    sizes = np.diff(pieces.offsets)[rows]
    at = ranges(pieces.offsets[rows], sizes)
    trained = None if pieces.trained is None else pieces.trained[at]
    return Pieces(pieces.texts.take(pa.array(at)), pieces.specials[at], offsets_of(sizes), trained)
