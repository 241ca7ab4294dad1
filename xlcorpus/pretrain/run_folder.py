"""The folder of a run: what it holds, whether it is begun or finished, and what may be put there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, fingerprint
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pretrain.checkpoint import remove_unfinished
from xlcorpus.pretrain.metrics import METRICS

RUN, CARD, RECIPE, CURVES = "run.json", "README.md", "recipe.json", "curves.svg"
_CHECKPOINTS, _STAGES, _MODEL = "checkpoints", "stages", "model"
_FOLDERS = (_CHECKPOINTS, _STAGES, "runs")  # runs: TensorBoard's
_FILES = (RUN, CARD, RECIPE, CURVES, METRICS)


@dataclass(frozen=True)
class RunFolder:
    """root: the output; identity: what the weights depend on, by name."""

    root: Location
    identity: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Of the run."""
        return fingerprint(self.identity)

    def checkpoints(self, stage: str) -> Location:
        """Where a stage's checkpoints lie."""
        return self.root / _CHECKPOINTS / stage

    def stage(self, stage: str, *, last: bool) -> Location:
        """Where a stage's model lies when it is done: the last one's is the run's."""
        return self.root if last else self.root / _STAGES / stage

    def read(self) -> dict[str, Any] | None:
        """The run card; None where there is none. Raises IntegrityError."""
        if not storage.is_file(self.root / RUN):
            return None
        try:
            card: dict[str, Any] = storage.read_json(self.root / RUN)
            return {"fingerprint": card["fingerprint"], "finished": card["finished"], **card}
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{self.root / RUN} is damaged or none of xlcorpus: {error}", remedy="choose another --output"
            ) from error

    def is_done(self) -> bool:
        """Whether this very run is finished."""
        card = self.read()
        return card is not None and bool(card["finished"]) and card["fingerprint"] == self.fingerprint

    def begin(self, *, resume: bool, overwrite: bool) -> None:
        """Make the folder ready; raises UserError where it holds something else."""
        there = storage.entries_of(self.root) if storage.is_folder(self.root) else []
        card = self.read()
        if there and card is None:
            raise UserError(
                f"{self.root} holds files, and none is a run of xlcorpus ({there[0].name}, ...)",
                remedy="choose another --output",
            )
        if card is not None and overwrite:
            self._clear(card)
            card = None
        if card is not None and card["fingerprint"] != self.fingerprint:
            state = "a finished run" if card["finished"] else "an unfinished run"
            raise UserError(
                f"{self.root} holds {state} of {self._differs(card)}: this one cannot go on from its checkpoints",
                remedy="repeat the command as it was, choose another --output, or replace it with --overwrite",
            )
        if card is not None and not card["finished"] and not resume:
            raise UserError(
                f"{self.root} holds an unfinished run", remedy="go on with --resume, or start anew with --overwrite"
            )
        if card is None:
            self.write({"finished": False, "files": []})
        for folder in (
            storage.entries_of(self.root / _CHECKPOINTS) if storage.is_folder(self.root / _CHECKPOINTS) else []
        ):
            remove_unfinished(folder)

    @contextmanager
    def begun_for(self, rank: int) -> Iterator[None]:
        """Inside, a model is made to begin with: where it is refused, the first rank leaves no run behind."""
        try:
            yield
        except UserError:
            if rank == 0 and not storage.is_folder(self.root / _CHECKPOINTS):
                storage.remove(self.root / RUN)
                storage.remove_empty(self.root)
            raise

    def write(self, facts: Mapping[str, Any]) -> None:
        """Write the run card."""
        storage.write_json(self.root / RUN, {"fingerprint": self.fingerprint, "identity": dict(self.identity), **facts})

    def note(self, **facts: Any) -> None:
        """Write more into the card of a run that is not finished."""
        self.write({**(self.read() or {}), "finished": False, **facts})

    def has_model(self, stage: str) -> bool:
        """Whether a stage that is not the last is done."""
        return storage.is_folder(self.stage(stage, last=False))

    def model_in_work(self, stage: str) -> Location:
        """A folder that all ranks write a model into; `put_model` gives it its place."""
        return storage.make_folder(self.root / f".{_MODEL}-{stage}.{0:08x}.tmp")

    def put_model(self, temporary: Location, stage: str, *, last: bool) -> None:
        """Put a whole model where it belongs."""
        if not last:
            place = self.stage(stage, last=False)
            storage.make_folder(place.parent)
            storage.remove_folder(place)
            storage.commit(temporary, place)
            return
        names = storage.names_below(temporary)
        self.note(files=names)
        for name in names:
            storage.make_folder((self.root / name).parent)
            storage.commit(temporary / name, self.root / name)
        storage.remove_folder(temporary)

    def _differs(self, card: Mapping[str, Any]) -> str:
        before = card.get("identity", {})
        names = [name for name, value in self.identity.items() if before.get(name) != value]
        return f"another {' and '.join(names)}" if names else "another recipe"

    def _clear(self, card: Mapping[str, Any]) -> None:
        for name in (*card.get("files", []), *_FILES[1:]):
            storage.remove(self.root / name)
        for name in _FOLDERS:
            storage.remove_folder(self.root / name)
        for one in storage.scan(self.root):
            if storage.final_name(one.name) != one.name:
                storage.remove_folder(self.root / one.name)
        storage.remove(self.root / RUN)
