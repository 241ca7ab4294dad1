"""Cut input files into tasks, and read a range of a file, whatever its format, as rows, decisions and rejects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from xlcorpus.dataset.result import Result, concat_results
from xlcorpus.errors import UserError
from xlcorpus.ingest.format import FORMATS
from xlcorpus.raw.assemble import BATCH_ROWS, without_text
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FILES_A_TASK, FileRange, group_parts

_SMALL_BYTES = 1 << 20  # of rows: joining less costs less than carrying it through the steps by itself
_JOINED_BYTES = 4 << 20


def cut_files(files: Sequence[InputFile], *, target_bytes: int) -> list[tuple[FileRange, ...]]:
    """What each task reads, in the order of the files: a pure function of them, so that every runner gets the same.

    Large files are split where they can be, small ones are put together; empty files are in none. Raises ValueError for
    a target below 1, UserError where two parallel files differ in their number of lines.
    """
    parts = (part for file in files if file.size for part in FORMATS.find(file.format).cut(file, target_bytes))
    return group_parts(parts, target_bytes=target_bytes, most=FILES_A_TASK)


def read_ranges(
    parts: Iterable[FileRange], options: ReadOptions, schema: pa.Schema, *, keep_text: bool = False
) -> Iterator[Result]:
    """`read_range` of one range after another; small results, of small files say, are joined up to the same limits.

    A batch takes about a millisecond to go through Beam and to be written, whatever is in it.
    """
    held: list[Result] = []
    rows = size = others = 0
    for part in parts:
        for result in read_range(part, options, schema, keep_text=keep_text):
            more, reasons = result.rows.num_rows, _reasons(result)
            nbytes = result.rows.nbytes
            if held and (rows + more > BATCH_ROWS or size + nbytes > _JOINED_BYTES or others + reasons > BATCH_ROWS):
                yield _joined(held)
                held, rows, size, others = [], 0, 0, 0
            held.append(result)
            rows, size, others = rows + more, size + nbytes, others + reasons
            if nbytes >= _SMALL_BYTES:
                yield _joined(held)
                held, rows, size, others = [], 0, 0, 0
    if held:
        yield _joined(held)


def _joined(results: list[Result]) -> Result:
    return results[0] if len(results) == 1 else concat_results(results)


def _reasons(result: Result) -> int:
    """Rows of decisions and rejects."""
    return sum(rows.num_rows for rows in (result.decisions, result.rejects) if rows is not None)


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
