"""The objectives with weights of their own, and encoder-decoders, on two processes: the run of one, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.packed import packs, view
from tests.pretrain.runs import recipe_file, run_processes, start_processes, train
from tests.pretrain.test_processes import BERT, FSDP, apart, curve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
QUEUE = {"queue": 24, "momentum": 0.5}


def seq2seq(shape: str, **config: Any) -> dict[str, Any]:
    """An encoder-decoder without dropout."""
    return {"shape": shape, "layers": 2, "width": 16, "heads": 2, "config": config}


STILL = {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0}
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "xlco": (BERT, [{"folder": "tlm", "objective": "xlco", "layer": 1, "mixup": False, **QUEUE}]),
    "contriever": (BERT, [{"folder": "crops", "objective": "contriever", "similarity": "cosine", **QUEUE}]),
    "langsamp": (BERT, [{"folder": "pure", "objective": "langsamp"}]),
    "infoxlm": (
        BERT,
        [
            {"folder": "packs", "objective": "mlm"},
            {"folder": "tlm", "objective": "tlm"},
            {"folder": "tlm", "objective": "xlco", "layer": 1, "mixup": False, **QUEUE},
        ],
    ),
    "translation": (seq2seq("t5", dropout_rate=0.0), [{"folder": "bitext", "objective": "translation"}]),
    "restore": (seq2seq("mbart", **STILL), [{"folder": "restore", "objective": "restore", "begin": "last"}]),
    "spans": (seq2seq("bart", **STILL), [{"folder": "packs", "objective": "spans", "first_sentinel": 5999}]),
}


def opened(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The data with the folders of its names."""
    places = {"packs": packs(), "pure": packs(pure=True)} if {"packs", "pure"} & {one["folder"] for one in data} else {}
    return [{**one, "folder": str(places.get(one["folder"]) or view(one["folder"]))} for one in data]


@pytest.mark.parametrize("name", [*CASES])
def test_two_processes_are_as_one(tmp_path: Path, name: str) -> None:
    """Losses and weights; of own weights too, which DDP does not average."""
    start, data = CASES[name]
    changes: dict[str, Any] = {"data": opened(data), "start": start, "batch": "24 rows", "steps": 8, "log_every": 1}
    changes |= {"optimizer": {"lr": 1e-3}}
    if name == "infoxlm":
        changes |= {"batch": "8 rows", "steps": 18}  # a step is of one objective
    rows = int(changes["batch"].split()[0])
    assert train(tmp_path / "one", rows=rows, **changes) == 0
    recipe_file(tmp_path / "two", rows=rows // 2, **changes)
    run_processes(tmp_path / "two", ranks=2)
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-4
    assert apart(tmp_path / "one", tmp_path / "two") < 1e-4
    own = [*(tmp_path / "one" / "out").glob("objectives/*.safetensors")]
    assert [one.name for one in own] == [f"{one}.safetensors" for one in ("xlco", "langsamp") if one in str(data)]
    for file in own:
        assert apart_files(file, tmp_path / "two" / "out" / "objectives" / file.name) < 1e-4


def apart_files(one: Path, other: Path) -> float:
    from safetensors.numpy import load_file

    ours, theirs = load_file(one), load_file(other)
    assert ours.keys() == theirs.keys()
    return float(max(abs(ours[name] - theirs[name]).max() for name in ours))


def test_fsdp_would_cut_own_weights(tmp_path: Path) -> None:
    """A momentum encoder in pieces follows nothing."""
    (tmp_path / "program.py").write_text(FSDP, "utf-8")
    recipe_file(tmp_path, data=opened(CASES["xlco"][1]), start=BERT, batch="8 rows", trainer={"fsdp": True})
    for rank in start_processes(tmp_path, ranks=2, program=(str(tmp_path / "program.py"),)):
        assert "stage train: fsdp would cut up the own weights of xlco" in rank.communicate()[0]


def test_layers_left_out_at_random(tmp_path: Path) -> None:
    """M2M100 leaves whole layers out: their weights have no gradient then, on one rank or on both."""
    data = opened([{"folder": "bitext", "objective": "translation"}])
    start = seq2seq("m2m_100", encoder_layerdrop=0.5, decoder_layerdrop=0.5)
    recipe_file(tmp_path, data=data, start=start, batch="16 rows", rows=4, steps=8, log_every=1)
    run_processes(tmp_path, ranks=2)
    assert len(curve(tmp_path)) == 8
