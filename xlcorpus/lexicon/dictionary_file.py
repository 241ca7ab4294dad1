"""Read a dictionary file of any known format as clean entries with languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon import dictionary_text, formats
from xlcorpus.lexicon.dictionary_text import RawColumns
from xlcorpus.lexicon.entries import NOTES, OTHER_LANGUAGE, clean_texts, entry_schema, one_array
from xlcorpus.lexicon.formats import CODE, FORMATS, JOINT, Header, codes_of_name, source_names
from xlcorpus.text.labels import han_variant, has_script, language_of, normalize_label, usual_scripts
from xlcorpus.text.script import script_of_all

LEXICON_KEY = b"xlcorpus.schema"  # in the metadata of a built lexicon: the rows are canonical

_SIDES = {"src": "source", "tgt": "target"}


@dataclass(frozen=True)
class Dictionary:
    """What one file holds: clean entries (schema lexicon-1, any order), rows read, rows left out by reason, format."""

    entries: pa.Table
    rows: int
    left_out: Counter[str]
    format: str
    canonical: bool = False


def is_lexicon(path: Location) -> bool:
    """Whether a file is a Parquet file that `xlcorpus lexicon` built."""
    return _is_parquet(path) and (_schema(path).metadata or {}).get(LEXICON_KEY) == b"lexicon-1"


def read_dictionary(
    path: Location, *, src: str | None = None, tgt: str | None = None, format: str = "auto", source: str | None = None
) -> Dictionary:
    """Read one dictionary file, or a dataset of `mined_word` rows.

    src, tgt: the languages of the sides (`eng_Latn`, `en`), where neither the columns, the header nor the file name say
    it; of a file with columns for them, only the rows of these languages are taken. format: one of FORMATS. source:
    name of the collection. Raises UserError for a file that is no dictionary, naming the line.
    """
    if format not in FORMATS:
        raise UserError(
            f"--format: there is no format {format!r}; {nearest(format, FORMATS)}", remedy="use one of them"
        )
    if not storage.exists(path):
        raise UserError(f"{path} does not exist", remedy="check the path")
    found = _format_of(path, format)
    if found in ("mined", "lexicon"):
        raw, built = _read_parquet(path)
        if found == "lexicon" and not built:
            raise UserError(
                f"{path} was not made by xlcorpus lexicon", remedy="build one from it: xlcorpus lexicon build"
            )
    else:
        raw, found = _read_text(path, found, src, tgt)
        built = False
    name = source_names([path])[0] if source is None else source.replace(JOINT, "_")
    return _with_languages(path, raw, src, tgt, name, found, built)


def _format_of(path: Location, format: str) -> str:
    if format != "auto":
        return format
    if storage.is_folder(path):
        return "mined"
    if _is_parquet(path):
        return "lexicon" if is_lexicon(path) else "mined"
    return "csv" if ".csv" in [suffix.lower() for suffix in path.suffixes] else "auto"


def _is_parquet(path: Location) -> bool:
    if not storage.is_file(path):
        return False
    with storage.open_input(path) as stream:
        return stream.read(4) == b"PAR1"


@contextmanager
def _parquet_faults(path: Location) -> Iterator[None]:
    """UserError for a file that is no Parquet file."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no Parquet file: {error}", remedy="make it again, or name its --format") from error


def _schema(path: Location) -> pa.Schema:
    with _parquet_faults(path):
        return storage.parquet_schema(path)


def _rows(path: Location, columns: list[str]) -> pa.Table:
    with _parquet_faults(path), storage.open_parquet(path) as file:
        table = file.read(columns=columns, use_threads=False)
        table.validate(full=True)  # a flipped bit can make strings that are no UTF-8
        return table


