"""Build a `LexiconIndex` from the entries of dictionaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.codeswitch import characters, tokens
from xlcorpus.codeswitch.case import forms
from xlcorpus.codeswitch.characters import APOSTROPHE, ATTACHED, NUMBER, UNSPACED, WORD
from xlcorpus.codeswitch.index import Keys, LexiconIndex, Pair, hash_words
from xlcorpus.errors import UserError
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.normalize import compose

# A longer key of an unspaced script is a phrase; each length costs a pass over what may begin with a key so far.
LONGEST_UNSPACED = 16
FOLDED, EXACT = 0, 1


@dataclass(frozen=True)
class _Entries:
    """What is left of the entries: texts, number of the pair, and the key's class, in rank order."""

    src: pa.Array
    tgt: pa.Array
    pair: np.ndarray
    unspaced: np.ndarray


def build_index(
    src: pa.Array, tgt: pa.Array, src_lang: pa.Array, tgt_lang: pa.Array, *, candidates: int = 3
) -> LexiconIndex:
    """Index dictionaries by the hashes of their words.

    src, tgt, src_lang, tgt_lang: string[n], one translation a row, the best first among those of a word. The first
    `candidates` of each word and pair are kept. Left out, and counted in `LexiconIndex.unused`: entries of two words
    and more or with a number on the left (`not_one_word`), those equal on both sides (`same_on_both_sides`), those
    beyond the candidates (`beyond_candidates`), repeated and empty ones, and all but one of the keys with the same
    hash (`same_hash`). Raises UserError where nothing is left, or where the arrays differ in length.
    """
    columns = [_plain(array) for array in (src, tgt, src_lang, tgt_lang)]
    if len({len(column) for column in columns}) != 1:
        raise UserError(
            f"the columns of the dictionary have {[len(column) for column in columns]} rows",
            remedy="give src, tgt, src_lang and tgt_lang with one row an entry",
        )
    unused: dict[str, int] = {}
    pairs, numbers = _pairs(columns[2], columns[3])
    entries = _usable(
        compose(pc.utf8_trim_whitespace(columns[0])), pc.utf8_trim_whitespace(columns[1]), numbers, unused
    )
    if not len(entries.src):
        raise UserError(
            "no entry of the dictionary can be used: " + ", ".join(f"{count} {name}" for name, count in unused.items()),
            remedy="give a dictionary with single words on the left and another language on the right",
        )
    return _index(pairs, entries, candidates, unused)


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pc.fill_null(array.cast(pa.string()), "")


def _pairs(src_lang: pa.Array, tgt_lang: pa.Array) -> tuple[tuple[Pair, ...], np.ndarray]:
    """The pairs of labels in order, and int64[n], the pair of each row."""
    joined = pc.binary_join_element_wise(src_lang, tgt_lang, "\t").dictionary_encode()
    labels = joined.dictionary.to_pylist()
    order = sorted(range(len(labels)), key=labels.__getitem__)
    rank = np.zeros(len(labels), dtype=np.int64)
    rank[order] = np.arange(len(labels))
    pairs = tuple(Pair(*labels[number].split("\t")) for number in order)
    return pairs, rank[joined.indices.to_numpy(zero_copy_only=False)]


def _usable(src: pa.Array, tgt: pa.Array, pair: np.ndarray, unused: dict[str, int]) -> _Entries:
    points, others = code_points(src), code_points(tgt)
    one_word, unspaced = _one_word(points)
    folds = characters.folds()
    same = hash_words(folds[points.codes], points.offsets[:-1], points.offsets[1:]) == hash_words(
        folds[others.codes], others.offsets[:-1], others.offsets[1:]
    )
    keep = np.ones(len(src), dtype=bool)
    for name, wrong in (
        ("empty", (points.lengths == 0) | (others.lengths == 0)),
        ("same_on_both_sides", same),
        ("not_one_word", ~one_word),
    ):
        unused[name] = int((wrong & keep).sum())
        keep &= ~wrong
    rows = np.flatnonzero(keep)
    return _Entries(src.take(pa.array(rows)), tgt.take(pa.array(rows)), pair[rows], unspaced[rows])


def _one_word(points: CodePoints) -> tuple[np.ndarray, np.ndarray]:
    """bool[rows]: texts that are one word as `tokens` finds words; bool[rows]: those of an unspaced script."""
    flags = characters.classes()[points.codes]
    length = points.lengths
    with_number = points.sum_per_text((flags & NUMBER) != 0) > 0
    inside = points.sum_per_text((flags & UNSPACED) != 0) == length
    begins = np.zeros(len(points), dtype=bool)
    some = length > 0
    begins[some] = (flags[points.offsets[:-1][some]] & ATTACHED) == 0
    han = np.zeros(len(points), dtype=bool)
    han[some] = tokens.is_han_or_kana(points.codes[points.offsets[:-1][some]])
    unspaced = some & inside & begins & (length <= LONGEST_UNSPACED) & (han | (length > 1))
    tokens.join_apostrophes(points, flags, np.flatnonzero(flags & APOSTROPHE))
    spaced = some & (points.sum_per_text((flags & WORD) != 0) == length)
    return (unspaced | spaced) & ~with_number, unspaced & ~with_number


