"""Extend a tokenizer: pieces of another one, or of one trained for the purpose, after the last id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.extend_huggingface import extend_huggingface
from xlcorpus.tokenizer.extend_sentencepiece import extend_sentencepiece
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, best_first, model_type, pieces_of_model
from xlcorpus.tokenizer.sentencepiece_model import SentencePieceModel, parse_model
from xlcorpus.tokenizer.text_sample import Sample
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import TooLargeError, TooSmallError, TrainOptions, train_on_sample
from xlcorpus.tokenizer.unigram_scores import MARGIN

_TRIES = 4


@dataclass(frozen=True)
class Extended:
    """An extended tokenizer: its SentencePiece model or the contents of its tokenizer.json, and the pieces added.

    sources: of each piece, the ids of those that it is the romanisation of; None where pieces are not romanised.
    """

    model: SentencePieceModel | dict[str, Any]
    added: int
    sources: Mapping[str, Sequence[int]] | None = None


def extend(
    base: Tokenizer,
    candidates: Sequence[Candidate],
    count: int | None,
    specials: Sequence[str] = (),
    margin: float | None = MARGIN,
) -> Extended:
    """Add the first `count` (None: all) of the candidates that `base` lacks and can make, and special tokens.

    margin: for unigram models, see `unigram_scores`; None: the candidates' scores are of this model. Raises UserError
    where `base` cannot be extended or fewer than `count` pieces can be added.
    """
    most = len(candidates) if count is None else count
    model: SentencePieceModel | dict[str, Any]
    if isinstance(base, SentencePieceTokenizer):
        model, added = extend_sentencepiece(base, candidates, most, specials, margin)
    elif isinstance(base, HuggingFaceTokenizer):
        model, added = extend_huggingface(base, candidates, most, specials, margin)
    else:
        raise UserError(
            f"the tokenizer {base.path} has no pieces, so none can be added",
            remedy="give a SentencePiece .model or a tokenizer.json",
        )
    if count is not None and added < count:
        raise UserError(
            f"only {added:,} of {count:,} pieces can be added to {base.path}: the others it has, or cannot make",
            remedy=f"--pieces {added}, or more text, or a larger tokenizer after --with",
        )
    return Extended(model, added)


def extend_on_sample(
    base: Tokenizer, sample: Sample, count: int, options: TrainOptions, margin: float = MARGIN
) -> Extended:
    """Train a SentencePiece model of the base's type on the sample and add its best `count` pieces that are new.

    options: coverage, seed, threads and special tokens of the user's own; the rest follows from the base.
    """
    options.check()
    kind = "bpe" if model_type(base) == "bpe" else "unigram"
    size, largest = 2 * count + 1000, False
    for _ in range(_TRIES):
        try:
            trained, _ = train_on_sample(sample, replace(options, model=kind, vocab_size=size, special=(), mask=False))
            extended = extend(base, _learnt(trained), None, (), margin)
            if extended.added >= count or largest:
                break
            size *= 2
        except TooSmallError as error:
            size = 2 * count + error.limit
        except TooLargeError as error:
            size, largest = error.limit, True
    return extend(base, _learnt(trained), count, options.special, margin)


def _learnt(model: bytes) -> list[Candidate]:
    return best_first(pieces_of_model(parse_model(model, "the trained model")))
