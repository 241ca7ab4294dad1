"""Entries of bilingual dictionaries as an Arrow table: clean, merge, invert, limit. Pure functions over tables.

A table of entries has the columns of `schemas/lexicon-2.yaml`. It is canonical when `merge_entries` made it: every
text is clean, every (src_lang, tgt_lang, src, tgt) occurs once, and the rows are in the schema's order. So the table
depends on the set of entries alone, and merging is commutative, associative and idempotent.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.schema import load_schema
from xlcorpus.lexicon.fields import PIECE
from xlcorpus.lexicon.folding import fold
from xlcorpus.lexicon.formats import JOINT
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.labels import encode_pairs, is_dotless
from xlcorpus.text.ragged import begins_of, heads_of

IDENTICAL, OTHER_LANGUAGE, REPEATED = "identical", "other_language", "repeated"
UNREAD = "column "  # and its name: a column of the file of which nothing is taken


@functools.cache
def entry_schema() -> pa.Schema:
    """The columns of `schemas/lexicon-2.yaml`, without their descriptions."""
    return pa.schema([pa.field(field.name, field.type) for field in load_schema("lexicon", 2).fields])


def lookup_keys(words: pa.Array, lang: str) -> pa.Array:
    """The form under which words are found: string[words], NFC, in the lower case of the language (Turkish: I is ı)."""
    return _lower(undotted(words) if is_dotless(lang) else words)


def keys_of(table: pa.Table, side: str = "src") -> pa.Array:
    """`lookup_keys` of a side of all entries, each in its own language."""
    texts, langs = one_array(table[side]), one_array(table[f"{side}_lang"])
    dotless = [lang for lang in pc.unique(langs).to_pylist() if is_dotless(lang)]
    if dotless:
        mask = pc.is_in(langs, pa.array(dotless))
        texts = pc.replace_with_mask(texts, mask, undotted(texts.filter(mask)))
    return _lower(texts)


def undotted(words: pa.Array) -> pa.Array:
    """Lower case of the two letters that differ, composed or not."""
    words = pc.replace_substring(pc.replace_substring(words, "I\u0307", "i"), "İ", "i")
    return pc.replace_substring(words, "I", "ı")


def _lower(words: pa.Array) -> pa.Array:
    """NFC in lower case. By Python, except for ASCII: Arrow's lower case knows no final sigma."""
    if len(words) > PIECE:
        return pa.concat_arrays([_lower(words.slice(start, PIECE)) for start in range(0, len(words), PIECE)])
    other = pc.fill_null(pc.invert(pc.string_is_ascii(words)), False)
    if not pc.any(other).as_py():
        return pc.utf8_lower(words)
    # Once more NFC: lower case can take a composed letter apart.
    lowered = [normalize("NFC", normalize("NFC", word).lower()) for word in words.filter(other).to_pylist()]
    return pc.replace_with_mask(pc.utf8_lower(words), other, pa.array(lowered, words.type))


def place_in_file(table: pa.Table) -> np.ndarray:
    """int32[entries]: the place of each translation among those of its word, from 1, as the schema says it of `rank`.

    table: src, src_lang, tgt_lang and score, in the order of one file.
    """
    pairs, number = encode_pairs(one_array(table["src_lang"]), one_array(table["tgt_lang"]))
    dotless = np.array([is_dotless(src) for src, _ in pairs], dtype=bool)
    points = code_points(one_array(table["src"]))
    folded = fold(points, dotless[number] if len(number) else False)
    words = SpanHasher.of_codes(folded).hash(points.offsets[:-1], points.offsets[1:])
    score = pc.fill_null(one_array(table["score"]), -np.inf).to_numpy(zero_copy_only=False)
    order = np.lexsort((-score, words, number))  # stable: those of one score stay as they are listed
    begins = begins_of(words[order]) | begins_of(number[order])
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order)) - (heads_of(begins) if len(order) else 0) + 1
    return place


def is_multiword(texts: pa.Array) -> pa.Array:
    """bool[texts]: more than one word, by white space. A text in a script without spaces is one word."""
    return pc.match_substring(texts, " ")


def merge_entries(tables: Iterable[pa.Table]) -> tuple[pa.Table, Counter[str]]:
    """All entries of clean tables as one canonical table, and how many were left out, by reason.

    Left out are entries whose two sides are the same word (`identical`) and, beyond the first, equal entries
    (`repeated`): they become one with the first rank, the highest score and all sources.
    """
    table = pa.concat_tables([entry_schema().empty_table(), *tables])
    left_out: Counter[str] = Counter()
    same = pc.equal(keys_of(table), keys_of(table, "tgt"))
    if left := pc.sum(same).as_py():
        left_out[IDENTICAL] = left
        table = table.filter(pc.invert(same))
    rows = table.num_rows
    table = _unique(table)
    if rows > table.num_rows:
        left_out[REPEATED] = rows - table.num_rows
    pa.default_memory_pool().release_unused()
    return sort_entries(table), left_out


