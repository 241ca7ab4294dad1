"""Runner names, options and refusals; errors on their way out of a worker."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rows import documents, write_shards
from xlcorpus.beam.failures import carrying, found_in
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.progress import format_duration
from xlcorpus.beam.runners import RunnerChoice, choose_runner
from xlcorpus.dataset.dataset import Shard
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.errors import IntegrityError, UserError


@pytest.mark.parametrize("name", ["local", "DirectRunner", "direct", "FnApiRunner"])
def test_local_names(name: str) -> None:
    runner, note = choose_runner(name, 2)
    assert (runner.name, runner.workers) == ("local", 2)
    assert (note is not None) == name.lower().startswith("direct")


@pytest.mark.parametrize(
    ("name", "workers", "options", "message"),
    [
        ("sparc", 1, [], "did you mean 'spark'"),
        ("local", 0, [], "at least one worker"),
        ("local", 2, ["--direct_running_mode=multi_threading"], "loses rows"),
        ("local", 1, ["--runner=SparkRunner"], "chosen before"),
    ],
)
def test_refusals(name: str, workers: int, options: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_runner(name, workers, options)


def test_beam_options_pass_through() -> None:
    runner, _ = choose_runner("portable", 1, ["--job_endpoint=localhost:8099", "--parallelism=2"])
    flags = runner._flags()
    assert "--job_endpoint=localhost:8099" in flags
    assert "--job_endpoint=embed" not in flags
    assert "--parallelism=2" in flags


def test_errors_survive_a_runner_that_keeps_only_text() -> None:
    error = IntegrityError('shard "x" <altered>\nsecond line', remedy="restore ትርጉም")
    with pytest.raises(RuntimeError) as caught, carrying():
        raise error
    for wrapped in (
        RuntimeError(f"Pipeline FAILED: {caught.value} [while running 'Write']"),
        RuntimeError(repr(str(caught.value)).replace('"', '\\"')),
    ):
        found = found_in(wrapped)
        assert isinstance(found, UserError)
    assert str(found_in(RuntimeError(f"... {caught.value}"))) == str(error)
    assert found_in(RuntimeError("something else")) is None


def test_a_full_disk_names_file_and_remedy() -> None:
    with pytest.raises(RuntimeError) as caught, carrying():
        raise OSError(errno.ENOSPC, "No space left on device", "/data/part-00000.parquet")
    message = str(found_in(caught.value))
    assert "/data/part-00000.parquet" in message
    assert "--resume" in message


def test_durations() -> None:
    assert [format_duration(s) for s in (4.2, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 05 min"]


def test_a_folder_is_locked_against_a_second_run(tmp_path: Path) -> None:
    with Workspace(tmp_path).lock(), pytest.raises(UserError, match="another xlcorpus run"), Workspace(tmp_path).lock():
        pass
    with Workspace(tmp_path).lock():
        pass


def test_foreign_files_are_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("my only copy")
    with pytest.raises(UserError, match="did not write"):
        Workspace(tmp_path).clear()
    (tmp_path / "thesis.tex").rename(tmp_path / "manifest.txt")
    with pytest.raises(UserError, match="did not write"):
        Workspace(tmp_path).clear()


def test_a_pass_is_called_by_its_steps_and_a_phase_by_its_name(tmp_path: Path) -> None:
    one_pass = Execution(Workspace(tmp_path), RunnerChoice(), "identify", phases=False)
    assert one_pass.label("write") == "identify"
    assert replace(one_pass, step="dedup", phases=True).label("sign") == "dedup: sign"


class Hungry:
    """A work on shards that has no memory for them."""

    def __call__(self, number: int, shard: Shard) -> Done:
        raise MemoryError


@pytest.mark.parametrize("texts", [["слово"], ["คำ", "文"], ["a", "b", "c"]])
def test_a_task_without_memory_names_its_shard(tmp_path: Path, texts: list[str]) -> None:
    (shard,) = write_shards(tmp_path, [documents(texts)])
    execution = Execution(Workspace(tmp_path / "out"), choose_runner("local", 1)[0], "dedup")
    with pytest.raises(UserError, match=f"not enough memory for sign of {shard.location}") as raised:
        execution.each("sign", [Task(0, 1, shard)], Hungry())
    assert "--workers" in str(raised.value)
