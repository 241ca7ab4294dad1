"""Source trees: every file becomes a document, a decision or a reject; the locator of a file is 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from xlcorpus.code import checks
from xlcorpus.code.languages import language_of, may_be_known
from xlcorpus.code.licenses import allows, header_license, is_license_file, parse_licenses
from xlcorpus.code.trees import CodeFile
from xlcorpus.dataset import storage
from xlcorpus.dataset.decisions import decide, empty, repeat
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.raw.assemble import BATCH_BYTES, BATCH_ROWS, STEP, doc_ids, origins, reject_rows
from xlcorpus.raw.lines import BOM
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.rejects import Reject, excerpt, too_large

KIND = "code"
HEADER_BYTES = 4096  # where the licence of a file and the kind of its language are looked for


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
    reject: Reject


_Row = _Document | _Decision | _Reject


def read_code(files: Sequence[CodeFile], options: ReadOptions, *, keep_text: bool = False) -> Iterator[Result]:
    """The files in order, in batches of at most 4,096 rows and about 16 MB; keep_text: decision rows carry the text.

    Decisions: vendored, lock_file, license_text, binary, unknown_language, empty_text, generated, minified,
    too_long_lines (score and threshold in characters), license; the first that holds. Rejects: record_too_large,
    invalid_utf8. Raises UserError where a file is gone or may not be read.
    """
    allowed = parse_licenses(options.licenses)
    rows: list[_Row] = []
    size = taken = 0
    for file in files:
        row, read = _row(file, options, allowed)
        if isinstance(row, _Decision) and not keep_text:
            row = replace(row, text=None)
        rows.append(row)
        size += read
        taken += 0 if isinstance(row, _Reject) else len(row.text or "")
        if len(rows) >= BATCH_ROWS or taken >= BATCH_BYTES:
            yield _result(rows, size, keep_text)
            rows, size, taken = [], 0, 0
    if rows:
        yield _result(rows, size, keep_text)


def _row(file: CodeFile, options: ReadOptions, allowed: frozenset[str] | None) -> tuple[_Row, int]:
    """What becomes of one file, and how many bytes of it were read."""
    inside = file.name.partition("/")[2]  # the tree may have been given a name such as `vendor`
    if checks.is_vendored(inside):
        return _Decision(file, "vendored"), 0
    if checks.is_lock_file(inside):
        return _Decision(file, "lock_file"), 0
    if is_license_file(inside):
        return _Decision(file, "license_text"), 0
    known = may_be_known(inside)
    data = _read(file, min(options.max_record_bytes + 1, (1 << 62) if known else HEADER_BYTES))
    if checks.is_binary(data):
        return _Decision(file, "binary"), len(data)
    language = language_of(inside, data[:HEADER_BYTES].decode("utf-8", "replace")) if known else None
    if language is None:
        return _Decision(file, "unknown_language"), len(data)
    if len(data) > options.max_record_bytes:
        return _Reject(file, too_large(0, "the file", file.size, data[:1024], options)), len(data)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: {error.reason} at byte {error.start:,}"
        return _Reject(file, Reject(0, "invalid_utf8", message, data[:1024])), len(data)
    return _judge(file, text, language, allowed), len(data)


def _judge(file: CodeFile, text: str, language: str, allowed: frozenset[str] | None) -> _Row:
    """What becomes of a readable text in a known language."""
    inside = file.name.partition("/")[2]
    if not text or text.isspace():
        return _Decision(file, "empty_text", text)
    if checks.is_generated(inside, text):
        return _Decision(file, "generated", text)
    mean = checks.minified(inside, language, text)
    if mean is not None:
        return _Decision(file, "minified", text, mean, checks.MINIFIED_MEAN_LINE)
    lines = checks.too_long_lines(language, text)
    if lines is not None:
        return _Decision(file, "too_long_lines", text, *lines)
    header = header_license(text[:HEADER_BYTES])
    license, license_from = (header, file.name) if header is not None else (file.license, file.license_from)
    if allowed is not None and (license is None or not allows(license, allowed)):
        return _Decision(file, "license", text)
    return _Document(file, text, language, license, license_from)


def _read(file: CodeFile, most: int) -> bytes:
    try:
        with storage.open_input(file.path) as stream:
            return stream.read(most)
    except OSError as error:
        raise UserError(
            f"cannot read {file.path}: {error.strerror}",
            remedy="put it back or check its permissions, and run the same command again",
        ) from error


def _result(rows: Sequence[_Row], size: int, keep_text: bool) -> Result:
    rejects = [row for row in rows if isinstance(row, _Reject)]
    return Result(
        rows=_documents([row for row in rows if isinstance(row, _Document)]),
        decisions=_decisions([row for row in rows if isinstance(row, _Decision)], keep_text),
        rejects=reject_rows(
            _identified([row.file for row in rejects])["origin"],
            [row.reject.reason for row in rejects],
            [f"{row.file.name}: {row.reject.message}" for row in rejects],
            [excerpt(row.reject.excerpt) for row in rejects],
        ),
        rows_in=len(rows),
        bytes_in=size,
    )


def _identified(files: Sequence[CodeFile]) -> dict[str, pa.Array]:
    """doc_id, source and origin; the locator of a file is 0."""
    names = pa.array([file.name for file in files], pa.string())
    return {
        "doc_id": doc_ids([f"{file.source}\0{file.name}\x000".encode() for file in files]),
        "source": pa.array([file.source for file in files], pa.string()),
        "origin": origins(names, pa.repeat(pa.scalar(0, pa.int64()), len(files))),
    }


def _documents(rows: Sequence[_Document]) -> pa.RecordBatch:
    schema = code_schema()
    if not rows:
        return empty(schema)
    columns = _identified([row.file for row in rows]) | {
        "text": pa.array([row.text for row in rows], pa.string()),
        "license": pa.array([row.license for row in rows], pa.string()),
        "kind": repeat(KIND, len(rows)),
        "code_lang": pa.array([row.language for row in rows], pa.string()),
        "license_from": pa.array([row.license_from for row in rows], pa.string()),
    }
    arrays = [columns[field.name] if field.name in columns else pa.nulls(len(rows), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _decisions(rows: Sequence[_Decision], keep_text: bool) -> pa.RecordBatch:
    texts = pa.array([row.text for row in rows], pa.string())
    columns = _identified([row.file for row in rows]) | {"text": texts}
    return decide(
        pa.RecordBatch.from_pydict(columns),
        STEP,
        pa.array([row.reason for row in rows], pa.string()),
        score=pa.array([row.score for row in rows], pa.float64()),
        threshold=pa.array([row.threshold for row in rows], pa.float64()),
        keep_text=keep_text,
    )
