"""Numbers of languages and scripts, for objectives that look them up in a table (LangSAMP, X-MOD adapters).

A label `srp_Cyrl` is the language `srp` in the script `Cyrl`: both scripts of Serbian share the language's number. The
label says which script, as in the one file for each `xxx_Yyyy` of LangSAMP; the column `script`, the main script of a
text by its letters, only where the label says none (all Chinese is Hani there, whichever the variant).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.layout import LANGUAGES_FILE, SCRIPTS_FILE
from xlcorpus.dataset.storage import Location, read_text
from xlcorpus.errors import UserError, nearest
from xlcorpus.text.labels import UNKNOWN_LANGUAGE

NO_SCRIPT = "Zyyy"  # undetermined, ISO 15924
LATIN, ROMANISED = "Latn", "translit"  # the kind of documents in a mix whose label is that of the original
_WITH_SCRIPT = re.compile(r"(.+)_([A-Z][a-z]{3})", re.DOTALL)  # the language may hold a `_` itself


def split_label(label: str | None) -> tuple[str, str]:
    """Language and script of `swh_Latn`; a label without a script has Zyyy, none (or an empty one) is und.

    Of two sides, `eng_Latn-deu_Latn`: eng-deu, in the script of both, Zyyy where they differ.
    """
    sides = [_split(side) for side in (label or "").split("-")]
    if len(sides) == 2 and all(script != NO_SCRIPT for _, script in sides):
        (one, first), (other, second) = sides
        return f"{one}-{other}", first if first == second else NO_SCRIPT
    return _split(label or "")


def _split(label: str) -> tuple[str, str]:
    found = _WITH_SCRIPT.fullmatch(label)
    return (found[1], found[2]) if found else (label or UNKNOWN_LANGUAGE, NO_SCRIPT)


def script_names(langs: pa.Array, scripts: pa.Array | None = None, kinds: pa.Array | None = None) -> pa.Array:
    """Script of each document, string[n]: that of its label, without one that of the column `script`, else Zyyy.

    langs, scripts, kinds: string[n]; romanised documents (kind translit) are Latn, whatever their label.
    """
    encoded = pc.fill_null(langs.cast(pa.string()), "").dictionary_encode()
    of_labels = [split_label(label)[1] for label in encoded.dictionary.to_pylist()]
    known = pa.array([None if script == NO_SCRIPT else script for script in of_labels], pa.string())
    names = known.take(encoded.indices)
    if scripts is not None:
        given = scripts.cast(pa.string())
        names = pc.coalesce(names, pc.if_else(pc.equal(given, ""), pa.scalar(None, pa.string()), given))
    names = pc.fill_null(names, NO_SCRIPT)
    if kinds is not None:
        romanised = pc.fill_null(pc.equal(kinds.cast(pa.string()), ROMANISED), False)
        names = pc.if_else(romanised, pa.scalar(LATIN), names)
    return names


@dataclass(frozen=True)
class LanguageIds:
    """Number of each language and of each script: 0, 1, 2, ... in the order of the mappings."""

    languages: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def build(
        cls, labels: Iterable[str | None], *, scripts: Iterable[str] | None = None, base: LanguageIds | None = None
    ) -> LanguageIds:
        """Number the languages of labels, and their scripts, sorted by name, whatever their order.

        scripts: those of the documents (`script_names`) where they are not those of the labels. base: those keep their
        numbers, what is new follows.
        """
        pairs = [split_label(label) for label in labels]
        known = base or cls()
        names = {script for _, script in pairs} if scripts is None else set(scripts)
        return cls(_number({language for language, _ in pairs}, known.languages), _number(names, known.scripts))

    @classmethod
    def load(cls, files: Mapping[str, str]) -> LanguageIds:
        """From the content of languages.json and scripts.json; raises UserError unless they number from 0 on."""
        tables = []
        for name in (LANGUAGES_FILE, SCRIPTS_FILE):
            try:
                table = json.loads(files[name])
                whole = isinstance(table, dict) and sorted(table.values()) == list(range(len(table)))
            except (KeyError, TypeError, ValueError):
                whole = False
            if not whole:
                raise UserError(
                    f"{name} does not number names 0, 1, 2, ...", remedy="take the file that pack wrote, unaltered"
                )
            tables.append(dict(sorted(table.items(), key=lambda item: item[1])))
        return cls(*tables)

    def files(self) -> dict[str, str]:
        """Content of languages.json and scripts.json, names in the order of their numbers."""
        tables = ((LANGUAGES_FILE, self.languages), (SCRIPTS_FILE, self.scripts))
        return {name: json.dumps(dict(table), ensure_ascii=False, indent=1) + "\n" for name, table in tables}

    def number(
        self, langs: pa.Array, scripts: pa.Array | None = None, kinds: pa.Array | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Language and script of each document as int32[n].

        langs: labels, string[n]; scripts, kinds: as in `script_names`. Raises UserError for a name without a number.
        """
        encoded = pc.fill_null(langs.cast(pa.string()), "").dictionary_encode()
        languages = [split_label(label)[0] for label in encoded.dictionary.to_pylist()]
        names = script_names(langs, scripts, kinds).dictionary_encode()
        return (
            self._numbers("language", languages, encoded.indices),
            self._numbers("script", names.dictionary.to_pylist(), names.indices),
        )

    def _numbers(self, what: str, names: list[str], codes: pa.Array) -> np.ndarray:
        found = np.array([self._find(what, name) for name in names], dtype=np.int32)
        return found[codes.to_numpy(zero_copy_only=False)]

    def names(self, lang_id: int, script_id: int) -> tuple[str, str]:
        """The language and the script with these numbers."""
        return list(self.languages)[lang_id], list(self.scripts)[script_id]

    def _find(self, what: str, name: str) -> int:
        table = self.languages if what == "language" else self.scripts
        if name not in table:
            raise UserError(
                f"the {what} {name!r} has no number in {LANGUAGES_FILE if what == 'language' else SCRIPTS_FILE} "
                f"({nearest(name, table)})",
                remedy="number all languages and scripts of this dataset (LanguageIds.build), then pack it",
            )
        return table[name]


def _number(names: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    new = sorted(set(names) - set(known))
    return {**known, **{name: len(known) + place for place, name in enumerate(new)}}


def load_ids(folder: Location) -> LanguageIds:
    """The numbers of a packed dataset; raises UserError where it has none, naming the file."""
    files = {}
    for name in (LANGUAGES_FILE, SCRIPTS_FILE):
        try:
            files[name] = read_text(folder / name)
        except OSError as error:
            raise UserError(
                f"{folder / name}: cannot be read: {error.strerror}",
                remedy="name the output of `xlcorpus pack` with --pure or --view: mixed packs have no numbers",
            ) from error
    try:
        return LanguageIds.load(files)
    except UserError as error:
        raise UserError(f"{folder}: {error.message}", remedy=error.remedy) from error
