"""The language of each sentence of a text; how far they agree with one another, and with that of the text.

Li et al. (MixCPT, COLM 2025) drop a document whose sentences get more than one label. Short sentences are often
misjudged, so only those count that are long enough and of which the model is sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import put_columns, text_column
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.labels import NO_LANGUAGE, UNKNOWN_LANGUAGE, language_of, script_seen
from xlcorpus.text.ragged import offsets_of, sum_segments
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
    """Which sentences count: of at least so many characters, and of which the model is at least so sure."""

    chars: int
    score: float


@dataclass(frozen=True)
class _Judged:
    """Sentences: starts and ends within their texts, rows of these, int64[n]; lang string, score float32 or null."""

    starts: np.ndarray
    ends: np.ndarray
    rows: np.ndarray
    lang: pa.Array
    score: pa.Array


def with_sentences(
    batch: pa.RecordBatch, model: LanguageModel, counted: Counted, breaker: SentenceBreaker | None = None
) -> pa.RecordBatch:
    """Identified documents with lang_sentences, lang_sentence_labels and lang_sentence_share.

    lang_sentences: list of start and end (int32, code points of the text), lang and score as `identify_batch` gives
    them for the sentence as a text; null of a sentence shorter than `counted.chars`. lang_sentence_labels: int32,
    languages of the sentences that count (Hans and Hant are one). lang_sentence_share: float32, share of the characters
    of these that are in the document's `lang`; null where none counts or `lang` is null. breaker: see `sentences`.
    """
    parts = list(_judged(text_column(batch), model, counted.chars, breaker))
    starts, ends, rows = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("starts", "ends", "rows")
    )
    lang, score = (pa.concat_arrays([getattr(part, name) for part in parts]) for name in ("lang", "score"))
    offsets = offsets_of(np.bincount(rows, minlength=batch.num_rows))
    values = [pa.array(starts.astype(np.int32)), pa.array(ends.astype(np.int32)), lang, score]
    items = pa.StructArray.from_arrays(values, fields=_FIELDS)
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), items)
    labels, share = _agreement(batch.column("lang"), rows, ends - starts, lang, score, counted)
    columns = {
        SENTENCES: lists.cast(pa.list_(pa.field("element", items.type))),
        LABELS: pa.array(labels),
        SHARE: pa.array(share, from_pandas=True),
    }
    return put_columns(batch, columns)


def _judged(texts: pa.Array, model: LanguageModel, chars: int, breaker: SentenceBreaker | None) -> Iterator[_Judged]:
    for first, piece in (*pieces(texts), (0, texts.slice(0, 0))):
        points = code_points(piece)
        spans = sentences(points, breaker)
        before = points.offsets[spans.rows]
        asked = spans.lengths >= chars
        places = np.full(len(spans), -1, dtype=np.int64)
        places[asked] = np.arange(asked.sum())
        taken = pa.array(places, mask=~asked)
        judged = identify_batch(
            pa.record_batch({"text": span_texts(piece, points, spans).filter(pa.array(asked))}), model
        )
        lang, score = (judged.column(name).take(taken) for name in ("lang", "lang_score"))
        yield _Judged(spans.starts - before, spans.ends - before, spans.rows + first, lang, score)


def _agreement(
    own: pa.Array, rows: np.ndarray, sizes: np.ndarray, lang: pa.Array, score: pa.Array, counted: Counted
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (int32) and share (float32) of each document; NaN for null."""
    encoded = pa.concat_arrays([own.cast(pa.string()), lang]).fill_null("").dictionary_encode()
    names, number_of = np.unique([script_seen(label) for label in encoded.dictionary.to_pylist()], return_inverse=True)
    numbers = number_of.reshape(-1)[encoded.indices.to_numpy()] if len(names) else np.zeros(0, dtype=np.int64)
    of_own, of_sentence = numbers[: len(own)], numbers[len(own) :]
    says = np.array([language_of(name) not in _NO_LANGUAGES for name in names.tolist()], dtype=bool)
    counts = says[of_sentence] & (np.asarray(score.fill_null(-1.0)) >= np.float32(counted.score))
    found = np.unique(rows[counts] * len(names) + of_sentence[counts]) // max(1, len(names))
    offsets = offsets_of(np.bincount(rows, minlength=len(own)))
    weights = np.where(counts, sizes, 0)
    total, agreed = (sum_segments(part, offsets) for part in (weights, weights * (of_own[rows] == of_sentence)))
    share = np.where((total == 0) | np.asarray(own.is_null()), np.nan, agreed / np.maximum(total, 1))
    return np.bincount(found, minlength=len(own)).astype(np.int32), share.astype(np.float32)
