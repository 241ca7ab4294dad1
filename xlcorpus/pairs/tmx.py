"""TMX (translation memories, version 1.4 and before): a unit is a pair where it has a text in both languages.

The text of a segment is what is written in it and in `hi`; the native code that `bpt`, `ept`, `ph`, `it` and `ut` hold
is none, nor is a text within code (`sub`). White space around a text goes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.dataset.united import in_type
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES, SRC, TGT
from xlcorpus.pairs.tmx_units import RawUnit, UnitScanner, encoding_of
from xlcorpus.raw.assemble import BATCH_ROWS, Assembler
from xlcorpus.raw.input_columns import Column, fields_by_input
from xlcorpus.raw.input_files import FIRST_BYTES, InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order
from xlcorpus.raw.streams import read_head, read_stream
from xlcorpus.text.language_names import meaning_of

_LOOK = 1 << 20  # bytes of a file that say which languages and which columns it has
_BATCH_BYTES = 4 << 20
_CODES = frozenset({"bpt", "ept", "ph", "it", "ut"})
_NO_COLUMNS = frozenset({"srclang", "o-encoding"})
_SRCLANG = re.compile(rb"""<header\b[^<]*?\ssrclang\s*=\s*["']([^"']*)["']""")
_REPLACED = "\ufffd".encode()


class BadUnit(Exception):
    """reason and what is wrong, in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Unit:
    """said: attributes of the unit and its properties by type; variants: language code and text of each."""

    said: dict[str, str] = field(default_factory=dict)
    variants: list[tuple[str, str]] = field(default_factory=list)


def parse_unit(data: bytes) -> Unit:
    """A unit of UTF-8; raises BadUnit: invalid_xml (an entity that XML does not know among it)."""
    unit, properties = Unit(), dict[str, str]()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    language, kind = "", ""
    pieces: list[str] | None = None
    within_code = variants = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal language, kind, pieces, within_code, variants
        if pieces is not None:
            within_code += name in _CODES
        elif name == "tu":
            unit.said = attributes
        elif name == "tuv":
            variants += 1
            language = attributes.get("xml:lang") or attributes.get("lang") or ""
        elif name == "seg" or (name == "prop" and not variants and "type" in attributes):
            kind, pieces = attributes.get("type", ""), []

    def end(name: str) -> None:
        nonlocal pieces, within_code
        if pieces is None:
            return
        if name in _CODES:
            within_code -= 1
        elif name == "seg":
            unit.variants.append((language, "".join(pieces).strip()))
            pieces = None
        elif name == "prop":
            properties.setdefault(kind, "".join(pieces).strip())
            pieces = None

    def text(piece: str) -> None:
        if pieces is not None and not within_code:
            pieces.append(piece)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        why = f"{expat.ErrorString(error.code)} (line {error.lineno:,}, column {error.offset:,} of the unit)"
        raise BadUnit("invalid_xml", f"the unit is not well-formed XML: {why}") from None
    unit.said = {**properties, **unit.said}
    return unit


@functools.lru_cache(maxsize=1 << 12)
def fit(code: str, wanted: str) -> int:
    """How well a language code of a file is the one that is asked for: 0 the same, 1 with more subtags (en-US of en),
    2 another name of the language (de of German, deu_Latn); 3 another language.
    """
    one, other = (name.lower().replace("_", "-") for name in (code, wanted))
    if one == other:
        return 0
    if one.startswith(f"{other}-"):
        return 1
    given, asked = meaning_of(code), meaning_of(wanted)
    scripts = {given.script, asked.script} - {None}
    return 2 if given.language and given.language == asked.language and len(scripts) < 2 else 3


def variant(unit: Unit, wanted: str) -> tuple[str, str] | None:
    """The code and text of the variant that fits best, of equals the first; None where none is in the language."""
    best = min(unit.variants, key=lambda one: fit(one[0], wanted), default=None)
    return best if best is not None and fit(best[0], wanted) < 3 else None


@dataclass(frozen=True)
class _Head:
    """What the first units of a file say: language codes in their order, names of attributes and properties."""

    languages: tuple[str, ...]
    names: tuple[str, ...]
    srclang: str | None


def _head(file: InputFile, limit: int) -> _Head:
    data = read_head(file.path, file.compression, _LOOK)
    encoding, mark = _encoding(file, data)
    languages: dict[str, str] = {}
    names: dict[str, None] = {}
    for found in UnitScanner(encoding, mark, limit).read(iter([data])):
        if isinstance(found, RawUnit):
            try:
                unit = parse_unit(found.data)
            except BadUnit:
                continue
            names.update(dict.fromkeys(unit.said))
            for code, _ in unit.variants:
                languages.setdefault(code.lower(), code)
    said = _SRCLANG.search(data[mark:].decode(encoding, "replace").encode())
    srclang = said.group(1).decode("utf-8", "replace") if said else None
    return _Head(tuple(languages.values()), tuple(name for name in names if name not in _NO_COLUMNS), srclang)


def _encoding(file: InputFile, head: bytes) -> tuple[str, int]:
    try:
        return encoding_of(head)
    except LookupError as error:
        raise UserError(
            f"{file.path} is in an encoding that is not known: {error}", remedy="rewrite it in UTF-8 (iconv)"
        ) from None


