"""The files of a tokenizer's folder that extending it does not change: chat templates, configurations, licences."""

from __future__ import annotations

import re

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.tokenizer.template import CONFIGS

# Of a tokenizer.json that is given as a file only these are copied: other files of its folder are perhaps not its own.
_ITS_OWN = (*CONFIGS, "chat_template.jinja", "chat_template.json", "added_tokens.json")
_TEMPLATES = "additional_chat_templates"  # a folder of named ones, as transformers has them
# The old vocabulary in other forms, which a tool could take for the new one, and what is written anew.
_REPLACED = re.compile(
    r"tokenizer\.(json|model|vocab)|vocab\.(json|txt)|merges\.txt|.*\.(model|tiktoken)|"
    r"(card|sources|extended|manifest)\.json|tekken\.json"
)
# Weights have as many rows as the old vocabulary; they are not of the tokenizer.
_WEIGHTS = re.compile(
    r".*\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|onnx|onnx_data|gguf|ot|npz|npy|tflite|mlmodel|pkl)|.*\.index\.json"
)


def keep_files(given: Location, output: Location) -> list[str]:
    """Copy the files that stay as they are from a tokenizer's folder (or that of its file) to another folder.

    Gives the names of the files of the old vocabulary that are left out. Raises OSError.
    """
    whole = storage.is_folder(given)
    folder = given if whole else given.parent
    names = [one.name for one in storage.scan(folder) if storage.is_file(folder / one.name)]
    if not whole:
        names = [name for name in names if name in _ITS_OWN] if given.name == "tokenizer.json" else []
    left_out = []
    for name in names:
        if _REPLACED.fullmatch(name):
            left_out.append(name)
        elif not (name.startswith(".") or _WEIGHTS.fullmatch(name)):
            storage.write_bytes(output / name, storage.read_bytes(folder / name))
    if names and storage.is_folder(folder / _TEMPLATES):
        for path in storage.files_below(folder / _TEMPLATES):
            name = storage.relative_name(path, folder)
            storage.make_folder((output / name).parent)
            storage.write_bytes(output / name, storage.read_bytes(path))
    return [name for name in left_out if not storage.exists(output / name)]
