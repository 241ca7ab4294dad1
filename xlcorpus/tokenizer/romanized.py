"""Romanised pieces for a tokenizer's vocabulary, so that romanised text is not cut into letters.

Every piece is romanised; romanised pieces that the vocabulary lacks are to be added, with a score merged from those of
the pieces they come from (their sources). Nothing is trained: who goes on training a model makes the embedding of each
new piece from those of its sources: of the first for "max", of the last for "min", the mean of all for "average".

Source: Liu et al. (2024), "TransMI: A Framework to Create Strong Baselines from Multilingual Pretrained Language Models
for Transliterated Data". Where this differs from its released code: "average" is meant for embeddings too, and the code
sums them; sources are ordered by score, where the code takes the first and last by id for the best and worst.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.piece_candidates import Candidate, model_type
from xlcorpus.tokenizer.tokenizer import Tokenizer

MERGES: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "average": fmean}
Romanize = Callable[[str], str | None]  # a text in Latin letters; None where there are no rules for it


@dataclass(frozen=True, slots=True)
class RomanizedPiece:
    """A piece that the vocabulary lacks: text, merged score, and the ids of its sources, the highest score first."""

    text: str
    score: float
    sources: tuple[int, ...]


def check_unigram(tokenizer: Tokenizer) -> None:
    """Raise UserError where pieces have no scores that could be merged."""
    kind = model_type(tokenizer)
    if kind != "unigram":
        raise UserError(
            f"{tokenizer.path} is a {kind or tokenizer.kind} model; only the scores of a unigram model can be merged",
            remedy="give a unigram tokenizer, such as those of XLM-R and mT5",
        )


def romanized_pieces(pieces: Mapping[int, Candidate], romanize: Romanize, merge: str = "max") -> list[RomanizedPiece]:
    """Romanise the pieces of a vocabulary and group those that become the same; the highest score first, ties by text.

    pieces: those that stand for text, by their ids (`piece_candidates.pieces_of`); merge: of MERGES.
    """
    known = {piece.text for piece in pieces.values()}
    sources: dict[str, list[int]] = defaultdict(list)
    for number, piece in pieces.items():
        romanized = romanize_piece(piece.text, romanize)
        if romanized is not None and romanized not in known:
            sources[romanized].append(number)
    made = []
    for text, found in sources.items():
        ordered = sorted(found, key=lambda number: (-pieces[number].score, number))
        made.append(RomanizedPiece(text, MERGES[merge]([pieces[one].score for one in ordered]), tuple(ordered)))
    return sorted(made, key=lambda one: (-one.score, one.text))


def romanize_piece(piece: str, romanize: Romanize) -> str | None:
    """One piece in Latin letters with its spaces kept; None where nothing is left or the romaniser has no rules."""
    body = piece.strip(" ")
    if not body:
        return None
    start = piece.index(body[0])
    words = (romanize(body) or "").split()  # spaces that the romaniser puts in are words to the tokenizer
    if not words:
        return None
    return piece[:start] + " ".join(words) + piece[start + len(body) :]
