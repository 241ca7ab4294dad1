"""Look words up in bilingual dictionaries, a batch at a time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.dataset.storage import fingerprint
from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.entries import (
    candidate_ranks,
    is_multiword,
    keys_of,
    lookup_keys,
    one_array,
    pieces,
    word_runs,
)
from xlcorpus.lexicon.lexicon_file import read_entries


@dataclass(frozen=True)
class Candidates:
    """Translations of a batch of words, as ranges of rows: those of word i are first[i], ..., first[i] + count[i] - 1.

    first: int64[words]; count: int64[words], 0 for a word without an entry; targets: string, scores: double, sources:
    dictionary-encoded string, each by row. The rows of a word are in falling order of score, then by text.
    """

    first: np.ndarray
    count: np.ndarray
    targets: pa.Array
    scores: pa.Array
    sources: pa.Array

    def __len__(self) -> int:
        """Number of words."""
        return len(self.first)

    def limit(self, most: int) -> Candidates:
        """The best `most` candidates of each word."""
        return Candidates(self.first, np.minimum(self.count, most), self.targets, self.scores, self.sources)

    def rows(self, numbers: np.ndarray) -> pa.Array:
        """int64[words]: row of candidate number `numbers[i] % count[i]` of each word, null where there is none.

        numbers: an integer for each word (uint64 hashes make a uniform choice; 0 is the best candidate).
        """
        size = np.maximum(self.count, 1).astype(np.uint64)
        rows = self.first + (np.asarray(numbers).astype(np.uint64) % size).astype(np.int64)
        return pa.array(rows, mask=self.count == 0)

    def choose(self, numbers: np.ndarray) -> pa.Array:
        """string[words]: candidate number `numbers[i] % count[i]` of each word, null where there is none."""
        return self.targets.take(self.rows(numbers))

    def to_pylist(self) -> list[list[str]]:
        """All candidates of each word, the best one first."""
        found: dict[tuple[int, int], list[str]] = {}
        for first, count in zip(self.first.tolist(), self.count.tolist(), strict=True):
            if (first, count) not in found:
                found[first, count] = self.targets.slice(first, count).to_pylist()
        return [found[pair] for pair in zip(self.first.tolist(), self.count.tolist(), strict=True)]


@dataclass(frozen=True)
class PairIndex:
    """The words of one language pair, found by the xxh3-64 of their lookup keys.

    keys: string[words] in the order of the rows; begins: int64[words + 1], the rows of each word; hashes: uint64[words]
    in rising order, words: int32[words], the word of each hash; buckets: int32, where the hashes of each value of
    their first bits begin; multiword_sources: entries whose source is several words, which are not looked up.
    """

    keys: pa.Array
    begins: np.ndarray
    hashes: np.ndarray
    words: np.ndarray
    buckets: np.ndarray
    multiword_sources: int

    @property
    def entries(self) -> int:
        """Entries that can be looked up."""
        return int(self.begins[-1] - self.begins[0])

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self.keys.nbytes + sum(part.nbytes for part in (self.begins, self.hashes, self.words, self.buckets)))

    def find(self, keys: pa.Array) -> np.ndarray:
        """int64[keys]: number of the word of each lookup key, -1 for one that is not there (or null)."""
        found = np.full(len(keys), -1, dtype=np.int64)
        if not len(self.keys) or not len(keys):
            return found
        wanted = _hashes(keys)
        bucket = (wanted >> np.uint64(64 - _bits(len(self.keys)))).astype(np.int64)
        at, end = self.buckets[bucket].astype(np.int64), self.buckets[bucket + 1]
        rest = np.flatnonzero(at < end)
        # A bucket holds one hash on average, and never many: each round looks at one more of those left.
        while len(rest):
            hit = rest[self.hashes[at[rest]] == wanted[rest]]
            words = self.words[at[hit]]
            # Two words with one hash are never mistaken for one another: the texts decide.
            equal = pc.equal(self.keys.take(pa.array(words)), keys.take(pa.array(hit)))
            right = pc.fill_null(equal, False).to_numpy(zero_copy_only=False)
            found[hit[right]] = words[right]
            at[rest] += 1
            rest = rest[(at[rest] < end[rest]) & (found[rest] < 0)]
        return found


def _bits(words: int) -> int:
    return max(1, (words - 1).bit_length())


def _hashes(keys: pa.Array) -> np.ndarray:
    """uint64[keys]: xxh3-64 of each text; a null counts as an empty one."""
    parts = []
    for piece in pieces(keys):
        texts = piece.fill_null("").cast(pa.binary()).to_pylist()
        parts.append(np.fromiter(map(xxhash.xxh3_64_intdigest, texts), dtype=np.uint64, count=len(texts)))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


class Lexicon:
    """Bilingual dictionaries in memory: many to many, read-only, any number of language pairs.

    Words are found in the case-folded form of `lookup_keys`; sources of several words are counted, not looked up. One
    million entries take about 80 MB. Make it with `load_lexicon`, or from a canonical table of entries.
    """

    def __init__(self, table: pa.Table, fingerprint: str = "") -> None:
        """table: canonical entries (`merge_entries`); raises UserError where its rows are in another order."""
        self.fingerprint = fingerprint
        names = ["src", "src_lang", "tgt_lang", "tgt", "score", "source"]
        multiword = one_array(is_multiword(table["src"]))
        skipped = Counter(_pairs(table.filter(multiword))) if pc.any(multiword).as_py() else Counter()
        columns = {name: table[name] for name in names}
        del table
        if skipped:
            _keep(columns, pc.invert(multiword))
        single = pa.table(columns)
        columns["key"] = keys_of(single)
        runs = word_runs(single, columns["key"])
        _, is_first = candidate_ranks(runs, one_array(single["src"]), one_array(single["tgt"]))
        del single, columns["src"]
        if not is_first.all():
            _keep(columns, pa.array(is_first))
            runs = runs[is_first]
        keys = one_array(columns["key"])
        self._targets: pa.Array = one_array(columns["tgt"])
        self._scores: pa.Array = one_array(columns["score"])
        self._sources: pa.Array = pc.dictionary_encode(one_array(columns["source"]))
        self._pairs: dict[tuple[str, str], PairIndex] = {}
        for pair, start, stop in _pair_ranges(one_array(columns["src_lang"]), one_array(columns["tgt_lang"])):
            if pair in self._pairs:
                raise _disorder()
            self._pairs[pair] = _index_pair(keys.slice(start, stop - start), runs[start:stop], start, skipped[pair])
        for pair in skipped.keys() - self._pairs.keys():
            self._pairs[pair] = _index_pair(keys.slice(0, 0), runs[:0], 0, skipped[pair])

    def __contains__(self, pair: object) -> bool:
        """Whether there is a dictionary from one language to another: `("eng_Latn", "deu_Latn") in lexicon`."""
        return pair in self._pairs

    def __len__(self) -> int:
        """Entries that can be looked up."""
        return len(self._targets)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(source language, target language), in order."""
        return sorted(self._pairs)

    @property
    def source_languages(self) -> list[str]:
        """Languages that words can be looked up in."""
        return sorted({src for src, _ in self._pairs})

    def targets_of(self, src_lang: str) -> list[str]:
        """Languages that words of a language can be translated to; [] where there is none."""
        return sorted(tgt for src, tgt in self._pairs if src == src_lang)

    def index(self, src_lang: str, tgt_lang: str) -> PairIndex:
        """The index of a language pair; raises UserError, with the nearest pair, where there is none."""
        if (src_lang, tgt_lang) not in self._pairs:
            raise UserError(
                f"there is no dictionary from {src_lang} to {tgt_lang}; "
                + nearest(f"{src_lang}:{tgt_lang}", [f"{src}:{tgt}" for src, tgt in self._pairs]),
                remedy="`xlcorpus lexicon inspect FILE` lists the languages; `xlcorpus lexicon invert` turns one round",
            )
        return self._pairs[src_lang, tgt_lang]

    def entries(self, words: Sequence[str | None] | pa.Array, src_lang: str, tgt_lang: str) -> Candidates:
        """The translations of each word (any case, not necessarily NFC); a null has none.

        Repeated words cost little. Raises UserError where there is no dictionary for the pair.
        """
        index = self.index(src_lang, tgt_lang)
        texts = words if isinstance(words, pa.Array | pa.ChunkedArray) else pa.array(words, pa.string())
        encoded = pc.dictionary_encode(one_array(texts))
        numbers = index.find(lookup_keys(encoded.dictionary, src_lang))
        known = numbers >= 0
        first = np.where(known, index.begins[numbers], 0)
        count = np.where(known, index.begins[numbers + 1] - index.begins[numbers], 0)
        first, count = np.append(first, 0), np.append(count, 0)  # the last place is for nulls
        at = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return Candidates(first[at], count[at], self._targets, self._scores, self._sources)

    def nbytes(self) -> int:
        """Bytes in memory."""
        columns = self._targets.nbytes + self._scores.nbytes + self._sources.nbytes
        return int(columns + sum(index.nbytes for index in self._pairs.values()))


