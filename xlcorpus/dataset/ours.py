"""Whose files are in a folder: those of a dataset or of an unfinished run of ours may go, all others stay."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import HELD_OUT, HOLDOUT, MANIFEST, PLAIN, RUN, SHARD_FOLDERS, SHARD_NAME, WORK
from xlcorpus.dataset.manifest import Manifest, is_ours
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, UserError

_NAMES = (MANIFEST, *PLAIN)
_NAMED = re.compile(rb'"name"\s*:\s*"([^"\\]+)"')  # of files, in a manifest that is damaged
_SHOWN = 5


def is_unfinished(folder: Location) -> bool:
    """Whether a run of ours was begun in the folder and is not cleaned up."""
    try:
        state = storage.read_json(folder / WORK / RUN)
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and {"fingerprint", "steps"} <= state.keys()


@dataclass(frozen=True)
class Belongings:
    """Names of the files in a folder: ours, and those of others (_work is not looked into)."""

    ours: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """What of the others bears a name that a dataset needs, or would be read with its shards."""
        return tuple(name for name in self.others if _is_in_the_way(name))

    @classmethod
    def of(cls, folder: Location) -> Belongings:
        """Look at every name; a link is never ours but in the place of a file. Raises OSError."""
        unfinished, listed = is_unfinished(folder), _listed(folder)
        holds_out = storage.is_folder(folder / WORK / HOLDOUT) or HELD_OUT in listed
        names = [name for name in storage.names_below(folder) if not name.startswith(f"{WORK}/")]
        ours = []
        for name in names:
            final = storage.final_name(name)
            inside = final.removeprefix(f"{HOLDOUT}/") if holds_out else final
            may_be = SHARD_NAME.fullmatch(inside) is not None or inside in _NAMES
            if name in listed or (may_be and (unfinished or (final != name and bool(listed)))):
                ours.append(name)
        return cls(tuple(ours), tuple(sorted(set(names) - set(ours))))


def _is_in_the_way(name: str) -> bool:
    top, _, below = name.partition("/")
    if not below:
        return name in (*_NAMES, *SHARD_FOLDERS, WORK)
    return top in SHARD_FOLDERS and (name.endswith(".parquet") or "=" in below)


def _listed(folder: Location) -> set[str]:
    """The names that a manifest of ours lists, and its own."""
    if not is_ours(folder):
        return set()
    try:
        named = set(Manifest.load(folder).files())
    except IntegrityError:
        found = {one.decode("utf-8", "replace") for one in _NAMED.findall(storage.read_bytes(folder / MANIFEST))}
        named = {name for name in found if SHARD_NAME.fullmatch(name)} | {*_NAMES}
        named |= found & {HELD_OUT}
    return with_holdout(folder, named)


def with_holdout(folder: Location, named: Iterable[str]) -> set[str]:
    """The names that a manifest lists, and those of the files of its holdout, where it lists one."""
    found = set(named)
    if HELD_OUT in found:
        found |= {f"{HOLDOUT}/{name}" for name in _listed(folder / HOLDOUT)}
    return found


def shown(names: tuple[str, ...]) -> str:
    """Some names for a message, and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def check_removable(folder: Location) -> Belongings:
    """What is in a folder that is to be emptied for a new dataset.

    Raises UserError where the folder is not ours, or files of others are in the way: nothing is removed then.
    """
    if not (is_ours(folder) or is_unfinished(folder)):
        names = tuple(one.name for one in storage.scan(folder))
        raise UserError(
            f"{folder} already holds files that xlcorpus did not write ({shown(names)})",
            remedy="choose another --output folder, or empty this one yourself",
        )
    found = Belongings.of(folder)
    if found.in_the_way:
        raise UserError(
            f"{folder} holds files that xlcorpus did not write, in the way of a dataset: {shown(found.in_the_way)}",
            remedy="move them to another place, or choose another --output folder; nothing was removed",
        )
    return found
