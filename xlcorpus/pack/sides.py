"""Rows of pairs and triples as token ids, a list for each side; never packed with one another.

The lists hold text alone, unless templates make the sides (`side_templates`). Objectives put other special ids around
the same pair (TLM joins both sides, a seq2seq model ends the source with a language id), so the collator adds them; the
limits here leave room for as many as it needs, by
the objective or by the tokenizer's own template (XLM-R puts four around a pair).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import column_or_null, put_columns, sum_by, text_column
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.kept import ROW
from xlcorpus.dataset.kinds import DOCUMENT, PAIR, RESTORE, TRANSLICO, rows_of_kind
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.pack.decision_rows import for_decisions, row_ids
from xlcorpus.pack.language_ids import LanguageIds, script_names
from xlcorpus.pack.limits import Rooms, rooms
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packs import fields_of
from xlcorpus.pack.side_templates import cut_before_ends, templates_of, write_sides
from xlcorpus.pack.tokenize import NO_TOKENS, STEP_NAME, TOO_LONG, encode
from xlcorpus.templates.specials import special_ids_of
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.text.ragged import offsets_of
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Sides:
    """What a view is made of: rows of a kind; columns of text; special ids that its objective needs, and how many it
    adds to a side at least (joint: to all sides together); columns of labels with the columns of their numbers; more
    columns."""

    kind: str
    sides: tuple[str, ...]
    needs: tuple[str, ...]
    specials: int
    labels: Mapping[str, str]
    script: bool = False
    joint: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # names for several sides, in limits
    more: tuple[str, ...] = ()
    text: str | None = None  # the column that all sides are parts of; None: each side is a column
    document: str | None = None  # the side that is the text of the document, where no column has its name

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of text that sides are made of."""
        return self.sides if self.text is None else (self.text,)

    def column_of(self, side: str, names: Sequence[str]) -> str:
        """Where the text of a side stands, among columns of these names."""
        return "text" if side == self.document and side not in names else side

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that rows are made of, and decisions."""
        return (*self.texts, *self.labels, "script", "pair_id", "doc_id", "origin", "lang", "text", "mix_epoch")

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows."""
        names = [*(f"{side}_ids" for side in self.sides), *self.more, *self.labels]
        names += ["script"] if self.script else []
        names += [*self.labels.values(), *(["script_id"] if self.script else []), "truncated"]
        return fields_of("pack_id", "length", "pair_id", *names)


def rooms_of(options: PackOptions, tokenizer: Tokenizer) -> Rooms:
    """Tokens of text that each side may have, besides the special ids around it (joint: around all sides).

    Raises UserError where that is not one for each side, and for limits of sides that there are not.
    """
    spec = VIEWS[str(options.view)]
    own = tokenizer.template.pair if spec.joint else tokenizer.template.single
    return rooms(
        str(options.view),
        spec.sides,
        spec.groups,
        options.limits or {},
        options.length,
        0 if options.side_templates else max(spec.specials, sum(map(len, own))),
        joint=spec.joint,
        tokenizer=tokenizer.path,
    )


_LANG = {"lang": "lang_id"}
_LANGS = {"src_lang": "src_lang_id", "tgt_lang": "tgt_lang_id"}
VIEWS = {
    "labels": Sides(DOCUMENT, ("input",), ("pad",), 0, _LANG, more=("labels",)),  # see `labels`
    "translico": Sides(TRANSLICO, ("text", "text_latn"), ("pad", "bos", "eos", "mask"), 2, _LANG, script=True),
    "restore": Sides(RESTORE, ("inputs", "targets"), ("pad", "eos"), 2, _LANG),  # eos and the language's id
    "bitext": Sides(PAIR, ("src", "tgt"), ("pad", "eos"), 2, _LANGS),
    "tlm": Sides(PAIR, ("src", "tgt"), ("pad", "bos", "eos", "mask"), 3, _LANGS, joint=True),  # <s> src </s> tgt </s>
    "triples": Sides(
        DOCUMENT,
        ("query", "positive", "negative"),
        ("pad", "bos", "eos"),
        2,
        _LANG,
        groups={"document": ("positive", "negative")},
        document="positive",
    ),
    "crops": Sides(DOCUMENT, ("query", "positive"), ("pad", "bos", "eos"), 2, _LANG, text="text"),
}


def rows_for(batch: pa.RecordBatch, schema: str, view: str) -> np.ndarray:
    """bool[rows]: the rows of a dataset of a schema that the view is made of: of a mix of several kinds its own."""
    return rows_of_kind(batch, schema, VIEWS[view].kind)


def no_side_counts() -> Counts:
    """What nothing counts: rows written; truncated rows; by side: tokens written, texts truncated, and tokens that
    this cost; by language: tokens written, and bytes of the texts of these rows, of those that were cut too. Of a mix
    of several kinds there are `other_kind` besides: rows left out, by kind."""
    by_side: Counts = {"tokens": {}, "truncated_sides": {}, "tokens_cut": {}}
    return {"rows": 0, "truncated": 0, **by_side, "languages": {}, "bytes": {}}


