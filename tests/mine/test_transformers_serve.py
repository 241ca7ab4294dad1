"""A real server, `transformers serve` on loopback, behind a proxy that delays, fails one time in five and dies."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket

import pytest
import tokenizers
import torch
import transformers

from tests.mine.servers import FailingProxy, serving
from tests.mine.test_served import ONE, PROMPTS, questions_of
from tests.packed import TEXTS
from xlcorpus.errors import ModelError
from xlcorpus.mine import served
from xlcorpus.mine.backend import Decoding
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.questions import open_model

pytestmark = pytest.mark.slow


def saved(folder: Path) -> Path:
    """A tiny model, drawn, with a tokenizer of bytes and their pairs."""
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(TEXTS.values(), vocab_size=400, min_frequency=1, special_tokens=["<eos>"])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token="<eos>", pad_token="<eos>")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlamaConfig(
        vocab_size=len(fast), **shape, initializer_range=0.5, eos_token_id=0, pad_token_id=0, bos_token_id=None
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    return saved(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def url(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("serve") / "log"
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", str(model), "--port", str(port), "--device", "cpu"]
    command += ["--dtype", "float32", "--host", "127.0.0.1"]
    with log.open("w") as to:
        process = subprocess.Popen(command, stdout=to, stderr=to)
    opener, never = urllib.request.build_opener(urllib.request.ProxyHandler({})), threading.Event()
    try:
        for _ in range(600):
            try:
                opener.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                never.wait(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


def test_it_says_what_the_model_says_in_process(model: Path, url: str) -> None:
    here = open_model(AskOptions(llm=f"transformers:{model}"))
    there = open_model(AskOptions(llm=f"openai:{model}", llm_url=url, llm_key="NO_SUCH_KEY"))
    decoding = Decoding(12)
    one, other = dict(here.generate(PROMPTS, decoding)), dict(there.generate(PROMPTS, decoding))
    assert [one[at].answers[0].text for at in one] == [other[at].answers[0].text for at in one]
    assert len({answered.answers[0].text for answered in one.values()}) > len(PROMPTS) // 2
    assert [one[at].prompt_tokens for at in one] == [other[at].prompt_tokens for at in one]
    several = dict(there.generate(PROMPTS[:3], Decoding(12, beams=4, returns=4)))
    assert all(len(answered.answers) == 4 for answered in several.values())


def test_behind_a_proxy(model: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """See `test_served`; here the model is a real one, and the answers those of a run without a proxy."""
    monkeypatch.setattr(served, "FIRST_WAIT", 0.001)
    proxy = FailingProxy(url, PROMPTS, 0.01)

    def options(of: str) -> AskOptions:
        return AskOptions(llm=f"openai:{model}", llm_url=of, llm_key="NO_SUCH_KEY", retries=1)

    with serving(proxy) as before, pytest.raises(ModelError, match="asked 2 times: Connection error"):
        questions_of(tmp_path / "out", options(before.url)).ask("words", PROMPTS, ONE)
    first = len(proxy.passed)
    assert 0 < first < len(PROMPTS)
    proxy.requests = 10**6
    with serving(proxy) as before:
        resumed = questions_of(tmp_path / "out", options(before.url))
        found = resumed.ask("words", PROMPTS, ONE)
    assert sorted(proxy.passed) == sorted(PROMPTS)
    assert resumed.spent.asked == len(PROMPTS) - first
    assert found == questions_of(tmp_path / "alone", options(url)).ask("words", PROMPTS, ONE)
