"""A real model: SmolLM2-135M from a GGUF file, its vocabulary extended, trained by the shipped recipe, opened again."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
import transformers

from benchmarks import smollm2
from xlcorpus.cli.main import main
from xlcorpus.tokenizer.open import open_tokenizer

OUT = Path("out/smollm2")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_smollm2_is_extended_trained_saved_and_opened(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not smollm2.DATA.exists():
        pytest.skip("../shared/data, which it learns from, is not there")
    if not (OUT / "base" / "model.safetensors").exists():
        pytest.skip(f"the model is not there: python -m benchmarks.smollm2 prepare {OUT}")
    if importlib.util.find_spec("gguf") is None:
        pytest.skip("gguf is not installed")
    smollm2.prepare(OUT)
    folder = tmp_path / "run"
    settings = ["batch=128", "rows=1", "steps=20", "evaluation.rows=2", "evaluation.every=0", "schedule.warmup=2"]
    more = [part for setting in settings for part in ("--set", setting)]
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", "smollm2-swahili-yoruba", "--output", str(folder), *more])
    assert not ended.value.code
    assert "49,152 copied, 1,000 mixed (new rows by mean-of-pieces)" in capfd.readouterr().out

    base = transformers.AutoModelForCausalLM.from_pretrained(OUT / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert open_tokenizer(folder).fingerprint == open_tokenizer(OUT / "tokenizer").fingerprint
    assert model.get_input_embeddings().weight.shape[0] == base.get_input_embeddings().weight.shape[0] + smollm2.PIECES
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight

    chat = [{"role": "user", "content": "Habari ya asubuhi?"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text.endswith("<|im_start|>user\nHabari ya asubuhi?<|im_end|>\n<|im_start|>assistant\n")
    ids = tokenizer(text, return_tensors="pt").input_ids
    answer = model.generate(ids, max_new_tokens=4, do_sample=False)
    assert answer.shape[1] > ids.shape[1]

    # It has begun to learn: sentences of the test's own, each in its own pieces.
    old = transformers.AutoTokenizer.from_pretrained(OUT / "base")
    for sentence in ("Watoto wanacheza mpira karibu na mto.", "Àwọn ọmọ ń ṣeré ní ẹ̀gbẹ́ odò."):
        after, before = _nats(model, tokenizer, sentence), _nats(base, old, sentence)
        assert after < before


def _nats(model: torch.nn.Module, tokenizer: transformers.PreTrainedTokenizerBase, text: str) -> float:
    ids = tokenizer("<|endoftext|>" + text, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = model.eval()(ids).logits[0, :-1]
    return float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
