"""What a dictionary holds, for people: its size by direction, and the translations of one word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.entries import candidate_ranks, is_multiword, keys_of, lookup_keys, one_array, word_runs
from xlcorpus.lexicon.index import Direction
from xlcorpus.text.ragged import begins_of


@dataclass(frozen=True)
class Size:
    """How much a dictionary has of a direction; phrases: entries of several words on the left, which are no words."""

    direction: Direction
    words: int
    entries: int
    phrases: int


@dataclass(frozen=True)
class Translation:
    """One translation of a word; rank: from 1, the best."""

    direction: Direction
    rank: int
    text: str
    score: float | None
    source: str


def sizes_of(table: pa.Table, lang: str | None = None, *, where: str = "the dictionary") -> list[Size]:
    """The size of each direction of a canonical table, in order; lang: only those with it on one side.

    Raises UserError, which calls the table `where`, if there is none with that language, or the rows are in another
    order than `sort_entries` gives.
    """
    phrase = one_array(is_multiword(table["src"])).to_numpy(zero_copy_only=False)
    single = table.filter(pa.array(~phrase))
    keys = keys_of(single)
    runs = word_runs(single, keys)
    heads = np.flatnonzero(begins_of(runs))
    _check_order(single.take(pa.array(heads)), keys.take(pa.array(heads)))
    word, entry = np.zeros((2, table.num_rows), dtype=np.int64)
    _, entry[~phrase] = candidate_ranks(runs, one_array(single["src"]), one_array(single["tgt"]))
    word[np.flatnonzero(~phrase)[heads]] = 1
    counted = table.select(["src_lang", "tgt_lang"])
    for name, values in (("words", word), ("entries", entry), ("phrases", phrase.astype(np.int64))):
        counted = counted.append_column(name, pa.array(values))
    sums = counted.group_by(["src_lang", "tgt_lang"], use_threads=False).aggregate(
        [("words", "sum"), ("entries", "sum"), ("phrases", "sum")]
    )
    found = [
        Size(Direction(row["src_lang"], row["tgt_lang"]), row["words_sum"], row["entries_sum"], row["phrases_sum"])
        for row in sums.sort_by([("src_lang", "ascending"), ("tgt_lang", "ascending")]).to_pylist()
    ]
    kept = [size for size in found if lang in (None, size.direction.src, size.direction.tgt)]
    if not kept:
        known = {one for size in found for one in (size.direction.src, size.direction.tgt)}
        raise UserError(f"{where} has no entry in {lang}; {nearest(str(lang), known)}", remedy="name a language it has")
    return kept


def _check_order(rows: pa.Table, keys: pa.Array) -> None:
    """Raise UserError where the words are not in ascending order of languages and key. rows: the first of each word."""
    ascending: pa.Array | bool = False
    for column in (keys, one_array(rows["tgt_lang"]), one_array(rows["src_lang"])):
        before, after = column[:-1], column[1:]
        ascending = pc.or_(pc.less(before, after), pc.and_(pc.equal(before, after), ascending))
    if not pc.all(ascending, min_count=0).as_py():
        raise UserError("the rows of the lexicon are not in order", remedy="build it again: xlcorpus lexicon build")


def translations(table: pa.Table, word: str, directions: Sequence[Direction]) -> list[Translation]:
    """The translations of a word, in any case, by direction and rank. table: canonical (`merge_entries`).

    Raises UserError where no direction has the word.
    """
    encoded = pc.dictionary_encode(one_array(table["src_lang"]))
    sought = pa.concat_arrays([lookup_keys(pa.array([word]), lang) for lang in encoded.dictionary.to_pylist()])
    same = pc.equal(keys_of(table), sought.take(encoded.indices))
    rows = table.filter(pc.and_(same, pc.invert(one_array(is_multiword(table["src"])))))
    ranks: Counter[Direction] = Counter()
    found: dict[tuple[Direction, str], Translation] = {}
    for row in rows.to_pylist():  # `The -> der` and `the -> der` are one translation
        direction = Direction(row["src_lang"], row["tgt_lang"])
        if direction in directions and (direction, row["tgt"]) not in found:
            ranks[direction] += 1
            found[direction, row["tgt"]] = Translation(
                direction, ranks[direction], row["tgt"], row["score"], row["source"]
            )
    if not found:
        raise UserError(
            f"{word!r} is not in the dictionary", remedy="words are looked up as they are: no stemming, one word only"
        )
    return list(found.values())
