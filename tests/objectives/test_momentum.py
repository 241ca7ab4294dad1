"""Contrast with a momentum encoder and a queue, against slow code of the papers' own formulas."""

from __future__ import annotations

from contextlib import nullcontext
from math import exp, log
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from tests.objectives.masked_models import BOS, EOS, MASK, PAD, SIZE, VOCABULARY, tiny
from tests.packed import packs, view
from tests.pretrain.runs import metrics, recipe_file, train
from tests.pretrain.test_resume import check_goes_on
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.loader.source import open_source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.contrast import find_keys
from xlcorpus.objectives.joined import around_text
from xlcorpus.objectives.kinds.contriever import Contriever, ContrieverOptions
from xlcorpus.objectives.kinds.xlco import Xlco, XlcoOptions
from xlcorpus.objectives.momentum import Momentum
from xlcorpus.objectives.own_weights import attach, detach, own_weights_of, save
from xlcorpus.pretrain.plan import memory_bytes
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.sources import open_data

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


@pytest.mark.parametrize("queued", [5, 1, None])
def test_finding_keys_by_hand(queued: int | None) -> None:
    draw = np.random.default_rng(2)
    queries, keys = draw.normal(size=(3, 4)), draw.normal(size=(3, 4))
    keys[1] = keys[0]  # as near as another is not found
    others = None if queued is None else draw.normal(size=(queued, 4))
    given = (torch.tensor(queries), torch.tensor(keys), None if others is None else torch.tensor(others))
    costs, found = find_keys(*given, 0.25)
    for row in range(3):
        own = exp(queries[row] @ keys[row] / 0.25)
        wrong = np.delete(keys, row, axis=0) if others is None else others
        rest = [exp(queries[row] @ one / 0.25) for one in wrong]
        assert costs[row].item() == pytest.approx(-log(own / (own + sum(rest))))
        assert bool(found[row]) == (own > max(rest))


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
        products = queries @ np.concatenate([keys, *(one[None] for one in queue)]).T
        nearest = products.argmax(axis=1) == np.arange(len(keys))
        found = objective.losses(model, batch)
        assert found.total.item() == pytest.approx(np.mean(costs), abs=1e-5)
        assert found.parts["xlco_found"].item() == pytest.approx(nearest.mean())
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
            one, other = 2 * example, (2 * example + 1) % count if count > 1 else None
            got = [ids[2 * example + place][mask[2 * example + place] == 1].tolist() for place in (0, 1)]
            choices = {}
            for turned in (False, True):
                for orders in ((a, b) for a in (0, 1) for b in (0, 1)):
                    sides = []
                    for name, order in zip(("src_ids", "tgt_ids"), orders, strict=True):
                        texts = [rows.column(name)[row].as_py() for row in (one, other) if row is not None]
                        texts = texts[::-1] if order else texts
                        texts[0] = texts[0][: length - 3]
                        texts[1:] = [text[: length - 3 - len(texts[0])] for text in texts[1:]]
                        sides.append([BOS, *(id_ for text in texts for id_ in (*text, EOS))])
                    choices[turned, *orders] = sides[::-1] if turned else sides
            which = [choice for choice, sides in choices.items() if sides == got]
            assert which
            seen.update(which)
        assert np.array_equal(ids == PAD, mask == 0)
        assert np.array_equal(objective.collate(rows, keys)["input_ids"].numpy(), ids)
    assert len(seen) == 8  # all orders and roles are drawn; of one row all orders are one


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


def begun(tmp_path: Path, **options: Any) -> tuple[Xlco, Any, Any]:
    """Model and own weights with a projection of an earlier run, and the objective."""
    objective, model = Xlco(XlcoOptions(queue=7, layer=1, masked=False, **options), VOCABULARY, 64), tiny("bert")
    attach(model, {"xlco": objective}, 0)
    save(detach(model), {"xlco": objective}, locate(tmp_path))
    attach(model, {"xlco": objective}, 1, locate(tmp_path))
    return objective, model.train(), own_weights_of(model, "xlco")


@pytest.mark.parametrize("mixup", [False, True])
def test_before_the_first_step(tmp_path: Path, mixup: bool) -> None:
    """The key encoder is the model, projection and all, and the queue full of what it makes of the last texts."""
    objective, model, own = begun(tmp_path, mixup=mixup)
    assert not torch.equal(own.followed.weight, own.projection.weight)  # drawn, and loaded since
    batches = [objective.collate(pairs_of(4), keys_of(4, seed)) for seed in range(4)]
    asked: list[int] = []
    objective.begin(model, lambda rows: (asked.append(rows), iter(batches))[1])
    assert asked == [14 if mixup else 7]
    assert torch.equal(own.followed.weight, own.projection.weight)
    with torch.no_grad():
        keys = [
            model(**{name: one[1::2] for name, one in batch.items()}, output_hidden_states=True).hidden_states[1][:, 0]
            @ own.projection.weight.T
            for batch in batches
        ]
    wanted = torch.cat(keys)[-7:].numpy()
    assert np.allclose(np.sort(own.queued().numpy(), axis=0), np.sort(wanted, axis=0), atol=1e-6)


