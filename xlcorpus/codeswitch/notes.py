"""What the manifest notes of a run of codeswitch: coverage and ratio by language, and how mixed the texts are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from typing import Any

import pyarrow as pa

from xlcorpus.codeswitch.realism import REAL, measure, mixing_rows, tags_of_switched
from xlcorpus.codeswitch.switched import FIGURES, INTO, STAYED
from xlcorpus.dataset.result import Counts
from xlcorpus.tags.counts import label_notes
from xlcorpus.text.tables import table_lines

MEASURED = 2_000  # rows that the measures of mixing are taken of: the first ones, so always the same
_EXAMPLES, _WIDTH = 3, 100


def notes_of(counts: Counts, batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """The manifest's notes: languages (figures, coverage, ratio), partners, stayed (texts without a switch, by reason),
    mixing of the first rows; a table of all.

    counts: as `switched_rows` has them; batches: rows of the dataset; those of the restore view have no spans, and so
    no mixing.
    """
    partners = {label: number for label, number in sorted(counts.get(INTO, {}).items()) if number}
    languages: dict[str, dict[str, float]] = {}
    rows = [["language", "texts", "switched", "words", "coverage", "ratio"]]
    for label in sorted(counts.get("texts", {})):
        figures: dict[str, float] = {figure: counts[figure][label] for figure in FIGURES}
        shown = [f"{figures[name]:,}" for name in ("texts", "switched", "words")]
        total = max(figures["words"], 1)
        figures["coverage"], figures["ratio"] = figures["known"] / total, figures["replaced"] / total
        rows.append([label or "(none)", *shown, f"{figures['coverage']:.3f}", f"{figures['ratio']:.3f}"])
        languages[label] = figures
    table = table_lines(rows, right=(1, 2, 3, 4, 5)) if languages else []
    if partners:
        table.append("switched into: " + ", ".join(f"{label} {count:,}" for label, count in partners.items()))
    stayed = dict(sorted(counts.get(STAYED, {}).items()))
    if stayed:
        table.append("without a switch: " + ", ".join(f"{reason} {count:,}" for reason, count in stayed.items()))
    of_labels, lines = label_notes(counts)
    table += lines
    notes: dict[str, Any] = {
        "languages": languages,
        "partners": partners,
        "stayed": stayed,
        "table": table,
        **of_labels,
    }
    sample = _first_rows(batches, MEASURED)
    if sample is not None:
        table += ["", *example_lines(sample)]
        mixing = measure(tags_of_switched(sample))
        notes["mixing"] = asdict(mixing)
        cells = mixing_rows({f"the first {sample.num_rows:,} rows": mixing, **REAL})
        table += ["", *table_lines(cells, right=tuple(range(1, len(cells[0]))))]
    return notes


def example_lines(rows: pa.RecordBatch) -> list[str]:
    """The beginning of the first text with each of three partners, what was switched in brackets."""
    lines: dict[str, str] = {}
    for row in range(rows.num_rows):
        spans = rows.column("cs_spans")[row].as_py()
        label = f"{rows.column('lang')[row].as_py()} <- {spans[0]['tgt_lang']}"
        if label in lines:
            continue
        text, at, parts = rows.column("cs_source")[row].as_py(), 0, []
        for span in spans:
            parts += [text[at : span["start"]], "[", text[span["start"] : span["end"]], "]"]
            at = span["end"]
        marked = " ".join("".join([*parts, text[at:]]).split())
        lines[label] = f"{label}  {marked[:_WIDTH]}{'...' if len(marked) > _WIDTH else ''}"
        if len(lines) == _EXAMPLES:
            break
    return list(lines.values())


def _first_rows(batches: Iterable[pa.RecordBatch], count: int) -> pa.RecordBatch | None:
    parts: list[pa.RecordBatch] = []
    for batch in islice(batches, count):  # a batch has a row at least, or none of them has any
        if "cs_spans" not in batch.schema.names:
            return None
        parts.append(batch.select(["cs_source", "cs_spans", "lang"]).slice(0, count - sum(map(len, parts))))
        if sum(map(len, parts)) >= count:
            break
    return pa.concat_batches(parts) if sum(map(len, parts)) else None
