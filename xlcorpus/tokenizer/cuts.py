"""What the pieces of an extended tokenizer were before: how the base cuts each new one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.sentencepiece_model import NORMAL, load_processor, plain_text
from xlcorpus.tokenizer.tokenizer import CONTROL, UNKNOWN, Tokenizer


def cuts(base: Tokenizer, extended: Tokenizer) -> list[tuple[int, ...]]:
    """Of each new id, from base.vocab_size on, the ids that the base cuts its piece into; () for tokens of the user's.

    Those, special or not, are whole by their nature: what their names are cut into says nothing of them. Pieces are cut
    as they stand within a text: no space is put before them, halves of letters (byte-level BPE) are cut too. Unknown
    characters count as nothing. Raises UserError where the two are of different kinds.
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


def cut_texts(base: Tokenizer, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Of each text the ids that the base cuts it into within a text, behind a comma: no space is put before it. Unknown
    characters count as nothing."""
    comma = base.encode_batch(pa.array([","], pa.string()))[0]
    special = np.isin(base.piece_kinds, (CONTROL, UNKNOWN))
    found: list[tuple[int, ...]] = []
    behind, alone = (
        base.encode_batch(pa.array([f"{mark}{text}" for text in texts], pa.string())) for mark in (",", "")
    )
    for number, text in enumerate(texts):
        ids, whole = (one[offsets[number] : offsets[number + 1]] for one, offsets in (behind, alone))
        # Where the comma is joined with what follows, the text by itself.
        ids = ids[len(comma) :] if np.array_equal(ids[: len(comma)], comma) else whole
        found.append(tuple(one for one in ids.tolist() if not special[one]) if text else ())
    return found


def pieces_of(tokenizer: Tokenizer) -> dict[int, str]:
    """The pieces as the vocabulary writes them, by id; none of bytes."""
    if isinstance(tokenizer, HuggingFaceTokenizer):
        return {number: piece for piece, number in tokenizer.ids.items()}
    if isinstance(tokenizer, SentencePieceTokenizer):
        return {number: piece.text for number, piece in enumerate(tokenizer.model.pieces)}
    return {}


def _huggingface(base: HuggingFaceTokenizer, extended: HuggingFaceTokenizer) -> list[tuple[int, ...]]:
    names = pieces_of(extended)
    added = {token["id"] for token in extended.json.get("added_tokens") or []}
    whole = {*np.flatnonzero(extended.piece_kinds == CONTROL).tolist(), *added}
    new = range(base.vocab_size, extended.vocab_size)
    return [() if at in whole or at not in names else tuple(base.cut_piece(names[at])) for at in new]


def _sentencepiece(base: SentencePieceTokenizer, extended: SentencePieceTokenizer) -> list[tuple[int, ...]]:
    processor = load_processor(base.model.within_text().to_bytes(), base.path)
    special = np.isin(base.piece_kinds, (CONTROL, UNKNOWN))
    new = extended.model.pieces[base.vocab_size :]
    texts = [plain_text(piece.text) if piece.type == NORMAL else "" for piece in new]
    return [tuple(one for one in ids if not special[one]) for ids in processor.encode(texts)]
