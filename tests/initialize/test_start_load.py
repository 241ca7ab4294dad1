"""Models with weights: folders, GGUF files, hub names; what is damaged, and tokenizers that go with models."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.initialize.starts import CAUSAL, MASKED, begin, logits_of, save_model, write_gguf
from xlcorpus.errors import UserError
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.start import copy_tokenizer, start
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.sentencepiece_model import parse_model
from xlcorpus.tokenizer.write import write_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def llama(qwen: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(qwen, CAUSAL, tmp_path_factory.mktemp("llama") / "old", shape="llama", key_value_heads=2)


def test_a_gguf_file_becomes_a_plain_model_that_can_be_saved(
    qwen: Path, extended: Path, llama: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = begin(qwen, CAUSAL, model=str(llama)).model
    path = write_gguf(first, qwen, tmp_path / "tiny.gguf")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name)
    with pytest.raises(ValueError, match="serializ"):
        theirs.save_pretrained(tmp_path / "theirs")
    capfd.readouterr()
    model, _, counted = begin(qwen, CAUSAL, model=str(path))
    assert "GGUF" not in capfd.readouterr().err  # no progress bar
    size = open_tokenizer(qwen).vocab_size
    assert torch.equal(logits_of(model, size), logits_of(theirs, size))
    torch.testing.assert_close(logits_of(model, size), logits_of(first, size))
    assert counted.notes == ()  # its tokenizer was compared
    model.save_pretrained(tmp_path / "plain")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "plain")
    assert torch.equal(logits_of(model, size), logits_of(again, size))
    counted = begin(extended, CAUSAL, model=str(path), new_rows="mean-of-pieces").counted
    assert counted.matrices["token matrix"].mixed > 50


def test_weights_of_16_bits_are_copied_as_they_are(qwen: Path, llama: Path, tmp_path: Path) -> None:
    half = transformers.AutoModelForCausalLM.from_pretrained(llama, dtype=torch.bfloat16)
    half.save_pretrained(tmp_path)
    model = begin(qwen, CAUSAL, model=str(tmp_path)).model
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    assert torch.equal(model.get_input_embeddings().weight, half.get_input_embeddings().weight.float())


def test_what_a_model_computes_from_its_config_is_no_number_of_16_bits(qwen: Path, tmp_path: Path) -> None:
    """Gemma scales embeddings by the root of its width, which no checkpoint holds: 5.65685, or 5.65625 in bfloat16."""
    begin(qwen, CAUSAL, shape="gemma3_text", key_value_heads=2).model.to(torch.bfloat16).save_pretrained(tmp_path)
    model = begin(qwen, CAUSAL, model=str(tmp_path)).model
    assert model.get_input_embeddings().embed_scale.item() == pytest.approx(32**0.5, rel=1e-6)
    model.save_pretrained(tmp_path / "again")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "again")
    assert torch.equal(logits_of(model, 50), logits_of(again, 50))


def test_weights_that_the_model_does_not_take_are_said(qwen: Path, llama: Path, tmp_path: Path) -> None:
    shutil.copytree(llama, tmp_path / "more")
    config = tmp_path / "more" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"num_hidden_layers": 1}), "utf-8")
    (note,) = begin(qwen, CAUSAL, model=str(tmp_path / "more")).counted.notes
    assert re.match(r"not taken from the checkpoint: 9 weights, such as model\.layers\.1\.", note)


def test_a_model_of_another_architecture_is_refused(qwen: Path, llama: Path, xlmr: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is a llama saved as LlamaForCausalLM, .* needs one of AutoModelForMaskedLM"):
        begin(qwen, MASKED, model=str(llama))
    folder = save_model(xlmr, MASKED, tmp_path / "xlmr", shape="xlm-roberta")
    with pytest.raises(UserError, match="needs one of AutoModelForCausalLM"):  # it would see what it predicts
        begin(xlmr, CAUSAL, model=str(folder))


def test_a_head_that_is_missing_is_drawn_and_said_and_a_missing_body_refused(xlmr: Path, tmp_path: Path) -> None:
    folder = save_model(xlmr, MASKED, tmp_path / "xlmr", shape="xlm-roberta")
    whole = transformers.AutoModelForMaskedLM.from_pretrained(folder)
    whole.base_model.save_pretrained(tmp_path / "body")
    first, second = (begin(xlmr, MASKED, seed=4, model=str(tmp_path / "body")) for _ in range(2))
    assert "lm_head.dense.weight" in first.counted.fresh
    assert "drawn, the checkpoint has none" in "\n".join(first.counted.lines())
    assert torch.equal(first.model.lm_head.dense.weight, second.model.lm_head.dense.weight)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(UserError, match=r"lacks \d+ weights of a xlm-roberta"):
        begin(xlmr, MASKED, model=str(folder))


@pytest.mark.parametrize("damage", ["cut", "other size", "no weights", "no JSON"])
def test_a_damaged_folder_is_named(qwen: Path, llama: Path, tmp_path: Path, damage: str) -> None:
    for one in llama.iterdir():
        (tmp_path / one.name).write_bytes(one.read_bytes())
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "other size":
        values = json.loads(config.read_text(encoding="utf-8"))
        config.write_text(json.dumps(values | {"intermediate_size": 96}), encoding="utf-8")
    elif damage == "no weights":
        weights.unlink()
    else:
        config.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=f"start: model: {tmp_path} cannot be loaded"):
        begin(qwen, CAUSAL, model=str(tmp_path))


def test_what_is_no_model_and_rows_that_are_too_long(qwen: Path, llama: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no folder(.|\n)*hub: org/name"):  # nothing is downloaded
        begin(qwen, CAUSAL, model="org/name")
    with pytest.raises(UserError, match=r"has no config\.json"):
        begin(qwen, CAUSAL, model=str(qwen))
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(UserError, match=r"x\.gguf cannot be loaded"):
        begin(qwen, CAUSAL, model=str(tmp_path / "x.gguf"))
    with pytest.raises(UserError, match=r"the rows have 33 tokens, and .* reads 32"):
        begin(qwen, CAUSAL, model=str(llama), length=33)


def test_a_hub_name_is_said_and_pinned(qwen: Path, llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot(name: str, **more: Any) -> str:
        asked.update(more, name=name)
        return str(llama)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    said: list[str] = []
    counted = start(StartOptions(hub="org/name", revision=COMMIT), qwen, CAUSAL, 0, say=said.append).counted
    assert (asked["name"], asked["revision"]) == ("org/name", COMMIT)
    assert "*.bin" not in asked["allow_patterns"]
    assert said == [f"start: org/name at commit {COMMIT}: downloaded from huggingface.co where it is not in the cache"]
    assert counted.source == f"org/name at {COMMIT}"

    def fail(name: str, **more: Any) -> str:
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(UserError, match=r"cannot be downloaded: no route"):
        start(StartOptions(hub="org/name", revision=COMMIT), qwen, CAUSAL, 0, say=said.append)


def test_files_of_a_tokenizer_are_copied_so_that_it_is_the_same(extended: Path, tmp_path: Path) -> None:
    opened = open_tokenizer(extended)
    copy_tokenizer(opened, extended, tmp_path / "folder")
    assert open_tokenizer(tmp_path / "folder").fingerprint == opened.fingerprint
    (tmp_path / "chat").mkdir()
    (extended / "chat_template.jinja").write_text("{{ messages[0]['content'] }}!", encoding="utf-8")
    copy_tokenizer(opened, extended, tmp_path / "chat")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "chat")
    assert theirs.apply_chat_template([{"role": "user", "content": "habari"}], tokenize=False) == "habari!"
    data = (sample_folder() / "tokenizer.model").read_bytes()
    for place in (tmp_path / "t.model", tmp_path / "t"):
        model = write_model(parse_model(data, "t"), data, place)
        (tmp_path / "t.json" if place.suffix else place / "card.json").write_text('{"tokenizer": "sentencepiece"}')
        copy_tokenizer(model, place, tmp_path / f"of-{place.name}")
        again = open_tokenizer(tmp_path / f"of-{place.name}")
        assert (again.kind, again.fingerprint) == ("sentencepiece", model.fingerprint)
        assert len(transformers.AutoTokenizer.from_pretrained(tmp_path / f"of-{place.name}")) == model.vocab_size
    alone = tmp_path / "alone.json"
    alone.write_bytes((extended / "tokenizer.json").read_bytes())
    copy_tokenizer(open_tokenizer(alone), alone, tmp_path / "of-alone")
    assert open_tokenizer(tmp_path / "of-alone").fingerprint == open_tokenizer(alone).fingerprint
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "of-alone").eos_token is not None
    copy_tokenizer(open_tokenizer("bytes"), "bytes", tmp_path / "of-bytes")
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "of-bytes")("é").input_ids == [198, 172, 1]
    assert open_tokenizer(tmp_path / "of-bytes").fingerprint == open_tokenizer("bytes").fingerprint
    for broken in ("[]", "{", '{"tokenizer_class": "ByT5Tokenizer", "extra_ids": 125}'):
        (tmp_path / "of-bytes" / "tokenizer_config.json").write_text(broken, encoding="utf-8")
        with pytest.raises(UserError, match=r"of-bytes has no tokenizer\.json"):
            open_tokenizer(tmp_path / "of-bytes")
