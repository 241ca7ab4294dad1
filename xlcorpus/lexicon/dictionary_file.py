"""Read a dictionary file of any known format as clean entries with languages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
from xlcorpus.lexicon.entries import OTHER_LANGUAGE, UNREAD, entry_schema, one_array, place_in_file
from xlcorpus.lexicon.fields import (
    AFFIXES,
    OTHER_SCRIPT,
    UNSEEN,
    clean_texts,
    is_clitic,
    is_remark,
    take_apart,
    without_particles,
)
from xlcorpus.lexicon.formats import CODE, FORMATS, INDUCED, JOINT, MINED_RANK, Header, codes_of_name, source_names
from xlcorpus.lexicon.stress import without_stress
from xlcorpus.text.labels import han_variant, has_script, language_of, normalize_label, usual_scripts
from xlcorpus.text.language_names import check_language, meaning_of
from xlcorpus.text.normalize import collapse_whitespace
from xlcorpus.text.script import labels_by_script, script_of_all

LEXICON_KEY = b"xlcorpus.schema"  # in the metadata of a built lexicon: the rows are canonical
LEXICON = b"lexicon-2"

_SIDES = {"src": "source", "tgt": "target"}
_VARIETY = re.compile(r"[a-z]{3}-\d{3}")
_KINDS = {"score": pa.float64(), "rank": pa.float64()}


@dataclass(frozen=True)
class Dictionary:
    """What one file holds: clean entries (schema lexicon-2, as they are listed), rows read, counts of what was left out
    and of what was taken off (`fields.MENDED`), format."""

    entries: pa.Table
    rows: int
    left_out: Counter[str]
    format: str
    canonical: bool = False


def is_lexicon(path: Location) -> bool:
    """Whether a file is a Parquet file that `xlcorpus lexicon` built; raises UserError where another version did."""
    made = (_schema(path).metadata or {}).get(LEXICON_KEY) if _is_parquet(path) else None
    if made not in (None, LEXICON):
        raise UserError(
            f"{path}: its schema is {made.decode(errors='replace')}, not {LEXICON.decode()}",
            remedy="build it again with this version, from the dictionary: xlcorpus lexicon build",
        )
    return made == LEXICON


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
    wanted = {column: names[at] for column, at in header.columns.items()}
    built = dataset is None and is_lexicon(path)
    if built:
        wanted = {column: column for column in entry_schema().names}
        lacking = [column for column in wanted if column not in names]
        if lacking:
            raise UserError(f"{path} has no column {lacking[0]}, as lexicons have", remedy="build it again")
    table = _rows(path, [*wanted.values()]) if dataset is None else dataset.to_arrow([*wanted.values()])
    if not table.num_rows:
        raise UserError(f"{path} holds no entry", remedy="leave it out, or make it again")
    lines = np.arange(1, table.num_rows + 1)
    columns = {}
    for column, name in wanted.items():
        kind = entry_schema().field(column).type if built else _KINDS.get(column, pa.string())
        given = table[name]
        table = table.drop_columns(name)  # one column is in memory twice, not all of them
        try:
            columns[column] = one_array(given.cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UserError(f"{path}: column {name!r} is {given.type}, not {kind}", remedy="cast it") from error
    pa.default_memory_pool().release_unused()  # what decoding took is as much again
    if not built and wanted.get("rank") == MINED_RANK:
        columns["induced"] = pa.repeat(pa.scalar(value=True), len(lines))
    raw = RawColumns(columns, lines, unit="row")
    for column in ("rank", "induced") if built else ():
        raw.refuse(path, pc.is_null(columns[column]), f"it has no {column}", "build the lexicon again")
    return raw, built


def _read_text(path: Location, format: str, src: str | None, tgt: str | None) -> tuple[RawColumns, str]:
    """The columns of a text file, and its format where that was left open."""
    data = dictionary_text.read_utf8(path)

    def is_code(first: str, second: str) -> bool:
        sides = _language(first), _language(second)
        if None in sides:
            return False
        if "_" in first and "_" in second and meaning_of(first).script and meaning_of(second).script:
            return True  # eng_Latn is no word, whatever was asked for
        named = codes_of_name(path) or ((src, tgt) if src and tgt else None)
        if named:
            return sides == (_language(named[0]), _language(named[1]))
        return format == "tsv" or all(
            has_script(code) or usual_scripts(str(_language(code))) for code in (first, second)
        )

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


def _language(code: str) -> str | None:
    """The language of a code or name: `en`, `eng_Latn` and `English` are all `eng`; None for no language."""
    code = _without_variety(code)
    return meaning_of(code).language or (code if _is_own_code(code) else None)


def _without_variety(code: str) -> str:
    """PanLex numbers the varieties of languages: eng-000."""
    return code[:3] if _VARIETY.fullmatch(code) else code


def _with_languages(
    path: Location, raw: RawColumns, src: str | None, tgt: str | None, source: str, format: str, built: bool
) -> Dictionary:
    """Clean texts, a label for each row and side, ranks, scores and sources: entries."""
    read = len(raw.lines)
    left_out = Counter({f"{UNREAD}{name}": read for name in raw.unread})
    for side in ("src", "tgt"):
        empty = pc.equal(collapse_whitespace(raw.columns[side].fill_null("")), "")
        raw.refuse(path, empty, f"the {_SIDES[side]} side is empty", f"fill it in, or delete the {raw.unit}")
    if not built:
        raw = _taken_apart(raw, left_out)
    rows = len(raw.lines)
    columns = {side: raw.columns[side] for side in ("src", "tgt")}
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
        if _language(code) == "zho" and not meaning_of(code).script:
            splits.append(f"{side}_lang")
        columns[f"{side}_lang"] = _labels_by_script(code, columns[side])
    score = raw.columns.get("score")
    if (score is None or score.null_count) and "rank" in raw.columns and not built:
        score = pc.divide(1.0, raw.columns["rank"])
    columns["score"] = pa.nulls(rows, pa.float64()) if score is None else score
    infinite = pc.fill_null(pc.invert(pc.is_finite(columns["score"])), False)
    raw.refuse(path, infinite, "the score is not finite", "leave it empty")
    named = raw.columns.get("source")
    columns["source"] = pa.repeat(pa.scalar(source, pa.string()), rows) if named is None else named.fill_null(source)
    columns["induced"] = raw.columns.get("induced", pa.repeat(pa.scalar(source == INDUCED), rows))
    columns["rank"] = raw.columns["rank"] if built else pa.nulls(rows, pa.int32())
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
    if not built:
        for side in ("src", "tgt"):
            kept = _plain_forms(kept, side, left_out)
        kept = kept.set_column(kept.column_names.index("rank"), "rank", pa.array(place_in_file(kept)))
    return Dictionary(kept, read, left_out, format, canonical=built)


def _taken_apart(raw: RawColumns, counts: Counter[str]) -> RawColumns:
    """One row for each entry in the fields of a row (`fields.take_apart`)."""
    sides = {}
    for side in ("src", "tgt"):
        sides[side], unseen = clean_texts(raw.columns[side])
        counts[UNSEEN] += unseen
    rows, src, tgt = take_apart(sides["src"], sides["tgt"], counts)
    others = {name: column.take(pa.array(rows)) for name, column in raw.columns.items() if name not in sides}
    return replace(raw, columns={"src": src, "tgt": tgt} | others, lines=raw.lines[rows])


def _plain_forms(table: pa.Table, side: str, counts: Counter[str]) -> pa.Table:
    """The words of a side in the form in which they stand in texts, language by language; without clitics, remarks."""
    texts, langs = one_array(table[side]), one_array(table[f"{side}_lang"])
    wrong = dict.fromkeys((AFFIXES, OTHER_SCRIPT), pc.is_null(texts))
    for label in pc.unique(langs).to_pylist():
        mask = pc.equal(langs, label)
        plain = without_stress(texts.filter(mask), label, counts)
        plain = without_particles(plain, language_of(label), counts)
        texts = pc.replace_with_mask(texts, mask, plain)
        for reason, found in ((AFFIXES, is_clitic(plain, label)), (OTHER_SCRIPT, is_remark(plain, label))):
            wrong[reason] = pc.replace_with_mask(wrong[reason], mask, found)
    for reason, rows in wrong.items():
        counts[reason] += pc.sum(rows).as_py() or 0
    kept = pc.invert(pc.or_(*wrong.values()))
    return table.set_column(table.column_names.index(side), side, texts).filter(kept)


def _code_of_side(path: Location, raw: RawColumns, number: int, asked: str | None) -> str:
    """The language code of a side that has no column for it: asked for, in the header, or in the file's name."""
    flag = ("--src", "--tgt")[number]
    written = raw.codes[number] if raw.codes else None
    if asked and written and _language(asked) != _language(written):
        raise UserError(
            f"{path}: the header says {written} ({_language(written)}), {flag} says {asked}",
            remedy=f"leave {flag} out, or change the header",
        )
    named = codes_of_name(path)
    code = asked or written or (named[number] if named else None)
    if code is None:
        raise UserError(
            f"{path}: nothing says what language its {_SIDES[flag[2:]]} side is",
            remedy=f"give {flag}, for example {flag} eng_Latn, or name the file like en-de.tsv",
        )
    if not asked and _is_own_code(code):
        return code
    try:
        check_language(code)
    except UserError as error:
        raise UserError(
            f"{flag if asked else path}: {error.message}", remedy=f"write {flag} with a code or a name, e.g. eng_Latn"
        ) from error
    return code


