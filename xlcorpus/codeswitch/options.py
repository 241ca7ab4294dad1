"""Options of codeswitch, the same for the step and for the functions over batches."""

from __future__ import annotations

from typing import ClassVar, Literal

from xlcorpus.dataset.kept import DESCRIPTION, KeepOptions
from xlcorpus.lexicon.formats import FORMATS
from xlcorpus.options import option

Rounding = Literal["nearest", "ceil"]

NAMED_SPANS = "named_spans"  # the column of spans that are left alone, if nobody says another
_BY_DICTIONARY = {"operator": ("dict-word", "dict-piece")}
_BY_PIECE = {"operator": ("dict-piece",)}
_BY_SPAN = {"operator": ("align-span",)}


class CodeswitchOptions(KeepOptions):
    """Options of codeswitch."""

    files: ClassVar[tuple[str, ...]] = ("dictionary", "tokenizer", "languages_from")
    dictionary: list[str] = option(
        [], only=_BY_DICTIONARY, description="dictionary file: text, TSV, CSV, or Parquet of `xlcorpus lexicon`"
    )
    operator: Literal["dict-word", "dict-piece", "align-span"] = option(
        "dict-word",
        description="words by a dictionary, SentencePiece pieces by one, or spans of aligned pairs",
    )
    src: str | None = option(
        None, only=_BY_DICTIONARY, description="language of the dictionary's source side, where it does not say it"
    )
    tgt: str | None = option(None, only=_BY_DICTIONARY, description="language of its target side")
    format: Literal[FORMATS] = option(  # type: ignore[valid-type]
        "auto", only=_BY_DICTIONARY, description="format of the dictionary"
    )
    partners: list[str] = option(
        [],
        only=_BY_DICTIONARY,
        description="language to switch into, or nearest:3:swh_Latn, diverse:5; default: all that the dictionary has",
    )
    languages_from: str | None = option(
        None, only={"partners": ()}, description="what `xlcorpus languages` wrote, to choose partners by"
    )
    ratio: float = option(0.35, only=_BY_DICTIONARY, gt=0, le=1, description="share of the words to switch")
    poisson: float = option(
        3.5, only=_BY_DICTIONARY, gt=0, description="mean length of the spans of words, drawn from Poisson"
    )
    candidates: int = option(3, only=_BY_DICTIONARY, ge=1, description="best translations of a word to choose from")
    max_langs: int = option(1, only=_BY_DICTIONARY, ge=1, description="most partner languages in one text")
    rounding: Rounding = option("nearest", only=_BY_DICTIONARY, description="of share times words; ceil as published")
    named_spans: str = option(NAMED_SPANS, only=_BY_DICTIONARY, description="column of spans that are never switched")
    word_breaker: str | None = option(
        None,
        only={"operator": ("dict-word",)},
        description="whose words are looked up in scripts without spaces: icu; default: the longest entries",
    )
    tokenizer: str | None = option(None, only=_BY_PIECE, description="SentencePiece model of dict-piece")
    span_share: float = option(
        0.4, only=_BY_SPAN, gt=0, le=1, description="align-span: longest span, as a share of the source words"
    )
    projected_share: float = option(
        0.5, only=_BY_SPAN, gt=0, le=1, description="align-span: share of the source words to project"
    )
    off_diagonal: float = option(
        0.75, only=_BY_SPAN, gt=0, le=1, description="align-span: farthest place from the diagonal, a share"
    )
    cut_labels: bool = option(
        False, only=_BY_SPAN, description="align-span: switch parts of labelled spans too, which may lose their label"
    )
    view: Literal["restore"] | None = option(None, description="rows of the restore task for seq2seq: restore")
    keep: str | None = option(None, only={"view": ("restore",)}, description=f"restore: {DESCRIPTION}")
