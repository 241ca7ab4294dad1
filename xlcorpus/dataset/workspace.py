"""The state of a run on disk: tasks, and a sidecar for each finished one, so that a killed run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.layout import DATA, DECISIONS, HOLDOUT, MANIFEST, REJECTS, RUN, WORK
from xlcorpus.dataset.ours import Belongings, check_removable, shown, with_holdout
from xlcorpus.dataset.record import dump_record, load_record, written_of
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

C = TypeVar("C")
R = TypeVar("R")


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
    """The output folder of a step while it runs. features: of the columns read, which the shards go on saying."""

    folder: Location
    features: Features = field(default_factory=dict)

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
        content = dump_record(record)
        storage.write_json(self._sidecar(phase, number), {"record": content, "checksum": storage.fingerprint(content)})

    def is_finished(self, phase: str, number: int) -> bool:
        """Whether the task has left its sidecar."""
        return storage.is_file(self._sidecar(phase, number))

    def forget(self, phase: str, number: int) -> None:
        """Remove the task's sidecar: it is to be done again."""
        storage.remove(self._sidecar(phase, number))

    def finished(self, phase: str, number: int, kind: type[R], *, verify: bool = False) -> R | None:
        """The task's record, or None where it is not done, or its sidecar or (verify) a file of it is altered."""
        try:
            sealed = storage.read_json(self._sidecar(phase, number))
            if sealed["checksum"] != storage.fingerprint(sealed["record"]):
                return None
            record = load_record(kind, sealed["record"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        written = written_of(record)
        if verify and written is not None and not all(file.is_whole(self.folder) for file in written.files):
            return None
        return record

    def state(self) -> RunState | None:
        """What the unfinished run in this folder is, or None where there is none."""
        try:
            return load_record(RunState, storage.read_json(self.work / RUN))
        except (OSError, ValueError):
            return None

    def begin(self, state: RunState) -> None:
        """Make the folder and say what is being made in it."""
        storage.write_json(self.work / RUN, asdict(state))

    def is_begun(self) -> bool:
        """Whether a run has left anything beside the dataset."""
        return storage.exists(self.work)

    def holds_shards(self) -> bool:
        """Whether any shard has its name."""
        return any(file.suffix == ".parquet" for file in storage.files_below(self.folder / DATA))

    def clear(self) -> tuple[str, ...]:
        """Remove what earlier runs left; the names of the files that are others', which stay.

        The manifest goes first: half a dataset must not look like one. Raises UserError where the folder is not ours,
        or holds files of others that are in the way; nothing is removed then.
        """
        if not storage.exists(self.folder) or not storage.entries_of(self.folder):
            return ()
        found = check_removable(self.folder)
        # Killed at any line from here on, this leaves an unfinished run, which --overwrite may clear once more.
        self.begin(RunState(None))
        for name in sorted(found.ours, key=lambda name: name != MANIFEST):
            storage.remove(self.folder / name)
        for one in storage.scan(self.work):
            if one.kind == "folder":
                storage.remove_folder(self.work / one.name)
            elif one.name != RUN:
                storage.remove(self.work / one.name)
        self._remove_empty()
        return found.others

    def _remove_empty(self) -> None:
        for name in (DATA, DECISIONS, REJECTS, HOLDOUT):
            storage.remove_empty(self.folder / name, below=True)

    def remove(self) -> None:
        """Remove the folder with all that a run left in it."""
        self.clear()
        storage.remove_folder(self.work, or_leave=True)
        storage.remove_empty(self.folder)

    def clean_up(self, named: Iterable[str]) -> None:
        """Remove intermediate files, and files of ours that the finished manifest does not name (temporary, or old)."""
        for name in set(Belongings.of(self.folder).ours) - with_holdout(self.folder, named):
            storage.remove(self.folder / name)
        self._remove_empty()
        storage.remove_folder(self.work, or_leave=True)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder against a second run; the lock dies with the process. Raises UserError when it is taken."""
        return storage.lock(self.folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The folder, made and locked; no empty one is left behind where nothing was begun."""
        existed = storage.exists(self.folder)
        storage.make_folder(self.folder)
        try:
            with self.lock():
                yield
        finally:
            if not existed:
                storage.remove_empty(self.folder)

    def _died_at_once(self) -> bool:
        """Whether there is nothing but what a run leaves that was killed before it had said what it makes."""
        run, names = f"{WORK}/{RUN}", storage.names_below(self.folder)
        here = [entry.name for entry in storage.entries_of(self.folder)]
        return here == [WORK] and all(name != run and storage.final_name(name) == run for name in names)

    def make_room(
        self, fingerprint: str, *, resume: bool, overwrite: bool, say: Callable[[str], None], keep_stale: bool = True
    ) -> None:
        """Make the folder ready for a run of this fingerprint: what is to be gone on with stays.

        keep_stale: a dataset or run of another fingerprint is an error, also where it may be gone on with. Raises
        UserError where something is there that may not go.
        """
        folder = self.folder
        if self._died_at_once():
            storage.remove_folder(self.work)
        if not storage.entries_of(folder):
            return
        state, left = self.state(), check_removable(folder).others
        if left:
            say(f"{folder}: xlcorpus did not write {shown(left)}: left as they are")
        if overwrite:
            self.clear()
        elif is_dataset(folder):
            if not resume or keep_stale:
                raise UserError(
                    f"{folder} already holds a dataset, made from other input or with other options",
                    remedy="choose another --output folder, or replace it with --overwrite",
                )
            self.clear()
        elif not resume:
            raise UserError(
                f"{folder} holds an unfinished run", remedy="go on with --resume, or start anew with --overwrite"
            )
        elif state is None or state.fingerprint != fingerprint:
            if keep_stale:
                raise UserError(
                    f"{folder} holds an unfinished run of other input or options: it cannot be resumed with these",
                    remedy="repeat the command as it was, or start anew with --overwrite",
                )
            self.clear()


def check_apart(folder: Location, inputs: Sequence[Location]) -> None:
    """Raise UserError where the output is, holds or lies in an input: --overwrite would remove what is being read."""
    for given in inputs:
        if storage.is_inside(folder, given) or storage.is_inside(given, folder):
            raise UserError(
                f"the output {folder} and the input {given} are not apart", remedy="choose another --output"
            )
