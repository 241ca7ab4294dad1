"""What dictionary files look like: their formats, their names, the names of their columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location

INDUCED = "induced"  # the source of entries that `lexicon induce` found
INDUCED_PIECES = "induced pieces"  # of those that are a tokenizer's pieces, not words
MINED_RANK = "rank_f"  # a column of `mined_word` datasets alone: their entries were found in texts by a program
FORMATS = ("auto", "muse", "tsv", "csv", "mined", "lexicon")
# What the columns of dictionaries are called; `source` is the source word where no other column is.
NAMES = {
    "src": ("src", "source_word", "src_word", "word", "expression", "source"),
    "tgt": ("tgt", "target_word", "tgt_word", "translation", "trans", "target"),
    "src_lang": ("src_lang", "source_lang", "src_language", "source_language", "lang", "language"),
    "tgt_lang": ("tgt_lang", "target_lang", "tgt_language", "target_language", "trans_lang", "translation_lang"),
    "score": ("score", "frequency", "freq", "count", "quality", "weight", "confidence", "probability"),
    "rank": (MINED_RANK, "rank"),
    "source": ("source", "collection", "origin"),
}
CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
JOINT = "|"  # between the sources of one entry

_NAME_CODE = r"[a-z]{2,3}(?:[-_][A-Z][a-z]{3})?(?:[-_][A-Z]{2})?"
_FILE_NAME = re.compile(rf"({_NAME_CODE})[-_]({_NAME_CODE})")


@dataclass(frozen=True)
class Header:
    """Where the columns of a dictionary are; codes: the languages, where the header names the columns by them."""

    columns: dict[str, int]
    names: tuple[str, ...]
    codes: tuple[str, str] | None = None

    @property
    def width(self) -> int:
        """Columns of each line."""
        return len(self.names)

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns of which nothing is taken, as a part of speech or a third language."""
        return tuple(name for at, name in enumerate(self.names) if at not in self.columns.values())


def named_header(fields: Sequence[str]) -> Header | None:
    """The header that names at least the two sides (see NAMES), or None."""
    names = [field.strip().lower() for field in fields]
    columns: dict[str, int] = {}
    for column, known in NAMES.items():
        found = next((name for name in known if name in names and names.index(name) not in columns.values()), None)
        if found:
            columns[column] = names.index(found)
    return Header(columns, tuple(names)) if {"src", "tgt"} <= columns.keys() else None


def code_header(fields: Sequence[str], is_code: Callable[[str, str], bool]) -> Header | None:
    """The header that names the sides by their languages (`en`, `German`), or None; `is_code` judges the two."""
    names = [field.strip() for field in fields]
    if len(names) < 2 or names[0] == names[1]:
        return None
    if not is_code(names[0], names[1]):
        return None
    columns = {"src": 0, "tgt": 1}
    lowered = [name.lower() for name in names]
    for column in ("score", "source"):
        found = next((name for name in NAMES[column] if name in lowered[2:]), None)
        if found:
            columns[column] = lowered.index(found, 2)
    return Header(columns, tuple(names), (names[0], names[1]))


def codes_of_name(path: Location) -> tuple[str, str] | None:
    """The two language codes of a file name: `en-de.tsv.gz`, `en-pa-Arab.tsv`, `eng_Latn-deu_Latn.0-5000.txt`."""
    match = _FILE_NAME.fullmatch(path.name.split(".")[0])
    return (match[1], match[2]) if match and match[1] != match[2] else None


def source_names(paths: Sequence[Location]) -> list[str]:
    """A short name for each file: without folder and extensions; with the folder where two would be called the same."""
    stems = [path.name.split(".")[0] or path.name for path in paths]
    twice = {stem for stem, count in Counter(stems).items() if count > 1}
    names = [
        f"{storage.resolve(path).parent.name}/{stem}" if stem in twice else stem
        for path, stem in zip(paths, stems, strict=True)
    ]
    return [name.replace(JOINT, "_") for name in names]
