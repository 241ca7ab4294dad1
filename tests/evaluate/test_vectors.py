"""Vectors of sentences beside each sentence by itself, and retrieval of pairs that are read from files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluate.models import TOKENIZER, opened, tiny
from tests.packed import LATIN, TEXTS, packs, pair_rows, translico_rows, view
from tests.rows import write_dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import MEASURES
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.measures.retrieval.retrieve import retrieve
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, read_pairs
from xlcorpus.evaluate.vectors import encode, layers_of, vectors
from xlcorpus.loader.rows import TokenRows


@pytest.mark.parametrize("kind", ["LlamaForCausalLM", "XLMRobertaForMaskedLM"])
def test_equal_to_each_sentence_alone(kind: str) -> None:
    trained, texts = opened(kind), [*TEXTS.values()]
    around = ([], []) if kind == "LlamaForCausalLM" else ([2], [3])
    sentences = encode(trained, pa.array(texts))
    found = {pooling: vectors(trained, sentences, [0, 2, 3], pooling, 4) for pooling in ("mean", "cls", "last")}
    for row, text in enumerate(texts):
        ids = TOKENIZER.encode_batch(pa.array([text]))[0].tolist()
        with torch.no_grad():
            whole = torch.tensor([around[0] + ids + around[1]])
            states = tiny(kind).eval()(whole, output_hidden_states=True).hidden_states
        for layer in (0, 2, 3):
            alone = states[layer][0, len(around[0]) : len(around[0]) + len(ids)].numpy()
            first = states[layer][0, 0].numpy()
            for pooling, vector in (("mean", alone.mean(axis=0)), ("cls", first), ("last", alone[-1])):
                largest = np.abs(vector).max()  # float32 rounds in proportion to it
                np.testing.assert_allclose(found[pooling][layer][row] / largest, vector / largest, atol=2e-6)


@given(st.integers(1, 9))
@settings(max_examples=5, deadline=None)
def test_equal_texts_have_one_vector_in_whatever_batch(batch: int) -> None:
    """To the last bit, so that they are equally near to everything; texts of other lengths stand between them."""
    texts = [*TEXTS.values(), *TEXTS.values(), "a", *TEXTS.values()]
    trained = opened("XLMRobertaForMaskedLM")
    (found,) = vectors(trained, encode(trained, pa.array(texts)), [2], batch=batch).values()
    assert len({one.tobytes() for one in found}) == len(TEXTS) + 1
    assert found[0].tobytes() == found[len(TEXTS)].tobytes()


def test_each_text_goes_through_the_adapter_of_its_language() -> None:
    """X-MOD: also where one text stands in two languages."""
    model = tiny("XmodForMaskedLM")
    random = torch.Generator().manual_seed(1)
    for name, weights in model.named_parameters():
        if "adapter_modules" in name:
            torch.nn.init.normal_(weights, generator=random)
    trained = replace(opened("XLMRobertaForMaskedLM"), model=model)
    langs = ["swh_Latn", "eng_Latn", "swh_Latn"]
    sentences = encode(trained, pa.array(["Mvua.", "Mvua.", "Mto umejaa maji."]))
    (found,) = vectors(trained, sentences, [2], batch=2, languages=langs).values()
    for row, lang in enumerate(langs):
        ids = torch.tensor([sentences.ids[row].as_py()])
        with torch.no_grad():
            number = torch.tensor([model.config.languages.index(lang[:3])])
            state = model.roberta(ids, lang_ids=number, output_hidden_states=True).hidden_states[2][0, 1:-1].mean(0)
        np.testing.assert_allclose(found[row], state.numpy(), rtol=1e-4, atol=1e-4)
    assert np.abs(found[0] - found[1]).max() > 0.01
    pairs = pa.table({"src": ["Mvua.", "Mto."] * 4, "tgt": ["Mvua.", "Maji."] * 4} | {
        f"{side}_lang": [lang] * 8 for side, lang in (("src", "eng_Latn"), ("tgt", "swh_Latn"))})  # fmt: skip
    for measure in ("retrieval", "neutrality"):
        said = MEASURES.find(measure).run(trained, Texts("here", pairs), EvaluateOptions(layers="2"), lambda _: None)
        assert said.facts
    with pytest.raises(UserError, match=r"--bits does not choose among them(.|\n)*--neutrality, --retrieval, --search"):
        MEASURES.find("bits").check(trained, TokenRows.open(packs(28, 2)), EvaluateOptions())


def test_long_sentences_are_cut() -> None:
    trained = opened("XLMRobertaForMaskedLM")
    sentences = encode(trained, pa.array([" ".join(TEXTS.values()), "a", ""]), 500)
    assert trained.length == 64  # of 65 positions the first is the padding's
    assert (sentences.cut, sentences.text.tolist()[2]) == (1, [1, 1])
    assert len(sentences.ids[0]) == 64
    assert vectors(trained, sentences.chosen(np.array([True, True, False])), [3])[3].shape == (2, 16)


def test_layers() -> None:
    trained = opened("LlamaForCausalLM")
    assert (layers_of(trained, None), layers_of(trained, "all"), layers_of(trained, "3,-1,0")) == (
        [2],
        [0, 1, 2, 3],
        [3, 0],
    )
    with pytest.raises(UserError, match="no layer 4"):
        layers_of(trained, "4")


def test_pairs_of_a_tsv_file(tmp_path: Path) -> None:
    lines = [f"{TEXTS['swh_Latn']} {n}\t{TEXTS['srp_Cyrl']} {n}" for n in range(20)]
    (tmp_path / "p.tsv").write_text("sw\tsr\n" + "\n".join([*lines, "\tx"]) + "\n", "utf-8")
    options = EvaluateOptions(
        src_column="sw", tgt_column="sr", src_lang="sw", tgt_lang="srp_Cyrl", layers="1,-1", csls=3
    )
    pairs = read_pairs(str(tmp_path / "p.tsv"), options.reading("pairs"))
    assert (pairs.table.num_rows, pairs.skipped) == (20, 1)
    trained, said = opened("LlamaForCausalLM"), []
    rows = retrieve(trained, pairs, options, said.append)
    assert said == ["1 records are no sentence pairs (a side is empty, or damaged), and were left out"]
    sides = [encode(trained, pa.array([line.split("\t")[place] for line in lines])) for place in (0, 1)]
    for row, layer in zip(rows, (1, 3), strict=True):
        one, other = (vectors(trained, side, [layer], batch=6)[layer] for side in sides)
        assert {name: row[name] for name in ("src_lang", "tgt_lang", "layer", "pairs", "chance")} == {
            "src_lang": "swh_Latn",
            "tgt_lang": "srp_Cyrl",
            "layer": layer,
            "pairs": 20,
            "chance": 0.05,
        }
        expected = retrieval(one, other, csls=3)
        assert {name: row[name] for name in expected} == pytest.approx(expected)
        assert 0 <= row["error"] <= (row["top_1"] * (1 - row["top_1"]) / 19) ** 0.5  # of which both ways are one


def test_pairs_of_datasets(tmp_path: Path) -> None:
    reading = EvaluateOptions().reading("pairs")
    translations = write_dataset(tmp_path / "pairs", [pair_rows(26)], "pair").folder
    assert read_pairs(str(translations), reading).table.column("tgt_lang").to_pylist()[:2] == ["swh_Latn", "yor_Latn"]
    views = read_pairs(str(write_dataset(tmp_path / "views", [translico_rows(9)], "translico").folder), reading).table
    assert views.column("tgt").to_pylist()[2] == f"{LATIN['hin_Deva']} 2"
    assert views.select(["src_lang", "tgt_lang"]).to_pylist()[2] == {"src_lang": "hin_Deva", "tgt_lang": "hin_Latn"}


@pytest.mark.parametrize("name", ["translico", "bitext"])
def test_rows_of_a_view_are_the_pairs_that_they_were_made_of(tmp_path: Path, name: str) -> None:
    rows, schema = (translico_rows(40), "translico") if name == "translico" else (pair_rows(40), "pair")
    plain = read_pairs(
        str(write_dataset(tmp_path / "pairs", [rows], schema).folder), EvaluateOptions().reading("pairs")
    )
    packed = read_pairs(str(view(name, 40, 1)), EvaluateOptions().reading("pairs"))
    assert plain.packed is None
    assert packed.packed is not None
    trained = opened("LlamaForCausalLM")
    found = [retrieve(trained, one, EvaluateOptions(), lambda _: None) for one in (plain, packed)]
    assert len(found[0]) > 2
    assert found[1] == found[0]


def test_languages_with_one_pair_are_left_out() -> None:
    table = pa.table({"src": ["a b", "c d", "e"], "tgt": ["b", "d", "e"], "src_lang": ["eng_Latn"] * 3})
    table = table.append_column("tgt_lang", pa.array(["swh_Latn", "swh_Latn", "yor_Latn"]))
    said: list[str] = []
    rows = retrieve(opened("LlamaForCausalLM"), Texts("here", table), EvaluateOptions(), said.append)
    assert [row["tgt_lang"] for row in rows] == ["swh_Latn"]
    assert said == ["eng_Latn - yor_Latn: 1 pairs, left out: there is nothing to choose from"]
    with pytest.raises(UserError, match="here has no two sentence pairs of the same two languages"):
        retrieve(opened("LlamaForCausalLM"), Texts("here", table.slice(2)), EvaluateOptions(), said.append)


def test_files_without_text(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("src\ttgt\n\t\n", "utf-8")
    reading = EvaluateOptions(src_lang="sw", tgt_lang="yo").reading("pairs")
    with pytest.raises(UserError, match="holds no sentence pair"):
        read_pairs(str(tmp_path / "p.tsv"), reading)
