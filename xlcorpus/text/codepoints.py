"""A batch of texts as one long array of Unicode code points, so that kernels need no loop over documents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.ragged import offsets_of, rows_of, sum_segments, sums_before

CODE_SPACE = 0x110000  # one more than the last code point


@dataclass(frozen=True)
class CodePoints:
    """The texts of a batch laid end to end.

    codes: uint32[n], the code points of all texts; offsets: int64[rows + 1], text i is
    codes[offsets[i]:offsets[i + 1]].
    """

    codes: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64[rows]: code points of each text."""
        return np.diff(self.offsets)

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[n]: the text that each code point belongs to."""
        return rows_of(self.offsets)

    def sum_per_text(self, values: np.ndarray) -> np.ndarray:
        """Sum a value per code point (bool or number, [n]) over each text: float64[rows] or int64[rows]."""
        return sum_segments(values, self.offsets)


def back_to_characters(data: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """int64[cuts]: the cuts before the characters that they are within. data: uint8, UTF-8 with a byte at each cut."""
    for _ in range(3):  # a character has four bytes at most; those after its first are 10xxxxxx
        cuts = cuts - ((data[cuts] & 0xC0) == 0x80)
    return cuts


def string_buffers(texts: pa.Array) -> tuple[bytes | memoryview, np.ndarray]:
    """The UTF-8 bytes of a string array and int64[rows + 1] offsets into them; a null counts as an empty text."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        texts = texts.fill_null("")
    wide = pa.types.is_large_string(texts.type)
    if len(texts) == 0:
        return b"", np.zeros(1, dtype=np.int64)
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64 if wide else np.int32)
    offsets = offsets[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    start, end = int(offsets[0]), int(offsets[-1])
    view = memoryview(data)[start:end] if data is not None else b""
    return view, offsets - start


def byte_lengths(texts: pa.Array) -> np.ndarray:
    """int64[rows]: UTF-8 bytes of each text, 0 for null."""
    return np.diff(string_buffers(texts)[1])


def code_points(texts: pa.Array) -> CodePoints:
    """Decode a string array (string or large_string) to code points; a null counts as an empty text."""
    data, _ = string_buffers(texts)
    offsets = offsets_of(pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False))
    codes = np.frombuffer(str(data, "utf-8").encode("utf-32-le"), dtype=np.uint32)
    return CodePoints(codes=codes, offsets=offsets)


def strings_of(codes: np.ndarray, offsets: np.ndarray) -> pa.StringArray:
    """Code points (whole numbers [n]) as texts: text i is codes[offsets[i]:offsets[i + 1]], int64[rows + 1]."""
    data = codes.astype(np.uint32, copy=False).tobytes().decode("utf-32-le").encode()
    edges = sums_before(utf8_lengths(codes))[offsets].astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(edges.tobytes()), pa.py_buffer(data))


def utf8_lengths(codes: np.ndarray) -> np.ndarray:
    """uint8[n]: bytes of each code point in UTF-8."""
    lengths = (codes >= 0x80).view(np.uint8) + np.uint8(1)
    lengths += (codes >= 0x800).view(np.uint8)
    lengths += (codes >= 0x10000).view(np.uint8)
    return lengths
