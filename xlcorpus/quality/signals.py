"""Quality signals of documents: flat columns `q_...`, a pure function of the text, whatever its language."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import append_columns, text_column
from xlcorpus.dataset.schema import load_schema
from xlcorpus.quality.character_classes import character_counts, classes_of
from xlcorpus.quality.lines import find_lines, line_counts
from xlcorpus.quality.links import link_counts
from xlcorpus.quality.ngrams import ngram_coverage
from xlcorpus.quality.phrases import phrase_counts
from xlcorpus.quality.weighed_tokens import WeighedTokens, shown_tokens, weigh_tokens
from xlcorpus.text.codepoints import code_points, string_buffers
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.slices import pieces


def signal_fields() -> list[pa.Field]:
    """Arrow fields of the signals, in order, as `schemas/quality-1.yaml` has them."""
    return load_schema("quality").columns_of("score")


def score_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the columns of schema quality-1 at its end; such columns already there are replaced.

    Needs `text` (string or large_string; null counts as empty). Counts int32 or int64, ratios float32, always finite.
    Raises UserError where there is no text column.
    """
    texts = text_column(batch)
    fields = signal_fields()
    ours = {field.name for field in fields}
    parts = [_score(piece) for _, piece in pieces(texts)]
    columns = [
        pa.array(np.concatenate([part[field.name] for part in parts]) if parts else []).cast(field.type)
        for field in fields
    ]
    kept = batch.select([name for name in batch.schema.names if name not in ours])
    return append_columns(kept, pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """float64[rows]: part / whole, 0 where the whole is 0."""
    ratios = np.zeros(len(part), dtype=np.float64)
    np.divide(part, whole, out=ratios, where=whole > 0)
    return ratios


def _score(texts: pa.Array) -> dict[str, np.ndarray]:
    """All signals of one piece, by column name."""
    signals, words = _surface(texts)  # its arrays of characters are gone before the n-grams need theirs
    for name, covered in ngram_coverage(words).items():
        signals[f"q_{name}_char_ratio"] = ratio(covered, signals["q_n_chars"])
    return signals


def _surface(texts: pa.Array) -> tuple[dict[str, np.ndarray], WeighedTokens]:
    """All signals but those of n-grams, and the words that n-grams are made of."""
    points = code_points(texts)
    flags = classes_of(points)
    spans = shown_tokens(points, flags)
    hasher = SpanHasher.of_codes(points.codes)
    lines = find_lines(points)
    words = weigh_tokens(points, spans, flags, hasher)
    counts = line_counts(lines, flags, hasher)
    del hasher  # 8 bytes a character
    counts |= link_counts(points, flags, lines)
    counts |= phrase_counts(texts, lines)
    counts |= character_counts(points, flags)
    n_chars, n_lines, n_words = points.lengths, counts["lines"], words.per_text
    # A text of fewer than one word (a Thai letter is 0.2) must not have ratios beyond its counts.
    some_words = np.maximum(n_words, 1)
    _, byte_offsets = string_buffers(texts)
    signals = {
        "q_n_bytes": np.diff(byte_offsets),
        "q_n_chars": n_chars,
        "q_n_words": np.rint(n_words),
        "q_n_lines": n_lines,
        "q_n_sentences": counts["sentences"],
        "q_url_char_ratio": ratio(counts["url_chars"], n_chars),
        "q_link_line_ratio": ratio(counts["link_lines"], n_lines),
        "q_mean_word_length": ratio(words.characters_per_text, n_words),
        "q_symbol_word_ratio": ratio(np.maximum(counts["hashes"], counts["ellipses"]), some_words),
        "q_alpha_word_ratio": ratio(words.lettered_per_text, n_words + counts["symbol_runs"]),
        "q_digit_ratio": ratio(counts["digits"], n_chars),
        "q_control_char_ratio": ratio(counts["controls"], n_chars),
        "q_bullet_line_ratio": ratio(counts["bullet_lines"], n_lines),
        "q_ellipsis_line_ratio": ratio(counts["ellipsis_lines"], n_lines),
        "q_line_punct_ratio": ratio(counts["punct_lines"], n_lines),
        "q_short_line_ratio": ratio(counts["short_lines"], n_lines),
        "q_newline_word_ratio": ratio(counts["feeds"], some_words),
        "q_char_dup_ratio": ratio(counts["dup_line_chars"], n_chars - counts["feeds"]),
        "q_dup_line_ratio": ratio(counts["dup_lines"], n_lines),
        "q_dup_line_char_ratio": ratio(counts["dup_line_chars"], n_chars),
        "q_dup_para_ratio": ratio(counts["dup_paragraphs"], counts["paragraphs"]),
        "q_dup_para_char_ratio": ratio(counts["dup_paragraph_chars"], n_chars),
        "q_curly_brackets": counts["curly_brackets"],
        "q_lorem_ipsum": counts["lorem_ipsum"],
        "q_javascript_line_ratio": ratio(counts["javascript_lines"], n_lines),
        "q_policy_line_ratio": ratio(counts["policy_lines"], n_lines),
    }
    return signals, words
