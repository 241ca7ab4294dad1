"""Fingerprints of input files; a file that is changed between the first look and the end of the run is an error."""

from __future__ import annotations

from collections.abc import Iterable

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, State
from xlcorpus.errors import UserError


def take_print(path: Location, state: State | None) -> str:
    """xxh3-128, hex, of a file's bytes; state: what it was when it was looked into, if that is known.

    Raises UserError where the file is gone, or another one by now.
    """
    before = _state_of(path)
    found = storage.fingerprint_of_file(path)
    after = _state_of(path)
    # Not by the number on the disk: some network file systems give another one at each look.
    if after[:2] != before[:2] or (state is not None and state[:2] != before[:2]):
        raise _changed(path)
    return found


def check_unchanged(files: Iterable[tuple[Location, State | None, str]]) -> None:
    """Raise UserError where a file (path, state, fingerprint) is not what it was.

    Only one that another hand has touched is read once more.
    """
    for path, state, found in files:
        if _state_of(path) != state and storage.fingerprint_of_file(path) != found:
            raise _changed(path)


def _state_of(path: Location) -> State:
    try:
        return storage.state_of(path)
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; it was there when the run was planned",
            remedy="put it back, and run the same command again with --resume",
        ) from error


def _changed(path: Location) -> UserError:
    return UserError(
        f"{path} was changed while it was read (it grew, shrank or was replaced): its rows may be of both versions",
        remedy="wait until nothing writes to it, or copy it first; then run the same command again with --overwrite",
    )
