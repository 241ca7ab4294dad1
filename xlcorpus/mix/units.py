"""The size of documents in the unit of the budget."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import tokens
from xlcorpus.tokenizer.objectives import shown_around
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.template import Ids

UNITS = ("tokens", "bytes", "chars", "docs")

# What a token is until the tokenizer that will train is named: a pre-token, before any split into subwords.
TOKEN_ESTIMATE = "pre-tokens: words, single characters of unspaced scripts, punctuation marks"


def meaning_of(unit: str, tokenizer: str | None, around: tuple[Ids, Ids] = ((), ())) -> str:
    """The unit in words: of tokens, whose they are, and the special ids before and after each text that count too."""
    if unit != "tokens":
        return unit
    if tokenizer is None:
        return TOKEN_ESTIMATE
    opened = open_once(tokenizer)
    specials = f", each text with {shown_around(opened, around)}" if any(around) else ""
    return f"tokens of {opened.name} ({opened.fingerprint}){specials}"


def open_counter(unit: str, tokenizer: str | None = None, specials: int = 0) -> Callable[[pa.Array], np.ndarray]:
    """`count_units` in one unit; tokens by a tokenizer where one is named (see `open_tokenizer`).

    specials: special ids around a text, which are added; not to one without tokens, which is in no pack.
    """
    if specials:
        plain = open_counter(unit, tokenizer)
        return lambda texts: (sizes := plain(texts)) + specials * (sizes > 0)
    if unit == "tokens" and tokenizer is not None:
        return open_once(tokenizer).count_batch
    return functools.partial(count_units, unit=unit)


def count_units(texts: pa.Array, unit: str) -> np.ndarray:
    """int64[rows]: size of each text in tokens (see TOKEN_ESTIMATE), UTF-8 bytes, code points or documents."""
    if unit == "docs":
        return np.ones(len(texts), dtype=np.int64)
    if unit == "bytes":
        return pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    points = code_points(texts)
    if unit == "chars":
        return points.lengths
    if unit != "tokens":
        raise ValueError(f"unknown unit {unit!r}")
    marks = properties.matches(r"[\p{P}\p{S}]")[points.codes]
    return tokens(points).per_text + points.sum_per_text(marks)
