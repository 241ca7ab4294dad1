"""Byte budgets that are met to the byte."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS, Bytes, documents, options_of, pack, rebuilt
from xlcorpus.errors import UserError
from xlcorpus.pack.byte_budgets import ByteBudget, plan_bytes
from xlcorpus.pack.tokenize import tokenize_batch

LABELS = ["amh_Ethi", "tha_Thai", "eng_Latn"]
DOCUMENTS = st.lists(st.tuples(st.text(alphabet="aéहไ😀", max_size=6), st.sampled_from([*LABELS, None])), max_size=20)
BUDGETS = st.dictionaries(st.sampled_from(LABELS), st.integers(1, 40))


def in_order(
    made: list[tuple[str, str | None]], budgets: dict[str, int], cut: str
) -> tuple[list[bytes], list[str | None]]:
    """The bytes taken of each document that is kept, and reasons (None: kept), one document after the other."""
    left, taken, reasons = dict(budgets), [], []
    for text, label in made:
        data = text.encode()
        if label not in left:
            reasons.append("no_byte_budget")
            continue
        part = data[: left[label]]
        if cut == "character":
            part = part.decode("utf-8", "ignore").encode()
        left[label] = left[label] - len(data) if len(data) < left[label] else 0
        if data and not part:
            reasons.append("over_byte_budget")
            continue
        taken.append(part)
        reasons.append(None)
    return taken, reasons


@given(DOCUMENTS, BUDGETS, st.sampled_from(["byte", "character"]), st.lists(st.integers(0, 20), max_size=3))
@example([("ไ", "tha_Thai"), ("a", "tha_Thai")], {"tha_Thai": 2}, "character", [1])
@example([("aไ", "tha_Thai"), ("", "tha_Thai"), ("b", "eng_Latn")], {"tha_Thai": 3}, "byte", [])
def test_documents_in_order_until_the_budget_is_spent(
    made: list[tuple[str, str | None]], budgets: dict[str, int], cut: str, cuts: list[int]
) -> None:
    batch = documents([text for text, _ in made], [label for _, label in made])
    budget = ByteBudget(budgets, cut=cut)
    bounds = [0, *sorted(min(bound, len(made)) for bound in cuts), len(made)]
    taken: list[bytes] = []
    rows, decisions = [], []
    bytes_of = dict.fromkeys(budgets, 0)
    for start, stop in pairwise(bounds):
        part = budget.take(batch.slice(start, stop - start))
        kept = zip(part.documents.column("text").to_pylist(), part.keep.tolist(), strict=True)
        taken += [text.encode()[:size] for text, size in kept]
        for label, size in zip(part.documents.column("lang").to_pylist(), part.keep.tolist(), strict=True):
            bytes_of[label] += size
        rows += part.documents.column("doc_id").to_pylist()
        decisions += part.decisions.to_pylist()
    expected, reasons = in_order(made, budgets, cut)
    assert taken == expected
    ids = batch.column("doc_id").to_pylist()
    assert rows == [name for name, reason in zip(ids, reasons, strict=True) if reason is None]
    assert [(row["doc_id"], row["reason"]) for row in decisions] == [
        (name, reason) for name, reason in zip(ids, reasons, strict=True) if reason is not None
    ]
    for label, most in budgets.items():
        there = sum(len(text.encode()) for text, of in made if of == label)
        least = min(there, most) - (3 if cut == "character" and there > most else 0)
        assert least <= bytes_of[label] <= most


def test_bytes_of_a_language_are_exactly_its_budget_in_the_packs() -> None:
    batch = documents(list(TEXTS.values()) * 9, list(TEXTS) * 9)
    budgets = {"hin_Deva": 700, "tha_Thai": 401, "yor_Latn": 33}
    budget = ByteBudget(budgets)
    taken = budget.take(batch)
    settings = options_of(64, "concatenate", "span")
    made = tokenize_batch(taken.documents, Bytes(), settings, keep=taken.keep)
    packs, _ = pack(made.documents, settings)
    whole = rebuilt(packs)
    found = dict.fromkeys(budgets, 0)
    for name, lang in zip(taken.documents["doc_id"].to_pylist(), taken.documents["lang"].to_pylist(), strict=True):
        found[lang] += sum(token >= 5 for token in whole[name])
    assert found == budgets
    assert made.decisions.num_rows + taken.decisions.num_rows + len(made.documents) == batch.num_rows


def test_decisions_say_how_large() -> None:
    batch = documents(["abc", "defg", "hi", "q"], ["eng_Latn", "eng_Latn", "eng_Latn", None])
    taken = ByteBudget({"eng_Latn": 5}).take(batch, keep_text=True)
    assert taken.documents.column("text").to_pylist() == ["abc", "defg"]
    assert taken.keep.tolist() == [3, 2]
    assert [(row["reason"], row["score"], row["threshold"], row["text"]) for row in taken.decisions.to_pylist()] == [
        ("over_byte_budget", 2, 0, "hi"),
        ("no_byte_budget", 1, 0, "q"),
    ]


@given(
    st.lists(st.dictionaries(st.sampled_from(LABELS), st.integers(0, 30)), max_size=6),
    st.dictionaries(st.sampled_from(LABELS), st.integers(1, 30), min_size=1),
)
def test_the_plan_spends_budgets_in_the_order_of_tasks(
    available: list[dict[str, int]], budgets: dict[str, int]
) -> None:
    totals = {label: sum(task.get(label, 0) for task in available) for label in budgets}
    if any(totals[label] < budget for label, budget in budgets.items()):
        with pytest.raises(UserError, match=r"fewer bytes|no text"):
            plan_bytes(available, budgets)
        return
    plan = plan_bytes(available, budgets)
    for label, budget in budgets.items():
        taken = np.array([task.get(label, 0) for task in plan])
        there = np.array([task.get(label, 0) for task in available])
        assert taken.sum() == budget
        assert (taken <= there).all()
        partial = np.flatnonzero(taken < there)
        assert not len(partial) or not taken[partial[0] + 1 :].any()


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ({"tha_Thai": 31}, "tha_Thai has 30 of 31"),
        ({"thai_Thai": 5}, "no text in 'thai_Thai'.*\n.*did you mean 'tha_Thai'"),
        ({"tha_Thai": 0}, "byte budget of tha_Thai is 0"),
    ],
)
def test_plans_that_cannot_be(budgets: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_bytes([{"tha_Thai": 10, "": 4}, {"tha_Thai": 20}], budgets)


def test_faults() -> None:
    batch: Any = documents(["a"], ["eng_Latn"])
    with pytest.raises(UserError, match="no column 'lang'"):
        ByteBudget({}).take(batch.drop_columns(["lang"]))
