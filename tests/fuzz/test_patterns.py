"""Regular expressions: all of them are found, none can be read in two ways for each repetition, known bad ones are."""

from __future__ import annotations

import random
import re
import subprocess
import sys

import pytest

from tests.fuzz.patterns import BOUNDED, Expression, attacks, expressions, is_ambiguous, parsed, sample


def test_all_expressions_of_the_product_are_found() -> None:
    found = expressions()
    patterns = {one.pattern for one in found}
    assert len(found) > 100
    for known in (r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", r"[;,\s]+"):  # compiled, in a call
        assert known in patterns
    assert any(isinstance(pattern, bytes) for pattern in patterns)
    assert {one.module for one in found} == {"re", "regex"}
    for start in BOUNDED:
        assert any(one.text.startswith(start) for one in found), f"{start} is gone: it needs no reason"


def test_no_expression_has_a_part_that_can_be_read_in_two_ways_each_time() -> None:
    ambiguous = {}
    for one in expressions():
        try:
            part = is_ambiguous(one, random.Random(1))
        except re.error:
            continue  # set operations of the module regex
        if part is not None:
            ambiguous[one.where] = (one.pattern, part)
    assert ambiguous == {}


@pytest.mark.parametrize(
    "pattern", [r"(?:<!--.*?-->\s*)*<html", r"(a+)+$", r"([a-z]+|\d+)*!", r"(?:\s*,?\s*)*;", r"(.*?,)+x", r"((ab)*)*c"]
)
def test_expressions_that_hang_are_told(pattern: str) -> None:
    assert is_ambiguous(Expression("here", pattern, int(re.S)), random.Random(1)) is not None


@pytest.mark.parametrize("pattern", [r"(?:a,)+b", r"(?:[^>]*>)*x", r"(?:\w+\s)*$", r"(?:a|b)*c", r"a{2,}b"])
def test_expressions_that_do_not_hang_are_not(pattern: str) -> None:
    assert is_ambiguous(Expression("here", pattern, 0), random.Random(1)) is None


@pytest.mark.parametrize(
    "pattern", [r"x(?:ab|c)*y?z{2,5}", r"[^a-c]+(\d)", r"(?i)<meta\s+(?P<n>\w+)=", r"(?=a)a(?!b)c"]
)
def test_samples_match_and_attacks_repeat(pattern: str) -> None:
    one = Expression("here", pattern, 0)
    chaos = random.Random(5)
    assert all(re.fullmatch(pattern, sample(parsed(one), chaos)) for _ in range(20))
    assert all(pump for _, pump, _ in attacks(one, chaos))


@pytest.mark.slow
def test_no_expression_grows_faster_than_its_text() -> None:
    """With a clock: for a machine that does nothing else."""
    done = subprocess.run([sys.executable, "-m", "tests.fuzz.patterns"], capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stdout + done.stderr
