"""Romanised pieces for a tokenizer's vocabulary, so that romanised text is not cut into letters.

Every piece is romanised; romanised pieces that the vocabulary lacks are to be added, with a score merged from those of
the pieces they come from (their sources). Nothing is trained and no model is touched: the step that starts pretraining
reads the table, appends its rows to the vocabulary in their order, and makes each new embedding from its `sources`.

Source: Liu et al. (2024), "TransMI: A Framework to Create Strong Baselines from Multilingual Pretrained Language Models
for Transliterated Data". Where this differs from its released code: "average" is meant for embeddings too, and the code
sums them; sources are ordered by score, where the code takes the first and last by id for the best and worst.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import pyarrow as pa

from xlcorpus.errors import UserError, nearest
from xlcorpus.romanize.tools import Tool
from xlcorpus.tokenizer.piece_files import WORD_START, Piece

MERGES: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "average": fmean}

SCHEMA = pa.schema(
    [
        pa.field("piece", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("sources", pa.list_(pa.field("element", pa.int32(), nullable=False)), nullable=False),
        pa.field("source_pieces", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
    ]
)


@dataclass(frozen=True)
class RomanizedVocabulary:
    """What romanising a vocabulary gives.

    added: SCHEMA, the pieces to append, the highest score first, ties by code points. `sources` are ids in the
    vocabulary given, the highest score first: the first is the source for "max", the last for "min", all for "average".
    existing: for the id of each piece that is the romanisation of others, their ids, the highest score first.
    """

    added: pa.Table
    existing: dict[int, tuple[int, ...]]


def romanize_vocabulary(
    pieces: Sequence[Piece], tool: Tool, *, merge: str = "max", lcode: str | None = None, script: str | None = None
) -> RomanizedVocabulary:
    """Romanise the pieces of a vocabulary and group those that become the same (see the module).

    lcode and script: of a tokenizer for one language; None for a multilingual one. Raises UserError where `merge` is
    none of MERGES, a piece is there twice, or a score is no finite number.
    """
    if merge not in MERGES:
        raise UserError(f"there is no merge {merge!r}; {nearest(merge, MERGES)}", remedy=f"choose {', '.join(MERGES)}")
    ids = _ids(pieces)
    sources: dict[str, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        if not piece.special:
            romanized = romanize_piece(piece.text, tool, lcode, script)
            if romanized is not None and romanized != piece.text:
                sources[romanized].append(number)
    existing: dict[int, tuple[int, ...]] = {}
    rows: list[tuple[str, float, list[int], list[str]]] = []
    for romanized, found in sources.items():
        ordered = sorted(found, key=lambda number: (-pieces[number].score, number))
        known = ids.get(romanized)
        if known is None:
            score = MERGES[merge]([pieces[number].score for number in ordered])
            texts = [pieces[number].text for number in ordered]
            rows.append((romanized, score, ordered, texts))
        elif not pieces[known].special:  # a full-width ＜s＞ is not the start of a sentence
            existing[known] = tuple(ordered)
    rows.sort(key=lambda row: (-row[1], row[0]))
    added = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)
    return RomanizedVocabulary(added, dict(sorted(existing.items())))


def romanize_piece(piece: str, tool: Tool, lcode: str | None = None, script: str | None = None) -> str | None:
    """One piece in Latin letters with its ▁ kept; None where nothing is left or the tool has no rules."""
    body = piece.strip(WORD_START)
    if not body:
        return None
    start = piece.index(body[0])
    romanized = tool.romanize(body.replace(WORD_START, " "), lcode, script)
    words = (romanized or "").split()  # spaces that the tool puts between syllables are words to the tokenizer
    if not words:
        return None
    return piece[:start] + WORD_START.join(words) + piece[start + len(body) :]


def _ids(pieces: Sequence[Piece]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for number, piece in enumerate(pieces):
        if not math.isfinite(piece.score):
            raise UserError(
                f"the piece {piece.text!r} (id {number}) has the score {piece.score}",
                remedy="give log probabilities, such as those of a SentencePiece unigram model",
            )
        first = ids.setdefault(piece.text, number)
        if first != number:
            raise UserError(
                f"the piece {piece.text!r} is there twice, as ids {first} and {number}",
                remedy="give the vocabulary in the order of its ids, each piece once",
            )
    return ids
