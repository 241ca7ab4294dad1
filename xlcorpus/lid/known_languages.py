"""Languages that were known before the model was asked: they stay, and what the model says stands beside them.

A row's language is known where `lang` is there and `lang_score`, which a model gives, is not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, put_columns
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.lid.model import LanguageModel
from xlcorpus.text.labels import (
    NO_LANGUAGE,
    UNKNOWN_LANGUAGE,
    encode_pairs,
    fits_script,
    language_of,
    same_language,
    script_of,
)
from xlcorpus.text.tables import table_lines

KEEP, JUDGE = "keep", "judge"
MODEL, MODEL_SCORE = "lang_model", "lang_model_score"
DISAGREEMENT = "lang_disagreement"
_SHOWN = 20


def has_known(schema: pa.Schema) -> bool:
    """Whether rows of a schema may have known languages: after an `identify` of rows without, none has."""
    return "lang" in schema.names and ("lang_score" not in schema.names or MODEL in schema.names)


def known_rows(batch: pa.RecordBatch) -> np.ndarray:
    """bool[rows]: rows whose language is known."""
    if not has_known(batch.schema):
        return np.zeros(batch.num_rows, dtype=bool)
    score = column_or_null(batch, "lang_score", pa.float32())
    return np.asarray(pc.and_(pc.is_valid(batch.column("lang")), pc.is_null(score)))


def with_known(batch: pa.RecordBatch, judged: pa.RecordBatch, model: LanguageModel, how: str) -> Result:
    """The rows that `identify_batch` has judged, with the languages that were known before.

    batch: as it was; how: KEEP gives known languages back, without a score, and puts the model's label and score into
    lang_model and lang_model_score (null in other rows); JUDGE leaves the model's. Counts: known (rows), agreed (the
    model says the same language and script), disagreed by `known model`, not_in_model by known label.
    """
    if not has_known(batch.schema):
        return Result(judged)
    known = known_rows(batch)
    said, lang, score = batch.column("lang"), judged.column("lang"), judged.column("lang_score")
    counts = _counts(said.filter(pa.array(known)), lang.filter(pa.array(known)), model)
    if how == JUDGE:
        return Result(judged, counts=counts)
    where = pa.array(known)
    columns = {
        "lang": pc.if_else(where, said, lang),
        "lang_score": pc.if_else(where, pa.scalar(None, score.type), score),
        MODEL: pc.if_else(where, lang, pa.scalar(None, lang.type)),
        MODEL_SCORE: pc.if_else(where, score, pa.scalar(None, score.type)),
    }
    return Result(put_columns(judged, columns), counts=counts)


def with_disagreement(batch: pa.RecordBatch, model: LanguageModel) -> pa.RecordBatch:
    """Add lang_disagreement (float32), how sure the model is that a known language is another one.

    lang_model_score where the labels differ, 0 where they are of one language; 1 where the model has no language for
    the text's script and the known one is not written in it. Null where it has no label for the known language, where
    the text has no letters, and where no language was known; without a column lang_model the batch as it is.
    """
    if MODEL not in batch.schema.names:
        return batch
    said, judged, score = (batch.column(name) for name in ("lang", MODEL, MODEL_SCORE))
    pairs, numbers = encode_pairs(pc.fill_null(said, ""), pc.fill_null(judged, ""))
    of_model = languages_of(model)
    factor, least = np.array([_of_score(one, other, of_model) for one, other in pairs]).reshape(-1, 2).T
    values = np.maximum(factor[numbers] * np.asarray(score.fill_null(0.0)), least[numbers])
    return put_columns(batch, {DISAGREEMENT: pa.array(values.astype(np.float32), from_pandas=True)})


def _of_score(known: str, judged: str, of_model: Collection[str]) -> tuple[float, float]:
    """What the model's score is multiplied by, and the least that comes out; NaN where nothing can be said."""
    if not judged or judged == NO_LANGUAGE or language_of(known) not in of_model:
        return math.nan, math.nan
    if same_language(known, judged):
        return 0.0, 0.0
    if language_of(judged) == UNKNOWN_LANGUAGE:
        return (math.nan, math.nan) if fits_script(known, script_of(judged)) else (0.0, 1.0)
    return 1.0, 0.0


def _counts(known: pa.Array, model_says: pa.Array, model: LanguageModel) -> Counts:
    if not len(known):
        return {}
    pairs, numbers = encode_pairs(known, model_says)
    of_model = languages_of(model)
    counts: Counts = {"known": len(known), "agreed": 0}
    disagreed, not_in_model = Counter[str](), Counter[str]()
    for (one, other), count in zip(pairs, np.bincount(numbers, minlength=len(pairs)).tolist(), strict=True):
        if same_language(one, other):
            counts["agreed"] += count
        elif language_of(one) in of_model:
            disagreed[f"{one} {other}"] += count
        else:
            not_in_model[one] += count
    return counts | {
        name: dict(found) for name, found in (("disagreed", disagreed), ("not_in_model", not_in_model)) if found
    }


def languages_of(model: LanguageModel) -> frozenset[str]:
    """The languages that a model has labels for."""
    return frozenset(language_of(model.label(label)) for label in model.labels)


def notes_of(counts: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest notes of known languages, and the table for the user; nothing where there were none.

    pairs: [known label, the model's, documents], the most frequent first; of sentence pairs each side is one.
    """
    if not counts.get("known"):
        return {}
    disagreed, not_in_model = counts.get("disagreed", {}), counts.get("not_in_model", {})
    sums = {
        "documents": counts["known"],
        "agreed": counts["agreed"],
        "disagreed": sum(disagreed.values()),
        "not_in_model": sum(not_in_model.values()),
    }
    share = 100 * sums["agreed"] / sums["documents"]
    what = "sides" if "sides" in counts else "documents"
    lines = [
        f"{what} whose language was known: {sums['documents']:,}; the model says the same of {sums['agreed']:,} "
        f"({share:.1f} %), another one of {sums['disagreed']:,}"
    ]
    if not_in_model:
        shown = ", ".join(f"{label} {count:,}" for label, count in _most(not_in_model)[:_SHOWN])
        lines.append(f"languages that it has no label for: {sums['not_in_model']:,} ({shown})")
    if disagreed:
        ordered = _most(disagreed)
        rows = [[*pair.split(" "), f"{count:,}"] for pair, count in ordered[:_SHOWN]]
        lines += table_lines([["known", "model", what], *rows], right=(2,))
        lines += [f"and {len(ordered) - _SHOWN:,} more pairs"] if len(ordered) > _SHOWN else []
    pairs = [[*pair.split(" "), count] for pair, count in _most(disagreed)]
    noted = sums | {"pairs": pairs, "labels_not_in_model": dict(_most(not_in_model))}
    return {"known_languages": noted, "table": lines}


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
