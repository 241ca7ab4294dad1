"""docs/extending.md is true: its toy of each kind, installed as a package of its own, does what the page says."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house.pages import blocks
from tests.house.source import ROOT
from tests.packed import packs
from tests.pretrain.runs import metrics, train
from tests.running import each_command
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.loader.source import open_source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import OBJECTIVES
from xlcorpus.registry import Registry

FILMS = {
    "a.srt": [
        "Habari ya asubuhi, rafiki yangu, umelala vizuri?",
        "Nimelala vizuri sana, asante kwa kuuliza, na wewe je?",
        "Ndiyo.",
        "Twende sokoni kununua samaki na mboga za majani leo.",
    ],
    "b.txt": [
        "Доброе утро, дорогой друг, как ты сегодня спал?",
        "Спасибо, очень хорошо, а что ты делал вчера вечером?",
    ],
}
STEPS = ("films", "lid", "short", "mix", "packed")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the page, laid out as an installed one, and a folder of subtitles to run its commands in."""
    root = tmp_path_factory.mktemp("toy")
    for name, code in blocks("extending.md", "python"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(code, encoding="utf-8")
    (root / "toy" / "__init__.py").touch()
    ((_, settings),) = blocks("extending.md", "toml")
    groups = tomllib.loads(settings)["project"]["entry-points"]
    installed = root / "toy-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n", encoding="utf-8")
    lines = [[f"[{group}]", *(f"{name} = {place}" for name, place in named.items())] for group, named in groups.items()]
    (installed / "entry_points.txt").write_text("\n".join(line for group in lines for line in group), encoding="utf-8")
    (root / "films").mkdir()
    for name, lines in FILMS.items():
        cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{line}\n" for n, line in enumerate(lines, 1)]
        (root / "films" / name).write_text("\n".join(cues), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def printed(toy: Path) -> dict[str, str]:
    """What the commands of the page and two for help print with the toy beside xlcorpus; one process runs them all."""
    ((_, commands),) = blocks("extending.md", "bash")
    calls = [["--help"], ["shorten", "--help"]]
    for line in commands.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "xlcorpus"
        calls.append([*arguments, "--quiet"])
    found = each_command(calls, cwd=toy, path=[toy])
    for done in found:
        assert done.returncode == 0, done.stderr
    return {" ".join(call): done.stdout for call, done in zip(calls, found, strict=True)}


@pytest.fixture(scope="module")
def datasets(toy: Path, printed: dict[str, str]) -> dict[str, Dataset]:
    """What the commands of the page made, by name."""
    return {name: Dataset.open(toy / "out" / name, verify=True) for name in STEPS}


@pytest.mark.process
class TestToys:
    """One of each kind."""

    def test_a_format_is_known_by_name_and_by_content(self, datasets: dict[str, Dataset]) -> None:
        texts = datasets["films"].to_arrow(["text"]).column("text").to_pylist()
        assert sorted(texts) == sorted(line for lines in FILMS.values() for line in lines)

    def test_a_model_is_called_by_its_name(self, datasets: dict[str, Dataset]) -> None:
        assert set(datasets["lid"].manifest.languages) >= {"swh_Latn", "rus_Cyrl"}

    def test_a_step_cuts_decides_and_counts(self, datasets: dict[str, Dataset]) -> None:
        (tally,) = datasets["short"].manifest.tallies
        assert (tally.rows_in, tally.rows_out, dict(tally.reasons)) == (6, 5, {"too_short": 1})
        assert tally.counts == {"characters": {"before": sum(len(one) for lines in FILMS.values() for one in lines)}}
        assert max(map(len, datasets["short"].to_arrow(["text"]).column("text").to_pylist())) == 30

    def test_a_rule_shares_out(self, datasets: dict[str, Dataset]) -> None:
        assert datasets["mix"].manifest.steps[-1].parameters["rule"] == "squareroot"
        assert len(datasets["mix"]) >= 2

    def test_a_tokenizer_packs(self, datasets: dict[str, Dataset]) -> None:
        rows = datasets["packed"].to_arrow().to_pylist()
        text = "".join(chr(token - 2) for row in rows for token in row["input_ids"] if token >= 2)
        assert all(one in text for one in datasets["mix"].to_arrow(["text"]).column("text").to_pylist())

    def test_help_lists_a_step_in_its_place(self, printed: dict[str, str]) -> None:
        lines = printed["--help"].splitlines()
        steps = [line.split()[0] for line in lines if line.startswith("  ") and len(line.split()) > 1]
        assert steps.index("filter") < steps.index("shorten") < steps.index("dedup")
        assert "xlcorpus shorten INPUT --output out/shorten --length 80" in printed["shorten --help"]

    def test_a_step_is_a_function_of_the_face(self, toy: Path) -> None:
        code = "import xlcorpus; print(xlcorpus.shorten.__doc__)"
        environment = {**os.environ, "PYTHONPATH": str(toy)}
        done = subprocess.run([sys.executable, "-c", code], cwd=toy, env=environment, capture_output=True, text=True)
        assert "length: characters that stay" in done.stdout


def test_an_objective_is_trained(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name in a recipe, with its own option; a word too much is refused as for ours."""
    monkeypatch.syspath_prepend(str(toy))
    monkeypatch.setattr(OBJECTIVES, "all", Registry.all.func(OBJECTIVES))  # type: ignore[attr-defined]
    data = {"folder": str(packs()), "objective": "later", "skip": 4}
    assert train(tmp_path, data=[data], steps=1) == 0
    assert any("loss" in line for line in metrics(tmp_path))
    batch = batch_of(open_source(data["folder"], "later", {"skip": 4}))
    first, other = batch["position_ids"] < 4, batch_of(open_source(data["folder"], "clm"))["labels"]
    assert bool((batch["labels"][first] == -100).all())
    assert bool((batch["labels"] == other)[~first].all())
    with pytest.raises(UserError, match="later has no option 'skipp'; did you mean 'skip'"):
        train(tmp_path, data=[{**data, "skipp": 4}], steps=1)


def batch_of(source: Any) -> Any:
    """A batch of eight rows."""
    return next(iter(TokenStream([source], rows=8, seed=1)))


def test_the_table_says_where_things_are() -> None:
    folders = ("ingest/formats", "mix/rules", "lid/models", "tokenizer/kinds", "objectives/kinds")
    for folder in (f"xlcorpus/{one}" for one in folders):
        assert len(list((ROOT / folder).glob("[a-z]*.py"))) >= 2
        assert f"`{folder}/NAME.py`" in (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
