"""Labels of tokens carried from an original to its switched text, through cs_spans; none stays that is of the old one.

Of documents the columns of labels are written anew in their own shape (`tags.columns`). Of sentence pairs the columns
of the side that was switched, `src_tags` say, are read, and `tags` is written beside them: those of the sides stay, for
their texts do. What goes by the words of the original and cannot be carried is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.restore import SIDES
from xlcorpus.dataset.columns import put_columns, text_or_empty
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.result import Counts, add_counts
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import is_pairs
from xlcorpus.tags.aligned import links_of, project_aligned
from xlcorpus.tags.columns import LabelColumns, label_columns, left_out
from xlcorpus.tags.counts import count_labels
from xlcorpus.tags.edits import Edits
from xlcorpus.tags.layers import read_layer, read_units, write_spans, write_tags, write_tokens
from xlcorpus.tags.schemes import named_tags
from xlcorpus.tags.spans import LabelSpans, join_spans
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.ragged import ranges
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import tokens

LOST = "cs_labels_lost"
FROM = "__cs_from"  # where each switched stretch begins in src, code points: list<int32>, for `carry_labels` alone


def carry_labels(
    rows: pa.RecordBatch, features: Features | None = None, *, pairs: bool | None = None
) -> tuple[pa.RecordBatch, Counts]:
    """Switched rows (codeswitch-1) with labels of cs_source, and counts of `tags.counts`.

    features: of the columns, for names of numbers; default: what the schema says. pairs: whether they were pairs; of
    a mix of several kinds the columns do not say it. Rows without columns of labels are as they were. Added where there
    are any: cs_labels_lost (int32), labels that have no place in the switched text. Raises UserError where the two
    sides of pairs have columns of unlike types.
    """
    pairs = is_pairs(rows.schema) if pairs is None else pairs
    dropped = columns_left_out(rows.schema, pairs=pairs)
    rows = rows.select([name for name in rows.schema.names if name not in dropped])
    rows = _of_side(rows, features) if pairs else rows
    columns = label_columns(rows.schema, features=features)
    if not columns:
        return rows, {}
    partners = _Partners.of(rows) if FROM in rows.schema.names else None
    rows = rows.select([name for name in rows.schema.names if name != FROM])
    originals, texts = rows.column("cs_target"), rows.column("cs_source")
    points, switched = code_points(originals), code_points(texts)
    edits = Edits.of(rows.column("cs_spans"), points, switched)
    units = read_units(rows, columns, points)
    into = None if units is None else edits.units(units)
    made: dict[str, pa.Array] = {}
    lost_of = np.zeros(len(rows), dtype=np.int64)
    counts: Counts = {}
    if into is not None and columns.tokens is not None:
        valid = pc.is_valid(rows.column(columns.tokens)).to_numpy(zero_copy_only=False)
        made[columns.tokens] = write_tokens(into, texts, switched, valid)
    for name in columns.layers:
        layer = read_layer(rows, name, columns, points, units)
        moved, lost = edits.labels(layer.spans)
        which = np.flatnonzero(~lost)
        if partners is not None:
            moved, which = partners.add(layer.spans, moved, which, edits)
            lost[which] = False
        lost_of += np.bincount(layer.spans.rows[lost], minlength=len(rows))
        if name in columns.spans:
            made[name] = write_spans(layer, moved, which, texts, switched)
        else:
            assert into is not None
            made[name], _ = write_tags(layer, moved.in_order(), into, edits.touched(layer.unknown))
        add_counts(counts, count_labels(name, layer.spans, lost, rows.column("lang"), layer.damage))
    return put_columns(rows, {**made, LOST: pa.array(lost_of.astype(np.int32))}), counts


def within_labels(batch: pa.RecordBatch, columns: LabelColumns, points: CodePoints, words: Spans) -> np.ndarray:
    """bool[words + 1]: words that a labelled span holds together with the one before; not labels of single tokens.

    columns: of labels of the texts `points`.
    """
    within = np.zeros(len(words) + 1, dtype=bool)
    units = read_units(batch, columns, points)
    for name in columns.layers:
        spans = read_layer(batch, name, columns, points, units).spans
        spans = spans.take(~spans.flat)
        first = np.searchsorted(words.ends, spans.starts, side="right") + 1
        end = np.searchsorted(words.starts, spans.ends, side="left")
        within[ranges(first, np.maximum(end - first, 0))] = True
    return within


@dataclass(frozen=True)
class _Partners:
    """Where words of `tgt` that gave way to a stretch of `src` have their partners in it, by the column align.

    source, target: words of both sides; links: int64[n] twice, target and source words; first: int64[edits], code
    points of the sources end to end, where each stretch begins.
    """

    source: Spans
    target: Spans
    links: tuple[np.ndarray, np.ndarray]
    first: np.ndarray

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> _Partners:
        """Of rows of `align_span.switch_spans`."""
        points = code_points(text_or_empty(rows, "src"))
        source, target = tokens(points), tokens(code_points(rows.column("cs_target")))
        (one, other), _ = links_of(rows.column("align"), source, target)
        starts = rows.column(FROM)
        row = pc.list_parent_indices(starts).to_numpy(zero_copy_only=False)
        first = pc.list_flatten(starts).to_numpy(zero_copy_only=False) + points.offsets[row]
        return cls(source, target, (other, one), first)

    def add(
        self, spans: LabelSpans, moved: LabelSpans, which: np.ndarray, edits: Edits
    ) -> tuple[LabelSpans, np.ndarray]:
        """Spans that were carried, and which they are, with those that lie in a replaced stretch as a whole: they go
        where their words' partners are."""
        edit = np.searchsorted(edits.starts, spans.starts, side="right") - 1
        inside = (edit >= 0) & (edits.rows[edit] == spans.rows) & (spans.ends <= edits.ends[edit])
        inside[which] = False
        within = np.flatnonzero(inside)
        found, lost = project_aligned(spans.take(within), self.target, self.source, self.links)
        within = within[~lost]
        shift = (edits.new_starts - self.first)[edit[within]]
        found = found.at(found.starts + shift, found.ends + shift)
        which = np.concatenate([which, within])
        both = join_spans([moved, found])
        order = np.lexsort((which, -both.ends, both.starts, both.rows))
        return both.take(order), which[order]


