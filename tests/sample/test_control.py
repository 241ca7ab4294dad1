"""Control corpora: exact budgets, balanced brackets, Zipf's law, and the same text whatever the budget."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.running import invoked
from xlcorpus.cli.control import command
from xlcorpus.errors import UserError
from xlcorpus.sample.control import Control, documents, numbers


def _texts(control: Control, budget: int, seed: int = 0) -> list[str]:
    return [text for some in documents(control, budget, seed) for text in some]


@settings(max_examples=30)
@given(st.sampled_from(["zipf", "uniform", "nested", "flat"]), st.integers(1, 5000), st.integers(0, 3))
def test_budgets_are_exact_and_nest(kind: str, budget: int, seed: int) -> None:
    control = Control(kind, vocabulary=20, words=10)
    small, large = _texts(control, budget, seed), _texts(control, budget + 777, seed)
    assert sum(len(text.encode()) for text in small) == budget
    assert small[:-1] == large[: len(small) - 1]
    assert large[len(small) - 1].startswith(small[-1])


def _open(row: list[int], vocabulary: int) -> list[int]:
    """What is open at the end, each closing word being that of the last open one."""
    stack: list[int] = []
    for word in row:
        if word < vocabulary:
            stack.append(word)
        else:
            assert stack.pop() == word - vocabulary
    return stack


def test_nested_documents_are_beginnings_of_balanced_ones() -> None:
    made = numbers(Control("nested", vocabulary=4, words=60, paired=True), 0, 200, 0).tolist()
    assert any(_open(row, 4) for row in made)
    closed = numbers(Control("nested", vocabulary=4, words=60, paired=True, closed=True), 0, 200, 0).tolist()
    assert not any(_open(row, 4) for row in closed)
    same = numbers(Control("nested", vocabulary=4, words=60), 0, 200, 0)
    assert np.array_equal(same, np.array(made) % 4)  # as in 2020, where a closing word is the open one once more


def _slow_flat(drawn: list[int], distances: list[int], vocabulary: int) -> list[int]:
    size, made = len(drawn), [-1] * len(drawn)
    for place in range(size):
        if made[place] >= 0:
            continue
        made[place] = drawn[place]
        target = place + distances[place]
        if target >= size:
            continue
        for step in (0, -1, 1, -2, 2):
            if target + step < size and made[target + step] < 0:
                made[target + step] = drawn[place] + vocabulary
                break
    return made


def test_flat_documents_are_those_of_slow_code() -> None:
    from xlcorpus.sample.control import _flat

    draw = np.random.default_rng(0)
    drawn, distances = draw.integers(0, 5, (50, 40)), draw.integers(1, 9, (50, 40))
    made = _flat(Control("flat", vocabulary=5, words=40, paired=True), drawn, distances)
    assert made.tolist() == [_slow_flat(*one, 5) for one in zip(drawn.tolist(), distances.tolist(), strict=True)]


def test_zipf_is_zipf_and_uniform_is_uniform() -> None:
    for kind, ratio in (("zipf", 4.0), ("uniform", 1.0)):
        counts = Counter(numbers(Control(kind, vocabulary=8, words=500), 0, 100, 1).ravel().tolist())
        assert counts[0] / counts[3] == pytest.approx(ratio, rel=0.1)
        assert set(counts) == set(range(8))


def test_the_command(tmp_path: Path) -> None:
    made = invoked(command, "nested", "--bytes", "3k", "--brackets", "--vocabulary", 4, "-o", tmp_path / "n.jsonl")
    assert "3,000 bytes of text in 6 documents" in made.output
    texts = [json.loads(line)["text"] for line in (tmp_path / "n.jsonl").read_text().splitlines()]
    assert sum(map(len, texts)) == 3000
    assert set("".join(texts)) == set("()[]{}<>")
    for wrong in ('{"0": 1}', '{"2": NaN}', '{"2": 1e400}', '{"2": -1, "3": 2}', '{"2": 0}', "{}", "[1]", '{"a": 1}'):
        (tmp_path / "w.json").write_text(wrong)
        with pytest.raises(UserError, match=r"lengths|distances"):
            invoked(command, "flat", "--bytes", 9, "--lengths", tmp_path / "w.json", "-o", tmp_path / "x.txt")
    (tmp_path / "l.json").write_text('{"1": 1}')
    invoked(command, "flat", "--bytes", 100, "--words", 8, "--lengths", tmp_path / "l.json", "-o", tmp_path / "f.txt")
    first = (tmp_path / "f.txt").read_text().splitlines()[0].split()
    assert first[::2] == first[1::2]
    for arguments, said in (
        (("zipf", "--bytes", 9, "--brackets", "-o", tmp_path / "x.txt"), "--brackets"),
        (("flat", "--bytes", 9, "--closed", "-o", tmp_path / "x.txt"), "--closed"),
        (("zipf", "--bytes", 9, "-o", tmp_path / "x.csv"), "JSON lines, or text"),
        (("uniform", "--bytes", 9, "--exponent", 2, "-o", tmp_path / "x.txt"), "--exponent: uniform has no use for it"),
        (("flat", "--bytes", 9, "--open-share", 0.3, "-o", tmp_path / "x.txt"), "--open-share: flat"),
        (("zipf", "--bytes", 9, "--paired", "-o", tmp_path / "x.txt"), "--paired: zipf"),
        (("nested", "--bytes", 9, "--lengths", tmp_path / "l.json", "-o", tmp_path / "x.txt"), "--lengths: nested"),
    ):
        with pytest.raises(UserError, match=said):
            invoked(command, *arguments)
