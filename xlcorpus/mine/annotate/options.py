"""Options of annotate: who says what, of what, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import ClassVar

from pydantic import field_validator, model_validator

from xlcorpus.errors import UserError
from xlcorpus.mine.annotate.answers import FIELD_TYPES, Form, Parse, folded
from xlcorpus.mine.backend import Decoding
from xlcorpus.mine.embedder import EmbedderOptions
from xlcorpus.mine.options import AskOptions
from xlcorpus.options import option
from xlcorpus.templates.template import read_source

LLM, CLASSIFIER, TAGGER, EMBEDDER = "llm", "classifier", "tagger", "embedder"
MODELS = (LLM, CLASSIFIER, TAGGER, EMBEDDER)
SCORE, FAULT = "score", "fault"  # ends of names of columns
_RANGE = 100  # whole numbers that are counted one by one


class AnnotateOptions(AskOptions, EmbedderOptions):
    """Which model says something of each row, and what is made of it."""

    files: ClassVar[tuple[str, ...]] = (*AskOptions.files, *EmbedderOptions.files, CLASSIFIER, TAGGER)
    unrecorded: ClassVar[tuple[str, ...]] = (*AskOptions.unrecorded, *EmbedderOptions.unrecorded, "device")

    column: str = option(pattern=r"^[A-Za-z][\w-]*$", description="name of the new column")
    template: str | None = option(
        None,
        description="what the model reads, of columns: '{text}' (the default but of --llm), Jinja, or a file of it",
    )
    llm: str = option("", description="BACKEND:MODEL, asked by --template: transformers:FOLDER, openai:NAME, ...")
    classifier: str | None = option(
        None, description="folder of a model that classifies texts: the column is its label, or its number"
    )
    tagger: str | None = option(None, description="folder of a model that tags tokens: the column is a tag a token")
    embedder: str = option(
        "", description="encoder:FOLDER, or sentence-transformers:NAME_OR_FOLDER: the column is a vector"
    )
    model_tokens: int = option(512, ge=8, description="classifier, tagger: most tokens of a text")
    model_batch: int = option(32, ge=1, description="classifier, tagger: texts at once")
    device: str | None = option(None, description="classifier, tagger: cpu or cuda; default: a GPU where there is one")
    parse: Parse = option("text", description="what an answer is read as")
    choices: list[str] = option([], only={"parse": ["choice"]}, description="a choice; anything else is a fault")
    fields: list[str] = option(
        [],
        only={"parse": ["json"]},
        description="a field of the JSON object that becomes a column COLUMN_NAME: NAME, NAME:number, or NAME:json",
    )
    least: float | None = option(None, only={"parse": ["number"]}, description="numbers below are faults")
    most: float | None = option(None, only={"parse": ["number"]}, description="numbers above are faults")
    extract: str | None = option(
        None, description="regular expression: its first group is read, in the place of the whole answer"
    )
    new_tokens: int = option(64, ge=1, description="most tokens of an answer")

    @field_validator("template")
    @classmethod
    def _read(cls, given: str | None) -> str | None:
        return None if given is None else read_source(given)

    @property
    def model(self) -> str:
        """Which option says who is asked: llm, classifier, tagger, embedder."""
        return next(name for name in MODELS if getattr(self, name))

    @model_validator(mode="after")
    def _one_model(self) -> AnnotateOptions:
        given = [name for name in MODELS if getattr(self, name)]
        if len(given) != 1:
            shown = " and ".join(f"--{name}" for name in given) or "no model"
            raise UserError(
                f"annotate asks one model, and this is {shown}", remedy=f"give one of --{', --'.join(MODELS)}"
            )
        owners = {name: owner for owner, names in _OF_MODEL.items() for name in names}
        for name in sorted(self.model_fields_set):
            if given[0] not in owners.get(name, given) and getattr(self, name) not in (None, []):
                flag = name.replace("_", "-")
                raise UserError(
                    f"--{flag} is an option of --{' or --'.join(owners[name])}; this is --{given[0]}",
                    remedy=f"leave out --{flag}",
                )
        return self

    @model_validator(mode="after")
    def _fits(self) -> AnnotateOptions:
        if self.parse == "choice":
            _check_choices(self.choices)
        names = [name for name, _ in self.form.fields]
        for given, name in zip(self.fields, names, strict=True):
            if names.count(name) > 1:
                raise UserError(f"--fields names {name} twice", remedy="leave one out")
            if name in (SCORE, FAULT):
                raise UserError(f"--fields {given}: the column {self.column}_{given} is ours", remedy="ask for another")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise UserError(f"no number is above --least {self.least:g} and below --most {self.most:g}", remedy="swap")
        if self.extract is not None:
            try:
                re.compile(self.extract)
            except re.error as error:
                raise UserError(f"--extract {self.extract!r}: {error}", remedy="mend the expression") from error
        return self

    @property
    def decoding(self) -> Decoding:
        """How answers are made: the likeliest, up to the end of its line; JSON up to an empty line. With --chat the
        model ends it itself."""
        stop = () if self.chat else ("\n\n",) if self.parse == "json" else ("\n",)
        return Decoding(self.new_tokens, stop=stop)

    @property
    def form(self) -> Form:
        """How answers are read; raises UserError."""
        fields = tuple(_field(given) for given in self.fields)
        return Form(self.column, self.parse, tuple(self.choices), fields, self.least, self.most, self.extract)

    @property
    def counts_numbers(self) -> bool:
        """Whether the range of numbers is so small that the manifest counts each whole one."""
        return self.least is not None and self.most is not None and self.most - self.least <= _RANGE


def _check_choices(choices: Collection[str]) -> None:
    if len(choices) < 2:
        raise UserError("--parse choice needs choices", remedy="name each: --choices news --choices fiction")
    seen: dict[str, str] = {}
    for choice in choices:
        name = folded(choice)
        if not name:
            raise UserError(f"--choices {choice!r} has no letter", remedy="name another")
        if name in seen:
            raise UserError(f"--choices {seen[name]!r} and {choice!r} cannot be told apart", remedy="leave one out")
        seen[name] = choice


def _field(given: str) -> tuple[str, str]:
    name, _, kind = given.partition(":")
    if not name or (kind or "text") not in FIELD_TYPES:
        raise UserError(
            f"--fields {given!r} is no field", remedy=f"write NAME, or NAME:TYPE with one of {', '.join(FIELD_TYPES)}"
        )
    return name, kind or "text"


# Options that belong to some models alone.
_OF_MODEL = {
    (LLM,): (*AskOptions.model_fields, "parse", "choices", "fields", "least", "most", "extract", "new_tokens"),
    (CLASSIFIER, TAGGER): ("model_tokens", "model_batch", "device"),
    (EMBEDDER,): tuple(EmbedderOptions.model_fields),
    (LLM, CLASSIFIER, EMBEDDER): ("template",),
}
