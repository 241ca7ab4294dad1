"""Read and write SentencePiece's model file: pieces with scores and types, and the few settings that matter here.

The fields are read by `romanize.pieces`, whose module says why not by the package's own protobuf module. Everything
that is not understood here is kept byte by byte. Source of the layout: SentencePiece's `sentencepiece_model.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.piece_files import WORD_START, proto_fields

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

_PIECES, _TRAINER, _NORMALIZER, _SELF_TEST = 1, 2, 3, 4
_MODEL_TYPE, _VOCAB_SIZE, _BYTE_FALLBACK = 3, 4, 35
_CHARSMAP, _DUMMY_PREFIX, _EXTRA_SPACES, _ESCAPE = 2, 3, 4, 5
_MODEL_TYPES = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}

UNKNOWN_PENALTY = 10.0  # an unknown character scores this much below the lowest piece, in SentencePiece and tokenizers


@dataclass(frozen=True, slots=True)
class ModelPiece:
    """One piece: its text as the file writes it (▁ for a space), score, and type (NORMAL ... BYTE)."""

    text: str
    score: float
    type: int = NORMAL


@dataclass(frozen=True)
class SentencePieceModel:
    """A model file: pieces in the order of their ids, and the settings that decide how text is cut."""

    pieces: tuple[ModelPiece, ...]
    model_type: str
    byte_fallback: bool
    charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool
    escape_whitespaces: bool
    _others: tuple[tuple[int, bytes], ...]

    def extended(self, added: Iterable[ModelPiece]) -> SentencePieceModel:
        """The model with pieces after the last one."""
        return replace(self, pieces=(*self.pieces, *added))

    def to_bytes(self) -> bytes:
        """The model file. Self-test samples are left out: added pieces may cut them otherwise."""
        parts = [_message(_PIECES, _piece_bytes(piece)) for piece in self.pieces]
        for number, value in self._others:
            if number == _TRAINER:
                value += _key(_VOCAB_SIZE, 0) + _varint(len(self.pieces))  # the last value of a field counts
            parts.append(_message(number, value))
        return b"".join(parts)


def read_model(path: Path) -> SentencePieceModel:
    """Parse a model file; raises UserError where it cannot be read or is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the tokenizer {path} cannot be read: {error.strerror}", remedy="give the path of a SentencePiece .model"
        ) from error
    return parse_model(data, str(path))


def parse_model(data: bytes, name: str) -> SentencePieceModel:
    """Parse the bytes of a model file; raises UserError, with `name`, where they are none."""
    from sentencepiece import SentencePieceProcessor

    try:
        if not data:
            raise ValueError("it is empty")
        SentencePieceProcessor(model_proto=data)  # checks more than is read here
        fields = [(number, value) for number, value in proto_fields(data) if isinstance(value, bytes)]
        pieces = tuple(_piece(value) for number, value in fields if number == _PIECES)
        if not pieces:
            raise ValueError("it has no pieces")
        trainer = _settings(fields, _TRAINER)
        normalizer = _settings(fields, _NORMALIZER)
    except (RuntimeError, ValueError, IndexError, struct.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{name} is not a SentencePiece model: {reason}",
            remedy="give the .model file, not .vocab or tokenizer.json",
        ) from error
    charsmap = normalizer.get(_CHARSMAP, b"")
    return SentencePieceModel(
        pieces=pieces,
        model_type=_MODEL_TYPES.get(_integer(trainer.get(_MODEL_TYPE), 1), "unknown"),
        byte_fallback=bool(_integer(trainer.get(_BYTE_FALLBACK), 0)),
        charsmap=charsmap if isinstance(charsmap, bytes) else b"",
        add_dummy_prefix=bool(_integer(normalizer.get(_DUMMY_PREFIX), 1)),
        remove_extra_whitespaces=bool(_integer(normalizer.get(_EXTRA_SPACES), 1)),
        escape_whitespaces=bool(_integer(normalizer.get(_ESCAPE), 1)),
        _others=tuple((number, value) for number, value in fields if number not in {_PIECES, _SELF_TEST}),
    )


def plain_text(piece: str) -> str:
    """A piece with spaces for ▁."""
    return piece.replace(WORD_START, " ")


def _settings(fields: list[tuple[int, bytes]], wanted: int) -> dict[int, bytes | int]:
    return {key: value for number, message in fields if number == wanted for key, value in proto_fields(message)}


def _integer(value: bytes | int | None, default: int) -> int:
    return value if isinstance(value, int) else default


def _piece(data: bytes) -> ModelPiece:
    text, score, kind = "", 0.0, NORMAL
    for number, value in proto_fields(data):
        if number == 1 and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif number == 2 and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif number == 3 and isinstance(value, int):
            kind = value
    return ModelPiece(text, score, kind)


def _piece_bytes(piece: ModelPiece) -> bytes:
    data = _message(1, piece.text.encode()) + _key(2, 5) + struct.pack("<f", piece.score)
    return data if piece.type == NORMAL else data + _key(3, 0) + _varint(piece.type)


def _message(number: int, value: bytes) -> bytes:
    return _key(number, 2) + _varint(len(value)) + value


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
