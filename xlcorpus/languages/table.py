"""The table of languages: a row each, the distance of each two, what it was made from; written, and read to choose by.

FILE.json has all but single features of pairs; FILE.parquet has a row a language, FILE.pairs.parquet a row a pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError

_KIND = "xlcorpus languages"
DIGITS = 6  # of numbers in JSON: beyond what another order of sums changes

_NEEDED = pa.schema(
    [
        pa.field("lang", pa.string(), nullable=False),
        pa.field("script", pa.string(), nullable=False),
        pa.field("family", pa.string()),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class LanguageTable:
    """rows: a row a language, with `lang`, `script`, `family` (perhaps null) and `bytes`, in the order of labels.

    matrix: float64[languages, languages], the distance, nan where it is not known. distances: by feature, of the same
    shape; empty in a table that was read. facts: what it was made from and how the distance is declared. fingerprint:
    of the file, in a table that was read.
    """

    rows: pa.Table
    matrix: np.ndarray
    distances: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def labels(self) -> list[str]:
        """The languages, in order."""
        labels: list[str] = self.rows["lang"].to_pylist()
        return labels

    def pairs(self) -> pa.Table:
        """A row a pair (the first label before the second): one, other, distance, and the distance by each feature."""
        one, other = np.triu_indices(len(self.labels), k=1)
        labels = pa.array(self.labels, pa.string())
        columns = {"distance": self.matrix, **self.distances}
        return pa.table(
            {"one": labels.take(pa.array(one)), "other": labels.take(pa.array(other))}
            | {name: pa.array(matrix[one, other], pa.float64(), from_pandas=True) for name, matrix in columns.items()}
        )


def check_output(path: Location) -> None:
    """Raise UserError unless the name ends in .json."""
    if path.suffix != ".json":
        raise UserError(f"--output {path}: the table of languages is JSON", remedy="give it a name that ends in .json")


def write_languages(table: LanguageTable, path: Location) -> list[Location]:
    """Write the three files, the JSON last; gives their names. Raises StorageError where one cannot be written."""
    files = [path.with_suffix(".parquet"), path.with_suffix(".pairs.parquet"), path]
    content = {
        "kind": _KIND,
        "version": 1,
        **table.facts,
        "languages": [{name: _plain(value) for name, value in row.items()} for row in table.rows.to_pylist()],
        "matrix": [[_plain(value) for value in row] for row in table.matrix.tolist()],
    }
    try:
        for file, rows in zip(files, (table.rows, table.pairs()), strict=False):
            with storage.writing(file) as temporary, storage.parquet_writer(temporary, rows.schema) as writer:
                writer.write_table(rows.combine_chunks())
        storage.write_json(path, content)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error
    return files


def read_languages(path: Location) -> LanguageTable:
    """The table that `xlcorpus languages` wrote; raises UserError where it is none."""
    remedy = "give the .json that `xlcorpus languages DATASET --output FILE.json` writes"
    try:
        content = storage.read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"the table of languages {path} cannot be read: {error}", remedy=remedy) from error
    try:
        if content["kind"] != _KIND:
            raise ValueError(content["kind"])
        rows = _rows(content["languages"])
        matrix = np.array([[math.nan if one is None else one for one in row] for row in content["matrix"]], np.float64)
        if matrix.shape != (len(rows), len(rows)):
            raise ValueError(f"a matrix of {matrix.shape} for {len(rows)} languages")
    except (AttributeError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path} is no table of languages ({error})", remedy=remedy) from error
    facts = {name: value for name, value in content.items() if name not in ("kind", "version", "languages", "matrix")}
    return LanguageTable(rows, matrix, {}, facts, storage.fingerprint_of_file(path))


def _rows(languages: list[dict[str, Any]]) -> pa.Table:
    """Rows with what languages are chosen by; raises where one lacks some of it, or a language has two."""
    rows = pa.Table.from_pylist(languages)
    for needed in _NEEDED:
        column = rows[needed.name].cast(needed.type)
        if column.null_count and not needed.nullable:
            raise ValueError(f"{needed.name!r} of a language is missing")
        rows = rows.set_column(rows.schema.get_field_index(needed.name), needed, column)
    if len(rows["lang"].unique()) < len(rows):
        raise ValueError("a language has two rows")
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS) + 0.0
    return value
