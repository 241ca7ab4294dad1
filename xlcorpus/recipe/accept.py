"""Whether what a pass could not read is acceptable: damaged files, files that gave nothing, the share of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from xlcorpus.dataset.by_file import FileLoss
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.decisions import DAMAGE
from xlcorpus.dataset.layout import REJECTS
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError

_SHOWN = 5  # most files that a message names
_MESSAGE = 300  # characters of what is wrong with each


@dataclass(frozen=True)
class Acceptance:
    """What the user accepts: a share of bad records (--max-error-rate), damaged files (--allow-damaged)."""

    max_error_rate: float
    allow_damaged: bool

    def check(
        self,
        label: str,
        folder: Location,
        tallies: Sequence[Tally],
        rejects: Sequence[ShardFile],
        losses: Sequence[FileLoss],
    ) -> None:
        """Raise UserError for what the user does not accept.

        losses: files that stand out; those are not accepted of which every record was rejected. Damage and bad records
        are two things: what damaged files lost is no part of the share, and no share makes up for damage.
        """
        damaged = sum(tally.rejected[reason] for tally in tallies for reason in DAMAGE)
        if damaged and not self.allow_damaged:
            raise UserError(
                f"{label}: parts of the input cannot be read ({_reasons(tallies, only=DAMAGE)}): "
                + _named(folder, rejects, lambda file, reason: reason in DAMAGE),
                remedy="get these files whole again and run with --overwrite, or do without what is lost: the same "
                "command with --resume --allow-damaged",
            )
        lost = {one.file: one.lost for one in losses if one.is_unread}
        if lost and not self.allow_damaged:
            raise UserError(
                f"{label}: not one record of {len(lost):,} input file{'s' if len(lost) > 1 else ''} could be read: "
                + _named(folder, rejects, lambda file, reason: file in lost),
                remedy="mend the files, say how they are to be read, or leave them out, and run with --overwrite; to "
                "do without them: the same command with --resume --allow-damaged",
            )
        accepted = damaged + sum(
            count for reasons in lost.values() for name, count in reasons.items() if name.split()[-1] not in DAMAGE
        )
        rows_in = tallies[0].rows_in - accepted
        rejected = sum(tally.rejected_rows for tally in tallies) - accepted
        if rejected > self.max_error_rate * rows_in:
            raise UserError(
                f"{label}: {rejected:,} of {rows_in:,} records were rejected ({_reasons(tallies, without=DAMAGE)}), "
                f"more than --max-error-rate {self.max_error_rate:g}; {folder / REJECTS} says which and why",
                remedy="mend the input and run with --overwrite, or accept them: the same command with --resume "
                f"--max-error-rate {min(1.0, rejected / rows_in + 0.005):.2f}",
            )


def _reasons(tallies: Sequence[Tally], *, only: Iterable[str] = (), without: Iterable[str] = ()) -> str:
    counted = [(name, n, tally.counts.get(name)) for tally in tallies for name, n in tally.rejected.most_common()]
    chosen = [one for one in counted if one[0] not in without and (not only or one[0] in only)]
    return ", ".join(f"{name} {n:,}{_values(counts)}" for name, n, counts in chosen[:5])


def _values(counts: Any) -> str:
    """The values that a step has counted under the name of a reason, the most frequent first."""
    if not isinstance(counts, Mapping):
        return ""
    shown = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    return f" ({', '.join(f'{value!r} {count}' for value, count in shown)}{', ...' if len(counts) > 3 else ''})"


def _named(folder: Location, rejects: Sequence[ShardFile], concerns: Callable[[str, str], bool]) -> str:
    """The files concerned, with what the first reject of each says, and how many rejects it has."""
    found: dict[str, tuple[str, int]] = {}
    for shard in rejects:
        for batch in read_batches(folder / shard.name):
            names = pc.struct_field(batch.column("origin"), "file").to_pylist()
            messages: Any = batch.column("message")
            for row, (name, reason) in enumerate(zip(names, batch.column("reason").to_pylist(), strict=True)):
                if name is not None and concerns(name, reason):
                    unknown = "; what came after is not known" if reason == "truncated_file" else ""
                    first, count = found.get(name) or (messages[row].as_py()[:_MESSAGE] + unknown, 0)
                    found[name] = (first, count + 1)
    shown = [
        message + (f" ({count:,} records)" if count > 1 else "") for message, count in list(found.values())[:_SHOWN]
    ]
    more = len(found) - len(shown)
    return "; ".join(shown) + (f"; and {more:,} more files: {folder / REJECTS}" if more > 0 else "")
