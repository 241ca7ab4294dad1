"""Which pieces two tokenizers have in common, as arrays of old ids."""

from __future__ import annotations

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kinds.huggingface import is_byte
from xlcorpus.tokenizer.piece_tables import shared_pieces
from xlcorpus.tokenizer.tokenizer import INSTEAD, NORMAL, Tokenizer


def equal_pieces(old: Tokenizer, new: Tokenizer) -> np.ndarray:
    """int64[new ids]: the old id of the same piece as `shared_pieces` says, -1 where there is none.

    What begins and ends texts goes by BERT's tokens for that where an old tokenizer has no other. Raises UserError
    where no text is in both.
    """
    same = _places(old, new, loose=False)
    if not (same[text_pieces(new)] >= 0).any():
        raise UserError(
            f"the tokenizers {old.path} and {new.path} have no piece of text in common, so no row can be kept",
            remedy="check that start: old_tokenizer is the model's; a model without a row in common is no start: "
            "use start: shape",
        )
    ours, theirs = new.special_ids(), old.special_ids()
    for role, instead in INSTEAD.items():
        place, found = ours.get(role), theirs.get(instead)
        if place is not None and found is not None and same[place] < 0:
            same[place] = found
    return same


def folded_pieces(old: Tokenizer, new: Tokenizer, same: np.ndarray) -> np.ndarray:
    """`equal_pieces` (same), with more: of pieces without an equal one, that which differs in case alone, then also in
    the space before it (OFA, methods B8). int64[new ids]."""
    return np.where(same >= 0, same, _places(old, new, loose=True))


def text_pieces(tokenizer: Tokenizer) -> np.ndarray:
    """bool[ids]: those of text; not special ones, nor those of byte fallback: <0x69> is not the piece i."""
    bytes_ = np.array([is_byte(name) for name in tokenizer.piece_names()], dtype=bool)
    found: np.ndarray = (tokenizer.piece_kinds == NORMAL) & ~bytes_
    return found


def _places(old: Tokenizer, new: Tokenizer, *, loose: bool) -> np.ndarray:
    shared = shared_pieces(new, old, loose=loose)
    places = np.full(new.vocab_size, -1, dtype=np.int64)
    places[shared["id"].to_numpy()] = shared["other_id"].to_numpy()
    return places
