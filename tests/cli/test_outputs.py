"""Outputs that are there already, in the way, or cut short: refused, left alone, or finished."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.running import called, command, digests
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.workspace import RunState, Workspace


def test_an_output_that_holds_something_is_left_alone(corpus: Path, tmp_path: Path, call: Call) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.txt").write_text("mine")
    for more in ([], ["--overwrite"], ["--resume"]):
        code, _, err = call("ingest", corpus, "--output", output, "--quiet", *more)
        assert code == 1
        assert "xlcorpus did not write" in err
    assert [path.name for path in output.iterdir()] == ["notes.txt"]


def test_a_finished_dataset_is_not_replaced_without_overwrite(corpus: Path, tmp_path: Path, call: Call) -> None:
    output = tmp_path / "out"
    assert call("dedup", corpus, "-o", output, "--quiet")[0] == 0
    before = digests(output)
    code, _, err = call("dedup", corpus, "-o", output, "--quiet", "--threshold", "0.5")
    assert code == 1
    assert "--overwrite" in err
    assert digests(output) == before
    code, _, err = call("dedup", corpus, "-o", output, "--quiet")
    assert code == 0
    assert "done already" in err
    assert call("dedup", corpus, "-o", output, "--quiet", "--threshold", "0.5", "--overwrite")[0] == 0
    assert digests(output) != before


@pytest.mark.process
def test_a_full_disk_is_an_error_with_a_remedy_and_resume_finishes(tmp_path: Path) -> None:
    import resource

    lines = [json.dumps({"text": f"{number} " + os.urandom(400).hex()}) for number in range(3000)]
    (tmp_path / "big.jsonl").write_text("\n".join(lines))

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    arguments = ["ingest", tmp_path / "big.jsonl", "--output", tmp_path / "out", "--quiet"]
    done = command(*arguments, preexec=small_files)
    assert done.returncode == 1
    assert "no room left while writing" in done.stderr
    assert "--resume" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
    done = called(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    assert Dataset.open(tmp_path / "out", verify=True).manifest.rows == 3000
    assert not list((tmp_path / "out").rglob("*.tmp"))


class TestFoldersThatCollide:
    """Outputs, inputs and leftovers in each other's way: refused before anything is removed."""

    def test_the_output_is_the_input(self, corpus: Path, tmp_path: Path, call: Call) -> None:
        call("identify", corpus, "-o", tmp_path / "a", "--quiet")
        before = digests(tmp_path / "a")
        for output in (tmp_path / "a", tmp_path / "a" / "inner", tmp_path):
            code, _, err = call("score", tmp_path / "a", "-o", output, "--quiet", "--overwrite")
            assert code == 1
            assert "not apart" in err
        assert digests(tmp_path / "a") == before

    def test_the_output_lies_in_the_raw_input(self, corpus: Path, call: Call) -> None:
        code, _, err = call("ingest", corpus.parent, "-o", corpus.parent / "out", "--quiet")
        assert code == 1
        assert "inside the input folder" in err

    def test_an_unfinished_run_is_no_input(self, corpus: Path, tmp_path: Path, call: Call) -> None:
        call("identify", corpus, "-o", tmp_path / "a", "--quiet")
        (tmp_path / "a" / "manifest.json").unlink()
        Workspace(tmp_path / "a").begin(RunState("of a run that was killed"))
        code, _, err = call("score", tmp_path / "a", "-o", tmp_path / "b", "--quiet")
        assert code == 1
        assert "unfinished xlcorpus run" in err

    def test_one_dataset_twice_in_a_mix(self, corpus: Path, tmp_path: Path, call: Call) -> None:
        call("identify", corpus, "-o", tmp_path / "a", "--quiet")
        shutil.copytree(tmp_path / "a", tmp_path / "copy")
        for other in ("a", "copy"):
            arguments = [
                "mix",
                tmp_path / "a",
                tmp_path / other,
                "-o",
                tmp_path / "m",
                "--ratios",
                "ferry=1",
                "--quiet",
            ]
            code, _, err = call(*arguments)
            assert code == 1
            assert "given twice" in err

    def test_a_clear_that_was_killed_is_cleared_again(
        self, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
    ) -> None:
        arguments = ["ingest", corpus, "-o", tmp_path / "a", "--quiet", "--overwrite"]
        call(*arguments)
        with monkeypatch.context() as patch:
            patch.setattr("xlcorpus.dataset.storage.shutil.rmtree", _killed)
            assert call(*arguments)[0] == 130
        assert not (tmp_path / "a" / "manifest.json").exists()
        assert list((tmp_path / "a" / "data").iterdir())
        assert call(*arguments)[0] == 0
        assert call("inspect", tmp_path / "a", "--verify")[0] == 0


def _killed(*arguments: object, **more: object) -> None:
    raise KeyboardInterrupt


def test_a_stricter_error_rate_is_asked_of_a_finished_dataset_too(tmp_path: Path, call: Call) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "good"}\n[]\n')
    arguments = ["ingest", tmp_path / "in.jsonl", "-o", tmp_path / "a", "--quiet", "--max-error-rate"]
    assert call(*arguments, "1")[0] == 0
    assert call(*arguments, "0.1")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest", "x.jsonl"],
        ["run", "quickstart"],
        ["tokenizer", "train", "x"],
        ["tokenizer", "extend", "x", "y"],
        ["lexicon", "build", "x.tsv"],
        ["lid", "train", "x"],
    ],
)
def test_an_empty_output_is_no_folder(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    """`-o "$OUT"` of a variable that is not set does not write into this folder."""
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*arguments, "-o", "")
    assert code == 1
    assert "--output '' names no file or folder" in err
    assert list(tmp_path.iterdir()) == []
