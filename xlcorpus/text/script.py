"""The script of a text, by the Unicode property of its letters (ISO 15924 codes)."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.labels import language_of, normalize_label, script_of, unicode_scripts, usual_scripts
from xlcorpus.text.slices import cut_long, pieces

NO_SCRIPT = "Zyyy"
_SAMPLE = 1000  # texts that are looked at to tell the script of many
_LEAST_SHARE = 0.05  # of many texts in another script of their language, to be labelled with it


@functools.cache
def _script_columns() -> tuple[np.ndarray, tuple[str, ...]]:
    """Map each script number to a column; Zyyy and Zinh (shared by all scripts) share the last one."""
    names = properties.script_names()
    ours = [name for name in names if name not in {"Zyyy", "Zinh", "Zzzz"}]
    column = {name: index for index, name in enumerate(ours)}
    return np.array([column.get(name, len(ours)) for name in names], dtype=np.int64), tuple(ours)


def letters_per_script(points: CodePoints) -> tuple[np.ndarray, tuple[str, ...]]:
    """Count letters by script: int64[rows, scripts] and the scripts' ISO 15924 codes."""
    column_of, names = _script_columns()
    is_letter = properties.letters()[points.codes]
    columns = column_of[properties.scripts()[points.codes[is_letter]]]
    cells = points.rows[is_letter] * (len(names) + 1) + columns
    counts = np.bincount(cells, minlength=len(points) * (len(names) + 1))
    return counts.reshape(len(points), len(names) + 1)[:, :-1], names


def count_by_script(texts: pa.Array, table: np.ndarray) -> dict[str, int]:
    """Characters of texts (string[rows]; null counts as empty) for which table (bool[0x110000]) holds, by script."""
    points = code_points(pc.fill_null(texts, "")).codes
    points = points[points > 0x7F]
    names = properties.script_names()
    found = np.bincount(properties.scripts()[points[table[points]]], minlength=len(names))
    return {names[number]: int(found[number]) for number in np.flatnonzero(found)}


def leading_script(counts: np.ndarray) -> tuple[pa.StringArray, np.ndarray]:
    """The script with most letters of each text (string[rows]) and its letters (number[rows]).

    counts: number[rows, scripts], letters (or their weights) in the order of `letters_per_script`. Han, Hiragana and
    Katakana together are `Jpan` where there is kana (at least one in 20 of the three: a Chinese text may quote a
    Japanese name); Hangul and Han together are `Hang` where Hangul leads. Texts without letters are `Zyyy`.
    """
    _, names = _script_columns()
    counts = counts.copy()
    han, hangul, hiragana, katakana = (names.index(name) for name in ("Hani", "Hang", "Hira", "Kana"))
    kana = counts[:, hiragana] + counts[:, katakana]
    japanese = (kana > 0) & (kana * 20 >= counts[:, han] + kana)
    together = np.where(japanese, kana + counts[:, han], 0)
    counts[np.ix_(japanese, [han, hiragana, katakana])] = 0
    korean = counts[:, hangul] > counts[:, han]
    counts[korean, hangul] += counts[korean, han]
    counts[korean, han] = 0
    counts = np.column_stack([counts, together])
    top = counts.max(axis=1)
    best = np.where(top > 0, counts.argmax(axis=1), counts.shape[1])
    labels = pa.array([*names, "Jpan", NO_SCRIPT])
    return pa.DictionaryArray.from_arrays(pa.array(best, pa.int32()), labels).cast(pa.string()), top


def letters_by_script(texts: pa.Array) -> tuple[np.ndarray, tuple[str, ...]]:
    """`letters_per_script` of texts (string[rows]) of any length, in little memory."""
    cut, rows = cut_long(texts)
    parts = [part for _, part in pieces(cut)] or [cut]
    found = [letters_per_script(code_points(part)) for part in parts]
    counts = np.concatenate([counts for counts, _ in found])
    return np.add.reduceat(counts, np.searchsorted(rows, np.arange(len(texts)))), found[0][1]


def main_script(texts: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """Main script of each text (`leading_script`) and its share of the text's letters (float32[rows], 0 to 1)."""
    counts, _ = letters_by_script(texts)
    labels, top = leading_script(counts)
    totals = counts.sum(axis=1)
    share = np.divide(top, totals, out=np.zeros(len(totals), dtype=np.float64), where=totals > 0)
    return labels, share.astype(np.float32)


def script_of_all(texts: pa.Array) -> str:
    """The main script of some texts (string[n], one at least) together, by a sample.

    Dictionaries are in the order of the alphabet, so it is taken from everywhere, not only from the beginning.
    """
    rows = np.unique(np.linspace(0, len(texts) - 1, _SAMPLE).astype(np.int64))
    script: str = main_script(pa.array([" ".join(texts.take(pa.array(rows)).to_pylist())]))[0][0].as_py()
    return script


def labels_by_script(label: str, texts: pa.Array) -> pa.Array:
    """string[n]: the label of some texts; of a language of several scripts (Serbian, Uzbek) that of each text's own.

    Only where one text in twenty is in that script, so that a few loanwords make no language.
    """
    language, labels = language_of(label), pa.repeat(pa.scalar(label, pa.string()), len(texts))
    others = set(unicode_scripts(usual_scripts(language))) - set(unicode_scripts([script_of(label) or NO_SCRIPT]))
    own = main_script(texts)[0] if others else None
    for other in sorted(others):
        mask = pc.fill_null(pc.equal(own, other), False)
        if (pc.sum(mask).as_py() or 0) >= _LEAST_SHARE * len(texts):
            labels = pc.if_else(mask, normalize_label(language, script=other), labels)
    return labels
