"""Answers of a language model as values of columns. What cannot be read is a fault with a name, never a guess."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import regex

Parse = Literal["text", "number", "choice", "json"]
EMPTY = "empty_answer"  # faults
NO_MATCH, NO_NUMBER, SEVERAL_NUMBERS, OUT_OF_RANGE = "no_match", "not_a_number", "several_numbers", "out_of_range"
NO_CHOICE, SEVERAL_CHOICES = "no_choice", "several_choices"
NO_JSON, NO_OBJECT, MISSING_FIELD, WRONG_FIELD = "broken_json", "no_object", "missing_field", "wrong_field"
FIELD_TYPES: Mapping[str, pa.DataType] = {"text": pa.string(), "number": pa.float64(), "json": pa.string()}
# Digits of any script; a comma is a decimal point unless three digits follow, of which nobody can say what they are.
_NUMBER = re.compile(r"(?<![A-Za-z\d.,])(?:(?<!\w)[-+\u2212])?\d+(?:[.,\u066b]\d+)*(?![A-Za-z\d]|[.,\u066b]\d)")
_PLAIN = re.compile(r"[-+]?\d+(?:\.\d+|[,\u066b](?!\d{3}$)\d+)?")
_FENCE = re.compile(r"```\w*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_AROUND = (  # of a choice: spaces, marks, quotes, what Markdown puts around
    " \t\r\n*_`\"'“”‘’«»„「」『』【】《》()[]{}<>.,;:!?。、，：；！？।॥؟۔،؛။።"
)
_IN_WORD = regex.compile(r"\w")  # marks, vowel signs and joiners among them, which `re` does not count
_WORD_START = regex.compile(r"(?<!\w)\w")


class Unreadable(Exception):
    """An answer that is no value; its text is the fault."""


@dataclass(frozen=True)
class Form:
    """What is read out of answers. column: the name of what is made; choices: of parse choice; fields: of parse json,
    columns COLUMN_NAME by name and type (`FIELD_TYPES`); least, most: of numbers; extract: a regular expression, whose
    first group (without one, whose match) is read in the place of the whole answer."""

    column: str
    parse: Parse = "text"
    choices: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    least: float | None = None
    most: float | None = None
    extract: str | None = None

    @property
    def values(self) -> pa.Schema:
        """The columns of what is read: text, choices and JSON as strings, numbers as float64."""
        own = pa.field(self.column, pa.float64() if self.parse == "number" else pa.string())
        return pa.schema([own, *(pa.field(f"{self.column}_{name}", FIELD_TYPES[kind]) for name, kind in self.fields)])

    def read(self, answer: str) -> dict[str, Any]:
        """The values by column; raises Unreadable."""
        if self.extract is not None:
            found = re.search(self.extract, answer)
            if found is None:
                raise Unreadable(NO_MATCH)
            answer = next((group for group in found.groups() if group is not None), found[0])
        answer = answer.strip()
        if not answer:
            raise Unreadable(EMPTY)
        if self.parse == "json":
            return self._object(answer)
        if self.parse == "number":
            return {self.column: self._within(number_in(answer))}
        return {self.column: choice_in(answer, self.choices) if self.parse == "choice" else answer}

    def _within(self, value: float) -> float:
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise Unreadable(OUT_OF_RANGE)
        return value

    def _object(self, answer: str) -> dict[str, Any]:
        found = json_in(answer)
        if self.fields and not isinstance(found, dict):
            raise Unreadable(NO_OBJECT)
        made: dict[str, Any] = {self.column: _text_of(found)}
        for name, kind in self.fields:
            if name not in found:
                raise Unreadable(MISSING_FIELD)
            made[f"{self.column}_{name}"] = _field(found[name], kind)
        return made


def number_in(answer: str) -> float:
    """The one number that an answer holds, in digits of whatever script; raises Unreadable where there are others."""
    found = _NUMBER.findall(answer)
    if len(found) > 1:
        raise Unreadable(SEVERAL_NUMBERS)
    plain = found[0].replace("\u2212", "-") if found else ""
    if not _PLAIN.fullmatch(plain):
        raise Unreadable(NO_NUMBER)
    return _finite(float(plain.replace(",", ".").replace("\u066b", ".")), NO_NUMBER)


def choice_in(answer: str, choices: tuple[str, ...]) -> str:
    """The choice that an answer is, or begins with where it names no other one; case and marks around do not count.

    Raises Unreadable.
    """
    said = folded(answer)
    known = {folded(choice): choice for choice in choices}
    if said in known:
        return known[said]
    named = [choice for choice in sorted(known, key=len, reverse=True) if _begins(said, choice)]
    if not named:
        raise Unreadable(NO_CHOICE)
    rest = said[len(named[0]) :]
    if any(_begins(rest[at:], choice) for at in _words(rest) for choice in known if choice != named[0]):
        raise Unreadable(SEVERAL_CHOICES)
    return known[named[0]]


def folded(text: str) -> str:
    """As choices are compared: NFC, without case, without marks and spaces around."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip(_AROUND)).casefold())


def json_in(answer: str) -> Any:
    """The JSON value that an answer begins with, inside of a fence of Markdown where there is one; raises
    Unreadable."""
    fenced = None if answer.startswith(("{", "[")) else _FENCE.search(answer)
    text = (fenced[1] if fenced else answer).strip()
    try:
        found, _ = _DECODER.raw_decode(text)
        _text_of(found).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Unreadable(NO_JSON) from error
    return found


def _field(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "json":
        return _text_of(value)
    if kind == "text":
        if not isinstance(value, str):
            raise Unreadable(WRONG_FIELD)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(WRONG_FIELD)
    try:
        return _finite(float(value), WRONG_FIELD)
    except OverflowError:
        raise Unreadable(WRONG_FIELD) from None


def _finite(value: float, fault: str) -> float:
    if not math.isfinite(value):
        raise Unreadable(fault)
    return value


def _text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _begins(text: str, choice: str) -> bool:
    """Whether a text begins with a choice as words of its own."""
    return text.startswith(choice) and not _IN_WORD.match(text, len(choice))


def _words(text: str) -> list[int]:
    """Where words begin."""
    return [found.start() for found in _WORD_START.finditer(text)]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
