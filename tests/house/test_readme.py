"""The commands of the README run, one after the other, on the sample corpus in the place of a user's dumps."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest

from tests.house.source import ROOT
from xlcorpus.cli.main import main
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import packaged
from xlcorpus.sample import sample_folder

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Sizes for the sample's 300 KB instead of a user's gigabytes.
SMALLER = {"2M": "1k", "32000": "600", "2048": "512"}


def commands() -> list[list[str]]:
    """The `xlcorpus` commands of the section on using it, sizes made smaller, without comments."""
    (block,) = [one for one in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) if "step by step" in one]
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    return [[SMALLER.get(word, word) for word in line] for line in lines if line[:1] == ["xlcorpus"]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which all commands ran, with the files that they name."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(sample_folder() / "web", folder / "dumps")
    shutil.copy(packaged("xlcorpus.pipelines.recipes", "thresholds", "quickstart.yaml"), folder / "my-thresholds.yaml")
    (folder / "en-sw.tsv").write_text("src\ttgt\nlibrary\tmaktaba\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _run(["ingest", str(sample_folder() / "code"), "--output", "out/code", "--source", "code", "--quiet"])
        for _, *arguments in commands():
            if ">" in arguments:
                arguments = arguments[: arguments.index(">")]
            _run(arguments)
    return folder


def _run(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code, " ".join(arguments)


def test_every_command_runs(ran: Path) -> None:
    outputs = {line[line.index("--output") + 1] for line in commands() if "--output" in line}
    assert len(outputs) > 10
    for output in outputs:
        assert (ran / output).exists()
    assert Dataset.open(ran / "out" / "packed", verify=True).manifest.rows > 0


def test_the_query_of_the_readme_answers(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (query,) = re.findall(r'`duckdb -c "(.*?)"`', README)
    monkeypatch.chdir(ran)
    assert {lang for lang, _ in duckdb.sql(query).fetchall()} == {"eng_Latn", "swh_Latn", "yor_Latn"}


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
