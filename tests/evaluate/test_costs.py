"""What documents cost one by one: errors beside their formulas, differences of two models, and the file of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.bits.costs import SUMS, Bits, differences, read_documents_of, write_documents
from xlcorpus.evaluate.standard_error import of_sum

LANGS = ("swh_Latn", "khm_Khmr", "amh_Ethi")


def bits(names: list[int], seed: int, hard: float = 1.0, size: int | None = None, *, pseudo: bool = False) -> Bits:
    """Documents of these names, each hard or not by its name; clm labels all tokens."""
    random = np.random.default_rng(seed)
    named = np.array(names, dtype=np.uint64)
    tokens = 20 + named.astype(np.int64) % 7
    nats = tokens * (2 + np.sin(named.astype(float))) * hard + random.normal(0, 0.5, len(names))
    sums = np.stack([nats, tokens, tokens, tokens * 4.0 if size is None else [size] * len(names), 0 * tokens], axis=1)
    return Bits.of(np.stack([named, named], axis=1), sums, pseudo=pseudo)


def in_bits(one: Bits) -> float:
    return float(one.sums[:, 0].sum() / one.sums[:, 3].sum() / math.log(2))


@given(st.integers(0, 99), st.integers(1, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_difference_is_of_common_documents_alone(seed: int, common: int, mine: int, theirs: int) -> None:
    shared = list(range(common))
    one = bits([*shared, *range(100, 100 + mine)], seed, 1.1)
    other = bits([*range(200, 200 + theirs), *reversed(shared)], seed + 1)
    alone = [bits(shared, 0, 1.1), bits(shared, 0)]
    for half, whole in zip(alone, (one, other), strict=True):
        half.sums[:] = [whole.sums[whole.ids[:, 0].tolist().index(name)] for name in half.ids[:, 0].tolist()]
    found = differences({"swh_Latn": one}, {"swh_Latn": other, "yor_Latn": other})
    assert found is not None
    assert [*found["languages"]] == ["swh_Latn"]
    (facts,) = found["languages"].values()
    assert facts == found["all"]
    first, second = map(in_bits, alone)
    assert (facts["bits_per_byte"], facts["other"]) == pytest.approx((first, second))
    assert (facts["difference"], facts["documents"]) == (pytest.approx(first - second), common)
    if common == 1:
        assert facts["error"] is None
        return
    rests = [
        (half.sums[:, 0] / math.log(2) - value * half.sums[:, 3]) / half.sums[:, 3].sum()
        for half, value in zip(alone, (first, second), strict=True)
    ]
    expected = math.sqrt(((rests[0] - rests[1]) ** 2).sum() * common / (common - 1))
    assert facts["error"] == pytest.approx(expected, abs=1e-9)


def test_what_is_hard_for_both_is_not_in_the_error_of_the_difference() -> None:
    names = list(range(400))
    one, other = bits(names, 1, 1.05), bits(names, 2)
    found = differences({"swh_Latn": one}, {"swh_Latn": other})
    assert found is not None
    apart = math.hypot(one.error or 0, other.error or 0)
    assert found["all"]["error"] < apart / 3
    shuffled = differences({"swh_Latn": one}, {"swh_Latn": Bits(np.roll(other.ids, 7, 0), other.sums, other.strata)})
    assert shuffled is not None  # by whose document it is, not by its place
    assert shuffled["all"]["error"] > 2 * found["all"]["error"]
    same = differences({"swh_Latn": one}, {"swh_Latn": one})
    assert same is not None
    assert (same["all"]["difference"], same["all"]["error"]) == (0, 0)


def test_the_error_is_what_drawing_documents_again_gives() -> None:
    """A bootstrap over documents, within each language."""
    parts = [bits(list(range(first, first + 150)), first, 1 + first / 900) for first in (0, 200, 400)]
    others = [bits(list(range(first, first + 150)), first + 1) for first in (0, 200, 400)]
    random, drawn = np.random.default_rng(3), []
    for _ in range(800):
        rows = [random.integers(0, 150, 150) for _ in parts]
        one, other = (
            np.concatenate([one.sums[row] for one, row in zip(side, rows, strict=True)]).sum(axis=0)
            for side in (parts, others)
        )
        drawn.append((one[0] / one[3] / math.log(2), (one[0] / one[3] - other[0] / other[3]) / math.log(2)))
    expected = np.std(drawn, axis=0)
    found = differences(dict(zip(LANGS, parts, strict=True)), dict(zip(LANGS, others, strict=True)))
    assert found is not None
    assert Bits.together(parts).error == pytest.approx(expected[0], rel=0.12)
    assert found["all"]["error"] == pytest.approx(expected[1], rel=0.12)


def test_what_is_not_compared() -> None:
    one = bits([1, 2, 3], 0)
    assert differences({"swh_Latn": one}, {"swh_Latn": bits([4, 5], 0)}) is None
    assert differences({"swh_Latn": one}, {"yor_Latn": one}) is None
    assert differences({"swh_Latn": one}, {"swh_Latn": bits([1, 2, 3], 0, pseudo=True)}) is None
    cut = bits([1, 2, 3], 0)
    cut.sums[0] /= 3  # one part of it alone was measured
    found = differences({"swh_Latn": one}, {"swh_Latn": cut})
    assert found is not None
    assert found["all"]["documents"] == 2
    assert of_sum(np.ones(1), np.zeros(1, dtype=np.int64)) is None


def test_a_language_of_one_document_counts_by_its_whole_pull() -> None:
    together = Bits.together([bits([1, 2, 3], 0), bits([9], 1)])
    pulls = together.pulls
    assert pulls.sum() == pytest.approx(0, abs=1e-12)
    first = ((pulls[:3] - pulls[:3].mean()) ** 2).sum() * 3 / 2
    assert together.error == pytest.approx(math.sqrt(first + pulls[3] ** 2))


def test_the_file_of_documents(tmp_path: Path) -> None:
    folder = locate(tmp_path)
    given = {"out/a": {"swh_Latn": bits([5, 0, 2**64 - 1], 0), "khm_Khmr": bits([7], 1, pseudo=True)}, "b": {}}
    write_documents(given, folder)
    found = read_documents_of(folder)
    assert [*found] == ["out/a"]
    for lang, one in found["out/a"].items():
        expected = given["out/a"][lang]
        np.testing.assert_array_equal(one.ids, expected.ids)
        np.testing.assert_array_equal(one.sums, expected.sums)
        assert (one.facts, one.pseudo) == (expected.facts, expected.pseudo)
    assert len(SUMS) == expected.sums.shape[1]
    whole = (tmp_path / "documents.parquet").read_bytes()
    (tmp_path / "documents.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read"):
        read_documents_of(folder)
    with pytest.raises(UserError, match=r"is no evaluation of bits per byte"):
        read_documents_of(locate(tmp_path / "nowhere"))
