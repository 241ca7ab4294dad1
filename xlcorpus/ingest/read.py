"""Read a range of an input file, whatever its format, as batches of documents or pairs, decisions and rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.ingest.delimited import read_delimited
from xlcorpus.ingest.jsonl import read_jsonl
from xlcorpus.ingest.moses import read_moses
from xlcorpus.ingest.options import ReadOptions
from xlcorpus.ingest.parquet import read_parquet
from xlcorpus.ingest.plaintext import read_text
from xlcorpus.ingest.plan import FileRange

_Reader = Callable[[FileRange, ReadOptions, pa.Schema], Iterator[Result]]


def _read_warc(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    from xlcorpus.ingest.warc import read_warc  # loads the HTML extractor, which the other formats do not need

    return read_warc(part, options, schema)


_READERS: dict[str, _Reader] = {
    "jsonl": read_jsonl,
    "text": read_text,
    "parquet": read_parquet,
    "warc": _read_warc,
    "arc": _read_warc,
    "tsv": read_delimited,
    "csv": read_delimited,
    "moses": read_moses,
}


def read_range(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Every record that begins in the range, in order, as a document (a pair), a decision or a reject.

    schema: what `output_schema` gave for all the files of the run. Batches have at most 4,096 rows and 16 MB.
    Raises UserError where the file is gone or may not be read; damage inside it becomes reject rows.
    """
    try:
        yield from _READERS[part.file.format](part, options, schema)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UserError(
            f"cannot read {part.file.path}: {error.strerror}",
            remedy="the file was there when the run was planned; put it back and run the same command again",
        ) from error
