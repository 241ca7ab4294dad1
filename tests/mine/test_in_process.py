"""A model in process: answers that depend on prompt and decoding alone, beside transformers' own search."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.models import TOKENIZER, folder, opened, tiny
from tests.packed import TEXTS
from xlcorpus.beam import runners
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.errors import UserError
from xlcorpus.mine import questions
from xlcorpus.mine.backend import Answered, Decoding, Model
from xlcorpus.mine.calls import Calls
from xlcorpus.mine.fitting import fitting
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.questions import identity_of, open_model

PROMPTS = [text[:cut] for text in TEXTS.values() for cut in (3, 11, 30)]
BEAMS = Decoding(6, beams=4, returns=3)


def model_of(where: Path | None = None, **more: object) -> Model:
    where = where or folder("LlamaForCausalLM")
    return open_model(AskOptions(llm=f"transformers:{where}", **{"llm_batch": 8, **more}))


def ids_of(prompt: str) -> list[int]:
    return opened("LlamaForCausalLM").ids_of(pa.array([prompt])).to_pylist()[0]


@pytest.mark.parametrize("decoding", [Decoding(6), BEAMS, Decoding(6, temperature=1.0, returns=3)])
def test_the_same_answers_in_any_company(decoding: Decoding) -> None:
    model = model_of()
    alone = {prompt: dict(model.generate([prompt], decoding))[0] for prompt in PROMPTS[::4]}
    for seed in range(3):
        some = random.Random(seed).sample(PROMPTS, 29)
        found = dict(model.generate(some, decoding))
        assert sorted(found) == list(range(len(some)))
        assert all(found[at] == alone[prompt] for at, prompt in enumerate(some) if prompt in alone)
    assert len({answered.answers for answered in alone.values()}) > len(alone) // 2
    other = dict(model.generate(PROMPTS[:1], Decoding(6, temperature=1.0, returns=3, seed=1)))[0]
    assert other != alone[PROMPTS[0]]


def by_hand(prompt: str, count: int, **settings: object) -> tuple[list[list[int]], list[float]]:
    """One prompt, without padding, by transformers' own generate and its own reading of the prompt."""
    model, ids = tiny("LlamaForCausalLM"), ids_of(prompt)
    before = list(opened("LlamaForCausalLM").vocabulary.around[0])
    given = torch.tensor([before + ids])
    made = model.generate(
        given,
        attention_mask=torch.ones_like(given),
        max_new_tokens=count,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
        **settings,
    )
    rows = made.sequences[:, given.shape[1] :]
    if "num_beams" in settings:
        return rows.tolist(), made.sequences_scores.tolist()
    steps = torch.stack([one.log_softmax(-1)[0] for one in made.scores])
    return rows.tolist(), [float(steps.gather(1, rows[0][:, None]).mean())]


@pytest.mark.parametrize("prompt", PROMPTS[1::5])
def test_beside_transformers(prompt: str) -> None:
    (greedy,) = (answered for _, answered in model_of().generate([prompt], Decoding(6, stop=())))
    rows, scores = by_hand(prompt, 6)
    check(greedy, rows, scores)
    (beams,) = (answered for _, answered in model_of().generate([prompt], Decoding(6, beams=4, returns=3, stop=())))
    check(beams, *by_hand(prompt, 6, num_beams=4, num_return_sequences=3))


def check(found: Answered, rows: list[list[int]], scores: list[float]) -> None:
    special = opened("LlamaForCausalLM").named
    ends = [row[: row.index(3)] if 3 in row else row for row in rows]
    assert [one.text for one in found.answers] == [
        TOKENIZER.decode([one for one in row if one not in special]) for row in ends
    ]
    assert [one.score for one in found.answers] == pytest.approx(scores, abs=1e-4)


