"""Hashes of many things at once: xxh3 for ids and salts, a polynomial in numpy for spans of sequences.

Spans are hashed by a polynomial over mixed values modulo 2^64 and a finaliser, because xxh3 has no call for a whole
batch: one Python call a token costs 0.1 us, 30 times the whole of this.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import xxhash

from xlcorpus.text.codepoints import CODE_SPACE, string_buffers

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 by the golden ratio: the step of splitmix64; odd, so it has an inverse modulo 2^64
_INVERSE = pow(GOLDEN, -1, 1 << 64)
_BLOCK_BITS = 16
_BLOCK = 1 << _BLOCK_BITS
DIGEST_BYTES = 16


def mix(values: np.ndarray) -> np.ndarray:
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014): a bijection of uint64, every bit moves every bit."""
    mixed = values.astype(np.uint64, copy=True)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_text(text: str) -> np.uint64:
    """xxh3-64 of a text's UTF-8: salts, purposes."""
    return np.uint64(xxhash.xxh3_64_intdigest(text.encode()))


def hash_parts(parts: Iterable[str]) -> np.uint64:
    """`hash_text` of a text that is given in parts, which need not be in memory as one."""
    digest = xxhash.xxh3_64()
    for part in parts:
        digest.update(part.encode())
    return np.uint64(digest.intdigest())


def hash_arrays(arrays: Iterable[np.ndarray]) -> int:
    """xxh3-64 of the bytes of some arrays, one after the other: checksums."""
    digest = xxhash.xxh3_64()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.intdigest()


def digest_bytes(content: bytes) -> str:
    """xxh3-128, hex, of bytes: fingerprints of models."""
    return xxhash.xxh3_128_hexdigest(content)


def digests(texts: pa.Array) -> bytes:
    """xxh3-128 of each text's UTF-8, one after the other: 16 bytes a row; a null counts as an empty text."""
    data, offsets = string_buffers(texts)
    view, digest = memoryview(data), xxhash.xxh3_128_digest
    return b"".join([digest(view[a:b]) for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)])


def digests_of(keys: Iterable[bytes]) -> bytes:
    """xxh3-128 of each key, one after the other: 16 bytes a key."""
    return b"".join(map(xxhash.xxh3_128_digest, keys))


@functools.cache
def code_values() -> np.ndarray:
    """uint64[0x110000]: a random-looking value for each code point."""
    return mix(np.arange(CODE_SPACE, dtype=np.uint64))


def _powers(base: int, count: int) -> np.ndarray:
    """uint64[count]: base**0, base**1, ... modulo 2^64."""
    powers = np.full(max(count, 1), base % (1 << 64), dtype=np.uint64)
    powers[0] = 1
    np.multiply.accumulate(powers, out=powers)
    return powers


@functools.cache
def _low_powers() -> tuple[np.ndarray, np.ndarray]:
    return _powers(GOLDEN, _BLOCK), _powers(_INVERSE, _BLOCK)


class SpanHasher:
    """Hashes of any number of spans of one sequence, in time that does not depend on their lengths.

    Prefix sums are kept, and powers in blocks of 65,536, because lines, paragraphs, tokens and nine sizes of n-grams
    are taken of the same sequence.
    """

    def __init__(self, values: np.ndarray, table: np.ndarray | None = None) -> None:
        """values: uint64[n], uniformly distributed (mixed) already; with a table, places in it, which is so."""
        count = len(values)
        blocks = (count >> _BLOCK_BITS) + 1
        low, _ = _low_powers()
        high = _powers(pow(GOLDEN, _BLOCK, 1 << 64), blocks)
        self._inverse_high = _powers(pow(_INVERSE, _BLOCK, 1 << 64), blocks)
        self._prefix = np.zeros(count + 1, dtype=np.uint64)
        for block in range(blocks):
            start, end = block << _BLOCK_BITS, min((block + 1) << _BLOCK_BITS, count)
            out = self._prefix[start + 1 : end + 1]
            here = values[start:end]
            np.multiply(here if table is None else table[here], low[: end - start], out=out)
            out *= high[block]
        np.cumsum(self._prefix, out=self._prefix)

    @classmethod
    def of_codes(cls, codes: np.ndarray) -> SpanHasher:
        """Of code points (uint32[n]), whose values are looked up block by block: 8 bytes a character are much."""
        return cls(codes, code_values())

    def hash(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """uint64[spans]: equal sequences, equal hash. Different ones collide with probability 2^-64."""
        _, low = _low_powers()
        hashes = self._prefix[ends] - self._prefix[starts]
        hashes *= low[starts & (_BLOCK - 1)]
        hashes *= self._inverse_high[starts >> _BLOCK_BITS]
        hashes += (ends - starts).astype(np.uint64)
        return mix(hashes)


def hash_spans(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Hash the sequences values[starts[i]:ends[i]] (unsigned integers): uint64[spans]; equal sequences, equal hash."""
    return SpanHasher(mix(values)).hash(starts, ends)
