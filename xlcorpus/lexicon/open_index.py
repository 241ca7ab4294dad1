"""Dictionary files to a `LexiconIndex`: one for all bundles of a process."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError, nearest
from xlcorpus.lexicon.build import Columns, build_from
from xlcorpus.lexicon.dictionary_files import fingerprint_of_dictionaries
from xlcorpus.lexicon.index import LexiconIndex, matches
from xlcorpus.lexicon.lexicon_file import read_entries

_ROWS = 1 << 16
_COLUMNS = ("src", "tgt", "src_lang", "tgt_lang")
_OPENING = threading.Lock()


def open_index(
    paths: Iterable[str | Path],
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
    contents = fingerprint_of_dictionaries([Path(name) for name in names])
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
    return build_from(_slices(names, src, tgt, format, partners), candidates=candidates).prepare()


def _slices(
    names: tuple[str, ...], src: str | None, tgt: str | None, format: str, partners: tuple[str, ...]
) -> Iterator[Columns]:
    """The columns of all entries; the table is this generator's alone, and gone when it ends."""
    read = read_entries([Path(name) for name in names], src=src, tgt=tgt, format=format)
    table = into_partners(read.table, partners).select(_COLUMNS)
    del read
    pa.default_memory_pool().release_unused()
    for start in range(0, table.num_rows, _ROWS):
        yield tuple(table.slice(start, _ROWS).columns)


def into_partners(table: pa.Table, partners: Sequence[str]) -> pa.Table:
    """The entries (lexicon-1) into these languages, all if none is named; raises UserError for one without entries."""
    if not partners:
        return table
    known = pc.unique(table["tgt_lang"]).to_pylist()
    for partner in partners:
        if not any(matches(label, partner) for label in known):
            raise UserError(
                f"--partners: no dictionary has translations into {partner!r}; {nearest(partner, known)}",
                remedy="`xlcorpus lexicon inspect FILE` lists the languages of a dictionary",
            )
    wanted = [label for label in known if any(matches(label, partner) for partner in partners)]
    return table.filter(pc.is_in(table["tgt_lang"], pa.array(wanted, pa.string())))
