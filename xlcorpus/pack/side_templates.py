"""Sides of a view by templates: `src={{ lang_token(src_lang) }}{{ src }}{{ eos }}`; their special ids are in the lists.

So a row is what a sequence-to-sequence model reads (mBART-50, NLLB), without a collator that adds ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.decisions import reject
from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.decision_rows import for_decisions
from xlcorpus.templates.rendered import Failure
from xlcorpus.templates.specials import SpecialIds
from xlcorpus.templates.template import Template, parse, read_source
from xlcorpus.text.ragged import copy_spans
from xlcorpus.tokenizer.pieces import TEXT, Pieces, rows_of_pieces

EXAMPLE = "src={{ lang_token(src_lang) }}{{ src }}{{ eos }}"
_FLAG = "--side-templates"


def read_side_templates(value: Any) -> Any:
    """Texts NAME=TEMPLATE as a mapping, each template read once; anything else as it is. Raises UserError."""
    texts = [value] if isinstance(value, str) else value
    if isinstance(texts, list) and all(isinstance(one, str) for one in texts):
        parts = [one.partition("=") for one in texts]
        for name, equals, _ in parts:
            if not equals or not name.strip().isidentifier():
                raise UserError(f"{_FLAG}: {name!r} is not SIDE=TEMPLATE", remedy=f"write '{EXAMPLE}'")
        value = {name.strip(): template for name, _, template in parts}
    if isinstance(value, Mapping) and all(isinstance(one, str) for one in value.values()):
        return {name: read_source(template) for name, template in value.items()}
    return value


def check_sides(templates: Mapping[str, Template], view: str, rooms: Mapping[str, int]) -> None:
    """Raise UserError where a template is of no side of the view, a side has none, or no room beside its special ids.

    rooms: most tokens of each side of the view.
    """
    sides = list(rooms)
    for name in templates:
        if name not in sides:
            raise UserError(f"{_FLAG}: the view {view} has no side {name!r}; {nearest(name, sides)}", remedy=EXAMPLE)
    for name in sides:
        if name not in templates:
            raise UserError(
                f"{_FLAG}: the side {name} of the view {view} has no template, and the collator adds nothing to a part "
                "of them",
                remedy=f"give one for each side; for the text alone '{name}={{{{ {name} }}}}'",
            )
        specials = templates[name].least_specials
        if specials >= rooms[name]:
            raise UserError(
                f"{_FLAG}: {rooms[name]} tokens of {name} leave no room beside {specials} special tokens",
                remedy=f"give --limits {name}={specials + 1} or more, and no smaller --length",
            )


def templates_of(templates: Mapping[str, str] | None) -> dict[str, Template]:
    """The templates, by side."""
    return {side: parse(source) for side, source in (templates or {}).items()}


@dataclass(frozen=True)
class WrittenSides:
    """Rows as tokens of each side.

    batch: the rows, with the texts of their sides; sides: ids and offsets, special ids included; specials, ends:
    int64[rows, sides], special ids of each, and those of them that stand at its end; rejects: of the other rows.
    """

    batch: pa.RecordBatch
    sides: dict[str, tuple[np.ndarray, np.ndarray]]
    specials: np.ndarray
    ends: np.ndarray
    rejects: pa.RecordBatch | None


def write_sides(batch: pa.RecordBatch, ids: SpecialIds, templates: Mapping[str, Template], step: str) -> WrittenSides:
    """Fill in the templates of all sides. Rejects: template_failed, no_language_token."""
    rendered = {side: template.render(batch).with_ids(ids) for side, template in templates.items()}
    failed: dict[int, Failure] = {}
    for one in rendered.values():
        for failure in one.failed:
            failed.setdefault(failure.row, failure)
    rejects, pieces = None, {side: one.pieces for side, one in rendered.items()}
    if failed:
        lost = [failed[row] for row in sorted(failed)]
        rejects = reject(
            for_decisions(batch.take(pa.array([one.row for one in lost]))),
            step,
            [one.reason for one in lost],
            [one.message for one in lost],
        )
        kept = np.setdiff1d(np.arange(batch.num_rows), [one.row for one in lost])
        batch = batch.take(pa.array(kept))
        pieces = {side: rows_of_pieces(one, kept) for side, one in pieces.items()}
    encoded = {side: ids.encoder(templates[side]).encode_pieces(one) for side, one in pieces.items()}
    return WrittenSides(
        put_columns(batch, {side: one.row_texts() for side, one in pieces.items()}),
        {side: (one.ids, one.offsets) for side, one in encoded.items()},
        np.stack([one.special_counts for one in pieces.values()], axis=1),
        np.stack([_at_the_end(one) for one in pieces.values()], axis=1),
        rejects,
    )


def _at_the_end(pieces: Pieces) -> np.ndarray:
    """int64[rows]: special ids behind the last text."""
    last_text = np.maximum.accumulate(np.where(pieces.specials == TEXT, np.arange(len(pieces.specials)), -1))
    ends = pieces.offsets[1:]
    found = np.zeros(len(ends), dtype=np.int64)
    some = np.flatnonzero(np.diff(pieces.offsets))
    found[some] = ends[some] - 1 - np.maximum(last_text[ends[some] - 1], pieces.offsets[:-1][some] - 1)
    return found


def cut_before_ends(
    ids: np.ndarray, offsets: np.ndarray, rows: np.ndarray, keep: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """int32: `keep` tokens of each of these rows, one after the other: from the beginning, and the `ends` last ones.

    rows: int64[n]; keep, ends: int64[n].
    """
    ends = np.minimum(ends, keep)
    starts = np.stack([offsets[rows], offsets[rows + 1] - ends], axis=1).ravel()
    return copy_spans(ids, starts, np.stack([keep - ends, ends], axis=1).ravel())
