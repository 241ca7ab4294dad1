"""Contrast with a momentum encoder and a queue, against slow code of the papers' own formulas."""

from __future__ import annotations

from math import exp, log
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.objectives.masked_models import BOS, EOS, MASK, PAD, SIZE, VOCABULARY, tiny
from tests.packed import packs, view
from tests.pretrain.runs import metrics
from tests.pretrain.test_resume import check_goes_on
from xlcorpus.errors import UserError
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.contrast import find_keys
from xlcorpus.objectives.joined import around_text
from xlcorpus.objectives.kinds.contriever import Contriever, ContrieverOptions
from xlcorpus.objectives.kinds.xlco import Xlco, XlcoOptions
from xlcorpus.objectives.momentum import Momentum
from xlcorpus.objectives.own_weights import attach, own_weights_of

BERT = {"shape": "bert", "layers": 2, "width": 16, "heads": 2}


def pairs_of(count: int, longest: int = 9) -> pa.RecordBatch:
    draw = np.random.default_rng(4)
    sides = {
        name: pa.array(
            [draw.integers(5, SIZE, draw.integers(1, longest)).tolist() for _ in range(count)], pa.list_(pa.int32())
        )
        for name in ("src_ids", "tgt_ids")
    }
    return pa.RecordBatch.from_pydict(sides)


def keys_of(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 63, count).astype(np.uint64)


@given(
    st.integers(1, 9),
    st.lists(st.integers(0, 14), min_size=1, max_size=9),
)
def test_the_queue_holds_the_last_keys(size: int, puts: list[int]) -> None:
    made = Momentum(SimpleNamespace(base_model=torch.nn.Identity()), size, 1)
    wanted: list[float] = []
    for number, count in enumerate(puts):
        new = [float(number * 100 + one) for one in range(count)]
        made.put(torch.tensor(new)[:, None])
        wanted = (wanted + new)[-size:]
        assert sorted(made.queued()[:, 0].tolist()) == sorted(wanted)


@pytest.mark.parametrize("each", [False, True])
def test_finding_keys_by_hand(each: bool) -> None:
    draw = np.random.default_rng(2)
    queries, keys, others = draw.normal(size=(3, 4)), draw.normal(size=(3, 4)), draw.normal(size=(3, 5, 4))
    wrong = others if each else others[0]
    costs, found = find_keys(*(torch.tensor(one) for one in (queries, keys, wrong)), 0.25)
    for row in range(3):
        own = exp(queries[row] @ keys[row] / 0.25)
        rest = [exp(queries[row] @ one / 0.25) for one in (others[row] if each else others[0])]
        assert costs[row].item() == pytest.approx(-log(own / (own + sum(rest))))
        assert bool(found[row]) == (own >= max(rest))


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_twenty_steps_are_those_of_slow_code(similarity: str) -> None:
    """Queue, followed weights, loss and the projection's gradient, with numpy and a deque in the place of tensors."""
    options = XlcoOptions(
        queue=7, momentum=0.9, layer=1, similarity=similarity, masked=False, temperature=0.3, probability=0.15
    )
    objective, model = Xlco(options, VOCABULARY, 64), tiny("bert").train()
    objective.prepare(model)
    attach(model, {"xlco": objective}, 0)
    own = own_weights_of(model, "xlco")
    optimiser = torch.optim.SGD([one for one in model.parameters() if one.requires_grad], lr=0.5)
    slow = {name: one.detach().numpy().astype(np.float64) for name, one in own.encoder.named_parameters()}
    followed, queue = own.followed.weight.numpy().astype(np.float64), []
    for step in range(20):
        batch = objective.collate(pairs_of(5), keys_of(5, step))
        with torch.no_grad():
            states = [
                encoder(**{name: one[place::2] for name, one in batch.items()}, output_hidden_states=True)
                for place, encoder in ((0, model), (1, own.encoder))
            ]
        asked, answers = (one.hidden_states[1][:, 0].numpy().astype(np.float64) for one in states)
        queries, keys = asked @ own.projection.weight.detach().numpy().T.astype(np.float64), answers @ followed.T
        if similarity == "cosine":
            queries, keys = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (queries, keys))
        costs = []
        for query, key in zip(queries, keys, strict=True):
            logits = np.array([query @ key, *(query @ one for one in queue)]) / 0.3
            costs.append(np.log(np.exp(logits - logits[0]).sum()))
        found = objective.losses(model, batch)
        assert found.total.item() == pytest.approx(np.mean(costs), abs=1e-5)
        queue = [*queue, *keys][-7:]
        assert np.allclose(np.sort(own.queued().numpy(), axis=0), np.sort(np.array(queue), axis=0), atol=1e-4)
        optimiser.zero_grad()
        found.total.backward()
        optimiser.step()
        objective.after_step(model)
        for name, one in model.base_model.named_parameters():
            slow[name] = 0.9 * slow[name] + 0.1 * one.detach().numpy()
            assert np.allclose(slow[name], dict(own.encoder.named_parameters())[name].numpy(), atol=1e-5)
        followed = 0.9 * followed + 0.1 * own.projection.weight.detach().numpy()
        assert np.allclose(followed, own.followed.weight.numpy(), atol=1e-5)


