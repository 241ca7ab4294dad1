"""Options of generate: what makes a pair of a document, how many, and how far both sides differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import field_validator, model_validator

from xlcorpus.errors import UserError, nearest
from xlcorpus.options import StepOptions, option

Edit = Literal["swap", "drop", "repeat", "insert", "substitute"]
EDITS: tuple[Edit, ...] = get_args(Edit)
NEXT_SENTENCE = "next-sentence"


def _of(*operators: str) -> dict[str, Sequence[str | None]]:
    return {"operator": list(operators)}


class GenerateOptions(StepOptions):
    """Options of generate."""

    operator: Literal["crop", "typo", "shuffle", "span", "next-sentence"] = option(
        description="crop: two parts of the text, each drawn by itself; typo: the text and one with misspelt words; "
        "shuffle: and one with its words in another order; span: two spans of sentences of the text; next-sentence: "
        "sentences and those that follow, or those of another text"
    )
    copies: int = option(1, ge=1, le=1000, description="pairs of each document")
    least_ratio: float = option(
        0.05, gt=0, le=1, only=_of("crop"), description="the shortest crop, as a share of the words of the text"
    )
    most_ratio: float = option(0.5, gt=0, le=1, only=_of("crop"), description="the longest crop")
    min_words: int = option(
        2, ge=2, only=_of("crop", "typo", "shuffle"), description="texts with fewer words are left out"
    )
    of: Literal["document", "sentence"] = option(
        "document",
        only=_of("typo", "shuffle"),
        description="what the first side is: the document, or one of its sentences, drawn by hash",
    )
    rate: float = option(0.1, gt=0, le=1, only=_of("typo"), description="share of the words with a typo, at least one")
    edits: list[str] = option(
        list(EDITS), only=_of("typo"), description="what a typo is, each as often: swap drop repeat insert substitute"
    )
    within: Literal["text", "clause"] = option(
        "text",
        only=_of("shuffle"),
        description="words change places in the whole text, or in each clause, whose first and last word stay",
    )
    distance: int | None = option(
        None, ge=1, only=_of("shuffle"), description="a word is moved by fewer places than this, plus one"
    )
    sentences: int = option(
        1, ge=1, le=1000, only=_of("span", NEXT_SENTENCE), description="most sentences of a side, at least one"
    )
    negatives: float = option(
        0.5,
        ge=0,
        le=1,
        only=_of(NEXT_SENTENCE),
        description="share of the pairs whose second side is of another document of the same language",
    )
    sentence_breaker: str | None = option(
        None,
        description="library that finds more sentences where the script marks none: pythainlp (Thai; needs "
        "xlcorpus[thai]); default: the built-in rules alone",
    )

    @field_validator("edits", mode="before")
    @classmethod
    def _check_edits(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        names = [part for one in parts for part in str(one).split(",")]
        for name in names:
            if name not in EDITS:
                raise UserError(
                    f"--edits: {name!r} is no edit; {nearest(name, EDITS)}", remedy=f"write {','.join(EDITS)}"
                )
        return [name for name in EDITS if name in names]

    @model_validator(mode="after")
    def _check_together(self) -> GenerateOptions:
        if self.least_ratio > self.most_ratio:
            raise UserError(
                f"--least-ratio {self.least_ratio} is above --most-ratio {self.most_ratio}",
                remedy="give the shorter one first: --least-ratio 0.05 --most-ratio 0.5",
            )
        if not self.edits:
            raise UserError("--edits names no edit", remedy=f"write {','.join(EDITS)}")
        if self.distance is not None and self.within == "clause":
            raise UserError(
                "--distance is for words of the whole text", remedy="leave out --distance, or --within clause"
            )
        return self