def columns_left_out(schema: pa.Schema, *, pairs: bool) -> list[str]:
    """Columns that go by the words of a text that is switched, and that cannot be carried; of pairs, columns of labels
    that do not say of which side they are."""
    columns = label_columns(schema)
    return list(columns.all) if pairs else list(columns.bound)


def said_of(schema: pa.Schema, where: str) -> list[str]:
    """Lines for the user on columns that are left out."""
    pairs = is_pairs(schema)
    why = (
        "they do not say of which side they are; name them src_ or tgt_" if pairs else "they are of the original alone"
    )
    return left_out("codeswitch", columns_left_out(schema, pairs=pairs), where, why)


def _of_side(rows: pa.RecordBatch, features: Features | None) -> pa.RecordBatch:
    """Pairs with the labels of the side that was switched, without its prefix; tags by name."""
    both = {side: label_columns(rows.schema, f"{side}_", features) for side in SIDES}
    names = list(dict.fromkeys(name.removeprefix(f"{side}_") for side in SIDES for name in _carried(both[side])))
    if not names:
        return rows
    target = (
        pc.equal(rows.column("cs_side"), "tgt").to_numpy(zero_copy_only=False)
        if "cs_side" in rows.schema.names
        else np.ones(len(rows), dtype=bool)
    )
    return put_columns(rows, {name: _either(name, _values(rows, both, name), target) for name in names})


def _carried(columns: LabelColumns) -> Sequence[str]:
    return (*((columns.tokens,) if columns.tokens else ()), *columns.layers)


def _values(rows: pa.RecordBatch, both: dict[str, LabelColumns], name: str) -> list[pa.Array | None]:
    found: list[pa.Array | None] = []
    for side, columns in both.items():
        column = f"{side}_{name}"
        if column not in _carried(columns):
            found.append(None)
        elif column in columns.names:
            found.append(named_tags(rows.column(column), columns.names[column])[0])
        else:
            found.append(rows.column(column))
    return found


def _either(name: str, values: list[pa.Array | None], target: np.ndarray) -> pa.Array:
    types = [column.type for column in values if column is not None]
    if types[0] != types[-1]:
        raise UserError(
            f"src_{name} is {types[0]} and tgt_{name} is {types[-1]}: the switched text may be of either side",
            remedy="give both columns the same type, or leave out one of them",
        )
    source, other = (pa.nulls(len(target), types[0]) if column is None else column for column in values)
    return pa.concat_arrays([source, other]).take(pa.array(np.arange(len(target)) + target * len(target)))
