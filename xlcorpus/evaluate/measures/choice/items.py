"""Items to choose from: a premise, choices, and the number of the right one, of a dataset or of raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import one_batch, put_columns
from xlcorpus.errors import UserError, nearest
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import has_text, read_rows
from xlcorpus.text.labels import UNKNOWN_LANGUAGE
from xlcorpus.text.ragged import offsets_of, rows_of


@dataclass(frozen=True)
class Items:
    """given: where they are from; table: their columns; named: the column that tells them apart; langs: of each;
    choices: list<string>[items]; labels: int64[items], number of the right choice; skipped: records that are none."""

    given: str
    table: pa.Table
    named: str
    langs: Sequence[str]
    choices: pa.Array
    labels: np.ndarray
    skipped: int = 0

    @property
    def counts(self) -> np.ndarray:
        """int64[items]: how many choices each has."""
        return pc.list_value_length(self.choices).to_numpy(zero_copy_only=False).astype(np.int64)

    @property
    def firsts(self) -> np.ndarray:
        """int64[items]: where the choices of each begin, of all end to end."""
        return offsets_of(self.counts)[:-1]

    @property
    def item_of(self) -> np.ndarray:
        """int64[choices]: the item of each choice."""
        return rows_of(offsets_of(self.counts))

    def each_choice(self) -> pa.RecordBatch:
        """A row a choice: the columns of its item, and `choice`."""
        rows = self.table.take(pa.array(self.item_of))
        return put_columns(one_batch(rows), {"choice": pc.list_flatten(self.choices)})

    def answered(self) -> pa.RecordBatch:
        """A row an item, with the right `choice`."""
        right = pc.list_flatten(self.choices).take(pa.array(self.firsts + self.labels))
        return put_columns(one_batch(self.table), {"choice": right})


def read_items(given: str, options: EvaluateOptions) -> Items:
    """Items of JSONL, TSV, Parquet, ... or a dataset: `choices`, a list of texts, or choice1, choice2, ...; the label a
    number from 0, or the text of the right choice. Raises UserError where a column is missing, or no item is whole."""
    table, lost = read_rows(given, options.premise, options)
    names = table.column_names
    choices = _choices(given, table, options.choices)
    if options.label not in names:
        raise UserError(
            f"{given} has no column {options.label}; {nearest(options.label, names)}",
            remedy="name the column of the right choice, by number from 0 or by its text: --label COLUMN",
        )
    labels = _labels(table.column(options.label).combine_chunks(), choices)
    counts = np.array([len(row) if row and all(row) else 0 for row in choices.to_pylist()])
    if ((labels == counts) & (counts > 1)).any() and not (labels == 0).any():
        raise UserError(
            f"the labels of {given} count from 1: none is 0, and some are as large as there are choices",
            remedy="count the right choice from 0, or give its text",
        )
    whole = (counts > 1) & (labels >= 0) & (labels < counts)
    whole &= has_text(table.column(options.premise)).to_numpy(zero_copy_only=False)
    if not whole.any():
        raise UserError(
            f"{given} holds no item with two choices and a right one among them",
            remedy="--choices and --label name the columns; labels are numbers from 0, or the text of a choice",
        )
    kept = pa.array(whole)
    table, choices = table.filter(kept), choices.filter(kept)
    named = next((name for name in ("lang", "input_lang") if name in names), None)  # the latter as the file has it
    lang = None if named is None else table.column(named).cast(pa.string()).fill_null(UNKNOWN_LANGUAGE)
    langs = [UNKNOWN_LANGUAGE] * table.num_rows if lang is None else lang.to_pylist()
    return Items(given, table, options.premise, langs, choices, labels[whole], lost + int((~whole).sum()))


def _choices(given: str, table: pa.Table, name: str) -> pa.Array:
    if name in table.column_names:
        column = table.column(name).combine_chunks()
        if not pa.types.is_list(column.type) or not pa.types.is_string(column.type.value_type):
            raise UserError(f"{name} of {given} is no list of texts, but {column.type}", remedy="give choices as texts")
        return column
    single = name.removesuffix("s")
    numbered = [f"{single}{number}" for number in range(1, 100)]
    columns = [one for one in numbered if one in table.column_names]
    if len(columns) < 2 or columns != numbered[: len(columns)]:
        raise UserError(
            f"{given} has no column {name}, nor {single}1, {single}2, ...; {nearest(name, table.column_names)}",
            remedy="name a column of lists of texts, or what numbered columns begin with: --choices COLUMN",
        )
    made = [[*row] for row in zip(*(table.column(one).cast(pa.string()).to_pylist() for one in columns), strict=True)]
    for row in made:
        while row and not row[-1]:  # of fewer choices than the longest
            row.pop()
    return pa.array(made, pa.list_(pa.string()))


def _labels(column: pa.Array, choices: pa.Array) -> np.ndarray:
    """int64[items], -1 where it is no number and no text of a choice."""
    if pa.types.is_integer(column.type):
        return pc.fill_null(column.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    texts, found = column.cast(pa.string()).to_pylist(), []
    for text, row in zip(texts, choices.to_pylist(), strict=True):
        if row and text in row:
            found.append(row.index(text))
        else:
            found.append(int(text) if text is not None and text.isascii() and text.isdigit() else -1)
    return np.array(found, dtype=np.int64)
