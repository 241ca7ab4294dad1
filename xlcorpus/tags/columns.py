"""Which columns of rows hold labels of tokens: tags beside a column tokens, and spans in characters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.features import Features, said_in
from xlcorpus.tags.spans import is_span_column

TOKENS = "tokens"
SIDES = ("src_", "tgt_")
_TAGS = frozenset({"tags", "labels", "langs", "upos", "xpos", "pos"})
# One value a token, which nothing here can carry: words of the old text, and numbers of its tokens.
_OF_TOKENS = frozenset({"lemmas", "feats", "head", "heads", "deprel", "deps", "misc"})
# Of ours: what was switched, and languages of sentences, which are true of one text alone.
_SWITCHED, _SENTENCES = "cs_spans", "lang_sentences"


@dataclass(frozen=True)
class LabelColumns:
    """Columns of labels of a text.

    prefix: of their names, `src_` or `tgt_` for a side of pairs; tokens: list<string>; tags: list<string>, or list of
    whole numbers, one a token; spans: list<struct<start, end, ...>>; bound: what goes by this text and cannot be
    carried to another one. names: of the numbers in tags, where the data say them.
    """

    prefix: str
    tokens: str | None
    tags: tuple[str, ...]
    spans: tuple[str, ...]
    bound: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.tokens or self.spans)

    @property
    def layers(self) -> tuple[str, ...]:
        """Columns that hold labels."""
        return (*self.tags, *self.spans)

    @property
    def all(self) -> tuple[str, ...]:
        """All columns that go by the words of the text."""
        return (*((self.tokens,) if self.tokens else ()), *self.tags, *self.spans, *self.bound)


def label_columns(schema: pa.Schema, prefix: str = "", features: Features | None = None) -> LabelColumns:
    """The columns of labels of a text. Tags are tags, labels, langs, upos, xpos, pos and all names that end with _tags,
    beside a column tokens; spans are all columns list<struct<start, end, ...>>.

    features: what is known of columns, for names of numbers; default: what the schema's metadata say.
    """
    tokens: str | None = None
    tags: list[str] = []
    spans: list[str] = []
    bound: list[str] = []
    has_tokens = prefix + TOKENS in schema.names and _is_list(schema.field(prefix + TOKENS).type, pa.types.is_string)
    for field in schema:
        own = field.name.removeprefix(prefix)
        if own == _SWITCHED or not field.name.startswith(prefix) or (not prefix and own.startswith(SIDES)):
            continue
        if is_span_column(field.type):
            (bound if own == _SENTENCES else spans).append(field.name)
        elif not has_tokens:
            continue
        elif own == TOKENS:
            tokens = field.name
        elif (own in _TAGS or own.endswith("_tags")) and _is_tags(field.type):
            tags.append(field.name)
        elif own in _OF_TOKENS and pa.types.is_list(field.type):
            bound.append(field.name)
    said = said_in(schema.metadata) if features is None else {name: one.said for name, one in features.items()}
    found = {name: tuple(names) for name in tags if (names := class_names(said.get(name))) is not None}
    return LabelColumns(prefix, tokens, tuple(tags), tuple(spans), tuple(bound), found)


def left_out(step: str, names: Sequence[str], where: str, why: str) -> list[str]:
    """A line for the user on columns that a step leaves out, where there are any."""
    return [f"{step}: left out of {where}: {', '.join(names)} ({why})"] if names else []


def _is_tags(kind: pa.DataType) -> bool:
    return _is_list(kind, pa.types.is_string) or _is_list(kind, pa.types.is_integer)


def _is_list(kind: pa.DataType, of: Any) -> bool:
    return pa.types.is_list(kind) and bool(of(kind.value_type))


def class_names(said: str | None) -> Sequence[str] | None:
    """Names of the numbers of a column: those of the ClassLabel in what is said of it (`dataset.features`: JSON)."""
    return None if said is None else next(_class_labels(json.loads(said)), None)


def _class_labels(feature: Any) -> Iterator[list[str]]:
    if isinstance(feature, dict):
        if feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
            yield [str(name) for name in feature["names"]]
        for value in feature.values():
            yield from _class_labels(value)
    elif isinstance(feature, list):
        for value in feature:
            yield from _class_labels(value)
