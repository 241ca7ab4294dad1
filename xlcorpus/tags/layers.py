"""Labels of a batch read from its columns, whatever their shape, and written in the same shape for another text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Counts
from xlcorpus.tags.columns import LabelColumns
from xlcorpus.tags.schemes import NUMBER, STYLES, Decoded, decode, encode, named_tags, style_of, unknown_spans
from xlcorpus.tags.spans import LabelSpans, label_field, listed_spans, no_spans, spans_of_column
from xlcorpus.tags.tokens import Units, cut_out, place_tokens
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import sums_before

# Fields of a span that repeat the stretch of the text, and those that count tokens, which are others now (Prodigy's).
_SURFACE = frozenset({"text", "surface", "mention", "word", "form"})
_TOKEN_NUMBERS = frozenset({"token_start", "token_end", "start_token", "end_token"})


@dataclass(frozen=True)
class Layer:
    """The labels of one column.

    column: its values; spans: its labels; unknown: tokens without a tag (null, `_`), as spans; valid: bool[texts], what
    is not null; damage: counts by name. decoded: of tags; items: of spans in characters, where each stands among all
    items of the column. names: of numbers.
    """

    column: pa.Array
    spans: LabelSpans
    unknown: LabelSpans
    valid: np.ndarray
    damage: Counts
    decoded: Decoded | None = None
    items: np.ndarray | None = None
    names: Sequence[str] | None = None


def read_units(batch: pa.RecordBatch, columns: LabelColumns, points: CodePoints) -> Units | None:
    """The tokens of the column tokens in the texts; None where there is no such column."""
    return None if columns.tokens is None else place_tokens(points, batch.column(columns.tokens))


def read_layer(
    batch: pa.RecordBatch, name: str, columns: LabelColumns, points: CodePoints, units: Units | None
) -> Layer:
    """One column of labels of texts. units: of `read_units`."""
    column = batch.column(name)
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    if name in columns.spans:
        spans, items, damage = spans_of_column(column, points)
        return Layer(column, spans, no_spans(), valid, damage, items=items)
    assert units is not None
    names = columns.names.get(name)
    tags, wrong = named_tags(column, names)
    decoded = decode(units, tags)
    if names is not None:  # what is written has to be among them
        decoded = replace(decoded, styles=np.full_like(decoded.styles, list(STYLES).index(style_of(names))))
    damage = {**decoded.damage, **({NUMBER: wrong} if wrong else {})}
    unknown = unknown_spans(units, decoded.unknown)
    return Layer(column, decoded.spans, unknown, valid, damage, decoded=decoded, names=names)


def write_tags(
    layer: Layer, spans: LabelSpans, units: Units, unknown: LabelSpans, *, numbers: bool = True
) -> tuple[pa.Array, Counts]:
    """Spans as tags of these tokens, in the style and type of the layer; null where its column is.

    unknown: where nothing is said of tokens (`Layer.unknown`), in this text. numbers: as numbers where the column holds
    such, otherwise by name.
    """
    assert layer.decoded is not None
    tags, damage = encode(units, spans, layer.decoded.styles, layer.decoded.outside, layer.valid, unknown)
    kind = layer.column.type.value_type
    if not numbers or not pa.types.is_integer(kind):
        return tags, damage
    values = tags.flatten() if tags.null_count else tags.values
    if layer.names is None:
        found = values.cast(kind)
    else:
        found = pc.index_in(values, pa.array(list(layer.names), pa.string())).cast(kind)
    # What stands behind a null list is no item: the offsets are made anew.
    sizes = pc.fill_null(pc.list_value_length(tags), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(sums_before(sizes).astype(np.int32))
    mask = pc.is_null(tags) if tags.null_count else None
    return pa.ListArray.from_arrays(offsets, found, mask=mask).cast(layer.column.type), damage


def write_spans(layer: Layer, spans: LabelSpans, which: np.ndarray, texts: pa.Array, points: CodePoints) -> pa.Array:
    """Spans of other texts in the type of the layer's column: start and end anew, all else as it was.

    which: int64[k], the place of each span among the layer's own; texts, points: the texts they are of. A field `text`
    (surface, ...) becomes the stretch of the new text, `token_start` and its like null. Null where the layer's column
    is.
    """
    assert layer.items is not None
    items = pc.list_flatten(layer.column).take(pa.array(layer.items[which]))
    kind = layer.column.type
    first = points.offsets[spans.rows]
    fields: list[tuple[pa.Array | np.ndarray, str]] = []
    for field in kind.value_type:
        if field.name in ("start", "end"):
            fields.append(((spans.starts if field.name == "start" else spans.ends) - first, field.name))
        elif field.name in _TOKEN_NUMBERS:
            fields.append((pa.nulls(len(spans), field.type), field.name))
        elif field.name in _SURFACE and field.name != label_field(kind) and pa.types.is_string(field.type):
            fields.append((cut_out(texts, points, spans.starts, spans.ends), field.name))
        else:
            fields.append((pc.struct_field(items, field.name), field.name))
    return listed_spans(fields, kind, spans.rows, len(points), layer.valid)


def write_tokens(units: Units, texts: pa.Array, points: CodePoints, valid: np.ndarray) -> pa.Array:
    """list<string>[texts]: the tokens themselves; null where not valid."""
    tokens = cut_out(texts, points, units.starts, units.ends)
    offsets = pa.array(units.offsets.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, tokens, mask=None if valid.all() else pa.array(~valid))
