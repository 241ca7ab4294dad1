"""Add pieces to a SentencePiece model: the file with more pieces after the last one, every old id as it was."""

from __future__ import annotations

from collections.abc import Sequence

from xlcorpus.errors import UserError
from xlcorpus.tokenizer import sentencepiece_model as model_file
from xlcorpus.tokenizer.bpe_merges import Pieces, choose_merges
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, characters_first, check_specials
from xlcorpus.tokenizer.sentencepiece_model import WORD_START, ModelPiece, SentencePieceModel
from xlcorpus.tokenizer.tokenizer import SPECIALS
from xlcorpus.tokenizer.unigram_scores import added_scores


def extend_sentencepiece(
    base: SentencePieceTokenizer,
    candidates: Sequence[Candidate],
    count: int,
    specials: Sequence[str],
    margin: float | None,
) -> tuple[SentencePieceModel, int]:
    """The model with at most `count` pieces of `candidates` and with `specials`, and how many pieces were added.

    Unigram: scores by `unigram_scores`. BPE: scores go on below the lowest, in the candidates' order, so new merges
    come after all old ones. Left out: what the model has, what its normalisation would never leave so, and what BPE
    cannot make. Raises UserError for models of another type.
    """
    model = base.model
    if model.model_type not in ("unigram", "bpe"):
        raise UserError(
            f"{base.path} is a {model.model_type} model, which cannot be extended",
            remedy="give a unigram or BPE model, or train a new one",
        )
    known = {piece.text for piece in model.pieces}
    text_pieces = {piece.text: piece.score for piece in model.pieces if piece.type == model_file.NORMAL}
    ordered = characters_first(candidates, {model_file.plain_text(text) for text in known}, count)
    usable = [(one.text.replace(" ", WORD_START), one.score) for one in _stable(base, ordered)]
    if model.model_type == "unigram":
        scores = added_scores(text_pieces, usable, margin)
        both = zip(usable, scores, strict=True)
        fresh = [ModelPiece(text, score) for (text, _), score in both if score is not None and text not in known]
        fresh = fresh[:count]
    else:
        lowest = min(text_pieces.values(), default=0.0)
        made = choose_merges([text for text, _ in usable], Pieces(text_pieces), set(known), count)
        fresh = [ModelPiece(one.text, lowest - 1 - at) for at, one in enumerate(made)]
    return model.extended([*fresh, *_special_pieces(specials, known | {piece.text for piece in fresh})]), len(fresh)


def _stable(base: SentencePieceTokenizer, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Candidates that the model's normalisation leaves as they are; behind a full stop, so that spaces count."""
    normal = base.normalize([f".{one.text}" for one in candidates])
    prefix = f"{WORD_START}." if base.model.add_dummy_prefix else "."
    wanted = (prefix + one.text.replace(" ", WORD_START) for one in candidates)
    return [one for one, got, want in zip(candidates, normal, wanted, strict=True) if got == want]


def _special_pieces(specials: Sequence[str], known: set[str]) -> list[ModelPiece]:
    check_specials(specials, known)
    kinds = dict.fromkeys(SPECIALS.values(), model_file.CONTROL)  # not made from text; other specials are
    return [ModelPiece(token, 0.0, kinds.get(token, model_file.USER_DEFINED)) for token in specials]
