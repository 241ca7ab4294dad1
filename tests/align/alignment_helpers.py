"""Synthetic bitext with a known dictionary and word order, and the alignment that belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tests import rows
from xlcorpus.pairs.side_tokens import ALIGN

Pairs = list[tuple[int, int]]


def bitext(count: int, seed: int = 0, words: int = 60) -> tuple[list[str], list[str], list[Pairs]]:
    """Sentences of 4 to 9 words; each pair of target words (verb, object) stands the other way round at the end."""
    generator = np.random.default_rng(seed)
    sources, targets, gold = [], [], []
    for _ in range(count):
        size = int(generator.integers(4, 10))
        numbers = generator.choice(words, size=size, replace=False)
        order = [*range(size - 2), size - 1, size - 2]
        sources.append(" ".join(f"s{_letters(number)}" for number in numbers))
        targets.append(" ".join(f"t{_letters(numbers[place])}" for place in order) + ".")
        gold.append(sorted((place, at) for at, place in enumerate(order)))
    return sources, targets, gold


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")


def align_column(links: Sequence[Sequence[tuple[int, int]] | None]) -> pa.Array:
    """An `align` column."""
    return pa.array(
        [None if row is None else [{"src": one, "tgt": other} for one, other in row] for row in links], ALIGN
    )


def links_of(column: pa.Array) -> list[Pairs | None]:
    """The pairs of an `align` column."""
    return [None if row is None else [(link["src"], link["tgt"]) for link in row] for row in column.to_pylist()]


def pairs_batch(
    source: Sequence[str | None], target: Sequence[str | None], align: pa.Array, lang: str = "eng_Latn"
) -> pa.RecordBatch:
    """A batch of sentence pairs, with ids by content and number among the same content."""
    texts = [f"{one}\t{other}" for one, other in zip(source, target, strict=True)]
    names = [f"{texts[:at].count(text)}\t{text}" for at, text in enumerate(texts)]
    sides = list(zip(source, target, strict=True))
    return rows.pairs(sides, lang, "deu_Latn", names=names, source=None, align=align)