def test_the_queue_is_of_the_last_rows_of_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that come soon do not meet their own keys. The first loss: of 17 keys all are alike to a new model."""
    given: list[torch.Tensor] = []
    begin = Xlco.begin

    def watched(self: Xlco, model: Any, last_batches: Any) -> None:
        given.extend(batch["input_ids"] for batch in last_batches(20))
        begin(self, model, last_batches)

    monkeypatch.setattr(Xlco, "begin", watched)
    options = {"layer": 1, "queue": 16, "mixup": False}
    data = [{"folder": str(view("tlm")), "objective": "xlco", **options}]
    changes: dict[str, Any] = {"data": data, "start": BERT, "batch": "8 rows", "rows": 8, "steps": 1, "log_every": 1}
    assert train(tmp_path, seed=5, **changes) == 0
    source = open_source(view("tlm"), "xlco", options)
    epoch = [row for batch in TokenStream([source], rows=2, seed=5, samples=120) for row in batch["input_ids"]]
    last = [row for batch in given for row in batch]
    assert [[*filter(None, row.tolist())] for row in last] == [[*filter(None, row.tolist())] for row in epoch[-40:]]
    assert metrics(tmp_path)[0]["loss"] == pytest.approx(log(17), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "start", "data"),
    [
        ("xlco", BERT, {"folder": "tlm", "layer": 1}),
        ("contriever", BERT, {"folder": "crops", "delete": 0.1}),
    ],
)
@pytest.mark.parametrize("sources", [1, 2])
def test_trained_and_gone_on_with(
    tmp_path: Path, objective: str, start: dict[str, Any], data: dict[str, Any], sources: int
) -> None:
    """A run that is killed goes on to the same weights and metrics, its queue and followed encoder too; also where two
    sources have one objective, each with its own."""
    rows = {**data, "folder": str(view(data["folder"])), "objective": objective, "momentum": 0.5}
    changes: dict[str, Any] = {"start": start, "batch": "16 rows", "steps": 4, "log_every": 1}
    check_goes_on(tmp_path, data=[{**rows, "queue": 16 + number} for number in range(sources)], **changes)
    names = [objective] if sources == 1 else [f"{objective}-{number}" for number in (1, 2)]
    assert {part for line in metrics(tmp_path / "whole") for part in line if part.endswith("_found")} == {
        f"loss/{name}/{objective}_found" for name in names
    }
    state = load_file(tmp_path / "whole" / "out" / "checkpoints" / "train" / "step-4" / "model.safetensors")
    assert [len(state[f"xlcorpus_objectives.{name}.keys"]) for name in names] == [16, 17][:sources]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"folder": "tlm", "objective": "xlco"}, r"stage train: xlco joins two pairs, and a micro-batch has one row"),
        ({"folder": "tlm", "objective": "xlco", "mixup": False, "layer": 0}, r"stage train: xlco: .* which all texts"),
        ({"folder": "translico", "objective": "translico"}, r"translico contrasts two pairs(.|\n)*write rows: 2"),
        ({"folder": "translico", "objective": "translico", "negatives": "ranks"}, r"translico contrasts two pairs"),
        ({"folder": "translico", "objective": "translico", "pooling": "cls", "layer": 0, "tcm_weight": 0}, None),
    ],
)
def test_what_leaves_nothing_to_tell_apart(tmp_path: Path, data: dict[str, Any], said: str | None) -> None:
    """One text at a time, and vectors that all texts have alike."""
    rows = {**data, "folder": str(view(data["folder"])), **({"queue": 8} if data["objective"] == "xlco" else {})}
    how: dict[str, Any] = {"data": [rows], "start": BERT, "batch": "8 rows", "rows": 1, "steps": 0}
    with nullcontext() if said is None else pytest.raises(UserError, match=said):
        assert train(tmp_path, **how) == 0


@pytest.mark.parametrize("objective", ["xlco", "contriever", "clm"])
def test_the_plan_counts_what_is_kept_beside_the_model(tmp_path: Path, objective: str) -> None:
    """A copy of the encoder, the queue, and both projections, of which one is trained."""
    folder = {"xlco": view("tlm"), "contriever": view("crops")}.get(objective) or packs()
    queue = {} if objective == "clm" else {"queue": 50}
    recipe = load_recipe(
        str(recipe_file(tmp_path, data=[{"folder": str(folder), "objective": objective, **queue}], rows=8, batch=512))
    )
    (stage,), model = recipe.stages, tiny("bert")
    found = memory_bytes(model, stage, open_data(stage))
    encoder = sum(one.nbytes for one in (*model.base_model.parameters(), *model.base_model.buffers()))
    projection = 16 * 16 if objective == "xlco" else 0
    assert found["objectives"] == (0 if objective == "clm" else encoder + 4 * (50 * 16 + 2 * projection) + 16)
    trained = sum(one.numel() for one in model.parameters())
    assert (found["gradients"], found["optimizer"]) == (4 * (trained + projection), 8 * (trained + projection))


def test_a_queue_longer_than_the_data() -> None:
    source = open_source(view("tlm"), "xlco", {"queue": 100_000})
    with pytest.raises(UserError, match=r"queue holds 100,000 keys, and 120 rows make 60(.|\n)*queue: 30"):
        source.objective.fit_rows(source.rows.folder, source.rows.count)
    with pytest.raises(UserError, match="xlco reads the view tlm"):
        open_source(packs(), "xlco")
    for mixup, added in ((True, 3), (False, 4)):  # to a row, for the tokens of a step
        assert open_source(view("tlm"), "xlco", {"queue": 10, "mixup": mixup}).objective.added == added
    objective = open_source(view("tlm"), "xlco", {"queue": 10, "layer": 9}).objective
    with pytest.raises(UserError, match="layer 9; the model has 2"):
        objective.prepare(tiny("bert", vocab_size=1 << 16))
