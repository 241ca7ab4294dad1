"""Count rows in, rows out, removals and rejects of a step, and check that none is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import languages_read, row_language
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.errors import ConservationError


def count_values(column: pa.Array | pa.ChunkedArray) -> Counter[str]:
    """How often each value of a string column occurs; null counts as ''."""
    counted = pc.value_counts(pc.fill_null(column, ""))
    return Counter(dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)))


@dataclass
class Tally:
    """Rows of one step: rows_in + repeated == rows_out + removed + rejected + merged.

    removed: decisions by (language, reason), languages '' where unknown; rejected: rejects by reason; repeated: extra
    copies that a mix makes of documents used more than once; merged: documents that share a row with others (packs)
    beyond one for each row; languages, sources, kinds: rows_out by language, by source and, where it is known, by kind;
    counts: what else the step counted, by name (and name).
    """

    step: str
    rows_in: int = 0
    rows_out: int = 0
    repeated: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    removed: dict[str, Counter[str]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    counts: Counts = field(default_factory=dict)
    merged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def removed_rows(self) -> int:
        """Rows with a decision."""
        return sum(sum(reasons.values()) for reasons in self.removed.values())

    @property
    def rejected_rows(self) -> int:
        """Rows with a reject."""
        return sum(self.rejected.values())

    @property
    def reasons(self) -> Counter[str]:
        """Removed rows by reason, over all languages."""
        total: Counter[str] = Counter()
        for reasons in self.removed.values():
            total.update(reasons)
        return total

    def count(self, result: Result) -> None:
        """Add all that a kernel made of the rows it was given."""
        self.rows_in += result.rows_in or 0
        self.bytes_in += result.bytes_in
        self.repeated += result.repeated
        self.merged += result.merged
        self.rows_out += result.rows.num_rows
        add_counts(self.counts, result.counts)
        if result.decisions is not None:
            self.count_decisions(result.decisions)
        if result.rejects is not None:
            self.count_rejects(result.rejects)

    def count_decisions(self, decisions: pa.RecordBatch) -> None:
        """Add decision rows."""
        if not decisions.num_rows:
            return
        table = pa.table({"lang": pc.fill_null(decisions.column("lang"), ""), "reason": decisions.column("reason")})
        for row in table.group_by(["lang", "reason"]).aggregate([([], "count_all")]).to_pylist():
            self.removed.setdefault(row["lang"], Counter())[row["reason"]] += row["count_all"]

    def count_rejects(self, rejects: pa.RecordBatch) -> None:
        """Add reject rows."""
        if rejects.num_rows:
            self.rejected.update(count_values(rejects.column("reason")))

    def count_languages(self, documents: pa.RecordBatch) -> None:
        """Add the languages, sources and kinds of rows that are written; of a pair without `lang` eng_Latn-deu_Latn."""
        names = documents.schema.names
        if languages_read(names):
            self.languages.update(count_values(row_language(documents)))
        if "source" in names:
            self.sources.update(count_values(documents.column("source")))
        if "kind" in names and pa.types.is_string(documents.schema.field("kind").type):
            self.kinds.update({kind: count for kind, count in count_values(documents.column("kind")).items() if kind})

    def check(self, where: str) -> None:
        """Raise ConservationError unless every row is accounted for."""
        found = self.rows_out + self.removed_rows + self.rejected_rows + self.merged
        if self.rows_in + self.repeated != found:
            repeated = f" + {self.repeated} repeated" if self.repeated else ""
            merged = f" + merged {self.merged}" if self.merged else ""
            raise ConservationError(
                f"{where}: step {self.step!r} does not account for every row: rows_in {self.rows_in}{repeated} is not "
                f"rows_out {self.rows_out} + removed {self.removed_rows} + rejected {self.rejected_rows}{merged} "
                f"= {found}",
                remedy="this is a defect of the step or of the runner, not of your data: please report it; "
                "the dataset was not finished",
            )

    def add(self, other: Tally) -> None:
        """Add the counts of another task of the same step."""
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.repeated += other.repeated
        self.merged += other.merged
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        for lang, reasons in other.removed.items():
            self.removed.setdefault(lang, Counter()).update(reasons)
        self.rejected.update(other.rejected)
        self.languages.update(other.languages)
        self.sources.update(other.sources)
        self.kinds.update(other.kinds)
        add_counts(self.counts, other.counts)


def add_up(tallies: Iterable[Tally]) -> list[Tally]:
    """Sum the tallies of many tasks by step, steps in order of first appearance."""
    total: dict[str, Tally] = {}
    for tally in tallies:
        total.setdefault(tally.step, Tally(tally.step)).add(tally)
    return list(total.values())


def check_chain(
    tallies: Sequence[Tally], *, rows_in: int | None, rows_out: int, removed: int, rejected: int, where: str
) -> None:
    """Check the steps of a pass against one another and against the files; raises ConservationError.

    rows_in: rows of the input datasets (None: raw files); rows_out, removed, rejected: rows in the files written.
    """
    for tally in tallies:
        tally.check(where)
    links = [(f"input of {tallies[0].step!r}", rows_in, tallies[0].rows_in)] if rows_in is not None else []
    links += [(f"from {one.step!r} to {other.step!r}", one.rows_out, other.rows_in) for one, other in pairwise(tallies)]
    links += [
        ("rows written", tallies[-1].rows_out, rows_out),
        ("decisions written", sum(tally.removed_rows for tally in tallies), removed),
        ("rejects written", sum(tally.rejected_rows for tally in tallies), rejected),
    ]
    for what, expected, found in links:
        if expected != found:
            raise ConservationError(
                f"{where}: {what}: {expected} rows expected, {found} found",
                remedy="this is a defect of the step or of the runner: please report it; the dataset was not finished",
            )
