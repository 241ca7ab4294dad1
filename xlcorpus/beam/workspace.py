"""The state of a run on disk: tasks, and a sidecar for each finished one, so that a killed run goes on where it was."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlcorpus.dataset.layout import BESIDE, DATA, DECISIONS, MANIFEST, REJECTS, WORK
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import read_json, sha256_of, write_json
from xlcorpus.errors import UserError

_RUN = "run.json"
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp")  # as `temporary_name` makes them


@dataclass(frozen=True)
class Task:
    """One piece of work: its number (order of the output), weight (bytes, to start the largest first), and content."""

    number: int
    weight: int
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Workspace:
    """The output folder of a step while it runs."""

    folder: Path

    @property
    def work(self) -> Path:
        """Folder of sidecars and intermediate files."""
        return self.folder / WORK

    def scratch(self, name: str) -> Path:
        """A folder for the intermediate files of a phase, made when first asked for."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def sidecar(self, phase: str, number: int) -> Path:
        """Where the task's sidecar is, or will be."""
        return self.work / phase / f"{number:05d}.json"

    def finish(self, phase: str, number: int, record: dict[str, Any]) -> None:
        """Record that a task is done, after all its files have their names."""
        write_json(self.sidecar(phase, number), record)

    def finished(self, phase: str, number: int, *, verify: bool = False) -> dict[str, Any] | None:
        """The task's record, or None where it is not done or (verify) a file of it is missing or altered."""
        try:
            record: dict[str, Any] = read_json(self.sidecar(phase, number))
        except (OSError, ValueError):
            return None
        if verify:
            for entry in record.get("files", []):
                file = ShardFile(**entry)
                path = self.folder / file.name
                if not path.is_file() or path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
                    return None
        return record

    def state(self) -> dict[str, Any] | None:
        """What the unfinished run in this folder is (its fingerprint), or None where there is none."""
        try:
            state: dict[str, Any] = read_json(self.work / _RUN)
        except (OSError, ValueError):
            return None
        return state

    def begin(self, state: dict[str, Any]) -> None:
        """Make the folder and say what is being made in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.work / _RUN, state)

    def holds_only_ours(self) -> bool:
        """Whether the folder holds nothing that a step did not write (a manifest or the state of a run proves it)."""
        if not self.folder.exists():
            return True
        names = {path.name for path in self.folder.iterdir()} - {path.name for path in self._half_written()}
        known = {MANIFEST, DATA, DECISIONS, REJECTS, WORK, *BESIDE}
        if not names:
            return True
        return names <= known and (MANIFEST in names or WORK in names)

    def _half_written(self) -> list[Path]:
        """Files beside the shards that a run was killed over, before they got their names."""
        found = [(path, _TEMPORARY.fullmatch(path.name)) for path in self.folder.iterdir()]
        return [path for path, name in found if name and name[1] in (MANIFEST, *BESIDE)]

    def clear(self) -> None:
        """Remove what earlier runs left. The manifest goes first: half a dataset must not look like one."""
        if not self.holds_only_ours():
            raise UserError(
                f"{self.folder} holds files that xlcorpus did not write; it will not remove them",
                remedy="choose another --output folder, or empty this one yourself",
            )
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        # Killed at any line from here on, this leaves an unfinished run, which --overwrite may clear once more.
        write_json(self.work / _RUN, {"fingerprint": None, "steps": []})
        for path in [*(self.folder / name for name in (MANIFEST, *BESIDE)), *self._half_written()]:
            path.unlink(missing_ok=True)
        for path in [self.folder / name for name in (DATA, DECISIONS, REJECTS)] + list(self.work.iterdir()):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _RUN:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder with all that a run left in it."""
        self.clear()
        shutil.rmtree(self.work, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def clean_up(self, named: Iterable[str]) -> None:
        """Remove intermediate files, and files that the finished manifest does not name (temporary, or of old runs)."""
        keep = {self.folder / name for name in named}
        for name in (DATA, DECISIONS, REJECTS):
            for path in [path for path in (self.folder / name).rglob("*") if path.is_file()]:
                if path not in keep:
                    path.unlink(missing_ok=True)
        for path in self._half_written():
            path.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder against a second run; the lock dies with the process. Raises UserError when it is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # On the folder itself: no lock file that would outlive the run or stand in the dataset.
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise UserError(
                f"another xlcorpus run is writing to {self.folder}", remedy="wait for it, or choose another --output"
            ) from error
        try:
            yield
        finally:
            os.close(handle)
