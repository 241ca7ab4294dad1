"""SentencePiece's model file, the one reader of it: pieces with scores and types, and the settings that matter here.

The Python package loads a model, but tells neither user-defined pieces nor unigram from BPE apart, so the fields are
read from the file's own bytes; everything that is not understood here is kept byte by byte. Source of the layout:
SentencePiece's `sentencepiece_model.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.storage import Location, is_file, read_bytes, read_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.protobuf import read_fields, write_bytes, write_fixed32, write_integer

WORD_START = "\u2581"  # ▁, SentencePiece's mark for a space
FOLDER_FILE = "tokenizer.model"  # in a folder
HF_FILE, HF_CONFIG = "tokenizer.json", "tokenizer_config.json"  # of transformers, in a folder
CARD = "card.json"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

_PIECES, _TRAINER, _NORMALIZER, _SELF_TEST = 1, 2, 3, 4
_TEXT, _SCORE, _TYPE = 1, 2, 3
_MODEL_TYPE, _VOCAB_SIZE, _BYTE_FALLBACK = 3, 4, 35
_RULE, _CHARSMAP, _DUMMY_PREFIX, _EXTRA_SPACES = 1, 2, 3, 4
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
    """A model file: pieces in the order of their ids, and the settings that decide how text is cut.

    normalization: the name of the rule that charsmap is of (`nfkc`), as the file says; '' where it does not.
    """

    pieces: tuple[ModelPiece, ...]
    model_type: str
    byte_fallback: bool
    normalization: str
    charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool
    _others: tuple[tuple[int, bytes], ...]

    def extended(self, added: Iterable[ModelPiece]) -> SentencePieceModel:
        """The model with pieces after the last one."""
        return replace(self, pieces=(*self.pieces, *added))

    def within_text(self) -> SentencePieceModel:
        """The model for what stands within a text: no space is put before it, and none is taken away."""
        spaces = write_integer(_EXTRA_SPACES, 0)
        others = tuple((number, value + spaces if number == _NORMALIZER else value) for number, value in self._others)
        return replace(self, add_dummy_prefix=False, remove_extra_whitespaces=False, _others=others)

    def to_bytes(self) -> bytes:
        """The model file. Self-test samples are left out: added pieces may cut them otherwise."""
        parts = [write_bytes(_PIECES, _piece_bytes(piece)) for piece in self.pieces]
        for number, value in self._others:
            if number == _TRAINER:
                value += write_integer(_VOCAB_SIZE, len(self.pieces))  # the last value of a field counts
            elif number == _NORMALIZER:
                value += write_integer(_DUMMY_PREFIX, int(self.add_dummy_prefix))
            parts.append(write_bytes(number, value))
        return b"".join(parts)


def read_model_file(path: Location) -> bytes:
    """The bytes of a model file; raises UserError where it cannot be read."""
    try:
        return read_bytes(path)
    except OSError as error:
        raise UserError(
            f"the tokenizer {path} cannot be read: {error.strerror}", remedy="give the path of a SentencePiece .model"
        ) from error


def encode_with_offsets(processor: Any, texts: pa.Array) -> list[dict[str, Any]]:
    """ids and offsets (code points of the text) of each text; raises UserError where SentencePiece is too old."""
    try:
        return list(processor.encode(texts.to_pylist(), out_type="offset_mapping"))
    except ValueError as error:
        raise UserError(
            f"this version of sentencepiece gives no positions ({error})",
            remedy="pip install -U 'sentencepiece>=0.2.3'",
        ) from error


def load_processor(data: bytes, name: str) -> Any:
    """SentencePiece's own object (SentencePieceProcessor) of a model's bytes, which encodes and decodes.

    Raises UserError, with `name`, where they are no model.
    """
    from sentencepiece import SentencePieceProcessor

    if not data:
        raise _no_model(name, "it is empty")  # SentencePiece takes an empty file
    try:
        return SentencePieceProcessor(model_proto=data)
    except RuntimeError as error:
        raise _no_model(name, str(error)) from error


def decides_in(folder: Location) -> bool:
    """Whether a folder's model decides its ids: where no tokenizer.json does, or, by its card, both do alike."""
    if not is_file(folder / FOLDER_FILE):
        return False
    if not is_file(folder / HF_FILE):
        return True
    try:
        card = read_json(folder / CARD) if is_file(folder / CARD) else None
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and card.get("tokenizer") == "sentencepiece"


def open_processor(path: Location) -> Any:
    """`load_processor` of a model file."""
    return load_processor(read_model_file(path), str(path))


def parse_model(data: bytes, name: str) -> SentencePieceModel:
    """The pieces and settings in the bytes of a model file; raises UserError, with `name`, where they are none.

    `load_processor` checks more than is read here.
    """
    try:
        fields = [(number, value) for number, value in read_fields(data) if isinstance(value, bytes)]
        pieces = tuple(_piece(value) for number, value in fields if number == _PIECES)
        trainer = _settings(fields, _TRAINER)
        normalizer = _settings(fields, _NORMALIZER)
    except (ValueError, IndexError, struct.error) as error:
        raise _no_model(name, str(error) or type(error).__name__) from error
    if not pieces:
        raise _no_model(name, "it has no pieces")
    rule, charsmap = (value if isinstance(value := normalizer.get(key), bytes) else b"" for key in (_RULE, _CHARSMAP))
    return SentencePieceModel(
        pieces=pieces,
        model_type=_MODEL_TYPES.get(_integer(trainer.get(_MODEL_TYPE), 1), "unknown"),
        byte_fallback=bool(_integer(trainer.get(_BYTE_FALLBACK), 0)),
        normalization=rule.decode("utf-8", "replace"),
        charsmap=charsmap,
        add_dummy_prefix=bool(_integer(normalizer.get(_DUMMY_PREFIX), 1)),
        remove_extra_whitespaces=bool(_integer(normalizer.get(_EXTRA_SPACES), 1)),
        _others=tuple((number, value) for number, value in fields if number not in {_PIECES, _SELF_TEST}),
    )


def plain_text(piece: str) -> str:
    """A piece with spaces for ▁."""
    return piece.replace(WORD_START, " ")


def _no_model(name: str, reason: str) -> UserError:
    lines = reason.splitlines() or ["it gives no reason"]
    return UserError(
        f"{name} is not a SentencePiece model: {lines[0]}", remedy="give the .model file, not .vocab or tokenizer.json"
    )


def _settings(fields: list[tuple[int, bytes]], wanted: int) -> dict[int, bytes | int]:
    return {key: value for number, message in fields if number == wanted for key, value in read_fields(message)}


def _integer(value: bytes | int | None, default: int) -> int:
    return value if isinstance(value, int) else default


def _piece(data: bytes) -> ModelPiece:
    text, score, kind = "", 0.0, NORMAL
    for number, value in read_fields(data):
        if number == _TEXT and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif number == _SCORE and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif number == _TYPE and isinstance(value, int):
            kind = value
    return ModelPiece(text, score, kind)


def _piece_bytes(piece: ModelPiece) -> bytes:
    data = write_bytes(_TEXT, piece.text.encode()) + write_fixed32(_SCORE, struct.pack("<f", piece.score))
    return data if piece.type == NORMAL else data + write_integer(_TYPE, piece.type)
