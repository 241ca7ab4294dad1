"""Typological vectors and families of languages: of a package that carries URIEL, or of a table that a user names.

URIEL (Littell et al. 2017, EACL) is 289 yes-or-no features of 7,970 languages from WALS, SSWL, Ethnologue and PHOIBLE,
and their families from Glottolog. The packages urielplus (kept; extra `typology`) and lang2vec have it in their wheels;
the file is read where it lies, since urielplus writes into its own folder when it is opened. A feature is known where
one source knows it, and true where one says so (the union of lang2vec).
"""

from __future__ import annotations

import csv
import functools
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import TypeVar

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.text.labels import codes_of, language_of, script_of

SETS = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}  # features of URIEL by the start of their names
TABLE = "table"  # the numbers of a user's table
_PACKAGES = {"urielplus": ("database", "original_uriel"), "lang2vec": ("data",)}
_CODES = ("code", "iso", "iso639_3", "iso_639_3", "lang", "language", "label")
_FAMILY = "family"
T = TypeVar("T")


@dataclass(frozen=True)
class Typology:
    """What is known of some languages, in their order.

    sources: where it is from, for manifests. families: None where not known. vectors: float64[languages, features] by
    the name of the set, nan where not known. measured: the sets whose features are not all yes or no.
    """

    families: list[str | None]
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    measured: frozenset[str] = frozenset()


def typology_of(labels: Sequence[str], table: Location | None = None) -> Typology:
    """What the installed package and the table say of languages (`swh_Latn`, `swh`); the table's families count first.

    table: CSV or TSV with a column of ISO 639-3 codes or labels, perhaps `family`, and numbers. Raises UserError naming
    the line where the table is no such table.
    """
    found = _of_package(labels)
    return found if table is None else _with_table(found, labels, table)


def _of_package(labels: Sequence[str]) -> Typology:
    for package in _PACKAGES:
        read = _uriel(package)
        if read is not None:
            known = read.values[[_found(label, read.place, -1) for label in labels]].astype(np.float64)
            known[known < 0] = np.nan
            sets = {title: known[:, [name.startswith(start) for name in read.names]] for title, start in SETS.items()}
            families = [_found(label, read.families, None) for label in labels]
            return Typology(families, sets, {"uriel": f"{package} {read.version}"})
    return Typology([None] * len(labels))


@dataclass(frozen=True)
class _Uriel:
    """place: the row of each code of which anything is known; values: int8[languages + 1, features], -1: not known, as
    the last row is."""

    version: str
    place: dict[str, int]
    names: list[str]
    values: np.ndarray
    families: dict[str, str]


@functools.lru_cache(maxsize=1)
def _uriel(package: str) -> _Uriel | None:
    """What a package carries, read once a process; None where it is not installed."""
    try:
        version = metadata.version(package)
        files = [storage.packaged(package, *_PACKAGES[package], f"{name}features.npz") for name in ("", "family_")]
    except ModuleNotFoundError:  # PackageNotFoundError is one
        return None
    codes, names, data = _arrays(files[0])
    values = np.pad(data.max(axis=2).astype(np.int8), ((0, 1), (0, 0)), constant_values=-1)
    known = np.flatnonzero((values >= 0).any(axis=1))
    place = {codes[at]: at for at in known.tolist()}
    codes, groups, data = _arrays(files[1])
    rows, columns = np.nonzero(data[:, :, 0] > 0)
    # The widest family of a language stands last: of those it belongs to, the one with most languages.
    order = np.argsort(np.bincount(columns)[columns], kind="stable")
    families = {codes[rows[at]]: groups[columns[at]].removeprefix("F_") for at in order.tolist()}
    return _Uriel(version, place, names, values, families)


def _arrays(file: Location) -> tuple[list[str], list[str], np.ndarray]:
    with np.load(io.BytesIO(storage.read_bytes(file)), allow_pickle=False) as arrays:
        return arrays["langs"].tolist(), arrays["feats"].tolist(), arrays["data"]


