"""Add the romanised or phonetic text to documents, and how it was made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import append_columns, column_or_null, text_column
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES, of_side, side_rows
from xlcorpus.romanize.engine import Engine
from xlcorpus.romanize.tools import COLUMNS, Tool, language_code
from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.script import count_by_script

# A language label below this probability is as likely wrong as right: the tool is then given no language.
CONFIDENT = 0.5
SHOWN = 3  # scripts of which a line is shown
_LINE = 72  # characters of it
_NOT_FOREIGN = ("Latn", "Zyyy", "Zinh")


def romanize_batch(batch: pa.RecordBatch, tool: Tool, lcode: str) -> Result:
    """The batch with `text_latn` (or `text_ipa`) and the `translit_` columns; such columns already there are replaced.

    lcode: `auto` (each document's own language, where it is sure), `none`, or an ISO 639-3 code. Needs `text` (null
    counts as empty); raises UserError without it. counts, of the rows alone: texts that the tool has no rules for,
    words that it failed on, letters of other scripts that are left, by script, and those of `counts_of`.
    """
    texts: list[str] = pc.fill_null(text_column(batch), "").to_pylist()
    scripts = column_or_null(batch, "script", pa.string()).to_pylist()
    codes = [language_code(lang, lcode, tool.name) for lang in _sure_languages(batch)]
    failed: Counter[str] = Counter()
    latn = [_romanize(tool, *row, failed) for row in zip(texts, codes, scripts, strict=True)]
    column = pa.array(latn, pa.string())
    counts: Counts = {
        "words_left_by_failure": failed.total(),
        "texts_without_rules": column.null_count,
        "letters_left": _letters_left(column) if tool.column == "text_latn" else {},
        **counts_of(tool, pa.array(texts, pa.string()), column),
    }
    changed = [0.0 if new is None else changed_share(text, new) for text, new in zip(texts, latn, strict=True)]
    columns = {
        tool.column: column,
        "translit_tool": pa.array([tool.name] * len(texts), pa.string()),
        "translit_version": pa.array([tool.version] * len(texts), pa.string()),
        "translit_lcode": pa.array(codes, pa.string()),
        "translit_ratio": pa.array(changed, pa.float32()),
        "translit_identity": pa.array([new == text for text, new in zip(texts, latn, strict=True)], pa.bool_()),
    }
    return Result(
        append_columns(batch, pa.RecordBatch.from_pydict(columns)),
        counts={name: count for name, count in counts.items() if count},
    )


def counts_of(tool: Tool, texts: pa.Array, made: pa.Array) -> Counts:
    """What `Engine.counts` says of texts and their readings; nothing of other tools."""
    return tool.counts(texts, made) if isinstance(tool, Engine) else {}


def _sure_languages(batch: pa.RecordBatch) -> list[str | None]:
    langs = column_or_null(batch, "lang", pa.string())
    score = column_or_null(batch, "lang_score", pa.float32())
    sure = pc.fill_null(pc.greater_equal(score, CONFIDENT), True)
    languages: list[str | None] = pc.if_else(sure, langs, pa.scalar(None, langs.type)).to_pylist()
    return languages


def _romanize(tool: Tool, text: str, lcode: str | None, script: str | None, failed: Counter[str]) -> str | None:
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
                failed[word] += 1
        return "".join(words)


def changed_share(text: str, new: str) -> float:
    """Share of the characters of a text that are not in the new one, each as often as it is there."""
    if text == new or not text:
        return 0.0
    return (Counter(text) - Counter(new)).total() / len(text)


def _letters_left(column: pa.Array) -> dict[str, int]:
    """Letters that are still of another script, by script: those that the tool does not know."""
    found = count_by_script(column, properties.letters())
    return {name: count for name, count in found.items() if name not in _NOT_FOREIGN}


def sample_lines(batches: Iterable[pa.RecordBatch]) -> list[str]:
    """The first line of the first document of each of a few scripts, with its romanisation."""
    shown: dict[str, list[str]] = {}
    for batch in batches:
        if len(shown) >= SHOWN:
            break
        if not batch.num_rows:
            continue
        for texts in _romanized(batch):
            _show(texts, shown)
    return [line for lines in shown.values() for line in lines]


def _romanized(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """What `romanize_batch` made: the batch itself, or sides of sentence pairs."""
    names = batch.schema.names
    sides = [side_rows(batch, side) for side in SIDES if {side, of_side(side, "translit_tool")} <= set(names)]
    return [batch, *sides] if "translit_tool" in names else sides


def _show(batch: pa.RecordBatch, shown: dict[str, list[str]]) -> None:
    """Add a line of each script that is not shown yet, while fewer than `SHOWN` are."""
    column = COLUMNS[batch.column("translit_tool")[0].as_py()]
    changed = batch.filter(pc.greater(batch.column("translit_ratio"), 0.5))
    for text, new in zip(changed.column("text").to_pylist(), changed.column(column).to_pylist(), strict=True):
        first, new_first = text.split("\n", 1)[0], (new or "").split("\n", 1)[0]
        script = _script_of(first)
        if script and new_first and script not in shown and len(shown) < SHOWN:
            shown[script] = [f"{script}  {first[:_LINE]}", f"      {new_first[:_LINE]}"]


def _script_of(line: str) -> str:
    points = code_points(pa.array([line])).codes
    letters = points[properties.letters()[points]]
    if not len(letters):
        return ""
    return properties.script_names()[int(np.bincount(properties.scripts()[letters]).argmax())]


_NOTED = {
    "letters_left": "letters without a rule",
    "signs_read_by_name": "signs read by name, not as they sound (--named-signs)",
}


def notes_of(tally: Tally, batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """Notes for the manifest: what is left or read by name, by script, and a line in each of three scripts."""
    lines = sample_lines(batches)
    return {"letters_left": {}, **noted(tally.counts, lines), "table": lines}


def noted(counts: Mapping[str, Any], lines: list[str]) -> dict[str, Any]:
    """The counts of a tool that belong in the manifest; `lines` grows by one that says each."""
    notes: dict[str, Any] = {}
    for name, words in _NOTED.items():
        if found := dict(sorted(counts.get(name, {}).items())):
            notes[name] = found
            lines.append(f"{words}: " + ", ".join(f"{script} {count:,}" for script, count in found.items()))
    if left := counts.get("words_left_by_failure", 0):
        notes["words_left_by_failure"] = left
        lines.append(f"left where the tool fails, as uroman on a fraction without its number: {left:,}")
    return notes
