"""The operators of code-switching behind one face: loaded once a process, applied to every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from xlcorpus.codeswitch.align_span import AlignSpanSettings, switch_spans
from xlcorpus.codeswitch.index import LexiconIndex, matches, pairs_of
from xlcorpus.codeswitch.lexicon_file import read_entries
from xlcorpus.codeswitch.open_index import into_partners, open_index
from xlcorpus.codeswitch.outcome import Switched
from xlcorpus.codeswitch.pieces import PieceIndex, open_pieces, switch_pieces_batch
from xlcorpus.codeswitch.restore import choose_sides, is_pairs
from xlcorpus.codeswitch.switch import Settings, switch_batch
from xlcorpus.errors import UserError

OPERATORS = ("dict-word", "dict-piece", "align-span")


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
    return choose_sides(batch, settings.seed) if is_pairs(batch.schema) else batch


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
    if not known or not isinstance(operator, DictWord | DictPiece):
        return []
    sources = sorted({pair.src for pair in operator.index.pairs})
    served = {label for label in known if pairs_of(label, operator.index.pairs)}
    if not served:
        raise UserError(
            f"no document is in a source language of the dictionary ({', '.join(sources)}); "
            f"the dataset holds {', '.join(sorted(known)[:10])}",
            remedy="turn the dictionary round with `xlcorpus lexicon invert`, or give its languages: --src, --tgt",
        )
    idle = sorted({pair.src for pair in operator.index.pairs if not any(matches(one, pair.src) for one in known)})
    return [f"codeswitch: no document is in {label}, a source language of the dictionary" for label in idle]
