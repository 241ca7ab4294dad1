"""Files through ingest's own functions, in this process, and what has to be true of the result."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.target import Violation
from xlcorpus.dataset.workspace import Task
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.find import find_files
from xlcorpus.ingest.read import cut_files
from xlcorpus.pipelines.ingest import Options, ReadTask

REASONS: Counter[str] = Counter()  # of decisions and rejects, for the report: where the road of the cases leads


@dataclass
class Outcome:
    """Rows, decisions and rejects of one run over files, or why it was refused."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    refused: str | None = None

    @property
    def records(self) -> int:
        """Everything that was accounted for."""
        return len(self.rows) + len(self.decisions) + len(self.rejects)

    def summary(self) -> tuple[Any, ...]:
        """What must not depend on how the file was cut."""
        places = [
            sorted((one["origin"]["file"], one["origin"]["offset"], one["reason"]) for one in part)
            for part in (self.decisions, self.rejects)
        ]
        return (self.rows, *places, self.refused is None)


def read_files(paths: Sequence[Path], **options: Any) -> Outcome:
    """What ingest makes of files; a refusal is an outcome, every other exception goes up."""
    outcome = Outcome()
    try:
        chosen = Options(**options)
        files = find_files([str(path) for path in paths], chosen)
        parts = cut_files(files, target_bytes=chosen.task_bytes)
        read = ReadTask(chosen, output_schema(files, chosen), True)
        for number, content in enumerate(parts):
            for element in read(Task(number, 1, content)):
                _take(element, outcome)
    except UserError as error:
        _check_error(error)
        outcome.refused = str(error)
        REASONS["refused"] += 1
    return outcome


def _take(element: Any, outcome: Outcome) -> None:
    element.documents.validate(full=True)
    outcome.rows += element.documents.to_pylist()
    for rows, into in ((element.decisions, outcome.decisions), (element.rejects, outcome.rejects)):
        for batch in rows:
            batch.validate(full=True)
            found = batch.to_pylist()
            into += found
            REASONS.update(one["reason"] for one in found)


def _check_error(error: UserError) -> None:
    text = str(error)
    if not error.message.strip() or "Traceback" in text or len(text) > 5000:
        raise Violation(f"error-message: {text[:300]!r} ({len(text):,} characters)")


def check_outcome(outcome: Outcome, about: Mapping[str, Any]) -> None:
    """What holds for every file: ids differ, texts are texts; and as many records as are known to be there."""
    ids = [row["doc_id"] for row in outcome.rows]
    if len(set(ids)) != len(ids):
        raise Violation("ids: two rows have one doc_id")
    for row in outcome.rows:
        for name in ("text",) if "text" in row else ("src", "tgt"):
            if row[name] is None or "\0" in row[name] or not row[name].strip():
                raise Violation(f"text: a row's {name} is {row[name]!r}")
    if outcome.refused is not None:
        if about.get("valid"):
            raise Violation(f"refused: a valid file: {outcome.refused[:300]}")
        return
    if about.get("records") is not None and outcome.records != about["records"]:
        raise Violation(f"records: {outcome.records} of {about['records']} are accounted for")
    if "texts" in about and sorted(row["text"] for row in outcome.rows) != sorted(about["texts"]):
        raise Violation("texts: the rows are not the texts that were written")


def check_cuts(paths: Sequence[Path], whole: Outcome, chaos: random.Random, **options: Any) -> None:
    """The same rows, decisions and rejects when the file is read in small ranges."""
    size = sum(path.stat().st_size for path in paths)
    if whole.refused is not None or not 0 < size <= 200_000:
        return
    # A file of many ranges is read from anew for each: at most 40.
    least = max(size // 40, 1)
    parts = read_files(paths, **{**options, "task_bytes": chaos.randint(least, max(size, least))})
    if _known(parts.summary()) != _known(whole.summary()):
        raise Violation(
            f"cuts: {len(whole.rows)} rows, {len(whole.decisions)} decisions, {len(whole.rejects)} rejects in one, "
            f"{len(parts.rows)}, {len(parts.decisions)}, {len(parts.rejects)} in several ({parts.refused})"
        )


def _known(value: Any) -> str:
    return repr(value)  # NaN is unlike itself
