"""Standard input is copied before it is read: what is said where there is no room for it."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from tests.running import command

LINES = b'{"text": "Mvua ilinyesha usiku kucha."}\n' * 4000


def small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.process
@pytest.mark.parametrize("step", ["ingest", "identify", "dedup"])
def test_no_room_for_standard_input(tmp_path: Path, step: str) -> None:
    environment = {"TMPDIR": str(tmp_path)}
    done = command(step, "-", "--output", tmp_path / "o", stdin=LINES, preexec=small_files, environment=environment)
    assert done.returncode == 1
    assert f"cannot copy standard input to {tmp_path}: File too large" in done.stderr
    assert "remedy: set TMPDIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())  # neither half a copy nor a dataset that was begun


def closed() -> None:
    os.close(0)


@pytest.mark.process
@pytest.mark.parametrize("step", ["ingest", "identify"])
def test_standard_input_that_is_closed(tmp_path: Path, step: str) -> None:
    done = command(step, "-", "--output", tmp_path / "o", stdin=b"", preexec=closed)
    assert done.returncode == 1
    assert "standard input is closed" in done.stderr
    assert "remedy: pipe data into '-'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def only_written_to() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 0)


@pytest.mark.process
@pytest.mark.parametrize("step", ["ingest", "identify"])
def test_standard_input_that_cannot_be_read(tmp_path: Path, step: str) -> None:
    """What cannot be read is not for want of room."""
    done = command(step, "-", "--output", tmp_path / "o", stdin=b"", preexec=only_written_to)
    assert done.returncode == 1
    assert "cannot read standard input: Bad file descriptor" in done.stderr
    assert "TMPDIR" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
