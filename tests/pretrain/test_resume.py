"""A run that ends at any step and goes on leaves the weights and metrics of one that never ended."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.pretrain.runs import metrics, recipe_file, train, weights
from xlcorpus.errors import IntegrityError, StorageError, UserError
from xlcorpus.objectives.kinds.clm import Clm
from xlcorpus.pretrain import train as training
from xlcorpus.pretrain.engine import Engine


class Killed(BaseException):
    """As if the process were gone: nothing catches it."""


def kill() -> None:
    raise Killed


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without an end before its end."""
    folder = tmp_path_factory.mktemp("whole")
    assert train(folder) == 0
    return folder


def train_until(step: int, do: Callable[[], None], folder: Path, **changes: Any) -> int:
    """Train, and call something in the first micro-batch of a step (from 1 on)."""
    before = Engine.training_step

    def training_step(engine: Engine, *arguments: Any, **settings: Any) -> Any:
        if engine.state.global_step + 1 == step and not engine._step.losses:
            do()
        return before(engine, *arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "training_step", training_step)
        return train(folder, **changes)


def check_goes_on(folder: Path, **changes: Any) -> None:
    """A run (of 4 steps) that is killed in its last goes on to the weights and metrics of one that never ended.

    They stay in folder / "whole" and folder / "ended".
    """
    assert train(folder / "whole", **changes) == 0
    with pytest.raises(Killed):
        train_until(4, kill, folder / "ended", **changes)
    assert train(folder / "ended", resume=True, **changes) == 0
    assert weights(folder / "ended") == weights(folder / "whole")
    assert metrics(folder / "ended") == metrics(folder / "whole")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("optimizer.pt", "gone"),
        ("optimizer.pt", "changed"),
        ("model.safetensors", "changed"),
        ("rng_state.pth", "cut"),
        ("cursor.json", "cut"),
        ("metrics.jsonl", "cut"),
    ],
)
def test_damage_is_found_before_training_goes_on(whole: Path, tmp_path: Path, name: str, fault: str) -> None:
    """Without the optimiser's state Trainer would go on with a new one, and of a changed byte it knows nothing."""
    shutil.copytree(whole / "out", tmp_path / "out")
    card = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    (tmp_path / "out" / "run.json").write_text(json.dumps({**card, "finished": False}), "utf-8")
    file = tmp_path / "out" / ("" if name == "metrics.jsonl" else "checkpoints/train/step-6") / name
    held = file.read_bytes()
    changed = bytearray(held)
    changed[-len(held) // 3] ^= 1
    file.write_bytes({"gone": b"", "cut": held[:-9], "changed": changed}[fault])
    if fault == "gone":
        file.unlink()
    with pytest.raises(IntegrityError, match=rf"{name} is (damaged|not there)(.|\n)*remedy: remove"):
        train(tmp_path, resume=True)


def test_a_damaged_checkpoint_removed_leaves_the_one_before(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "out", tmp_path / "out")
    unfinished(tmp_path, 4)
    assert train(tmp_path, resume=True) == 0
    assert weights(tmp_path) == weights(whole)


def unfinished(folder: Path, step: int) -> None:
    """Make of a finished run one that ended at a checkpoint."""
    card = json.loads((folder / "out" / "run.json").read_text("utf-8"))
    (folder / "out" / "run.json").write_text(json.dumps({**card, "finished": False}), "utf-8")
    for checkpoint in (folder / "out" / "checkpoints" / "train").iterdir():
        if int(checkpoint.name.removeprefix("step-")) > step:
            shutil.rmtree(checkpoint)


def test_workers_and_other_rows(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers give the weights of none; on other `rows` the same rows are to come, in the same order."""
    fed: list[list[int]] = []
    losses = Clm.losses

    def watched(objective: Clm, model: Any, batch: Any) -> Any:
        fed.extend(batch["input_ids"].tolist())
        return losses(objective, model, batch)

    monkeypatch.setattr(Clm, "losses", watched)
    assert train(tmp_path, workers=2) == 0
    assert weights(tmp_path) == weights(whole)
    first, at = fed.copy(), 4 * 8
    assert len(first) == 6 * 8
    fed.clear()
    unfinished(tmp_path, 4)
    assert train(tmp_path, resume=True, rows=2, workers=1) == 0
    assert fed == first[at:]


def test_ended_at_random_steps(whole: Path, tmp_path: Path) -> None:
    draw = random.Random(5)
    for number, step in enumerate(sorted(draw.randint(1, 6) for _ in range(3))):
        with pytest.raises(Killed):
            train_until(step, kill, tmp_path, resume=number > 0)
    assert train(tmp_path, resume=True) == 0
    assert weights(tmp_path) == weights(whole)
    assert metrics(tmp_path) == metrics(whole)


def test_sigterm_saves_and_ends_with_143(whole: Path, tmp_path: Path) -> None:
    assert train_until(3, lambda: os.kill(os.getpid(), signal.SIGTERM), tmp_path) == 143
    saved = sorted(one.name for one in (tmp_path / "out" / "checkpoints" / "train").iterdir())
    assert saved == ["step-2", "step-4"]  # the ranks agree on the step after the one under way
    assert train(tmp_path, resume=True) == 0
    assert weights(tmp_path) == weights(whole)


def test_a_full_disk_leaves_the_last_whole_checkpoint(whole: Path, tmp_path: Path) -> None:
    save, calls = torch.save, [0]

    def fail(content: Any, file: Any, *arguments: Any, **settings: Any) -> None:
        calls[0] += 1
        if calls[0] > 4:  # three files a checkpoint
            Path(file).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        save(content, file, *arguments, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(StorageError, match=r"step 4 cannot be written: .*No space left(.|\n)*step-2 is whole"):
            train(tmp_path)
    checkpoints = tmp_path / "out" / "checkpoints" / "train"
    assert [one.name for one in checkpoints.iterdir()] == ["step-2"]
    with pytest.raises(UserError, match="holds an unfinished run"):
        train(tmp_path)
    half = checkpoints / ".step-4.00000000.tmp"
    half.mkdir()
    (half / "optimizer.pt").write_bytes(b"half")
    assert train(tmp_path, resume=True) == 0
    assert weights(tmp_path) == weights(whole)
    assert not half.exists()


@pytest.mark.slow
def test_a_model_that_could_not_be_saved_is_saved_by_resume(whole: Path, tmp_path: Path) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "copy_tokenizer", fail)
        with pytest.raises(StorageError, match=r"the model in .* cannot be written: .*No space left"):
            train(tmp_path)
    assert train(tmp_path, resume=True) == 0
    assert weights(tmp_path) == weights(whole)


def test_what_is_done_is_not_done_again(whole: Path) -> None:
    before = (whole / "out" / "run.json").stat().st_mtime_ns
    assert train(whole) == 0
    assert (whole / "out" / "run.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"steps": 7}, {"optimizer": {"lr": 2e-2}}, {"start": {"shape": "llama", "width": 32}}]
)
def test_a_run_of_another_recipe_is_refused(whole: Path, change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="holds a finished run of another"):
        train(whole, resume=True, **change)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(UserError, match=r"holds files, and none is a run of xlcorpus \(thesis.txt"):
        train(tmp_path, overwrite=True)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def _command(folder: Path, *more: str, **settings: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "xlcorpus", "pretrain", str(folder / "recipe.yaml"), "-o", str(folder / "out"), *more],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **settings,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kill_9_at_five_random_moments(tmp_path: Path) -> None:
    """Of 40 steps with a checkpoint every 3, in processes of their own."""
    changes: dict[str, Any] = {"steps": 40, "log_every": 1, "checkpoints": {"every": 3, "keep": 1}}
    draw, steps = random.Random(11), []
    for name in ("whole", "killed"):
        recipe_file(tmp_path / name, **changes)
    assert _command(tmp_path / "whole").communicate()[1] is None
    for number, wanted in enumerate(sorted(draw.sample(range(1, 40), 5))):
        process = _command(tmp_path / "killed", *["--resume"][:number])
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"train {wanted}:"):
                time.sleep(draw.random() / 20)  # within the next step, or while a checkpoint is written
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL
        steps.append(wanted)
    assert len(steps) == 5
    assert _command(tmp_path / "killed", "--resume").wait() == 0
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert metrics(tmp_path / "killed") == metrics(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """The largest file that the process may write is smaller than the optimiser's state."""
    import resource

    recipe_file(tmp_path, steps=4)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))

    process = _command(tmp_path, preexec_fn=limit)
    said = process.communicate()[0]
    assert process.returncode == 1
    assert "cannot be written" in said
    assert "Traceback" not in said
    assert _command(tmp_path, "--resume").wait() == 0
