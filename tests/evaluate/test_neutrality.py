"""Probes beside slow logistic regression and shuffled labels; distances of translations beside loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluate.models import opened
from tests.packed import TEXTS, view
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.neutrality.layers import distances, neutrality
from xlcorpus.evaluate.measures.neutrality.probe import probe
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, read_pairs
from xlcorpus.evaluate.vectors import encode, vectors


def clouds(seed: int, apart: float, sizes: tuple[int, ...] = (60, 30, 90)) -> tuple[np.ndarray, np.ndarray]:
    """Rows of as many labels, whose centres are so far apart."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centres = random.normal(size=(len(sizes), 5)) * apart
    return random.normal(size=(len(labels), 5)) + centres[labels], labels


def halves(labels: np.ndarray) -> np.ndarray:
    return np.arange(len(labels)) % 2 == 0


def test_the_probe_is_logistic_regression() -> None:
    """The same minimum as torch finds by plain gradients."""
    states, labels = clouds(1, 0.8)
    learnt = halves(labels)
    found = probe(states, labels, np.arange(len(labels)), learnt, penalty=0.05)
    given = torch.tensor((states - states[learnt].mean(0)) / states[learnt].std(0))
    weights, biases = torch.zeros(5, 3, dtype=torch.double), torch.zeros(3, dtype=torch.double)
    both = [one.requires_grad_() for one in (weights, biases)]
    optimiser, of = torch.optim.LBFGS(both, max_iter=60), torch.tensor(labels[learnt])
    counts = torch.bincount(of).double()

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(given[learnt] @ weights + biases, of, 1 / counts)
        loss = loss + 0.05 / 2 * (weights**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    guess = (given[~learnt] @ weights + biases).argmax(1).numpy()
    recalls = [(guess[labels[~learnt] == label] == label).mean() for label in range(3)]
    assert found["accuracy"] == pytest.approx(np.mean(recalls))
    assert found["chance"] == pytest.approx(1 / 3)
    variances = [one * (1 - one) / size for one, size in zip(recalls, np.bincount(labels[~learnt]), strict=True)]
    assert found["error"] == pytest.approx(math.sqrt(sum(variances)) / 3, rel=0.02)  # the same but for n - 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999))
def test_labels_that_are_not_in_the_vectors_are_worth_chance(seed: int) -> None:
    states, labels = clouds(seed, 0)
    found = probe(states, labels, np.arange(len(labels)), halves(labels))
    assert found["error"] is not None
    assert abs(found["accuracy"] - 1 / 3) < 5 * found["error"]  # type: ignore[operator]
    nothing = probe(np.ones((90, 4)), np.arange(90) % 3, np.arange(90), np.arange(90) < 45)
    assert nothing["accuracy"] == pytest.approx(1 / 3)


def test_what_is_far_apart_is_told_apart_and_one_group_is_one_draw() -> None:
    states, labels = clouds(3, 40)
    assert probe(states, labels, np.arange(len(labels)), halves(labels))["accuracy"] == 1
    states, labels = clouds(4, 0.5)
    twice = [np.repeat(one, 4, axis=0) for one in (states, labels, np.arange(len(labels)), halves(labels))]
    once = probe(states, labels, np.arange(len(labels)), halves(labels))
    assert probe(*twice)["error"] == pytest.approx(once["error"], rel=1e-6)
    with pytest.raises(ValueError, match="each on both sides"):
        probe(states, labels, np.arange(len(labels)), labels < 2)


@given(st.integers(0, 999), st.integers(2, 12))
def test_distances_are_those_of_loops(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    a = random.normal(size=(count, 3)) + 1
    b = a + random.normal(size=(count, 3)) * 0.3
    found = distances(a.astype(np.float32), b.astype(np.float32))
    cosine = [[1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other) for other in b] for one in a]
    apart = [[np.linalg.norm(one - other) for other in b] for one in a]
    for name, table in (("cosine", np.array(cosine)), ("euclidean", np.array(apart))):
        near, far = np.diag(table), table[~np.eye(count, dtype=bool)]
        assert found[name] == pytest.approx(near.mean(), abs=1e-5)
        assert found[f"{name}_error"] == pytest.approx(near.std(ddof=1) / math.sqrt(count), abs=1e-5)
        assert found[f"{name}_others"] == pytest.approx(far.mean(), abs=1e-5)
    assert found["ratio"] == pytest.approx(found["euclidean"] / found["euclidean_others"])  # type: ignore[operator]
    larger = distances(a * 7, b * 7)
    assert larger["ratio"] == pytest.approx(found["ratio"], abs=1e-5)
    assert larger["ratio_error"] == pytest.approx(found["ratio_error"], abs=1e-5)


def parallel(count: int, *langs: str) -> Texts:
    """English on the left of all of them."""
    rows = [
        {"src": f"{TEXTS['eng_Latn']} {n}", "tgt": f"{TEXTS[lang]} {n}", "src_lang": "eng_Latn", "tgt_lang": lang}
        for n in range(count)
        for lang in langs
    ]
    return Texts("here", pa.Table.from_pylist(rows))


def test_languages_and_scripts_of_sentences_by_layer() -> None:
    trained, pairs = opened("XLMRobertaForMaskedLM"), parallel(10, "swh_Latn", "srp_Latn", "srp_Cyrl")
    found = neutrality(trained, pairs, EvaluateOptions())
    assert [row["layer"] for row in found["distances"][:4]] == [0, 1, 2, 3]
    by_what = {what: [row for row in found["probes"] if row["what"] == what] for what in ("language", "script")}
    for what, labels in (("language", 4), ("script", 2)):
        assert [row["labels"] for row in by_what[what]] == [labels] * 4
        assert by_what[what][0]["sentences"] == 20  # English is there once, not three times; half of 40
        assert by_what[what][0]["accuracy"] > 0.95  # the embeddings of two scripts share no piece
        assert by_what[what][0]["chance"] == 1 / labels
    sides = [encode(trained, pairs.table.column(name).combine_chunks()) for name in ("src", "tgt")]
    one, other = (vectors(trained, side, [2])[2] for side in sides)
    (row,) = (row for row in found["distances"] if (row["tgt_lang"], row["layer"]) == ("srp_Cyrl", 2))
    here = np.array(pairs.table.column("tgt_lang").to_pylist()) == "srp_Cyrl"
    assert {key: row[key] for key in distances(one[here], other[here])} == pytest.approx(
        distances(one[here], other[here])
    )


def test_the_order_of_the_pairs_does_not_matter() -> None:
    trained, pairs = opened("XLMRobertaForMaskedLM"), parallel(8, "swh_Latn", "hin_Deva")
    turned = Texts("here", pairs.table.take(pa.array(np.arange(16)[::-1])))
    asked = EvaluateOptions(layers="1")
    one, other = (neutrality(trained, given, asked) for given in (pairs, turned))
    for name in ("probes", "distances"):
        for a, b in zip(one[name], other[name], strict=True):
            assert a == pytest.approx(b, abs=1e-5)


def test_rows_of_a_view_and_what_is_too_little() -> None:
    trained, said = opened("XLMRobertaForMaskedLM"), list[Any]()
    packed = read_pairs(str(view("bitext", 60, 1)), EvaluateOptions().reading("pairs"))
    found = neutrality(trained, packed, EvaluateOptions(layers="1"), said.append)
    assert {row["what"] for row in found["probes"]} == {"language", "script"}
    one = neutrality(trained, parallel(6, "swh_Latn"), EvaluateOptions(layers="1"), said.append)
    assert [row["what"] for row in one["probes"]] == ["language"]
    assert "here: 1 script alone, so there is nothing to tell apart" in said
    with pytest.raises(UserError, match="too few sentences of each language"):
        neutrality(trained, parallel(1, "swh_Latn"), EvaluateOptions(layers="1"), said.append)
