"""Positions carried over edits of a text: from an original to the text with stretches replaced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.tags.spans import LabelSpans
from xlcorpus.tags.tokens import Units
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints


@dataclass(frozen=True)
class Edits:
    """What was replaced in a batch of texts, in order.

    original, switched: the texts; rows: int64[k]; starts, ends: int64[k], code points of the originals end to end;
    new_starts, new_ends: of the switched texts, without the spaces that keep a new word from running into a neighbour;
    outer_ends: with them.
    """

    original: CodePoints
    switched: CodePoints
    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    new_starts: np.ndarray
    new_ends: np.ndarray
    outer_ends: np.ndarray

    @classmethod
    def of(cls, spans: pa.Array, original: CodePoints, switched: CodePoints) -> Edits:
        """From a column cs_spans of switched texts."""
        items, rows = pc.list_flatten(spans), pc.list_parent_indices(spans).to_numpy(zero_copy_only=False)
        rows = rows.astype(np.int64)

        def whole(values: pa.Array) -> np.ndarray:
            return values.to_numpy(zero_copy_only=False).astype(np.int64)

        outer, outer_ends = (whole(pc.struct_field(items, name)) for name in ("start", "end"))
        old, new = (whole(pc.utf8_length(pc.struct_field(items, name))) for name in ("src_token", "new_token"))
        grown = (outer_ends - outer) - old
        earlier = np.cumsum(grown) - grown
        head = np.searchsorted(rows, np.arange(len(original)))  # the first edit of each text
        earlier -= np.append(earlier, 0)[np.minimum(head, len(rows))][rows] if len(rows) else earlier
        starts = outer - earlier + original.offsets[rows]
        first = switched.offsets[rows] + outer
        # At most one space at either side; that before is there where the new word does not begin the stretch.
        more = outer_ends - outer - new
        begins = switched.codes.take(first, mode="clip") if len(switched.codes) else first
        before = np.where(more == 2, 1, (more == 1) & (begins == 0x20))
        inner = first + before
        return cls(
            original, switched, rows, starts, starts + old, inner, inner + new, switched.offsets[rows] + outer_ends
        )

    def move(self, rows: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Moved:
        """Where spans (int64[n], code points of the originals end to end) are in the switched texts.

        A border inside of a replaced stretch has no place: it is moved to the edge of the stretch, outwards. What
        replaces nothing (an insertion) is inside of a span that begins there, and outside of one that ends there.
        """
        shift = self.switched.offsets[rows] - self.original.offsets[rows]
        none = np.full(len(rows), -1, dtype=np.int64)
        if not len(self.rows):
            return Moved(starts + shift, ends + shift, none, none)

        def last_before(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            last = np.searchsorted(self.starts, at, side="left") - 1
            return last, (last >= 0) & (self.rows[last] == rows)

        last, mine = last_before(starts)
        begin = np.where(mine, self.outer_ends[last] + starts - self.ends[last], starts + shift)
        following = np.minimum(last + 1, len(self.rows) - 1)
        at_edit = (self.rows[following] == rows) & (self.starts[following] == starts) & (last + 1 < len(self.rows))
        begin = np.where(at_edit, self.new_starts[following], begin)
        first_edit = np.where(mine & (self.ends[last] > starts), last, -1)
        begin = np.where(first_edit >= 0, self.new_starts[last], begin)

        last, mine = last_before(ends)
        stop = np.where(mine, self.outer_ends[last] + ends - self.ends[last], ends + shift)
        stop = np.where(mine & (self.ends[last] >= ends), self.new_ends[last], stop)
        last_edit = np.where(mine & (self.ends[last] > ends), last, -1)
        return Moved(begin, stop, first_edit, last_edit)

    def units(self, units: Units) -> Units:
        """Tokens of the switched texts: those of the originals moved; what replaced several of them, or a token by
        several words, is cut at white space."""
        at = np.flatnonzero(units.placed)
        rows = units.rows[at]
        moved = self.move(rows, units.starts[at], units.ends[at])
        size = len(self.switched.codes)
        steps = np.zeros(size + 1, dtype=np.int64)
        np.add.at(steps, moved.starts, 1)
        np.add.at(steps, moved.ends, -1)
        inside = np.cumsum(steps)[:size] > 0
        edited = np.zeros(size + 1, dtype=np.int64)
        np.add.at(edited, self.new_starts, 1)
        np.add.at(edited, self.new_ends, -1)
        inside &= ~((np.cumsum(edited)[:size] > 0) & properties.whitespace().take(self.switched.codes))
        cut = np.zeros(size + 1, dtype=bool)
        cut[moved.starts[moved.first_edit < 0]] = True
        cut[moved.ends[moved.last_edit < 0]] = True
        cut[self.switched.offsets] = True
        before = np.append(False, inside)
        starts = np.flatnonzero(inside & (~before[:-1] | cut[:-1]))
        ends = np.flatnonzero(before & (~np.append(inside, False) | cut))
        offsets = np.searchsorted(starts, self.switched.offsets).astype(np.int64)
        return Units(offsets, starts, ends, np.ones(len(starts), dtype=bool))

    def labels(self, spans: LabelSpans) -> tuple[LabelSpans, np.ndarray]:
        """Spans in the switched texts, and which of the given ones (bool[k]) could not be carried.

        A span with a border inside of a replaced stretch is not carried. A label of single tokens is where all tokens
        that the stretch took the place of have the same.
        """
        moved = self.move(spans.rows, spans.starts, spans.ends)
        lost = (moved.first_edit >= 0) | (moved.last_edit >= 0)
        alone = np.flatnonzero(lost & spans.flat)
        if len(alone):
            codes = spans.labels.dictionary_encode().indices.to_numpy(zero_copy_only=False)[alone]
            ends = [(moved.first_edit[alone], codes), (moved.last_edit[alone], codes)]
            low, high = np.full(len(self.rows), np.iinfo(np.int64).max), np.full(len(self.rows), -1)
            for edit, code in ends:
                np.minimum.at(low, edit[edit >= 0], code[edit >= 0])
                np.maximum.at(high, edit[edit >= 0], code[edit >= 0])
            same = np.append(low == high, True)  # the last is of borders that are in no stretch
            lost[alone] = ~(same[moved.first_edit[alone]] & same[moved.last_edit[alone]])
        lost |= moved.starts >= moved.ends  # replaced by nothing
        return spans.at(moved.starts, moved.ends).take(~lost), lost

    def touched(self, spans: LabelSpans) -> LabelSpans:
        """Spans in the switched texts, with all of each stretch that they have a part of."""
        moved = self.move(spans.rows, spans.starts, spans.ends)
        return spans.at(moved.starts, moved.ends).take(moved.starts < moved.ends)


@dataclass(frozen=True)
class Moved:
    """Spans after edits: starts, ends (int64[n], code points of the switched texts end to end); first_edit, last_edit:
    the edit that has the border inside of it, -1 for none."""

    starts: np.ndarray
    ends: np.ndarray
    first_edit: np.ndarray
    last_edit: np.ndarray
