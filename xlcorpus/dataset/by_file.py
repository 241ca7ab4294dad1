"""What became of the records of each input file, and which files stand out by what they have lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.tables import table_lines

# By file, how many records were `kept`, or `removed REASON`, `rejected REASON`.
FileCounts = dict[str, dict[str, int]]
KEPT, REMOVED, REJECTED = "kept", "removed", "rejected"
_MANY = 100  # most files that a manifest notes, but for those of which nothing could be read
_SHOWN = 10  # most files that a table names
_CERTAIN = math.log(100)  # of 100 runs over files that are all alike, at most one names a file
_DIFFERENCE = 0.1  # a smaller one is not worth a line, however certain


def count_files(counts: FileCounts, rows: pa.RecordBatch, kind: str) -> None:
    """Add rows (of documents, decisions or rejects) to the counts of the files that they come from."""
    if not rows.num_rows or "origin" not in rows.schema.names or not pa.types.is_struct(rows.column("origin").type):
        return
    file = pc.fill_null(pc.struct_field(rows.column("origin"), "file"), "")
    reason = pa.nulls(len(file), pa.string()) if kind == KEPT else rows.column("reason")
    table = pa.table({"file": file, "reason": pc.fill_null(reason, "")})
    for row in table.group_by(["file", "reason"]).aggregate([([], "count_all")]).to_pylist():
        name = f"{kind} {row['reason']}".rstrip()
        mine = counts.setdefault(row["file"], {})
        mine[name] = mine.get(name, 0) + row["count_all"]


def add_files(total: FileCounts, more: Mapping[str, Mapping[str, int]]) -> None:
    """Add the counts of another task."""
    for file, counts in more.items():
        mine = total.setdefault(file, {})
        for name, count in counts.items():
            mine[name] = mine.get(name, 0) + count


@dataclass(frozen=True)
class FileLoss:
    """A file that stands out: its records, those that were kept, and the others by `removed REASON`, ..."""

    file: str
    records: int
    kept: int
    lost: dict[str, int]

    @property
    def is_single(self) -> bool:
        """Whether it is one record, and that was rejected."""
        return self.records == 1 and any(name.startswith(f"{REJECTED} ") for name in self.lost)

    @property
    def is_unread(self) -> bool:
        """Whether every record was rejected, and they are several: the file is not what it was taken for.

        Two records of one cause, or three of any. Not where the text of most is missing: the part of a larger whole may
        hold nothing but nulls. (A column that is missing is an error before anything is read.)
        """
        missing = sum(count for name, count in self.lost.items() if name.startswith(f"{REJECTED} missing_"))
        rejected = all(name.startswith(f"{REJECTED} ") for name in self.lost)
        return rejected and not self.kept and self.records > len(self.lost) and missing < self.records / 2


def files_standing_out(counts: Mapping[str, Mapping[str, int]]) -> list[FileLoss]:
    """Files that lost more than chance gives if all files were alike, those that lost the most records first.

    A file stands out where n records of it would lose a share s, or more, with a probability below 1 in 100 for all
    files together if each were lost with the probability p that the files have that do not stand out (Chernoff: at most
    exp(-n KL(s, p))), and where s is at least p + 0.1. Files of which nothing could be read are always among them,
    those of one record too.
    """
    losses = []
    for file, mine in counts.items():
        lost = {name: count for name, count in sorted(mine.items()) if name != KEPT and count}
        kept = mine.get(KEPT, 0)
        losses.append(FileLoss(file, kept + sum(lost.values()), kept, lost))
    found: list[FileLoss] = []
    alike = losses
    more = [one for one in losses if one.file and (one.is_unread or one.is_single)] or _above(losses, len(losses))
    while more:  # without those that were found the others' share is smaller, and the next ones stand out
        found += more
        names = {one.file for one in found}
        alike = [one for one in alike if one.file not in names]
        more = _above(alike, len(losses))
    return sorted(found, key=lambda one: (one.kept - one.records, one.file))


def _above(losses: Sequence[FileLoss], files: int) -> list[FileLoss]:
    """The files whose share is above that of the others in `losses`."""
    records = sum(one.records for one in losses)
    gone = records - sum(one.kept for one in losses)
    found = []
    for one in losses:
        own = one.records - one.kept
        if not one.file or one.records == records:  # there is nothing to compare it with
            continue
        share, usual = own / one.records, (gone - own + 1) / (records - one.records + 2)
        certain = share > usual and one.records * _divergence(share, usual) > _CERTAIN + math.log(files)
        if certain and share >= usual + _DIFFERENCE:
            found.append(one)
    return found


def _divergence(share: float, usual: float) -> float:
    """Kullback-Leibler divergence of two coins, in nats."""
    rest = (1 - share) * math.log((1 - share) / (1 - usual)) if share < 1 else 0.0
    return share * math.log(share / usual) + rest


def noted(losses: Sequence[FileLoss]) -> dict[str, Any]:
    """What a manifest notes of them; nothing where there are none."""
    chosen = [asdict(one) for number, one in enumerate(losses) if number < _MANY or one.is_unread]
    return {"files": chosen} if chosen else {}


def losses_in(notes: Mapping[str, Any]) -> list[FileLoss]:
    """The files that a manifest's notes name."""
    return [FileLoss(**one) for one in notes.get("files", ())]


def without_single(counts: FileCounts) -> FileCounts:
    """The counts with those of all files of one record that could be read together, under ''.

    One record says nothing of its file, but one that was rejected may have been all of it (many objects in one line).
    """
    kept: FileCounts = {}
    for file, mine in counts.items():
        rejected = any(name.startswith(f"{REJECTED} ") for name in mine)
        add_files(kept, {file if sum(mine.values()) > 1 or rejected else "": mine})
    return kept


def loss_lines(losses: Sequence[FileLoss]) -> list[str]:
    """A table of them for the terminal."""
    if not losses:
        return []
    rows = [["file", "records", "kept", "lost"]]
    for one in losses[:_SHOWN]:
        reasons = sorted(one.lost.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{name} {count:,}" for name, count in reasons[:3])
        rows.append([one.file, f"{one.records:,}", f"{one.kept:,}", shown])
    more = len(losses) - _SHOWN
    return [
        "files that lost far more than the others, or gave nothing",
        *("  " + line for line in table_lines(rows, right=(1, 2))),
        *([f"  and {more:,} more"] if more > 0 else []),
    ]