def load_lexicon(
    paths: Iterable[str | Path],
    *,
    src: str | None = None,
    tgt: str | None = None,
    format: str = "auto",
    max_candidates: int | None = None,
    min_score: float | None = None,
    single_word_targets: bool = False,
) -> Lexicon:
    """Load dictionary files of any format, or lexicons that were built before (the fast way), as one lexicon.

    Options as `read_entries`; for files that were built, src and tgt choose languages. Raises UserError.
    """
    options = {"max_candidates": max_candidates, "min_score": min_score, "single_word_targets": single_word_targets}
    read = read_entries(
        [Path(path) for path in paths],
        src=src,
        tgt=tgt,
        format=format,
        max_candidates=max_candidates,
        min_score=min_score,
        single_word_targets=single_word_targets,
    )
    lexicon = Lexicon(read.table, fingerprint([read.fingerprint, src, tgt, format, options]))
    del read
    pa.default_memory_pool().release_unused()  # a third of what the process would hold otherwise
    return lexicon


def _index_pair(keys: pa.Array, runs: np.ndarray, start: int, multiword: int) -> PairIndex:
    """Index the rows of one language pair; keys and runs are those of its rows, `start` is the first one."""
    begins = (
        np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]])) if len(runs) else np.zeros(0, dtype=np.int64)
    )
    words = keys.take(pa.array(begins))
    if len(words) > 1 and pc.any(pc.less_equal(words[1:], words[:-1])).as_py():
        raise _disorder()
    hashes = _hashes(words)
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    bits = _bits(len(words))
    edges = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
    buckets = np.append(np.searchsorted(hashes, edges), len(hashes)).astype(np.int32)
    rows = np.append(begins, len(runs)).astype(np.int64) + start
    return PairIndex(words, rows, hashes, order.astype(np.int32), buckets, multiword)


def _pairs(table: pa.Table) -> Iterable[tuple[str, str]]:
    return zip(table["src_lang"].to_pylist(), table["tgt_lang"].to_pylist(), strict=True)


def _keep(columns: dict[str, pa.Array], mask: pa.Array) -> None:
    """Filter all columns, one after another: only one is in memory twice."""
    for name in list(columns):
        columns[name] = one_array(columns.pop(name)).filter(mask)


def _pair_ranges(src: pa.Array, tgt: pa.Array) -> Iterable[tuple[tuple[str, str], int, int]]:
    """(pair, first row, row behind the last) of each run of rows of one language pair."""
    fresh = np.zeros(len(src), dtype=bool)
    fresh[:1] = True
    for column in (src, tgt):
        if len(src) > 1:
            fresh[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    edges = [*np.flatnonzero(fresh).tolist(), len(src)]
    for start, stop in itertools.pairwise(edges):
        yield (src[start].as_py(), tgt[start].as_py()), start, stop


def _disorder() -> UserError:
    return UserError("the rows of the lexicon are not in order", remedy="build it again: xlcorpus lexicon build")
