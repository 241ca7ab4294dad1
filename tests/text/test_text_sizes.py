"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.text.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        (2000000, 2_000_000),
        ("2_000_000", 2_000_000),
        ("2M", 2_000_000),
        (" 500k ", 500_000),
        ("1.5B", 1_500_000_000),
        ("1.5g", 1_500_000_000),
        ("0.001T", 1_000_000_000),
        ("1.1b", 1_100_000_000),
        (2e6, 2_000_000),
        ("0.5k", 500),
    ],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text, "--budget") == size


@given(st.integers(1, 2**53))
def test_plain_sizes_are_taken_as_they_are(number: int) -> None:
    assert parse_size(number, "--budget") == parse_size(str(number), "--budget") == number


@pytest.mark.parametrize("text", ["", "M", "-2M", "2 M", "2MB", "1e6", "nan", "inf", "2,000", "0x10", ".5M", "_1"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UserError, match=r"--budget .* is not a size\n.*remedy: write 2000000, 2M, 500k or 1\.5B"):
        parse_size(text, "--budget")


@pytest.mark.parametrize("text", ["0", 0, "0.0004k", "0.2"])
def test_a_size_of_nothing(text: str | int) -> None:
    with pytest.raises(UserError, match=r"is nothing\n.*remedy: give at least 1"):
        parse_size(text, "--budget")


@pytest.mark.parametrize(("text", "size"), [("4GB", 4 * 10**9), ("2 MB", 2_000_000), ("10M", 10**7), ("7b", 7 * 10**9)])
def test_sizes_in_bytes(text: str, size: int) -> None:
    assert parse_size(text, "--sample-bytes", in_bytes=True) == size
