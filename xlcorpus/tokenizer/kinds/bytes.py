"""UTF-8 bytes as tokens: no vocabulary to train, nothing unknown (ids as ByT5 has them, without its extra ids).

Source: Xue et al. (2022), "ByT5: Towards a Token-Free Future with Pre-trained Byte-to-Byte Models".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.storage import Location, fingerprint, is_folder, locate, read_json
from xlcorpus.text.codepoints import byte_lengths, code_points, string_buffers, utf8_lengths
from xlcorpus.tokenizer.sentencepiece_model import HF_CONFIG
from xlcorpus.tokenizer.template import Template
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, UNKNOWN, Places, Tokenizer, TokenizerKind

BYTES = locate("bytes")  # the word, not a file
FIRST = 3  # id of byte 0
_SPECIALS = ("<pad>", "</s>", "<unk>")


class ByteTokenizer(Tokenizer):
    """The id of a byte is its value + 3; 0 is pad, 1 eos, 2 unk."""

    kind = "bytes"

    def __init__(self, given: Location) -> None:
        self.path = self.name = str(given)
        self.vocab_size = FIRST + 256
        self.pad_id, self.eos_id, self.unk_id = 0, 1, 2
        self.template = Template(((), (1,)), ((), (1,), (1,)))
        self.fingerprint = fingerprint({"tokenizer": "bytes", "first": FIRST})
        kinds = np.full(self.vocab_size, NORMAL, dtype=np.uint8)
        kinds[FIRST + 0x80 :] = PARTIAL
        kinds[:FIRST] = (CONTROL, CONTROL, UNKNOWN)
        self._kinds = kinds

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """See Tokenizer."""
        data, offsets = string_buffers(texts)
        return np.frombuffer(data, dtype=np.uint8).astype(np.int32) + np.int32(FIRST), offsets

    def encode_places(self, texts: pa.Array) -> Places:
        """See Tokenizer."""
        ids, offsets = self.encode_batch(texts)
        points = code_points(texts)
        starts = np.repeat(np.arange(len(points.codes)) - points.offsets[points.rows], utf8_lengths(points.codes))
        return Places(ids, offsets, starts, starts + 1)

    def count_batch(self, texts: pa.Array) -> np.ndarray:
        """See Tokenizer."""
        return byte_lengths(texts)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """See Tokenizer."""
        values = np.asarray(ids, dtype=np.int64).reshape(-1)
        parts, start = [], 0
        for at in [*np.flatnonzero(values < FIRST).tolist(), len(values)]:
            parts.append((values[start:at] - FIRST).astype(np.uint8).tobytes())
            if at < len(values):
                parts.append(_SPECIALS[int(values[at])].encode())
            start = at + 1
        return b"".join(parts).decode("utf-8", "replace")

    def piece_texts(self) -> list[str | None]:
        """See Tokenizer."""
        return [None] * FIRST + [chr(value) if value < 0x80 else None for value in range(256)]

    def piece_names(self) -> list[str]:
        """See Tokenizer; of bytes as SentencePiece writes them."""
        return [*_SPECIALS, *(f"<0x{value:02X}>" for value in range(256))]

    @property
    def piece_kinds(self) -> np.ndarray:
        """See Tokenizer."""
        return self._kinds

    @property
    def names(self) -> Mapping[str, int]:
        """See Tokenizer."""
        return {name: number for number, name in enumerate(_SPECIALS)}

    def id_of(self, token: str) -> int | None:
        """See Tokenizer."""
        if token in _SPECIALS:
            return _SPECIALS.index(token)
        return FIRST + ord(token) if len(token) == 1 and token.isascii() else None


def _opens(given: Location, start: bytes) -> bool:
    """Also the folder of a model: transformers' ByT5Tokenizer without extra ids, saved there, has the same ids."""
    if given == BYTES or not is_folder(given):
        return given == BYTES
    try:
        saved = read_json(given / HF_CONFIG)
        return bool(saved["tokenizer_class"] == "ByT5Tokenizer" and saved["extra_ids"] == 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False


KIND = TokenizerKind("bytes", "the word bytes", _opens, ByteTokenizer)
