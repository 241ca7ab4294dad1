"""Random mixes against the second planner; `python -m tests.mix.random_mixes --specs 1000` tries more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mix.random_mixes import check


@pytest.mark.parametrize("seed", range(0, 60, 20))
def test_random_mixes_are_those_of_the_second_planner(seed: int, tmp_path: Path) -> None:
    made = [check(number, tmp_path / str(number)) for number in range(seed, seed + 20)]
    assert made.count("made") > 10
