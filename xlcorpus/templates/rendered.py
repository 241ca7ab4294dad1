"""What a template makes of rows: texts and special tokens by name, in turn; and the rows that it fails for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from xlcorpus.templates.specials import LANGUAGE, LIMIT, Special, SpecialIds
from xlcorpus.templates.traced import DATA, MARK, OWN, SPECIAL, Traced, code
from xlcorpus.text.ragged import offsets_of, rows_of
from xlcorpus.tokenizer.pieces import TEXT, Pieces
from xlcorpus.tokenizer.tokenizer import Tokenizer

_ALIKE = re.compile(r"(.)\1*", re.DOTALL)
_OWN_TEXT = re.compile(f"[{code(OWN)}{code(OWN, trained=True)}]+")
FAILED, NO_TOKEN = "template_failed", "no_language_token"  # reasons of rejects


@dataclass(frozen=True)
class Failure:
    """A row that a template could not be filled with: its number, and why."""

    row: int
    reason: str
    message: str


@dataclass(frozen=True)
class Rendered:
    """Pieces whose special tokens are numbers of `names`; rows that failed have none.

    limits: int64[pieces], tokens of a text that are kept, below 0 its last ones, 0: all; None: all of all texts.
    """

    pieces: Pieces
    names: Sequence[Special] = ()
    failed: Sequence[Failure] = ()
    limits: np.ndarray | None = None

    def texts(self) -> pa.Array:
        """string[rows]: the text of each row, without its special tokens."""
        return self.pieces.row_texts()

    def with_ids(self, ids: SpecialIds) -> Rendered:
        """The pieces with the tokenizer's ids, and texts cut to their limits. Raises UserError where it lacks a token
        that the template names; rows in a language for which it has none fail."""
        if not len(self.names):
            return self
        find: dict[str, Callable[[Special], int | None]] = {LIMIT: lambda _: None, LANGUAGE: ids.find}
        found = [find.get(one.kind, ids.__getitem__)(one) for one in self.names]  # raises UserError
        table = np.array([TEXT if number is None else number for number in found], dtype=np.int32)
        pieces = self.pieces
        if self.limits is not None:
            pieces = replace(pieces, texts=_cut(pieces.texts, self.limits, ids.tokenizer))
        special = pieces.specials != TEXT
        numbers = pieces.specials.copy()
        numbers[special] = table[pieces.specials[special]]
        failed = list(self.failed)
        lacking = np.flatnonzero(special & (numbers == TEXT))
        if len(lacking):
            rows, first = np.unique(rows_of(pieces.offsets)[lacking], return_index=True)
            for row, at in zip(rows.tolist(), lacking[first].tolist(), strict=True):
                what = ids.missing(self.names[int(pieces.specials[at])])
                failed.append(Failure(row, NO_TOKEN, f"the tokenizer has {what}"))
            pieces = without_rows(Pieces(pieces.texts, numbers, pieces.offsets, pieces.trained), rows)
        else:
            pieces = Pieces(pieces.texts, numbers, pieces.offsets, pieces.trained)
        return Rendered(pieces, (), sorted(failed, key=lambda one: one.row))


def _cut(texts: pa.Array, limits: np.ndarray, tokenizer: Tokenizer) -> pa.Array:
    at = np.flatnonzero(limits)
    values = texts.to_pylist()
    starts, ends, offsets = tokenizer.encode_spans(texts.take(pa.array(at)))
    most = np.abs(limits[at])
    for long in np.flatnonzero(np.diff(offsets) > most).tolist():
        place, keep = int(at[long]), int(most[long])
        if limits[place] > 0:
            values[place] = values[place][: starts[offsets[long] + keep]]
        else:
            values[place] = values[place][ends[offsets[long + 1] - keep - 1] :]
    return pa.array(values, texts.type)


def without_rows(pieces: Pieces, rows: np.ndarray) -> Pieces:
    """The pieces with nothing in these rows."""
    sizes = np.diff(pieces.offsets)
    keep = np.ones(len(sizes), dtype=bool)
    keep[rows] = False
    at = np.flatnonzero(np.repeat(keep, sizes))
    trained = None if pieces.trained is None else pieces.trained[at]
    return Pieces(pieces.texts.take(pa.array(at)), pieces.specials[at], offsets_of(np.where(keep, sizes, 0)), trained)


@dataclass
class Pieced:
    """Pieces of row after row, from traced strings.

    of_own: special tokens that the template's own text names, by their names, and the pattern of these.
    """

    own: re.Pattern[str] | None = None
    of_own: dict[str, int] | None = None

    def __post_init__(self) -> None:
        self.texts: list[str] = []
        self.specials: list[int] = []
        self.trained: list[bool] = []
        self.limits: list[int] = []  # numbers of names, -1 where there is none
        self.counts: list[int] = []

    def add(self, row: Traced) -> None:
        """A row more."""
        before = len(self.texts)
        text, origin = str.__str__(row), row.origin
        start = 0
        for found in _OWN_TEXT.finditer(origin) if self.own is not None else ():
            for name in self.own.finditer(text, found.start(), found.end()) if self.own is not None else ():
                self._pieces(text, origin, start, name.start())
                flags = origin[name.start() : name.end()]
                self._add("", (self.of_own or {})[name[0]], trained=any(ord(one) & 1 for one in set(flags)))
                start = name.end()
        self._pieces(text, origin, start, len(text))
        self.counts.append(len(self.texts) - before)

    def _pieces(self, text: str, origin: str, start: int, end: int) -> None:
        for run in _ALIKE.finditer(origin, start, end):
            kind, trained = divmod(ord(run[1]), 2)
            written = text[run.start() : run.end()]
            if kind >= SPECIAL and written.startswith(MARK):
                for _ in run[0]:
                    self._add("", kind - SPECIAL, trained=bool(trained))
            else:
                self._add(written, TEXT, trained=bool(trained), limit=max(kind - SPECIAL, -1))

    def _add(self, text: str, special: int, *, trained: bool, limit: int = -1) -> None:
        self.texts.append(text)
        self.specials.append(special)
        self.trained.append(trained)
        self.limits.append(limit)

    def tokens_at_most(self, names: Sequence[Special]) -> np.ndarray | None:
        """`Rendered.limits`. names: by number."""
        if max(self.limits, default=-1) < 0:
            return None
        return np.array([0 if one < 0 else int(names[one].name) for one in self.limits], dtype=np.int64)

    def pieces(self, *, trains: bool) -> Pieces:
        """All of them. trains: whether a part of the template is marked as trained on."""
        return Pieces(
            pa.array(self.texts, pa.string()),
            np.array(self.specials, dtype=np.int32),
            offsets_of(np.array(self.counts, dtype=np.int64)),
            np.array(self.trained, dtype=bool) if trains else None,
        )


__all__ = ["DATA", "FAILED", "NO_TOKEN", "Failure", "Pieced", "Rendered", "without_rows"]
