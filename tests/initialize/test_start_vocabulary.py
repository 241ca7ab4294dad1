"""An extended vocabulary: old rows bit by bit, new ones by each way, tied and untied heads, biases, padding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.initialize.asked import asked_for
from tests.initialize.starts import (
    CAUSAL,
    MASKED,
    SPECIAL,
    begin,
    copy_of,
    extend_tokenizer,
    logits_of,
    save_model,
)
from xlcorpus.errors import UserError
from xlcorpus.initialize.counted import Rows
from xlcorpus.initialize.initialization import NoOptions
from xlcorpus.initialize.kinds.mean_of_pieces import mean_of_pieces
from xlcorpus.initialize.multivariate import draw_multivariate
from xlcorpus.initialize.vocabulary import token_matrices
from xlcorpus.tokenizer.cuts import cuts
from xlcorpus.tokenizer.extended_rows import FILE
from xlcorpus.tokenizer.open import open_tokenizer

WAYS = ("mean-of-pieces", "mean", "normal", "random")


@pytest.mark.parametrize(
    ("shape", "tied"), [("llama", True), ("gpt2", False), ("bert", True), ("bert", False), ("modernbert", False)]
)
def test_old_rows_stay_bit_by_bit_and_the_model_says_what_it_said(
    qwen: Path, extended: Path, tmp_path: Path, shape: str, tied: bool
) -> None:
    architecture = CAUSAL if shape in ("llama", "gpt2") else MASKED
    old, new = open_tokenizer(qwen).vocab_size, open_tokenizer(extended).vocab_size
    begun = begin(qwen, architecture, shape=shape, tied=tied, vocabulary_multiple=64)
    if shape == "bert":
        with torch.no_grad():
            begun.model.get_output_embeddings().bias.normal_()
    begun.model.save_pretrained(tmp_path / "old")
    (tmp_path / "old" / "tokenizer.json").write_bytes((qwen / "tokenizer.json").read_bytes())
    started = begin(extended, architecture, model=str(tmp_path / "old"), new_rows="mean-of-pieces")
    before, after = token_matrices(begun.model), token_matrices(started.model)
    assert before.keys() == after.keys() == started.counted.matrices.keys()
    for name, matrix in before.items():
        assert torch.equal(matrix[:old], after[name][:old])
        rows = started.counted.matrices[name]
        assert rows.copied + rows.mixed + rows.drawn + rows.padding == len(after[name])
        assert (rows.copied, rows.mixed, rows.drawn) == (old, new - old - 1, 1)  # the special token is drawn
    assert torch.equal(logits_of(begun.model, old), logits_of(started.model, old))
    started.model.save_pretrained(tmp_path / "new")  # and comes back whole
    (tmp_path / "new" / "tokenizer.json").write_bytes((extended / "tokenizer.json").read_bytes())
    again = begin(extended, architecture, model=str(tmp_path / "new"))
    assert torch.equal(logits_of(started.model, new), logits_of(again.model, new))
    assert again.counted.new_rows is None
    assert again.model.config.vocab_size == len(after["token matrix" if tied else "input tokens"])


def test_new_rows_are_the_means_of_the_old_pieces(xlmr: Path, extended_xlmr: Path, tmp_path: Path) -> None:
    save_model(xlmr, MASKED, tmp_path / "old", shape="xlm-roberta", tied=False)
    old, new = open_tokenizer(xlmr), open_tokenizer(extended_xlmr)
    model, _, counted = begin(extended_xlmr, MASKED, model=str(tmp_path / "old"), new_rows="mean-of-pieces")
    found = cuts(old, new)
    for name, matrix in token_matrices(model).items():
        values = matrix.detach().numpy()
        for number, cut in enumerate(found, old.vocab_size):
            if cut:
                wanted = values[list(cut)].astype(np.float64).mean(axis=0)
                np.testing.assert_allclose(values[number], wanted, rtol=1e-6, atol=1e-9)
        assert counted.matrices[name].mixed == sum(1 for cut in found if cut)
    assert "mean-of-pieces" in "\n".join(counted.lines())
    assert counted.facts()["matrices"]["input tokens"]["copied"] == old.vocab_size


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_the_same_by_seed(qwen: Path, extended: Path, tmp_path: Path, way: str) -> None:
    save_model(qwen, CAUSAL, tmp_path / "old", shape="llama", tied=False, vocabulary_multiple=1024)
    old, new = open_tokenizer(qwen).vocab_size, open_tokenizer(extended).vocab_size
    first, second, other = (
        begin(extended, CAUSAL, seed=seed, model=str(tmp_path / "old"), new_rows=way) for seed in (1, 1, 2)
    )
    for name, matrix in token_matrices(first.model).items():
        same, differs = token_matrices(second.model)[name], token_matrices(other.model)[name]
        assert torch.equal(matrix, same)
        assert torch.equal(matrix[old:new], differs[old:new]) == (way == "mean")
        assert len(matrix) == 1024  # the padding of the old matrix had room
        mean = matrix[:old].double().mean(dim=0).float()
        assert torch.equal(matrix[new:], mean.expand(1024 - new, -1))
        if way == "mean":
            assert torch.equal(matrix[old:new], mean.expand(new - old, -1))
        assert first.counted.matrices[name].padding == 1024 - new
    assert not torch.equal(*(token_matrices(first.model)[name][old:new] for name in ("input tokens", "output tokens")))


@pytest.mark.parametrize("tied", [True, False])
def test_rows_are_rounded_up_where_none_is_new(qwen: Path, tmp_path: Path, tied: bool) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama", tied=tied)
    old = begin(qwen, CAUSAL, model=str(folder))
    new = begin(qwen, CAUSAL, model=str(folder), vocabulary_multiple=64)
    size = open_tokenizer(qwen).vocab_size
    for name, matrix in token_matrices(new.model).items():
        assert len(matrix) == new.model.config.vocab_size == -(-size // 64) * 64 > size
        assert torch.equal(matrix[:size], token_matrices(old.model)[name])
        assert torch.equal(matrix[size:], matrix[:size].double().mean(dim=0).float().expand(len(matrix) - size, -1))
        assert new.counted.matrices[name] == Rows(copied=size, padding=len(matrix) - size)
    assert torch.equal(logits_of(old.model, size), logits_of(new.model, size))
    again = begin(qwen, CAUSAL, model=str(folder), vocabulary_multiple=size)
    assert len(next(iter(token_matrices(again.model).values()))) == size


def test_the_normal_has_mean_and_covariance_of_the_old_rows() -> None:
    draw = torch.Generator().manual_seed(0)
    shape = torch.randn(6, 6, generator=draw)
    old = torch.randn(5000, 6, generator=draw).double() @ shape.double() + 3
    rows = draw_multivariate(old, 20_000, draw)
    np.testing.assert_allclose(rows.mean(dim=0), old.mean(dim=0), atol=1e-3)
    wanted = np.cov(old.numpy().T) * 1e-5
    np.testing.assert_allclose(np.cov(rows.double().numpy().T), wanted, atol=0.05 * np.abs(wanted).max())
    few = draw_multivariate(old[:3], 4, draw)  # fewer rows than dimensions
    assert torch.isfinite(few).all()


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(st.integers(0, 8), max_size=5), min_size=1, max_size=12), st.booleans())
def test_any_cuts_give_means_and_what_has_none_is_drawn(found: list[list[int]], bias: bool) -> None:
    old = torch.randn(9, generator=torch.Generator().manual_seed(1)) if bias else torch.eye(9)
    asked = asked_for({"token matrix": old}, [*range(9), *[-1] * len(found)], cut=[tuple(cut) for cut in found])
    made = mean_of_pieces(asked, NoOptions()).matrices["token matrix"]
    assert made.values.shape == (len(found), 1 if bias else 9)
    assert (made.mixed, made.drawn) == (sum(map(bool, found)), sum(not cut for cut in found))
    for row, cut in zip(made.values.reshape(-1, *old.shape[1:]).float(), found, strict=True):
        wanted = old[cut].mean(dim=0) if cut else old.mean(dim=0)
        torch.testing.assert_close(row, wanted, rtol=1e-5, atol=1e-6 if cut else 0.05)


def test_cuts_are_those_that_extend_wrote_and_found_where_these_are_of_another_base(
    qwen: Path, extended: Path, tmp_path: Path
) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")
    old = open_tokenizer(qwen).vocab_size
    plain = begin(extended, CAUSAL, model=str(folder), new_rows="mean-of-pieces").model.get_input_embeddings().weight
    bare, romanised = (copy_of(extended, tmp_path / name) for name in ("bare", "romanised"))
    (bare / FILE).unlink()
    without = begin(bare, CAUSAL, model=str(folder), new_rows="mean-of-pieces").model.get_input_embeddings().weight
    assert torch.equal(plain, without)
    value = json.loads((romanised / FILE).read_text(encoding="utf-8"))
    value["rows"][0]["sources"] = [7, 9]
    (romanised / FILE).write_text(json.dumps(value), encoding="utf-8")
    made = begin(romanised, CAUSAL, model=str(folder), new_rows="mean-of-pieces").model.get_input_embeddings().weight
    torch.testing.assert_close(made[old], made[[7, 9]].mean(dim=0))
    assert torch.equal(made[old + 1 :], plain[old + 1 :])
    twice = extend_tokenizer(extended, tmp_path / "twice", "deu_Latn")
    counted = begin(twice, CAUSAL, model=str(folder), new_rows="mean-of-pieces").counted
    count = open_tokenizer(twice).vocab_size - old
    assert counted.matrices["token matrix"].mixed == count - 2 > open_tokenizer(extended).vocab_size - old


def test_a_larger_tokenizer_needs_a_way_and_another_one_is_refused(
    qwen: Path, extended: Path, xlmr: Path, tmp_path: Path
) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")
    with pytest.raises(UserError, match="new_rows: mean-of-pieces"):
        begin(extended, CAUSAL, model=str(folder))
    with pytest.raises(UserError, match=r"id \d+ is .* in the model's tokenizer"):
        begin(xlmr, CAUSAL, model=str(folder), new_rows="normal")
    longer = save_model(extended, CAUSAL, tmp_path / "longer", shape="llama")
    with pytest.raises(UserError, match="missing"):
        begin(qwen, CAUSAL, model=str(longer))
    moved = copy_of(extended, tmp_path / "moved")
    value = json.loads((moved / "tokenizer.json").read_text("utf-8"))
    one, other = value["added_tokens"][:2]
    one["content"], other["content"] = other["content"], one["content"]
    vocab = value["model"]["vocab"]
    vocab[one["content"]], vocab[other["content"]] = one["id"], other["id"]
    (moved / "tokenizer.json").write_text(json.dumps(value), "utf-8")
    with pytest.raises(UserError, match=rf"id {one['id']} is .*endoftext.* in the model's tokenizer .* and .*im_start"):
        begin(moved, CAUSAL, model=str(folder), new_rows="normal")  # special tokens have no text to be told apart by
    (folder / "tokenizer.json").unlink()
    bare = copy_of(extended, tmp_path / "bare")
    (bare / FILE).unlink()
    with pytest.raises(UserError, match="old_tokenizer: FOLDER"):
        begin(bare, CAUSAL, model=str(folder), new_rows="mean-of-pieces")
    counted = begin(bare, CAUSAL, model=str(folder), new_rows="normal").counted
    assert "not compared" in "\n".join(counted.lines())
    counted = begin(bare, CAUSAL, model=str(folder), new_rows="mean-of-pieces", old_tokenizer=str(qwen)).counted
    assert counted.notes == ()
    with pytest.raises(UserError, match=r"rows for \d+"):
        begin(extended, CAUSAL, model=str(folder), new_rows="normal", old_tokenizer=str(extended))
    assert SPECIAL in open_tokenizer(extended).ids
