"""ProKD: prototypes, their alignment and weighted soft labels, against slow code over twenty steps."""

from __future__ import annotations

from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.objectives.labelled_rows import BERT, headed, tagged
from tests.packed import SAMPLE
from tests.pretrain.runs import train
from tests.pretrain.test_resume import check_goes_on
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.labels.predict import predict
from xlcorpus.evaluate.models import open_model
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.own_weights import attach, own_weights_of
from xlcorpus.objectives.prototypes import aligned, reweighted


def made(folder: Path, objective: str, **options: Any) -> tuple[Any, Any, Any]:
    """The objective fit to a dataset, a model with its own weights, and the rows."""
    source = open_source(folder, objective, {"absent_labels": True, **options})
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    model = headed(
        "bert", "TokenClassification", len(source.objective.labels), vocab_size=source.rows.vocabulary.size,
        initializer_range=0.2,
    ).train()  # fmt: skip
    source.objective.prepare(model)
    attach(model, {objective: source.objective}, 0)
    (rows,) = Dataset.open(folder).to_arrow().combine_chunks().to_batches()
    return source.objective, model, rows


def predicted(folder: Path, **options: Any) -> Path:
    """Rows that a model with random weights has labelled."""
    source = open_source(tagged(12), "tagging")
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    names = dict(enumerate(source.objective.labels))
    size = source.rows.vocabulary.size
    headed("bert", "TokenClassification", vocab_size=size, id2label=names, initializer_range=0.3).save_pretrained(
        folder / "teacher"
    )
    trained = open_model(str(folder / "teacher"), tokenizer=SAMPLE, device="cpu")
    return Path(str(predict(trained, tagged(12), folder / "predicted", say=lambda _: None).folder))


def moved(old: dict[int, np.ndarray], states: np.ndarray, labels: list[int], momentum: float) -> dict[int, np.ndarray]:
    """Averages by class, token by token."""
    new = dict(old)
    for label in {*labels}:
        mean = sum(state for state, one in zip(states, labels, strict=True) if one == label) / labels.count(label)
        new[label] = momentum * old[label] + (1 - momentum) * mean if label in old else mean
    return new


