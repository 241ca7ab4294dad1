"""Names in a tokenizer.json that text must never become: special tokens, and the byte pieces of unigram models.

The library leaves special tokens that stand in a text as text (`encode_special_tokens`), but a model that has them in
its vocabulary makes them all the same: a unigram model takes `</s>` and `<0x41>` for pieces, WordPiece and WordLevel
for words, and normalisation turns ＜/s＞ into them. So the model that cuts texts has them under names that no text has.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any


def renamed(value: Mapping[str, Any], reserved: Collection[str]) -> dict[str, Any]:
    """The contents of a tokenizer.json with other names for `reserved`; every id is as it was.

    Merges that make one of them, or are made of one, are left out. Byte fallback is off where its pieces are reserved.
    """
    secret = secrets.token_hex(16)  # so that no text can be made to hold it
    names = {name: f"{secret}{number}" for number, name in enumerate(reserved)}
    model: dict[str, Any] = dict(value["model"])
    vocab = model["vocab"]
    if isinstance(vocab, list):
        model["vocab"] = [[names.get(text, text), score] for text, score in vocab]
    else:
        model["vocab"] = {names.get(text, text): number for text, number in vocab.items()}
    if model.get("merges"):
        model["merges"] = [merge for merge in model["merges"] if not _touches(merge, names)]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    if not names.keys().isdisjoint(BYTES):
        model["byte_fallback"] = False
    added = [{**token, "content": names.get(token["content"], token["content"])} for token in value["added_tokens"]]
    return {**value, "model": model, "added_tokens": added, "truncation": None, "padding": None}


BYTES = tuple(f"<0x{number:02X}>" for number in range(256))


def _touches(merge: Any, names: Mapping[str, str]) -> bool:
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return left in names or right in names or left + right in names
