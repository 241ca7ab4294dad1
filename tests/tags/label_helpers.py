"""Sentences with labels by rule: runs of capitalised words, numbers, and a kind for each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import regex

from tests.tags.labels_slow import decode, find_tokens

LISTS = pa.list_(pa.string())
_SPAN = [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())]
ENTITIES = pa.list_(pa.struct(_SPAN))
_TOKEN = regex.compile(r"\p{Han}|\p{Hiragana}|\p{Katakana}|[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*|[^\s]")


def tokenised(text: str) -> list[str]:
    """Tokens of a sentence, of Chinese its characters."""
    return list(_TOKEN.findall(text))


def kind_of(token: str) -> str:
    """A kind by rule."""
    if not token[0].isalnum():
        return "sign"
    if token[0].isdigit():
        return "num"
    return "cap" if token[0].isupper() else ("even" if len(token) % 2 == 0 else "word")


def tagged(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """IOB2 tags of names, numbers and some characters by rule, and a kind for each token."""
    kinds = [kind_of(token) for token in tokens]
    tags, before = [], ""
    for kind, token in zip(kinds, tokens, strict=True):
        some = "HAN" if regex.match(r"\p{Han}", token) and ord(token) % 3 == 0 else ""
        label = {"cap": "NAME", "num": "NUM"}.get(kind, some)
        tags.append(f"{'I' if label == before else 'B'}-{label}" if label else "O")
        before = label
    return tags, kinds


def columns_of(texts: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """tokens, ner_tags, pos_tags and entities of texts by rule."""
    tokens = [tokenised(text) for text in texts]
    tags = [tagged(one) for one in tokens]
    spans = [
        [
            {"start": start, "end": end, "label": label, "text": text[start:end]}
            for start, end, label, _ in decode(find_tokens(text, own), ner)
        ]
        for text, own, (ner, _) in zip(texts, tokens, tags, strict=True)
    ]
    return {
        f"{prefix}tokens": pa.array(tokens, LISTS),
        f"{prefix}ner_tags": pa.array([ner for ner, _ in tags], LISTS),
        f"{prefix}pos_tags": pa.array([kinds for _, kinds in tags], LISTS),
        f"{prefix}entities": pa.array(spans, ENTITIES),
    }