def _unique(table: pa.Table) -> pa.Table:
    """Equal entries as one."""
    coded = {name: pc.dictionary_encode(one_array(table[name])) for name in ("src_lang", "tgt_lang", "source")}
    # Codes for the columns of few values: texts would be in memory once more. Adding 0 makes one zero of two, so that
    # the highest score does not depend on the order.
    columns = {name: table[name] for name in ("src", "tgt", "rank", "induced")} | {"score": pc.add(table["score"], 0.0)}
    whole = [("rank", "min"), ("score", "max")]
    measured = whole
    if pc.any(table["induced"]).as_py():  # what a program found says nothing of an entry that a dictionary has
        for name in ("rank", "score"):
            columns[f"own_{name}"] = pc.if_else(table["induced"], None, columns[name])
        measured = [*whole, *((f"own_{name}", how) for name, how in whole)]
    rows = pa.table(columns | {name: column.indices for name, column in coded.items()})
    grouped = rows.group_by(["src", "tgt", "src_lang", "tgt_lang"], use_threads=False).aggregate(
        [*measured, ("induced", "all"), ("source", "distinct")]
    )
    del rows, columns, table
    sources = _join_sources(one_array(grouped["source_distinct"]), coded["source"].dictionary.to_pylist())
    langs = {name: coded[name].dictionary.take(one_array(grouped[name])) for name in ("src_lang", "tgt_lang")}
    unique = {"src": grouped["src"], "tgt": grouped["tgt"], "source": sources} | langs
    for name, how in whole:
        found = grouped[f"{name}_{how}"]
        if measured is not whole:
            found = pc.if_else(grouped["induced_all"], found, grouped[f"own_{name}_{how}"])
        unique[name] = found
    unique["induced"] = grouped["induced_all"]
    return pa.table(unique, schema=entry_schema())


def _join_sources(codes: pa.ListArray, names: list[str]) -> pa.Array:
    """The sources of each entry: `codes` are lists of positions in `names`, which can be several sources themselves."""
    several = pc.greater(pc.list_value_length(codes), 1)
    canonical = [JOINT.join(sorted(set(name.split(JOINT)))) for name in names]
    if not len(codes):
        return pa.array([], pa.string())
    joined = pa.array(canonical, pa.string()).take(pc.list_element(codes, 0))
    if not pc.any(several).as_py():
        return joined

    @functools.cache
    def join(chosen: frozenset[int]) -> str:
        return JOINT.join(sorted({one for code in chosen for one in names[code].split(JOINT)}))

    together = [join(frozenset(chosen)) for chosen in codes.filter(several).to_pylist()]
    return pc.replace_with_mask(joined, several, pa.array(together, pa.string()))


def sort_entries(table: pa.Table) -> pa.Table:
    """The rows in the schema's order.

    What a program found comes after what a dictionary has, whatever its score. Scores of several files are of different
    kinds, so that the first of each file come first; of two of one rank, the one that somebody wrote down without any.
    """
    scored = pc.is_valid(table["score"])
    keyed = table.append_column("key", keys_of(table)).append_column("scored", scored)
    order = pc.sort_indices(
        keyed,
        sort_keys=[
            ("src_lang", "ascending"),
            ("tgt_lang", "ascending"),
            ("key", "ascending"),
            ("induced", "ascending"),
            ("rank", "ascending"),
            ("scored", "ascending"),
            ("score", "descending"),
            ("tgt", "ascending"),
            ("src", "ascending"),
        ],
    )
    return table.take(order).combine_chunks()


def invert_entries(table: pa.Table) -> pa.Table:
    """The dictionary the other way round, in canonical order; ranks, scores and sources stay."""
    sides = ["tgt", "src", "tgt_lang", "src_lang"]
    names = entry_schema().names
    return sort_entries(table.select([*sides, *names[len(sides) :]]).rename_columns(names))


def word_runs(table: pa.Table, keys: pa.Array) -> np.ndarray:
    """int64[entries]: number of the source word of each entry, from 0: a run of rows of one key and language pair."""
    rows = table.num_rows
    fresh = np.zeros(rows, dtype=bool)
    for column in (keys, one_array(table["src_lang"]), one_array(table["tgt_lang"])):
        if rows > 1:
            fresh[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return np.cumsum(fresh)


def candidate_ranks(runs: np.ndarray, sources: pa.Array, targets: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each entry's translation among those of its word (int64[entries], from 0), and bool[entries]: the first.

    Entries are in canonical order, runs from `word_runs`. `The -> der` and `the -> der` are one candidate of one word.
    """
    is_first = np.ones(len(runs), dtype=bool)
    if not len(runs):
        return np.zeros(0, dtype=np.int64), is_first
    # A translation can only come twice where a word is spelled in two ways: those few rows are compared.
    same_run = runs[1:] == runs[:-1]
    respelled = same_run & pc.not_equal(sources[1:], sources[:-1]).to_numpy(zero_copy_only=False)
    mixed = np.zeros(int(runs[-1]) + 1, dtype=bool)
    mixed[runs[1:][respelled]] = True
    rows = np.flatnonzero(mixed[runs])
    codes = pc.dictionary_encode(targets.take(pa.array(rows))).indices.to_numpy().astype(np.int64)
    _, first, inverse = np.unique(runs[rows] * (len(rows) + 1) + codes, return_index=True, return_inverse=True)
    is_first[rows] = False
    is_first[rows[first]] = True
    before = np.cumsum(is_first) - 1
    begins = np.flatnonzero(np.concatenate([[True], ~same_run]))
    rank = before - before[begins][runs]
    rank[rows] = rank[rows[first]][inverse]
    return rank, is_first


def limit_entries(
    table: pa.Table,
    *,
    max_candidates: int | None = None,
    min_score: float | None = None,
    single_word_targets: bool = False,
) -> pa.Table:
    """A canonical table without some entries; what is left is canonical too.

    max_candidates: the best translations of each word alone; min_score: of entries with a score, those below it go;
    single_word_targets: translations of several words go.
    """
    if single_word_targets:
        table = table.filter(pc.invert(is_multiword(table["tgt"])))
    if min_score is not None:
        table = table.filter(pc.fill_null(pc.greater_equal(table["score"], min_score), True))
    if max_candidates is not None:
        rank, _ = candidate_ranks(word_runs(table, keys_of(table)), one_array(table["src"]), one_array(table["tgt"]))
        table = table.filter(pa.array(rank < max_candidates))
    return table.combine_chunks()


def one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
