"""What a run of codeswitch says of itself: coverage and ratio by language, and how mixed the texts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.realism import REAL, measure, mixing_rows, tags_of_switched
from xlcorpus.text.tables import table_lines

MEASURED = 2_000  # rows that the measures of mixing are taken of: the first ones, so always the same
_EXAMPLES, _WIDTH = 3, 100
_FIGURES = ("texts", "switched", "words", "known", "replaced")


def count_by_language(langs: pa.Array, words: np.ndarray, known: np.ndarray, replaced: np.ndarray) -> dict[str, int]:
    """Counts for the manifest, `FIGURE LANGUAGE`, of the texts that have a dictionary: int64[rows] each."""
    encoded = pc.fill_null(langs, "").dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    columns = (np.ones(len(words)), replaced > 0, words, known, replaced)
    counts = {}
    for figure, column in zip(_FIGURES, columns, strict=True):
        sums = np.bincount(codes, weights=column, minlength=len(encoded.dictionary))
        for label, value in zip(encoded.dictionary.to_pylist(), sums.tolist(), strict=True):
            counts[f"{figure} {label}"] = int(value)
    return counts


def count_partners(labels: pa.Array, codes: np.ndarray) -> dict[str, int]:
    """Counts `into LANGUAGE`: of replaced words or spans, labels string[languages], codes int64[k] into them."""
    found = np.bincount(codes, minlength=len(labels))
    counts: Counter[str] = Counter()
    for label, value in zip(labels.to_pylist(), found.tolist(), strict=True):
        counts[f"into {label}"] += value
    return dict(counts)


def notes_of(counts: Mapping[str, int], batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """The manifest's notes: languages (figures, coverage, ratio), partners, mixing of the first rows; a table of all.

    batches: rows of the dataset; those of the restore view have no spans, and so no mixing.
    """
    languages: dict[str, dict[str, float]] = {}
    partners: dict[str, int] = {}
    for name, value in sorted(counts.items()):
        figure, _, label = name.partition(" ")
        if figure == "into" and value:
            partners[label] = value
        elif figure in _FIGURES:
            languages.setdefault(label, {})[figure] = value
    rows = [["language", "texts", "switched", "words", "coverage", "ratio"]]
    for label, figures in languages.items():
        total = max(figures["words"], 1)
        figures["coverage"], figures["ratio"] = figures["known"] / total, figures["replaced"] / total
        shown = [f"{int(figures[name]):,}" for name in ("texts", "switched", "words")]
        rows.append([label or "(none)", *shown, f"{figures['coverage']:.3f}", f"{figures['ratio']:.3f}"])
    table = table_lines(rows, right=(1, 2, 3, 4, 5)) if languages else []
    if partners:
        table.append("switched into: " + ", ".join(f"{label} {count:,}" for label, count in partners.items()))
    notes: dict[str, Any] = {"languages": languages, "partners": partners, "table": table}
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
