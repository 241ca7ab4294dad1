"""Options of an evaluation. No torch here, so that `xlcorpus evaluate --help` needs none."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option
from xlcorpus.raw.options import ReadOptions
from xlcorpus.text.language_names import check_language

_OF_PAIRS = ("src_column", "tgt_column", "src_lang", "tgt_lang")
_OF_TEXTS = ("text_column", "lang", "lang_column")


class EvaluateOptions(StepOptions):
    """What is measured how; those of reading are `ingest`'s."""

    rows: int | None = option(None, ge=1, description="bits: at most so many rows of a dataset, evenly from all")
    layers: str | None = option(
        None,
        description="retrieval, search: numbers of layers, as 4,8,-1 (0: embeddings, -1: the last), or all; default: "
        "at two thirds (8 of 12), and in search by tokens of a model of colbert",
    )
    queries: int = option(5_000, ge=1, description="search: most queries, evenly from all")
    pooling: Literal["mean", "cls", "last"] = option(
        "mean", description="retrieval, search: the mean of a sentence's tokens, its first token, or its last one"
    )
    similarity: Literal["cosine", "dot"] = option("cosine", description="retrieval, search: of two vectors")
    csls: int = option(
        0, ge=0, description="retrieval: neighbours that correct for vectors near to everything (usual: 10); 0: none"
    )
    sentence_tokens: int = option(512, ge=8, description="retrieval, search: most tokens of a sentence")
    pairs: int = option(5_000, ge=2, description="retrieval: most pairs of two languages, evenly from all")
    prompts: int = option(20, ge=1, description="mixing: texts of each language, evenly from all")
    prompt_tokens: int = option(32, ge=1, description="mixing: tokens of a text that the model goes on from")
    new_tokens: int = option(64, ge=1, description="mixing: most tokens that it writes")
    temperature: float = option(0.0, ge=0, description="mixing: 0: always the likeliest token")
    top_p: float = option(1.0, gt=0, le=1, description="mixing: draw of the likeliest tokens that make up this share")
    lid: str = option("embedded", description="mixing: the language identification: embedded, lid176, or a path")
    seed: int = option(0, description="mixing: of what is drawn")
    batch: int = option(8, ge=1, description="rows, sentences or prompts at once; drawn text depends on it")
    src_column: str = option("src", description="retrieval: column of one side, or the suffix of its text file")
    tgt_column: str = option("tgt", description="retrieval: column of the other side, or the suffix of its text file")
    src_lang: str | None = option(None, description="retrieval: language of one side; default: the column src_lang")
    tgt_lang: str | None = option(None, description="retrieval: language of the other; default: the column tgt_lang")
    text_column: str = option("text", description="mixing: column or JSON field that holds the text")
    lang: str | None = option(None, description="mixing: language of all texts, where it is known")
    lang_column: str | None = option(None, description="mixing: column that holds the language of each text")

    @field_validator("lang", "src_lang", "tgt_lang")
    @classmethod
    def _check_language(cls, value: str | None) -> str | None:
        return None if value is None else check_language(value)

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, value: str | None) -> str | None:
        if value not in (None, "all"):
            try:
                [int(part) for part in str(value).split(",")]
            except ValueError:
                raise UserError(
                    f"--layers {value}", remedy="give numbers with commas between, 4,8,-1, or all"
                ) from None
        return value

    def reading(self, kind: Literal["pairs", "documents"]) -> ReadOptions:
        """How raw files are read."""
        given: dict[str, Any] = {name: getattr(self, name) for name in (_OF_PAIRS if kind == "pairs" else _OF_TEXTS)}
        return ReadOptions(kind=kind, **{name: value for name, value in given.items() if value is not None})
