"""Tables for the terminal: the funnel of a run, the contents of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.tally import Tally
from xlcorpus.text.tables import table_lines

_REASONS = 4


def _reasons(counts: Counter[str], limit: int = _REASONS) -> str:
    shown = [
        f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
    ]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f", {more} more reasons" if more > 0 else "")


def _columns(tallies: Sequence[Tally]) -> list[str]:
    """The counts that are shown; merged, of packs alone, only where there are any."""
    names = ["rows_in", "rows_out", "removed", "rejected", "repeated"]
    return [*names, *(["merged"] if any(tally.merged for tally in tallies) else [])]


def _cells(tally: Tally, columns: Sequence[str]) -> list[str]:
    numbers = {"removed": tally.removed_rows, "rejected": tally.rejected_rows}
    return [f"{numbers[name] if name in numbers else getattr(tally, name):,}" for name in columns]


def funnel_lines(datasets: Sequence[tuple[str, Dataset]]) -> list[str]:
    """The funnel of a run: what each step was given, kept, removed and rejected; then the tables that steps noted."""
    columns = _columns([tally for _, dataset in datasets for tally in dataset.manifest.tallies])
    rows = [["dataset", "step", *columns, "reasons"]]
    tables: list[str] = []
    for name, dataset in datasets:
        for tally in dataset.manifest.tallies:
            rows.append([name, tally.step, *_cells(tally, columns), _reasons(tally.reasons + tally.rejected)])
        tables.extend(dataset.manifest.notes.get("table", []))
    lines = table_lines(rows, right=range(2, 2 + len(columns)))
    if tables:
        lines += ["", *tables]
    where = [f"  {name}: {dataset.folder}" for name, dataset in datasets]
    return [
        *lines,
        "",
        "every row is accounted for: rows_in + repeated = rows_out + removed + rejected"
        f"{' + merged' if 'merged' in columns else ''} at every step",
        *where,
    ]


def contents_lines(dataset: Dataset) -> list[str]:
    """Schema, sizes, counts by language, source and reason."""
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
    for title, counts in (("languages", manifest.languages), ("sources", manifest.sources)):
        if any(counts) or (counts and not manifest.schema.startswith("token-")):  # mixed packs have no language
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            cells = [
                [name or "(none)", f"{count:,}", f"{100 * count / max(manifest.rows, 1):.1f} %"]
                for name, count in ordered
            ]
            lines += ["", title, *("  " + line for line in table_lines(cells, right=(1, 2)))]
    columns = _columns(manifest.tallies)
    rows = [["step", *columns]]
    reasons: list[list[str]] = []
    for tally in manifest.tallies:
        rows.append([tally.step, *_cells(tally, columns)])
        for kind, by_reason in (("removed", tally.reasons), ("rejected", tally.rejected)):
            reasons += [[tally.step, kind, name, f"{count:,}"] for name, count in by_reason.most_common()]
    lines += ["", "steps", *("  " + line for line in table_lines(rows, right=range(1, 1 + len(columns))))]
    if reasons:
        lines += ["", "reasons", *("  " + line for line in table_lines(reasons, right=(3,)))]
    if manifest.notes.get("table"):
        lines += ["", manifest.steps[-1].step, *("  " + line for line in manifest.notes["table"])]
    return lines


# What is shown of a row: the first of these whose columns are there.
_SHOWN = (("text",), ("cs_source", "cs_target"), ("inputs", "targets"), ("src", "tgt"))
_FACTS = ("lang", "script", "src_lang", "tgt_lang", "source")
_IDS = 20  # tokens of a list that are shown


def sample_lines(dataset: Dataset, count: int, width: int = 100) -> list[str]:
    """The first rows: languages, source, origin and the beginning of the text, or of both texts.

    Of token shards: number and length of the row, its documents, and the first ids; the tokenizer is not here.
    """
    names = dataset.manifest.arrow_schema.names
    shown = next((columns for columns in _SHOWN if set(columns) <= set(names)), ())
    lines: list[str] = []
    rows = 0
    for batch in dataset.batches():
        for row in batch.slice(0, count - rows).to_pylist():
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


def _token_lines(row: Mapping[str, Any]) -> list[str]:
    facts = [str(row[name]) for name in _FACTS if row.get(name) is not None]
    parts = len(row["doc_ids"]) if "doc_ids" in row else 0
    documents = [f"{parts:,} document{'s' if parts > 1 else ''}"] if parts else []
    lines = ["  " + ", ".join([f"{row['pack_id']}: {row['length']:,} tokens", *documents, *facts])]
    for name in [name for name in row if name.endswith("_ids") and name != "doc_ids"]:
        ids = " ".join(str(token) for token in row[name][:_IDS])
        lines.append(f"    {name} {ids}{' ...' if len(row[name]) > _IDS else ''}")
    return lines
