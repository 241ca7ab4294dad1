"""The operators of code-switching behind one face: opened once a process, applied to every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.dict_piece import switch_pieces
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import NAMED_SPANS, CodeswitchOptions
from xlcorpus.codeswitch.piece_table import PieceTable, open_pieces
from xlcorpus.codeswitch.restore import choose_sides
from xlcorpus.dataset.columns import require_column
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import fingerprint_of_file, locate
from xlcorpus.errors import UserError
from xlcorpus.languages.choose import choose_all, parse_wish
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries, into_partners, open_index, read_entries
from xlcorpus.lexicon.index import Direction, LexiconIndex, directions_of
from xlcorpus.pairs.sides import is_pairs
from xlcorpus.text.breakers import WORD_BREAKERS
from xlcorpus.text.labels import stands_for

_SHOWN = 5  # languages or reasons in a line for the user


class Operator(Protocol):
    """What a batch is switched with."""

    reads: ClassVar[tuple[str, ...]]  # names of the schemas of the rows that it reads

    @classmethod
    def open(cls, options: CodeswitchOptions, seed: int) -> Operator:
        """With what it reads, once a process; raises UserError where a file is missing or wrong."""

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool, features: Features | None = None) -> Result:
        """Switched rows, decisions for those without a switch, and counts. features: of columns, which name tags."""

    def check_columns(self, schema: pa.Schema, where: str) -> None:
        """Raise UserError where rows of this schema lack a column that it needs; where: the dataset's name."""

    def check_languages(self, languages: Sequence[Mapping[str, int]]) -> list[str]:
        """Compare the languages of its dictionaries with those of datasets (rows by label); lines for the user.

        Raises UserError where no dictionary is from a language of theirs. Datasets that do not say their languages, as
        before identify, pass; of sentence pairs (`eng_Latn-deu_Latn`) both sides count.
        """


