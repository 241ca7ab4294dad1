"""Standard input is copied before it is read: what is said where there is no room for it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import each_command
from xlcorpus.dataset import storage

pytestmark = pytest.mark.process
LINES = b'{"text": "Mvua ilinyesha usiku kucha."}\n' * 4000


def refusals(folder: Path, steps: tuple[str, ...], preexec: Callable[[], None], **stdin: Any) -> list[str]:
    """What each step says in a process that begins so: an error and its remedy, and nothing is left behind."""
    said = []
    calls = [[step, "-", "--output", str(folder / "o")] for step in steps]
    for done in each_command(calls, env={"TMPDIR": str(folder)}, preexec_fn=preexec, **stdin):
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        said.append(done.stderr)
    assert not list(folder.iterdir())  # neither half a copy nor a dataset that was begun
    assert len(said) == len(steps)
    return said


def small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_no_room_for_standard_input(tmp_path: Path) -> None:
    steps = ("ingest", "identify", "dedup")
    blocks = LINES * (len(steps) * storage._BLOCK // len(LINES) + 1)  # the first step leaves the others their part
    for said in refusals(tmp_path, steps, small_files, input=blocks):
        assert f"cannot copy standard input to {tmp_path}: File too large" in said
        assert "remedy: set TMPDIR" in said


def closed() -> None:
    os.close(0)


def test_standard_input_that_is_closed(tmp_path: Path) -> None:
    for said in refusals(tmp_path, ("ingest", "identify"), closed, stdin=subprocess.DEVNULL):
        assert "standard input is closed" in said
        assert "remedy: pipe data into '-'" in said


def only_written_to() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 0)


def test_standard_input_that_cannot_be_read(tmp_path: Path) -> None:
    """What cannot be read is not for want of room."""
    for said in refusals(tmp_path, ("ingest", "identify"), only_written_to, stdin=subprocess.DEVNULL):
        assert "cannot read standard input: Bad file descriptor" in said
        assert "TMPDIR" not in said
