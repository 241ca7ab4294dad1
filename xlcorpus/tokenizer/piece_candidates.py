"""Pieces that may be added to a tokenizer: those of another one, in the order in which it values them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer, is_byte
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.sentencepiece_model import NORMAL, SentencePieceModel, plain_text
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece: its text, with a space where a word starts, and its score in the model it comes from."""

    text: str
    score: float


def pieces_of(tokenizer: Tokenizer) -> dict[int, Candidate]:
    """The pieces of a tokenizer that stand for text, by their ids; raises UserError where it has none (`bytes`)."""
    if isinstance(tokenizer, SentencePieceTokenizer):
        return pieces_of_model(tokenizer.model)
    if isinstance(tokenizer, HuggingFaceTokenizer):
        vocab = tokenizer.json["model"]["vocab"]
        scores = [float(entry[1]) for entry in vocab] if isinstance(vocab, list) else []
        single_bytes = {number for piece, number in tokenizer.ids.items() if is_byte(piece)}
        return {
            at: Candidate(text, scores[at] if at < len(scores) else -float(at))
            for at, text in enumerate(tokenizer.piece_texts())
            if text and at not in single_bytes
        }
    raise UserError(f"{tokenizer.path} has no pieces to add", remedy="name a SentencePiece .model or a tokenizer.json")


def pieces_of_model(model: SentencePieceModel) -> dict[int, Candidate]:
    """The pieces of a SentencePiece model that stand for text, by their ids."""
    pieces = enumerate(model.pieces)
    return {at: Candidate(plain_text(piece.text), piece.score) for at, piece in pieces if piece.type == NORMAL}


def best_first(pieces: Mapping[int, Candidate]) -> list[Candidate]:
    """Pieces by their scores, the highest first, ties by id."""
    return sorted(pieces.values(), key=lambda one: -one.score)


def check_specials(specials: Sequence[str], known: Collection[str]) -> None:
    """Raise UserError where a special token is among the known pieces, or twice."""
    for at, token in enumerate(specials):
        if token in known or token in specials[:at]:
            raise UserError(f"--special {token!r} is in the vocabulary already", remedy="leave it out")


def model_type(tokenizer: Tokenizer) -> str:
    """How a tokenizer cuts text: unigram, bpe or another model's name in small letters; '' where that is not known."""
    if isinstance(tokenizer, SentencePieceTokenizer):
        return tokenizer.model.model_type
    return tokenizer.model_type.lower() if isinstance(tokenizer, HuggingFaceTokenizer) else ""


def characters_first(candidates: Sequence[Candidate], known: Collection[str], count: int) -> list[Candidate]:
    """Single characters that the vocabulary lacks before all others, but at most half of `count` of them.

    Models value a character by itself least, though without it all text that has it falls to bytes or unknowns.
    known: pieces of the vocabulary as text, with spaces.
    """
    missing = [one for one in candidates if len(one.text) == 1 and one.text not in known][: count // 2]
    first = {one.text for one in missing}
    return [*missing, *(one for one in candidates if one.text not in first)]
