"""The wire format of protobuf messages, as far as SentencePiece's model files need it.

Read and written here because SentencePiece's own protobuf module needs a newer protobuf than Beam allows.
"""

from __future__ import annotations

from collections.abc import Iterator


def read_fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message in their order: (number, integer, or the bytes of anything else).

    Raises ValueError or IndexError where the bytes are no message.
    """
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            integer, at = _read_varint(data, at)
            yield number, integer
            continue
        if wire == 2:
            length, at = _read_varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of wire type {wire}")
        if at + length > len(data):
            raise ValueError("a field that ends after the file")
        yield number, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def write_bytes(number: int, value: bytes) -> bytes:
    """A field of bytes, text or a message."""
    return _key(number, 2) + _varint(len(value)) + value


def write_integer(number: int, value: int) -> bytes:
    """A field of a whole number that is not negative."""
    return _key(number, 0) + _varint(value)


def write_fixed32(number: int, value: bytes) -> bytes:
    """A field of four bytes: a float."""
    return _key(number, 5) + value


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
