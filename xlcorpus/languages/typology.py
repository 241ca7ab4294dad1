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
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.text.labels import codes_of, language_of

SETS = {"syntactic": "S_", "phonological": "P_", "inventory": "INV_"}  # features of URIEL by the start of their names
TABLE = "table"  # the numbers of a user's table
_PACKAGES = {"urielplus": ("database", "original_uriel"), "lang2vec": ("data",)}
_CODES = ("code", "iso", "iso639_3", "iso_639_3", "lang", "language", "label")
_FAMILY = "family"


@dataclass(frozen=True)
class Typology:
    """What is known of some languages, in their order.

    sources: where it is from, for manifests. families: None where not known. vectors: float64[languages, features] by
    the name of the set, nan where not known.
    """

    families: list[str | None]
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


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
            rows = [
                next((read.place[one] for one in codes_of(language_of(label)) if one in read.place), -1)
                for label in labels
            ]
            known = np.where(np.array(rows)[:, None] >= 0, read.values[rows], np.int8(-1)).astype(np.float64)
            known[known < 0] = np.nan
            sets = {title: known[:, [name.startswith(start) for name in read.names]] for title, start in SETS.items()}
            families = [
                next((read.families[one] for one in codes_of(language_of(label)) if one in read.families), None)
                for label in labels
            ]
            return Typology(families, sets, {"uriel": f"{package} {read.version}"})
    return Typology([None] * len(labels))


@dataclass(frozen=True)
class _Uriel:
    """place: the row of each code of which anything is known; values: int8[languages, features], -1: not known."""

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
    values = data.max(axis=2).astype(np.int8)
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
    rows, numbers = _read_table(path)
    families, values = list(found.families), np.full((len(labels), len(numbers)), np.nan)
    for at, label in enumerate(labels):
        row = next((rows[one] for one in (label, *codes_of(language_of(label))) if one in rows), None)
        if row is not None:
            families[at] = row.get(_FAMILY) or families[at]
            values[at] = [row[name] for name in numbers]
    vectors = found.vectors | ({TABLE: _scaled(values)} if numbers else {})
    sources = found.sources | {TABLE: f"{path.name} {storage.fingerprint_of_file(path)}"}
    return Typology(families, vectors, sources)


def _scaled(values: np.ndarray) -> np.ndarray:
    """Each column from 0 to 1, so that none counts more because of its unit; yes and no stay as they are."""
    known = ~np.isnan(values)
    least = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    span = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf) - least
    plain = np.isnan(values) | np.isin(values, (0.0, 1.0))
    with np.errstate(invalid="ignore"):
        scaled = np.where(known, (values - least) / np.where(span > 0, span, 1), np.nan)
    return np.where(plain.all(axis=0), values, scaled)


def _read_table(path: Location) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Rows by code or label, and the columns of numbers."""
    try:
        lines = storage.read_text(path).removeprefix("\ufeff").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--table {path}: cannot be read: {error}", remedy="give a CSV or TSV file in UTF-8") from error
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    reader = csv.DictReader(lines, delimiter=delimiter)
    names = [name or "" for name in reader.fieldnames or ()]
    key = next((name for name in names if name.strip().lower() in _CODES), None)
    if key is None:
        raise UserError(
            f"--table {path}: its first line names no column of codes: {', '.join(names) or 'it is empty'}",
            remedy=f"call the column of ISO 639-3 codes `code` (or {', '.join(_CODES[1:])})",
        )
    family = next((name for name in names if name.strip().lower() == _FAMILY), None)
    numbers = [name for name in names if name not in (key, family)]
    rows: dict[str, dict[str, Any]] = {}
    for row in reader:
        where = f"--table {path}, line {reader.line_num}"
        code = (row[key] or "").strip()
        if code in rows:
            raise UserError(f"{where}: {code!r} is given twice", remedy="leave one line of each language")
        read: dict[str, Any] = {_FAMILY: (row[family] or "").strip() if family else ""}
        for name in numbers:
            read[name] = _number(row[name], f"{where}, column {name!r}")
        rows[code] = read
    return rows, numbers


def _number(text: str | None, where: str) -> float:
    if not (text or "").strip():
        return math.nan
    try:
        value = float(str(text))
    except ValueError:
        value = math.inf
    if not math.isfinite(value) and not math.isnan(value):
        raise UserError(f"{where}: {text!r} is no number", remedy="leave the field empty where it is not known")
    return value
