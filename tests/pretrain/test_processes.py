"""Runs of several processes: they train as one does, end together, and go on as one or as more."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from tests.packed import packs, view
from tests.pretrain.runs import STILL, metrics, recipe_file, run_processes, start_processes, train
from tests.pretrain.test_resume import unfinished
from xlcorpus.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
BERT = {"shape": "bert", "layers": 1, "width": 16, "heads": 2, "config": NO_DROPOUT}


def curve(folder: Path) -> list[float]:
    """The loss of each step."""
    return [line["loss"] for line in metrics(folder) if "loss" in line]


def apart(one: Path, other: Path) -> float:
    """The largest difference between the weights of two runs."""
    ours, theirs = (load_file(folder / "out" / "model.safetensors") for folder in (one, other))
    assert theirs.keys() - ours.keys() <= {"lm_head.weight"}  # FSDP saves a tied head beside the embeddings
    return float(max(abs(ours[name] - theirs[name]).max() for name in ours))


@pytest.mark.parametrize("sources", [1, 2])
def test_two_processes_are_as_one(tmp_path: Path, sources: int) -> None:
    """DDP over gloo, at the same rows a step, of one objective and of two by weight."""
    pairs = {"folder": str(view("translico")), "objective": "translico", "layer": 1, "negatives": "ranks", "weight": 2}
    data = [pairs, {"folder": str(packs()), "objective": "mlm"}][:sources]
    changes: dict[str, Any] = {"data": data, "start": BERT, "batch": "24 rows", "steps": 12, "log_every": 1}
    assert train(tmp_path / "one", rows=8, **changes) == 0
    recipe_file(tmp_path / "two", rows=4, **changes)
    run_processes(tmp_path / "two", ranks=2)
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert len(one) == 12
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-4


def test_another_number_of_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process to step 4, two to step 8, then one again: the curve and the weights of one that never ended."""
    changes: dict[str, Any] = {**STILL, "batch": "16 rows", "steps": 12, "log_every": 1}
    changes["checkpoints"] = {"every": 4, "keep": 9}
    recipe_file(tmp_path / "parts", rows=8, **changes)
    run_processes(tmp_path / "parts")
    unfinished(tmp_path / "parts", 4)
    recipe_file(tmp_path / "parts", rows=4, workers=2, **changes)
    run_processes(tmp_path / "parts", "--resume", ranks=2)
    unfinished(tmp_path / "parts", 8)
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(UserError, match="holds an unfinished run of another batch"):  # 15 rows, not 16
        train(tmp_path / "parts", resume=True, rows=5, **changes)
    monkeypatch.delenv("WORLD_SIZE")
    assert train(tmp_path / "parts", resume=True, rows=16, workers=1, **changes) == 0
    assert train(tmp_path / "whole", rows=8, **changes) == 0
    whole, parts = curve(tmp_path / "whole"), curve(tmp_path / "parts")
    assert max(abs(a - b) for a, b in zip(whole, parts, strict=True)) < 1e-4
    assert apart(tmp_path / "whole", tmp_path / "parts") < 1e-4


LONG: dict[str, Any] = {"steps": 100, "log_every": 1, "rows": 2, "checkpoints": {"every": 500}}


def saved(folder: Path) -> int:
    """The step of the only checkpoint, at which the lines of metrics end too."""
    (checkpoint,) = (folder / "out" / "checkpoints" / "train").iterdir()
    step = int(checkpoint.name.removeprefix("step-"))
    assert [line["step"] for line in metrics(folder)] == list(range(1, step + 1))
    return step


