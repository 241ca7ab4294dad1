"""A report of an evaluation as files: JSON, and a plot of each measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import MEASURES, Rows
from xlcorpus.evaluate.measures.bits.costs import Bits, write_documents

REPORT = "evaluation.json"


def check_output(folder: Location, *, overwrite: bool) -> None:
    """Raise UserError where a report is there already."""
    if storage.is_file(folder / REPORT) and not overwrite:
        raise UserError(f"{folder} holds an evaluation already", remedy="--overwrite, or another --output")


def write_report(
    report: Mapping[str, Any], documents: Mapping[str, Mapping[str, Bits]], folder: Location
) -> list[Location]:
    """Write `evaluation.json`, `documents.parquet`, and a plot of each measure of which there is something; their
    places."""
    storage.make_folder(folder)
    storage.write_json(folder / REPORT, report)
    written = [folder / REPORT, *([write_documents(documents, folder)] if documents else [])]
    for name, measure in MEASURES.all.items():
        if report[name]:
            storage.write_text(folder / f"{name}.svg", measure.plot(report["model"], report[name]))
            written.append(folder / f"{name}.svg")
    return written


def tables(report: Mapping[str, Any]) -> dict[str, Rows]:
    """Rows of cells by title, the first of names."""
    found: dict[str, Rows] = {}
    for name, measure in MEASURES.all.items():
        for given, facts in report[name].items():
            found |= measure.tables(given, facts)
    return found
