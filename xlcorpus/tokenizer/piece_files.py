"""The pieces of a tokenizer with their scores: from a SentencePiece unigram model, or from a plain list.

Piece types are read from the model's own bytes: the Python package tells control, unknown, unused and byte pieces
apart, but not user-defined ones, nor unigram from BPE; and its protobuf module needs a newer protobuf than Beam allows.
Source of the layout: SentencePiece's `sentencepiece_model.proto`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xlcorpus.errors import UserError

WORD_START = "\u2581"  # ▁, SentencePiece's mark for a space

_PIECES, _TRAINER = 1, 2
_TEXT, _SCORE, _TYPE = 1, 2, 3
_NORMAL = 1  # others: 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
_MODEL_TYPE = 3
_MODEL_TYPES = {1: "unigram", 2: "BPE", 3: "word", 4: "character"}

_SPECIAL = re.compile(r"<[^<>\s]+>$|\[[A-Z_]+[0-9]*\]$")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece; its id is its place in the list. special: control, unknown, unused, user-defined or byte piece."""

    text: str
    score: float
    special: bool = False


def plain_pieces(pieces: Iterable[tuple[str, float]]) -> list[Piece]:
    """Pieces of (text, score); what is written like `<s>`, `<0x0A>` or `[MASK]` is special."""
    return [Piece(text, score, bool(_SPECIAL.match(text))) for text, score in pieces]


def read_sentencepiece(path: Path) -> list[Piece]:
    """The pieces of a SentencePiece model, in the order of their ids.

    Raises UserError where the file cannot be read, is no SentencePiece model, or its model is not a unigram model.
    """
    from sentencepiece import SentencePieceProcessor

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the tokenizer {path} cannot be read: {error.strerror}", remedy="give the path of a SentencePiece .model"
        ) from error
    try:
        SentencePieceProcessor(model_proto=data)  # checks more than is read here
        fields = list(proto_fields(data))
        pieces = [_piece(value) for number, value in fields if number == _PIECES and isinstance(value, bytes)]
        trainers = [value for number, value in fields if number == _TRAINER and isinstance(value, bytes)]
        if not pieces:
            raise ValueError("it has no pieces")  # SentencePiece takes an empty file
        kinds = [value for trainer in trainers for number, value in proto_fields(trainer) if number == _MODEL_TYPE]
    except (RuntimeError, ValueError, IndexError, struct.error) as error:
        raise UserError(
            f"{path} is not a SentencePiece model: {error}", remedy="give the .model file, not .vocab or tokenizer.json"
        ) from error
    kind = kinds[-1] if kinds else 1
    if kind != 1:
        raise UserError(
            f"{path} is a {_MODEL_TYPES.get(int(kind), '?')} model; only the scores of a unigram model can be merged",
            remedy="give a tokenizer trained with model_type=unigram",
        )
    return pieces


def _piece(data: bytes) -> Piece:
    text, score, kind = "", 0.0, _NORMAL
    for number, value in proto_fields(data):
        if number == _TEXT and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif number == _SCORE and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif number == _TYPE and isinstance(value, int):
            kind = value
    return Piece(text, score, kind != _NORMAL)


def proto_fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protobuf message in their order: (number, integer, or the bytes of anything else)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            integer, at = _varint(data, at)
            yield number, integer
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of wire type {wire}")
        if at + length > len(data):
            raise ValueError("a field that ends after the file")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
