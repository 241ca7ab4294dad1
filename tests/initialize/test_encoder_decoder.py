"""SixT+: a decoder behind an encoder's checkpoint, its two stages, and a layer without its residual connection."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.initialize.starts import MASKED, save_model
from tests.packed import SAMPLE, packs, view
from tests.pretrain.runs import metrics, train, weights
from tests.pretrain.test_resume import Killed, kill, train_until
from xlcorpus.errors import UserError
from xlcorpus.initialize.architecture import architecture_of
from xlcorpus.initialize.encoder_decoder import JoinedModel, remove_residual
from xlcorpus.initialize.load import load_model
from xlcorpus.initialize.start import StartOptions, start
from xlcorpus.pretrain.train import freeze

SEQ2SEQ = "AutoModelForSeq2SeqLM"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny XLM-R with a head for masked tokens, as MLM leaves it."""
    folder = tmp_path_factory.mktemp("encoder") / "xlmr"
    return save_model(Path(SAMPLE), MASKED, folder, shape="xlm-roberta", width=16, layers=2, heads=2, length=64)


def begun(encoder: Path, seed: int = 5, **options: Any) -> Any:
    """The model that training begins with."""
    asked = StartOptions(model=str(encoder), **{"decoder_layers": 2, **options})
    return start(asked, SAMPLE, SEQ2SEQ, seed, length=64, say=lambda _: None).model


@pytest.fixture(scope="module")
def made(encoder: Path) -> Any:
    """One that no test changes."""
    return begun(encoder)


def ids(rows: int = 3, width: int = 9) -> torch.Tensor:
    return torch.randint(5, 5000, (rows, width), generator=torch.Generator().manual_seed(0))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(input_ids=ids(), decoder_input_ids=ids(3, 7)).logits
    return found


def test_a_saved_one_opens_as_what_it_is(made: Any, tmp_path: Path) -> None:
    """Evaluation asks for no architecture."""
    made.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path), None, 0)
    assert not loaded.fresh
    assert type(loaded.model) is JoinedModel
    assert architecture_of(loaded.model.config) == SEQ2SEQ
    assert torch.equal(logits(loaded.model), logits(made))


def test_the_encoder_is_the_checkpoints(encoder: Path, made: Any) -> None:
    model, alone = made, load_model(str(encoder), "AutoModel", 0).model.eval()
    with torch.no_grad():
        states = model.eval().encoder(input_ids=ids()).last_hidden_state
        assert torch.equal(states, alone(input_ids=ids()).last_hidden_state)
    table = alone.embeddings.word_embeddings.weight
    tables = [model.get_input_embeddings(), model.decoder.get_input_embeddings(), model.get_output_embeddings()]
    assert all(torch.equal(one.weight, table) for one in tables)
    assert len({one.weight.data_ptr() for one in tables}) == 1
    of_decoder = model.decoder.base_model.embeddings.position_embeddings.weight
    assert torch.equal(of_decoder, alone.embeddings.position_embeddings.weight)
    assert torch.equal(logits(begun(encoder)), logits(model))
    assert not torch.equal(logits(begun(encoder, seed=6)), logits(model))


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("none", None),
        ("encoder", ("encoder.", "decoder.roberta.embeddings.", "decoder.lm_head.bias")),
        ("embeddings", ("encoder.embeddings.word_embeddings.", "decoder.lm_head.bias")),
    ],
)
def test_what_is_frozen(made: Any, what: str, named: tuple[str, ...] | None) -> None:
    model = copy.deepcopy(made)
    freeze(model, what)
    for name, weight in model.named_parameters():
        assert weight.requires_grad == (named is None or not name.startswith(named)), name


def test_without_a_residual_connection(made: Any, tmp_path: Path) -> None:
    """Of layer 0 by hand, and a folder that gives the same logits again."""
    model = copy.deepcopy(made)
    before = logits(model)
    remove_residual(model, 0)
    after = logits(model)
    assert not torch.allclose(before, after, atol=1e-4)
    layer, given = model.encoder.encoder.layer[0], model.encoder.embeddings(ids())
    with torch.no_grad():
        mixed = layer.attention.self(given)[0]
        output = layer.attention.output
        middle = output.LayerNorm(output.dense(mixed))
        wanted = layer.output(layer.intermediate(middle), middle)
        found = model.encoder(input_ids=ids(), output_hidden_states=True).hidden_states[1]
    assert torch.allclose(found, wanted, atol=1e-5)
    model.save_pretrained(tmp_path / "saved")
    again = load_model(str(tmp_path / "saved"), SEQ2SEQ, 0).model
    assert torch.equal(logits(again), after)
    assert again.config.without_residual == [0]
    remove_residual(again, 0)  # a stage that is gone on with asks again
    assert torch.equal(logits(again), after)


