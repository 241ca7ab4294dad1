"""The files of a tokenizer, copied byte by byte into the folder of a model.

save_pretrained writes tokenizer.json anew, and its bytes are the tokenizer's fingerprint: a model's folder would no
longer be known as that of its shards.
"""

from __future__ import annotations

from typing import Any

import transformers

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, first_line
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.sentencepiece_model import CARD, FOLDER_FILE, parse_model
from xlcorpus.tokenizer.template import CONFIGS
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.write import files_of

_OF_TOKENIZERS = (".jinja", ".model", ".vocab")
_NAMES = ("tokenizer.json", *CONFIGS, "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", CARD)
_TEMPLATES = "additional_chat_templates"


def copy_tokenizer(tokenizer: Tokenizer, given: str | Location, output: Location) -> None:
    """Copy what `given` (a folder, FILE.model or FILE.json; `bytes`) holds of the tokenizer, chat template included.

    AutoTokenizer opens the output, and `open_tokenizer` finds the same fingerprint there. Raises UserError where a
    .model is neither unigram nor BPE.
    """
    place = storage.locate(given)
    if storage.is_folder(place):
        _copy_folder(place, output)
    elif tokenizer.kind == "bytes":
        transformers.ByT5Tokenizer(extra_ids=0).save_pretrained(storage.make_folder(output))
    elif place.suffix == ".model":
        model, card, folder = files_of(place)
        data = storage.read_bytes(model)
        if storage.is_folder(folder):
            _copy_folder(folder, output)
        else:
            write_folder(parse_model(data, str(model)), tokenizer, output)
        storage.write_bytes(output / FOLDER_FILE, data)
        if storage.is_file(card):
            storage.write_bytes(output / CARD, storage.read_bytes(card))
        else:
            storage.write_json(output / CARD, {"tokenizer": tokenizer.kind})
    elif place.name == "tokenizer.json":
        _copy_folder(place.parent, output)
    else:
        storage.write_bytes(output / "tokenizer.json", storage.read_bytes(place))
        storage.write_json(output / CONFIGS[0], _settings(tokenizer))


def open_in_transformers(folder: Location) -> Any:
    """transformers' own tokenizer of a folder that `copy_tokenizer` wrote; raises UserError where it opens none."""
    with storage.local_copy(folder) as path:
        try:
            return transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
        except Exception as error:  # of any class, by what is wrong
            raise UserError(
                f"transformers opens no tokenizer of these files: {first_line(error)}",
                remedy="give a folder with tokenizer.json and tokenizer_config.json",
            ) from error


def _copy_folder(folder: Location, output: Location) -> None:
    for one in storage.entries_of(folder):
        if storage.is_file(one) and (one.name in _NAMES or one.suffix in _OF_TOKENIZERS):
            storage.write_bytes(output / one.name, storage.read_bytes(one))
    for one in storage.files_below(folder / _TEMPLATES):
        storage.write_bytes(output / _TEMPLATES / one.name, storage.read_bytes(one))


def _settings(tokenizer: Tokenizer) -> dict[str, Any]:
    """A tokenizer_config.json with the special tokens that the file alone is known to have."""
    names = {number: name for name, number in getattr(tokenizer, "ids", {}).items()}
    roles = {f"{role}_token": names[at] for role, at in tokenizer.special_ids().items() if at is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **roles}
