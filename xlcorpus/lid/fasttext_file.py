"""fastText model files: load one; before that, read far enough to know its kind and that it is whole.

fastText itself checks neither: from a file that was cut in its dictionary it reads words for ever, and one that was cut
in a matrix it takes as it is. Layout: fastText 0.9, file formats 11 and 12 (`FastText::saveModel`).
"""

from __future__ import annotations

import contextlib
import io
import struct
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, Mapped

MAGIC = struct.pack("<i", 793712314)  # FASTTEXT_FILEFORMAT_MAGIC_INT32
SUPERVISED = "supervised"
_KINDS = {1: "cbow", 2: "skipgram", 3: SUPERVISED}
# Magic, version, twelve arguments (the eighth is the kind of model), sampling threshold.
_HEADER = struct.Struct("<2i12id")
_DICTIONARY = struct.Struct("<3i2q")  # entries, words, labels; tokens, pruned entries
_ENTRY_TAIL = 9  # int64 count and int8 type after each NUL-terminated word
_QUANTIZER = 16  # four int32 before 256 centroids a dimension


class NotWholeError(ValueError):
    """The file ends before its own header says it should, or is no fastText model."""


def _matrix_end(data: Mapped, at: int, quantized: bool) -> int:
    if not quantized:
        rows, columns = struct.unpack_from("<2q", data, at)
        return int(at + 16 + rows * columns * 4)
    has_norms, rows, columns, codes = struct.unpack_from("<?2qi", data, at)
    end = at + 21 + codes + _QUANTIZER + columns * 256 * 4
    return int(end + (rows + _QUANTIZER + 256 * 4 if has_norms else 0))


def _end(data: Mapped) -> int:
    at = _HEADER.size
    entries, _, _, _, pruned = _DICTIONARY.unpack_from(data, at)
    at += _DICTIONARY.size
    for _ in range(entries):
        at = data.find(b"\0", at) + 1
        if at == 0:
            raise NotWholeError("it ends in its dictionary")
        at += _ENTRY_TAIL
    at += max(0, pruned) * 8
    (quantized_input,) = struct.unpack_from("<?", data, at)
    at = _matrix_end(data, at + 1, quantized_input)
    (quantized_output,) = struct.unpack_from("<?", data, at)
    return _matrix_end(data, at + 1, quantized_input and quantized_output)


def model_kind(path: Location) -> str:
    """`supervised`, `cbow` or `skipgram`; a supervised model is also checked to be whole.

    Raises NotWholeError where the file is not a fastText model or is cut short, OSError where it cannot be read.
    """
    with storage.open_mapped(path) as data:
        head = data[: _HEADER.size]
        if head[: len(MAGIC)] != MAGIC:
            raise NotWholeError("it does not begin as fastText models do")
        if len(head) < _HEADER.size:
            raise NotWholeError("it ends in its header")
        kind = _KINDS.get(_HEADER.unpack(head)[9], "of an unknown kind")
        if kind == SUPERVISED:
            try:
                end = _end(data)
            except (struct.error, OverflowError) as error:  # sizes of a damaged file may be any number
                raise NotWholeError("it ends before its matrices") from error
            if end > len(data):
                raise NotWholeError(f"it has {len(data):,} of {end:,} bytes")
    return kind


def load_quietly(path: Location) -> Any:
    """fastText's own object for a file, without its warning about the type of that object."""
    import fasttext

    with storage.local_copy(path) as name, contextlib.redirect_stderr(io.StringIO()):
        return fasttext.load_model(name)
