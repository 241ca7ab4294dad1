"""Rows of pairs and triples as token ids, a list for each side; never packed with one another.

The lists hold text alone. Objectives put other special ids around the same pair (TLM joins both sides, a seq2seq model
ends the source with a language id), so the collator adds them; the limits here leave room for as many as it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.decisions import DECISION, decide
from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.languages import LanguageIds, script_names
from xlcorpus.pack.rows import fields_of
from xlcorpus.pack.settings import LONG, check_choice, check_length, check_specials
from xlcorpus.pack.tokenize import NO_TOKENS, STEP_NAME, TOO_LONG, encode, text_column
from xlcorpus.pack.tokens import Tokenizer, gather
from xlcorpus.text.ragged import offsets_of


@dataclass(frozen=True)
class View:
    """Columns of text; special ids that its objective needs and how many it adds to a side (joint: to all together);
    columns of labels with the columns of their numbers."""

    sides: tuple[str, ...]
    needs: tuple[str, ...]
    specials: int
    labels: Mapping[str, str]
    script: bool = False
    joint: bool = False

    @property
    def schema(self) -> pa.Schema:
        """Columns of the rows."""
        names = [*(f"{side}_ids" for side in self.sides), *self.labels]
        names += ["script"] if self.script else []
        names += [*self.labels.values(), *(["script_id"] if self.script else []), "truncated"]
        return fields_of("pack_id", "length", "pair_id", *names)


_LANG = {"lang": "lang_id"}
_LANGS = {"src_lang": "src_lang_id", "tgt_lang": "tgt_lang_id"}
VIEWS = {
    "translico": View(("text", "text_latn"), ("pad", "bos", "eos", "mask"), 2, _LANG, script=True),
    "restore": View(("inputs", "targets"), ("pad", "eos"), 2, _LANG),  # eos and the language's id
    "bitext": View(("src", "tgt"), ("pad", "eos"), 2, _LANGS),
    "tlm": View(("src", "tgt"), ("pad", "bos", "eos", "mask"), 3, _LANGS, joint=True),  # <s> src </s> tgt </s>
    "triples": View(("query", "positive", "negative"), ("pad", "bos", "eos"), 2, _LANG),
}


@dataclass(frozen=True)
class ViewSettings:
    """length: most tokens of a side (of tlm, of both together), the collator's special ids included; limits: others by
    side; long: truncate, or refuse (a decision row). Raises UserError where a value is out of bounds."""

    view: str
    length: int
    long: str = "truncate"
    limits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("view", self.view, tuple(VIEWS))
        check_choice("long", self.long, ("truncate", LONG[1]))
        for length in (self.length, *self.limits.values()):
            check_length(length)
        for side in self.limits:
            check_choice(f"side of {self.view}", side, self.spec.sides)
        if self.limits and self.spec.joint:
            raise UserError(f"{self.view} has one limit for both sides together", remedy="leave out limits")

    @property
    def spec(self) -> View:
        """The view."""
        return VIEWS[self.view]

    def room(self, side: str) -> int:
        """Tokens of text that a side may have (of a joint view, all sides together)."""
        return self.limits.get(side, self.length) - self.spec.specials

    def check(self, tokenizer: Tokenizer, name: str) -> None:
        """Raise UserError where the tokenizer (`name` in the message) lacks a special id of the objective."""
        check_specials(tokenizer, name, self.spec.needs, f"the view {self.view}")


@dataclass
class ViewCounts:
    """rows written; truncated rows; by side: tokens written, texts truncated, and tokens that this cost."""

    rows: int = 0
    truncated: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    truncated_sides: dict[str, int] = field(default_factory=dict)
    tokens_cut: dict[str, int] = field(default_factory=dict)

    def add(self, other: ViewCounts) -> None:
        """Add the counts of another batch or task."""
        self.rows += other.rows
        self.truncated += other.truncated
        for name in ("tokens", "truncated_sides", "tokens_cut"):
            mine: dict[str, int] = getattr(self, name)
            for side, count in getattr(other, name).items():
                mine[side] = mine.get(side, 0) + count

    def to_json(self) -> dict[str, Any]:
        """The entry in sidecars and in the manifest's notes."""
        return {name: value if isinstance(value, int) else dict(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ViewCounts:
        """What `to_json` gave."""
        return cls(**value)


@dataclass(frozen=True)
class ViewRows:
    """Rows of a view (its schema), decisions for the other pairs, and counts; together as many as came in."""

    rows: pa.RecordBatch
    decisions: pa.RecordBatch
    counts: ViewCounts


def view_rows(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    settings: ViewSettings,
    first: int,
    languages: LanguageIds | None = None,
    *,
    keep_text: bool = False,
) -> ViewRows:
    """Token ids of a batch of pairs or triples: doc_id or pair_id, a column of text a side, labels where it has them.

    first: pack_id of the first row written. Decisions: no_tokens, where a side has none; longer_than_pack (score: the
    tokens of the side that is furthest above its room, threshold: the room), where settings.long is refuse. Raises
    UserError where a column is missing.
    """
    spec = settings.spec
    sides = {side: encode(_side(batch, side, settings.view), tokenizer) for side in spec.sides}
    sizes = np.stack([np.diff(offsets) for _, offsets in sides.values()], axis=1)
    if spec.joint:
        room = np.full(1, settings.room(spec.sides[0]))
        keep, asked = _share(sizes, int(room[0])), sizes.sum(axis=1, keepdims=True)
    else:
        room = np.array([settings.room(side) for side in spec.sides])
        keep, asked = np.minimum(sizes, room), sizes
    empty = (sizes == 0).any(axis=1)
    refused = ~empty & (asked > room).any(axis=1) & (settings.long == "refuse")
    rows, gone = np.flatnonzero(~empty & ~refused), np.flatnonzero(empty | refused)

    furthest = np.argmax(asked - room, axis=1)[gone]
    length_known = refused[gone]
    decisions = decide(
        _for_decisions(batch.take(pa.array(gone))),
        STEP_NAME,
        pa.array([NO_TOKENS, TOO_LONG]).take(pa.array(length_known.astype(np.int8))),
        score=np.where(length_known, asked[gone, furthest], 0).astype(np.float64),
        threshold=np.where(length_known, room[furthest], 1).astype(np.float64),
        keep_text=keep_text,
    )
    keep, cut = keep[rows], (sizes - keep)[rows]
    lists = {
        f"{side}_ids": pa.ListArray.from_arrays(
            pa.array(offsets_of(keep[:, place]).astype(np.int32)),
            pa.array(gather(ids, offsets[rows], keep[:, place])),
        )
        for place, (side, (ids, offsets)) in enumerate(sides.items())
    }
    kept = batch.take(pa.array(rows))
    columns = {
        "pack_id": pa.array(np.arange(first, first + len(rows), dtype=np.int64)),
        "length": pa.array(keep.sum(axis=1).astype(np.int32)),
        "pair_id": kept.column(_id_column(batch)),
        "truncated": pa.array((cut > 0).any(axis=1)),
        **lists,
        **_labels(kept, spec, languages),
    }
    made = pa.RecordBatch.from_arrays([columns[name] for name in spec.schema.names], schema=spec.schema)

    def by_side(values: np.ndarray) -> dict[str, int]:
        return dict(zip(spec.sides, values.sum(axis=0).tolist(), strict=True))

    truncated = int((cut > 0).any(axis=1).sum())
    return ViewRows(made, decisions, ViewCounts(len(rows), truncated, by_side(keep), by_side(cut > 0), by_side(cut)))


def _share(sizes: np.ndarray, room: int) -> np.ndarray:
    """int64[rows, 2]: tokens to keep of two sides that share the room: the longer one is cut, both at half of it."""
    source, target = sizes[:, 0], sizes[:, 1]
    keep_source = np.minimum(source, room - np.minimum(target, room // 2))
    return np.stack([keep_source, np.minimum(target, room - keep_source)], axis=1)


def _side(batch: pa.RecordBatch, side: str, view: str) -> pa.Array:
    if batch.schema.get_field_index(side) < 0:
        raise UserError(
            f"the view {view} is made of {', '.join(VIEWS[view].sides)}; there is no column {side!r} here "
            f"({nearest(side, batch.schema.names)})",
            remedy="give a dataset of such pairs, or choose another view",
        )
    return text_column(batch, side)


def _id_column(batch: pa.RecordBatch) -> str:
    for name in ("pair_id", "doc_id"):
        if batch.schema.get_field_index(name) >= 0:
            return name
    raise UserError("there is neither pair_id nor doc_id here", remedy="give a dataset that xlcorpus made")


def _for_decisions(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of decisions; a pair without doc_id or origin has its pair_id, and no origin."""
    doc_id = "doc_id" if batch.schema.get_field_index("doc_id") >= 0 else _id_column(batch)
    columns = {name: column_or_null(batch, name, DECISION.field(name).type) for name in ("origin", "lang", "text")}
    return pa.RecordBatch.from_pydict({"doc_id": batch.column(doc_id), **columns})


def _labels(batch: pa.RecordBatch, spec: View, languages: LanguageIds | None) -> dict[str, pa.Array]:
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
