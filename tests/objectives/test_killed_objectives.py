"""kill -9 of the process at random steps: what goes on leaves the weights and metrics of one run."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.objectives.labelled_rows import BERT, tagged
from tests.objectives.test_bistil import changes as bistil
from tests.objectives.test_bistil import saved as saved_teacher
from tests.objectives.test_labelled import OF
from tests.objectives.test_new_objectives_ranks import CASES, opened, seq2seq
from tests.objectives.test_prokd import predicted
from tests.packed import view
from tests.pretrain.runs import metrics, recipe_file, run_processes, start_processes, weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
DROPOUT = {"shape": "bert", "layers": 2, "width": 16, "heads": 2}  # so that resuming must have its generators too
STARTS = {
    **dict.fromkeys(("infoxlm", "contriever", "langsamp"), DROPOUT),
    "translation": seq2seq("m2m_100", encoder_layerdrop=0.3, decoder_layerdrop=0.3),
    "restore": seq2seq("bart", dropout=0.1),
    "spans": seq2seq("t5"),
}


LABELLED = (*OF, "prokd", "prokd_student", "bistil", "colbert")


def labelled(name: str, folder: Path) -> dict[str, Any]:
    """Recipe keys of an objective that learns from labels, a teacher or triples."""
    if name == "bistil":
        (folder / "teacher").mkdir()
        return {**bistil(saved_teacher(folder / "teacher"), soft_labels=1.0), "batch": 512, "rows": 4}
    of: dict[str, Any] = {"objective": name}
    if name in OF:
        of["folder"] = str(OF[name]())
    elif name == "colbert":
        of |= {"folder": str(view("triples")), "dimensions": 8}
    else:
        of |= {"folder": str(predicted(folder) if name == "prokd_student" else tagged(24, without=12))}
        of["absent_labels"] = True
    return {"data": [of], "start": BERT, "batch": "18 rows", "rows": 6}


def own(folder: Path) -> dict[str, bytes]:
    """The objectives' own weights that lie beside the model."""
    return {one.name: one.read_bytes() for one in sorted((folder / "out").glob("objectives/*"))}


@pytest.mark.parametrize("name", [*STARTS, *LABELLED])
def test_killed_at_random_steps(tmp_path: Path, name: str) -> None:
    if name in LABELLED:
        changes = labelled(name, tmp_path)
    else:
        changes = {"data": opened(CASES[name][1]), "start": STARTS[name], "batch": "18 rows", "rows": 6}
    changes |= {"steps": 9, "log_every": 1, "workers": 1, "checkpoints": {"every": 2, "keep": 1}}
    for folder in ("whole", "ended"):
        recipe_file(tmp_path / folder, **changes)
    run_processes(tmp_path / "whole")
    more: tuple[str, ...] = ()
    for step in sorted(random.Random(name).sample(range(2, 9), 2)):
        (process,) = start_processes(tmp_path / "ended", *more)
        assert any(line.startswith(f"train {step}:") for line in process.stdout)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        more = ("--resume",)
    run_processes(tmp_path / "ended", "--resume")
    assert weights(tmp_path / "ended") == weights(tmp_path / "whole")
    assert own(tmp_path / "ended") == own(tmp_path / "whole")
    assert metrics(tmp_path / "ended") == metrics(tmp_path / "whole")
