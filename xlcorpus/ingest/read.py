"""Read a range of an input file, whatever its format, as batches of documents or pairs, decisions and rejects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.ingest.format import FORMATS
from xlcorpus.raw.assemble import without_text
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange


def read_range(
    part: FileRange, options: ReadOptions, schema: pa.Schema, *, keep_text: bool = False
) -> Iterator[Result]:
    """Every record that begins in the range, in order, as a document (a pair), a decision or a reject.

    schema: what `output_schema` gave for all the files of the run; keep_text: decision rows carry the text. Batches
    have at most 4,096 rows and 16 MB. Raises UserError where the file is gone or may not be read; damage inside it
    becomes reject rows.
    """
    try:
        for result in FORMATS.find(part.file.format).read(part, options, schema):
            yield result if keep_text else replace(result, decisions=without_text(result.decisions))
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UserError(
            f"cannot read {part.file.path}: {error.strerror}",
            remedy="the file was there when the run was planned; put it back and run the same command again",
        ) from error
