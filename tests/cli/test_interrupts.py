"""Ctrl-C and SIGTERM at any moment: one line, 130 or 143, no process stays, and `--resume` gives the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Call
from tests.running import called, command, digests, run, started, write_recipe
from xlcorpus.beam import interrupt

LINES = {
    signal.SIGINT: "interrupted: nothing that was done is lost; go on with the same command and --resume",
    signal.SIGTERM: "ended by SIGTERM: nothing that was done is lost; go on with the same command and --resume",
}


def _heed_interrupts() -> None:
    """A shell that starts the tests in the background has them, and their children, ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _of_session(session: int) -> list[str]:
    """The command lines of the living processes of a session."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (place / "stat").read_text().rpartition(")")[2].split()
            if int(after_name[3]) == session and after_name[0] not in "ZX":
                found.append((place / "cmdline").read_text().replace("\0", " "))
        except OSError:  # ended meanwhile
            continue
    return found


def _within(seconds: float, reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ends in the next hundredth of a second."""
    try:
        process.wait(timeout=0.01)
    except subprocess.TimeoutExpired:
        return False
    return True


def ended_by(
    how: int, arguments: list[str | Path], moment: float | Callable[[], bool], *, alone: bool
) -> tuple[int, list[str]]:
    """Exit code and stderr of `xlcorpus ARGUMENTS`, sent a signal (alone, or with its workers as a terminal does).

    moment: seconds from the start, or a state that is waited for. No process of it may stay.
    """
    process = started(arguments, stderr=subprocess.PIPE, preexec_fn=_heed_interrupts)
    begun = time.monotonic()
    reached = moment if callable(moment) else lambda: time.monotonic() - begun >= moment
    assert _within(60, lambda: reached() or _ends(process))
    if process.poll() is None:
        (os.kill if alone else os.killpg)(process.pid, how)
    _, err = process.communicate(timeout=60)
    if sys.platform == "linux":
        assert _within(10, lambda: not _of_session(process.pid)), _of_session(process.pid)
    return process.returncode, err.decode().splitlines()


@pytest.mark.process
@pytest.mark.parametrize(
    ("how", "workers", "alone"),
    [
        (signal.SIGINT, "1", False),
        (signal.SIGINT, "2", False),
        (signal.SIGTERM, "2", True),
    ],
)
def test_a_signal_in_the_middle_of_a_pass(tmp_path: Path, how: int, workers: str, alone: bool) -> None:
    recipe, output = write_recipe(tmp_path), tmp_path / "out"
    arguments: list[str | Path] = ["run", recipe, "--output", output, "--quiet", "--workers", workers]

    def under_way() -> bool:  # with two workers: both are there
        return (output / "filter" / "_work" / "run.json").exists()

    assert ended_by(how, arguments, under_way, alone=alone) == (128 + how, [LINES[signal.Signals(how)]])
    if alone:
        done = called(*arguments[:-2], "--resume")
        assert done.returncode == 0, done.stderr
        run(recipe, tmp_path / "fresh")
        assert digests(output) == digests(tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_at_many_moments(tmp_path: Path, how: int, alone: bool, workers: str) -> None:
    recipe = write_recipe(tmp_path)
    begun = time.monotonic()
    assert command("run", recipe, "--output", tmp_path / "whole", "--quiet", "--workers", workers).returncode == 0
    whole = time.monotonic() - begun
    cut = 0
    for number, share in enumerate(np.random.default_rng(2026).uniform(0.4, 0.98, 8)):
        output = tmp_path / f"cut{number}"
        arguments: list[str | Path] = ["run", recipe, "--output", output, "--quiet", "--workers", workers]
        status, lines = ended_by(how, arguments, share * whole, alone=alone)
        assert (status, lines) in [(0, []), (128 + how, [LINES[signal.Signals(how)]])], f"cut at {share:.2f}"
        cut += status != 0
        done = command(*arguments, "--resume")
        assert done.returncode == 0, done.stderr
        assert digests(output) == digests(tmp_path / "whole"), f"cut at {share:.2f}"
    assert cut >= 4


def test_an_interrupt_that_code_below_swallows_or_turns_into_an_error_is_one(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ends: list[int] = []

    def turned(*arguments: object, **more: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise RuntimeError("a runner's own words") from None

    monkeypatch.setattr("xlcorpus.cli.execute.run_recipe", turned)
    monkeypatch.setattr("xlcorpus.beam.interrupt.os._exit", ends.append)
    monkeypatch.setattr("xlcorpus.beam.interrupt.atexit._run_exitfuncs", lambda: None)
    code, _, err = call("run", "quickstart", "--output", tmp_path / "out")
    assert (code, ends) == (143, [143])
    assert err.splitlines() == [LINES[signal.SIGTERM]]


def test_outside_a_command_signals_are_as_they_were(call: Call) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    assert call("recipes", "list")[0] == 0
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    assert interrupt.apart(lambda: 7) == 7
