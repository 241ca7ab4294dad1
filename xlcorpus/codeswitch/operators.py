"""The operators of code-switching behind one face: loaded once a process, applied to every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from xlcorpus.codeswitch.align_span import AlignSpanSettings, switch_spans
from xlcorpus.codeswitch.outcome import Switched
from xlcorpus.codeswitch.pieces import PieceIndex, open_pieces, switch_pieces_batch
from xlcorpus.codeswitch.restore import choose_sides, is_pairs
from xlcorpus.codeswitch.switch import Settings, switch_batch
from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.index import LexiconIndex, matches, pairs_of
from xlcorpus.lexicon.lexicon_file import read_entries
from xlcorpus.lexicon.open_index import into_partners, open_index

_SHOWN = 5  # languages or reasons in a line for the user


@dataclass(frozen=True)
class Dictionaries:
    """Files of dictionaries and how to read them; partners: labels of the languages to switch into, all if empty."""

    paths: tuple[str, ...] = ()
    src: str | None = None
    tgt: str | None = None
    format: str = "auto"
    partners: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise UserError where there is no file."""
        if not self.paths:
            raise UserError("there is no dictionary", remedy="name one: --dictionary FILE, as often as needed")

    def index(self, candidates: int) -> LexiconIndex:
        """The index of all files (see `open_index`), once a process."""
        self.check()
        return open_index(
            self.paths,
            src=self.src,
            tgt=self.tgt,
            format=self.format,
            candidates=candidates,
            partners=self.partners,
        )

    def entries(self) -> pa.Table:
        """The entries of all files into the partner languages (lexicon-1); raises UserError where there is none."""
        self.check()
        paths = [Path(path) for path in self.paths]
        return into_partners(read_entries(paths, src=self.src, tgt=self.tgt, format=self.format).table, self.partners)


class Operator(Protocol):
    """What a batch is switched with."""

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool) -> Switched:
        """Switched rows, decisions for those without a switch, and counts."""


@dataclass(frozen=True)
class DictWord:
    """`switch.switch_batch` with its dictionaries; of sentence pairs one side each (`restore.choose_sides`)."""

    index: LexiconIndex
    settings: Settings

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool) -> Switched:
        """See `switch.switch_batch`."""
        return switch_batch(_texts(batch, self.settings), self.index, self.settings, keep_text=keep_text)


@dataclass(frozen=True)
class DictPiece:
    """`pieces.switch_pieces_batch` with its model and dictionary; of sentence pairs one side each."""

    model: Any  # sentencepiece.SentencePieceProcessor
    index: PieceIndex
    settings: Settings

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool) -> Switched:
        """See `pieces.switch_pieces_batch`."""
        texts = _texts(batch, self.settings)
        return switch_pieces_batch(texts, self.model, self.index, self.settings, keep_text=keep_text)


@dataclass(frozen=True)
class AlignSpan:
    """`align_span.switch_spans`."""

    settings: AlignSpanSettings

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool) -> Switched:
        """See `align_span.switch_spans`."""
        return switch_spans(batch, self.settings, keep_text=keep_text)


def _texts(batch: pa.RecordBatch, settings: Settings) -> pa.RecordBatch:
    _check_named_spans(batch.schema, settings.named_spans, "the dataset")
    return choose_sides(batch, settings.seed) if is_pairs(batch.schema) else batch


def check_columns(operator: Operator, schema: pa.Schema, where: str) -> None:
    """Raise UserError where rows of this schema lack a column that the operator needs; where: the dataset's name."""
    if isinstance(operator, AlignSpan):
        if "align" not in schema.names:
            raise UserError(f"{where} has no column 'align'", remedy="run `xlcorpus align` on it first")
    elif isinstance(operator, DictWord | DictPiece):
        if not is_pairs(schema) and "lang" not in schema.names:
            raise UserError(
                f"there is no column 'lang' in {where}: the dictionary is chosen by language",
                remedy="run `xlcorpus identify` first",
            )
        _check_named_spans(schema, operator.settings.named_spans, where)


