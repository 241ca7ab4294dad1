"""Open a tokenizer of any kind by its path."""

from __future__ import annotations

import functools
from pathlib import Path

from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.errors import UserError, nearest
from xlcorpus.tokenizer.byte_values import ByteTokenizer
from xlcorpus.tokenizer.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.sentencepiece_file import SentencePieceTokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

BYTES = "bytes"
KINDS = "a SentencePiece .model, a Hugging Face tokenizer.json or its folder, or the word bytes"

_OTHER_FILES = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x1f\x8b": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"PK\x03\x04": "a zip archive or a PyTorch file",
    b"\x80": "a pickle",
    b"GGUF": "a GGUF model",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
}


def open_tokenizer(path: str | Path) -> Tokenizer:
    """Open a SentencePiece .model, a tokenizer.json or the folder of one, or `bytes`.

    Raises UserError where the path is missing, empty, of another kind, or the package that reads it is not installed.
    """
    if str(path) == BYTES:
        return ByteTokenizer()
    given = Path(path)
    if not given.exists():
        folder = given.parent
        names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        hint = f"; {nearest(given.name, names)}" if names else f": there is no folder {folder}"
        raise UserError(f"there is no tokenizer {given}{hint}", remedy=f"give {KINDS}")
    if given.is_dir():
        return _open_folder(given)
    try:
        with given.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise UserError(f"the tokenizer {given} cannot be read: {error.strerror}", remedy=f"give {KINDS}") from error
    if not start:
        raise UserError(f"the tokenizer {given} is empty", remedy="make or copy it again")
    for signature, kind in _OTHER_FILES.items():
        if start.startswith(signature):
            raise UserError(f"{given} is {kind}, not a tokenizer", remedy=f"give {KINDS}")
    if start.lstrip().startswith((b"{", b"[")):
        return HuggingFaceTokenizer(given, given)
    return SentencePieceTokenizer(given)


@functools.lru_cache(maxsize=2)
def open_once(path: str) -> Tokenizer:
    """As `open_tokenizer`, once in a process: for workers, which ask for it with every shard."""
    return open_tokenizer(path)


def _open_folder(folder: Path) -> Tokenizer:
    if (folder / "tokenizer.json").is_file():
        return HuggingFaceTokenizer(folder / "tokenizer.json", folder)
    if (folder / "tokenizer.model").is_file():  # Llama, Gemma, Mistral: their ids are those of the file
        return SentencePieceTokenizer(folder / "tokenizer.model")
    if is_dataset(folder):
        raise UserError(f"{folder} is a dataset, not a tokenizer", remedy=f"give {KINDS}")
    models = sorted(one.name for one in folder.glob("*.model"))
    if models:
        # XLM-R, mBART and NLLB keep a SentencePiece file whose ids are shifted by one and more in the model.
        raise UserError(
            f"the folder {folder} has {', '.join(models)} but no tokenizer.json, so the ids of its model are not known",
            remedy="save the fast tokenizer there (transformers' save_pretrained), or, where the model's ids are those "
            f"of the file, give {folder / models[0]}",
        )
    raise UserError(f"the folder {folder} has no tokenizer.json", remedy=f"give {KINDS}")
