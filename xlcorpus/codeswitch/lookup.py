"""Look up all words of a piece of a batch in the dictionaries of their rows."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from xlcorpus.codeswitch import switchable
from xlcorpus.codeswitch.switchable import Switchable
from xlcorpus.lexicon import folding
from xlcorpus.lexicon.index import EXACT, FOLDED, LexiconIndex, hash_words, pad_bytes
from xlcorpus.text.apostrophes import clitics, is_of_words_at_edges
from xlcorpus.text.breakers import WordBreaker
from xlcorpus.text.characters import Classes, codes_of, is_apostrophe, is_han_or_kana, is_tibetan
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.labels import is_dotless, language_of, script_of, usual_scripts
from xlcorpus.text.ragged import offsets_of, ranges
from xlcorpus.text.words import broken_words

_SHORTEST_STEM = 3


@dataclass(frozen=True)
class Found:
    """Words and their keys: starts, ends int64[words], what would be replaced (of a divided word its stem); keys
    int32[slots, words], the key in each partner language of the row, -1 for none."""

    words: Switchable
    starts: np.ndarray
    ends: np.ndarray
    keys: np.ndarray


class Lookup:
    """The folded and hashed code points of some texts, and the dictionaries of each row.

    points: the texts; row_pairs: int64[rows, slots], numbers of pairs in the index, -1 for none; breaker: in the
    scripts that it knows matches begin and end where its words do.
    """

    def __init__(
        self, points: CodePoints, row_pairs: np.ndarray, index: LexiconIndex, breaker: WordBreaker | None = None
    ) -> None:
        """Fold and hash."""
        self._breaker = breaker
        self._points, self._index, self._row_pairs = points, index, row_pairs
        dotless = np.array([*(is_dotless(pair.src) for pair in index.directions), False], dtype=bool)
        self._folding = folding.undotted(points, dotless[row_pairs].any(axis=1))
        edges = np.array([*(is_of_words_at_edges(pair.src) for pair in index.directions), False], dtype=bool)
        self._at_edges = edges[row_pairs].any(axis=1)
        self._hasher = SpanHasher(folding.folded_values().take(self._folding))
        # A pair that is not there has a salt as well; nothing is stored under it.
        self._salts = np.vstack([index.salts, np.zeros((1, 2), dtype=np.uint64)])

    def find(self, classes: Classes, covered: np.ndarray) -> Found:
        """The words of all texts and their keys. classes, covered: as for `switchable.find_switchable`."""
        self._flags = classes.flags
        words = switchable.find_switchable(self._points, classes, covered, self._longest, self._at_edges)
        starts, ends = words.starts, words.ends
        hashes = self._hasher.hash(starts, ends)
        slots = [self._find_slot(hashes, starts, ends, pairs, words) for pairs in self._row_pairs.T]
        keys = slots[0][None] if len(slots) == 1 else np.stack(slots)
        if len(words.divided):
            starts, ends = self._find_stems(words, keys)
        return Found(words, starts, ends, keys)

    def verify(
        self,
        keys: np.ndarray,
        starts: np.ndarray,
        ends: np.ndarray,
        data: bytes | memoryview,
        byte_starts: np.ndarray,
        byte_ends: np.ndarray,
    ) -> np.ndarray:
        """bool[k]: whether the words to replace are the keys that have their hash.

        keys, starts, ends: of each word, in code points; data: the texts in UTF-8, and where the words are in there.
        """
        same = self._index.keys.equal_bytes(keys, pad_bytes(data), byte_starts, byte_ends)
        other = np.flatnonzero(~same)
        if len(other):
            keys, starts, sizes = keys[other], starts[other], (ends - starts)[other]
            at = ranges(starts, sizes)
            exact = np.repeat(self._index.exact.take(keys), sizes)
            codes = np.where(exact, self._points.codes[at], folding.folds().take(self._folding[at]))
            same[other] = self._index.keys.equal(keys, codes, offsets_of(sizes))
        return same

    def _find_slot(
        self, hashes: np.ndarray, starts: np.ndarray, ends: np.ndarray, pairs: np.ndarray, words: Switchable
    ) -> np.ndarray:
        index, per_row = self._index, np.diff(words.offsets)
        keys = index.keys.find(hashes ^ np.repeat(self._salts[pairs, FOLDED], per_row))
        if not words.known.all():
            keys[~words.known] = -1
        if pairs.min(initial=0) < 0:
            keys[np.repeat(pairs < 0, per_row)] = -1
        # May is not may: a word with capitals is looked up with them first, where there is such a key.
        cased = np.flatnonzero(words.uppers > 0)
        cased = cased[(keys.take(cased) >= 0) & index.has_exact.take(keys.take(cased), mode="clip")]
        if len(cased):
            exact = self._find_exact(starts[cased], (ends - starts)[cased], pairs[words.rows[cased]])
            keys[cased] = np.where(exact >= 0, exact, keys[cased])
        return keys

    def _find_exact(self, starts: np.ndarray, lengths: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        offsets = offsets_of(lengths)
        hashes = hash_words(self._points.codes[ranges(starts, lengths)], offsets[:-1], offsets[1:])
        return self._index.keys.find(hashes ^ self._salts[:, EXACT].take(pairs))

    def _find_stems(self, words: Switchable, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends with those of the stems where the whole word has no entry; `keys` is completed."""
        stem_starts, stem_ends = self._stems(words)
        sought = (keys[:, words.divided] < 0).all(axis=0) & (stem_ends > stem_starts)
        divided, stem_starts, stem_ends = words.divided[sought], stem_starts[sought], stem_ends[sought]
        hashes = self._hasher.hash(stem_starts, stem_ends)
        row = words.rows[divided]
        for slot, pairs in enumerate(self._row_pairs.T):
            salts = self._salts[:, FOLDED].take(pairs[row])
            found = self._index.keys.find(hashes ^ salts)
            keys[slot, divided] = np.where(pairs[row] >= 0, found, -1)
        starts, ends = words.starts.copy(), words.ends.copy()
        starts[divided], ends[divided] = stem_starts, stem_ends
        return starts, ends

    def _stems(self, words: Switchable) -> tuple[np.ndarray, np.ndarray]:
        """The part of each divided word to look up by itself: int64[k] starts and ends, equal for none.

        What stands beside a clitic of the text's language and its apostrophe (l'homme, house's), of three letters.
        """
        starts, ends, at = words.starts[words.divided], words.ends[words.divided], words.signs
        before, behind = (at - starts >= _SHORTEST_STEM), (ends - at - 1 >= _SHORTEST_STEM)
        apostrophe = is_apostrophe(self._points.codes[at])
        first, second = np.zeros(len(at), dtype=bool), np.zeros(len(at), dtype=bool)
        number = self._row_pairs[words.rows[words.divided], 0]
        for one in np.unique(number):
            label, rows = self._index.directions[one].src, np.flatnonzero((number == one) & apostrophe)
            first[rows] = np.isin(self._hasher.hash(at[rows] + 1, ends[rows]), _clitics(label, behind=True))
            second[rows] = np.isin(self._hasher.hash(starts[rows], at[rows]), _clitics(label, behind=False))
        first, second = first & before, second & behind
        return np.where(second, at + 1, starts), np.where(first, at, np.where(second, ends, starts))

    def _broken(
        self, row: np.ndarray, at: np.ndarray, size: int
    ) -> tuple[np.ndarray | np.bool_, tuple[np.ndarray, np.ndarray] | None]:
        """Where the word breaker lets a match begin, bool[k]; which matches are free of it, and where its words end."""
        if self._breaker is None:
            return np.bool_(True), None
        scripts = [_script(pair.src) for pair in self._index.directions]
        known = np.isin(scripts, list(self._breaker.scripts))[self._row_pairs[:, 0]]
        starts, ends = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
        words = broken_words(self._points, self._flags, self._breaker, known)
        starts[words[0]], ends[words[1]] = True, True
        free = ~known[row]
        return free | starts[at], (free, ends)

    def _longest(self, at: np.ndarray, room: np.ndarray, may_end: np.ndarray) -> np.ndarray:
        """See `switchable.LongestMatch`: longest key of any of the row's dictionaries."""
        index, codes = self._index, self._points.codes
        best = np.zeros(len(at), dtype=np.int64)
        row = np.searchsorted(self._points.offsets, at, side="right") - 1
        begins, ends = self._broken(row, at, len(may_end))
        least = np.where(is_han_or_kana(codes[at]) | is_tibetan(codes[at]), 1, 2)
        for pairs in self._row_pairs.T:
            pair = pairs[row]
            salts = self._salts[:, FOLDED].take(pair)
            left = np.flatnonzero(begins & (pair >= 0) & (np.append(index.longest, 0)[pair] > 0))
            size = 1
            while len(left):
                hashes = self._hasher.hash(at[left], at[left] + size) ^ salts[left]
                begun = index.may_begin(hashes)
                left, hashes = left[begun], hashes[begun]
                whole = (least[left] <= size) & may_end[at[left] + size]
                if ends is not None:
                    whole &= ends[0][left] | ends[1][at[left] + size]
                hit = left[whole][index.keys.find(hashes[whole]) >= 0]
                best[hit] = np.maximum(best[hit], size)
                size += 1
                left = left[(room[left] >= size) & (index.longest[pair[left]] >= size)]
        return best


def _script(label: str) -> str:
    """The script of a label, of one without it the usual one."""
    return script_of(label) or next(iter(usual_scripts(language_of(label))), "")


@functools.cache
def _clitics(label: str, *, behind: bool) -> np.ndarray:
    """uint64[k]: hashes of the clitics of a language, folded, as the hasher of a text has them."""
    words = clitics(label, behind=behind)
    edges = offsets_of(np.array([len(word) for word in words], dtype=np.int64))
    return hash_words(folding.folds()[codes_of("".join(words))], edges[:-1], edges[1:])
