"""`xlcorpus evaluate` as a user meets it: its tables, files and errors."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tests.evaluate.models import folder, tiny
from tests.packed import TEXTS, packs, view
from tests.rows import write_dataset
from xlcorpus.cli import main as entry
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError

PAIRS = ["--src-column", "sw", "--tgt-column", "sr", "--src-lang", "sw", "--tgt-lang", "sr"]


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(entry.cli, ["evaluate", *map(str, arguments)], catch_exceptions=False)


def refused(*arguments: object) -> UserError:
    with pytest.raises(UserError) as raised:
        evaluate(*arguments)
    return raised.value


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    lines = [f"{TEXTS['swh_Latn']} {n}\t{TEXTS['srp_Cyrl']} {n}" for n in range(8)]
    (tmp_path / "p.tsv").write_text("sw\tsr\n" + "\n".join(lines) + "\n", "utf-8")
    return tmp_path / "p.tsv"


def test_tables_json_and_plots(tmp_path: Path, pairs: Path) -> None:
    data, output = packs(28, 2), tmp_path / "out"
    asked = ["--bits", data, "--rows", 20, "--retrieval", pairs, *PAIRS, "--layers", "all", "--mixing", data]
    few = ["--prompts", 1, "--prompt-tokens", 12, "--new-tokens", 8]
    result = evaluate(folder("LlamaForCausalLM"), *asked, *few, "--output", output)
    assert result.exit_code == 0, result.output
    report = json.loads((output / "evaluation.json").read_text("utf-8"))
    bits = report["bits"][str(data)]
    assert 0 < len(bits["languages"]) <= len(TEXTS)
    for lang, facts in bits["languages"].items():
        assert f"{lang} " in result.output
        assert f"{facts['bits_per_byte']:.3f}" in result.output
    assert [row["layer"] for row in report["retrieval"][str(pairs)]] == [0, 1, 2, 3]
    assert set(report["mixing"][str(data)]) <= set(TEXTS)
    assert report["options"]["rows"] == 20
    for name in ("bits", "retrieval", "mixing"):
        ElementTree.parse(output / f"{name}.svg")
    assert "swh_Latn - srp_Cyrl, layer 3" in (output / "retrieval.svg").read_text("utf-8")
    assert "--overwrite" in str(refused(folder("LlamaForCausalLM"), "--bits", data, "--output", output))


def test_another_evaluation_on_the_same_documents(tmp_path: Path) -> None:
    """Before and after, by whatever packs of the same documents: here whole rows and rows of one document."""
    before, after, model = tmp_path / "before", tmp_path / "after", tmp_path / "model"
    evaluate(folder("LlamaForCausalLM"), "--bits", packs(28, 1, strategy="one"), "--output", before)
    trained = copy.deepcopy(tiny("LlamaForCausalLM"))
    trained.lm_head.weight.data *= 0.5  # surer of nothing: cheaper here
    shutil.copytree(folder("LlamaForCausalLM"), model)
    trained.save_pretrained(model)
    result = evaluate(model, "--bits", packs(28, 2), "--against", before, "--output", after)
    reports = [json.loads((one / "evaluation.json").read_text("utf-8")) for one in (before, after)]
    ((name, found),) = reports[1]["bits"].items()
    ((other, first),) = reports[0]["bits"].items()
    compared = found["against"]
    assert (compared["evaluation"], compared["dataset"]) == (str(before), other)
    assert f"{name} here, and {other} of {before} there" in result.output
    assert set(compared["languages"]) == set(TEXTS)
    assert (compared["all"]["documents"], compared["all"]["other"]) == (28, first["all"]["bits_per_byte"])
    for lang, facts in [*compared["languages"].items(), ("all", compared["all"])]:
        ours = (found["all"] if lang == "all" else found["languages"][lang])["bits_per_byte"]
        assert facts["difference"] == pytest.approx(ours - facts["other"], abs=1e-9)
        assert facts["difference"] < 0
        assert f"{facts['difference']:.3f}" in result.output
    assert compared["all"]["error"] < first["all"]["error"]
    assert "no evaluation of bits per byte" in str(
        refused(model, "--bits", packs(28, 2), "--against", tmp_path / "nowhere")
    )
    assert "--against compares bits per byte" in str(refused(model, "--mixing", packs(28, 2), "--against", before))
    masked = refused(folder("XLMRobertaForMaskedLM"), "--bits", packs(28, 2, objective="mlm"), "--against", before)
    assert "is a model of pseudo bits per byte" in str(masked)


def test_a_model_that_reads_both_ways_has_pseudo_bits() -> None:
    result = evaluate(folder("XLMRobertaForMaskedLM"), "--bits", packs(28, 2, objective="mlm"), "--rows", 8)
    assert "pseudo bits per byte" in result.output
    assert "needs a model of AutoModelForCausalLM" in str(
        refused(folder("XLMRobertaForMaskedLM"), "--mixing", packs(28, 2))
    )


def test_a_model_without_a_head_is_good_for_retrieval_alone(pairs: Path) -> None:
    body = folder("XLMRobertaModel")
    assert "swh_Latn - srp_Cyrl" in evaluate(body, "--retrieval", pairs, *PAIRS).output
    assert "--bits needs a model of AutoModelForCausalLM or AutoModelForMaskedLM" in str(
        refused(body, "--bits", packs(28, 2))
    )


def test_what_does_not_go_together(tmp_path: Path) -> None:
    model = folder("LlamaForCausalLM")
    assert "nothing is asked for" in str(refused(model))
    assert "view translico" in str(refused(model, "--bits", view("translico")))
    assert "has no config.json" in str(refused(tmp_path, "--bits", packs(28, 2)))
    assert "--layers x" in str(refused(model, "--bits", packs(28, 2), "--layers", "x"))
    other = tmp_path / "other"
    shutil.copytree(model, other)
    card = json.loads((other / "tokenizer.json").read_text("utf-8"))
    (other / "tokenizer.model").unlink()
    (other / "tokenizer.json").write_text(json.dumps({**card, "padding": None}), "utf-8")
    assert "was packed with the tokenizer" in str(refused(other, "--bits", packs(28, 2)))
    same_ids = evaluate(other, "--bits", packs(28, 2), "--rows", 2, "--tokenizer", model / "tokenizer.model")
    assert same_ids.exit_code == 0
    assert "--device nowhere" in str(refused(model, "--bits", packs(28, 2), "--device", "nowhere"))
    without = tmp_path / "without"
    shutil.copytree(model, without)
    for name in ("tokenizer.model", "tokenizer.json"):
        (without / name).unlink()
    assert "--tokenizer PATH" in str(refused(without, "--bits", packs(28, 2)))


def test_packs_of_an_older_version(tmp_path: Path) -> None:
    given = Dataset.open(packs(42, 1))
    (batch,) = given.to_arrow().combine_chunks().drop_columns(["part_bytes"]).to_batches()
    old = write_dataset(tmp_path / "old", [batch], "token", steps=given.manifest.steps, notes=given.manifest.notes)
    error = str(refused(folder("LlamaForCausalLM"), "--bits", old.folder))
    assert "has no column part_bytes" in error
    assert "of this version" in error


def test_weights_that_are_no_numbers(tmp_path: Path, pairs: Path) -> None:
    broken = copy.deepcopy(tiny("LlamaForCausalLM"))
    broken.model.norm.weight.data.fill_(float("nan"))
    shutil.copytree(folder("LlamaForCausalLM"), tmp_path / "model")
    broken.save_pretrained(tmp_path / "model")
    error = refused(tmp_path / "model", "--retrieval", pairs, *PAIRS, "--layers", "-1")
    assert "the vectors of" in str(error)
    assert "no number" in str(refused(tmp_path / "model", "--bits", packs(28, 2), "--rows", 2))


def test_an_encoder_decoder_translates_and_has_vectors(tmp_path: Path, pairs: Path) -> None:
    model, few = folder("BartForConditionalGeneration"), ["--new-tokens", 4]
    assert "--bits needs a model of AutoModelForCausalLM" in str(refused(model, "--bits", packs(28, 2)))
    asked = [
        "--translation",
        pairs,
        "--retrieval",
        pairs,
        "--neutrality",
        pairs,
        *PAIRS,
        *few,
        "--output",
        tmp_path / "o",
    ]
    result = evaluate(model, *asked)
    for name in ("translation", "retrieval", "neutrality"):
        ElementTree.parse(tmp_path / "o" / f"{name}.svg")
    assert "swh_Latn - srp_Cyrl" in result.output
    report = json.loads((tmp_path / "o/evaluation.json").read_text("utf-8"))
    assert report["architecture"] == "AutoModelForSeq2SeqLM"
    (row,) = report["translation"][str(pairs)]
    assert (row["pairs"], 0 <= row["chrf"] <= 100, len(row["samples"])) == (8, True, 3)
    assert {one["layer"] for one in report["neutrality"][str(pairs)]["distances"]} == {0, 1, 2}
    for name in ("--template", "--shots"):
        more = ["{tgt}"] if name == "--template" else [1, "--shots-from", pairs]
        assert f"{name} is not of an encoder-decoder" in str(
            refused(model, "--translation", pairs, *PAIRS, name, *more)
        )
    sides = ["--side-templates", "src={src}", "--side-templates", "tgt={tgt}"]
    assert "is not of a decoder" in str(refused(folder("LlamaForCausalLM"), "--translation", pairs, *PAIRS, *sides))
    assert "needs a model of" in str(refused(folder("XLMRobertaForMaskedLM"), "--translation", pairs, *PAIRS))


def test_languages_to_watch(tmp_path: Path) -> None:
    before, after, model = tmp_path / "before", tmp_path / "after", tmp_path / "model"
    data = packs(28, 2)
    evaluate(folder("LlamaForCausalLM"), "--bits", data, "--output", before)
    trained = copy.deepcopy(tiny("LlamaForCausalLM"))
    trained.lm_head.weight.data *= 0.5
    shutil.copytree(folder("LlamaForCausalLM"), model)
    trained.save_pretrained(model)
    result = evaluate(model, "--bits", data, "--against", before, "--related", "hin,srp_Cyrl", "--output", after)
    assert "related languages that were not trained" in result.output
    found = json.loads((after / "evaluation.json").read_text("utf-8"))["bits"][str(data)]["against"]
    watched = found["related"]
    assert {lang for lang, one in watched["languages"].items() if one["group"] == "related"} == {"hin_Deva", "srp_Cyrl"}
    for lang, one in watched["languages"].items():
        assert one["difference"] == found["languages"][lang]["difference"]
        sure = one["error"] is not None and abs(one["difference"]) > 1.96 * one["error"]
        assert one["change"] == ("better" if sure else "not shown")
    assert watched["related"]["documents"] + watched["trained"]["documents"] == 28
    (model / "run.json").write_text(json.dumps({"watch": ["ben"]}), "utf-8")
    by_card = evaluate(model, "--bits", data, "--against", before)
    assert "ben_Beng  related" in by_card.output
    unknown = ["--bits", data, "--against", before, "--related", "zul"]
    assert "no packs hold it" in str(refused(model, *unknown))
    assert "--related compares" in str(refused(model, "--bits", data, "--related", "hin"))


def test_memory_that_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    monkeypatch.setattr("xlcorpus.evaluate.measures.bits.per_byte.bits_per_byte", full)
    assert "--batch 4" in str(refused(folder("LlamaForCausalLM"), "--bits", packs(28, 2)))