def tokenize_sides(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    options: PackOptions,
    first: int,
    languages: LanguageIds | None = None,
    *,
    keep_text: bool = False,
) -> Result:
    """Token ids of a batch of pairs or triples: doc_id or pair_id, a column of text a side, labels where it has them.

    options.length: most tokens of a side (of tlm, of both together), the collator's special ids included; of a side
    with a limit, that. first: pack_id of the first row written. Counts: see `no_side_counts`. Decisions: no_tokens,
    where a side has none; longer_than_pack (score: the tokens of the side that is furthest above its room, threshold:
    the room), where options.long is refuse, or a template leaves no room for text. Raises UserError where a column is
    missing.
    """
    assert options.view is not None
    spec = VIEWS[options.view]
    remedy = f"the view {options.view} is made of {', '.join(spec.sides)}: give such rows, or choose another view"
    templates, rejects = templates_of(options.side_templates), None
    if templates:
        found = write_sides(
            batch, special_ids_of(options.tokenizer), {side: templates[side] for side in spec.sides}, STEP_NAME
        )
        batch, sides, rejects, specials, ends = found.batch, found.sides, found.rejects, found.specials, found.ends
    else:
        texts = {
            side: text_column(batch, spec.column_of(side, batch.schema.names), remedy=remedy) for side in spec.sides
        }
        batch, sides = put_columns(batch, texts), {side: encode(text, tokenizer) for side, text in texts.items()}
        specials = ends = np.zeros((batch.num_rows, len(spec.sides)), dtype=np.int64)
    sizes = np.stack([np.diff(offsets) for _, offsets in sides.values()], axis=1)
    room = rooms_of(options, tokenizer)
    keep, asked = room.keep(sizes), room.asked(sizes)
    above = np.argmax(asked - room.all, axis=1) if len(sizes) else np.zeros(0, dtype=np.int64)
    empty = (sizes == specials).any(axis=1)
    too_long = (asked > room.all).any(axis=1) & (options.long == "refuse")
    refused = ~empty & (too_long | (keep <= specials).any(axis=1))
    rows, gone = np.flatnonzero(~empty & ~refused), np.flatnonzero(empty | refused)

    is_long = refused[gone]
    decisions = decide(
        for_decisions(batch.take(pa.array(gone))),
        STEP_NAME,
        pa.array([NO_TOKENS, TOO_LONG]).take(pa.array(is_long.astype(np.int8))),
        score=np.where(is_long, asked[gone, above[gone]], 0).astype(np.float64),
        threshold=np.where(is_long, room.all[above[gone]], 1).astype(np.float64),
        keep_text=keep_text,
    )
    keep, cut = keep[rows], (sizes - keep)[rows]
    ids = [
        cut_before_ends(ids, offsets, rows, keep[:, place], ends[rows, place])
        for place, (ids, offsets) in enumerate(sides.values())
    ]
    kept = batch.take(pa.array(rows))
    text_bytes = np.stack([byte_lengths(kept.column(side)) for side in spec.sides], axis=1)
    made = rows_of_sides(kept, ids, keep, cut, text_bytes, options, first, languages)
    return Result(**made, decisions=decisions, rejects=rejects)


def rows_of_sides(
    kept: pa.RecordBatch,
    ids: Sequence[np.ndarray],
    keep: np.ndarray,
    cut: np.ndarray,
    text_bytes: np.ndarray,
    options: PackOptions,
    first: int,
    languages: LanguageIds | None,
) -> dict[str, Any]:
    """Rows of a view and their counts, as `Result` takes them. kept: the row that each is made of, with `ROW` where
    columns are kept; ids: int32[tokens] of each side, end to end; keep, cut, text_bytes: int64[rows, sides], tokens of
    each side, those that it lost, and bytes of its text; first: pack_id of the first."""
    spec = VIEWS[str(options.view)]
    lists = {
        f"{side}_ids": pa.ListArray.from_arrays(
            pa.array(offsets_of(keep[:, place]).astype(np.int32)), pa.array(ids[place])
        )
        for place, side in enumerate(spec.sides)
    }
    is_cut = (cut > 0).any(axis=1)
    columns = {
        "pack_id": pa.array(np.arange(first, first + len(keep), dtype=np.int64)),
        "length": pa.array(keep.sum(axis=1).astype(np.int32)),
        "pair_id": row_ids(kept),
        "truncated": pa.array(is_cut),
        **lists,
        **_labels(kept, spec, languages),
    }
    made = pa.RecordBatch.from_arrays([columns[name] for name in spec.schema.names], schema=spec.schema)
    made = put_columns(made, {ROW: kept.column(ROW)}) if ROW in kept.schema.names else made

    def by_side(values: np.ndarray) -> dict[str, int]:
        return dict(zip(spec.sides, values.sum(axis=0).tolist(), strict=True))

    counts: Counts = {"rows": len(keep), "truncated": int(is_cut.sum()), "tokens": by_side(keep)}
    counts |= {"truncated_sides": by_side(cut > 0), "tokens_cut": by_side(cut)}
    for place in range(len(spec.sides)):
        label = list(spec.labels)[place if len(spec.labels) == len(spec.sides) else 0]
        langs = columns[label]
        add_counts(counts, {"languages": sum_by(langs, keep[:, place]), "bytes": sum_by(langs, text_bytes[:, place])})
    return {"rows": made, "counts": counts}


def _labels(batch: pa.RecordBatch, spec: Sides, languages: LanguageIds | None) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    script = column_or_null(batch, "script", pa.string()).cast(pa.string()) if spec.script else None
    for label, number in spec.labels.items():
        columns[label] = column_or_null(batch, label, pa.string()).cast(pa.string())
        columns[number] = pa.nulls(batch.num_rows, pa.int32())
        if languages is not None:
            lang_ids, script_ids = languages.number(columns[label], script)
            columns[number] = pa.array(lang_ids)
    if script is not None:
        columns["script"] = script_names(columns["lang"], script)
        columns["script_id"] = pa.array(script_ids) if languages is not None else pa.nulls(batch.num_rows, pa.int32())
    return columns
