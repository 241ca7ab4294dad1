"""Rows for token classification: ids of a text with the special ids around it, and a label for each of them.

The label of a word is at its first piece, or at all of its pieces (`--label-pieces`); what has none is -100, as the
special ids are. Words are those of the column tokens, else words and signs of the text (of scripts without spaces its
characters). A piece in which several words begin has the label of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import put_columns, sum_by, text_column, text_or_empty
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.kept import ROW
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.decision_rows import document_ids, for_decisions
from xlcorpus.pack.label_ids import IGNORED, LabelIds
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.sides import VIEWS, no_side_counts, rooms_of
from xlcorpus.pack.token_documents import frame
from xlcorpus.pack.tokenize import NO_TOKENS, STEP_NAME, TOO_LONG
from xlcorpus.tags.columns import SIDES, LabelColumns, label_columns
from xlcorpus.tags.counts import DAMAGE
from xlcorpus.tags.layers import read_layer, read_units
from xlcorpus.tags.schemes import STYLES, owners, tags_of
from xlcorpus.tags.spans import LabelSpans
from xlcorpus.tags.tokens import Units, units_of_text
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, byte_lengths, code_points
from xlcorpus.text.ragged import copy_spans, offsets_of, rows_of
from xlcorpus.tokenizer.tokenizer import Places, Tokenizer

VIEW = "labels"


@dataclass(frozen=True)
class LabelSource:
    """Which columns a row is made of: text and its language; column: the labels; columns: all of that text."""

    text: str
    lang: str
    column: str
    columns: LabelColumns


def label_source(schema: pa.Schema, wanted: str | None, where: str = "this batch") -> LabelSource:
    """The columns of labels that are meant (wanted: --label-column), with their text.

    Of sentence pairs a column names its side: `tgt_tags`. Raises UserError where there is none, or it is not certain.
    """
    names = schema.names
    whole, pairs = label_columns(schema), {"src", "tgt"} <= set(names)
    found = [whole] if {"text", "cs_source"} & set(names) else []
    if pairs and not (wanted is None and found and whole.layers):  # of a mix of pairs the text is both sides
        found += [label_columns(schema, prefix) for prefix in SIDES]
    there = {name: columns for columns in found for name in columns.layers}
    if wanted is not None and wanted not in there:
        raise UserError(
            f"no column {wanted!r} of labels in {where}: {nearest(wanted, there)}; such columns: "
            f"{', '.join(there) or 'none'}",
            remedy="name one of them with --label-column: tags beside a column tokens, or spans with start and end",
        )
    if wanted is None and len(there) != 1:
        raise UserError(
            f"{where} has {'several columns' if there else 'no column'} of labels"
            + (f": {', '.join(there)}" if there else ""),
            remedy="say which with --label-column"
            if there
            else "give tokens and tags, or spans in characters (list<struct<start, end, label>>)",
        )
    column = wanted or next(iter(there))
    side = there[column].prefix
    text = side[:3] if side else "text" if "text" in names else "cs_source"
    return LabelSource(text, f"{side}lang", column, there[column])


def tokenize_labels(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    options: PackOptions,
    first: int,
    languages: LanguageIds | None,
    tags: LabelIds,
    source: LabelSource,
    *,
    keep_text: bool = False,
) -> Result:
    """Rows of the view labels: input_ids and labels, of one length, at most options.length.

    first: pack_id of the first row; source: `label_source` of the dataset. Texts without labels (null) have -100
    throughout. Decisions as of `sides.tokenize_sides`. Counts: those of `no_side_counts`; label_tags, labels by name;
    label_words: words with a label, of these those that got no piece, texts without labels, labels beyond the length,
    and spans that it cuts in two; label_damage: what is wrong with the labels of the input. Raises UserError where a
    column is missing, or the tokenizer does not say where its tokens are.
    """
    texts = text_column(batch, source.text)
    points, places = code_points(texts), tokenizer.encode_places(texts)
    labels, found, spans = _labels_of(batch, source, points, tokenizer, places, tags, options.label_pieces == "all")
    sizes = np.diff(places.offsets)
    room = int(rooms_of(options, tokenizer).all[0])
    too_long = (sizes > room) & (options.long == "refuse")
    gone = (sizes == 0) | too_long
    rows, out = np.flatnonzero(~gone), np.flatnonzero(gone)
    langs = text_or_empty(batch, source.lang)
    about = put_columns(batch, {"text": texts, "lang": langs})
    decisions = decide(
        for_decisions(about.take(pa.array(out))),
        STEP_NAME,
        pa.array([NO_TOKENS, TOO_LONG]).take(pa.array(too_long[out].astype(np.int8))),
        score=sizes[out].astype(np.float64),
        threshold=np.where(too_long[out], room, 1).astype(np.float64),
        keep_text=keep_text,
    )
    keep, starts = np.minimum(sizes, room)[rows], places.offsets[:-1][rows]
    before, after = tokenizer.template.single
    ids, offsets = frame(copy_spans(places.ids, starts, keep), offsets_of(keep), before, after)
    none = [(IGNORED,) * len(part) for part in (before, after)]
    marks, _ = frame(copy_spans(labels, starts, keep), offsets_of(keep), *none)
    kept, cut = batch.take(pa.array(rows)), (sizes[rows] > keep)
    border = np.full(batch.num_rows, len(points) + 1)  # where the text of a row is cut
    border[rows[cut]] = points.offsets[rows[cut]] + places.ends[(starts + keep)[cut] - 1]
    lost = copy_spans(labels, starts + keep, sizes[rows] - keep)
    found["label_words"] |= {
        "cut": int((lost != IGNORED).sum()),
        "spans_cut": int(((spans.starts < border[spans.rows]) & (border[spans.rows] < spans.ends)).sum()),
    }
    langs = langs.take(pa.array(rows))
    edges = pa.array(offsets.astype(np.int32))
    columns = {
        "pack_id": pa.array(np.arange(first, first + len(rows), dtype=np.int64)),
        "length": pa.array(np.diff(offsets).astype(np.int32)),
        "pair_id": document_ids(kept),
        "truncated": pa.array(cut),
        "input_ids": pa.ListArray.from_arrays(edges, pa.array(ids)),
        "labels": pa.ListArray.from_arrays(edges, pa.array(marks)),
        "lang": langs,
        "lang_id": pa.nulls(len(rows), pa.int32()) if languages is None else pa.array(languages.number(langs)[0]),
    }
    schema = VIEWS[VIEW].schema
    made = pa.RecordBatch.from_arrays([columns[field] for field in schema.names], schema=schema)
    made = put_columns(made, {ROW: kept.column(ROW)}) if ROW in kept.schema.names else made
    numbers = np.bincount(marks[marks >= 0], minlength=len(tags.names)).tolist()
    counts: Counts = no_side_counts() | {
        "rows": len(rows),
        "truncated": int(cut.sum()),
        "tokens": {"input": int(keep.sum())},
        "truncated_sides": {"input": int(cut.sum())},
        "tokens_cut": {"input": int((sizes[rows] - keep).sum())},
        "languages": sum_by(langs, keep),
        "bytes": sum_by(langs, byte_lengths(texts.take(pa.array(rows)))),
        "label_tags": dict(zip(tags.names, numbers, strict=True)),
        **found,
    }
    return Result(made, decisions, counts=counts)


def _labels_of(
    batch: pa.RecordBatch,
    source: LabelSource,
    points: CodePoints,
    tokenizer: Tokenizer,
    places: Places,
    tags: LabelIds,
    every: bool,
) -> tuple[np.ndarray, Counts, LabelSpans]:
    """int32[tokens]: the number of each token's label; how many words had one, and lost it, texts without, and what was
    damaged; the spans."""
    units = read_units(batch, source.columns, points)
    layer = read_layer(batch, source.column, source.columns, points, units)
    words = units if units is not None else units_of_text(points)
    styles = np.full(len(points), list(STYLES).index(tags.style), dtype=np.int8)
    outside = layer.valid & tags.with_outside
    spans, row = layer.spans.in_order(), rows_of(places.offsets)
    there, starts, ends = _printed(points, tokenizer, places)
    labels = np.full(len(row), IGNORED, dtype=np.int32)
    if every:
        offsets = np.searchsorted(row[there], np.arange(len(points) + 1)).astype(np.int64)
        pieces = Units(offsets, starts, ends, np.ones(len(there), dtype=bool))
        owner, damage = owners(pieces, spans)
        found = tags.number(tags_of(owner, offsets, spans, styles, outside))
        said, _ = owners(pieces, layer.unknown)
        found[(said >= 0) & (owner < 0)] = IGNORED
        labels[there] = found
        missed = len(spans) - len(np.unique(owner[owner >= 0]))
        counted = len(spans)
    else:
        owner, damage = owners(words, spans)
        found = tags.number(tags_of(owner, words.offsets, spans, styles, outside))
        if layer.decoded is not None:
            found[layer.decoded.unknown & (owner < 0)] = IGNORED
        at = _first(words, there, starts, ends)
        mine = np.flatnonzero(at >= 0)
        labels[at[mine[::-1]]] = found[mine[::-1]]  # the first word in a piece is written last
        head = np.append(True, np.diff(at[mine]) > 0)[: len(mine)]
        labelled = found >= 0
        counted, missed = int(labelled.sum()), int(labelled.sum() - labelled[mine[head]].sum())
    counts = {"labelled": counted, "without_piece": missed, "texts_without": int((~layer.valid).sum())}
    return labels, {"label_words": counts, DAMAGE: {**layer.damage, **damage}}, spans


def first_pieces(words: Units, points: CodePoints, tokenizer: Tokenizer, places: Places) -> np.ndarray:
    """int64[words]: the token of each word's label, the first that holds a character of it; -1 where there is none."""
    return _first(words, *_printed(points, tokenizer, places))


def _printed(points: CodePoints, tokenizer: Tokenizer, places: Places) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """int64[n] each: tokens that are not white space alone, and where they start and end without the white space
    around, in code points of the texts laid end to end. The ▁ that tokenizers put before a text has the place of its
    first character."""
    row = rows_of(places.offsets)
    printed = np.flatnonzero(~properties.whitespace().take(points.codes))
    low, high = (np.searchsorted(printed, points.offsets[row] + edge) for edge in (places.starts, places.ends))
    there = np.flatnonzero((low < high) & ~tokenizer.blank_pieces[places.ids])
    return there, printed[low[there]], printed[high[there] - 1] + 1


def _first(words: Units, there: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """See `first_pieces`; the others as `_printed` has them."""
    at = np.searchsorted(ends, words.starts, side="right")
    within = words.placed & (at < len(ends))
    within[within] = starts[at[within]] <= words.starts[within]
    found = np.full(len(words), -1, dtype=np.int64)
    found[within] = there[at[within]]
    return found
