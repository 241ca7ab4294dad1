"""Weights of the rules, exactly; a budget that fills groups up to their caps."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.mix import rules
from xlcorpus.text.apportion import largest_remainder

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
SIZES = st.dictionaries(NAMES, st.integers(1, 10**9), min_size=1, max_size=8)
ALPHAS = st.fractions(0, 2, max_denominator=20)


def normal(weights: rules.Weights) -> dict[str, Fraction]:
    """Weights that sum to 1."""
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0.1, Fraction(1, 10)),
        ("1/3", Fraction(1, 3)),
        (" .25 ", Fraction(1, 4)),
        ("2.5e3", Fraction(2500)),
        (3, Fraction(3)),
        (Fraction(2, 7), Fraction(2, 7)),
        (1e-7, Fraction(1, 10**7)),
    ],
)
def test_numbers_are_what_was_written(written: rules.Number, meant: Fraction) -> None:
    assert rules.exact(written) == meant


@pytest.mark.parametrize("written", [math.nan, math.inf, "nan", "inf", "", "0,5", "1/0", "1e999999999", True, "½", [1]])
def test_what_is_no_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="number"):
        rules.exact(written)  # type: ignore[arg-type]


@given(st.integers(1, 10**9), ALPHAS)
def test_powers_agree_with_floating_point(size: int, alpha: Fraction) -> None:
    assert float(rules.power(Fraction(size), alpha)) == pytest.approx(size ** float(alpha), rel=1e-12)


@given(st.integers(1, 10**6), st.integers(2, 5))
def test_roots_that_are_whole_are_exact(root: int, degree: int) -> None:
    assert rules.power(Fraction(root**degree), Fraction(1, degree)) == root


@given(SIZES)
def test_exponent_one_is_proportional_and_zero_is_uniform(sizes: dict[str, int]) -> None:
    assert normal(rules.exponent(sizes, Fraction(1))) == normal(rules.proportional(sizes))
    assert normal(rules.exponent(sizes, Fraction(0))) == normal(rules.uniform(sizes))


@given(SIZES, st.fractions(Fraction(1, 5), 10, max_denominator=30))
def test_temperature_is_one_over_the_exponent(sizes: dict[str, int], degree: Fraction) -> None:
    assert rules.temperature(sizes, degree) == rules.exponent(sizes, 1 / degree)


@given(SIZES, ALPHAS, st.integers(1, 10**6))
def test_more_of_everything_changes_no_weight(sizes: dict[str, int], alpha: Fraction, times: int) -> None:
    scaled = {name: size * times for name, size in sizes.items()}
    assert rules.exponent(scaled, alpha) == rules.exponent(sizes, alpha)


def test_a_higher_temperature_flattens() -> None:
    sizes = {"eng": 10**9, "yor": 10**4}
    shares = [normal(rules.temperature(sizes, Fraction(degree)))["yor"] for degree in (1, 2, 5, 100)]
    assert shares == sorted(shares)
    assert shares[0] == Fraction(1, 10**5 + 1)
    assert Fraction(2, 5) < shares[-1] < Fraction(1, 2)


def test_sizes_above_the_limit_count_as_the_limit() -> None:
    sizes = {"a": 10**9, "b": 10**6, "c": 10**3}
    assert rules.temperature(sizes, Fraction(1), limit=10**6) == {"a": 1000, "b": 1000, "c": 1}


def glot500(sizes: dict[str, int], seen: set[str], factor: float, scale: float) -> dict[str, float]:
    """The counts of Glot500's script as its formulas say them, by probabilities, in floating point."""
    new = {name: size for name, size in sizes.items() if name not in seen}
    total = sum(size**factor for size in new.values())
    probabilities = {name: size**factor / total for name, size in new.items()}
    least, least_probability = min(new.values()), min(probabilities.values())
    counts = {name: scale * least * (p / least_probability) for name, p in probabilities.items()}
    return counts | {name: scale * least for name in sizes if name in seen}


@given(st.dictionaries(NAMES, st.integers(30_000, 10**8), min_size=2, max_size=8), st.data())
def test_floor_counts_are_those_of_glot500(sizes: dict[str, int], data: st.DataObject) -> None:
    seen = data.draw(st.sets(st.sampled_from(sorted(sizes)), max_size=len(sizes) - 1))
    counts = rules.floor_counts(sizes, seen, Fraction(3, 10), Fraction(30), least=30_000)
    assert {name: float(count) for name, count in counts.items()} == pytest.approx(
        glot500(sizes, seen, 0.3, 30), rel=1e-9
    )
    assert min(counts.values()) == 30 * min(size for name, size in sizes.items() if name not in seen)


def test_new_languages_that_are_too_small_are_left_out_and_set_no_floor() -> None:
    counts = rules.floor_counts({"tiny": 10, "new": 500, "old": 9}, {"old"}, Fraction(1), Fraction(2), least=100)
    assert counts == {"tiny": 0, "new": 1000, "old": 1000}
    assert rules.floor_counts({"old": 9}, {"old"}, Fraction(1), Fraction(2)) == {"old": 0}


@st.composite
def fillings(draw: st.DrawFn) -> tuple[dict[str, Fraction], dict[str, int], int]:
    """Weights, caps and a budget that they hold."""
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    weights = {name: Fraction(draw(st.integers(0, 50)), draw(st.integers(1, 9))) for name in names}
    caps = {name: draw(st.integers(0, 1000)) for name in names}
    budget = draw(st.integers(0, sum(cap for name, cap in caps.items() if weights[name])))
    return weights, caps, budget


@given(fillings())
def test_filling_is_exact_capped_and_fair(filling: tuple[dict[str, Fraction], dict[str, int], int]) -> None:
    weights, caps, budget = filling
    shares = rules.fill(weights, caps, budget)
    assert sum(shares.values()) == budget
    assert all(0 <= shares[name] <= caps[name] for name in weights)
    assert all(shares[name] == 0 for name in weights if not weights[name])
    # Nobody who has room got less, in proportion and up to rounding, than anybody else.
    levels = {name: shares[name] / weights[name] for name in weights if weights[name]}
    for name, level in levels.items():
        if shares[name] < caps[name]:
            for other in levels:
                assert level + 1 / weights[name] >= levels[other] - 1 / weights[other]


@given(fillings(), st.data())
def test_filling_does_not_depend_on_the_order(
    filling: tuple[dict[str, Fraction], dict[str, int], int], data: st.DataObject
) -> None:
    weights, caps, budget = filling
    mixed = dict(data.draw(st.permutations(list(weights.items()))))
    assert rules.fill(mixed, caps, budget) == rules.fill(weights, caps, budget)


@given(SIZES, st.integers(0, 10**6))
def test_without_tight_caps_filling_is_the_largest_remainder(sizes: dict[str, int], budget: int) -> None:
    weights = rules.proportional(sizes)
    assert rules.fill(weights, dict.fromkeys(sizes, 10**6), budget) == largest_remainder(sizes, budget)


def test_caps_that_hold_less_than_the_budget_are_an_error() -> None:
    with pytest.raises(ValueError, match="less than the budget"):
        rules.fill({"a": Fraction(1), "b": Fraction(0)}, {"a": 5, "b": 100}, 6)
