"""A tokenizer of the pieces that `trim` keeps, in the form of the whole one: new ids, the same cuts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.kept_files import keep_files
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.sentencepiece_model import HF_CONFIG, HF_FILE
from xlcorpus.tokenizer.template import settings_beside
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.write import files_of, guarded, write_model

_ADDED = "added_tokens_decoder"  # of tokenizer_config.json, by id


def write_trimmed(tokenizer: Tokenizer, given: Location, new: Mapping[int, int], output: Location) -> Tokenizer:
    """Write a folder of the kept pieces, with all files of the whole one that stay as they are; the tokenizer.

    given: path of the whole one; new: new ids by old ones, ascending. Raises UserError for a kind without pieces, and
    where the folder gives other pieces than were kept; StorageError where it cannot be written.
    """
    if isinstance(tokenizer, SentencePieceTokenizer):
        model = replace(
            tokenizer.model, pieces=tuple(one for at, one in enumerate(tokenizer.model.pieces) if at in new)
        )
        settings: dict[str, Any] = {}
        if storage.is_folder(given):
            guarded(output, lambda: keep_files(given, files_of(output)[2]))
            settings = settings_beside(given / HF_CONFIG)
        write_model(model, model.to_bytes(), output, settings)
    elif isinstance(tokenizer, HuggingFaceTokenizer):
        guarded(output, lambda: _write_folder(trimmed_json(tokenizer.json, new), given, new, output))
    else:
        raise UserError(
            f"a tokenizer of the kind {tokenizer.kind} has no pieces to leave out",
            remedy="name a SentencePiece model or a tokenizer.json, or leave out --write",
        )
    made, names = open_tokenizer(output), tokenizer.piece_names()
    if made.piece_names() != [names[at] for at in new]:
        raise UserError(f"{output} has other pieces than were kept", remedy="report this with the tokenizer")
    return made


def trimmed_json(value: Mapping[str, Any], new: Mapping[int, int]) -> dict[str, Any]:
    """A tokenizer.json with the kept pieces alone, and the merges of which nothing is gone."""
    made = copy.deepcopy(dict(value))
    model = made["model"]
    if isinstance(model["vocab"], list):
        model["vocab"] = [entry for at, entry in enumerate(model["vocab"]) if at in new]
        model["unk_id"] = new.get(model["unk_id"])
    else:
        model["vocab"] = {text: new[at] for text, at in model["vocab"].items() if at in new}
        gap = model.get("continuing_subword_prefix") or ""
        merges = [one.split(" ") if isinstance(one, str) else one for one in model.get("merges") or []]
        pairs = [(left, right, left + right.removeprefix(gap)) for left, right in merges]
        if pairs:
            model["merges"] = [list(pair[:2]) for pair in pairs if all(one in model["vocab"] for one in pair)]
    for token in made["added_tokens"]:
        token["id"] = new[token["id"]]
    _renumber(made.get("post_processor"), new)
    return made


def _renumber(part: Any, new: Mapping[int, int]) -> None:
    """Ids of a post-processor, in place: of templates, and of sep and cls as BERT's and RoBERTa's have them."""
    if not isinstance(part, dict):
        return
    for one in part.get("processors", []):
        _renumber(one, new)
    for token in (part.get("special_tokens") or {}).values():
        token["ids"] = [new[at] for at in token["ids"]]
    for role in ("sep", "cls"):
        if isinstance(part.get(role), list):
            part[role][1] = new[part[role][1]]


def _write_folder(value: Mapping[str, Any], given: Location, new: Mapping[int, int], output: Location) -> None:
    storage.make_folder(output)
    keep_files(given, output)
    storage.write_json(output / HF_FILE, value)
    config = output / HF_CONFIG
    settings = storage.read_json(config) if storage.is_file(config) else {}
    if _ADDED in settings:
        old = {int(at): token for at, token in settings[_ADDED].items()}
        storage.write_json(config, {**settings, _ADDED: {str(new[at]): old[at] for at in old if at in new}})
    storage.remove(output / "added_tokens.json")  # by old ids; tokenizer.json has them too
