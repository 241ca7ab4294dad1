"""CW2V beside slow code of another hand: its training, its hull, the text it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.initialize.slow_rows import assert_in_hull
from tests.initialize.starts import CAUSAL, begin, save_model
from tests.mix.mix_helpers import switched
from tests.rows import documents, pairs, write_dataset
from tests.tokenizer.tokenizer_helpers import WORDS
from xlcorpus.errors import UserError
from xlcorpus.initialize.kinds.cw2v import Cw2vOptions, Hull, batches, read_sample, train
from xlcorpus.initialize.kinds.cw2v import begin as begin_factors
from xlcorpus.initialize.vocabulary import token_matrices
from xlcorpus.tokenizer.open import open_tokenizer


def slow_adam(lr: float, before: list[np.ndarray]) -> Any:
    first, second, step = [0 * one for one in before], [0 * one for one in before], 0

    def update(weights: list[np.ndarray], gradients: list[np.ndarray]) -> None:
        nonlocal step
        step += 1
        for at, gradient in enumerate(gradients):
            first[at] = 0.9 * first[at] + 0.1 * gradient
            second[at] = 0.999 * second[at] + 0.001 * gradient**2
            up = first[at] / (1 - 0.9**step)
            weights[at] -= lr * up / (np.sqrt(second[at] / (1 - 0.999**step)) + 1e-8)

    return update


@pytest.mark.parametrize("untied", [True, False])
def test_cw2v_is_that_of_a_loop_and_its_rows_are_in_the_convex_hull(untied: bool) -> None:
    draw = np.random.default_rng(4)
    same = np.array([0, 1, 2, 3, 4, 5, -1, -1, -1])
    tables = [torch.from_numpy(draw.normal(size=(6, 3))) for _ in range(1 + untied)]
    hulls = [
        Hull(*(one.double() for one in begin_factors(3, 6, 2, torch.Generator().manual_seed(at))))
        for at in range(1 + untied)
    ]
    weights = [one.numpy().copy() for hull in hulls for one in hull]
    ids, offsets = draw.integers(0, 9, 120).astype(np.int32), np.array([0, 50, 120])
    how = Cw2vOptions(texts=("x",), rank=2, window=2, negatives=2, batch=64, epochs=2, subsample=100.0)
    steps = list(batches(ids, offsets, 9, how, 1))
    neighbours = {
        (int(ids[i]), int(ids[j]))
        for a, b in ((0, 50), (50, 120))
        for i in range(a, b)
        for j in range(max(a, i - 2), min(b, i + 3))
        if i != j
    }
    assert {(int(a), int(b)) for step in steps for a, b in zip(step.centres, step.contexts, strict=True)} <= neighbours
    assert len(steps) > 5
    cost = train(hulls, tables, same, steps, 0.05)
    update = slow_adam(0.05, weights)
    plain = [one.numpy() for one in tables]

    def rows_of_all(side: int) -> tuple[np.ndarray, np.ndarray]:
        logits = weights[2 * side] @ weights[2 * side + 1]
        soft = np.exp(logits - logits.max(axis=1, keepdims=True))
        soft /= soft.sum(axis=1, keepdims=True)
        return np.concatenate([plain[side], soft @ plain[side]]), soft

    for step in steps:
        loss, gradients = 0.0, [0 * one for one in weights]
        (inputs, soft_in), (outputs, soft_out) = rows_of_all(0), rows_of_all(len(tables) - 1)
        of_in, of_out = np.zeros_like(inputs), np.zeros_like(outputs)
        for centre, context, negatives in zip(*(one.numpy() for one in step), strict=True):
            for other, sign in [(context, 1), *((one, -1) for one in negatives)]:
                sigma = 1 / (1 + np.exp(-sign * inputs[centre] @ outputs[other]))
                loss -= np.log(sigma) / len(step.centres)
                slope = -sign * (1 - sigma) / len(step.centres)
                of_in[centre] += slope * outputs[other]
                of_out[other] += slope * inputs[centre]
        for side, gradient, soft in ((0, of_in, soft_in), (len(tables) - 1, of_out, soft_out)):
            d_soft = gradient[6:] @ plain[side].T
            d_logits = soft * (d_soft - (d_soft * soft).sum(axis=1, keepdims=True))
            gradients[2 * side] += d_logits @ weights[2 * side + 1].T
            gradients[2 * side + 1] += weights[2 * side].T @ d_logits
        update(weights, gradients)
    assert cost == pytest.approx(loss, rel=1e-6)
    for got, wanted in zip([one for hull in hulls for one in hull], weights, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)
    for hull, table in zip(hulls, tables, strict=True):
        ((_, found),) = hull.weights()
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(dim=1), 1, rtol=1e-12)
        assert_in_hull((found @ table).numpy(), table.numpy())


def test_rows_in_a_model_lie_in_the_hull(qwen: Path, extended: Path, ways: dict[str, Any], tmp_path: Path) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="gpt2", tied=False, width=8, heads=2)
    how = ways["cw2v"] | {"subsample": 50.0}
    first, second = (begin(extended, CAUSAL, model=str(folder), new_rows=how) for _ in range(2))
    old, new = open_tokenizer(qwen).vocab_size, open_tokenizer(extended).vocab_size
    for name, matrix in token_matrices(first.model).items():
        values = matrix.detach().double().numpy()
        assert_in_hull(values[old:new:9], values[:old])
        assert torch.equal(matrix, token_matrices(second.model)[name])
        assert first.counted.matrices[name].mixed == new - old
    assert "new pieces occur" in "\n".join(first.counted.lines())
    assert first.counted.facts()["new_rows"]["rank"] == 4


def test_code_switched_rows_are_read_as_they_were_switched(
    qwen: Path, extended: Path, ways: dict[str, Any], tmp_path: Path
) -> None:
    """What the step writes has no column `text`; a document with the same words gives the same rows."""
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama", width=8, heads=2)
    texts = [f"the {WORDS['swh_Latn']}", f"{WORDS['swh_Latn']} and the river"]
    schema, rows = switched(texts, ["x", "y"], "eng_Latn")
    write_dataset(tmp_path / "switched", [rows], schema)
    alike = documents(texts, "eng_Latn").set_column(0, "doc_id", rows["doc_id"])
    write_dataset(tmp_path / "documents", [alike])
    made = [
        begin(extended, CAUSAL, model=str(folder), new_rows=ways["cw2v"] | {"texts": [str(tmp_path / name)]})
        for name in ("documents", "switched")
    ]
    assert torch.equal(*(one.model.get_input_embeddings().weight for one in made))
    write_dataset(tmp_path / "pairs", [pairs([("the river", "mto")], "eng_Latn", "swh_Latn")], "pair")
    with pytest.raises(UserError, match=r"neither documents nor code-switched rows(.|\n)*codeswitch"):
        begin(extended, CAUSAL, model=str(folder), new_rows=ways["cw2v"] | {"texts": [str(tmp_path / "pairs")]})


def test_so_much_text_is_read(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", [documents([f"text {number:04}" for number in range(2000)], "eng_Latn")])
    read = read_sample([data], 2000, 0).to_pylist()
    assert 150 < len(read) < 250  # of nine bytes each
    assert read == read_sample([data], 2000, 0).to_pylist() != read_sample([data], 2000, 1).to_pylist()
