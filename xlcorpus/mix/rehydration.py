"""Rehydration: a document that deduplication kept counts as often as its duplicate cluster's size says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlcorpus.dataset.storage import Location, locate
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.cells import Cell

# From this cluster size on, so many times. README of huggingface/fineweb-2: its simple weights for all languages.
FINEWEB2 = {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}
_MOST = 1000


@dataclass(frozen=True)
class Rehydration:
    """Weights by cluster size: `default`, and tables of their own for some languages (FineWeb-2's per-language form).

    A table is ((size, weight), ...), sizes ascending from 1: the weight holds from that size to the next one's.
    """

    default: tuple[tuple[int, int], ...] | None
    languages: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()

    def repeats(self, lang: str, dup_size: np.ndarray) -> np.ndarray:
        """int64[rows]: how often each document counts. dup_size: int[rows], members of its cluster, itself included.

        A size below 1 (a document that no dedup step saw) counts once. Raises UserError as `rehydrated` does.
        """
        sizes, weights = np.array(self.table(lang), dtype=np.int64).T
        place = np.searchsorted(sizes, np.maximum(dup_size, 1), side="right") - 1
        return weights[place]  # type: ignore[no-any-return]

    def rehydrated(self, cell: Cell) -> tuple[int, int]:
        """(units, documents) of a cell when every document counts by its weight.

        Raises UserError where its documents have no dup_size, or its language no table.
        """
        if not cell.by_dup_size and cell.documents:
            raise UserError(
                f"rehydrate: the documents of {cell.name} have no dup_size", remedy="run `xlcorpus dedup` before mixing"
            )
        repeats = self.repeats(cell.lang, np.array([size for size, _, _ in cell.by_dup_size], dtype=np.int64)).tolist()
        rows = list(zip(repeats, cell.by_dup_size, strict=True))
        return sum(n * units for n, (_, units, _) in rows), sum(n * documents for n, (_, _, documents) in rows)

    def table(self, lang: str) -> tuple[tuple[int, int], ...]:
        """The table of a language (`swh_Latn`), or the default; raises UserError where there is neither."""
        table = dict(self.languages).get(lang, self.default)
        if table is None:
            raise UserError(
                f"rehydrate: there are no weights for {lang or 'documents without a language'!r}",
                remedy="add it to the weights, or a table named `default`",
            )
        return table

    def to_json(self) -> dict[str, Any]:
        """For plans and manifests; `read_rehydration` reads it back."""
        default: dict[Any, Any] = dict(self.default or ())
        tables: dict[str, Any] = {lang: dict(table) for lang, table in self.languages}
        return (tables | ({"default": default} if default else {})) if tables else default


def read_rehydration(value: Any = None) -> Rehydration:
    """Weights as a recipe gives them: None or 'fineweb2', {size: weight}, {lang: {size: weight}}, or a file of either.

    A file is YAML or JSON, such as FineWeb-2's misc/rehydration/weights/up_to_10_reps.json; a language named `default`
    serves those that have no table. Raises ValueError that says what is wrong.
    """
    if value is None or value == "fineweb2":
        return Rehydration(_read_table(FINEWEB2, "fineweb2"))
    if isinstance(value, Rehydration):
        return value
    if isinstance(value, str | Location):
        try:
            content = load_yaml(locate(value), max_bytes=20_000_000, max_nodes=500_000)
        except UserError as error:
            raise ValueError(str(error)) from None
        return read_rehydration(content if isinstance(content, dict) else {})
    if not isinstance(value, Mapping) or not value:
        raise ValueError("weights are 'fineweb2', {cluster size: weight}, {language: {size: weight}} or a file of them")
    if all(isinstance(table, Mapping) for table in value.values()):
        tables = {str(lang): _read_table(table, str(lang)) for lang, table in value.items()}
        return Rehydration(tables.pop("default", None), tuple(sorted(tables.items())))
    return Rehydration(_read_table(value, "weights"))


def _read_table(table: Mapping[Any, Any], name: str) -> tuple[tuple[int, int], ...]:
    rows = []
    for key, weight in table.items():
        size = int(key) if isinstance(key, str) and key.isdecimal() else key  # JSON has no whole numbers as keys
        for number in (size, weight):
            if isinstance(number, bool) or not isinstance(number, int):
                raise ValueError(f"{name}: {key!r}: {weight!r} is not a cluster size and a whole weight")
        if size < 1 or not 0 <= weight <= _MOST:
            raise ValueError(f"{name}: {key!r}: {weight!r}: sizes are at least 1, weights from 0 to {_MOST}")
        rows.append((size, weight))
    rows.sort()
    if not rows or rows[0][0] != 1:
        raise ValueError(f"{name}: the weights must begin with cluster size 1, the documents without a duplicate")
    if len({size for size, _ in rows}) < len(rows):
        raise ValueError(f"{name}: a cluster size is given twice")
    return tuple(rows)