@dataclass(frozen=True)
class _ByDictionary:
    """What both operators with a dictionary share; of sentence pairs they switch one side each (`choose_sides`)."""

    reads: ClassVar[tuple[str, ...]] = ("document", "pair")
    options: CodeswitchOptions
    seed: int
    index: LexiconIndex

    def texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows to switch."""
        self._check_named_spans(batch.schema, "the dataset")
        return choose_sides(batch, self.seed, self.index.directions) if is_pairs(batch.schema) else batch

    def check_columns(self, schema: pa.Schema, where: str) -> None:
        """See `Operator`."""
        if not is_pairs(schema):
            require_column(schema, "lang", where)
        self._check_named_spans(schema, where)

    def check_languages(self, languages: Sequence[Mapping[str, int]]) -> list[str]:
        """See `Operator`."""
        lines, ways = _unused_entries(self.index.unused), self.index.directions
        known = {label for counts in languages for labels in counts for label in labels.split("-") if label}
        if not known:
            return lines
        sources = sorted({way.src for way in ways})
        if not any(directions_of(label, ways) for label in known):
            raise UserError(
                f"no document is in a source language of the dictionary ({', '.join(sources)}); "
                f"the dataset holds {', '.join(sorted(known)[:10])}",
                remedy="turn the dictionary round with `xlcorpus lexicon invert`, or give its languages: --src, --tgt",
            )
        idle = [source for source in sources if not any(stands_for(source, one) for one in known)]
        lines += [f"codeswitch: no document is in {label}, a source language of the dictionary" for label in idle]
        return lines + _missing_directions(ways, {labels for counts in languages for labels in counts})

    def _check_named_spans(self, schema: pa.Schema, where: str) -> None:
        """A column that was asked for must be there; of a pair nobody could say which side its positions are of."""
        name = self.options.named_spans
        if name != NAMED_SPANS:
            remedy = "name a column of list<struct<start, end>>, or leave out --named-spans"
            require_column(schema, name, where, remedy=remedy)
        if name in schema.names and is_pairs(schema):
            raise UserError(
                f"column {name!r} in {where}: sentence pairs have two texts, and its spans do not say whose they are",
                remedy="rename the column, or leave it out; numbers, addresses and code are protected in any case",
            )


@dataclass(frozen=True)
class DictWord(_ByDictionary):
    """`switch_words` with its dictionaries."""

    @classmethod
    def open(cls, options: CodeswitchOptions, seed: int) -> DictWord:
        """See `Operator`."""
        _check_dictionary(options)
        if options.word_breaker is not None:
            _ = WORD_BREAKERS.find(options.word_breaker).version  # it must be installed
        index = open_index(
            options.dictionary,
            src=options.src,
            tgt=options.tgt,
            format=options.format,
            candidates=options.candidates,
            partners=partners_of(options),
        )
        return cls(options, seed, index)

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool, features: Features | None = None) -> Result:
        """See `switch_words`."""
        return switch_words(self.texts(batch), self.index, self.options, seed=self.seed, keep_text=keep_text)


@dataclass(frozen=True)
class DictPiece(_ByDictionary):
    """`switch_pieces` with its model and dictionary."""

    model: Any  # sentencepiece.SentencePieceProcessor
    table: PieceTable

    @classmethod
    def open(cls, options: CodeswitchOptions, seed: int) -> DictPiece:
        """See `Operator`."""
        model, table = open_pieces(options.tokenizer, entries_of(options), options.candidates)
        return cls(options, seed, table.index, model, table)

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool, features: Features | None = None) -> Result:
        """See `switch_pieces`."""
        texts = self.texts(batch)
        return switch_pieces(texts, self.model, self.table, self.options, seed=self.seed, keep_text=keep_text)


@dataclass(frozen=True)
class AlignSpan:
    """`switch_spans`."""

    reads: ClassVar[tuple[str, ...]] = ("pair",)
    options: CodeswitchOptions
    seed: int

    @classmethod
    def open(cls, options: CodeswitchOptions, seed: int) -> AlignSpan:
        """See `Operator`; it reads nothing."""
        return cls(options, seed)

    def switch(self, batch: pa.RecordBatch, *, keep_text: bool, features: Features | None = None) -> Result:
        """See `switch_spans`."""
        return switch_spans(batch, self.options, seed=self.seed, keep_text=keep_text, features=features)

    def check_columns(self, schema: pa.Schema, where: str) -> None:
        """See `Operator`."""
        require_column(schema, "align", where)

    def check_languages(self, languages: Sequence[Mapping[str, int]]) -> list[str]:
        """It has no dictionaries."""
        return []


# The one place that says which operator an option names.
OPERATORS: dict[str, type[Operator]] = {"dict-word": DictWord, "dict-piece": DictPiece, "align-span": AlignSpan}


def open_operator(options: CodeswitchOptions, seed: int) -> Operator:
    """The operator of these options, with what it reads; raises UserError where a file is missing or wrong."""
    return OPERATORS[options.operator].open(options, seed)


def fingerprints(options: CodeswitchOptions) -> dict[str, str]:
    """Of the dictionaries and the tokenizer, and the version of the word breaker."""
    found = {}
    if options.dictionary:
        found["dictionaries"] = fingerprint_of_dictionaries([locate(path) for path in options.dictionary])
    if options.word_breaker:
        found["word_breaker"] = f"{options.word_breaker} {WORD_BREAKERS.find(options.word_breaker).version}"
    if options.tokenizer:
        found["tokenizer"] = fingerprint_of_file(options.tokenizer)
    if options.languages_from:
        found["languages"] = fingerprint_of_file(options.languages_from)
        found["partners"] = ", ".join(partners_of(options))
    return found


def partners_of(options: CodeswitchOptions) -> tuple[str, ...]:
    """The partner languages, those that are wished for (`nearest:3:swh_Latn`) by the table, of the dictionaries' own.

    Raises UserError as `languages.choose_all`.
    """
    known = None
    if any(map(parse_wish, options.partners)):
        paths = [locate(path) for path in options.dictionary]
        read = read_entries(paths, src=options.src, tgt=options.tgt, format=options.format)
        known = read.table["tgt_lang"].unique().to_pylist()
    return choose_all(options.partners, options.languages_from, "--languages-from", known).labels


def entries_of(options: CodeswitchOptions) -> pa.Table:
    """The entries of all dictionaries into the partner languages (lexicon-2); raises UserError where there is none."""
    _check_dictionary(options)
    paths = [locate(path) for path in options.dictionary]
    read = read_entries(paths, src=options.src, tgt=options.tgt, format=options.format)
    return into_partners(read.table, partners_of(options))


def _check_dictionary(options: CodeswitchOptions) -> None:
    if not options.dictionary:
        raise UserError("there is no dictionary", remedy="name one: --dictionary FILE, as often as needed")


def _unused_entries(unused: Mapping[str, int]) -> list[str]:
    """A line on entries that no text can get, by reason; those beyond the candidates were asked to be left out."""
    left = {reason: count for reason, count in unused.items() if count and reason != "beyond_candidates"}
    shown = ", ".join(f"{reason} {count:,}" for reason, count in sorted(left.items()))
    return [f"codeswitch: entries of the dictionary that are not used: {shown}"] if left else []


def _missing_directions(ways: Sequence[Direction], labels: set[str]) -> list[str]:
    """A line on the sides of sentence pairs (`eng_Latn-deu_Latn`) that no dictionary goes into the other from.

    Raises UserError where none goes from any side into the other.
    """
    sides = [label.split("-") for label in labels if label.count("-") == 1]
    directions = sorted({way for one, other in sides for way in ((one, other), (other, one)) if one and other})
    missing = [
        f"{one} into {other}"
        for one, other in directions
        if not any(stands_for(way.src, one) and stands_for(way.tgt, other) for way in ways)
    ]
    if not missing:
        return []
    shown = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    if len(missing) == len(directions):
        has = ", ".join(f"{way.src} into {way.tgt}" for way in ways[:_SHOWN])
        raise UserError(
            f"no dictionary is between the two languages of a sentence pair: the pairs need {shown}; it has {has}",
            remedy="give a dictionary of these languages, of both directions if both sides are to be switched",
        )
    return [
        f"codeswitch: no dictionary from {shown}: the other side of a pair is switched, where there is one from it; "
        "`xlcorpus lexicon invert` turns a dictionary round"
    ]
