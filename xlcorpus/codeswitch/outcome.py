"""The columns of switched documents, and the decisions for those without a switch: the same for every operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from xlcorpus.codeswitch.summary import count_by_language, count_partners
from xlcorpus.dataset.decisions import DECISION, decide, empty
from xlcorpus.errors import UserError

STEP = "codeswitch"
NO_DICTIONARY, NO_WORDS, NO_SWITCH = 0, 1, 2
REASONS = ("no_dictionary", "no_words", "no_switch")
COLUMNS = (
    "cs_source",
    "cs_target",
    "cs_spans",
    "cs_ratio",
    "cs_coverage",
    "cs_words",
    "cs_langs",
    "cs_operator",
    "cs_seed",
)


class Switched(NamedTuple):
    """A batch after an operator: switched rows, decisions for those without a switch, counts for the manifest."""

    documents: pa.RecordBatch
    decisions: pa.RecordBatch
    counts: dict[str, int]


@dataclass(frozen=True)
class Counts:
    """Of the rows that have a dictionary: words, known (those with an entry) and replaced words, all int64[rows]; the
    language of each replacement: pair int64[k], offsets int64[rows + 1] and labels string[pairs]."""

    words: np.ndarray
    known: np.ndarray
    replaced: np.ndarray
    pair: np.ndarray
    offsets: np.ndarray
    labels: pa.StringArray


def finish(
    batch: pa.RecordBatch,
    served: np.ndarray,
    texts: pa.Array,
    switched: pa.Array,
    spans: pa.Array,
    counts: Counts,
    reasons: np.ndarray,
    seed: int,
    operator: str,
    *,
    keep_text: bool,
    names: Sequence[str] = REASONS,
) -> Switched:
    """Rows with the columns `COLUMNS`, and decisions.

    batch: all rows, with the column lang; served: int64[served], the rows that have a dictionary, which texts (the
    originals), switched, spans and counts are of; reasons: int64[rows], positions in `names` for the rows without a
    switch. The column text goes: it is cs_target.
    """
    taken = [name for name in COLUMNS if name in batch.schema.names]
    if taken:
        raise UserError(
            f"column {taken[0]!r} is there already: the dataset is code-switched",
            remedy="give the dataset from before; several partner languages go in one run, with --max-langs",
        )
    has = counts.replaced > 0
    all_kept = bool(has.all()) and len(served) == len(batch)
    rows = pa.array(np.flatnonzero(has))
    kept = batch.select([name for name in batch.schema.names if name != "text"])
    kept = kept if all_kept else kept.take(pa.array(served[has]))
    total = np.maximum(counts.words, 1)
    number = int(has.sum())
    columns = {
        "cs_source": switched,
        "cs_target": texts,
        "cs_spans": spans,
        "cs_ratio": pa.array((counts.replaced / total).astype(np.float32)),
        "cs_coverage": pa.array((counts.known / total).astype(np.float32)),
        "cs_words": pa.array(counts.words.astype(np.int32)),
        "cs_langs": _languages(counts),
    }
    columns = {name: column if all_kept else column.take(rows) for name, column in columns.items()}
    columns["cs_operator"] = pa.repeat(pa.scalar(operator, pa.string()), number)
    columns["cs_seed"] = pa.repeat(pa.scalar(seed, pa.int64()), number)
    fields = [*kept.schema, *(pa.field(name, column.type) for name, column in columns.items())]
    documents = pa.RecordBatch.from_arrays(
        [*kept.columns, *columns.values()], schema=pa.schema(fields, metadata=batch.schema.metadata)
    )
    lang = batch.column("lang")
    lang = lang if len(served) == len(batch) else lang.take(pa.array(served))
    figures = count_by_language(lang.cast(pa.string()), counts.words, counts.known, counts.replaced)
    figures |= count_partners(counts.labels, counts.pair)
    if all_kept:
        return Switched(documents, empty(DECISION), figures)
    stays = np.zeros(len(batch), dtype=bool)
    stays[served[has]] = True
    left = pa.array(np.flatnonzero(~stays))
    reason = pa.array(names).take(pa.array(reasons[~stays]))
    return Switched(documents, decide(batch.take(left), STEP, reason, keep_text=keep_text), figures)


def _languages(counts: Counts) -> pa.ListArray:
    """list<string>[rows]: the languages that words of each row were replaced by, sorted."""
    rows, pairs = len(counts.replaced), max(len(counts.labels), 1)
    row = np.repeat(np.arange(rows), np.diff(counts.offsets))
    _, rank_of = np.unique(np.array(counts.labels.to_pylist(), dtype=object), return_inverse=True)
    names = pa.array(sorted(set(counts.labels.to_pylist())), pa.string())
    used = np.zeros(rows * pairs, dtype=bool)  # 0.1 MB for a batch and 25 languages; np.unique would sort all words
    used[row * pairs + rank_of[counts.pair]] = True
    cells = np.flatnonzero(used)
    offsets = np.searchsorted(cells, np.arange(rows + 1) * pairs).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(cells % pairs)))
