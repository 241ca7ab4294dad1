"""Dictionary files, read together: to one table of entries, to a lexicon file, to the index that words are found in."""

from __future__ import annotations

import functools
import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.shards import ROW_GROUP_ROWS
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.table_file import write_table_file
from xlcorpus.errors import StorageError, UserError, nearest
from xlcorpus.lexicon.build import Columns, build_from, slices_of
from xlcorpus.lexicon.dictionary_file import LEXICON, LEXICON_KEY, read_dictionary
from xlcorpus.lexicon.entries import entry_schema, limit_entries, merge_entries
from xlcorpus.lexicon.fields import MENDED
from xlcorpus.lexicon.formats import source_names
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.text.labels import language_of, same_language, script_of, stands_for
from xlcorpus.text.language_names import meaning_of

LIMITED = "limited"  # left out by max_candidates, min_score or single_word_targets

_COLUMNS = ("src", "tgt", "src_lang", "tgt_lang")
_OPENING = threading.Lock()


@dataclass(frozen=True)
class Entries:
    """Entries of several files: one canonical table, rows read, counts as in `Dictionary`, fingerprint of the files."""

    table: pa.Table
    rows: int
    left_out: Counter[str]
    fingerprint: str
    formats: tuple[str, ...]


def fingerprint_of_dictionaries(paths: Sequence[Location]) -> str:
    """xxh3-128, hex, of the contents of dictionary files, whatever their order and names; for manifests.

    A dataset counts by the hashes in its manifest. Raises UserError where a file cannot be read.
    """
    digests = []
    for path in paths:
        try:
            folder = storage.is_folder(path)
            digests.append(Manifest.load(path).content_fingerprint if folder else storage.fingerprint_of_file(path))
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}", remedy="check the path") from error
    return storage.fingerprint(sorted(digests))


def read_entries(
    paths: Sequence[Location],
    *,
    src: str | None = None,
    tgt: str | None = None,
    format: str = "auto",
    source: str | None = None,
    max_candidates: int | None = None,
    min_score: float | None = None,
    single_word_targets: bool = False,
) -> Entries:
    """Read and merge dictionary files; the result does not depend on their order.

    Options as `read_dictionary` and `limit_entries`. Raises UserError where a file is no dictionary, or nothing is
    left of all of them.
    """
    if not paths:
        raise UserError("there is no dictionary file to read", remedy="name at least one")
    if min_score is not None and not math.isfinite(min_score):
        raise UserError(f"--min-score {min_score} is not a score", remedy="give a finite number, or leave it out")
    names = source_names(paths) if source is None else [source] * len(paths)
    read = [
        read_dictionary(path, src=src, tgt=tgt, format=format, source=name)
        for path, name in zip(paths, names, strict=True)
    ]
    left_out = sum((one.left_out for one in read), Counter[str]())
    if len(read) == 1 and read[0].canonical:
        table = read[0].entries
    else:
        table, merging = merge_entries([one.entries for one in read])
        left_out += merging
    limited = limit_entries(
        table, max_candidates=max_candidates, min_score=min_score, single_word_targets=single_word_targets
    )
    if table.num_rows > limited.num_rows:
        left_out[LIMITED] = table.num_rows - limited.num_rows
    if not limited.num_rows:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in left_out.items() if count)
        raise UserError(
            f"nothing is left of {', '.join(str(path) for path in paths)} ({reasons})",
            remedy="loosen the limits, or give another dictionary",
        )
    rows = sum(one.rows for one in read)
    formats = tuple(one.format for one in read)
    return Entries(limited, rows, left_out, fingerprint_of_dictionaries(paths), formats)


def into_partners(table: pa.Table, partners: Sequence[str]) -> pa.Table:
    """The entries (lexicon-2) into these languages, all if none is named; raises UserError for one without entries.

    A member of a macrolanguage gets the entries of that, under its own name: srp_Cyrl those of hbs_Cyrl.
    """
    if not partners:
        return table
    known = pc.unique(table["tgt_lang"]).to_pylist()
    meanings = {partner: meaning_of(partner) for partner in partners}
    meant = [meaning.label or meaning.language or given for given, meaning in meanings.items()]
    own, renamed = set[str](), dict[tuple[str, str], None]()
    for partner in meant:
        fit = [label for label in known if stands_for(label, partner)]
        if not fit:
            raise UserError(
                f"--partners: no dictionary has translations into {partner!r}; {nearest(partner, known)}",
                remedy="`xlcorpus lexicon inspect FILE` lists the languages of a dictionary",
            )
        for label in fit:
            if same_language(label, partner):
                own.add(label)
            else:  # words of hbs_Cyrl under the name of srp_Cyrl
                name = partner if script_of(partner) else f"{language_of(partner)}_{script_of(label)}"
                renamed[label, name] = None
    parts = [table.filter(pc.is_in(table["tgt_lang"], pa.array(sorted(own), pa.string())))]
    at = table.column_names.index("tgt_lang")
    for label, name in sorted(renamed):
        part = table.filter(pc.equal(table["tgt_lang"], label))
        parts.append(part.set_column(at, "tgt_lang", pa.repeat(pa.scalar(name, pa.string()), part.num_rows)))
    return pa.concat_tables(parts)


