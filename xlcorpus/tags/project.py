"""Labels of one side of sentence pairs given to the other side, through the column align."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns, require_column, text_or_empty
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.errors import UserError
from xlcorpus.tags.aligned import links_of, project_aligned
from xlcorpus.tags.columns import LabelColumns, label_columns
from xlcorpus.tags.counts import count_labels
from xlcorpus.tags.layers import read_layer, read_units, write_spans, write_tags, write_tokens
from xlcorpus.tags.options import ProjectOptions
from xlcorpus.tags.tokens import Units, place_tokens, units_of_text
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.words import tokens

STEP = "project"
LOST = "pair_labels_lost"
BAD_ALIGNMENT = "link_outside_of_the_sentence"
_TEXTS = ("src", "tgt")


def columns_to_project(
    schema: pa.Schema, side: str, where: str = "this batch", *, features: Features | None = None
) -> LabelColumns:
    """The columns of labels of a side; raises UserError where there is none, or the other side has such already."""
    for name in (*_TEXTS, "src_lang", "tgt_lang", "align"):
        require_column(schema, name, where)
    found = label_columns(schema, f"{side}_", features)
    if not found.layers:
        raise UserError(
            f"no column in {where} holds labels of {side}",
            remedy=f"give {side}_tokens and {side}_tags, or spans {side}_entities: list<struct<start, end, label>>",
        )
    other = "tgt_" if side == "src" else "src_"
    there = [name for name in found.layers if other + name.removeprefix(found.prefix) in schema.names]
    if there:
        taken = other + there[0].removeprefix(found.prefix)
        raise UserError(
            f"column {taken!r} is in {where} already, and {there[0]!r} would be projected to it",
            remedy=f"rename or leave out one of them, or project from the other side: --side {other[:3]}",
        )
    return found


def project_pairs(
    batch: pa.RecordBatch, options: ProjectOptions, features: Features | None = None, *, keep_text: bool = False
) -> Result:
    """Sentence pairs with the labels of a side on the other one too.

    batch: src, tgt, src_lang, tgt_lang, align, and columns of labels of the side (`label_columns`): src_tokens with
    src_tags, say, or src_entities. Added: the same for tgt, tags by name beside tgt_tokens, which are those of the
    input or the words and signs of tgt; and pair_labels_lost (int32), spans that could not be projected. Decision:
    labels_lost (score: how many), where options.lost is drop. Raises UserError where columns are missing.
    """
    columns = columns_to_project(batch.schema, options.side, features=features)
    other = _TEXTS[1 - _TEXTS.index(options.side)]
    given, wanted = text_or_empty(batch, options.side), text_or_empty(batch, other)
    points, targets = code_points(given), code_points(wanted)
    one, two = tokens(points), tokens(targets)
    links, bad = links_of(batch.column("align"), *((one, two) if options.side == "src" else (two, one)))
    links = links if options.side == "src" else links[::-1]
    units = read_units(batch, columns, points)
    into = _units_of(batch, f"{other}_tokens", targets) if columns.tags else None
    langs = text_or_empty(batch, f"{other}_lang")
    made: dict[str, pa.Array] = {}
    lost_of = np.zeros(len(batch), dtype=np.int64)
    counts: Counts = {}
    for name in columns.layers:
        layer = read_layer(batch, name, columns, points, units)
        moved, lost = project_aligned(layer.spans, one, two, links, options.method)
        lost_of += np.bincount(layer.spans.rows[lost], minlength=len(batch))
        order = np.lexsort((-moved.ends, moved.starts, moved.rows))
        damage = dict(layer.damage)
        own = f"{other}_{name.removeprefix(columns.prefix)}"
        if name in columns.spans:
            made[own] = write_spans(layer, moved.take(order), np.flatnonzero(~lost)[order], wanted, targets)
        else:
            assert into is not None
            unknown, _ = project_aligned(layer.unknown, one, two, links)
            made[own], more = write_tags(layer, moved.take(order), into, unknown, numbers=False)
            damage = {**damage, **{f"{key}_of_{other}": count for key, count in more.items()}}
        add_counts(counts, count_labels(own, layer.spans, lost, langs, damage))
    add_counts(counts, {"label_damage": {BAD_ALIGNMENT: int(bad.sum())}})
    if into is not None and f"{other}_tokens" not in batch.schema.names:
        made = {f"{other}_tokens": write_tokens(into, wanted, targets, np.ones(len(batch), dtype=bool)), **made}
    rows = put_columns(batch, {**made, LOST: pa.array(lost_of.astype(np.int32))})
    if options.lost == "keep":
        return Result(rows, counts=counts)
    gone = np.flatnonzero(lost_of > 0)
    decisions = decide(
        _for_decisions(batch.take(pa.array(gone))),
        STEP,
        "labels_lost",
        score=lost_of[gone].astype(np.float64),
        threshold=0.0,
        keep_text=keep_text,
    )
    return Result(rows.filter(pa.array(lost_of == 0)), decisions, counts=counts)


def _units_of(batch: pa.RecordBatch, name: str, targets: CodePoints) -> Units:
    if name in batch.schema.names:
        return place_tokens(targets, batch.column(name))
    return units_of_text(targets)


def _for_decisions(batch: pa.RecordBatch) -> pa.RecordBatch:
    """With the text and language of a pair: both sides with a line feed between, `eng_Latn-deu_Latn`."""

    sides = [text_or_empty(batch, name) for name in (*_TEXTS, "src_lang", "tgt_lang")]
    return put_columns(
        batch,
        {
            "text": pc.binary_join_element_wise(*sides[:2], "\n"),
            "lang": pc.binary_join_element_wise(*sides[2:], "-"),
        },
    )
