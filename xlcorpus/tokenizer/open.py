"""Open a tokenizer of any kind by its path."""

from __future__ import annotations

import functools

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.registry import Registry
from xlcorpus.tokenizer.tokenizer import Tokenizer, TokenizerKind

KINDS: Registry[TokenizerKind] = Registry(
    "kind of tokenizer", "xlcorpus.tokenizer.kinds", "KIND", "xlcorpus.tokenizers"
)
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
_START = 64  # bytes of a file that kinds see


def open_tokenizer(path: str | Location) -> Tokenizer:
    """Open a SentencePiece .model, a tokenizer.json or the folder of one, `bytes`, or what a kind of yours opens.

    Raises UserError where the path is missing, empty, of another kind, or the package that reads it is not installed.
    """
    given = storage.locate(path)
    try:
        start = b""
        if storage.is_file(given):
            with storage.open_input(given) as stream:
                start = stream.read(_START)
    except OSError as error:
        raise _refused(f"the tokenizer {given} cannot be read: {error.strerror}") from error
    for kind in KINDS.all.values():
        if kind.opens(given, start):
            return kind.make(given)
    raise _fault(given, start)


@functools.lru_cache(maxsize=2)
def open_once(path: str) -> Tokenizer:
    """As `open_tokenizer`, once in a process: for workers, which ask for it with every shard."""
    return open_tokenizer(path)


def tokenizer_in(folder: Location) -> Tokenizer | None:
    """That of a folder; None where none lies there."""
    return next((kind.make(folder) for kind in KINDS.all.values() if kind.opens(folder, b"")), None)


def _fault(given: Location, start: bytes) -> UserError:
    """Why no kind opens it."""
    if not storage.exists(given):
        folder = given.parent
        names = [one.name for one in storage.entries_of(folder)] if storage.is_folder(folder) else []
        hint = f"; {nearest(given.name, names)}" if names else f": there is no folder {folder}"
        return _refused(f"there is no tokenizer {given}{hint}")
    if storage.is_folder(given):
        return _folder_fault(given)
    if not start:
        return UserError(f"the tokenizer {given} is empty", remedy="make or copy it again")
    for signature, what in _OTHER_FILES.items():
        if start.startswith(signature):
            return _refused(f"{given} is {what}, not a tokenizer")
    return _refused(f"{given} is not a SentencePiece model, nor a tokenizer of another kind")


def _folder_fault(folder: Location) -> UserError:
    if is_dataset(folder):
        return _refused(f"{folder} is a dataset, not a tokenizer")
    models = [one.name for one in storage.entries_of(folder) if one.suffix == ".model"]
    if models:
        # XLM-R, mBART and NLLB keep a SentencePiece file whose ids are shifted by one and more in the model.
        return UserError(
            f"the folder {folder} has {', '.join(models)} but no tokenizer.json, so the ids of its model are not known",
            remedy="save the fast tokenizer there (transformers' save_pretrained), or, where the model's ids are those "
            f"of the file, give {folder / models[0]}",
        )
    return _refused(f"the folder {folder} has no tokenizer.json")


def _refused(message: str) -> UserError:
    *others, last = (kind.given_as for kind in KINDS.all.values())
    return UserError(message, remedy=f"give {', '.join(others)}{', or ' if others else ''}{last}")
