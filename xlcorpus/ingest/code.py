"""Source trees: every file becomes a document, a decision or a reject; the locator of a file is 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from xlcorpus.dataset.decisions import REJECT, decide, empty
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.ingest import code_checks
from xlcorpus.ingest.code_files import CodeFile
from xlcorpus.ingest.code_languages import language_of, may_be_known
from xlcorpus.ingest.code_licenses import allows, header_license, is_license_file
from xlcorpus.ingest.rows import BATCH_BYTES, BATCH_ROWS, DOC_ID, ORIGIN, STEP, excerpt, repeat

BOM = b"\xef\xbb\xbf"
KIND = "code"
HEADER_BYTES = 4096  # where the licence of a file and the kind of its language are looked for


@dataclass(frozen=True)
class CodeOptions:
    """What is kept; plain values, so that they can be pickled.

    licenses: SPDX identifiers that a file's licence must allow (None: all files are kept); max_record_bytes: larger
    files are rejected; keep_text: decision rows carry the text.
    """

    licenses: frozenset[str] | None = None
    max_record_bytes: int = 64 << 20
    keep_text: bool = False


def code_schema() -> pa.Schema:
    """document-1 columns of ingest, then code_lang, license_from (string)."""
    more = {
        "code_lang": "programming language, as GitHub spells it",
        "license_from": "the licence file that `license` was read from; the file itself where its head says it",
    }
    fields = [pa.field(name, pa.string(), metadata={"description": about}) for name, about in more.items()]
    return pa.schema([*load_schema("document").columns_of("ingest"), *fields])


@dataclass(frozen=True)
class _Document:
    file: CodeFile
    text: str
    language: str
    license: str | None
    license_from: str | None


@dataclass(frozen=True)
class _Decision:
    file: CodeFile
    reason: str
    text: str | None = None
    score: float | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class _Reject:
    file: CodeFile
    reason: str
    message: str
    data: bytes = b""


_Row = _Document | _Decision | _Reject


def read_code(files: Sequence[CodeFile], options: CodeOptions) -> Iterator[Result]:
    """The files in order, in batches of at most 4,096 rows and about 16 MB.

    Decisions: vendored, lock_file, license_text, binary, unknown_language, empty_text, generated, minified,
    too_long_lines (score and threshold in characters), license; the first that holds. Rejects: record_too_large,
    invalid_utf8. Raises UserError where a file is gone or may not be read.
    """
    rows: list[_Row] = []
    size = taken = 0
    for file in files:
        row, read = _row(file, options)
        rows.append(row)
        size += read
        taken += len(row.text) if isinstance(row, _Document) else 0
        if len(rows) >= BATCH_ROWS or taken >= BATCH_BYTES:
            yield _ingested(rows, options, size)
            rows, size, taken = [], 0, 0
    if rows:
        yield _ingested(rows, options, size)


def _row(file: CodeFile, options: CodeOptions) -> tuple[_Row, int]:
    """What becomes of one file, and how many bytes of it were read."""
    inside = file.name.partition("/")[2]  # the tree may have been given a name such as `vendor`
    if code_checks.is_vendored(inside):
        return _Decision(file, "vendored"), 0
    if code_checks.is_lock_file(inside):
        return _Decision(file, "lock_file"), 0
    if is_license_file(inside):
        return _Decision(file, "license_text"), 0
    known = may_be_known(inside)
    data = _read(file, min(options.max_record_bytes + 1, (1 << 62) if known else HEADER_BYTES))
    if code_checks.is_binary(data):
        return _Decision(file, "binary"), len(data)
    language = language_of(inside, data[:HEADER_BYTES].decode("utf-8", "replace")) if known else None
    if language is None:
        return _Decision(file, "unknown_language"), len(data)
    if len(data) > options.max_record_bytes:
        limit = options.max_record_bytes
        message = f"the file has {file.size:,} bytes; at most {limit:,} are read (--max-record-bytes)"
        return _Reject(file, "record_too_large", message, data[:1024]), len(data)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: {error.reason} at byte {error.start:,}"
        return _Reject(file, "invalid_utf8", message, data), len(data)
    return _judge(file, text, language, options), len(data)


def _judge(file: CodeFile, text: str, language: str, options: CodeOptions) -> _Row:
    """What becomes of a readable text in a known language."""
    kept = text if options.keep_text else None
    inside = file.name.partition("/")[2]
    if not text or text.isspace():
        return _Decision(file, "empty_text", kept)
    if code_checks.is_generated(inside, text):
        return _Decision(file, "generated", kept)
    mean = code_checks.minified(inside, language, text)
    if mean is not None:
        return _Decision(file, "minified", kept, mean, code_checks.MINIFIED_MEAN_LINE)
    lines = code_checks.too_long_lines(language, text)
    if lines is not None:
        return _Decision(file, "too_long_lines", kept, *lines)
    header = header_license(text[:HEADER_BYTES])
    license, license_from = (header, file.name) if header is not None else (file.license, file.license_from)
    if options.licenses is not None and (license is None or not allows(license, options.licenses)):
        return _Decision(file, "license", kept)
    return _Document(file, text, language, license, license_from)


def _read(file: CodeFile, most: int) -> bytes:
    try:
        with Path(file.path).open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise UserError(
            f"cannot read {file.path}: {error.strerror}",
            remedy="put it back or check its permissions, and run the same command again",
        ) from error


def _ingested(rows: Sequence[_Row], options: CodeOptions, size: int) -> Result:
    return Result(
        rows=_documents([row for row in rows if isinstance(row, _Document)]),
        decisions=_decisions([row for row in rows if isinstance(row, _Decision)], options),
        rejects=_rejects([row for row in rows if isinstance(row, _Reject)]),
        rows_in=len(rows),
        bytes_in=size,
    )


def _ids(files: Sequence[CodeFile]) -> pa.Array:
    """binary[16] as documents have it: xxh3-128 of source, NUL, name, NUL, locator."""
    digest = xxhash.xxh3_128_digest
    data = b"".join(digest(b"\0".join((file.source.encode(), file.name.encode(), b"0"))) for file in files)
    return pa.Array.from_buffers(DOC_ID, len(files), [None, pa.py_buffer(data)])


def _origins(files: Sequence[CodeFile]) -> pa.Array:
    names = pa.array([file.name for file in files], pa.string())
    return pa.StructArray.from_arrays([names, pa.array(np.zeros(len(files), dtype=np.int64))], fields=list(ORIGIN))


def _documents(rows: Sequence[_Document]) -> pa.RecordBatch:
    schema = code_schema()
    if not rows:
        return empty(schema)
    files = [row.file for row in rows]
    columns = {
        "doc_id": _ids(files),
        "text": pa.array([row.text for row in rows], pa.string()),
        "source": pa.array([file.source for file in files], pa.string()),
        "origin": _origins(files),
        "license": pa.array([row.license for row in rows], pa.string()),
        "kind": repeat(KIND, len(rows)),
        "code_lang": pa.array([row.language for row in rows], pa.string()),
        "license_from": pa.array([row.license_from for row in rows], pa.string()),
    }
    arrays = [columns[field.name] if field.name in columns else pa.nulls(len(rows), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _decisions(rows: Sequence[_Decision], options: CodeOptions) -> pa.RecordBatch:
    files = [row.file for row in rows]
    texts = pa.array([row.text for row in rows], pa.string())
    batch = pa.RecordBatch.from_arrays([_ids(files), _origins(files), texts], names=["doc_id", "origin", "text"])
    return decide(
        batch,
        STEP,
        pa.array([row.reason for row in rows], pa.string()),
        score=pa.array([row.score for row in rows], pa.float64()),
        threshold=pa.array([row.threshold for row in rows], pa.float64()),
        keep_text=options.keep_text,
    )


def _rejects(rows: Sequence[_Reject]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.nulls(len(rows), DOC_ID),
            repeat(STEP, len(rows)),
            pa.array([row.reason for row in rows], pa.string()),
            pa.array([f"{row.file.name}: {row.message}" for row in rows], pa.string()),
            _origins([row.file for row in rows]),
            pa.array([excerpt(row.data) for row in rows], pa.string()),
        ],
        schema=REJECT,
    )
