"""OFA's factors in the place of token matrices: the model says the same, both are trained, saved and gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.initialize.starts import CAUSAL, MASKED, begin, logits_of, save_model
from tests.packed import SAMPLE, packs
from tests.pretrain.runs import train, weights
from tests.pretrain.test_resume import Killed, kill, train_until
from tests.tokenizer.tokenizer_helpers import WORDS
from xlcorpus.initialize.factored import FILE, FactoredEmbedding, factor, make_whole, save_factors, take_up_factors
from xlcorpus.initialize.kinds.ofa import factorized
from xlcorpus.lexicon.embed import write_vectors
from xlcorpus.tokenizer.open import open_tokenizer


@pytest.mark.parametrize(("shape", "tied"), [("llama", True), ("llama", False), ("bert", True), ("bert", False)])
def test_factors_say_what_their_product_says(qwen: Path, shape: str, tied: bool, tmp_path: Path) -> None:
    architecture = CAUSAL if shape == "llama" else MASKED
    model = begin(qwen, architecture, shape=shape, tied=tied).model
    size, sides = open_tokenizer(qwen).vocab_size, ["input"] if tied else ["input", "output"]
    tables = [model.get_input_embeddings().weight, model.get_output_embeddings().weight]
    pairs = {side: factorized(table.detach().double(), 5) for side, table in zip(sides, tables, strict=False)}
    before = model.num_parameters()
    factor(model, pairs)
    assert before - model.num_parameters() == len(sides) * (size * 32 - 5 * (size + 32))
    said = logits_of(model, size)
    model(input_ids=torch.arange(3, 15)[None], labels=torch.arange(3, 15)[None]).loss.backward()
    trained = [weight for weight in model.parameters() if weight.shape in ((size, 5), (5, 32))]
    assert len(trained) == 2 * len(sides)
    assert all(weight.grad.abs().sum() > 0 for weight in trained)
    model.save_pretrained(tmp_path / "factored")  # as in checkpoints
    kept = load_file(tmp_path / "factored" / "model.safetensors")
    assert sum("coordinates" in name for name in kept) == len(sides)
    factors = make_whole(model)
    assert sorted(factors) == sorted(f"{side}.{name}" for side in sides for name in ("coordinates", "primitives"))
    torch.testing.assert_close(logits_of(model, size), said)
    model.save_pretrained(tmp_path / "whole")
    (tmp_path / "whole" / "tokenizer.json").write_bytes((qwen / "tokenizer.json").read_bytes())
    again = begin(qwen, architecture, model=str(tmp_path / "whole")).model
    assert torch.equal(logits_of(again, size), logits_of(model, size))
    assert take_up_factors(again, tmp_path / "whole") is None


def vector_file(folder: Path) -> str:
    words = sorted({word for lang in ("eng_Latn", "swh_Latn") for word in WORDS[lang].split()})
    write_vectors(
        folder / "x.vec", words, torch.randn(len(words), 4, generator=torch.Generator().manual_seed(0)).numpy()
    )
    return str(folder / "x.vec")


def test_ofa_begins_with_factors_and_gemma_with_their_product(qwen: Path, extended: Path, tmp_path: Path) -> None:
    ways = {"method": "ofa", "vectors": [vector_file(tmp_path)], "rank": 6}
    size, old = open_tokenizer(extended).vocab_size, open_tokenizer(qwen).vocab_size
    for shape in ("llama", "gemma"):
        folder = save_model(qwen, CAUSAL, tmp_path / shape, shape=shape)
        whole = begin(qwen, CAUSAL, model=str(folder)).model.get_input_embeddings().weight.detach().double()
        model, _, counted = begin(extended, CAUSAL, model=str(folder), new_rows=ways, vocabulary_multiple=64)
        table = model.get_input_embeddings()
        assert isinstance(table, FactoredEmbedding) == (shape == "llama")
        coordinates, primitives = factorized(whole, 6)
        torch.testing.assert_close(table.weight[:old].double(), coordinates @ primitives, rtol=1e-5, atol=1e-6)
        assert ("F·P are trained" if shape == "llama" else "product of the factors") in "\n".join(counted.lines())
        if isinstance(table, FactoredEmbedding):
            assert torch.equal(table.coordinates[:old].detach(), coordinates.float())
            assert table.coordinates.shape == (-(-size // 64) * 64, 6)
            assert counted.parameters == sum(one.numel() for one in model.parameters())


def factored_recipe(tmp_path: Path) -> dict[str, Any]:
    """A model for the sample's tokenizer that lacks nothing, in factors already, as a stage leaves it."""
    started = begin(Path(SAMPLE), CAUSAL, shape="llama", layers=1, width=16, heads=2, length=64)
    pairs = {"input": factorized(started.model.get_input_embeddings().weight.detach().double(), 4)}
    factor(started.model, pairs)
    factors = make_whole(started.model)
    started.model.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "sentencepiece.bpe.model").write_bytes(Path(SAMPLE).read_bytes())
    save_factors(factors, tmp_path / "base")
    return {
        "start": {"model": str(tmp_path / "base")},
        "data": [{"folder": str(packs())}],
        "stages": [{"name": "one", "steps": 3}, {"name": "two", "steps": 4}],
        "steps": None,
    }


@pytest.mark.slow
def test_a_run_goes_on_with_factors_stage_by_stage(tmp_path: Path) -> None:
    recipe = factored_recipe(tmp_path)
    assert train(tmp_path / "a", **recipe) == 0
    out = tmp_path / "a" / "out"
    one, two = load_file(out / "stages" / "one" / FILE), load_file(out / FILE)
    assert all(not torch.equal(one[name], two[name]) for name in one)
    product = two["input.coordinates"] @ two["input.primitives"]
    assert torch.equal(load_file(out / "model.safetensors")["model.embed_tokens.weight"], product)
    assert torch.linalg.matrix_rank(product) == 4
    assert "factors F·P" in json.dumps(json.loads((out / "run.json").read_text("utf-8")), ensure_ascii=False)


@pytest.mark.slow
def test_factors_resume_to_the_same_bits(tmp_path: Path) -> None:
    recipe = factored_recipe(tmp_path)
    assert train(tmp_path / "whole", **recipe) == 0
    with pytest.raises(Killed):
        train_until(3, kill, tmp_path / "cut", **recipe)
    assert train(tmp_path / "cut", resume=True, **recipe) == 0
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    assert (tmp_path / "cut" / "out" / FILE).read_bytes() == (tmp_path / "whole" / "out" / FILE).read_bytes()
