"""The state of a run on disk: tasks, and a sidecar for each finished one, so that a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import BESIDE, DATA, DECISIONS, MANIFEST, REJECTS, WORK
from xlcorpus.dataset.record import dump_record, load_record, written_of
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

C = TypeVar("C")
R = TypeVar("R")

_RUN = "run.json"


@dataclass(frozen=True)
class Task(Generic[C]):
    """One piece of work: its number (order of the output), weight (bytes, to start the largest first), and content."""

    number: int
    weight: int
    content: C


@dataclass(frozen=True)
class RunState:
    """What an unfinished run makes: its fingerprint (None: a folder that is being emptied) and steps."""

    fingerprint: str | None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workspace:
    """The output folder of a step while it runs."""

    folder: Location

    @property
    def work(self) -> Location:
        """Folder of sidecars and intermediate files."""
        return self.folder / WORK

    def scratch(self, name: str) -> Location:
        """A folder for the intermediate files of a phase, made when first asked for."""
        return storage.make_folder(self.work / name)

    def _sidecar(self, phase: str, number: int) -> Location:
        return self.work / phase / f"{number:05d}.json"

    def finish(self, phase: str, number: int, record: Any) -> None:
        """Record that a task is done, after all its files have their names."""
        storage.write_json(self._sidecar(phase, number), dump_record(record))

    def is_finished(self, phase: str, number: int) -> bool:
        """Whether the task has left its sidecar."""
        return storage.is_file(self._sidecar(phase, number))

    def forget(self, phase: str, number: int) -> None:
        """Remove the task's sidecar: it is to be done again."""
        storage.remove(self._sidecar(phase, number))

    def finished(self, phase: str, number: int, kind: type[R], *, verify: bool = False) -> R | None:
        """The task's record, or None where it is not done or (verify) a file of it is missing or altered."""
        try:
            record = load_record(kind, storage.read_json(self._sidecar(phase, number)))
        except (OSError, ValueError):
            return None
        written = written_of(record)
        if verify and written is not None and not all(file.is_whole(self.folder) for file in written.files):
            return None
        return record

    def state(self) -> RunState | None:
        """What the unfinished run in this folder is, or None where there is none."""
        try:
            return load_record(RunState, storage.read_json(self.work / _RUN))
        except (OSError, ValueError):
            return None

    def begin(self, state: RunState) -> None:
        """Make the folder and say what is being made in it."""
        storage.write_json(self.work / _RUN, asdict(state))

    def is_begun(self) -> bool:
        """Whether a run has left anything beside the dataset."""
        return storage.exists(self.work)

    def holds_shards(self) -> bool:
        """Whether any shard has its name."""
        return any(file.suffix == ".parquet" for file in storage.files_below(self.folder / DATA))

    def holds_only_ours(self) -> bool:
        """Whether the folder holds nothing that a step did not write (a manifest or the state of a run proves it)."""
        if not storage.exists(self.folder):
            return True
        names = {path.name for path in storage.entries_of(self.folder)} - {path.name for path in self._half_written()}
        known = {MANIFEST, DATA, DECISIONS, REJECTS, WORK, *BESIDE}
        if not names:
            return True
        return names <= known and (MANIFEST in names or WORK in names)

    def _half_written(self) -> list[Location]:
        """Files beside the shards that a run was killed over, before they got their names."""
        return storage.half_written(self.folder, (MANIFEST, *BESIDE))

    def clear(self) -> None:
        """Remove what earlier runs left. The manifest goes first: half a dataset must not look like one."""
        if not self.holds_only_ours():
            raise UserError(
                f"{self.folder} holds files that xlcorpus did not write; it will not remove them",
                remedy="choose another --output folder, or empty this one yourself",
            )
        if not storage.exists(self.folder) or not storage.entries_of(self.folder):
            return
        # Killed at any line from here on, this leaves an unfinished run, which --overwrite may clear once more.
        self.begin(RunState(None))
        for path in [*(self.folder / name for name in (MANIFEST, *BESIDE)), *self._half_written()]:
            storage.remove(path)
        for path in [self.folder / name for name in (DATA, DECISIONS, REJECTS)] + storage.entries_of(self.work):
            if storage.is_folder(path):
                storage.remove_folder(path)
            elif path.name != _RUN:
                storage.remove(path)

    def remove(self) -> None:
        """Remove the folder with all that a run left in it."""
        self.clear()
        storage.remove_folder(self.work, or_leave=True)
        storage.remove_empty(self.folder)

    def clean_up(self, named: Iterable[str]) -> None:
        """Remove intermediate files, and files that the finished manifest does not name (temporary, or of old runs)."""
        keep = {self.folder / name for name in named}
        for name in (DATA, DECISIONS, REJECTS):
            for path in storage.files_below(self.folder / name):
                if path not in keep:
                    storage.remove(path)
        for path in self._half_written():
            storage.remove(path)
        storage.remove_folder(self.work, or_leave=True)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder against a second run; the lock dies with the process. Raises UserError when it is taken."""
        return storage.lock(self.folder)
