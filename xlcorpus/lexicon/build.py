"""Build a `LexiconIndex` from the entries of dictionaries, some 65,536 at a time: those of a million take 70 MB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.lexicon import folding
from xlcorpus.lexicon.entries import one_array
from xlcorpus.lexicon.index import EXACT, FOLDED, Direction, Keys, LexiconIndex, hash_words
from xlcorpus.text.apostrophes import is_of_words_at_edges
from xlcorpus.text.characters import ATTACHED, INNER, NUMBER, UNSPACED, WORD, classes, is_han_or_kana, is_tibetan
from xlcorpus.text.codepoints import CodePoints, code_points, strings_of
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.labels import encode_pairs, is_dotless
from xlcorpus.text.normalize import compose
from xlcorpus.text.ragged import heads_of
from xlcorpus.text.words import join_inner

# A longer key of an unspaced script is a phrase; each length costs a pass over what may begin with a key so far.
LONGEST_UNSPACED, LONGEST_TIBETAN = 16, 24  # Tibetan: four to five syllables
_ROWS = 1 << 16  # entries whose code points are in memory at a time

Columns = tuple[pa.Array | pa.ChunkedArray, ...]


def build_index(
    src: pa.Array, tgt: pa.Array, src_lang: pa.Array, tgt_lang: pa.Array, *, candidates: int = 3, words: bool = True
) -> LexiconIndex:
    """Index dictionaries by the hashes of their words.

    src, tgt, src_lang, tgt_lang: string[n], one translation a row, the best first among those of a word. The first
    `candidates` of each word and direction are kept. words: false for keys that are no words, such as a tokenizer's
    pieces: they are found as they are written alone, whatever they are made of. Left out, and counted in
    `LexiconIndex.unused`: entries of two words and more or with a number on the left (`not_one_word`), those equal on
    both sides (`same_on_both_sides`), those beyond the candidates (`beyond_candidates`), repeated and empty ones, and
    those of a key with the hash of another one that comes before (`same_hash`). Raises UserError where nothing is left,
    or where the arrays differ in length.
    """
    columns = (src, tgt, src_lang, tgt_lang)
    if len({len(column) for column in columns}) != 1:
        raise UserError(
            f"the columns of the dictionary have {[len(column) for column in columns]} rows",
            remedy="give src, tgt, src_lang and tgt_lang with one row an entry",
        )
    return build_from(slices_of(columns), candidates=candidates, words=words)


def build_from(slices: Iterable[Columns], *, candidates: int = 3, words: bool = True) -> LexiconIndex:
    """As `build_index`, of consecutive slices of the columns (src, tgt, src_lang, tgt_lang), each in memory once."""
    reader = _Reader(words)
    parts = [reader.read(columns) for columns in slices]
    pa.default_memory_pool().release_unused()  # the slices' table, which Arrow would keep for later
    entries = _together(parts)
    if not len(entries.tgt):
        left_out = ", ".join(f"{count} {name}" for name, count in reader.unused.items() if count)
        raise UserError(
            f"no entry of the dictionary can be used: {left_out or 'it is empty'}",
            remedy="give a dictionary with single words on the left and another language on the right",
        )
    return _index(reader, entries, candidates)


def slices_of(columns: Columns) -> Iterator[Columns]:
    """Consecutive rows of columns, as `build_from` takes them; one slice where there are none."""
    for start in range(0, max(len(columns[0]), 1), _ROWS):
        yield tuple(column.slice(start, _ROWS) for column in columns)


@dataclass
class _Entries:
    """Entries that can be used, in order.

    folded: string[n], src folded; exact: string[e], src of the rows `cased` (int32[e]), where it has capitals; hashes:
    uint64[n] and exact_hashes: uint64[e], of these and the direction; tgt: string[n]; spelled: uint64[n],
    hashes of tgt; sizes: int32[n], code points of tgt; traits: uint8[n], see below; prefixes: uint64, hashes of all
    beginnings of src in unspaced scripts.
    """

    folded: pa.Array
    exact: pa.Array
    cased: np.ndarray
    hashes: np.ndarray
    exact_hashes: np.ndarray
    tgt: pa.Array
    spelled: np.ndarray
    sizes: np.ndarray
    traits: np.ndarray
    prefixes: np.ndarray


_HEAD, _TAIL, _CASED = np.uint8(1), np.uint8(2), np.uint8(4)  # traits of a target: see `LexiconIndex`


@dataclass
class _Reader:
    """Makes `_Entries` of the columns; keeps salts and the longest unspaced key by direction, and what is left out."""

    words: bool
    salts: dict[Direction, tuple[int, int]] = field(default_factory=dict)
    longest: Counter[Direction] = field(default_factory=Counter)
    unused: dict[str, int] = field(default_factory=dict)

    def read(self, columns: Columns) -> _Entries:
        """Entries of one slice."""
        src, tgt, src_lang, tgt_lang = (_plain(column) for column in columns)
        if self.words:
            src, tgt = compose(pc.utf8_trim_whitespace(src)), pc.utf8_trim_whitespace(tgt)
        pairs, numbers = encode_pairs(src_lang, tgt_lang)
        directions = [Direction(*pair) for pair in pairs]
        points, others = code_points(src), code_points(tgt)
        folded_codes, other_codes = points.codes, others.codes
        one_word, unspaced = np.ones(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
        if self.words:
            folded_codes = folding.fold(
                points, np.array([is_dotless(direction.src) for direction in directions], dtype=bool)[numbers]
            )
            other_codes = folding.folds().take(others.codes)
            edges = np.array([is_of_words_at_edges(direction.src) for direction in directions], dtype=bool)
            one_word, unspaced = _one_word(points, edges[numbers])
        hashes = hash_words(folded_codes, points.offsets[:-1], points.offsets[1:])
        keep = self._leave_out(
            empty=(points.lengths == 0) | (others.lengths == 0),
            same_on_both_sides=hashes == hash_words(other_codes, others.offsets[:-1], others.offsets[1:]),
            not_one_word=~one_word,
        )
        salts = self._salts(directions)
        hashes ^= salts[numbers, FOLDED]
        cased = (points.sum_per_text(points.codes != folded_codes) > 0)[keep]
        rows = keep[cased]
        exact = hash_words(points.codes, points.offsets[rows], points.offsets[rows + 1]) ^ salts[numbers[rows], EXACT]
        unspaced = unspaced[keep]
        prefixes = self._prefixes(points, folded_codes, keep[unspaced], numbers, directions, salts)
        return _Entries(
            folded=strings_of(folded_codes, points.offsets).take(pa.array(keep)),
            exact=src.take(pa.array(rows)),
            cased=np.flatnonzero(cased).astype(np.int32),
            hashes=hashes[keep],
            exact_hashes=exact,
            tgt=tgt.take(pa.array(keep)),
            spelled=hash_words(others.codes, others.offsets[:-1], others.offsets[1:])[keep],
            sizes=others.lengths[keep].astype(np.int32),
            traits=_traits(others, keep),
            prefixes=prefixes,
        )

    def _leave_out(self, **wrong: np.ndarray) -> np.ndarray:
        """int64[k]: the rows that are wrong in no way; the others are counted by the first reason."""
        keep = ~np.logical_or.reduce(list(wrong.values()))
        counted = np.zeros(len(keep), dtype=bool)
        for name, rows in wrong.items():
            self.unused[name] = self.unused.get(name, 0) + int((rows & ~counted).sum())
            counted |= rows
        return np.flatnonzero(keep)

    def _salts(self, directions: Sequence[Direction]) -> np.ndarray:
        """uint64[directions, 2]."""
        new = [direction for direction in directions if direction not in self.salts]
        self.salts |= dict(zip(new, map(tuple, _salts(new).tolist()), strict=True))
        return np.array([self.salts[direction] for direction in directions], dtype=np.uint64).reshape(-1, 2)

    def _prefixes(
        self,
        points: CodePoints,
        codes: np.ndarray,
        rows: np.ndarray,
        numbers: np.ndarray,
        directions: Sequence[Direction],
        salts: np.ndarray,
    ) -> np.ndarray:
        """Hashes of all beginnings of these rows' words; the longest word of each direction is noted."""
        if not len(rows):
            return np.zeros(0, dtype=np.uint64)
        longest = np.zeros(len(directions), dtype=np.int64)
        np.maximum.at(longest, numbers[rows], points.lengths[rows])
        for direction, size in zip(directions, longest.tolist(), strict=True):
            self.longest[direction] = max(self.longest[direction], size)
        found = []
        for size in range(1, int(longest.max()) + 1):
            rows = rows[points.lengths[rows] >= size]
            starts = points.offsets[rows]
            found.append(hash_words(codes, starts, starts + size) ^ salts[numbers[rows], FOLDED])
        return np.unique(np.concatenate(found))


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.fill_null(one_array(column).cast(pa.string()), "")