def _with_table(found: Typology, labels: Sequence[str], path: Location) -> Typology:
    table = _read_table(path)
    at = [_found(label, table.place, -1) for label in labels]
    families = [table.families[row] or family for row, family in zip(at, found.families, strict=True)]
    sources = found.sources | {TABLE: f"{path.name} {storage.fingerprint_of_file(path)}"}
    if not table.values.shape[1]:
        return Typology(families, found.vectors, sources)
    measured = frozenset() if np.isin(table.values, (0.0, 1.0)).sum() == (~np.isnan(table.values)).sum() else {TABLE}
    values = _scaled(table.values) if measured else table.values
    return Typology(families, found.vectors | {TABLE: values[at]}, sources, frozenset(measured))


def _scaled(values: np.ndarray) -> np.ndarray:
    """Each column from 0 to 1 over all rows of the table, so that none counts more because of its unit, and no distance
    depends on which other languages a dataset has."""
    known = ~np.isnan(values)
    least = np.where(known, values, np.inf).min(axis=0)
    span = np.where(known, values, -np.inf).max(axis=0) - least
    with np.errstate(invalid="ignore"):
        return np.where(known, (values - least) / np.where(span > 0, span, 1), np.nan)


@dataclass(frozen=True)
class _Table:
    """place: the row of each code or label; families and values (float64[rows, columns], nan: not known) by row; the
    last row is of no language."""

    place: dict[str, int]
    families: list[str]
    values: np.ndarray


def _read_table(path: Location) -> _Table:
    try:
        text = storage.read_text(path).removeprefix("\ufeff")
        rows = csv.reader(io.StringIO(text), delimiter=max("\t;,", key=text.partition("\n")[0].count))
        names = [name.strip() for name in next(rows, [])]
        lines = [(rows.line_num, row) for row in rows if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--table {path}: cannot be read: {error}", remedy="give a CSV or TSV file in UTF-8") from error
    lower = [name.lower() for name in names]
    key = next((at for at, name in enumerate(lower) if name in _CODES), None)
    if key is None:
        raise UserError(
            f"--table {path}: its first line names no column of codes: {', '.join(names) or 'it is empty'}",
            remedy=f"call the column of ISO 639-3 codes `code` (or {', '.join(_CODES[1:])})",
        )
    if twice := [name for at, name in enumerate(lower) if name in lower[:at]]:
        raise UserError(f"--table {path}: two columns are called {twice[0]!r}", remedy="give each a name of its own")
    family = lower.index(_FAMILY) if _FAMILY in lower else None
    numbers = [at for at in range(len(names)) if at not in (key, family)]
    place: dict[str, int] = {}
    families, values = [], []
    for number, fields in lines:
        where = f"--table {path}, line {number}"
        if len(fields) > len(names):
            raise UserError(
                f"{where}: {len(fields)} fields, and {len(names)} columns", remedy="put fields with a comma in quotes"
            )
        row = [*map(str.strip, fields), *[""] * (len(names) - len(fields))]
        code = _code(row[key])
        if not code or code in place:
            problem = f"{row[key]!r} is given twice" if code else "no code"
            raise UserError(f"{where}: {problem}", remedy="leave one line of each language")
        place[code] = len(place)
        families.append(row[family] if family is not None else "")
        values.append([_number(row[at], f"{where}, column {names[at]!r}") for at in numbers])
    of_none = [math.nan] * len(numbers)
    return _Table(place, [*families, ""], np.array([*values, of_none], np.float64))


def _code(text: str) -> str:
    """A code or label as labels are written: swh of SWH, swh_Latn of swh_latn."""
    code, script = language_of(text), script_of(text)
    return f"{code.lower()}_{script.title()}" if script else code.lower()


def _found(label: str, known: Mapping[str, T], other: T) -> T:
    """What is known of a language by its label, its code or another one of it, the nearest first, else `other`."""
    return next((known[one] for one in (label, *codes_of(language_of(label))) if one in known), other)


def _number(text: str, where: str) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise UserError(f"{where}: {text!r} is no number", remedy="leave the field empty where it is not known")
    return value
