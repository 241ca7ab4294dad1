"""Translations beside each sentence alone by transformers, beginnings of decoders, and scores beside sacrebleu."""

from __future__ import annotations

import copy
import math
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.models import TOKENIZER, opened
from tests.packed import TEXTS, view
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import MEASURES
from xlcorpus.evaluate.measures.translation.scores import bleu_tokenizer, require_sacrebleu, scores
from xlcorpus.evaluate.measures.translation.translate import TEMPLATE, beginnings, sides_of, translation
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, read_pairs

LANGS = ("swh_Latn", "hin_Deva", "zho_Hans")


def ids_of(text: str) -> list[int]:
    return TOKENIZER.encode_batch(pa.array([text]))[0].tolist()


def english(*langs: str, count: int = 2) -> Texts:
    rows = [
        {"src": f"{TEXTS['eng_Latn']} {n}", "tgt": f"{TEXTS[lang]} {n}", "src_lang": "eng_Latn", "tgt_lang": lang}
        for n in range(count)
        for lang in langs
    ]
    return Texts("here", pa.Table.from_pylist(rows))


def samples(found: list[dict[str, Any]]) -> list[str]:
    return [one["made"] for row in found for one in row["samples"]]


def by_hand(ids: list[int], begin: list[int], **settings: Any) -> str:
    """One sentence: transformers' own generate, with its own settings of the model where nothing is said."""
    model = opened("BartForConditionalGeneration").model
    made = model.generate(
        input_ids=torch.tensor([ids]),
        decoder_input_ids=torch.tensor([begin]),
        max_new_tokens=6,
        do_sample=False,
        forced_eos_token_id=None,  # Bart's own
        **settings,
    )[0, len(begin) :].tolist()
    text = made[: made.index(3)] if 3 in made else made
    return TOKENIZER.decode([one for one in text if one > 4]).strip()


@pytest.mark.parametrize("beams", [1, 3])
def test_equal_to_each_sentence_alone(beams: int) -> None:
    pairs, asked = english(*LANGS), EvaluateOptions(new_tokens=6, beams=beams, batch=4)
    found = translation(opened("BartForConditionalGeneration"), pairs, None, asked)
    assert [row["tgt_lang"] for row in found] == sorted(LANGS)
    for row in found:
        for one in row["samples"]:
            assert one["made"] == by_hand([*ids_of(one["src"]), 3], [3], num_beams=beams)
    assert len({*samples(found)}) > 1


def test_rows_of_a_view_and_templates_of_sides_give_the_same() -> None:
    trained = opened("BartForConditionalGeneration")
    templates = {"src": "{{ mask }}{{ src }}{{ eos }}", "tgt": "{{ bos }}{{ tgt }}{{ eos }}"}
    asked = EvaluateOptions(new_tokens=6, side_templates=[f"{key}={one}" for key, one in templates.items()])
    table = english(*LANGS).table
    sides = sides_of(trained, "here", table, asked.side_templates)
    assert sides.read[0].as_py() == [4, *ids_of(table["src"][0].as_py()), 3]
    assert beginnings(trained, sides.written) == [(3, 2)] * 6
    plain = translation(trained, Texts("here", table), None, asked)
    packed = pa.table(
        {"src": sides.read, "tgt": sides.written, **{key: table[key] for key in ("src_lang", "tgt_lang")}}
    )
    assert translation(trained, Texts("here", packed), None, EvaluateOptions(new_tokens=6)) == plain
    for row in plain:
        for one in row["samples"]:
            assert one["made"] == by_hand([4, *ids_of(one["src"]), 3], [3, 2])


def test_what_the_decoder_begins_with() -> None:
    trained = opened("BartForConditionalGeneration")
    lists = pa.array([[4, 9, 9, 3], [9, 3, 4], [9, 3], [3]], pa.list_(pa.int32()))
    # a language before the text; behind eos, as mBART has it, in the place of the model's own; none
    assert beginnings(trained, lists) == [(3, 4), (4,), (3,), (3,)]
    names = {**TOKENIZER.names, "en_XX": 9, "▁▁": 10, "a": 11}  # a user's own: a language; spaces and a letter are text
    named = replace(trained, tokenizer=SimpleNamespace(names=names))
    lists_of_own = pa.array([[9, 20, 3], [20, 3, 9], [10, 20, 3], [11, 3]], pa.list_(pa.int32()))
    assert beginnings(named, lists_of_own) == [(3, 9), (9,), (3,), (3,)]
    model = copy.deepcopy(trained.model)
    model.config.decoder_start_token_id = None
    with pytest.raises(UserError, match="does not say what its decoder begins with"):
        beginnings(replace(trained, model=model), lists)


