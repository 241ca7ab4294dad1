"""Source trees: every file becomes a document, a decision or a reject; the locator of a file is 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import pyarrow as pa

from xlcorpus.code import checks
from xlcorpus.code.languages import language_of, may_be_known
from xlcorpus.code.licenses import allows, header_license, is_license_file, parse_licenses
from xlcorpus.code.trees import CodeFile, read_start
from xlcorpus.dataset.columns import batch_of
from xlcorpus.dataset.decisions import empty, repeat
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.raw.assemble import BATCH_BYTES, BATCH_ROWS, decision_rows, doc_ids, key_of, origins, reject_rows
from xlcorpus.raw.lines import BOM, EXCERPT_BYTES
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.rejects import Decision, Reject, bad_utf8, too_large

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
    text: str
    language: str
    license: str | None
    license_from: str | None


_Row = _Document | Decision | Reject  # what becomes of a file
R = TypeVar("R", _Document, Decision, Reject)


def read_code(files: Sequence[CodeFile], options: ReadOptions, *, keep_text: bool = False) -> Iterator[Result]:
    """The files in order, in batches of at most 4,096 rows and about 16 MB; keep_text: decision rows carry the text.

    Decisions: vendored, lock_file, license_text, binary, unknown_language, empty_text, generated, minified,
    too_long_lines (score and threshold in characters), license; the first that holds. Rejects: record_too_large,
    invalid_utf8. Raises UserError where a file is gone or may not be read.
    """
    allowed = parse_licenses(options.licenses)
    rows: list[tuple[CodeFile, _Row]] = []
    size = taken = 0
    for file in files:
        row, read = _row(file, options, allowed)
        if isinstance(row, Decision) and not keep_text:
            row = replace(row, text=None)
        rows.append((file, row))
        size += read
        taken += 0 if isinstance(row, Reject) else len(row.text or "")
        if len(rows) >= BATCH_ROWS or taken >= BATCH_BYTES:
            yield _result(rows, size)
            rows, size, taken = [], 0, 0
    if rows:
        yield _result(rows, size)


def _row(file: CodeFile, options: ReadOptions, allowed: frozenset[str] | None) -> tuple[_Row, int]:
    """What becomes of one file, and how many bytes of it were read."""
    inside = file.inside
    if checks.is_vendored(inside):
        return Decision(0, "vendored"), 0
    if checks.is_lock_file(inside):
        return Decision(0, "lock_file"), 0
    if is_license_file(inside):
        return Decision(0, "license_text"), 0
    known = may_be_known(inside)
    data = read_start(file.path, min(options.max_record_bytes + 1, (1 << 62) if known else HEADER_BYTES))
    if checks.is_binary(data):
        return Decision(0, "binary"), len(data)
    language = language_of(inside, data[:HEADER_BYTES].decode("utf-8", "replace")) if known else None
    if language is None:
        return Decision(0, "unknown_language"), len(data)
    if len(data) > options.max_record_bytes:
        return too_large(0, "the file", file.size, data[:EXCERPT_BYTES], options), len(data)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        return bad_utf8(0, "the file", data[:EXCERPT_BYTES], error), len(data)
    return _judge(file, text, language, allowed), len(data)


def _judge(file: CodeFile, text: str, language: str, allowed: frozenset[str] | None) -> _Row:
    """What becomes of a readable text in a known language."""
    if not text or text.isspace():
        return Decision(0, "empty_text", text)
    if checks.is_generated(file.inside, text):
        return Decision(0, "generated", text)
    mean = checks.minified(file.inside, language, text)
    if mean is not None:
        return Decision(0, "minified", text, mean, checks.MINIFIED_MEAN_LINE)
    lines = checks.too_long_lines(language, text)
    if lines is not None:
        return Decision(0, "too_long_lines", text, *lines)
    header = header_license(text[:HEADER_BYTES])
    license, license_from = (header, file.name) if header is not None else (file.license, file.license_from)
    if allowed is not None and (license is None or not allows(license, allowed)):
        return Decision(0, "license", text)
    return _Document(text, language, license, license_from)


def _result(rows: Sequence[tuple[CodeFile, _Row]], size: int) -> Result:
    kept, documents = _of_kind(rows, _Document)
    removed, decisions = _of_kind(rows, Decision)
    refused, rejects = _of_kind(rows, Reject)
    return Result(
        rows=_documents(kept, documents),
        decisions=decision_rows(_identified(removed), decisions),
        rejects=reject_rows(_identified(refused)["origin"], rejects, [file.name for file in refused]),
        rows_in=len(rows),
        bytes_in=size,
    )


def _of_kind(rows: Sequence[tuple[CodeFile, _Row]], kind: type[R]) -> tuple[list[CodeFile], list[R]]:
    files = [file for file, row in rows if isinstance(row, kind)]
    return files, [row for _, row in rows if isinstance(row, kind)]


def _identified(files: Sequence[CodeFile]) -> dict[str, pa.Array]:
    """doc_id, source and origin; the locator of a file is 0."""
    names = pa.array([file.name for file in files], pa.string())
    return {
        "doc_id": doc_ids([key_of(file.source, file.name, [file.fingerprint]) + b"0" for file in files]),
        "source": pa.array([file.source for file in files], pa.string()),
        "origin": origins(names, pa.repeat(pa.scalar(0, pa.int64()), len(files))),
    }


def _documents(files: Sequence[CodeFile], rows: Sequence[_Document]) -> pa.RecordBatch:
    schema = code_schema()
    if not rows:
        return empty(schema)
    columns = _identified(files) | {
        "text": pa.array([row.text for row in rows], pa.string()),
        "license": pa.array([row.license for row in rows], pa.string()),
        "kind": repeat(KIND, len(rows)),
        "code_lang": pa.array([row.language for row in rows], pa.string()),
        "license_from": pa.array([row.license_from for row in rows], pa.string()),
    }
    return batch_of(schema, columns, len(rows))
