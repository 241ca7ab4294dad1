"""Add the romanised or phonetic text to documents, and how it was made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.romanize.tools import COLUMNS, Tool, language_code
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points

# A language label below this probability is as likely wrong as right: the tool is then given no language.
CONFIDENT = 0.5
SHOWN = 3  # scripts of which a line is shown
_LINE = 72  # characters of it
_NOT_FOREIGN = ("Latn", "Zyyy", "Zinh")


@dataclass(frozen=True)
class Romanized:
    """A batch with its new columns, and what was counted: words, repetitions, failures, letters left by script."""

    documents: pa.RecordBatch
    counts: dict[str, int]


def romanize_batch(batch: pa.RecordBatch, tool: Tool, lcode: str) -> Romanized:
    """The batch with `text_latn` (or `text_ipa`) and the `translit_` columns; such columns already there are replaced.

    lcode: `auto` (each document's own language, where it is sure), `none`, or an ISO 639-3 code. Needs `text` (null
    counts as empty); raises UserError without it.
    """
    texts = _texts(batch)
    names = batch.schema.names
    scripts = batch.column("script").to_pylist() if "script" in names else [None] * batch.num_rows
    codes = [language_code(lang, lcode, tool.name) for lang in _sure_languages(batch)]
    counts: Counter[str] = Counter()
    tool.take_counts()
    latn = [_romanize(tool, *row, counts) for row in zip(texts, codes, scripts, strict=True)]
    counts.update(tool.take_counts())
    counts["texts_without_rules"] = sum(text is None for text in latn)
    column = pa.array(latn, pa.string())
    if tool.column == "text_latn":
        counts.update(_letters_left(column))
    changed = [0.0 if new is None else changed_share(text, new) for text, new in zip(texts, latn, strict=True)]
    columns = {
        tool.column: column,
        "translit_tool": pa.array([tool.name] * len(texts), pa.string()),
        "translit_version": pa.array([tool.version] * len(texts), pa.string()),
        "translit_lcode": pa.array(codes, pa.string()),
        "translit_ratio": pa.array(changed, pa.float32()),
        "translit_identity": pa.array([new == text for text, new in zip(texts, latn, strict=True)], pa.bool_()),
    }
    return Romanized(_with_columns(batch, columns), {name: count for name, count in counts.items() if count})


def _texts(batch: pa.RecordBatch) -> list[str]:
    index = batch.schema.get_field_index("text")
    if index < 0:
        raise UserError(
            "the documents have no column 'text'",
            remedy="name the text's column when the dataset is made: xlcorpus ingest --text-column NAME",
        )
    texts: list[str] = pc.fill_null(batch.column(index), "").to_pylist()
    return texts


def _sure_languages(batch: pa.RecordBatch) -> list[str | None]:
    names = batch.schema.names
    if "lang" not in names:
        return [None] * batch.num_rows
    langs = batch.column("lang")
    if "lang_score" in names:
        sure = pc.fill_null(pc.greater_equal(batch.column("lang_score"), CONFIDENT), True)
        langs = pc.if_else(sure, langs, pa.scalar(None, langs.type))
    languages: list[str | None] = langs.to_pylist()
    return languages


def _romanize(tool: Tool, text: str, lcode: str | None, script: str | None, counts: Counter[str]) -> str | None:
    """The text; where the tool fails on it, word by word, with the words at fault left as they are and counted."""
    try:
        return tool.romanize(text, lcode, script)
    except (UserError, MemoryError):
        raise
    except Exception:
        words = re.split(r"(\s+)", text)
        for index, word in enumerate(words):
            try:
                words[index] = tool.romanize(word, lcode, script) or ""
            except Exception:
                counts["words_left_by_failure"] += 1
        return "".join(words)


def changed_share(text: str, new: str) -> float:
    """Share of the characters of a text that are not in the new one, each as often as it is there."""
    if text == new or not text:
        return 0.0
    return (Counter(text) - Counter(new)).total() / len(text)


def _letters_left(column: pa.Array) -> dict[str, int]:
    """Letters that are still of another script, by script: those that the tool does not know."""
    points = code_points(pc.fill_null(column, "")).codes
    points = points[points > 0x7F]
    if not len(points):
        return {}
    names = properties.script_names()
    numbers = properties.scripts()[points[properties.matches(r"\p{L}")[points]]]
    found = np.bincount(numbers, minlength=len(names))
    return {
        f"letters_left_{name}": int(found[number])
        for number, name in enumerate(names)
        if found[number] and name not in _NOT_FOREIGN
    }


def _with_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    fields = [load_schema("document").arrow.field(name) for name in columns]
    kept = [field for field in batch.schema if field.name not in columns]
    arrays = [batch.column(field.name) for field in kept] + list(columns.values())
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([*kept, *fields], metadata=batch.schema.metadata))


def sample_lines(batches: Iterable[pa.RecordBatch]) -> list[str]:
    """The first line of the first document of each of a few scripts, with its romanisation."""
    shown: dict[str, list[str]] = {}
    for batch in batches:
        if len(shown) >= SHOWN:
            break
        if "translit_tool" not in batch.schema.names or not batch.num_rows:
            continue
        column = COLUMNS[batch.column("translit_tool")[0].as_py()]
        changed = batch.filter(pc.greater(batch.column("translit_ratio"), 0.5))
        for text, new in zip(changed.column("text").to_pylist(), changed.column(column).to_pylist(), strict=True):
            first, new_first = text.split("\n", 1)[0], (new or "").split("\n", 1)[0]
            script = _script_of(first)
            if script and new_first and script not in shown and len(shown) < SHOWN:
                shown[script] = [f"{script}  {first[:_LINE]}", f"      {new_first[:_LINE]}"]
    return [line for lines in shown.values() for line in lines]


def _script_of(line: str) -> str:
    points = code_points(pa.array([line])).codes
    letters = points[properties.matches(r"\p{L}")[points]]
    if not len(letters):
        return ""
    return properties.script_names()[int(np.bincount(properties.scripts()[letters]).argmax())]


def notes_of(counts: Counter[str], shown: Sequence[str]) -> dict[str, object]:
    """Notes for the manifest: how many words were repetitions, letters that no rule knows by script, and examples."""
    words, repeated = counts["words"], counts["words_repeated"]
    left = {name[len("letters_left_") :]: n for name, n in sorted(counts.items()) if name.startswith("letters_left_")}
    notes: dict[str, object] = {"letters_left": left}
    lines = list(shown)
    if words:
        notes["cache_hit_rate"] = round(repeated / words, 4)
        lines.append(f"{words:,} words and signs, {100 * repeated / words:.1f} % of them from the cache")
    if left:
        lines.append("letters without a rule: " + ", ".join(f"{name} {count:,}" for name, count in left.items()))
    return notes | {"table": lines}
