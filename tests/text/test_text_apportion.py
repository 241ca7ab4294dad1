"""Whole units shared out: exact, near the due, within caps, and never fewer when there is more to share."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlcorpus.text.apportion import apportion

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
WEIGHTS = st.dictionaries(NAMES, st.fractions(0, 50, max_denominator=9), min_size=1, max_size=9).filter(
    lambda weights: any(weights.values())
)


@st.composite
def capped(draw: st.DrawFn) -> tuple[dict[str, Fraction], dict[str, int], int]:
    """Weights, caps and a total that they hold."""
    weights = draw(WEIGHTS)
    caps = {name: draw(st.integers(0, 1000)) for name in weights}
    return weights, caps, draw(st.integers(0, sum(cap for name, cap in caps.items() if weights[name])))


def due(weights: dict[str, Fraction], caps: dict[str, int], total: int) -> dict[str, Fraction]:
    """Before rounding: in proportion, and what is above a cap to the others again."""
    full: dict[str, Fraction] = {}
    while True:
        open_ = {name: weight for name, weight in weights.items() if weight and name not in full}
        whole, left = sum(open_.values()), total - sum(full.values())
        shares = {name: weight * left / whole for name, weight in open_.items()}
        over = {name: Fraction(caps[name]) for name in open_ if shares[name] >= caps[name]}
        if not over:
            return dict.fromkeys(weights, Fraction(0)) | shares | full
        full |= over


@given(WEIGHTS, st.integers(0, 10**12))
@example({"a": Fraction(1, 10), "b": Fraction(1, 5), "c": Fraction(7, 10)}, 10**15 + 1)
def test_shares_are_exact_and_near_their_due(weights: dict[str, Fraction], total: int) -> None:
    shares = apportion(weights, total)
    assert sum(shares.values()) == total
    for name, share in shares.items():
        assert isinstance(share, int)
        assert abs(share - weights[name] * total / sum(weights.values())) < 3


@given(capped(), st.data())
def test_one_unit_more_goes_to_one_and_nobody_loses(
    given_: tuple[dict[str, Fraction], dict[str, int], int], data: st.DataObject
) -> None:
    weights, caps, total = given_
    for limits in (None, caps):
        if total:
            less, more = apportion(weights, total - 1, limits), apportion(weights, total, limits)
            assert sorted(more[name] - less[name] for name in weights) == [0] * (len(weights) - 1) + [1]
    some = data.draw(st.integers(0, total))
    assert all(apportion(weights, some, caps)[name] <= share for name, share in apportion(weights, total, caps).items())


@given(capped())
def test_nobody_is_above_its_cap_and_the_others_take_over(
    given_: tuple[dict[str, Fraction], dict[str, int], int],
) -> None:
    weights, caps, total = given_
    shares, wanted = apportion(weights, total, caps), due(weights, caps, total)
    assert sum(shares.values()) == total
    for name, share in shares.items():
        assert 0 <= share <= (caps[name] if weights[name] else 0)
        assert abs(share - wanted[name]) < 3


@given(capped(), st.data())
def test_shares_do_not_depend_on_the_order(
    given_: tuple[dict[str, Fraction], dict[str, int], int], data: st.DataObject
) -> None:
    weights, caps, total = given_
    mixed = dict(data.draw(st.permutations(list(weights.items()))))
    assert apportion(mixed, total) == apportion(weights, total)
    assert apportion(mixed, total, caps) == apportion(weights, total, caps)


def test_shares_that_are_whole_are_so() -> None:
    assert apportion({"a": Fraction(1, 2), "b": Fraction(3, 10), "c": Fraction(1, 5)}, 70) == {
        "a": 35,
        "b": 21,
        "c": 14,
    }
    assert apportion({"a": 1, "b": 9}, 1) == {"a": 0, "b": 1}
    assert apportion(dict.fromkeys("abcd", 1), 6) == {"a": 2, "b": 1, "c": 2, "d": 1}
    assert apportion({}, 0) == {}


def test_no_alabama_paradox() -> None:
    """Of 4 units largest remainders give 2, 2, 0 where they gave 1, 1, 1 of 3; here every share stays or grows."""
    weights = {"a": 5, "b": 5, "c": 2}
    shares = [apportion(weights, total) for total in range(60)]
    assert all(one[name] <= other[name] for one, other in itertools.pairwise(shares) for name in weights)


def test_caps_that_hold_less_are_an_error() -> None:
    with pytest.raises(ValueError, match="less than the total"):
        apportion({"a": 1, "b": 0}, 6, {"a": 5, "b": 100})
