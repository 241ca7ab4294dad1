"""The folder of an export: made in `_work` beside what is there, put in its place when it is whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import RUN, WORK
from xlcorpus.dataset.ours import shown
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError

EXPORT = "export.json"
KEY = "xlcorpus_export"  # in it, and in run.json of an export: the version
_FILES = f"{WORK}/files"


@contextmanager
def making(folder: Location, *, overwrite: bool) -> Iterator[Location]:
    """The folder to write files in, empty; `put` gives them their place. After an exception nothing is left of it.

    Raises UserError where the folder holds an export and may not be overwritten, or files that are not ours;
    StorageError where the disk is full or refuses.
    """
    was_there = storage.exists(folder)
    try:
        with storage.lock(folder):
            try:
                _check(folder, overwrite=overwrite)
                # What a killed run had begun to put in its place is still ours.
                _begin(folder, _ours(folder))
                storage.remove_folder(folder / _FILES)
                yield storage.make_folder(folder / _FILES)
                storage.remove_folder(folder / WORK, or_leave=True)
            except BaseException:
                _undo(folder)
                raise
            finally:
                if not was_there:
                    storage.remove_empty(folder)
    except OSError as error:
        raise StorageError(
            f"cannot write{f' {error.filename}' if error.filename else f' in {folder}'}: {error.strerror or error}",
            remedy="make room there, or check its rights, and run the same command again",
        ) from error


def put(folder: Location, made: Location, names: Sequence[str], said: dict[str, Any]) -> None:
    """Give the files of `made` their place, in that of an earlier export; export.json, which says `said`, last.

    Nothing of the earlier one is touched before all is written, export.json too: a disk can be full until then. Raises
    UserError where a file of another has one of the names.
    """
    storage.write_json(made / EXPORT, {KEY: 1, **said})
    ours = _ours(folder)
    in_the_way = tuple(name for name in names if name not in ours and storage.exists(folder / name))
    if in_the_way:
        raise UserError(
            f"{folder} holds files that xlcorpus did not write, in the way of the export: {shown(in_the_way)}",
            remedy="move them to another place, or choose another --output folder",
        )
    _begin(folder, [*ours, *names])
    storage.remove(folder / EXPORT)  # first: half an export must not look like one
    for name in ours:
        storage.remove(folder / name)
    for name in (*names, EXPORT):
        storage.commit(made / name, folder / name)


def _begin(folder: Location, names: Sequence[str]) -> None:
    """Say that an export is being made, and of which names the files are ours."""
    files = [{"name": name} for name in sorted({*names})]
    storage.write_json(folder / WORK / RUN, {"fingerprint": None, "steps": ["export"], KEY: 1, "files": files})


def _undo(folder: Location) -> None:
    """Remove what was made, unless some of it has its place already: then the names of what is ours stay."""
    if _is_unfinished(folder):
        storage.remove_folder(folder / _FILES, or_leave=True)
        if storage.is_file(folder / EXPORT) or not any(storage.exists(folder / name) for name in _ours(folder)):
            storage.remove_folder(folder / WORK, or_leave=True)


def _check(folder: Location, *, overwrite: bool) -> None:
    """Raise UserError unless the folder may be written to."""
    names = [one.name for one in storage.scan(folder)]
    unfinished, ours = _is_unfinished(folder), _ours(folder)
    if not names or (unfinished and names == [WORK]):
        return
    if not (ours or unfinished):
        raise UserError(
            f"{folder} already holds files that xlcorpus export did not write ({shown(tuple(names))})",
            remedy="choose another --output folder, or empty this one yourself",
        )
    if not overwrite:
        raise UserError(
            f"{folder} already holds {'an unfinished export' if unfinished else 'an export'}",
            remedy="give --overwrite to replace it, or choose another --output folder",
        )


def _ours(folder: Location) -> list[str]:
    """Names of the files that the export in a folder lists, or a killed run was about to replace."""
    return sorted({*(_listed(folder / EXPORT) or ()), *(_listed(folder / WORK / RUN) or ())})


def _is_unfinished(folder: Location) -> bool:
    return _listed(folder / WORK / RUN) is not None


def _listed(file: Location) -> list[str] | None:
    """Names of the files that this file of an export lists; None where it is not there, or none of an export."""
    try:
        said = storage.read_json(file)
        names = [one["name"] for one in said["files"]] if said[KEY] else []
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [name for name in names if isinstance(name, str) and "/" not in name and name not in (".", "..")]
