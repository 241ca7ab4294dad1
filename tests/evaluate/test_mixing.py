"""What is judged of texts in many languages, and what a model writes after prompts."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.evaluate.models import TOKENIZER, opened
from tests.packed import TEXTS, packs
from xlcorpus.errors import UserError
from xlcorpus.evaluate.generate import generate
from xlcorpus.evaluate.measure import MEASURES
from xlcorpus.evaluate.measures.mixing.judge import judge, mixing
from xlcorpus.evaluate.measures.mixing.prompts import prompts_of_packs, prompts_of_texts
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.standard_error import of_ratio
from xlcorpus.evaluate.texts import Texts
from xlcorpus.lid.model import load_model
from xlcorpus.loader.rows import TokenRows

SWAHILI = "Mvua ilinyesha usiku kucha na mto umejaa maji."
ENGLISH = "The ferry leaves at nine and the bread is still warm."
HINDI = "आज सुबह नदी के किनारे बहुत ठंडी हवा चल रही थी।"


def letters(text: str) -> int:
    return sum(one.isalpha() for one in text)


def test_whole_sentences_in_another_language() -> None:
    found = judge([f"{SWAHILI} {ENGLISH}", SWAHILI, ""], ["swh_Latn"] * 3, load_model("embedded"))["swh_Latn"]
    assert found.letters.tolist() == [letters(SWAHILI) + letters(ENGLISH), letters(SWAHILI), 0]
    assert found.other_language.tolist() == [letters(ENGLISH), 0, 0]
    facts = found.facts
    assert facts["other_language"] == pytest.approx(letters(ENGLISH) / (letters(ENGLISH) + 2 * letters(SWAHILI)))
    assert facts["into"] == {"eng_Latn": facts["other_language"]}
    assert (facts["texts"], facts["empty"], facts["other_script"], facts["judged"]) == (3, 1, 0.0, 1.0)


def test_letters_of_another_script_within_a_sentence() -> None:
    word = "ferry"
    found = judge(
        [HINDI.replace("हवा", word), "昨天晚上我们在河边散步,遇见了一只白猫。"],
        ["hin_Deva", "zho_Hans"],
        load_model("embedded"),
    )
    # signs that letters bear are none in Unicode
    assert found["hin_Deva"].facts["other_script"] == pytest.approx(len(word) / found["hin_Deva"].letters.sum())
    assert found["zho_Hans"].facts["other_script"] == 0.0


def test_what_cannot_be_judged() -> None:
    found = judge(["Ho.", SWAHILI, "123 456 !!"], ["swh_Latn", "xyz_Latn", "eng_Latn"], load_model("embedded"))
    for lang, judged in found.items():
        assert judged.facts["other_language"] is None, lang  # too short; no language that is known; no letters
    assert found["xyz_Latn"].facts["other_script"] == 0.0


def test_the_error_of_a_share_is_that_over_texts() -> None:
    part, whole = np.array([1, 0, 4, 2]), np.array([4, 2, 8, 6])
    value, error = of_ratio(part, whole)
    assert value == 7 / 20
    assert error == pytest.approx(math.sqrt(sum((part - 0.35 * whole) ** 2) * 4 / 3) / 20)
    assert of_ratio(np.array([1]), np.array([2])) == (0.5, None)


def test_prompts_of_packs_and_of_texts_are_the_same() -> None:
    trained, rows = opened("LlamaForCausalLM"), TokenRows.open(packs(28, 1, bos=True, strategy="one"))
    options = EvaluateOptions(prompts=2, prompt_tokens=9, new_tokens=5)
    found = prompts_of_packs(trained, rows, options)
    assert {prompt.lang for prompt in found} <= set(TEXTS)
    for prompt in found:
        assert prompt.ids[0] == 2
        assert (len(prompt.ids), 0 < len(prompt.rest) <= 5) == (10, True)
        assert not {*prompt.ids[1:], *prompt.rest} & {0, 2, 3, 4}
    text = f"{SWAHILI} {SWAHILI}"
    table = pa.table({"text": [text, "Mvua."], "lang": ["swh_Latn"] * 2})
    (prompt,) = prompts_of_texts(trained, Texts("here", table), options)
    assert TOKENIZER.decode(prompt.ids + prompt.rest) == TOKENIZER.decode(
        TOKENIZER.encode_batch(pa.array([text]))[0][:14]
    )
    with pytest.raises(UserError, match="no text of more than 500 tokens"):
        prompts_of_texts(trained, Texts("here", table), EvaluateOptions(prompt_tokens=500))


def test_the_same_text_whatever_the_batch_and_by_seed() -> None:
    trained = opened("LlamaForCausalLM")
    table = pa.table({"text": [f"{text} {text} {text}" for text in TEXTS.values()], "lang": list(TEXTS)})
    settings = {"prompt_tokens": 7, "new_tokens": 8}
    prompts = prompts_of_texts(trained, Texts("here", table), EvaluateOptions(**settings))
    prompts = [*prompts[:5], *prompts_of_texts(trained, Texts("here", table), EvaluateOptions(prompt_tokens=3))[:5]]
    ids = [prompt.ids for prompt in prompts]
    greedy = generate(trained, ids, EvaluateOptions(**settings, batch=3))
    assert greedy == generate(trained, ids, EvaluateOptions(**settings, batch=10))
    drawn = [generate(trained, ids, EvaluateOptions(**settings, temperature=1.0, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(ids) <= 8 and not {*ids} & {0, 2, 3, 4} for ids in greedy + drawn[0])


def test_a_model_writes_by_these_options_and_not_by_its_own() -> None:
    trained = opened("LlamaForCausalLM")
    table = pa.table({"text": [f"{SWAHILI} {SWAHILI}"], "lang": ["swh_Latn"]})
    options = EvaluateOptions(prompt_tokens=7, new_tokens=12)
    prompts = [one.ids for one in prompts_of_texts(trained, Texts("here", table), options)]
    written = generate(trained, prompts, options)
    own = trained.model.generation_config
    trained.model.generation_config = strange = copy.deepcopy(own)
    strange.update(suppress_tokens=sorted({*written[0]}), repetition_penalty=9.0, min_new_tokens=12)
    try:
        assert generate(trained, prompts, options) == written
        assert trained.model.generation_config is strange
    finally:
        trained.model.generation_config = own


def test_ids_beyond_the_tokenizer_are_never_written() -> None:
    """Embeddings rounded up for speed (Qwen): what no piece stands for cannot be read."""
    trained = opened("LlamaForCausalLM")
    model = copy.deepcopy(trained.model)
    model.resize_token_embeddings(TOKENIZER.vocab_size + 500, mean_resizing=False)
    model.get_output_embeddings().weight.data[TOKENIZER.vocab_size :] *= 100
    asked = EvaluateOptions(new_tokens=8)
    (found,) = generate(replace(trained, model=model), [[2, 9]], asked)
    assert found
    assert found == generate(trained, [[2, 9]], asked)[0]


def test_mixing_of_a_model_beside_the_texts_themselves() -> None:
    trained = opened("LlamaForCausalLM")
    table = pa.table({"text": [f"{SWAHILI} {SWAHILI} {SWAHILI}"], "lang": ["swh_Latn"]})
    options = EvaluateOptions(prompt_tokens=9, new_tokens=40)
    prompts = prompts_of_texts(trained, Texts("here", table), options)
    found = mixing(trained, prompts, options)["swh_Latn"]
    assert found["reference"]["other_language"] == 0.0
    assert found["generated"]["texts"] == 1
    assert found["sample"] == TOKENIZER.decode(generate(trained, [prompts[0].ids], options)[0])
    with pytest.raises(UserError, match=r"--mixing needs a model of AutoModelForCausalLM"):
        MEASURES.find("mixing").check(opened("XLMRobertaForMaskedLM"), prompts, options)
    with pytest.raises(UserError, match="reads 64"):
        generate(trained, [prompts[0].ids], EvaluateOptions(new_tokens=100))