def test_sigterm_to_one_rank_ends_all(tmp_path: Path) -> None:
    """Both with 143, after one checkpoint; what goes on is the run that never ended, bit by bit, dropout and all."""
    for name in ("whole", "ended"):
        recipe_file(tmp_path / name, **LONG)
    ranks = start_processes(tmp_path / "ended", ranks=2)
    assert ranks[0].stdout is not None
    assert any(line.startswith("train 3:") for line in ranks[0].stdout)
    ranks[1].send_signal(signal.SIGTERM)
    said = ranks[0].communicate()[0]
    assert [rank.wait() for rank in ranks] == [143, 143]
    assert "stopped by signal 15 and saved" in said
    assert 3 < saved(tmp_path / "ended") < 100
    run_processes(tmp_path / "ended", "--resume", ranks=2)
    run_processes(tmp_path / "whole", ranks=2)
    assert curve(tmp_path / "ended") == curve(tmp_path / "whole")
    assert apart(tmp_path / "ended", tmp_path / "whole") == 0


TORCHRUN = "torch.distributed.run --standalone --nproc-per-node 2"
ACCELERATE = "accelerate.commands.launch --multi_gpu --num_machines 1 --num_processes 2 --main_process_port 0"


@pytest.mark.parametrize("launcher", [TORCHRUN, f"{ACCELERATE} --mixed_precision no --dynamo_backend no"])
def test_sigterm_to_the_launcher(tmp_path: Path, launcher: str) -> None:
    """It hands it on, and waits for the ranks to save."""
    recipe_file(tmp_path, **LONG)
    asked = ["-m", "xlcorpus", "pretrain", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path / "out")]
    command = [sys.executable, "-m", *launcher.split(), *asked]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert any(line.startswith("train 3:") for line in process.stdout)
    process.send_signal(signal.SIGTERM)
    assert "stopped by signal 15 and saved" in process.communicate()[0]
    assert 3 < saved(tmp_path) < 100


# What accelerate does on GPUs: on CPUs it takes DDP, and this program tells it that there are none.
FSDP = """
from accelerate.state import DistributedType, PartialState

begin = PartialState.__init__

def on_devices(state, *given, **settings):
    begin(state, *given, **settings)
    state.distributed_type = DistributedType.MULTI_XPU

PartialState.__init__ = on_devices
from xlcorpus.cli.main import main
main()
"""


def test_fsdp(tmp_path: Path) -> None:
    """Sharded over two processes, evaluated, ended and gone on with: the curve of DDP, and a model that loads."""
    data = [{"folder": str(packs()), "holdout": str(packs(40, 1))}]
    changes: dict[str, Any] = {**STILL, "data": data, "rows": 2, "log_every": 1, "evaluation": {"every": 3}}
    (tmp_path / "program.py").write_text(FSDP, "utf-8")
    recipe_file(tmp_path / "refused", trainer={"fsdp": True}, **changes)
    for rank in start_processes(tmp_path / "refused", ranks=2):
        assert "on CPUs accelerate takes DDP in its place" in rank.communicate()[0]
    for name, program in (("ddp", ("-m", "xlcorpus")), ("fsdp", (str(tmp_path / "program.py"),))):
        recipe_file(tmp_path / name, trainer={"fsdp": True} if name == "fsdp" else {}, **changes)
        run_processes(tmp_path / name, ranks=2, program=program)
    assert (
        tmp_path / "fsdp" / "out" / "checkpoints" / "train" / "step-6" / "optimizer.bin"
    ).exists()  # as FSDP does it
    assert max(abs(a - b) for a, b in zip(curve(tmp_path / "ddp"), curve(tmp_path / "fsdp"), strict=True)) < 1e-5
    assert apart(tmp_path / "ddp", tmp_path / "fsdp") < 1e-5
    found = [
        [line["evaluation"]["clm"]["loss"] for line in metrics(tmp_path / name) if "evaluation" in line]
        for name in ("ddp", "fsdp")
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-5)
    unfinished(tmp_path / "fsdp", 4)
    run_processes(tmp_path / "fsdp", "--resume", ranks=2, program=program)
    assert apart(tmp_path / "ddp", tmp_path / "fsdp") < 1e-5
