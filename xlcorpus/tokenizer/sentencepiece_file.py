"""A SentencePiece model as a tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from xlcorpus.tokenizer import model_proto
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, UNKNOWN, Tokenizer, offsets_of

MASKS = ("<mask>", "[MASK]")


class SentencePieceTokenizer(Tokenizer):
    """Opened from a .model file; raises UserError where it is none."""

    kind = "sentencepiece"

    def __init__(self, path: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        self.model = model_proto.read_model(path)
        data = path.read_bytes()
        self._processor: Any = SentencePieceProcessor(model_proto=data)
        self.path, self.name = str(path), path.name
        self.fingerprint = xxhash.xxh3_128_hexdigest(data)
        self.vocab_size = len(self.model.pieces)
        ids = (self._processor.pad_id(), self._processor.unk_id(), self._processor.bos_id(), self._processor.eos_id())
        self.pad_id, self.unk_id, self.bos_id, self.eos_id = (number if number >= 0 else None for number in ids)
        self._ids = {piece.text: number for number, piece in enumerate(self.model.pieces)}
        special = (model_proto.CONTROL, model_proto.USER_DEFINED)
        masks = [self._ids[name] for name in MASKS if name in self._ids]
        self.mask_id = next((number for number in masks if self.model.pieces[number].type in special), None)
        self._kinds = np.array([_kind(piece) for piece in self.model.pieces], dtype=np.uint8)

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """See Tokenizer."""
        parts = self._encode(texts)
        counts = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        ids = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
        return ids, offsets_of(counts)

    def count_batch(self, texts: pa.Array) -> np.ndarray:
        """See Tokenizer."""
        parts = self._encode(texts)
        return np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """See Tokenizer. SentencePiece writes control tokens as nothing, so they are put in here."""
        values = np.asarray(ids, dtype=np.int64).reshape(-1)
        parts: list[str] = []
        start = 0
        for at in [*np.flatnonzero(self._kinds[values] == CONTROL).tolist(), len(values)]:
            if start < at:
                parts.append(self._processor.decode(values[start:at].tolist()))
            if at < len(values):
                parts.append(self.model.pieces[int(values[at])].text)
            start = at + 1
        return "".join(parts)

    def piece_texts(self) -> list[str | None]:
        """See Tokenizer."""
        texts: list[str | None] = []
        for piece, kind in zip(self.model.pieces, self._kinds.tolist(), strict=True):
            if piece.type == model_proto.BYTE:
                texts.append(chr(int(piece.text[1:-1], 16)) if kind == NORMAL else None)
            else:
                texts.append(model_proto.plain_text(piece.text) if kind == NORMAL else None)
        return texts

    @property
    def piece_kinds(self) -> np.ndarray:
        """See Tokenizer."""
        return self._kinds

    def id_of(self, token: str) -> int | None:
        """See Tokenizer."""
        return self._ids.get(token)

    def normalize(self, texts: list[str]) -> list[str]:
        """What the model makes of texts before it cuts them: ▁ for spaces, with its prefix."""
        return list(self._processor.normalize(texts))

    def _encode(self, texts: pa.Array) -> list[np.ndarray]:
        if texts.null_count:
            texts = texts.fill_null("")
        wide = pa.types.is_large_string(texts.type)
        values = texts.cast(pa.large_binary() if wide else pa.binary()).to_pylist()  # bytes: half the cost of str
        return list(self._processor.encode(values, return_type="numpy", num_threads=1))


def _kind(piece: model_proto.ModelPiece) -> int:
    if piece.type == model_proto.BYTE:
        return NORMAL if int(piece.text[1:-1], 16) < 0x80 else PARTIAL
    if piece.type == model_proto.UNKNOWN:
        return UNKNOWN
    return CONTROL if piece.type in (model_proto.CONTROL, model_proto.UNUSED) else NORMAL
