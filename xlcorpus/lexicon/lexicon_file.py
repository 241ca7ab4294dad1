"""Build a lexicon from dictionary files, and write it as one Parquet file whose bytes depend on the entries alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xlcorpus.dataset.shards import ROW_GROUP_ROWS
from xlcorpus.dataset.storage import commit, temporary_name
from xlcorpus.errors import StorageError, UserError
from xlcorpus.lexicon.dictionary_files import (
    LEXICON_KEY,
    fingerprint_of_dictionaries,
    read_dictionary,
    source_names,
)
from xlcorpus.lexicon.entries import entry_schema, limit_entries, merge_entries

LIMITED = "limited"  # left out by max_candidates, min_score or single_word_targets


@dataclass(frozen=True)
class Entries:
    """Entries of several files: one canonical table, rows read, rows left out by reason, fingerprint of the files."""

    table: pa.Table
    rows: int
    left_out: Counter[str]
    fingerprint: str
    formats: tuple[str, ...]


def read_entries(
    paths: Sequence[Path],
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


def write_lexicon(table: pa.Table, path: Path) -> None:
    """Write a canonical table (`merge_entries`) as a lexicon file, atomically: equal tables give equal bytes.

    Raises StorageError where the file cannot be written.
    """
    schema = entry_schema().with_metadata({LEXICON_KEY: b"lexicon-1"})
    # One chunk: Parquet pages would otherwise break where the batches did.
    table = table.combine_chunks().cast(entry_schema()).replace_schema_metadata(schema.metadata)
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(table, schema, temporary)
            commit(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error


def _write(table: pa.Table, schema: pa.Schema, path: Path) -> None:
    with pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=["src_lang", "tgt_lang", "source", "score"],
        write_statistics=True,
        store_schema=True,
    ) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