def tmx_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """The languages of the sides where no option says them, and a column of strings for each attribute (tuid) and
    property of the first units. Raises UserError where nothing says which of a file's languages are the sides.
    """
    columns: dict[str, Column] = {}
    for file in files:
        if not file.size:
            continue
        head = _head(file, options.max_record_bytes)
        _sides(file, head, options)
        said = [options.language_column(name) for name, given in options.languages.items() if given is None]
        for name in (*said, *head.names):
            columns.setdefault(name, Column(pa.string(), file.path))
    return columns


def _sides(file: InputFile, head: _Head, options: ReadOptions) -> dict[str, str]:
    """The language code of each side: as the options name it; `src` is the header's srclang, `tgt` the other one."""
    wanted = dict(options.texts)
    named = [name for name in wanted.values() if name not in SIDES]
    left = [code for code in head.languages if all(fit(code, name) == 3 for name in named)]
    if len(named) == 2 or not head.languages:
        return wanted
    first = min(left, key=lambda code: fit(code, head.srclang or ""), default=None)
    if len(left) != 2 - len(named) or first is None:
        there = ", ".join(head.languages[:30])
        raise UserError(
            f"{file.path} has texts in {there}: which of them are the sides of a pair is not said",
            remedy=f"name both: --src-column {head.languages[0]} --tgt-column {head.languages[-1]}",
        )
    meant = {SRC: first, TGT: left[-1] if left[-1] != first else left[0]}
    return {side: meant[name] if name in SIDES else name for side, name in wanted.items()}


def read_tmx(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """The units of a file (one range).

    Reject reasons: missing_src, missing_tgt (no text in the language), invalid_xml, invalid_utf8, invalid_encoding,
    record_too_large, truncated_file, corrupt_file. Decisions and rejects of `Assembler.rows` besides.
    """
    file = part.file
    encoding, mark = _encoding(file, read_head(file.path, file.compression, FIRST_BYTES))
    rows = _Rows(file, options, schema, wide=encoding != "utf-8")
    scanner = UnitScanner(encoding, mark, options.max_record_bytes)
    for found in scanner.read(read_stream(file.path, file.compression)):
        if isinstance(found, RawUnit):
            rows.add(found)
        else:
            rows.rejects.append(found)
        if len(rows.offsets) + len(rows.rejects) >= BATCH_ROWS or rows.size >= _BATCH_BYTES:
            yield from rows.emit(scanner.position)
    yield from rows.emit(scanner.position)


class _Rows:
    """Units that wait to be rows. wide: the file is not in UTF-8."""

    def __init__(self, file: InputFile, options: ReadOptions, schema: pa.Schema, *, wide: bool) -> None:
        self.assembler = Assembler(file, options, schema)
        self.languages = [name for name, given in options.languages.items() if given is None]
        said = {options.language_column(name) for name in self.languages}
        self.fields = {name: one for name, one in fields_by_input(schema).items() if name not in said}
        self.wanted = _sides(file, _head(file, options.max_record_bytes), options)
        self.wide, self.done = wide, 0
        self._clear()

    def _clear(self) -> None:
        self.offsets: list[int] = []
        self.sides: dict[str, list[tuple[str, str]]] = {side: [] for side in SIDES}
        self.said: list[dict[str, str]] = []
        self.rejects: list[Reject] = []
        self.size = 0

    def add(self, raw: RawUnit) -> None:
        """A unit becomes a row, or a reject."""
        self.size += len(raw.data)
        try:
            unit = _read(raw, wide=self.wide)
            found = {side: _found(unit, side, name) for side, name in self.wanted.items()}
        except BadUnit as error:
            self.rejects.append(Reject(raw.offset, error.reason, str(error), raw.data))
            return
        except UnicodeDecodeError as error:
            self.rejects.append(bad_utf8(raw.offset, "the unit", raw.data, error))
            return
        self.offsets.append(raw.offset)
        self.said.append(unit.said)
        for side, one in found.items():
            self.sides[side].append(one)

    def emit(self, position: int) -> Iterator[Result]:
        """All that wait. position: bytes of the file that are done with."""
        texts = {side: pa.array([text for _, text in found], pa.string()) for side, found in self.sides.items()}
        columns = {
            name: pa.array([code for code, _ in self.sides[name.removesuffix("_lang")]], pa.string())
            for name in self.languages
        }
        given = pa.field("", pa.string())
        for name, one in self.fields.items():
            values = pa.array([said.get(name) for said in self.said], pa.string())
            columns[one.name] = in_type(values, given, one)
        offsets, rejects, size = np.array(self.offsets, dtype=np.int64), in_order(self.rejects), position - self.done
        self._clear()
        self.done = position
        yield from self.assembler.rows(offsets, texts, columns, size=size, rejects=rejects)


def _read(raw: RawUnit, *, wide: bool) -> Unit:
    raw.data.decode("utf-8")
    if wide and _REPLACED in raw.data:
        raise BadUnit("invalid_encoding", "the unit holds bytes that are no character in the encoding of the file")
    return parse_unit(raw.data)


def _found(unit: Unit, side: str, wanted: str) -> tuple[str, str]:
    found = variant(unit, wanted)
    if found is None:
        there = ", ".join(dict.fromkeys(code or "none" for code, _ in unit.variants)) or "no language"
        raise BadUnit(f"missing_{side}", f"the unit has no text in {wanted!r}; it has: {there}")
    return found
