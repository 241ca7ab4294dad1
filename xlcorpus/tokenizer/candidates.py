"""Pieces that may be added to a tokenizer: those of another one, in the order in which it values them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlcorpus.errors import UserError
from xlcorpus.tokenizer import model_proto
from xlcorpus.tokenizer.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.model_proto import SentencePieceModel
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.sentencepiece_file import SentencePieceTokenizer


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece: its text, with a space where a word starts, and its score in the model it comes from."""

    text: str
    score: float


def read_candidates(path: Path) -> list[Candidate]:
    """The pieces of a tokenizer (SentencePiece, tokenizer.json or its folder), the most valued first.

    Raises UserError where the tokenizer has no pieces of text (`bytes`) or cannot be opened.
    """
    tokenizer = open_tokenizer(path)
    if isinstance(tokenizer, SentencePieceTokenizer):
        return candidates_of(tokenizer.model)
    if isinstance(tokenizer, HuggingFaceTokenizer):
        vocab = tokenizer.json["model"]["vocab"]
        scores = [float(entry[1]) for entry in vocab] if isinstance(vocab, list) else []
        found = [
            Candidate(text, scores[at] if at < len(scores) else -float(at))
            for at, text in enumerate(tokenizer.piece_texts())
            if text
        ]
        return sorted(found, key=lambda one: -one.score)
    raise UserError(f"{path} has no pieces to add", remedy="name a SentencePiece .model or a tokenizer.json")


def candidates_of(model: SentencePieceModel) -> list[Candidate]:
    """The pieces of a SentencePiece model that stand for text, the highest score first, ties by id."""
    plain = [piece for piece in model.pieces if piece.type == model_proto.NORMAL]
    ordered = sorted(plain, key=lambda piece: -piece.score)
    return [Candidate(model_proto.plain_text(piece.text), piece.score) for piece in ordered]


def characters_first(candidates: Sequence[Candidate], known: Collection[str], count: int) -> list[Candidate]:
    """Single characters that the vocabulary lacks before all others, but at most half of `count` of them.

    Models value a character by itself least, though without it all text that has it falls to bytes or unknowns.
    known: pieces of the vocabulary as text, with spaces.
    """
    missing = [one for one in candidates if len(one.text) == 1 and one.text not in known][: count // 2]
    first = {one.text for one in missing}
    return [*missing, *(one for one in candidates if one.text not in first)]