def _check_named_spans(schema: pa.Schema, name: str, where: str) -> None:
    """A column that was asked for must be there; of a pair nobody could say which side its positions are of."""
    there = name in schema.names
    if not there and name != Settings.named_spans:
        raise UserError(
            f"--named-spans: there is no column {name!r} in {where} ({nearest(name, schema.names)})",
            remedy="name a column of list<struct<start, end>>, or leave the option out",
        )
    if there and is_pairs(schema):
        raise UserError(
            f"column {name!r} in {where}: sentence pairs have two texts, and its spans do not say of which they are",
            remedy="rename the column, or leave it out; numbers, addresses and code are protected in any case",
        )


def open_operator(
    name: str,
    dictionaries: Dictionaries,
    settings: Settings,
    spans: AlignSpanSettings,
    tokenizer: str | None = None,
) -> Operator:
    """The operator of this name, with what it reads; raises UserError where a file is missing or wrong."""
    if name == "align-span":
        return AlignSpan(spans)
    if name == "dict-piece":
        model, index = open_pieces(tokenizer, dictionaries.entries(), settings.candidates)
        return DictPiece(model, index, settings)
    return DictWord(dictionaries.index(settings.candidates), settings)


def check_languages(operator: Operator, languages: Sequence[Mapping[str, int]]) -> list[str]:
    """Compare the languages of the dictionaries with those of datasets (rows by label); lines for the user.

    Raises UserError where no dictionary is from a language of theirs. Datasets that do not say their languages, as
    before identify, pass; of sentence pairs (`eng_Latn-deu_Latn`) both sides count.
    """
    known = {label for counts in languages for labels in counts for label in labels.split("-") if label}
    if not isinstance(operator, DictWord | DictPiece):
        return []
    lines = _unused_entries(operator.index)
    if not known:
        return lines
    sources = sorted({pair.src for pair in operator.index.pairs})
    served = {label for label in known if pairs_of(label, operator.index.pairs)}
    if not served:
        raise UserError(
            f"no document is in a source language of the dictionary ({', '.join(sources)}); "
            f"the dataset holds {', '.join(sorted(known)[:10])}",
            remedy="turn the dictionary round with `xlcorpus lexicon invert`, or give its languages: --src, --tgt",
        )
    idle = sorted({pair.src for pair in operator.index.pairs if not any(matches(one, pair.src) for one in known)})
    lines += [f"codeswitch: no document is in {label}, a source language of the dictionary" for label in idle]
    return lines + _missing_directions(operator.index, {labels for counts in languages for labels in counts})


def _unused_entries(index: LexiconIndex | PieceIndex) -> list[str]:
    """A line on entries that no text can get, by reason; those beyond the candidates were asked to be left out."""
    left = {reason: count for reason, count in index.unused.items() if count and reason != "beyond_candidates"}
    shown = ", ".join(f"{reason} {count:,}" for reason, count in sorted(left.items()))
    return [f"codeswitch: entries of the dictionary that are not used: {shown}"] if left else []


def _missing_directions(index: LexiconIndex | PieceIndex, labels: set[str]) -> list[str]:
    """A line on the sides of sentence pairs (`eng_Latn-deu_Latn`) that no dictionary goes into the other from.

    Raises UserError where none goes from any side into the other.
    """
    sides = [label.split("-") for label in labels if label.count("-") == 1]
    directions = sorted({way for one, other in sides for way in ((one, other), (other, one)) if one and other})
    missing = [
        f"{one} into {other}"
        for one, other in directions
        if not any(matches(one, pair.src) and matches(other, pair.tgt) for pair in index.pairs)
    ]
    if not missing:
        return []
    shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    if len(missing) == len(directions):
        has = ", ".join(f"{pair.src} into {pair.tgt}" for pair in index.pairs[:_SHOWN])
        raise UserError(
            f"no dictionary is between the two languages of a sentence pair: the pairs need {shown}; it has {has}",
            remedy="give a dictionary of these languages, of both directions if both sides are to be switched",
        )
    return [
        f"codeswitch: no dictionary from {shown}: where that side of a pair is drawn, it is a decision "
        "(no_dictionary); `xlcorpus lexicon invert` turns a dictionary round"
    ]