def _is_own_code(code: str) -> bool:
    """Whether a code that is of no language may stand for itself: collections have files of families (cpf), too."""
    return (
        bool(CODE.fullmatch(code) and meaning_of(code).problem) and language_of(normalize_label(code)) == code.lower()
    )


def _label(code: str, texts: pa.Array) -> str:
    """`xxx_Yyyy` of a code or name; where it names no script, that of the texts."""
    meaning = meaning_of(code)
    script = script_of_all(texts) if len(texts) else None
    return meaning.label or normalize_label(meaning.language or code, script=script)


def _labels_by_script(code: str, texts: pa.Array) -> pa.Array:
    """string[n]: `_label` for all texts; where the code names no script, of each text by its own."""
    label, named = _label(code, texts), meaning_of(code).script
    return pa.repeat(pa.scalar(label, pa.string()), len(texts)) if named else labels_by_script(label, texts)


def _labels(path: Location, raw: RawColumns, codes: pa.Array, texts: pa.Array) -> pa.Array:
    """Labels of a column of codes or names."""
    encoded = pc.dictionary_encode(pc.fill_null(pc.utf8_trim_whitespace(codes), ""))
    labels = pa.nulls(len(codes), pa.string())
    for number, given in enumerate(encoded.dictionary.to_pylist()):
        mask = pc.equal(encoded.indices, pa.scalar(number, encoded.indices.type))
        code, part = _without_variety(given), texts.filter(mask)
        meaning = meaning_of(code)
        if meaning.problem and (code != given or _is_own_code(code)):
            code = f"{code}_{script_of_all(part)}"
        elif meaning.language is None:
            why = meaning.message or "it says that none is known"
            raw.refuse(path, mask, f"{given!r} is no language: {why}", "write eng_Latn, eng, en or English")
        labels = pc.replace_with_mask(labels, mask, _labels_by_script(code, part))
    return labels


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
        meant = check_language(asked)
        wanted = [label for label in present if meant in (label, language_of(label))]
        if not wanted:
            flag = f"--{column.removesuffix('_lang')}"
            raise UserError(
                f"{path} has no entry for {flag} {asked}; {nearest(meant, present)}",
                remedy=f"leave {flag} out to take all languages of the file",
            )
        if len(wanted) < len(present):
            table = table.filter(pc.is_in(table[column], pa.array(wanted)))
    return table