def _read_parquet(path: Location) -> tuple[RawColumns, bool]:
    """The columns of a Parquet file or dataset, and whether the rows are canonical already."""
    dataset = Dataset(path, Manifest.load(path)) if storage.is_folder(path) else None
    names = (_schema(path) if dataset is None else dataset.manifest.arrow_schema).names
    header = formats.named_header(names)
    if header is None:
        raise UserError(
            f"{path} has no columns src and tgt, but {', '.join(names)}", remedy="rename the columns of the two sides"
        )
    wanted = [names[at] for at in header.columns.values()]
    table = _rows(path, wanted) if dataset is None else dataset.to_arrow(wanted)
    if not table.num_rows:
        raise UserError(f"{path} holds no entry", remedy="leave it out, or make it again")
    lines = np.arange(1, table.num_rows + 1)
    columns = {}
    for column, at in header.columns.items():
        kind = pa.float64() if column in ("score", "rank") else pa.string()
        given = table[names[at]]
        table = table.drop_columns(names[at])  # one column is in memory twice, not all of them
        try:
            columns[column] = one_array(given.cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UserError(f"{path}: column {names[at]!r} is {given.type}, not {kind}", remedy="cast it") from error
    pa.default_memory_pool().release_unused()  # what decoding took is as much again
    return RawColumns(columns, lines, unit="row"), is_lexicon(path)


def _read_text(path: Location, format: str, src: str | None, tgt: str | None) -> tuple[RawColumns, str]:
    """The columns of a text file, and its format where that was left open."""
    data = dictionary_text.read_utf8(path)

    def is_code(first: str, second: str) -> bool:
        named = codes_of_name(path) or ((src, tgt) if src and tgt else None)
        if named:
            return (_language(first), _language(second)) == (_language(named[0]), _language(named[1]))
        return format == "tsv" or all(has_script(code) or usual_scripts(code) for code in (first, second))

    def find_header(fields: Sequence[str]) -> Header | None:
        return formats.named_header(fields) or formats.code_header(fields, is_code)

    if format == "csv":
        return dictionary_text.parse_csv(path, data, find_header), format
    lines, numbers = dictionary_text.split_lines(data)
    if not len(lines):  # white space of Unicode alone
        raise UserError(f"{path} is empty", remedy="leave it out, or fetch it again")
    first = lines[0].as_py().split("\t")
    header = find_header(first) if format != "muse" and len(first) > 1 else None
    if header:
        return dictionary_text.parse_tsv(path, lines, numbers, header), "tsv"
    if format == "tsv":
        raise dictionary_text.no_header(path, first)
    return dictionary_text.parse_muse(path, lines, numbers), "muse"


def _language(code: str) -> str:
    """The language of a code without its script: `en` and `eng_Latn` are both `eng`."""
    return language_of(normalize_label(code))


def _with_languages(
    path: Location, raw: RawColumns, src: str | None, tgt: str | None, source: str, format: str, built: bool
) -> Dictionary:
    """Clean texts, a label for each row and side, scores and sources: entries."""
    rows = len(raw.lines)
    left_out: Counter[str] = Counter()
    columns: dict[str, pa.Array] = {}
    for side in ("src", "tgt"):
        texts = raw.columns[side]
        if not built:
            texts, noted = clean_texts(texts.fill_null(""))
            left_out[NOTES] += noted
        empty = pc.fill_null(pc.equal(texts, ""), True)
        raw.refuse(path, empty, f"the {_SIDES[side]} side is empty", f"fill it in, or delete the {raw.unit}")
        columns[side] = texts
    splits: list[str] = []
    for number, (side, asked) in enumerate((("src", src), ("tgt", tgt))):
        codes = raw.columns.get(f"{side}_lang")
        if codes is not None:
            raw.refuse(
                path, pc.is_null(codes), "it has no language", f"fill in the {side}_lang, or delete the {raw.unit}"
            )
            columns[f"{side}_lang"] = codes if built else _labels(path, raw, codes, columns[side])
            continue
        code = _code_of_side(path, raw, number, asked)
        if _language(code) == "zho" and not has_script(code):
            splits.append(f"{side}_lang")
        label = _label(code, columns[side])
        columns[f"{side}_lang"] = pa.repeat(pa.scalar(label, pa.string()), rows)
    score = raw.columns.get("score")
    if (score is None or score.null_count) and "rank" in raw.columns:
        score = pc.divide(1.0, raw.columns["rank"])
    columns["score"] = pa.nulls(rows, pa.float64()) if score is None else score
    infinite = pc.fill_null(pc.invert(pc.is_finite(columns["score"])), False)
    raw.refuse(path, infinite, "the score is not finite", "leave it empty")
    named = raw.columns.get("source")
    columns["source"] = pa.repeat(pa.scalar(source, pa.string()), rows) if named is None else named.fill_null(source)
    table = pa.table(columns, schema=entry_schema())
    for column in splits:
        table = _split_chinese(table, column)
    same = pc.sum(pc.equal(table["src_lang"], table["tgt_lang"])).as_py()
    if same:
        raise UserError(
            f"{path}: both sides of {same:,} entries are {table['src_lang'][0].as_py()}",
            remedy="give the languages of the sides with --src and --tgt",
        )
    kept = _of_languages(path, table, src, tgt)
    if table.num_rows > kept.num_rows:
        left_out[OTHER_LANGUAGE] = table.num_rows - kept.num_rows
    return Dictionary(kept, rows, left_out, format, canonical=built)


def _code_of_side(path: Location, raw: RawColumns, number: int, asked: str | None) -> str:
    """The language code of a side that has no column for it: asked for, in the header, or in the file's name."""
    flag = ("--src", "--tgt")[number]
    written = raw.codes[number] if raw.codes else None
    if asked and written and _language(asked) != _language(written):
        raise UserError(
            f"{path}: the header says {written} ({normalize_label(written)}), {flag} says {asked}",
            remedy=f"leave {flag} out, or change the header",
        )
    named = codes_of_name(path)
    code = asked or written or (named[number] if named else None)
    if code is None:
        raise UserError(
            f"{path}: nothing says what language its {_SIDES[flag[2:]]} side is",
            remedy=f"give {flag}, for example {flag} eng_Latn, or name the file like en-de.tsv",
        )
    if not CODE.fullmatch(code):
        raise UserError(f"{flag}: {code!r} is not a language code", remedy="write eng_Latn, eng or en")
    return code


def _label(code: str, texts: pa.Array) -> str:
    """`xxx_Yyyy` of a code; where it names no script, that of the texts."""
    if has_script(code) or not len(texts):
        return normalize_label(code)
    return normalize_label(code, script=script_of_all(texts))


def _labels(path: Location, raw: RawColumns, codes: pa.Array, texts: pa.Array) -> pa.Array:
    """Labels of a column of codes."""
    encoded = pc.dictionary_encode(pc.fill_null(pc.utf8_trim_whitespace(codes), ""))
    labels = []
    for number, code in enumerate(encoded.dictionary.to_pylist()):
        mask = pc.equal(encoded.indices, pa.scalar(number, encoded.indices.type))
        if not CODE.fullmatch(code):
            raw.refuse(path, mask, f"{code!r} is not a language code", "write eng_Latn, eng or en")
        labels.append(code if has_script(code) and normalize_label(code) == code else _label(code, texts.filter(mask)))
    return pa.array(labels, pa.string()).take(encoded.indices)


def _split_chinese(table: pa.Table, column: str) -> pa.Table:
    """Label Chinese that may be simplified or traditional word by word; a word that is the same in both gets both."""
    texts = table[column.removesuffix("_lang")].combine_chunks()
    variants = han_variant(texts)
    parts = []
    for variant in ("Hans", "Hant"):
        part = table.filter(pa.array((variants == variant) | (variants == "Hani")))
        labels = pa.repeat(pa.scalar(f"zho_{variant}", pa.string()), part.num_rows)
        parts.append(part.set_column(part.column_names.index(column), column, labels))
    return pa.concat_tables(parts)


def _of_languages(path: Location, table: pa.Table, src: str | None, tgt: str | None) -> pa.Table:
    """The rows of the languages asked for; all rows of a file without columns for them are."""
    for column, asked in (("src_lang", src), ("tgt_lang", tgt)):
        if asked is None:
            continue
        present = pc.unique(table[column]).to_pylist()
        exact = has_script(asked)
        wanted = [
            label
            for label in present
            if label == normalize_label(asked) or (not exact and _language(label) == _language(asked))
        ]
        if not wanted:
            flag = f"--{column.removesuffix('_lang')}"
            raise UserError(
                f"{path} has no entry for {flag} {asked}; {nearest(normalize_label(asked), present)}",
                remedy=f"leave {flag} out to take all languages of the file",
            )
        if len(wanted) < len(present):
            table = table.filter(pc.is_in(table[column], pa.array(wanted)))
    return table
