"""The contents of a dataset for the terminal: schema, counts, sample rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.by_file import loss_lines, losses_in
from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.report.funnel import count_cells, count_columns
from xlcorpus.text.tables import table_lines

# What is shown of a row: the first of these whose columns are there.
_SHOWN = (("text",), ("cs_source", "cs_target"), ("inputs", "targets"), ("src", "tgt"))
_FACTS = ("lang", "script", "src_lang", "tgt_lang", "source")
_IDS = 20  # tokens of a list that are shown
_SEEN = 4_000  # characters of a text in which the shown ones are looked for


def contents_lines(dataset: Dataset) -> list[str]:
    """Schema, sizes, counts by language, source, kind and reason."""
    manifest = dataset.manifest
    kind = "documents" if manifest.schema.startswith("document-") else "rows"
    lines = [
        f"{dataset.folder}: {manifest.rows:,} {kind}, {len(manifest.shards)} shards, {dataset.bytes / 1e6:.1f} MB, "
        f"schema {manifest.schema}",
        f"made by {' + '.join(step.step for step in manifest.steps)}, xlcorpus {manifest.code_version}, "
        f"seed {manifest.seed}, fingerprint {manifest.fingerprint}",
        "",
        "columns",
        *("  " + line for line in table_lines([[field.name, str(field.type)] for field in manifest.arrow_schema])),
    ]
    for title, counts in (("languages", manifest.languages), ("sources", manifest.sources), ("kinds", manifest.kinds)):
        if any(counts) or (counts and not manifest.schema.startswith("token-")):  # mixed packs have no language
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            cells = [
                [name or "(none)", f"{count:,}", f"{100 * count / max(manifest.rows, 1):.1f} %"]
                for name, count in ordered
            ]
            lines += ["", title, *("  " + line for line in table_lines(cells, right=(1, 2)))]
    columns = count_columns(manifest.tallies)
    rows = [["step", *columns]]
    reasons: list[list[str]] = []
    for tally in manifest.tallies:
        rows.append([tally.step, *count_cells(tally, columns)])
        for kind, by_reason in (("removed", tally.reasons), ("rejected", tally.rejected)):
            reasons += [[tally.step, kind, name, f"{count:,}"] for name, count in by_reason.most_common()]
    lines += ["", "steps", *("  " + line for line in table_lines(rows, right=range(1, 1 + len(columns))))]
    if reasons:
        lines += ["", "reasons", *("  " + line for line in table_lines(reasons, right=(3,)))]
    if manifest.notes.get("table"):
        lines += ["", manifest.steps[-1].step, *("  " + line for line in manifest.notes["table"])]
    losses = losses_in(manifest.notes)
    return [*lines, "", *loss_lines(losses)] if losses else lines


def sample_lines(dataset: Dataset, count: int, width: int = 100) -> list[str]:
    """The first rows: languages, source, origin and the beginning of the text, or of both texts.

    Of token shards: number and length of the row, its documents, and the first ids; the tokenizer is not here.
    """
    names = dataset.manifest.arrow_schema.names
    shown = next((columns for columns in _SHOWN if set(columns) <= set(names)), ())
    lines: list[str] = []
    rows = 0
    for batch in dataset.batches():
        for row in _beginnings(batch.slice(0, count - rows)).to_pylist():
            if "pack_id" in row:
                lines += _token_lines(row)
            else:
                facts = [str(row[name]) for name in _FACTS if row.get(name) is not None]
                origin = row.get("origin")
                where = f"{origin['file']}:{origin['offset']}" if origin else ""
                lines.append(f"  {row['doc_id'].hex()} {' '.join(facts)} {where}".rstrip())
            for name in shown:
                text = " ".join((row[name] or "").split())
                lines.append(f"    {text[:width]}{'...' if len(text) > width else ''}")
            rows += 1
        if rows >= count:
            break
    return lines


def _beginnings(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with strings cut to the characters that may be shown: one text may have 40 MB."""
    strings = [field.name for field in batch.schema if pa.types.is_string(field.type)]
    return put_columns(batch, {name: pc.utf8_slice_codeunits(batch.column(name), 0, _SEEN) for name in strings})


def _token_lines(row: Mapping[str, Any]) -> list[str]:
    facts = [str(row[name]) for name in _FACTS if row.get(name) is not None]
    parts = len(row["doc_ids"]) if "doc_ids" in row else 0
    documents = [f"{parts:,} document{'s' if parts > 1 else ''}"] if parts else []
    lines = ["  " + ", ".join([f"{row['pack_id']}: {row['length']:,} tokens", *documents, *facts])]
    for name in [name for name in row if name.endswith("_ids") and name != "doc_ids"]:
        ids = " ".join(str(token) for token in row[name][:_IDS])
        lines.append(f"    {name} {ids}{' ...' if len(row[name]) > _IDS else ''}")
    return lines
