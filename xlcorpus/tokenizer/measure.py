"""How a tokenizer treats each language: fertility, coverage, unknowns, bytes per token, parity.

All figures are sums over the texts of a language, so they are the same whatever the batches.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, byte_lengths, code_points
from xlcorpus.text.hashes import hash_spans
from xlcorpus.text.ragged import sums_before
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import count_words, is_spaced, tokens
from xlcorpus.tokenizer.text_sample import languages_of
from xlcorpus.tokenizer.tokenizer import PARTIAL, UNKNOWN, Tokenizer

PARALLEL, BYTES = "parallel", "bytes"  # what a parity rests on
_SUMS = ("texts", "bytes", "characters", "words", "tokens", "unknown", "partial", "solid", "covered")
_WORD_BYTES = 1 << 20  # of each language, the first: whose words are looked at one by one
_WORD_TYPES = 20_000

SCHEMA = pa.schema(
    [
        pa.field("lang", pa.string(), nullable=False),
        pa.field("texts", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("fertility", pa.float64()),  # tokens a word; null where there are no words
        pa.field("tokens_per_character", pa.float64()),
        pa.field("bytes_per_token", pa.float64()),
        pa.field("unknown_share", pa.float64()),  # of the tokens
        pa.field("partial_share", pa.float64()),  # of the tokens: bytes that are no whole character
        pa.field("coverage", pa.float64()),  # share of the characters, without white space, that are pieces
        pa.field("whole_words", pa.float64()),  # share of the words that are one token; null where words have no spaces
        pa.field("parity", pa.float64()),
        pa.field("parity_basis", pa.string()),
    ]
)


def measure(
    tokenizer: Tokenizer,
    batches: Iterable[pa.RecordBatch],
    *,
    parallel: str | None = None,
    reference: str = "eng_Latn",
) -> pa.Table:
    """A row a language (SCHEMA), in the order of their names.

    batches: text, lang, and the column `parallel`, whose equal values are translations of one another. parity: tokens
    for what costs the reference language one token. With `parallel` it is counted over the texts that both languages
    have, and null where there are none; otherwise it is by UTF-8 bytes, which says how well the vocabulary serves a
    language, not what a translation would cost: a Thai letter is three bytes. Null without text in the reference.
    """
    state = _Measured(tokenizer, parallel)
    for batch in batches:
        state.add(batch)
    return state.table(reference)


class _Measured:
    """Sums by language over the batches seen so far."""

    def __init__(self, tokenizer: Tokenizer, parallel: str | None) -> None:
        self._tokenizer, self._parallel = tokenizer, parallel
        self._kinds, self._single = tokenizer.piece_kinds, tokenizer.single_characters()
        self._sums: dict[str, np.ndarray] = {}
        self._aligned: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._words: dict[str, _Words] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        texts, points = batch.column("text"), code_points(batch.column("text"))
        langs = languages_of(batch).dictionary_encode()
        names, codes = langs.dictionary.to_pylist(), langs.indices.to_numpy()
        ids, offsets = self._tokenizer.encode_batch(texts)
        kinds = CodePoints(self._kinds[ids], offsets)
        solid = ~properties.whitespace()[points.codes]
        words, sizes = tokens(points), byte_lengths(texts)
        amounts = count_words(points, words)
        columns = [
            np.ones(len(points), dtype=np.int64),
            sizes,
            points.lengths,
            amounts,
            kinds.lengths,
            kinds.sum_per_text(kinds.codes == UNKNOWN),
            kinds.sum_per_text(kinds.codes == PARTIAL),
            points.sum_per_text(solid),
            points.sum_per_text(solid & self._single[points.codes]),
        ]
        sums = np.stack([np.bincount(codes, weights=column, minlength=len(names)) for column in columns], axis=1)
        for number, name in enumerate(names):
            self._sums[name] = self._sums.get(name, np.zeros(len(_SUMS))) + sums[number]
            rows = np.flatnonzero(codes == number)
            self._words.setdefault(name, _Words()).add(points, words, rows, sizes, amounts)
            if self._parallel is not None:
                ours = pc.take(batch.column(self._parallel), pa.array(rows))
                known = ours.is_valid().to_numpy(zero_copy_only=False)
                found = _hashes(ours.drop_null()), kinds.lengths[rows[known]]
                self._aligned.setdefault(name, []).append(found)

    def table(self, reference: str) -> pa.Table:
        by_parallel = self._parities(reference) if self._parallel is not None else {}
        base = self._sums.get(reference)
        rows = []
        for name in sorted(self._sums):
            value = dict(zip(_SUMS, self._sums[name].tolist(), strict=True))
            parity, basis = by_parallel.get(name), PARALLEL
            if self._parallel is None and base is not None:
                parity, basis = _ratio(value["tokens"] * base[1], value["bytes"] * base[4]), BYTES
            rows.append(
                {
                    "lang": name,
                    "texts": int(value["texts"]),
                    "bytes": int(value["bytes"]),
                    "tokens": int(value["tokens"]),
                    "fertility": _ratio(value["tokens"], value["words"]),
                    "tokens_per_character": _ratio(value["tokens"], value["characters"]),
                    "bytes_per_token": _ratio(value["bytes"], value["tokens"]),
                    "unknown_share": _ratio(value["unknown"], value["tokens"]),
                    "partial_share": _ratio(value["partial"], value["tokens"]),
                    "coverage": _ratio(value["covered"], value["solid"]),
                    "whole_words": self._words[name].share(self._tokenizer),
                    "parity": parity,
                    "parity_basis": None if parity is None else basis,
                }
            )
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _parities(self, reference: str) -> dict[str, float | None]:
        sums = {}
        for name, parts in self._aligned.items():
            keys = np.concatenate([part[0] for part in parts])
            counts = np.concatenate([part[1] for part in parts])
            ids, inverse = np.unique(keys, return_inverse=True)
            sums[name] = ids, np.bincount(inverse, weights=counts, minlength=len(ids))
        if reference not in sums:
            return {}
        parities = {}
        for name, (ids, counts) in sums.items():
            _, ours, theirs = np.intersect1d(ids, sums[reference][0], assume_unique=True, return_indices=True)
            parities[name] = _ratio(float(counts[ours].sum()), float(sums[reference][1][theirs].sum()))
        return parities


class _Words:
    """Distinct words of the first megabyte of a language, with how often each stands there."""

    def __init__(self) -> None:
        self._bytes, self._spaced, self._all = 0, 0, 0.0
        self._counts: dict[int, int] = {}
        self._texts: dict[int, str] = {}

    def add(self, points: CodePoints, words: Spans, rows: np.ndarray, sizes: np.ndarray, amounts: np.ndarray) -> None:
        """rows: int64[n], the language's texts in the batch, ascending; amounts: float64, words of each text."""
        before = self._bytes + sums_before(sizes[rows])[:-1]
        rows = rows[before < _WORD_BYTES]
        self._bytes += int(sizes[rows].sum())
        if not len(rows):
            return
        mine = np.zeros(len(points), dtype=bool)
        mine[rows] = True
        spaced = is_spaced(points, words) & mine[words.rows]
        starts, ends = words.starts[spaced], words.ends[spaced]
        self._spaced, self._all = self._spaced + len(starts), self._all + float(amounts[rows].sum())
        hashes, first, counts = np.unique(hash_spans(points.codes, starts, ends), return_index=True, return_counts=True)
        for value, at, count in zip(hashes.tolist(), first.tolist(), counts.tolist(), strict=True):
            if value not in self._counts:
                self._texts[value] = points.codes[starts[at] : ends[at]].tobytes().decode("utf-32-le")
            self._counts[value] = self._counts.get(value, 0) + count

    def share(self, tokenizer: Tokenizer) -> float | None:
        """Share of the running words that are one token after a space: of the 20,000 most frequent words.

        None where most words are of a script without spaces: what is left there is foreign names.
        """
        if 2 * self._spaced < self._all:
            return None
        best = sorted(self._counts, key=lambda value: (-self._counts[value], self._texts[value]))[:_WORD_TYPES]
        if not best:
            return None
        # Behind a comma, a word has the space before it that it has in text, whatever the tokenizer puts first.
        pieces = tokenizer.count_batch(pa.array([f", {self._texts[value]}" for value in best], pa.string()))
        comma = int(tokenizer.count_batch(pa.array([","], pa.string()))[0])
        counts = np.array([self._counts[value] for value in best])
        return float(counts[pieces == comma + 1].sum() / counts.sum())


def _hashes(values: pa.Array) -> np.ndarray:
    kind = values.type
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = pa.array([value.hex() for value in values.to_pylist()], pa.string())  # doc_id
    elif pa.types.is_nested(kind):
        values = pa.array([ascii(value) for value in values.to_pylist()], pa.string())
    points = code_points(values.cast(pa.string()))
    return hash_spans(points.codes, points.offsets[:-1], points.offsets[1:])


def _ratio(value: float, by: float) -> float | None:
    return value / by if by else None