def _traits(points: CodePoints, keep: np.ndarray) -> np.ndarray:
    edge = classes().take(points.codes) & WORD != 0
    first, last = points.offsets[keep], points.offsets[keep + 1] - 1
    cased = points.sum_per_text(folding.has_capital().take(points.codes))[keep] > 0
    traits: np.ndarray = edge[first] * _HEAD | edge[last] * _TAIL | cased * _CASED
    return traits


def _one_word(points: CodePoints, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool[rows]: texts that are one word as `text.words` finds words; bool[rows]: those of an unspaced script.

    edges: bool[rows], texts of a language where an apostrophe at the edge is of the word.
    """
    flags = classes()[points.codes]
    length = points.lengths
    with_number = points.sum_per_text((flags & NUMBER) != 0) > 0
    join_inner(points, flags, np.flatnonzero(flags & INNER), edges)
    inside = points.sum_per_text((flags & UNSPACED) != 0) == length
    begins, short, longest = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool), np.zeros_like(length)
    some = length > 0
    first = points.offsets[:-1][some]
    begins[some] = (flags[first] & ATTACHED) == 0
    tibetan = is_tibetan(points.codes[first])
    short[some] = tibetan | is_han_or_kana(points.codes[first])
    longest[some] = np.where(tibetan, LONGEST_TIBETAN, LONGEST_UNSPACED)
    unspaced = some & inside & begins & (length <= longest) & (short | (length > 1))
    spaced = some & (points.sum_per_text((flags & WORD) != 0) == length)
    return (unspaced | spaced) & ~with_number, unspaced & ~with_number


def _salts(directions: Iterable[Direction]) -> np.ndarray:
    """uint64[directions, 2]: by the labels alone, so that an index with more dictionaries finds the same."""
    labels = [(f"{direction.src}\t{direction.tgt}", kind) for direction in directions for kind in ("folded", "exact")]
    salts = [hash_text(f"codeswitch/{kind}/{label}") for label, kind in labels]
    return np.array(salts, dtype=np.uint64).reshape(-1, 2)


def _together(parts: list[_Entries]) -> _Entries:
    """The parts as one, each column freed when it is joined."""
    sizes = [len(part.tgt) for part in parts]
    joined = {}
    for column in fields(_Entries):
        values = [getattr(part, column.name) for part in parts]
        if column.name == "cased":
            values = [value + start for value, start in zip(values, np.cumsum([0, *sizes]).tolist(), strict=False)]
        for part in parts:
            delattr(part, column.name)
        joined[column.name] = pa.concat_arrays(values) if isinstance(values[0], pa.Array) else np.concatenate(values)
        del values
    pa.default_memory_pool().release_unused()
    return _Entries(**joined)


def _index(reader: _Reader, entries: _Entries, candidates: int) -> LexiconIndex:
    count, unused = len(entries.tgt), reader.unused
    # Each entry is found by its folded key, and by its exact key too where that has capitals.
    hashes = np.concatenate([entries.hashes, entries.exact_hashes])
    names = pa.concat_arrays([entries.folded, entries.exact])
    with_exact = np.unique(entries.hashes[entries.cased])
    del entries.folded, entries.exact, entries.hashes, entries.exact_hashes
    pa.default_memory_pool().release_unused()
    order = np.argsort(hashes, kind="stable").astype(np.int32)  # stable: the best of a key stays the first
    hashes = hashes[order]
    order, hashes = _without_others(order, hashes, names, count, unused)
    row = order.copy()
    row[order >= count] = entries.cased[order[order >= count] - count]
    keep = _first_of_each(hashes, row, entries.spelled, candidates, unused)
    order, hashes, row = order[keep], hashes[keep], row[keep]
    del entries.cased, entries.spelled, keep
    heads = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])).astype(np.int32)
    counts = np.diff(np.append(heads, np.int32(len(row))))
    named, hashes = order[heads], hashes[heads]
    names, exact = names.take(pa.array(named)), named >= count
    del order, named
    keys = Keys.of(hashes, names)
    del names, hashes
    has_exact = np.zeros(len(keys), dtype=bool)
    has_exact[np.searchsorted(keys.hashes, with_exact)] = True
    has_exact &= ~exact
    targets, sizes, traits = entries.tgt.take(pa.array(row)), entries.sizes[row], entries.traits[row]
    del entries.tgt, row
    directions = tuple(sorted(reader.salts, key=lambda direction: (direction.src, direction.tgt)))
    pa.default_memory_pool().release_unused()
    return LexiconIndex(
        directions=directions,
        salts=np.array([reader.salts[direction] for direction in directions], dtype=np.uint64),
        keys=keys,
        first=heads,
        counts=counts,
        exact=exact,
        has_exact=has_exact,
        targets=targets,
        sizes=sizes,
        spaced_head=traits & _HEAD != 0,
        spaced_tail=traits & _TAIL != 0,
        cased=traits & _CASED != 0,
        prefixes=np.unique(entries.prefixes),
        longest=np.array([reader.longest[direction] for direction in directions], dtype=np.int64),
        folds=reader.words,
        unused=unused,
    )


def _without_others(
    order: np.ndarray, hashes: np.ndarray, names: pa.Array, count: int, unused: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted entries without those that have the hash of the one before them, and are another word."""
    later = np.flatnonzero(hashes[1:] == hashes[:-1]) + 1
    begins = np.append(True, hashes[1:] != hashes[:-1])
    head = np.flatnonzero(begins)[np.cumsum(begins)[later] - 1]
    own, first = order[later], order[head]
    same = pc.equal(names.take(pa.array(own)), names.take(pa.array(first))).to_numpy(zero_copy_only=False)
    same = same & ((own < count) == (first < count))
    unused["same_hash"] = int((~same).sum())
    keep = np.ones(len(order), dtype=bool)
    keep[later[~same]] = False
    return order[keep], hashes[keep]


def _first_of_each(
    hashes: np.ndarray, row: np.ndarray, spelled: np.ndarray, most: int, unused: dict[str, int]
) -> np.ndarray:
    """bool[n]: the first `most` different targets of each key; the others are counted."""
    same = hashes[1:] == hashes[:-1]
    several = np.flatnonzero(np.append(same, False) | np.append(False, same))
    group = hashes[several]
    _, once = np.unique(group ^ mix(spelled[row[several]]), return_index=True)
    unused["repeated"] = len(several) - len(once)
    once.sort()
    group = group[once]
    begins = np.append(True, group[1:] != group[:-1])
    place = np.arange(len(once)) - heads_of(begins) if len(once) else once
    kept = once[place < most]
    unused["beyond_candidates"] = len(once) - len(kept)
    keep = np.ones(len(hashes), dtype=bool)
    keep[several] = False
    keep[several[kept]] = True
    return keep