def _strings(codes: np.ndarray, offsets: np.ndarray) -> pa.StringArray:
    """Spans of code points, end to end, as strings."""
    before = np.zeros(len(codes) + 1, dtype=np.int64)
    np.cumsum(characters.utf8_lengths(codes), out=before[1:])
    data = codes.astype(np.uint32).tobytes().decode("utf-32-le").encode()
    edges = before[offsets].astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(edges.tobytes()), pa.py_buffer(data))


def _salts(pairs: Iterable[Pair]) -> np.ndarray:
    """uint64[pairs, 2]: by the labels alone, so that an index with more dictionaries finds the same."""
    labels = [(f"{pair.src}\t{pair.tgt}", kind) for pair in pairs for kind in ("folded", "exact")]
    salts = [xxhash.xxh3_64_intdigest(f"codeswitch/{kind}/{label}".encode()) for label, kind in labels]
    return np.array(salts, dtype=np.uint64).reshape(-1, 2)


def _index(pairs: tuple[Pair, ...], entries: _Entries, candidates: int, unused: dict[str, int]) -> LexiconIndex:
    points = code_points(entries.src)
    folded = _strings(characters.folds()[points.codes], points.offsets)
    cased = pc.not_equal(folded, entries.src).to_numpy(zero_copy_only=False)
    count = len(folded)
    # Each entry is found by its folded key, and by its exact key too where that has capitals.
    row = np.concatenate([np.arange(count), np.flatnonzero(cased)])
    kind = np.concatenate([np.full(count, FOLDED), np.full(int(cased.sum()), EXACT)])
    keys = pa.concat_arrays([folded, entries.src.filter(pa.array(cased))]).dictionary_encode()
    key = keys.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    group = (entries.pair[row] * 2 + kind) * len(keys.dictionary) + key
    with_exact = group[:count][cased]
    chosen, repeated, beyond = _first_of_each(group, entries.tgt, row, candidates)
    unused["repeated"], unused["beyond_candidates"] = repeated, beyond
    row, kind, key, group = row[chosen], kind[chosen], key[chosen], group[chosen]
    _, heads, counts = np.unique(group, return_index=True, return_counts=True)
    key_points = code_points(keys.dictionary)
    salts = _salts(pairs)
    hashes = hash_words(key_points.codes, key_points.offsets[:-1], key_points.offsets[1:])[key[heads]]
    hashes ^= salts[entries.pair[row[heads]], kind[heads]]
    # `group` is sorted by pair and key, not by rank, so of two keys with one hash either may be the one kept.
    hashes, order = np.unique(hashes, return_index=True)
    unused["same_hash"] = len(heads) - len(order)
    heads, counts = heads[order], counts[order]
    targets = entries.tgt.take(pa.array(row))
    other = code_points(targets)
    edge = characters.classes()[other.codes] & WORD != 0
    prefixes, longest = _prefixes(points, entries, salts)
    labels = [pairs[number].tgt for number in entries.pair[row].tolist()]
    all_forms = forms(targets, labels)
    return LexiconIndex(
        pairs=pairs,
        salts=salts,
        keys=Keys(hashes, keys.dictionary.take(pa.array(key[heads]))),
        first=heads.astype(np.int64),
        counts=counts.astype(np.int32),
        exact=kind[heads] == EXACT,
        has_exact=(kind[heads] == FOLDED) & np.isin(group[heads], with_exact),
        forms=all_forms,
        sizes=pc.utf8_length(all_forms).to_numpy(zero_copy_only=False).astype(np.int32),
        spaced_head=edge[other.offsets[:-1]],
        spaced_tail=edge[other.offsets[1:] - 1],
        prefixes=prefixes,
        longest=longest,
        candidates=candidates,
        unused=unused,
    )


def _first_of_each(group: np.ndarray, tgt: pa.Array, row: np.ndarray, most: int) -> tuple[np.ndarray, int, int]:
    """Positions of the first `most` different targets of each group, by group and rank; how many were left out."""
    target = tgt.dictionary_encode().indices.to_numpy(zero_copy_only=False)[row].astype(np.int64)
    _, once = np.unique(np.column_stack([group, target]), axis=0, return_index=True)
    once = once[np.lexsort((row[once], group[once]))]
    begins = np.append(True, group[once][1:] != group[once][:-1])
    place = np.arange(len(once)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    kept = once[place < most]
    return kept, len(group) - len(once), len(once) - len(kept)


def _prefixes(points: CodePoints, entries: _Entries, salts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all beginnings of unspaced keys, and int64[pairs], the longest of them."""
    rows = np.flatnonzero(entries.unspaced)
    longest = np.zeros(len(salts), dtype=np.int64)
    np.maximum.at(longest, entries.pair[rows], points.lengths[rows])
    codes = characters.folds()[points.codes]
    found = [np.zeros(0, dtype=np.uint64)]
    for size in range(1, int(longest.max()) + 1):
        rows = rows[points.lengths[rows] >= size]
        starts = points.offsets[rows]
        found.append(hash_words(codes, starts, starts + size) ^ salts[entries.pair[rows], FOLDED])
    return np.unique(np.concatenate(found)), longest
