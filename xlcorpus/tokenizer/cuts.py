"""What the pieces of an extended tokenizer were before: how the base cuts each new one."""

from __future__ import annotations

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.sentencepiece_model import load_processor
from xlcorpus.tokenizer.tokenizer import CONTROL, UNKNOWN, Tokenizer


def cuts(base: Tokenizer, extended: Tokenizer) -> list[tuple[int, ...]]:
    """Of each new id, from base.vocab_size on, the ids that the base cuts its piece into; () for special tokens.

    Cut as it stands within a text: no space is put before it, halves of letters (byte-level BPE) are cut too. Unknown
    characters count as nothing, so a piece of such alone is (). Raises UserError where the two are of different kinds.
    """
    if isinstance(base, HuggingFaceTokenizer) and isinstance(extended, HuggingFaceTokenizer):
        return _huggingface(base, extended)
    if isinstance(base, SentencePieceTokenizer) and isinstance(extended, SentencePieceTokenizer):
        return _sentencepiece(base, extended)
    raise UserError(
        f"{extended.path} is a tokenizer of the kind {extended.kind}, and {base.path} of the kind {base.kind}, so its "
        "pieces cannot be cut by that",
        remedy="name the tokenizer in the form that it was extended from",
    )


def _huggingface(base: HuggingFaceTokenizer, extended: HuggingFaceTokenizer) -> list[tuple[int, ...]]:
    names = {number: piece for piece, number in extended.ids.items()}
    special = extended.piece_kinds == CONTROL
    new = range(base.vocab_size, extended.vocab_size)
    return [() if special[at] or at not in names else tuple(base.cut_piece(names[at])) for at in new]


def _sentencepiece(base: SentencePieceTokenizer, extended: SentencePieceTokenizer) -> list[tuple[int, ...]]:
    processor = load_processor(base.model.to_bytes(), base.path)
    processor.override_normalizer_spec(add_dummy_prefix=False, remove_extra_whitespaces=False)
    special = np.isin(base.piece_kinds, (CONTROL, UNKNOWN))
    texts = [
        "" if kind == CONTROL else text or ""
        for text, kind in zip(extended.piece_texts(), extended.piece_kinds.tolist(), strict=True)
    ][base.vocab_size :]
    return [tuple(one for one in ids if not special[one]) for ids in processor.encode(texts)]
