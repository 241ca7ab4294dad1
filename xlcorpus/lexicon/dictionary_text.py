"""Parse dictionaries that are text: MUSE lines, TSV and CSV with a header. Every fault names the file and the line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.formats import NAMES, Header
from xlcorpus.raw.streams import MAGIC, Damage, read_stream
from xlcorpus.text.ragged import offsets_of

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_CSV_ROWS = 65_536
_MOST_BYTES = (1 << 31) - 2
_ONE_COLUMN = "each line is a word and its translation, with a TAB between them"


@dataclass(frozen=True)
class RawColumns:
    """The columns of a dictionary as they are in the file.

    columns: `src` and `tgt` (string, no nulls), of `src_lang`, `tgt_lang`, `source` (string), `score` and `rank`
    (double) those that the file has; lines: int64[entries], where each entry is; unit: `line` or `row`; unread: names
    of the other columns.
    """

    columns: dict[str, pa.Array]
    lines: np.ndarray
    unit: str = "line"
    codes: tuple[str, str] | None = None
    unread: tuple[str, ...] = ()

    def refuse(self, path: Location, wrong: pa.BooleanArray, what: str, remedy: str) -> None:
        """Raise UserError naming the first entry that is wrong, if one is."""
        _refuse(path, self.lines, wrong.to_numpy(zero_copy_only=False), what, remedy, self.unit)


def read_utf8(path: Location) -> bytes:
    """The bytes of a dictionary, decompressed (gzip, zstd, bz2, xz), without a byte order mark, proved to be UTF-8.

    Lines end with LF, whatever they ended with.

    Raises UserError where the file is missing, damaged, empty, too large for one table, or not UTF-8.
    """
    try:
        with storage.open_input(path) as stream:
            head = stream.read(8)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", remedy="check the path") from error
    compression = next((name for name, magic in MAGIC.items() if head.startswith(magic)), "none")
    pieces: list[bytes] = []
    size = 0
    for piece in read_stream(path, compression):
        if isinstance(piece, Damage):
            line = sum(part.count(b"\n") for part in pieces) + 1
            raise UserError(f"{path}, line {line}: {piece.message}", remedy="fetch or compress the file again")
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise UserError(f"{path} is larger than 2 GiB", remedy="split the file and give all its parts")
    data = b"".join(pieces).removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:  # CRLF, or returns alone, as classic Mac OS and its Excel have them
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8",
            remedy="convert the file, for example: iconv -f LATIN1 -t UTF-8 (or UTF-16, GB18030, ...)",
        ) from error
    if not data.strip():
        raise UserError(f"{path} is empty", remedy="leave it out, or fetch it again")
    return data


def split_lines(data: bytes) -> tuple[pa.Array, np.ndarray]:
    """The lines that are not blank (string[lines]) and their numbers, from 1 (int64[lines])."""
    if not data.endswith(b"\n"):
        data += b"\n"
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    whole = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    solid = pc.not_equal(pc.utf8_trim_whitespace(whole), "")
    numbers = np.flatnonzero(solid.to_numpy(zero_copy_only=False)) + 1
    return pc.utf8_trim(whole.filter(solid), characters="\r\n"), numbers


def parse_muse(path: Location, lines: pa.Array, numbers: np.ndarray) -> RawColumns:
    """Lines of `src tgt` or `src tgt score`, by TAB where the line has one, else by space; no header."""
    tabbed = pc.match_substring(lines, "\t")
    fields = pc.if_else(
        tabbed, pc.split_pattern(lines, "\t"), pc.ascii_split_whitespace(pc.ascii_trim_whitespace(lines))
    )
    width = pc.list_value_length(fields).to_numpy(zero_copy_only=False)
    by_tab = tabbed.to_numpy(zero_copy_only=False)
    last = pc.list_element(_padded(fields, width), 2)
    scored = pc.match_substring_regex(pc.utf8_trim_whitespace(last), _NUMBER).to_numpy(zero_copy_only=False)
    _refuse(path, numbers, width < 2, "one column only", _ONE_COLUMN)
    unclear = "where does the translation begin? More than two words, and no TAB"
    _refuse(path, numbers, ~by_tab & ((width > 3) | ((width == 3) & ~scored)), unclear, _ONE_COLUMN)
    _refuse(
        path,
        numbers,
        by_tab & ((width > 3) | ((width == 3) & ~scored)),
        "more than two columns, and the third is not a score",
        "begin the file with a line that names the columns: src, tgt, ... with a TAB between them",
    )
    columns = {"src": pc.list_element(fields, 0), "tgt": pc.list_element(fields, 1)}
    if (width == 3).any():
        score = pc.if_else(pa.array(width == 3), pc.utf8_trim_whitespace(last), pa.scalar(None, pa.string()))
        columns["score"] = score.cast(pa.float64())
    return RawColumns(columns, numbers)


def _padded(fields: pa.ListArray, width: np.ndarray) -> pa.ListArray:
    """The lists with at least three items: empty texts are put behind the shorter ones."""
    missing = np.maximum(3 - width, 0)
    ends = np.cumsum(width)
    order = np.insert(np.arange(len(fields.flatten())), np.repeat(ends, missing), -1)
    values = fields.flatten().take(pa.array(order, mask=order < 0)).fill_null("")
    return pa.ListArray.from_arrays(pa.array(offsets_of(width + missing).astype(np.int32)), values)


def parse_tsv(path: Location, lines: pa.Array, numbers: np.ndarray, header: Header) -> RawColumns:
    """Lines of as many columns as the header (the first line) names, with TABs between them."""
    lines, numbers = lines[1:], numbers[1:]
    if not len(lines):
        raise UserError(f"{path} holds no entry: it ends after the header", remedy="leave it out, or fetch it again")
    fields = pc.split_pattern(lines, "\t")
    width = pc.list_value_length(fields).to_numpy(zero_copy_only=False)
    _refuse(path, numbers, width < 2, "one column only", _ONE_COLUMN)
    _refuse(path, numbers, width != header.width, f"not {header.width} columns, as the header has", "mend the line")
    taken = {name: pc.list_element(fields, column) for name, column in header.columns.items()}
    return RawColumns(_with_numbers(path, taken, numbers), numbers, codes=header.codes, unread=header.unread)


def parse_csv(path: Location, data: bytes, find_header: Callable[[Sequence[str]], Header | None]) -> RawColumns:
    """Records of as many fields as the header names: commas or semicolons between them, quotes as in RFC 4180."""
    text = data.decode("utf-8")
    first = text.lstrip().partition("\n")[0]
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",", strict=True
    )
    header: Header | None = None
    chunks: list[pa.Table] = []
    pending: list[list[str]] = []
    numbers: list[int] = []
    try:
        for row in rows:
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = find_header(row)
                if header is None:
                    raise no_header(path, row)
                continue
            if len(row) != header.width:
                what = (
                    "one column only" if len(row) == 1 else f"{len(row)} columns, not {header.width} as the header has"
                )
                raise UserError(f"{path}, line {rows.line_num}: {what}", remedy="mend the line, or quote its commas")
            pending.append(row)
            numbers.append(rows.line_num)
            if len(pending) == _CSV_ROWS:
                chunks.append(_columns(pending, header))
                pending = []
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: {error}", remedy="close the quotes of the line") from error
    if header is None or not numbers:
        raise UserError(f"{path} holds no entry: it ends after the header", remedy="leave it out, or fetch it again")
    table = pa.concat_tables([*chunks, _columns(pending, header)]).combine_chunks()
    lines = np.array(numbers, dtype=np.int64)
    taken = {name: table[name].combine_chunks() for name in table.column_names}
    return RawColumns(_with_numbers(path, taken, lines), lines, codes=header.codes, unread=header.unread)


def _columns(rows: list[list[str]], header: Header) -> pa.Table:
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for name, at in header.columns.items()})


def no_header(path: Location, fields: Sequence[str]) -> UserError:
    """The error for a first line that names no columns."""
    known = [name for names in NAMES.values() for name in names]
    hint = nearest(fields[0].strip().lower(), known) if fields else ""
    return UserError(
        f"{path}, line 1: {', '.join(repr(field) for field in fields[:4])} name no columns of a dictionary; {hint}",
        remedy="begin the file with src_lang,tgt_lang,src,tgt,score (src and tgt are enough), or give --format muse",
    )


def _with_numbers(path: Location, columns: dict[str, pa.Array], lines: np.ndarray) -> dict[str, pa.Array]:
    """The columns with `score` and `rank` as numbers; an empty field is null."""
    for name in {"score", "rank"} & columns.keys():
        texts = pc.utf8_trim_whitespace(columns[name])
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
        right = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), True).to_numpy(zero_copy_only=False)
        _refuse(path, lines, ~right, f"the {name} is not a number", "write 0.5, or leave the field empty")
        columns[name] = texts.cast(pa.float64())
    return columns


def _refuse(path: Location, numbers: np.ndarray, wrong: np.ndarray, what: str, remedy: str, unit: str = "line") -> None:
    """Raise UserError naming the first line that is wrong, if one is."""
    if wrong.any():
        raise UserError(f"{path}, {unit} {numbers[int(wrong.argmax())]}: {what}", remedy=remedy)