def test_what_is_generated_follows_from_the_logits(made: Any) -> None:
    """Token by token with a cache: places and cross attention are those of training."""
    model = copy.deepcopy(made).eval()
    given = ids()
    found = model.generate(input_ids=given, max_new_tokens=6, min_new_tokens=6, do_sample=False, num_beams=1)
    assert bool((found[:, 0] == model.config.decoder_start_token_id).all())
    with torch.no_grad():
        wanted = model(input_ids=given, decoder_input_ids=found[:, :-1]).logits
    wanted[:, :, model.config.eos_token_id] = float("-inf")  # as asked: not before six tokens
    assert torch.equal(wanted.argmax(dim=2), found[:, 1:])


def test_what_is_refused(encoder: Path, made: Any) -> None:
    with pytest.raises(UserError, match="makes an encoder-decoder, and the objective needs one of AutoModelForMask"):
        start(StartOptions(model=str(encoder), decoder_layers=1), SAMPLE, MASKED, 0, say=print)
    with pytest.raises(UserError, match="multiple of decoder_heads"):
        begun(encoder, decoder_heads=3)
    with pytest.raises(UserError, match=r"layer 9 of an encoder of 2(.|\n)*without_residual: 0"):
        remove_residual(made, 9)
    alone = load_model(str(encoder), MASKED, 0).model
    with pytest.raises(UserError, match="a xlm-roberta keeps its residual connections"):
        remove_residual(alone, 0)
    with pytest.raises(UserError, match="leave nothing of a xlm-roberta to train"):
        freeze(alone, "encoder")


@pytest.mark.slow
def test_two_stages(encoder: Path, tmp_path: Path) -> None:
    """Stage 1 leaves encoder and embeddings bit by bit, stage 2 the token matrix; killed in either it goes on."""
    stages = [
        {"name": "decoder", "freeze": "encoder", "steps": 3, "optimizer": {"lr": 1e-3}},
        {"name": "all", "freeze": "embeddings", "without_residual": 0, "steps": 3, "optimizer": {"lr": 1e-3}},
    ]
    data = [{"folder": str(view("bitext")), "objective": "translation", "label_smoothing": 0.1}]
    begin = {"model": str(encoder), "decoder_layers": 1}
    changes: dict[str, Any] = {"data": data, "start": begin, "stages": stages, "batch": "12 rows", "steps": None}
    assert train(tmp_path / "whole", **changes) == 0
    first = load_file(tmp_path / "whole" / "out" / "stages" / "decoder" / "model.safetensors")
    second = load_file(tmp_path / "whole" / "out" / "model.safetensors")
    given = load_file(encoder / "model.safetensors")
    for name, weight in given.items():
        if name.startswith("roberta."):
            assert torch.equal(first[name.replace("roberta.", "encoder.", 1)], weight), name
    table = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(second[table], first[table])
    layer = "encoder.encoder.layer.0.attention.self.value.weight"
    assert not torch.equal(second[layer], first[layer])
    with pytest.raises(Killed):
        train_until(2, kill, tmp_path / "ended", **changes)
    of_first = tmp_path / "ended" / "out" / "stages" / "decoder"
    with pytest.raises(Killed):
        train_until(2, lambda: kill() if of_first.exists() else None, tmp_path / "ended", resume=True, **changes)
    assert train(tmp_path / "ended", resume=True, **changes) == 0
    assert weights(tmp_path / "ended") == weights(tmp_path / "whole")
    assert metrics(tmp_path / "ended") == metrics(tmp_path / "whole")
    assert (
        train(tmp_path / "next", data=data, start={"model": str(tmp_path / "whole" / "out")}, batch="12 rows", steps=0)
        == 0
    )
    assert load_model(str(tmp_path / "next" / "out"), SEQ2SEQ, 0).model.config.without_residual == [0]


@pytest.mark.slow
def test_the_rows_of_packs_too(encoder: Path, tmp_path: Path) -> None:
    """Any objective of encoder-decoders begins so."""
    spans = [{"folder": str(packs()), "objective": "spans", "first_sentinel": 5999}]
    begin = {"model": str(encoder), "decoder_layers": 1, "decoder_heads": 1, "decoder_intermediate": 8}
    assert train(tmp_path, data=spans, start=begin, steps=1, batch="4 rows") == 0
