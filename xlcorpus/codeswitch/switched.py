"""The columns of switched rows, and the decisions for those without a switch: the same for every operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.codeswitch.assemble import Replacements, replace
from xlcorpus.codeswitch.partners import Served
from xlcorpus.dataset.columns import put_columns, text_or_empty
from xlcorpus.dataset.decisions import DECISION, decide, empty
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.errors import UserError
from xlcorpus.text.ragged import rows_of

STEP = "codeswitch"
NO_DICTIONARY, NO_WORDS, NO_SWITCH = 0, 1, 2
REASONS = ("no_dictionary", "no_words", "no_switch")
FIGURES = ("texts", "switched", "words", "known", "replaced")  # counts by language of the text
INTO = "into"  # counts of replacements by their language
STAYED = "stayed"  # counts of texts without a switch, by reason


@dataclass(frozen=True)
class WordCounts:
    """Of each row: its words, those with an entry, and those replaced, all int64[rows]."""

    words: np.ndarray
    known: np.ndarray
    replaced: np.ndarray


def switched_rows(
    batch: pa.RecordBatch,
    served: np.ndarray,
    texts: pa.Array,
    made: Replacements,
    counts: WordCounts,
    reasons: np.ndarray,
    *,
    operator: str,
    seed: int,
    keep_text: bool,
    names: Sequence[str] = REASONS,
) -> Result:
    """Rows with the columns cs_..., decisions for the others, and counts: `FIGURES` and `INTO` by language, `STAYED`.

    batch: all rows, with the column lang; served: int64[served], the rows that have a dictionary, which texts (the
    originals), made and counts are of; reasons: int64[rows], positions in `names` for the rows without a switch. The
    column text goes: it is cs_target. Raises UserError where the rows are switched already.
    """
    total = np.maximum(counts.words, 1)
    switched, spans = replace(texts, made)
    columns = {
        "cs_source": switched,
        "cs_target": texts,
        "cs_spans": spans,
        "cs_ratio": pa.array((counts.replaced / total).astype(np.float32)),
        "cs_coverage": pa.array((counts.known / total).astype(np.float32)),
        "cs_words": pa.array(counts.words.astype(np.int32)),
        "cs_langs": _languages(made),
    }
    kept = batch.select([name for name in batch.schema.names if name != "text"])
    has = counts.replaced > 0
    all_kept = bool(has.all()) and len(served) == len(batch)
    if not all_kept:
        kept, rows = kept.take(pa.array(served[has])), pa.array(np.flatnonzero(has))
        columns = {name: column.take(rows) for name, column in columns.items()}
    columns["cs_operator"] = pa.repeat(pa.scalar(operator, pa.string()), len(kept))
    columns["cs_seed"] = pa.repeat(pa.scalar(seed, pa.int64()), len(kept))
    taken = [name for name in columns if name in batch.schema.names]
    if taken:
        raise UserError(
            f"column {taken[0]!r} is there already: the dataset is code-switched",
            remedy="give the dataset from before; several partner languages go in one run, with --max-langs",
        )
    stays = np.zeros(len(batch), dtype=bool)
    stays[served[has]] = True
    left = pa.array(np.flatnonzero(~stays))
    reason = pa.array(names).take(pa.array(reasons[~stays]))
    decisions = empty(DECISION) if all_kept else decide(batch.take(left), STEP, reason, keep_text=keep_text)
    langs = text_or_empty(batch, "lang")
    langs = langs if len(served) == len(batch) else langs.take(pa.array(served))
    stayed = np.bincount(reasons[~stays], minlength=len(names)).tolist()
    counted = _counts(langs, counts, made.langs)
    counted[STAYED] = {name: count for name, count in zip(names, stayed, strict=True) if count}
    return Result(put_columns(kept, columns), decisions, counts=counted)


def switched_words(
    batch: pa.RecordBatch,
    served: Served,
    made: Replacements,
    counts: WordCounts,
    *,
    operator: str,
    seed: int,
    keep_text: bool,
) -> Result:
    """`switched_rows` of an operator with a dictionary, which not all rows have."""
    reasons = np.full(len(batch), NO_DICTIONARY)
    reasons[served.numbers] = np.where(counts.words == 0, NO_WORDS, NO_SWITCH)
    return switched_rows(
        batch, served.numbers, served.texts, made, counts, reasons, operator=operator, seed=seed, keep_text=keep_text
    )


def _counts(langs: pa.Array, counts: WordCounts, into: pa.DictionaryArray) -> Counts:
    """`FIGURES` by language of the text (string[rows]), and replacements by theirs."""
    encoded = langs.dictionary_encode()
    codes, labels = encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()
    columns = (np.ones(len(codes)), counts.replaced > 0, counts.words, counts.known, counts.replaced)
    sums = [np.bincount(codes, column, len(labels)).astype(np.int64).tolist() for column in columns]
    found: Counts = {
        figure: dict(zip(labels, values, strict=True)) for figure, values in zip(FIGURES, sums, strict=True)
    }
    found[INTO] = dict.fromkeys(into.dictionary.to_pylist(), 0)
    replaced = np.bincount(into.indices.to_numpy(zero_copy_only=False), minlength=len(into.dictionary))
    for label, value in zip(into.dictionary.to_pylist(), replaced.tolist(), strict=True):
        found[INTO][label] += value
    return found


def _languages(made: Replacements) -> pa.ListArray:
    """list<string>[rows]: the languages that words of each row were replaced by, sorted."""
    rows, labels = len(made.offsets) - 1, made.langs.dictionary.to_pylist()
    _, rank_of = np.unique(np.array(labels, dtype=object), return_inverse=True)
    names, width = pa.array(sorted(set(labels)), pa.string()), max(len(labels), 1)
    used = np.zeros(rows * width, dtype=bool)  # 0.1 MB for a batch and 25 languages; np.unique would sort all words
    used[rows_of(made.offsets) * width + rank_of[made.langs.indices.to_numpy(zero_copy_only=False)]] = True
    places = np.flatnonzero(used)
    offsets = np.searchsorted(places, np.arange(rows + 1) * width).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(places % width)))
