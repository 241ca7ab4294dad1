"""The languages that the input says of its rows, as labels; what is wrong with the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.decisions import repeat
from xlcorpus.dataset.result import Counts
from xlcorpus.raw.input_columns import fields_by_input
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.rejects import Reject
from xlcorpus.text.language_names import AMBIGUOUS, INVALID, Meaning, labels_of
from xlcorpus.text.tables import table_lines

_SHOWN = 40  # characters of a value
_NAMED = 100  # different values that are counted by name in a stretch of a file: a wrong column has as many as rows
_OTHERS = "(other values)"
_LINES = 20


@dataclass(frozen=True)
class Found:
    """The labels of one of our columns (string[n]), and the rows that cannot have one (bool[n]).

    values: what the input says (string[n]), texts: string[n]; problems: by value; option: how the user may say it.
    """

    name: str
    labels: pa.Array
    wrong: np.ndarray
    values: pa.Array
    texts: pa.Array
    problems: Mapping[str, Meaning]

    def _wrong_values(self) -> list[str | None]:
        values: list[str | None] = self.values.filter(pa.array(self.wrong)).to_pylist()
        return values

    def rejects(self, offsets: np.ndarray) -> Iterator[Reject]:
        """What becomes of the rows. offsets: int64[n]."""
        flag = f"--{self.name.replace('_', '-')}"
        texts = self.texts.filter(pa.array(self.wrong)).to_pylist()
        for offset, value, text in zip(offsets[self.wrong].tolist(), self._wrong_values(), texts, strict=True):
            problem = self.problems.get(value or "")
            if value is None or problem is None:
                message = f"column {self.name!r} is missing or says no language; {flag} says that of all rows"
                yield Reject(offset, f"missing_{self.name}", message, text)
            else:
                message = f"{self.name} is {value[:_SHOWN]!r}: {problem.message}; --lang-map says what a value means"
                yield Reject(offset, f"{problem.problem}_{self.name}", message, text)

    @property
    def counts(self) -> Counts:
        """Wrong values by reason, how often each."""
        found: dict[str, Counter[str]] = {}
        for value, count in Counter(self._wrong_values()).items():
            if value is not None and value in self.problems:
                of_reason = found.setdefault(f"{self.problems[value].problem}_{self.name}", Counter())
                of_reason[value[:_SHOWN] if len(of_reason) < _NAMED else _OTHERS] += count
        return {reason: dict(values) for reason, values in found.items()}


class Languages:
    """Reads the languages of rows: those that options say, and those of the input's columns."""

    def __init__(self, options: ReadOptions, schema: pa.Schema) -> None:
        self._options = options
        self._also = options.lang_meanings
        field = fields_by_input(schema).get(options.lang_column or "")
        self._column = {"lang": field.name if field is not None else "lang"}

    def of(self, name: str, table: Mapping[str, pa.Array], rows: int) -> Found:
        """The labels of our column `name`. table: columns by our names, the texts among them."""
        given, text = self._options.languages[name], "text" if name == "lang" else name.partition("_")[0]
        column = self._column.get(name, name)
        if column in table and (name == "lang" or given is None):
            values = table[column].cast(pa.string())
            if given is not None:
                blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(values), ""), True)
                values = pc.if_else(blank, given, values)
        else:
            values = repeat(given, rows)
        found = labels_of(values, table[text], self._also)
        wrong = found.wrong if name == "lang" else found.wrong | np.asarray(pc.is_null(found.labels))
        return Found(name, found.labels, wrong, values, table[text], found.problems)


def wrong_language_lines(counts: Mapping[str, Any]) -> list[str]:
    """For people: values that were understood as no language, or as several, by reason, the most frequent first."""
    rows = [
        (reason, value, count)
        for reason, values in counts.items()
        if reason.startswith((INVALID, AMBIGUOUS)) and isinstance(values, Mapping)
        for value, count in values.items()
    ]
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: (-row[2], row))
    lines = [[reason, repr(value), f"{count:,}"] for reason, value, count in ordered[:_LINES]]
    more = [f"and {len(rows) - _LINES:,} more values"] if len(rows) > _LINES else []
    return ["languages that were not understood", *table_lines(lines, right=(2,)), *more]
