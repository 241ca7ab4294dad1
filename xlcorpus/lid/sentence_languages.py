"""The language of each sentence of a text; how far they agree with one another, and with that of the text.

Li et al. (MixCPT, COLM 2025) drop a document whose sentences get more than one label. Short sentences are often
misjudged, so only those count that have enough letters and of which the model is sure, and a close language is the
document's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns, text_column
from xlcorpus.lid.close import Close
from xlcorpus.lid.folding import fold
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.labels import NO_LANGUAGE, UNKNOWN_LANGUAGE, language_of, script_seen
from xlcorpus.text.normalize import plain_letters
from xlcorpus.text.ragged import offsets_of, rows_of, sum_segments
from xlcorpus.text.sentence_breakers import SentenceBreaker
from xlcorpus.text.sentences import sentences
from xlcorpus.text.slices import pieces, span_texts

_NO_LANGUAGES = ("", UNKNOWN_LANGUAGE, language_of(NO_LANGUAGE))
SENTENCES, LABELS, SHARE = "lang_sentences", "lang_sentence_labels", "lang_sentence_share"
_FIELDS = [
    pa.field("start", pa.int32()),
    pa.field("end", pa.int32()),
    pa.field("lang", pa.string()),
    pa.field("score", pa.float32()),
]


@dataclass(frozen=True)
class Counted:
    """Which sentences count: of at least so many letters, as the model sees them, and of which it is at least so sure;
    and which languages count as one."""

    letters: int
    score: float
    close: Close = field(default_factory=Close)


def with_sentences(
    batch: pa.RecordBatch, model: LanguageModel, counted: Counted, breaker: SentenceBreaker | None = None
) -> pa.RecordBatch:
    """Identified documents with lang_sentences, lang_sentence_labels and lang_sentence_share.

    lang_sentences: list of start and end (int32, code points of the text), lang and score as `identify_batch` gives
    them for the sentence as a text; null of a sentence of fewer than `counted.letters`. lang_sentence_labels: int32,
    languages of the sentences that count (Hans and Hant are one, and what is close to the document's `lang` is that).
    lang_sentence_share: float32, share of the characters of these that are in `lang`; null where none counts or `lang`
    is null. breaker: see `sentences`.
    """
    parts = list(_judged(text_column(batch), model, counted.letters, breaker))
    rows, *fields = (pa.concat_arrays(columns) for columns in zip(*parts, strict=True))
    items = pa.StructArray.from_arrays(fields, fields=_FIELDS)
    sizes = np.bincount(rows.to_numpy(), minlength=batch.num_rows)
    found = pa.ListArray.from_arrays(pa.array(offsets_of(sizes).astype(np.int32)), items)
    found = found.cast(pa.list_(pa.field("element", items.type)))
    labels, share = agreement(batch.column("lang"), found, counted)
    return put_columns(batch, {SENTENCES: found, LABELS: labels, SHARE: share})


def _judged(
    texts: pa.Array, model: LanguageModel, letters: int, breaker: SentenceBreaker | None
) -> Iterator[tuple[pa.Array, ...]]:
    """The text of each sentence (int64), and what stands in `_FIELDS`."""
    for first, piece in (*pieces(texts), (0, texts.slice(0, 0))):
        points = code_points(piece)
        spans = sentences(points, breaker)
        asked = spans.lengths >= letters
        asked[asked] = letters_seen(span_texts(piece, points, spans).filter(pa.array(asked))) >= letters
        long = span_texts(piece, points, spans).filter(pa.array(asked))
        judged = identify_batch(pa.record_batch({"text": long}), model)
        taken = pa.array(np.cumsum(asked) - 1, mask=~asked)
        edges = (edge - points.offsets[spans.rows] for edge in (spans.starts, spans.ends))
        yield (
            pa.array(spans.rows + first),
            *(pa.array(edge.astype(np.int32)) for edge in edges),
            *(judged.column(name).take(taken) for name in ("lang", "lang_score")),
        )


def letters_seen(texts: pa.Array) -> np.ndarray:
    """int64[n]: letters and marks of texts, without those of code, markup and addresses."""
    # Of a text that is an address alone `fold` keeps that; with a letter before it, it is not alone.
    words = fold(plain_letters(pc.binary_join_element_wise("x", texts.cast(pa.string()), " ")))
    return np.asarray(pc.utf8_length(pc.replace_substring(words, " ", ""))).astype(np.int64) - 1


def agreement(own: pa.Array, found: pa.ListArray, counted: Counted) -> tuple[pa.Array, pa.Array]:
    """lang_sentence_labels and lang_sentence_share of documents in the languages `own` with lang_sentences `found`."""
    starts, ends, lang, score = found.flatten().flatten()
    offsets = found.offsets.to_numpy().astype(np.int64) - found.offsets[0].as_py()
    rows, sizes = rows_of(offsets), ends.to_numpy() - starts.to_numpy()
    encoded = pa.concat_arrays([own.cast(pa.string()), lang]).fill_null("").dictionary_encode()
    names, number_of = np.unique([script_seen(label) for label in encoded.dictionary.to_pylist()], return_inverse=True)
    numbers = number_of.reshape(-1)[encoded.indices.to_numpy()] if len(names) else np.zeros(0, dtype=np.int64)
    of_own, of_sentence = numbers[: len(own)][rows], numbers[len(own) :]
    says = np.array([language_of(name) not in _NO_LANGUAGES for name in names.tolist()], dtype=bool)
    counts = says[of_sentence] & (np.asarray(score.fill_null(-1.0)) >= np.float32(counted.score))
    pairs, pair_of = np.unique(of_own * len(names) + of_sentence, return_inverse=True)
    same = [counted.close.same(*names[list(divmod(pair, len(names)))].tolist()) for pair in pairs.tolist()]
    agrees = np.array(same, dtype=bool)[pair_of.reshape(-1)]
    said = np.where(agrees, of_own, of_sentence)
    different = np.unique(rows[counts] * len(names) + said[counts]) // max(1, len(names))
    labels = np.bincount(different, minlength=len(own)).astype(np.int32)
    weights = np.where(counts, sizes, 0)
    total, agreed = (sum_segments(part, offsets) for part in (weights, weights * agrees))
    none = (total == 0) | np.asarray(own.is_null())
    return pa.array(labels), pa.array((agreed / np.maximum(total, 1)).astype(np.float32), mask=none)