def test_of_the_view_bitext() -> None:
    measure, given = MEASURES.find("translation"), str(view("bitext", 30, 1))
    both = measure.open(given, EvaluateOptions(shots=1, shots_from=given))
    assert [str(rows.folder) for rows in measure.packed(both)] == [given] * 2  # held against the model's tokenizer
    pairs = read_pairs(str(view("bitext", 30, 1)), EvaluateOptions().reading("pairs"))
    found = translation(opened("BartForConditionalGeneration"), pairs, None, EvaluateOptions(new_tokens=4, pairs=2))
    assert len(found) == len(TEXTS) - 1
    for row in found:
        assert row["samples"][0]["src"].startswith(TEXTS["eng_Latn"])
        assert row["samples"][0]["tgt"].startswith(TEXTS[row["tgt_lang"]][:5])


@pytest.mark.parametrize("shots", [0, 1])
def test_a_decoder_goes_on_from_its_prompt(shots: int) -> None:
    trained = opened("LlamaForCausalLM")
    short = Texts(
        "here",
        pa.table(
            {"src": ["Maji.", "Moto."], "tgt": ["Wasser.", "x"]}
            | {key: [lang] * 2 for key, lang in (("src_lang", "swh_Latn"), ("tgt_lang", "deu_Latn"))}
        ),
    )
    more = Texts("there", short.table.slice(0, 1).set_column(0, "src", pa.array(["Nyota."])))
    asked = EvaluateOptions(new_tokens=5, shots=shots, shots_from="there" if shots else None)
    found = translation(trained, short, more if shots else None, asked)
    for one in found[0]["samples"]:
        prompt = ids_of(f"[swh_Latn]: {one['src']}\n[deu_Latn]:")
        if shots:
            prompt = [*ids_of("[swh_Latn]: Nyota.\n[deu_Latn]: Wasser."), *ids_of("\n\n"), *prompt]
        made = trained.model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=5, do_sample=False)
        text = made[0, len(prompt) :].tolist()
        text = text[: text.index(3)] if 3 in text else text
        assert one["made"] == TOKENIZER.decode([i for i in text if i > 4]).partition("\n")[0].strip()
    assert TEMPLATE.endswith("{tgt}")


def test_scores_are_sacrebleus_and_errors_a_jackknife() -> None:
    pytest.importorskip("sacrebleu")
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    random = np.random.default_rng(1)
    references = [f"{text} {n}" for n in range(3) for text in TEXTS.values()]
    made = [" ".join(one for one in text.split() if random.random() < 0.7) for text in references]
    found = scores(made, references, "13a")
    for name, metric in (("chrf", CHRF()), ("bleu", BLEU(tokenize="13a"))):
        assert found[name] == metric.corpus_score(made, [references]).score
        assert found[f"{name}_signature"] == str(metric.get_signature())
        parts = []
        for group in range(20):
            rows = [row for row in range(len(made)) if row % 20 != group]
            parts.append(metric.corpus_score([made[row] for row in rows], [[references[row] for row in rows]]).score)
        expected = math.sqrt(19 / 20 * sum((one - sum(parts) / 20) ** 2 for one in parts))
        assert found[f"{name}_error"] == pytest.approx(expected)
    assert "tok:13a" in found["bleu_signature"]
    same = scores(references, references, "char")
    assert (round(same["chrf"]), round(same["bleu"]), round(same["chrf_error"], 6)) == (100, 100, 0)
    assert scores([""], ["a"], "13a") | {"chrf_signature": "", "bleu_signature": ""} == {
        "chrf": 0, "bleu": 0, "chrf_error": None, "bleu_error": None, "chrf_signature": "", "bleu_signature": ""
    }  # fmt: skip


def test_which_tokenizer_a_language_has() -> None:
    cases = {"zho_Hans": "zh", "yue": "zh", "tha_Thai": "char", "tha": "char", "jpn_Jpan": "char", "khm": "char"}
    cases |= {"ja": "char", "zh": "zh", "dzo": "char", "nan": "zh", "nan_Latn": "13a", "zho_Latn": "13a"}
    cases |= {"swh_Latn": "13a", "kor_Hang": "13a", "und": "13a"}
    assert {lang: bleu_tokenizer(lang) for lang in cases} == cases


def test_without_sacrebleu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(UserError, match="need sacrebleu") as raised:
        require_sacrebleu()
    assert "xlcorpus[evaluate]" in str(raised.value)


def test_what_cannot_be_translated() -> None:
    trained = opened("BartForConditionalGeneration")
    long = english("swh_Latn", count=1).table.set_column(0, "src", pa.array(["mti " * 90]))
    with pytest.raises(UserError, match="a source of"):
        translation(trained, Texts("here", long), None, EvaluateOptions())
    with pytest.raises(UserError, match="give one of src and one of tgt"):
        translation(trained, english("swh_Latn"), None, EvaluateOptions(side_templates="src={src}"))
    languages = {"src": "{{ lang_token(src_lang) }}{{ src }}", "tgt": "{{ tgt }}"}
    with pytest.raises(UserError, match="--side-templates fail for 2 pairs"):
        translation(trained, english("swh_Latn"), None, EvaluateOptions(side_templates=languages))
