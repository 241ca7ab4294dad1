"""Strings that know where their characters come from behave as strings do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.templates.traced import MARK, SpecialInText, Traced, code

LETTERS = "aB ßİሰ\n😀</s>"
PLAIN = st.text(st.sampled_from(LETTERS), max_size=10)


@st.composite
def traced(draw: st.DrawFn) -> Traced:
    text = draw(PLAIN)
    return Traced(text, "".join(draw(st.sampled_from([code(0), code(1), code(1, trained=True)])) for _ in text))


def pairs_of(value: Any) -> list[tuple[str, str]]:
    value = Traced.of(value)
    return list(zip(str.__str__(value), value.origin, strict=True))


@given(traced(), traced(), st.sampled_from([" ", "a", "</", "ß"]), st.integers(-1, 3))
def test_what_is_cut_and_joined_keeps_its_origin(one: Traced, other: Traced, sep: str, most: int) -> None:
    plain, characters = str.__str__(one), pairs_of(one)
    for made, due in (
        (one.split(sep, most), plain.split(sep, most)),
        (one.rsplit(sep, most), plain.rsplit(sep, most)),
        (one.split(None, most), plain.split(None, most)),
        (one.rsplit(None, most), plain.rsplit(None, most)),
        (one.splitlines(), plain.splitlines()),
        (one.splitlines(True), plain.splitlines(True)),
        (one.partition(sep), plain.partition(sep)),
        (one.rpartition(sep), plain.rpartition(sep)),
        (list(one), list(plain)),
        ([one.strip(), one.lstrip("a"), one.rstrip("B ")], [plain.strip(), plain.lstrip("a"), plain.rstrip("B ")]),
        ([one.removeprefix(sep), one.removesuffix(sep)], [plain.removeprefix(sep), plain.removesuffix(sep)]),
        ([one[1:3], one[::-1], one[-2:]], [plain[1:3], plain[::-1], plain[-2:]]),
        ([one.lower(), one.upper(), one.title()], [plain.lower(), plain.upper(), plain.title()]),
        ([one.replace(sep, other), one * 2], [plain.replace(sep, str.__str__(other)), plain * 2]),
    ):
        assert [str.__str__(part) for part in made] == list(due)
        assert all(isinstance(part, Traced) and len(part.origin) == len(part) for part in made)
    assert pairs_of(one + other) == characters + pairs_of(other)
    assert pairs_of("x" + one) == [("x", code(0)), *characters]
    between = [*pairs_of(other), ("y", code(0)), *pairs_of(other)]
    assert pairs_of(other.join([one, "y", one])) == [*characters, *between, *characters]
    start = 0
    for text in one.split(sep):
        assert pairs_of(text) == characters[start : start + len(text)]
        start += len(text) + len(sep)
    assert pairs_of(one[::-1]) == characters[::-1]


def test_a_special_token_that_becomes_plain_text_is_noticed() -> None:
    special = Traced(MARK, code(2))
    assert pairs_of(special + "a") == [(MARK, code(2)), ("a", code(0))]
    with pytest.raises(SpecialInText):
        Traced.of("".join([special, "a"]))
