"""Weights of the rules, exactly; a budget that fills groups up to their caps."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mix.mix_helpers import totals_by
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.exact import Number, Weights, exact, power
from xlcorpus.mix.options import Options
from xlcorpus.mix.rule import RULES, NotNegative, Rule, rule_lines
from xlcorpus.mix.rules.exponent import powers
from xlcorpus.mix.rules.floor import floor_counts
from xlcorpus.mix.spec import parse_mix
from xlcorpus.mix.tree import Division, Setting

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
SIZES = st.dictionaries(NAMES, st.integers(1, 10**9), min_size=1, max_size=8)
ALPHAS = st.fractions(0, 2, max_denominator=20)


def normal(weights: Weights) -> dict[str, Fraction]:
    """Weights that sum to 1."""
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def weights_of(sizes: dict[str, int], rule: str, **parameters: object) -> Weights:
    """Weights of a rule for groups of these sizes."""
    spec = parse_mix({"mix": {"rule": rule, "by": "domain", **parameters}})
    cells = [Cell("web", "mono", "yor_Latn", name, size, 1) for name, size in sizes.items()]
    division = Division(spec.mix, cells, Setting(spec, Fraction(1), None, {}, {}))
    weights = spec.mix.rule.weights(division)
    return {name: weights[name] for name in sizes}


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
def test_numbers_are_what_was_written(written: Number, meant: Fraction) -> None:
    assert exact(written) == meant


@pytest.mark.parametrize("written", [math.nan, math.inf, "nan", "inf", "", "0,5", "1/0", "1e999999999", True, "½", [1]])
def test_what_is_no_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="number"):
        exact(written)  # type: ignore[arg-type]


@given(st.integers(1, 10**9), ALPHAS)
def test_powers_agree_with_floating_point(size: int, alpha: Fraction) -> None:
    assert float(power(Fraction(size), alpha)) == pytest.approx(size ** float(alpha), rel=1e-12)


@given(st.integers(1, 10**6), st.integers(2, 5))
def test_roots_that_are_whole_are_exact(root: int, degree: int) -> None:
    assert power(Fraction(root**degree), Fraction(1, degree)) == root


@given(SIZES)
def test_exponent_one_is_proportional_and_zero_is_uniform(sizes: dict[str, int]) -> None:
    assert normal(weights_of(sizes, "exponent", alpha=1)) == normal(weights_of(sizes, "proportional"))
    assert normal(weights_of(sizes, "exponent", alpha=0)) == normal(weights_of(sizes, "uniform"))


@given(SIZES, st.fractions(Fraction(1, 5), 10, max_denominator=30))
def test_temperature_is_one_over_the_exponent(sizes: dict[str, int], degree: Fraction) -> None:
    assert weights_of(sizes, "temperature", temperature=degree) == powers(sizes, 1 / degree)


@given(SIZES, ALPHAS, st.integers(1, 10**6))
def test_more_of_everything_changes_no_weight(sizes: dict[str, int], alpha: Fraction, times: int) -> None:
    scaled = {name: size * times for name, size in sizes.items()}
    assert weights_of(scaled, "exponent", alpha=alpha) == weights_of(sizes, "exponent", alpha=alpha)


def test_a_higher_temperature_flattens() -> None:
    sizes = {"eng": 10**9, "yor": 10**4}
    shares = [normal(weights_of(sizes, "temperature", temperature=degree))["yor"] for degree in (1, 2, 5, 100)]
    assert shares == sorted(shares)
    assert shares[0] == Fraction(1, 10**5 + 1)
    assert Fraction(2, 5) < shares[-1] < Fraction(1, 2)


def test_sizes_above_the_limit_count_as_the_limit() -> None:
    sizes = {"a": 10**9, "b": 10**6, "c": 10**3}
    assert weights_of(sizes, "temperature", temperature=1, limit=10**6) == {"a": 1000, "b": 1000, "c": 1}


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
    counts = floor_counts(sizes, seen, Fraction(3, 10), Fraction(30), least=30_000)
    assert {name: float(count) for name, count in counts.items()} == pytest.approx(
        glot500(sizes, seen, 0.3, 30), rel=1e-9
    )
    assert min(counts.values()) == 30 * min(size for name, size in sizes.items() if name not in seen)


def test_new_languages_that_are_too_small_are_left_out_and_set_no_floor() -> None:
    counts = floor_counts({"tiny": 10, "new": 500, "old": 9}, {"old"}, Fraction(1), Fraction(2), least=100)
    assert counts == {"tiny": 0, "new": 1000, "old": 1000}
    assert floor_counts({"old": 9}, {"old"}, Fraction(1), Fraction(2)) == {"old": 0}


class Square(Rule):
    """A rule of somebody else's: one class is all there is to it."""

    name: ClassVar[str] = "square"
    formula: ClassVar[str] = "q ∝ (n + more)^2"
    value: ClassVar[str | None] = "more"
    example: ClassVar[str] = "10"
    more: NotNegative

    def weights(self, division: Division) -> Weights:
        return {name: (size + self.more) ** 2 for name, size in division.sizes.items()}


def test_a_rule_is_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Specs, the command line, errors and the list of rules know it by its name."""
    point = EntryPoint("square", f"{__name__}:Square", RULES.group)
    monkeypatch.setattr("xlcorpus.registry.entry_points", lambda group: [point] if group == RULES.group else [])
    monkeypatch.delitem(RULES.__dict__, "all", raising=False)
    assert "square" in RULES.names
    cells = [Cell("web", "mono", lang, "", size, 1) for lang, size in (("eng_Latn", 20), ("yor_Latn", 10))]
    for spec in (
        parse_mix({"mix": {"rule": "square", "by": "lang", "more": 10}}),
        Options(rule="square=10", unit="docs").fixed(),
    ):
        assert spec is not None
        assert totals_by(plan_mix(cells, spec, 13), "lang") == {"eng_Latn": 9, "yor_Latn": 4}
        assert spec.mix.to_json() == {"rule": "square", "by": "lang", "more": 10}
    for content, words in (
        ({"rule": "square", "by": "lang"}, "mix: the rule 'square' needs 'more'"),
        ({"rule": "square", "by": "lang", "more": -1}, "mix.more: -1 is below 0"),
        ({"rule": "square", "more": 1}, "the rule 'square' needs `by`"),
        ({"rule": "sqare", "by": "lang"}, "did you mean 'square'?"),
    ):
        with pytest.raises(UserError, match=re.escape(words)):
            parse_mix({"mix": content})
    with pytest.raises(UserError, match=r"--rule square needs its more\n.*write --rule square=10"):
        Options(rule="square")
    assert "square, more: q ∝ (n + more)^2" in rule_lines()


def test_the_documentation_has_every_rule_with_its_parameters() -> None:
    text = (Path(__file__).parents[2] / "docs" / "mix.md").read_text(encoding="utf-8")
    for name, rule in RULES.all.items():
        (row,) = [
            line for line in text.splitlines() if line.startswith(f"| `{name}`") or line.startswith(f"| `{name}:")
        ]
        assert all(f"`{key}" in row or f"{key}`" in row for key in rule.parameters())
