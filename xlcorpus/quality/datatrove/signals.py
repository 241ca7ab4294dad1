"""The columns `dt_...`: the signals that FineWeb-2's thresholds compare, counted as datatrove 0.10.1 counts them.

Beside our own `q_...`, not in their place: these depend on the language, since the words do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, put_columns, require_column, text_column
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.tally import count_values
from xlcorpus.quality.datatrove.breakers import ESTIMATE, breaker, choose
from xlcorpus.quality.datatrove.characters import word_making
from xlcorpus.quality.datatrove.lines import line_counts
from xlcorpus.quality.datatrove.ngrams import ngram_counts
from xlcorpus.quality.datatrove.words import Words, laid_end_to_end, words_of
from xlcorpus.quality.signals import ratio, score_batch
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.ragged import sum_segments
from xlcorpus.text.slices import pieces

PREFIX, OURS = "dt_", "q_"
BREAKER = "dt_word_breaker"


def datatrove_fields() -> list[pa.Field]:
    """Arrow fields of the signals, in order, as `schemas/datatrove-1.yaml` has them."""
    return load_schema("datatrove").columns_of("score")


def score_as_datatrove(batch: pa.RecordBatch) -> Result:
    """The batch with our signals and those of schema datatrove-1; such columns already there are replaced.

    Needs `text` and `lang`. Where no breaker for a language is on this machine, the signals of words are our own
    (`dt_word_breaker` is `estimate`). Counts documents by breaker, and by language those of other breakers than
    datatrove's. Raises UserError where a column is missing, or spaCy is.
    """
    batch = score_batch(batch)
    require_column(batch.schema, "lang", "what is scored as datatrove does it")
    names, numbers, counts = choose_breakers(column_or_null(batch, "lang", pa.string()).cast(pa.string()))
    fields = datatrove_fields()[1:]
    values = {field.name: np.zeros(len(batch), dtype=np.float64) for field in fields}
    for rows, piece, words in words_in_pieces(text_column(batch), names, numbers):
        for name, found in _signals(piece, words).items():
            values[name][rows] = found
    _estimate(batch, values, np.flatnonzero(numbers == (names.index(ESTIMATE) if ESTIMATE in names else -1)))
    columns = {BREAKER: pa.array(names, pa.string()).take(pa.array(numbers))}
    columns |= {field.name: pa.array(values[field.name]).cast(field.type) for field in fields}
    return Result(put_columns(batch, columns), counts=counts)


def choose_breakers(lang: pa.Array) -> tuple[list[str], np.ndarray, Counts]:
    """Names of the breakers for a column of labels, int64[rows] the number of each row's, and counts of them."""
    labels = pc.fill_null(lang, "").dictionary_encode()
    choices = [choose(label) for label in labels.dictionary.to_pylist()]
    names = sorted({choice.breaker for choice in choices})
    by_breaker: dict[str, int] = {}
    others: dict[str, dict[str, int]] = {}
    for label, rows in sorted(count_values(lang).items()):
        choice = choose(label)
        by_breaker[choice.breaker] = by_breaker.get(choice.breaker, 0) + rows
        if choice.why:
            others.setdefault(f"{choice.breaker}, {choice.why}", {})[label or "no language"] = rows
    number = np.array([names.index(choice.breaker) for choice in choices], dtype=np.int64)
    numbers = number.take(labels.indices.to_numpy(zero_copy_only=False))
    return names, numbers, {"word_breakers": by_breaker} | ({"other_breakers": others} if others else {})


def words_in_pieces(
    texts: pa.Array, names: Sequence[str], numbers: np.ndarray
) -> Iterator[tuple[np.ndarray, pa.Array, Words]]:
    """Rows (int64), texts and words, in pieces that fit a core's cache; no words in texts whose breaker is ESTIMATE."""
    order = np.argsort(numbers, kind="stable")
    for start, piece in pieces(texts.take(pa.array(order))):
        rows = order[start : start + len(piece)]
        cuts = [0, *(np.flatnonzero(np.diff(numbers[rows])) + 1).tolist(), len(rows)]
        parts = []
        for first, last in pairwise(cuts):
            name, part = names[numbers[rows[first]]], piece.slice(first, last - first)
            parts.append(words_of([[]] * len(part)) if name == ESTIMATE else breaker(name).words(part))
        yield rows, piece, laid_end_to_end(parts)


def _signals(texts: pa.Array, words: Words) -> dict[str, np.ndarray]:
    """All columns but the breaker, number[rows] each."""
    points = code_points(texts)
    counts = line_counts(points)
    n_chars, n_words, n_lines = points.lengths, words.per_text, counts["lines"]
    makes = words.any_of(word_making())
    counted = sum_segments(makes, words.texts)
    signals = {
        "n_words": counted,
        "n_tokens": n_words,
        "mean_word_length": ratio(sum_segments(np.where(makes, words.lengths, 0), words.texts), counted),
        "symbol_word_ratio": ratio(np.maximum(counts["hashes"], counts["ellipses"]), n_words),
        "alpha_word_ratio": ratio(sum_segments(words.any_of(properties.letters()), words.texts), n_words),
        "bullet_line_ratio": ratio(counts["bullet_lines"], counts["all_lines"]),
        "ellipsis_line_ratio": ratio(counts["ellipsis_lines"], counts["all_lines"]),
        "line_punct_ratio": ratio(counts["punct_lines"], n_lines),
        "short_line_ratio": ratio(counts["short_lines"], n_lines),
        "newline_word_ratio": ratio(counts["feeds"], n_words),
        "char_dup_ratio": ratio(counts["char_dups"], n_chars - counts["feeds"]),
        "dup_line_ratio": ratio(counts["dup_lines"], counts["feed_lines"]),
        "dup_line_char_ratio": ratio(counts["dup_line_chars"], n_chars),
        "dup_para_ratio": ratio(counts["dup_paragraphs"], counts["paragraphs"]),
        "dup_para_char_ratio": ratio(counts["dup_paragraph_chars"], n_chars),
    }
    signals |= {f"{name}_char_ratio": ratio(count, n_chars) for name, count in ngram_counts(words).items()}
    return {PREFIX + name: found for name, found in signals.items()}


def _estimate(batch: pa.RecordBatch, values: dict[str, np.ndarray], rows: np.ndarray) -> None:
    """Put our own signals of words, and of repeated n-grams, in the place of those that cannot be counted."""
    if not len(rows):
        return
    for name in values:
        own = "q_n_words" if name == "dt_n_tokens" else f"{OURS}{name.removeprefix(PREFIX)}"
        if "word" in name or "gram" in name or name == "dt_n_tokens":
            values[name][rows] = batch.column(own).take(pa.array(rows)).to_numpy()
