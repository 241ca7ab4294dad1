"""Identify the language of every document of a batch: a label, its score and the other candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns, text_column
from xlcorpus.lid.folding import excerpt, fold
from xlcorpus.lid.model import LanguageModel, Predictions
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.labels import NO_LANGUAGE, UNKNOWN_LANGUAGE, fits_script, han_variant
from xlcorpus.text.normalize import plain_letters
from xlcorpus.text.script import NO_SCRIPT, leading_script, letters_per_script, main_script

# Right on the crawl documents: 0.9808, as with 3,000 (0.9803) or whole texts (0.9798), in half the time.
MAX_CHARS = 1_500
ALTERNATIVES = pa.list_(pa.struct([pa.field("lang", pa.string()), pa.field("score", pa.float32())]))
# Candidates asked of the model, to find one in the text's script; where none of them is, all are asked. Right on the
# crawl: 0.9793 with 5 alone, 0.9808 with 20 alone, 0.9812 with all 343 of every text.
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


def _script(texts: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """`main_script`, but mathematical letters, which are of no script in Unicode, count where there are no others."""
    script, share = main_script(texts)
    none = np.flatnonzero(pc.equal(script, NO_SCRIPT))
    if len(none):
        plain, share[none] = main_script(plain_letters(texts.take(pa.array(none))))
        script = pc.replace_with_mask(script, pc.equal(script, NO_SCRIPT), plain)
    return script, share


@dataclass(frozen=True)
class _Candidates:
    """Labels as `xxx_Yyyy` of each text, best first, laid end to end.

    names: those that occur; numbers: int64[n], of each candidate's in names; scores: float32[n]; rows: int64[n]; first:
    int64[count], position of each text's first one that fits its script, -1 where none does.
    """

    names: list[str]
    numbers: np.ndarray
    scores: np.ndarray
    rows: np.ndarray
    first: np.ndarray

    def best(self) -> tuple[pa.StringArray, np.ndarray]:
        """The first one that fits of each text, null where none does (string), and its score, 0 there (float32)."""
        none = self.first < 0
        lang = pa.array(self.names, pa.string()).take(pa.array(self.numbers[self.first], mask=none))
        return lang, np.where(none, np.float32(0.0), self.scores[self.first])

    def others(self, lang: pa.StringArray) -> np.ndarray:
        """bool[n]: candidates that are not the text's label, the first of each name."""
        first_of_its_name = np.zeros(len(self.numbers), dtype=bool)
        first_of_its_name[np.unique(self.rows * max(1, len(self.names)) + self.numbers, return_index=True)[1]] = True
        own = np.asarray(pc.fill_null(pc.index_in(lang, pa.array(self.names, pa.string())), -1))
        others: np.ndarray = first_of_its_name & (self.numbers != own[self.rows])
        return others


def _candidates(
    model: LanguageModel, k: int, prepared: pa.StringArray, scripts: pa.StringArray, folded: pa.StringArray
) -> _Candidates:
    """The k best labels of each text; scripts: the one that its language is expected to be written in."""
    found = model.predict(prepared, k)
    numbers, names, fits = _normalized(found, model, scripts, folded)
    return _Candidates(names, numbers, found.scores, found.rows, _first_of_each(found.rows, fits, len(prepared)))


def _first_of_each(rows: np.ndarray, where: np.ndarray, count: int) -> np.ndarray:
    """Position of the first candidate of each row for which `where` holds, -1 where it holds for none: int64[count]."""
    chosen = np.full(count, -1, dtype=np.int64)
    positions = np.flatnonzero(where)[::-1]
    chosen[rows[positions]] = positions  # of equal rows the last assignment stays, which is the first candidate
    return chosen


def _alternatives(keep: np.ndarray, found: _Candidates, count: int, at_most: int) -> pa.ListArray:
    """The kept candidates as a list column, at most `at_most` a row."""
    rows = found.rows
    kept = np.flatnonzero(keep)
    starts = np.searchsorted(rows[kept], np.arange(count))
    kept = kept[np.arange(len(kept)) - starts[rows[kept]] < at_most]
    offsets = np.searchsorted(rows[kept], np.arange(count + 1)).astype(np.int32)
    fields = list(ALTERNATIVES.value_type)
    langs = pa.array(found.names, pa.string())
    values = pa.StructArray.from_arrays(
        [langs.take(pa.array(found.numbers[kept])), pa.array(found.scores[kept])], fields=fields
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(ALTERNATIVES)


def identify_batch(
    batch: pa.RecordBatch,
    model: LanguageModel,
    *,
    top_k: int = 5,
    alt_floor: float = 0.01,
) -> pa.RecordBatch:
    """Add lang, script (string), script_share, lang_score (float32) and lang_alts (list of lang and score) to a batch.

    lang: the model's best label, as `xxx_Yyyy`, that fits the text's `prior_script`; `und_Yyyy` with score 0 where the
    model has no label of that script; `zxx_Zyyy` with score 0 where the text has no letters. lang_score: the model's
    own probability of it, 0 to 1. lang_alts: up to top_k - 1 other labels with a probability of at least alt_floor
    (FineWeb-2: 0.01), best first; a label passed over for its script is among them. They are none where lang is
    `und_Yyyy`. script: of the whole text. Of a text of more than 1,500 characters, the model sees a third of that from
    its start, middle and end; letters of other shapes (full width, Arabic presentation forms, mathematical alphabets)
    it sees as the plain ones.
    Raises UserError where there is no column `text` of strings, ValueError where top_k is under 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    texts = pc.fill_null(text_column(batch).cast(pa.string()), "")
    script, share = _script(texts)
    sample = plain_letters(excerpt(texts, MAX_CHARS))
    folded = fold(sample)
    prepared = folded if model.folded else model.prepare(sample)
    expected = prior_script(folded)
    found = _candidates(model, max(top_k, _CANDIDATES), prepared, expected, folded)
    lang, score = found.best()
    late = np.flatnonzero(found.first < 0)
    if len(late):
        of = pa.array(late)
        wider = _candidates(model, len(model.labels), prepared.take(of), expected.take(of), folded.take(of))
        later, score[late] = wider.best()
        lang = pc.replace_with_mask(lang, pa.array(found.first < 0), later)
    # Of a script that no label has, and of letters that stand outside of what the model saw, it knows nothing.
    seen = pc.not_equal(expected, NO_SCRIPT)
    has_letters = pc.not_equal(script, NO_SCRIPT)
    nameless = pc.binary_join_element_wise(UNKNOWN_LANGUAGE, pc.if_else(seen, expected, script), "_")
    judged = np.asarray(pc.and_(pc.and_(seen, has_letters), pc.is_valid(lang)))
    lang = pc.coalesce(pc.if_else(seen, lang, None), nameless)
    lang = pc.if_else(has_letters, lang, NO_LANGUAGE)
    score = np.where(judged, score, np.float32(0.0))
    others = found.others(lang) & (found.scores >= alt_floor) & judged[found.rows]

    columns: dict[str, pa.Array] = {
        "lang": lang,
        "script": script,
        "script_share": pa.array(share, type=pa.float32()),
        "lang_score": pa.array(score, type=pa.float32()),
        "lang_alts": _alternatives(others, found, len(texts), top_k - 1),
    }
    return put_columns(batch, columns)