def test_an_answer_ends_before_a_stop() -> None:
    model, prompt = model_of(), PROMPTS[1]
    whole = dict(model.generate([prompt], Decoding(12, stop=())))[0]
    text = whole.answers[0].text
    stop = text[len(text) // 2]
    cut = dict(model.generate([prompt], Decoding(12, stop=(stop, "\ue000"))))[0]
    assert cut.answers[0].text == text.partition(stop)[0]
    assert cut.new_tokens < whole.new_tokens == 12


def test_draws_are_of_the_model(tmp_path: Path) -> None:
    """First tokens are drawn as often as the model says; independent of how they are drawn."""
    model, count = model_of(), 128
    drawn = dict(model.generate([PROMPTS[1]], Decoding(1, temperature=2.0, returns=count, stop=())))[0]
    before = list(opened("LlamaForCausalLM").vocabulary.around[0])
    with torch.no_grad():
        logits = tiny("LlamaForCausalLM")(torch.tensor([before + ids_of(PROMPTS[1])])).logits[0, -1]
    chances = (logits / 2.0).softmax(-1).double().numpy()
    own = logits.log_softmax(-1).double().numpy()
    expected, spread = float(chances @ own), float(np.sqrt(chances @ own**2 - (chances @ own) ** 2))
    found = np.array([one.score for one in drawn.answers])
    assert abs(found.mean() - expected) < 4 * spread / np.sqrt(count)
    assert (np.diff(found) <= 0).all()


def test_a_prompt_longer_than_the_context() -> None:
    model = model_of()
    assert model.length == 64
    long = " ".join(TEXTS.values())
    with pytest.raises(UserError, match=r"1 prompts are too long for .*reads 64 tokens(.|\n)*fewer examples"):
        list(model.generate(["short", long], Decoding(5)))
    assert model.count_tokens([PROMPTS[2]]) == [len(ids_of(PROMPTS[2]))]


def test_examples_are_left_out_where_they_do_not_fit() -> None:
    model, decoding = model_of(), Decoding(5)
    shots = [[PROMPTS[2], PROMPTS[3], PROMPTS[4]] * 3, ["a"], []]
    asked = ["x", "y", " ".join(TEXTS.values())]

    def build(number: int, chosen: list[str]) -> str:
        return "\n".join([*reversed(chosen), asked[number]])

    found = fitting(model, shots, build, decoding)
    assert found.prompts[1:] == ["a\ny", None]
    kept = next(count for count in range(9, -1, -1) if model.count_tokens([build(0, shots[0][:count])])[0] <= 59)
    assert 0 < kept < 9
    assert found.prompts[0] == build(0, shots[0][:kept])
    assert found.dropped == 9 - kept
    assert found.too_long == 1
    list(model.generate([one for one in found.prompts if one is not None], decoding))


def test_chat_templates(tmp_path: Path) -> None:
    plain = model_of()
    with pytest.raises(UserError, match="no chat template"):
        model_of(chat=True)
    shutil.copytree(folder("LlamaForCausalLM"), tmp_path / "chat")
    template = "{% for one in messages %}{{ one.content }}\n{% endfor %}{% if add_generation_prompt %}>>{% endif %}"
    (tmp_path / "chat" / "chat_template.jinja").write_text(template)
    chat = model_of(tmp_path / "chat", chat=True)
    assert dict(chat.generate(["mvua"], BEAMS))[0] == dict(plain.generate(["mvua\n>>"], BEAMS))[0]
    assert chat.identity != identity_of(AskOptions(llm=f"transformers:{tmp_path / 'chat'}"))


def test_identity_is_of_the_content(tmp_path: Path) -> None:
    before = identity_of(AskOptions(llm=f"transformers:{folder('LlamaForCausalLM')}"))
    shutil.copytree(folder("LlamaForCausalLM"), tmp_path / "moved")
    moved = AskOptions(llm=f"transformers:{tmp_path / 'moved'}")
    assert identity_of(moved) == before
    (tmp_path / "moved" / "config.json").write_text((tmp_path / "moved" / "config.json").read_text() + "\n")
    assert identity_of(moved) != before


def test_what_is_no_causal_model() -> None:
    with pytest.raises(UserError, match=r"no/such is no folder(.|\n)*hf download"):
        identity_of(AskOptions(llm="transformers:no/such"))
    with pytest.raises(UserError, match="needs a model of AutoModelForCausalLM"):
        model_of(folder("XLMRobertaForMaskedLM"))


@pytest.mark.slow
@pytest.mark.parametrize("decoding", [BEAMS, Decoding(6, temperature=1.0, returns=2)])
def test_as_many_workers_as_there_are(decoding: Decoding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, each with a model and blocks of its own, keep the calls that one keeps."""
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    tables = []
    for workers, block in ((1, 512), (2, 7)):
        monkeypatch.setattr(questions, "BLOCK", block)
        folder_ = tmp_path / f"{workers}-{block}"
        execution = Execution(Workspace(folder_), RunnerChoice(workers=workers), step="ask", quiet=True)
        asked = AskOptions(llm=f"transformers:{folder('LlamaForCausalLM')}", llm_batch=8)
        questions.Questions(execution.each, asked, execution.scratch).ask("words", PROMPTS, decoding)
        tables.append(Calls(execution.scratch / "calls").table())
    assert len(tables[0]) == len(set(PROMPTS))
    assert tables[0].equals(tables[1])


def test_a_local_run_asks_in_one_process() -> None:
    """So a machine holds one model."""
    prompts = 10**6
    assert RunnerChoice(workers=8).for_work(prompts // questions.BLOCK, prompts).workers == 1


def test_a_name_in_the_cache(tmp_path: Path) -> None:
    """The cache of huggingface.co as its client lays it out; the client reads its place when it is imported."""
    there = tmp_path / "hub" / "models--own--tiny"
    shutil.copytree(folder("LlamaForCausalLM"), there / "snapshots" / ("a" * 40))
    (there / "refs").mkdir()
    (there / "refs" / "main").write_text("a" * 40)
    code = (
        "from xlcorpus.mine.options import AskOptions; from xlcorpus.mine.questions import identity_of; "
        "print(identity_of(AskOptions(llm='transformers:own/tiny')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "HF_HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == identity_of(AskOptions(llm=f"transformers:{folder('LlamaForCausalLM')}")), done.stderr
