"""Labelled spans of texts: the one form in which labels are projected, whatever columns they come in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Counts
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import offsets_of

LABELLED = pa.list_(
    pa.struct([pa.field("start", pa.int32()), pa.field("end", pa.int32()), pa.field("label", pa.string())])
)
LABEL_FIELDS = ("label", "type", "entity", "entity_type", "tag", "name")  # which field of a span holds its label
OUT_OF_TEXT = "outside_of_the_text"


@dataclass(frozen=True)
class LabelSpans:
    """Labelled spans of a batch of texts, by text and start.

    rows: int64[k]; starts, ends: int64[k], code points of the texts laid end to end (`CodePoints.codes`); labels:
    string[k]; flat: bool[k], the label is one of a token by itself (a part of speech, a language), without a prefix
    that says where it begins.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: pa.Array
    flat: np.ndarray

    def __len__(self) -> int:
        """Number of spans."""
        return len(self.rows)

    def take(self, which: np.ndarray) -> LabelSpans:
        """Some of them: bool[k], or int64 positions."""
        at = np.flatnonzero(which) if which.dtype == bool else which
        return LabelSpans(
            self.rows[at], self.starts[at], self.ends[at], self.labels.take(pa.array(at, pa.int64())), self.flat[at]
        )

    def at(self, starts: np.ndarray, ends: np.ndarray) -> LabelSpans:
        """The same labels elsewhere."""
        return replace(self, starts=starts, ends=ends)

    def in_order(self) -> LabelSpans:
        """By text and start, the longer first."""
        return self.take(np.lexsort((-self.ends, self.starts, self.rows)))


def no_spans() -> LabelSpans:
    """None."""
    none = np.zeros(0, dtype=np.int64)
    return LabelSpans(none, none, none, pa.array([], pa.string()), none.astype(bool))


def join_spans(parts: list[LabelSpans]) -> LabelSpans:
    """Spans of the same texts, one part after the other."""
    rows, starts, ends, flat = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "starts", "ends", "flat")
    )
    return LabelSpans(rows, starts, ends, pa.concat_arrays([part.labels for part in parts]), flat)


def is_span_column(kind: pa.DataType) -> bool:
    """Whether a column is list<struct<start, end, ...>> of whole numbers."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return False
    found = {field.name: field.type for field in kind.value_type}
    return all(name in found and pa.types.is_integer(found[name]) for name in ("start", "end"))


def label_field(kind: pa.DataType) -> str | None:
    """The field of a span that holds its label, if any."""
    names = [field.name for field in kind.value_type if pa.types.is_string(field.type)]
    return next((name for name in LABEL_FIELDS if name in names), None)


def spans_of_column(column: pa.Array, points: CodePoints) -> tuple[LabelSpans, np.ndarray, Counts]:
    """Spans of a column list<struct<start, end, ...>>, in code points of each text; where each stands among all items.

    Those that are empty, null, or not within their text are left out and counted (`OUT_OF_TEXT`).
    """
    items, rows = pc.list_flatten(column), pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    rows = rows.astype(np.int64)
    start, end = (
        pc.fill_null(pc.struct_field(items, name).cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        for name in ("start", "end")
    )
    fits = (start >= 0) & (start < end) & (end <= points.lengths[rows])
    field = label_field(column.type)
    labels = pa.nulls(len(items), pa.string()) if field is None else pc.struct_field(items, field)
    first = points.offsets[rows]
    found = LabelSpans(rows, first + start, first + end, pc.fill_null(labels, ""), np.zeros(len(rows), dtype=bool))
    kept = np.flatnonzero(fits)
    order = kept[np.lexsort((-end[kept], start[kept], rows[kept]))]
    damage = {OUT_OF_TEXT: int(len(rows) - len(kept))} if len(kept) < len(rows) else {}
    return found.take(order), order, damage


def column_of_spans(spans: LabelSpans, points: CodePoints, valid: np.ndarray | None = None) -> pa.Array:
    """list<struct<start, end, label>>[texts] of spans in order; null where not valid (bool[texts])."""
    return listed_spans(
        [
            ((spans.starts - points.offsets[spans.rows]).astype(np.int32), "start"),
            ((spans.ends - points.offsets[spans.rows]).astype(np.int32), "end"),
            (spans.labels, "label"),
        ],
        LABELLED,
        spans.rows,
        len(points),
        valid,
    )


def listed_spans(
    fields: list[tuple[pa.Array | np.ndarray, str]],
    kind: pa.DataType,
    rows: np.ndarray,
    count: int,
    valid: np.ndarray | None = None,
) -> pa.Array:
    """A list column of this type: its fields, the row of each item in order, the number of rows."""
    given = {name: pa.array(values) if isinstance(values, np.ndarray) else values for values, name in fields}
    arrays = [given[field.name].cast(field.type) for field in kind.value_type]
    items = pa.StructArray.from_arrays(arrays, fields=list(kind.value_type))
    offsets = offsets_of(np.bincount(rows, minlength=count))
    mask = None if valid is None or valid.all() else pa.array(~valid)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), items, mask=mask).cast(kind)
