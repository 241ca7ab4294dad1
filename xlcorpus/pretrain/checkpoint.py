"""Checkpoints: written whole under a temporary name and renamed, so that what bears its name can be gone on with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, StorageError, first_line

CURSOR = "cursor.json"  # step, fingerprint of the run, where the data is, and the xxh3 of each file
_NAME = re.compile(r"step-[0-9]+")


def checkpoints_of(folder: Location) -> list[Location]:
    """Whole checkpoints in the order of their steps."""
    there = storage.scan(folder) if storage.is_folder(folder) else []
    named = [one.name for one in there if one.kind == "folder" and _NAME.fullmatch(one.name)]
    return [folder / name for name in sorted(named, key=lambda name: int(name.removeprefix("step-")))]


def last_checkpoint(folder: Location) -> Location | None:
    """The last whole checkpoint; None before the first."""
    return next(reversed(checkpoints_of(folder)), None)


def remove_unfinished(folder: Location) -> None:
    """Remove what was being written when a run ended."""
    for one in storage.scan(folder) if storage.is_folder(folder) else []:
        if storage.final_name(one.name) != one.name:
            storage.remove_folder(folder / one.name)


def read_cursor(checkpoint: Location, *, verify: bool) -> dict[str, Any]:
    """What a checkpoint says of itself; verify: read its files too (6 GB a CPU second).

    Raises IntegrityError where it is damaged, lacks a file, or holds another than was written: without the optimiser's
    state, or with one of which a byte has changed, Trainer would go on all the same.
    """
    remedy = f"remove {checkpoint}: the one before it is taken then, or the beginning where there is none"
    try:
        cursor: dict[str, Any] = storage.read_json(checkpoint / CURSOR)
        files = {**cursor["files"]}
        made = {"step": cursor["step"], "fingerprint": cursor["fingerprint"], "data": cursor["data"], **cursor}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{checkpoint / CURSOR} is damaged: {error}", remedy=remedy) from error
    for name, written in files.items() if verify else ():
        found = storage.fingerprint_of_file(checkpoint / name) if storage.is_file(checkpoint / name) else None
        if found != written:
            what = "is not there" if found is None else "is damaged: its bytes are not those that were written"
            raise IntegrityError(f"{checkpoint / name} {what}", remedy=remedy)
    return made


def write_checkpoint(
    folder: Location, cursor: dict[str, Any], save: Callable[[Location], None], finish: Callable[[], bool], keep: int
) -> None:
    """Write a checkpoint and remove all but the last `keep`.

    cursor: see `read_cursor`; save: writes all files into a folder, on every rank; finish: waits for all ranks, and
    says whether this one renames.
    Raises StorageError where it cannot be written; what was there stays.
    """
    step, last = cursor["step"], last_checkpoint(folder)
    temporary = folder / f".step-{step}.{0:08x}.tmp"  # the same on all ranks
    with _writing(
        temporary, f"the checkpoint of step {step}", f": {last} is whole" if last else ", from the beginning"
    ):
        storage.make_folder(temporary)
        save(temporary)
        if finish():
            files = {name: storage.fingerprint_of_file(temporary / name) for name in storage.names_below(temporary)}
            storage.write_json(temporary / CURSOR, {**cursor, "files": files})
            storage.remove_folder(folder / f"step-{step}")
            storage.commit(temporary, folder / f"step-{step}")
            for old in checkpoints_of(folder)[:-keep]:
                storage.remove_folder(old)


@contextmanager
def writing_model(folder: Location) -> Iterator[None]:
    """Inside, a model is written; raises StorageError where it cannot be."""
    with _writing(None, f"the model in {folder}", ": the checkpoint of the last step is whole"):
        yield


@contextmanager
def _writing(temporary: Location | None, what: str, then: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # torch's and safetensors' own classes carry the system's message
        if temporary is not None:
            storage.remove_folder(temporary, or_leave=True)
        if isinstance(error, (OSError, RuntimeError)) or type(error).__name__ == "SafetensorError":
            raise StorageError(
                f"{what} cannot be written: {first_line(error)}",
                remedy=f"free some space, then go on with --resume{then}",
            ) from error
        raise
