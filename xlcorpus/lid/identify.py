"""Identify the language of every document of a batch: a label, its score and the other candidates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns, text_column
from xlcorpus.lid.folding import excerpt, fold
from xlcorpus.lid.model import LanguageModel, Predictions
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.labels import NO_LANGUAGE, fits_script, han_variant
from xlcorpus.text.script import NO_SCRIPT, leading_script, letters_per_script, main_script

# Right on the crawl documents: 0.9808, as with 3,000 (0.9803) or whole texts (0.9798), in half the time.
MAX_CHARS = 1_500
ALTERNATIVES = pa.list_(pa.struct([pa.field("lang", pa.string()), pa.field("score", pa.float32())]))
# Candidates asked of the model, to find one in the text's script. Right on the crawl: 0.9793 with 5, 0.9808 with 20,
# 0.9812 with all 343.
_CANDIDATES = 20
# Latin is the guest in texts of every other script (names, commands, addresses). With its letters counted half, after
# code and markup are gone, the script helps: 0.9808 of 2,130 crawl documents right against 0.9751 by the model alone
# (lid.176: 0.9711 against 0.9685). The main script of the raw text does harm: 0.8676 (0.8457), as it is often Latin.
_LATIN_WEIGHT = 0.5


def prior_script(folded: pa.StringArray) -> pa.StringArray:
    """The script that a text's language is expected to be written in (string[rows]), from its folded text.

    The main script, except that a Latin letter counts half; `Zyyy` without letters.
    """
    counts, names = letters_per_script(code_points(folded))
    return leading_script(counts * np.array([_LATIN_WEIGHT if name == "Latn" else 1.0 for name in names]))[0]


def _normalized(
    found: Predictions, model: LanguageModel, scripts: pa.StringArray, texts: pa.StringArray
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Per candidate: number of its `xxx_Yyyy` (int64[n]) in a list of names, and whether it fits the script (bool[n]).

    The same label means different things in texts of different scripts, so each (label, script, Han variant) that
    occurs is looked at once.
    """
    encoded = scripts.dictionary_encode()
    script_names: list[str] = encoded.dictionary.to_pylist()
    script_of = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    variants, variant_of = np.unique(han_variant(texts).astype(str), return_inverse=True)
    rows = found.rows
    keys = (found.labels.astype(np.int64) * len(script_names) + script_of[rows]) * len(variants) + variant_of[rows]
    unique, inverse = np.unique(keys, return_inverse=True)
    names: dict[str, int] = {}
    numbers = np.zeros(len(unique), dtype=np.int64)
    fits = np.zeros(len(unique), dtype=bool)
    for position, key in enumerate(unique.tolist()):
        rest, variant = divmod(key, len(variants))
        label, script = divmod(rest, len(script_names))
        name = model.label(model.labels[label], script=script_names[script], han=str(variants[variant]))
        numbers[position] = names.setdefault(name, len(names))
        fits[position] = script_names[script] == NO_SCRIPT or fits_script(name, script_names[script])
    return numbers[inverse], list(names), fits[inverse]


def _first_of_each(rows: np.ndarray, where: np.ndarray, default: np.ndarray) -> np.ndarray:
    """Position of the first candidate of each row for which `where` holds, else the row's default: int64[rows]."""
    chosen = default.copy()
    positions = np.flatnonzero(where)[::-1]
    chosen[rows[positions]] = positions  # of equal rows the last assignment stays, which is the first candidate
    return chosen


def _alternatives(
    keep: np.ndarray, rows: np.ndarray, langs: pa.StringArray, scores: np.ndarray, count: int, at_most: int
) -> pa.ListArray:
    """The kept candidates as a list column, at most `at_most` a row."""
    kept = np.flatnonzero(keep)
    starts = np.searchsorted(rows[kept], np.arange(count))
    kept = kept[np.arange(len(kept)) - starts[rows[kept]] < at_most]
    offsets = np.searchsorted(rows[kept], np.arange(count + 1)).astype(np.int32)
    fields = list(ALTERNATIVES.value_type)
    values = pa.StructArray.from_arrays([langs.take(pa.array(kept)), pa.array(scores[kept])], fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(ALTERNATIVES)


def identify_batch(
    batch: pa.RecordBatch,
    model: LanguageModel,
    *,
    top_k: int = 5,
    alt_floor: float = 0.01,
) -> pa.RecordBatch:
    """Add lang, script (string), script_share, lang_score (float32) and lang_alts (list of lang and score) to a batch.

    lang: the model's best label, as `xxx_Yyyy`, that fits the text's `prior_script`, or its best label where none of 20
    fits; `zxx_Zyyy` with score 0 where the text has no letters. lang_score: the model's own probability of it, 0 to 1.
    lang_alts: up to top_k - 1 other labels with a probability of at least alt_floor (FineWeb-2: 0.01), best first; a
    label passed over for its script is among them. script: of the whole text.
    Of a text of more than 1,500 characters, the model sees a third of that from its start, middle and end.
    Raises UserError where there is no column `text` of strings, ValueError where top_k is under 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    texts = pc.fill_null(text_column(batch).cast(pa.string()), "")
    count = len(texts)
    script, share = main_script(texts)
    sample = excerpt(texts, MAX_CHARS)
    folded = fold(sample)
    prepared = folded if model.folded else model.prepare(sample)
    found = model.predict(prepared, max(top_k, _CANDIDATES))
    rows = found.rows
    numbers, names, fits = _normalized(found, model, prior_script(folded), folded)
    chosen = _first_of_each(rows, fits, default=found.offsets[:-1])
    has_letters = pc.not_equal(script, NO_SCRIPT).to_numpy(zero_copy_only=False)

    langs = pa.array(names, type=pa.string()).take(pa.array(numbers))
    lang = pc.if_else(pa.array(has_letters), langs.take(pa.array(chosen)), NO_LANGUAGE)
    score = np.where(has_letters, found.scores[chosen], np.float32(0.0)).astype(np.float32)
    first_of_its_name = np.zeros(len(numbers), dtype=bool)
    first_of_its_name[np.unique(rows * max(1, len(names)) + numbers, return_index=True)[1]] = True
    others = first_of_its_name & (numbers != numbers[chosen][rows]) & (found.scores >= alt_floor) & has_letters[rows]

    columns: dict[str, pa.Array] = {
        "lang": lang,
        "script": script,
        "script_share": pa.array(share, type=pa.float32()),
        "lang_score": pa.array(score, type=pa.float32()),
        "lang_alts": _alternatives(others, rows, langs, found.scores, count, top_k - 1),
    }
    return put_columns(batch, columns)
