"""Errors: each has a remedy, and what is printed of it is short and harmless."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import ROOT
from xlcorpus import errors
from xlcorpus.errors import UserError, given_twice, nearest, readable

_KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, UserError)}


def test_every_error_that_a_user_sees_has_a_remedy() -> None:
    bare = []
    for path in sorted([*(ROOT / "xlcorpus").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS):
                continue
            if not any(word.arg == "remedy" for word in node.keywords):
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert bare == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 1000, "x" * 150 + "... (1,000 characters)"),
        ("कु" * 300, "कु" * 75 + "... (600 characters)"),
        ("列" * 299, "列" * 299),
        ("a\x1b[2Jb\x00\x9b", "a\\x1b[2Jb\\x00\\x9b"),
        ("\udcff.txt", "\\udcff.txt"),
        ("one\n  two\tthree", "one\n  two\tthree"),
        ("/folder" * 100, "/folder" * 100),
    ],
)
def test_what_is_printed_is_short_and_harmless(text: str, shown: str) -> None:
    assert readable(text) == shown
    assert str(UserError(text, remedy="r")) == f"{shown}\n  remedy: r"


def test_a_long_message_ends() -> None:
    assert len(readable("слово " * 10_000)) < 2100


def test_the_nearest_name_may_be_of_any_type_and_their_list_ends() -> None:
    assert nearest(5, ["5a", 7, None]) == "did you mean '5a'?"
    assert nearest("q", [str(number) for number in range(900, 1000)]).endswith(" and 60 more")
    assert nearest("x" * 10_000, ["ab"]) == "known: ab"
    assert nearest("x", []) == "nothing is known here"


def test_a_name_that_is_given_twice_is_found_in_time_that_grows_with_the_names() -> None:
    names = [f"столбец {number}" for number in range(200_000)]
    assert given_twice(names) is None  # with a search for each it would take minutes
    assert given_twice([*names, "столбец 7", "столбец 3"]) == "столбец 7"
    assert given_twice([["a"], ["a"], {}, 1, 1, "b"]) is None
    assert given_twice(()) is None
