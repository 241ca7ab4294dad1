"""Columns that a user keeps in rows of another kind (`--keep`): packs, views, restore rows, sentence pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import field_validator, model_validator

from xlcorpus.dataset.columns import put_columns, recast, require_column, value_bytes
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError, given_twice
from xlcorpus.options import StepOptions

DESCRIPTION = "columns of the input to keep: label,image; NEW=OLD gives one another name"
ROW = "__row"  # which row of the input each new row is made of; of a pack: those of its parts
MOST_BYTES = 16 << 20  # of kept values in a batch: a document's image may be wanted for each of its sentences


@dataclass(frozen=True)
class Kept:
    """The columns that are kept: (name among the new rows, name in the input) each, in order."""

    names: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, given: str | None) -> Kept:
        """`label,image` or `caption_length=length`; raises UserError for an empty name, and one that is there twice."""
        if given is None:
            return cls()
        parts = [part.partition("=") for part in given.split(",")]
        names = tuple((new.strip(), (old if sign else new).strip()) for new, sign, old in parts)
        if not all(new and old for new, old in names):
            raise UserError(f"--keep {given!r} has an empty name", remedy="write --keep label,image or NEW=OLD")
        twice = given_twice([new for new, _ in names])
        if twice is not None:
            raise UserError(f"--keep {given}: {twice!r} is there twice", remedy="name it once, or write NEW=OLD")
        return cls(names)

    def __bool__(self) -> bool:
        """Whether any column is kept."""
        return bool(self.names)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns of the input."""
        return tuple(dict.fromkeys(old for _, old in self.names))

    def check(self, columns: pa.Schema, ours: Collection[str], where: str) -> None:
        """Raise UserError for a column that is not there, and for a name that rows of this kind have for themselves."""
        for new, old in self.names:
            require_column(columns, old, where, remedy="--keep names columns of the input")
            if new in ours:
                raise UserError(
                    f"--keep {old}: rows of this kind have a column {new!r} of their own",
                    remedy=f"give it another name (--keep input_{new}={old}), or leave it out",
                )

    def schema(self, columns: pa.Schema) -> pa.Schema:
        """The fields of the kept columns, with plain types; raises UserError for one that is not there."""
        return pa.schema([pa.field(new, _plain(require_column(columns, old).type)) for new, old in self.names])

    def of(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The kept columns of some rows, under their new names; raises UserError for one that is not there."""
        schema = self.schema(rows.schema)
        return pa.RecordBatch.from_arrays(
            [recast(rows.column(old), field.type) for (_, old), field in zip(self.names, schema, strict=True)],
            schema=schema,
        )

    def renamed(self, features: Features) -> Features:
        """What is said of the columns of the input (`dataset.features`), by their new names."""
        return {new: features[old] for new, old in self.names if old in features}


class KeepOptions(StepOptions):
    """Options of a step that makes rows of another kind; each says with its own words what `keep` is."""

    keep: str | None = None

    @field_validator("keep", mode="before")
    @classmethod
    def _join_names(cls, value: Any) -> Any:
        """A recipe may have a list."""
        return ",".join(map(str, value)) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _check_keep(self) -> KeepOptions:
        assert self.kept is not None  # raises UserError
        return self

    @property
    def kept(self) -> Kept:
        """The columns that are kept; raises UserError where their names cannot be read."""
        return Kept.parse(self.keep)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Parquet has no lists of dictionaries."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def numbered(batch: pa.RecordBatch, first: int = 0) -> pa.RecordBatch:
    """The rows with their numbers, from `first` on."""
    return put_columns(batch, {ROW: pa.array(np.arange(first, first + batch.num_rows))})


def with_kept(made: Result, kept: pa.RecordBatch) -> Iterator[Result]:
    """What was made of some rows with their kept columns in the place of `ROW`, in results of bounded size."""
    pieces = spread(made.rows.drop_columns([ROW]), kept, made.rows.column(ROW).to_numpy())
    yield replace(made, rows=next(pieces))
    yield from map(Result, pieces)


def beside(rows: pa.RecordBatch, kept: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with the kept columns, as many, at their end."""
    return pa.RecordBatch.from_arrays([*rows.columns, *kept.columns], schema=pa.schema([*rows.schema, *kept.schema]))


def weights_of(kept: pa.RecordBatch) -> np.ndarray:
    """int64[rows]: bytes of the values of each row."""
    return sum((value_bytes(column) for column in kept.columns), np.zeros(kept.num_rows, dtype=np.int64))


def cuts_of(weights: np.ndarray) -> Iterator[tuple[int, int]]:
    """(start, stop) of stretches of at most 16 MB; a heavier row stands alone. weights: int64[rows]; one, if no row."""
    ends = np.cumsum(weights)
    start = 0
    while True:
        before = int(ends[start - 1]) if start else 0
        stop = min(max(int(np.searchsorted(ends, before + MOST_BYTES, side="right")), start + 1), len(weights))
        yield start, stop
        start = stop
        if start >= len(weights):
            return


def spread(rows: pa.RecordBatch, kept: pa.RecordBatch, at: np.ndarray) -> Iterator[pa.RecordBatch]:
    """The rows with the kept values at these places (int64[rows]), in batches of at most 16 MB; at least one."""
    for start, stop in cuts_of(weights_of(kept)[at]):
        yield beside(rows.slice(start, stop - start), kept.take(pa.array(at[start:stop])))