def open_index(
    paths: Iterable[str | Location],
    *,
    src: str | None = None,
    tgt: str | None = None,
    format: str = "auto",
    candidates: int = 3,
    partners: Sequence[str] = (),
) -> LexiconIndex:
    """Read dictionary files of any format, or built lexicons (the fast way), and index them; once in a process.

    src, tgt, format: as `read_dictionary`; candidates: as `build_index`; partners: labels of the languages to switch
    into, all if there is none. Equal files (by contents) and options give the same object. Raises UserError where a
    file is no dictionary, nothing in it can be used, or it has no translations into a partner language.
    """
    names = tuple(sorted(str(path) for path in paths))
    contents = fingerprint_of_dictionaries([storage.locate(name) for name in names])
    with _OPENING:  # bundles of one process may run in threads, and each would make its own
        return _open_once(contents, names, src, tgt, format, candidates, tuple(partners))


@functools.lru_cache(maxsize=4)
def _open_once(
    contents: str,
    names: tuple[str, ...],
    src: str | None,
    tgt: str | None,
    format: str,
    candidates: int,
    partners: tuple[str, ...],
) -> LexiconIndex:
    left_out: Counter[str] = Counter()
    index = build_from(_slices(names, src, tgt, format, partners, left_out), candidates=candidates)
    for reason, count in left_out.items():
        if reason not in MENDED:
            index.unused[reason] = index.unused.get(reason, 0) + count
    return index.prepare()


def _slices(
    names: tuple[str, ...],
    src: str | None,
    tgt: str | None,
    format: str,
    partners: tuple[str, ...],
    left_out: Counter[str],
) -> Iterator[Columns]:
    """The columns of all entries; the table is this generator's alone, and gone when it ends."""
    read = read_entries([storage.locate(name) for name in names], src=src, tgt=tgt, format=format)
    left_out.update(read.left_out)
    table = into_partners(read.table, partners).select(_COLUMNS)
    del read
    pa.default_memory_pool().release_unused()
    yield from slices_of(tuple(table.columns))


def of_direction(table: pa.Table, direction: str) -> pa.Table:
    """The entries (lexicon-2) from one language to another, `eng_Latn-deu_Latn`; raises UserError where none is."""
    one, _, other = direction.partition("-")
    kept = table.filter(pc.and_(pc.equal(table["src_lang"], one), pc.equal(table["tgt_lang"], other)))
    if not kept.num_rows:
        raise UserError(
            f"--direction: no entry is of {direction!r}; {nearest(direction, _directions(table))}",
            remedy="`xlcorpus lexicon inspect FILE` lists the languages of a dictionary",
        )
    return kept


def _directions(table: pa.Table) -> list[str]:
    return sorted(pc.unique(pc.binary_join_element_wise(table["src_lang"], table["tgt_lang"], "-")).to_pylist())


def write_lexicon(table: pa.Table, path: Location) -> None:
    """Write a canonical table (`merge_entries`) as a lexicon file, atomically: equal tables give equal bytes.

    A name that ends in .txt gets text of one direction: source word, TAB, translation, a line an entry (WECHSEL, MUSE).
    Raises StorageError where the file cannot be written, UserError where text would be of several directions.
    """
    if path.suffix == ".txt":
        found = _directions(table)
        if len(found) > 1:
            shown = ", ".join(found[:10]) + ("..." if len(found) > 10 else "")
            raise UserError(
                f"--output {path}: TAB text is of one direction, and these are {len(found)}: {shown}",
                remedy=f"--direction {found[0]}, or a name that ends in .parquet",
            )
        write_table_file(table.select(["src", "tgt"]), path)
        return
    schema = entry_schema().with_metadata({LEXICON_KEY: LEXICON})
    # One chunk: Parquet pages would otherwise break where the batches did.
    table = table.combine_chunks().cast(entry_schema()).replace_schema_metadata(schema.metadata)
    try:
        with (
            storage.writing(path) as temporary,
            storage.parquet_writer(
                temporary,
                schema,
                version="2.6",
                compression="zstd",
                compression_level=3,
                use_dictionary=["src_lang", "tgt_lang", "source", "rank", "score"],
                write_statistics=True,
                store_schema=True,
            ) as writer,
        ):
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error
