"""Dictionaries as sorted hashes, so that all words of a batch are looked up at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from xlcorpus.codeswitch import characters
from xlcorpus.codeswitch.case import FORMS
from xlcorpus.quality.repeats import SpanHasher, code_values
from xlcorpus.text.codepoints import CodePoints, code_points, string_buffers

WIDTH = 8  # code points compared at once
BYTES = 16  # bytes compared at once
_MOST_BITS = 28
_HAN = {"Hans": "Hani", "Hant": "Hani"}


@dataclass(frozen=True)
class Pair:
    """A direction of a dictionary: labels of both languages (eng_Latn, or eng for any script)."""

    src: str
    tgt: str


@dataclass(frozen=True)
class Keys:
    """Keys sorted by hash, found through a table over the first bits of the hash.

    hashes: uint64[keys], ascending, each once; words: string[keys], folded where the key is.

    Two words with the same 64-bit hash: of two keys `build_index` keeps one; a word of a text that is not the key it
    was found as is told by `equal_bytes` or `equal`, one of which every word that is to be replaced must pass.
    """

    hashes: np.ndarray
    words: pa.StringArray

    def __len__(self) -> int:
        """Number of keys."""
        return len(self.hashes)

    @cached_property
    def _bits(self) -> int:
        return min(max(4 * len(self.hashes), 2).bit_length(), _MOST_BITS)

    @cached_property
    def _first(self) -> np.ndarray:
        """int32[2^bits + 1]: the first key of each bucket; four to eight buckets a key: few hold more than one."""
        buckets = np.arange((1 << self._bits) + 1, dtype=np.uint64)
        first = np.searchsorted(self.hashes >> np.uint64(64 - self._bits), buckets)
        return first.astype(np.int32)

    @cached_property
    def _padded(self) -> np.ndarray:
        return np.append(self.hashes, np.uint64(0))  # where an empty bucket at the end points to

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """int32[n]: the key with each hash (uint64[n]), -1 for none."""
        if not len(self):
            return np.full(len(hashes), -1, dtype=np.int32)
        bucket = (hashes >> np.uint64(64 - self._bits)).astype(np.int64)
        found = self._first.take(bucket)
        missed = np.flatnonzero(self._padded.take(found) != hashes)
        at, end = found.take(missed) + 1, self._first.take(bucket.take(missed) + 1)
        found[missed] = -1
        while True:
            more = np.flatnonzero(at < end)
            if not len(more):
                return found
            missed, at, end = missed.take(more), at.take(more), end.take(more)
            hit = self.hashes.take(at) == hashes.take(missed)
            found[missed[hit]] = at[hit]
            at += 1

    @cached_property
    def _points(self) -> CodePoints:
        """The keys' code points, with 8 more behind."""
        points = code_points(self.words)
        return CodePoints(np.append(points.codes, np.zeros(WIDTH, dtype=np.uint32)), points.offsets)

    @cached_property
    def _spelled(self) -> tuple[np.ndarray, np.ndarray]:
        """uint64[keys, 2], the first 16 bytes of each key in UTF-8, zeros behind; int64[keys], all its bytes."""
        data, offsets = string_buffers(self.words)
        sizes = np.diff(offsets)
        first = _byte_windows(pad_bytes(data), offsets[:-1]) & _masks(1).take(np.minimum(sizes, BYTES), axis=0)
        return first, sizes

    def equal_bytes(self, keys: np.ndarray, data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """bool[n]: words of at most 16 bytes that are spelled as their keys are; false says nothing.

        data: uint8, UTF-8 with 16 more bytes behind; starts, ends: int64[n]. Five words in six of English are told by
        this, in a third of the time of `equal`.
        """
        first, sizes = self._spelled
        size = ends - starts
        differs = _byte_windows(data, starts) & _masks(1).take(np.minimum(size, BYTES), axis=0)
        differs ^= first.take(keys, axis=0)
        return ((differs[:, 0] | differs[:, 1]) == 0) & (sizes.take(keys) == size) & (size <= BYTES)

    def equal(
        self, keys: np.ndarray, codes: np.ndarray, starts: np.ndarray, lengths: np.ndarray, exact: np.ndarray
    ) -> np.ndarray:
        """bool[n]: whether each key is the word codes[starts:starts + lengths], folded except where `exact` (bool[n]).

        codes: uint32, with 8 more behind the last word.
        """
        first = self._points.offsets
        equal = first.take(keys + 1) - first.take(keys) == lengths
        left, done = np.flatnonzero(equal), 0
        while len(left):
            ours = _windows(self._points.codes, first[keys[left]] + done)
            theirs = _windows(codes, starts[left] + done)
            folded = np.where(exact[left, None], theirs, characters.folds().take(theirs))
            size = np.minimum(lengths[left] - done, WIDTH)
            # Two code points at once, and no any(axis=1), which takes longer than the comparison.
            differs = (ours.view(np.uint64) ^ folded.view(np.uint64)) & _masks(4).take(size, axis=0)
            equal[left] &= (differs[:, 0] | differs[:, 1] | differs[:, 2] | differs[:, 3]) == 0
            done += WIDTH
            left = left[lengths.take(left) > done]
        return equal


def _windows(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """uint32[n, 8]: the eight code points from each start."""
    # As one value of 32 bytes each, which numpy gathers three times as fast as rows of eight.
    size = WIDTH * codes.itemsize
    overlapping = np.ndarray((len(codes) - WIDTH + 1,), f"V{size}", codes.data, strides=(codes.itemsize,))
    return overlapping[starts].view(codes.dtype).reshape(-1, WIDTH)


def pad_bytes(data: bytes | memoryview) -> np.ndarray:
    """uint8[n + 16]: the bytes with 16 zeros behind."""
    padded = np.zeros(len(data) + BYTES, dtype=np.uint8)
    padded[: len(data)] = np.frombuffer(data, dtype=np.uint8)
    return padded


def _byte_windows(data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """uint64[n, 2]: the sixteen bytes from each start."""
    overlapping = np.ndarray((len(data) - BYTES + 1,), f"V{BYTES}", data.data, strides=(1,))
    return overlapping[starts].view(np.uint64).reshape(-1, 2)


@functools.cache
def _masks(width: int) -> np.ndarray:
    """uint64[n + 1, ...]: ones over the first 0 to n values: 16 of 1 byte, or 8 of 4 bytes."""
    count = BYTES if width == 1 else WIDTH
    kept = np.arange(count)[None, :] < np.arange(count + 1)[:, None]
    return np.repeat(kept.astype(np.uint8) * np.uint8(0xFF), width, axis=1).view(np.uint64)


@dataclass(frozen=True)
class LexiconIndex:
    """Dictionaries of any number of pairs of languages; make it with `build_index`.

    pairs, salts: the pairs, sorted, and uint64[pairs, 2]: what a word's folded and exact hash are mixed with for each;
    keys: the keys of all pairs; first, counts: int64 and int32[keys], the entries of each key, best first; exact:
    bool[keys], keys in their own case; has_exact: bool[keys], folded keys of which there are such; forms:
    string[3 * entries] (`case.forms`); sizes: int32[3 * entries], their code points; spaced_head, spaced_tail:
    bool[entries], the entry begins or ends with a letter of a script with spaces; prefixes: hashes of all beginnings
    of unspaced keys; longest: int64[pairs], code points of the longest unspaced key; unused: entries left out, by
    reason.
    """

    pairs: tuple[Pair, ...]
    salts: np.ndarray
    keys: Keys
    first: np.ndarray
    counts: np.ndarray
    exact: np.ndarray
    has_exact: np.ndarray
    forms: pa.StringArray
    sizes: np.ndarray
    spaced_head: np.ndarray
    spaced_tail: np.ndarray
    prefixes: np.ndarray
    longest: np.ndarray
    candidates: int
    unused: dict[str, int] = field(default_factory=dict)

    def entries_of(self, word: str, pair: Pair) -> list[str]:
        """The candidates of a word as the index has them: for tests and for looking at single words."""
        codes = np.frombuffer(word.encode("utf-32-le"), dtype=np.uint32)
        number, zero, size = self.pairs.index(pair), np.zeros(1, dtype=np.int64), np.array([len(codes)])
        for kind, sought in ((1, codes), (0, characters.folds()[codes])):
            padded = np.append(codes, np.zeros(WIDTH, dtype=np.uint32))
            keys = self.keys.find(hash_words(sought, zero, size) ^ self.salts[number, kind])
            if keys[0] >= 0 and self.keys.equal(keys, padded, zero, size, self.exact[keys])[0]:
                start, count = int(self.first[keys[0]]), int(self.counts[keys[0]])
                return self.forms.take(pa.array(np.arange(start, start + count) * FORMS)).to_pylist()
        return []

    @cached_property
    def prefix_table(self) -> np.ndarray:
        """bool[2^bits]: first bits of the prefixes' hashes; a false yes costs one more look-up, no wrong match."""
        table = np.zeros(1 << self._prefix_bits, dtype=bool)
        table[self.prefixes >> np.uint64(64 - self._prefix_bits)] = True
        return table

    @cached_property
    def _prefix_bits(self) -> int:
        return min(max(16 * len(self.prefixes), 2).bit_length(), _MOST_BITS)

    def may_begin(self, hashes: np.ndarray) -> np.ndarray:
        """bool[n]: whether words with these hashes (uint64[n], salted) may be the beginning of an unspaced key."""
        return self.prefix_table.take((hashes >> np.uint64(64 - self._prefix_bits)).astype(np.int64))


def hash_words(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """uint64[n]: hashes of spans of code points, as they are (not folded)."""
    return SpanHasher(code_values()[codes]).hash(starts, ends)


def matches(label: str, pattern: str) -> bool:
    """Whether a label (eng_Latn) is of the language of another one; a label without a script is of every script."""
    code, _, script = label.partition("_")
    other_code, _, other_script = pattern.partition("_")
    if code != other_code:
        return False
    return not script or not other_script or _HAN.get(script, script) == _HAN.get(other_script, other_script)


def pairs_of(label: str | None, pairs: Sequence[Pair]) -> list[int]:
    """Numbers of the pairs whose source is this language: the same three-letter code, and script where both say it."""
    return [number for number, pair in enumerate(pairs) if label and matches(label, pair.src)]