@pytest.mark.parametrize(("count", "length"), [(1, 64), (5, 64), (6, 64), (6, 14)])
def test_mixup_by_hand(count: int, length: int) -> None:
    """Each side joins the two texts in an order of its own, and either side asks; what does not fit is cut."""
    rows, objective = pairs_of(count), Xlco(XlcoOptions(masked=False), VOCABULARY, length)
    seen: set[tuple[bool, ...]] = set()
    for seed in range(12):
        keys = keys_of(count, seed)
        batch = objective.collate(rows, keys)
        ids, mask = batch["input_ids"].numpy(), batch["attention_mask"].numpy()
        assert len(ids) == 2 * -(-count // 2)
        for example in range(len(ids) // 2):
            one, other = 2 * example, (2 * example + 1) % count
            got = [ids[2 * example + place][mask[2 * example + place] == 1].tolist() for place in (0, 1)]
            choices = {}
            for turned in (False, True):
                for orders in ((a, b) for a in (0, 1) for b in (0, 1)):
                    sides = []
                    for name, order in zip(("src_ids", "tgt_ids"), orders, strict=True):
                        texts = [rows.column(name)[row].as_py() for row in ((one, other), (other, one))[order]]
                        texts[0] = texts[0][: length - 3]
                        texts[1] = texts[1][: length - 3 - len(texts[0])]
                        sides.append([BOS, *texts[0], EOS, *texts[1], EOS])
                    choices[turned, *orders] = sides[::-1] if turned else sides
            which = [choice for choice, sides in choices.items() if sides == got]
            assert which
            seen.update(which)
        assert np.array_equal(ids == PAD, mask == 0)
        assert np.array_equal(objective.collate(rows, keys)["input_ids"].numpy(), ids)
    assert len(seen) == 8  # all orders and roles are drawn


def test_evaluated_alone_a_query_has_the_queue_against_it() -> None:
    """The last batch of an evaluation may be one example: that it finds its key among one would say nothing."""
    objective, model = Xlco(XlcoOptions(queue=7, layer=1), VOCABULARY, 64), tiny("bert")
    attach(model, {"xlco": objective}, 0)
    model.train()
    objective.losses(model, objective.collate(pairs_of(10), keys_of(10)))
    model.eval()
    with torch.no_grad():
        alone = objective.losses(model, objective.collate(pairs_of(2), keys_of(2))).total.item()
        assert alone > 0.1
        own_weights_of(model, "xlco").put(torch.zeros(7, 16))
        zeros = objective.losses(model, objective.collate(pairs_of(2), keys_of(2))).total.item()
    assert zeros != pytest.approx(alone)


def test_masked_inputs() -> None:
    rows, keys = pairs_of(200), keys_of(200)
    plain, masked = (
        Xlco(XlcoOptions(masked=masked), VOCABULARY, 64).collate(rows, keys)["input_ids"] for masked in (False, True)
    )
    text = plain >= 5
    assert float((masked[text] == MASK).float().mean()) == pytest.approx(0.12, abs=0.02)
    assert torch.equal(masked[~text], plain[~text])


def test_contriever_leaves_tokens_out() -> None:
    rows = pairs_of(300).rename_columns(["query_ids", "positive_ids"])
    whole = Contriever(ContrieverOptions(), VOCABULARY, 64).collate(rows, keys_of(300))
    some = Contriever(ContrieverOptions(delete=0.4), VOCABULARY, 64).collate(rows, keys_of(300))
    before, after = around_text(VOCABULARY)
    lists = [rows.column(place)[row].as_py() for row in range(300) for place in (0, 1)]
    for batch in (whole, some):
        assert torch.equal(batch["input_ids"] == PAD, batch["attention_mask"] == 0)
    left = 0
    for full, kept, ids in zip(whole["input_ids"].tolist(), some["input_ids"].tolist(), lists, strict=True):
        assert [one for one in full if one != PAD] == [*before, *ids, *after]
        rest = [one for one in kept if one != PAD][len(before) : -len(after)]
        assert rest
        steps = iter(ids)
        assert all(one in steps for one in rest)  # in their order
        left += len(rest)
    assert left / sum(map(len, lists)) == pytest.approx(0.6, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "start", "data"),
    [
        ("xlco", BERT, {"folder": "tlm", "layer": 1}),
        ("contriever", BERT, {"folder": "crops", "delete": 0.1}),
    ],
)
def test_trained_and_gone_on_with(tmp_path: Any, objective: str, start: dict[str, Any], data: dict[str, Any]) -> None:
    """A run that is killed goes on to the same weights and metrics, its queue and followed encoder too."""
    rows = {**data, "folder": str(view(data["folder"])), "objective": objective, "queue": 16, "momentum": 0.5}
    changes: dict[str, Any] = {"data": [rows], "start": start, "batch": "16 rows", "steps": 4, "log_every": 1}
    check_goes_on(tmp_path, **changes)
    assert any(f"{objective}_found" in str(line) for line in metrics(tmp_path / "whole"))


def test_a_queue_longer_than_the_data() -> None:
    source = open_source(view("tlm"), "xlco", {"queue": 100_000})
    with pytest.raises(UserError, match=r"queue holds 100,000 keys, and 120 rows make 60(.|\n)*queue: 30"):
        source.objective.fit_rows(source.rows.folder, source.rows.count)
    with pytest.raises(UserError, match="xlco reads the view tlm"):
        open_source(packs(), "xlco")
    objective = open_source(view("tlm"), "xlco", {"queue": 10, "layer": 9}).objective
    with pytest.raises(UserError, match="layer 9; the model has 2"):
        objective.prepare(tiny("bert", vocab_size=1 << 16))