def run_of(model: Any, batch: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """float64 states and logits of a model, [rows, L, ...]."""
    with torch.no_grad():
        found = model(batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True)
    return found.hidden_states[-1].numpy().astype(np.float64), found.logits.numpy().astype(np.float64)


def test_twenty_steps_of_the_teacher() -> None:
    objective, model, rows = made(tagged(14, without=7), "prokd", momentum=0.7, temperature=0.3, align_weight=0.5)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    sides: list[dict[int, np.ndarray]] = [{}, {}]
    for step in range(20):
        at = [(step * 3) % 7, (step * 5) % 7, 7 + step % 7, 7 + (step * 2) % 7]
        batch = objective.collate(rows.take(at), np.zeros(4, np.uint64))
        states, logits = run_of(model, batch)
        labels, text = batch["labels"].numpy(), batch["text"].numpy()
        costs, tokens = [], [([], []), ([], [])]
        for row in range(4):
            for place in range(labels.shape[1]):
                if labels[row, place] >= 0:
                    shifted = logits[row, place] - logits[row, place, labels[row, place]]
                    costs.append(log(np.exp(shifted).sum()))
                    side, label = 0, int(labels[row, place])
                elif text[row, place] and (labels[row] < 0).all():
                    side, label = 1, int(logits[row, place].argmax())
                else:
                    continue
                tokens[side][0].append(states[row, place])
                tokens[side][1].append(label)
        sides = [moved(old, np.array(there), of, 0.7) for old, (there, of) in zip(sides, tokens, strict=True)]
        both = sorted({*sides[0]} & {*sides[1]})
        near = 0.0
        for one, other in ((sides[0], sides[1]), (sides[1], sides[0])) if len(both) > 1 else ():
            for own in both:
                scores = {
                    there: one[own] @ other[there] / np.linalg.norm(one[own]) / np.linalg.norm(other[there]) / 0.3
                    for there in both
                }
                near += log(sum(exp(score - scores[own]) for score in scores.values())) / len(both) / 2
        found = objective.losses(model, batch)
        assert found.total.item() == pytest.approx(np.mean(costs) + 0.5 * near, abs=1e-4)
        assert found.parts["aligned"].item() == pytest.approx(near, abs=1e-4)
        own_weights = own_weights_of(model, "prokd")
        for side in (0, 1):
            assert own_weights.seen[side].nonzero().flatten().tolist() == sorted(sides[side])
            for label, mean in sides[side].items():
                assert np.allclose(own_weights.means[side, label].numpy(), mean, atol=1e-4)
        optimiser.zero_grad()
        found.total.backward()
        optimiser.step()
    assert len(both) > 1


def test_twenty_steps_of_the_student(tmp_path: Path) -> None:
    objective, model, rows = made(predicted(tmp_path), "prokd_student", momentum=0.6, temperature=0.8)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    means: dict[int, np.ndarray] = {}
    classes = len(objective.labels)
    for step in range(20):
        batch = objective.collate(rows.take([step % 12, (step * 5) % 12]), np.zeros(2, np.uint64))
        states, logits = run_of(model, batch)
        costs, there, of = [], [], []
        for row, place in zip(*np.nonzero(batch["labels"].numpy() >= 0), strict=True):
            soft = batch["soft"][row, place].numpy().astype(np.float64)
            away = {label: float(np.linalg.norm(states[row, place] - mean)) for label, mean in means.items()}
            middle = np.mean([*away.values()]) if away else 0.0
            nearness = np.array([exp(-away.get(label, middle) / 0.8) for label in range(classes)])
            wanted = soft * nearness / (soft * nearness).sum()
            shares = np.exp(logits[row, place]) / np.exp(logits[row, place]).sum()
            costs.append(sum(w * (log(w) - log(s)) for w, s in zip(wanted, shares, strict=True) if w > 0))
            there.append(states[row, place])
            of.append(int(soft.argmax()))
        found = objective.losses(model, batch)
        assert found.total.item() == pytest.approx(np.mean(costs), abs=1e-4)
        means = moved(means, np.array(there), of, 0.6)
        own = own_weights_of(model, "prokd_student")
        assert own.seen[0].nonzero().flatten().tolist() == sorted(means)
        assert all(np.allclose(own.means[0, label].numpy(), mean, atol=1e-4) for label, mean in means.items())
        optimiser.zero_grad()
        found.total.backward()
        optimiser.step()


def test_borders() -> None:
    one, other = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    for there in (torch.tensor([True, False, False]), torch.zeros(3, dtype=torch.bool)):
        none = aligned(one, other, there, 0.1)
        none.backward()
        assert none.item() == 0
    soft = torch.rand(5, 3).softmax(dim=1)
    assert torch.equal(reweighted(soft, torch.randn(5, 4), other, torch.zeros(3, dtype=torch.bool), 1.0), soft)
    with pytest.raises(UserError, match=r"all rows have labels(.|\n)*without tags"):
        made(tagged(12), "prokd")


def test_rows_without_soft_labels(tmp_path: Path) -> None:
    what = r"has no column soft_labels, which prokd_student reads(.|\n)*xlcorpus predict"
    data = {"folder": str(predicted(tmp_path)), "objective": "prokd_student", "absent_labels": True}
    for changed in ({"holdout": str(tagged(12))}, {"folder": str(tagged(12))}):
        with pytest.raises(UserError, match=what):
            train(tmp_path / "run", data=[{**data, **changed}], start=BERT)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["prokd", "prokd_student"])
def test_a_run_that_ended_goes_on_to_the_same_bits(tmp_path: Path, objective: str) -> None:
    folder = tagged(24, without=12) if objective == "prokd" else predicted(tmp_path)
    data = [{"folder": str(folder), "objective": objective, "absent_labels": True}]
    changes: dict[str, Any] = {"data": data, "start": BERT, "batch": "16 rows", "steps": 4, "log_every": 1}
    check_goes_on(tmp_path, **changes)
