"""Which pieces two tokenizers have in common: by their text, with a space where a word starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kinds.huggingface import is_byte
from xlcorpus.tokenizer.tokenizer import INSTEAD, NORMAL, ROLES, Tokenizer


def equal_pieces(old: Tokenizer, new: Tokenizer) -> np.ndarray:
    """int64[new ids]: the old id of equal text, the lowest where several have it; -1 where there is none.

    Special ids go by their role, then, like those of bytes, by their name. Raises UserError where no text is in both.
    """
    texts, names = _first(_texts(old)), _first(old.piece_names())
    roles = {role: at for role, at in old.special_ids().items() if at is not None}
    same = np.array([-1 if text is None else texts.get(text, -1) for text in _texts(new)], dtype=np.int64)
    if not (same >= 0).any():
        raise UserError(
            f"the tokenizers {old.path} and {new.path} have no piece of text in common, so no row can be kept",
            remedy="check that start: old_tokenizer is the model's; a model without a row in common is no start: "
            "use start: shape",
        )
    kinds, theirs = new.piece_kinds, old.piece_kinds
    for at, name in enumerate(new.piece_names()):
        if (kinds[at] != NORMAL or is_byte(name)) and name in names and theirs[names[name]] == kinds[at]:
            same[at] = names[name]
    for role in reversed(ROLES):
        place, found = new.special_ids()[role], roles.get(role, roles.get(INSTEAD.get(role, "")))
        if place is not None and found is not None:
            same[place] = found
    return same


def folded_pieces(old: Tokenizer, new: Tokenizer, same: np.ndarray) -> np.ndarray:
    """`equal_pieces`, with more: of pieces without an equal one, that which differs in case alone, then also in the
    space before it (OFA, methods B8). int64[new ids]."""
    folded = _first([None if text is None else text.lower() for text in _texts(old)])
    found = same.copy()
    for at, text in enumerate(_texts(new)):
        if found[at] < 0 and text is not None and text.strip():
            lower = text.lower()
            forms = (lower, f" {lower}", lower.lstrip())
            found[at] = next((folded[form] for form in forms if form in folded), -1)
    return found


def _texts(tokenizer: Tokenizer) -> list[str | None]:
    """Texts of ids that are made of text; those of byte fallback stand for bytes: <0x69> is not the piece i."""
    kinds, names = tokenizer.piece_kinds, tokenizer.piece_names()
    return [
        text if kinds[at] == NORMAL and not is_byte(names[at]) else None
        for at, text in enumerate(tokenizer.piece_texts())
    ]


def _first(texts: Sequence[str | None]) -> dict[str, int]:
    """The lowest id of each text."""
    found: dict[str, int] = {}
    for at, text in enumerate(texts):
        if text is not None:
            found.setdefault(text, at)
    return found
