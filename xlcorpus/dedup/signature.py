"""MinHash signatures and their bands (Broder 1997; banding: Leskovec, Rajaraman and Ullman, ch. 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.draws import stream
from xlcorpus.text.hashes import DIGEST_BYTES, digests, hash_text, mix
from xlcorpus.text.normalize import as_seen, collapse_whitespace
from xlcorpus.text.ragged import offsets_of
from xlcorpus.text.shingle import Shingles, shingles
from xlcorpus.text.slices import pieces
from xlcorpus.text.words import tokens

_BLOCK_SHINGLES = 32_768  # 256 KB of hashes, so that one permutation's products stay in the L2 cache
MISS = 1e-3  # share of the pairs at the threshold that bands may miss


@dataclass(frozen=True)
class Banding:
    """How signatures are cut: `bands` groups of `rows` minima each."""

    bands: int
    rows: int

    @property
    def permutations(self) -> int:
        """Minima in a signature."""
        return self.bands * self.rows

    def probability(self, similarity: float) -> float:
        """Chance that two texts of this Jaccard similarity share a band: 1 - (1 - s^rows)^bands."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)


def choose_banding(threshold: float, permutations: int = 112) -> Banding:
    """The most selective banding that misses at most one pair in 1,000 at the threshold.

    Candidates are verified, so a wide net costs time and never precision; at 0.8 this gives 22 bands of 5 rows.
    Raises ValueError unless 0 < threshold <= 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold} is not in (0, 1]")
    for rows in range(permutations, 0, -1):
        banding = Banding(permutations // rows, rows)
        if banding.probability(threshold) >= 1 - MISS:
            return banding
    return Banding(permutations, 1)


def shingle_texts(texts: pa.Array, size: int = 5) -> Shingles:
    """Shingles of a string array in the form in which texts are compared: as a reader sees them, in lower case.

    Words where the script has spaces, characters where it has none, aksharas in Dravidian scripts.
    """
    return shingle_seen(as_seen(texts), size)


def shingle_seen(seen: pa.Array, size: int) -> Shingles:
    """`shingle_texts` of texts that `as_seen` has given."""
    parts = []
    for _, piece in pieces(pc.utf8_lower(seen)):
        points = code_points(piece)
        parts.append(shingles(points, tokens(points, properties.shingled_singly()), size))
    if not parts:
        return Shingles(np.zeros(0, dtype=np.uint64), np.zeros(1, dtype=np.int64))
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Shingles(np.concatenate([part.hashes for part in parts]), offsets_of(sizes))


def content_digests(seen: pa.Array) -> np.ndarray:
    """xxh3-128 of each text that `as_seen` has given, white space collapsed: void16[rows]. Equal: a copy."""
    return np.frombuffer(digests(collapse_whitespace(seen)), dtype=f"V{DIGEST_BYTES}")


def permutation_keys(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys of `count` permutations of uint64: h -> (h xor flip) * factor modulo 2^64, factor odd.

    The hashes that go in are mixed over all 64 bits; 31-bit factors, as in some libraries, make unrelated texts
    collide (spec A6).
    """
    numbers = stream(hash_text(f"minhash/{seed}"), 2 * count)
    return numbers[:count], numbers[count:] | np.uint64(1)


def signatures(values: Shingles, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """MinHash signatures: int64[n] numbers of the texts that have shingles, and their minima uint64[n, count]."""
    flips, factors = permutation_keys(count, seed)
    sizes = np.diff(values.offsets)
    rows = np.flatnonzero(sizes)
    minima = np.empty((len(rows), count), dtype=np.uint64)
    starts, ends = values.offsets[rows], values.offsets[rows + 1]
    first = 0
    while first < len(rows):
        last = int(np.searchsorted(ends, starts[first] + _BLOCK_SHINGLES, side="right"))
        last = max(last, first + 1)
        block = values.hashes[starts[first] : ends[last - 1]]
        cuts = starts[first:last] - starts[first]
        product = np.empty_like(block)
        for index in range(count):
            np.bitwise_xor(block, flips[index], out=product)
            np.multiply(product, factors[index], out=product)
            minima[first:last, index] = np.minimum.reduceat(product, cuts)
        first = last
    return rows, minima


def band_hashes(minima: np.ndarray, banding: Banding) -> np.ndarray:
    """One hash a band: uint64[n, bands] of minima uint64[n, bands * rows]."""
    cells = minima[:, : banding.permutations].reshape(len(minima), banding.bands, banding.rows)
    hashes = np.zeros(cells.shape[:2], dtype=np.uint64)
    for row in range(banding.rows):
        hashes = mix(hashes + cells[:, :, row])
    return hashes
