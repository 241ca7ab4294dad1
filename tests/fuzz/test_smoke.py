"""A few cases of every target in each run of the tests, always the same; and the fuzzer finds what it is to find."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz import chaos as chaotic
from tests.fuzz.arena import Arena, shrunk
from tests.fuzz.target import Case, Target, Violation, targets
from xlcorpus.errors import UserError

# Figures of a clock and of memory are for `make fuzz`, on a machine that does nothing else.
_MEASURED = ("slow", "hang", "memory")
_CASES = {"yaml": 40, "dictionaries": 40, "csv": 25, "commands": 40}


def finds_of(target: Target, cases: int, folder: Path, seed: int = 7) -> dict[str, str]:
    """What some cases show, but for what is measured."""
    arena = Arena(target, folder)
    for number in range(cases):
        arena.run(number, target.case(seed, number))
    return {key: one.trace for key, one in arena.score.finds.items() if not key.startswith(_MEASURED)}


@pytest.mark.parametrize("name", list(targets()))
def test_some_cases_of_every_parser_show_nothing(name: str, tmp_path: Path) -> None:
    assert finds_of(targets()[name], _CASES.get(name, 12), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(targets()))
def test_many_cases_show_nothing(name: str, tmp_path: Path) -> None:
    """With a bound on memory and time, in a process of its own."""
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", "20", "--seed", "11", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_case_comes_again_by_its_number() -> None:
    for name, target in targets().items():
        assert [target.case(3, n).files for n in range(5)] == [target.case(3, n).files for n in range(5)], name
        assert any(target.case(3, n) != target.case(4, n) for n in range(5)), name


def _reader(data: bytes) -> int:
    """A parser with four faults."""
    if b"\xff" in data:
        raise ValueError("a traceback")
    if b"slow" in data:
        until = time.process_time() + 0.4
        while time.process_time() < until:
            pass
    if b"lost" in data:
        raise Violation("records: 1 of 2 are accounted for")
    if b"wrong" in data:
        raise UserError("refused", remedy="nothing")
    return 1


def test_the_arena_notes_each_kind_of_fault_once_with_a_small_input(tmp_path: Path) -> None:
    target = Target("made-up", lambda chaos: Case({}), lambda case, folder: _reader((folder / "a").read_bytes()), 0.2)
    arena = Arena(target, tmp_path)
    for number, middle in enumerate((b"", b"\xff", b"\xff", b"slow", b"lost", b"wrong")):
        arena.run(number, Case({"a": b"x" * 300 + middle + b"y" * 300}))
    finds = {key.split()[0]: one for key, one in arena.score.finds.items()}
    assert set(finds) == {"ValueError", "slow", "violation", "UserError"}
    assert finds["ValueError"].count == 2
    assert finds["ValueError"].case.files == {"a": b"\xff"}
    assert finds["slow"].number == 3
    assert (arena.score.cases, arena.score.records) == (6, 2)


@pytest.mark.parametrize("seed", range(5))
def test_shrinking_keeps_what_matters(seed: int) -> None:
    chaos = random.Random(seed)
    data = chaotic.text(chaos, 9).encode() + b"NEEDLE" + chaotic.text(chaos, 9).encode()
    assert shrunk(data, lambda smaller: b"NEEDLE" in smaller, 1000) == b"NEEDLE"


def test_damage_is_bounded_and_seldom_nothing() -> None:
    data = chaotic.text(random.Random(1), 9).encode()
    damaged = [chaotic.damage(random.Random(n), data, (b"<!---->",)) for n in range(300)]
    assert max(map(len, damaged)) <= chaotic.MOST_BYTES
    assert sum(one == data for one in damaged) < 30
    assert any(len(one) > 100 * len(data) for one in damaged)  # pumped
