"""Search beside loops over all documents: recall and MRR, single vectors and tokens, rows of views and pairs."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from tests.evaluate.models import TOKENIZER, folder, opened, tiny
from tests.packed import TEXTS, pair_rows, triple_rows, view
from tests.rows import write_dataset
from xlcorpus.cli import main as entry
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.measures.search.collection import Collection, read_collection
from xlcorpus.evaluate.measures.search.find import find_documents
from xlcorpus.evaluate.measures.search.ranking import search
from xlcorpus.evaluate.models import open_model
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.vectors import encode, vectors

READING = EvaluateOptions().reading("pairs")


def by_loops(scores: Any, relevant: np.ndarray) -> dict[str, float]:
    """Means over queries, where no two documents are equally near."""
    wanted = [{int(one) for query, one in relevant if query == row} for row in range(len(scores))]
    order = [sorted(range(len(row)), key=lambda one, row=row: -row[one]) for row in scores]
    both = [*zip(order, wanted, strict=True)]
    found = {
        f"recall_{top}": np.mean([len({*places[:top]} & own) / len(own) for places, own in both])
        for top in (1, 5, 10, 100)
    }
    first = [min(places.index(one) for one in own) for places, own in both]
    return {**found, "mrr_10": np.mean([1 / (one + 1) if one < 10 else 0 for one in first])}


def orders(scores: list[int]) -> list[list[int]]:
    """All orders of documents in which no nearer one stands behind."""
    import itertools

    return [list(one) for one in itertools.permutations(range(len(scores)))
            if all(scores[a] >= scores[b] for a, b in itertools.pairwise(one))]  # fmt: skip


@settings(max_examples=40)
@given(st.data(), st.integers(1, 3), st.integers(1, 5))
def test_equal_to_the_mean_over_all_orders(data: st.DataObject, queries: int, documents: int) -> None:
    scores = [data.draw(st.lists(st.integers(0, 2), min_size=documents, max_size=documents)) for _ in range(queries)]
    own = [data.draw(st.sets(st.integers(0, documents - 1), min_size=1)) for _ in range(queries)]
    relevant = np.array([(query, one) for query, ones in enumerate(own) for one in sorted(ones)])
    blocks = [np.array(scores[:1], dtype=float), *([np.array(scores[1:], dtype=float)] if queries > 1 else [])]
    found = search(blocks, relevant, tops=(1, 3), depth=3)
    for query, wanted in enumerate(own):
        recall, mrr = {1: Fraction(0), 3: Fraction(0)}, Fraction(0)
        every = orders(scores[query])
        for order in every:
            for top in recall:
                recall[top] += Fraction(len(wanted & {*order[:top]}), len(wanted) * len(every))
            first = min(order.index(one) for one in wanted)
            mrr += Fraction(1, first + 1) / len(every) if first < 3 else 0
        got = [found[name][query] for name in ("recall_1", "recall_3", "mrr_3")]
        assert got == pytest.approx([float(recall[1]), float(recall[3]), float(mrr)])


@given(st.integers(0, 1 << 31))
@settings(max_examples=20)
def test_several_documents_to_find(seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.permutation(24).reshape(3, 8).astype(float)
    own = [sorted(draw.choice(8, draw.integers(1, 5), replace=False).tolist()) for _ in range(3)]
    relevant = np.array([(query, one) for query, ones in enumerate(own) for one in ones])
    found = search([scores], draw.permutation(relevant), tops=(2, 5))
    for query, wanted in enumerate(own):
        order = sorted(range(8), key=lambda one: -scores[query, one])
        for top in (2, 5):
            assert found[f"recall_{top}"][query] == pytest.approx(len({*order[:top]} & {*wanted}) / len(wanted))
        assert found["mrr_10"][query] == pytest.approx(1 / (1 + min(order.index(one) for one in wanted)))


def test_it_is_the_retrieval_of_sentences_where_each_has_one_partner() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(size=(30, 4)), draw.normal(size=(30, 4))
    found = search([one @ other.T], np.stack([np.arange(30)] * 2, axis=1))
    there = retrieval(one, other, similarity="dot")
    assert [found[name].mean() for name in ("recall_1", "recall_5")] == pytest.approx(
        [there["a_to_b"], there["a_to_b_5"]]
    )
    with pytest.raises(ValueError, match="not finite"):
        search([np.full((1, 2), np.nan)], np.array([[0, 0]]))


def texts_of(side: Any) -> list[Any]:
    return side.texts.to_pylist()


def test_each_text_stands_once(tmp_path: Path) -> None:
    rows = triple_rows(9)
    plain = read_collection(str(write_dataset(tmp_path / "rows", [rows, rows.slice(0, 4)], "document").folder), READING)
    assert texts_of(plain.queries) == rows.column("query").to_pylist()
    assert texts_of(plain.documents) == rows.column("text").to_pylist()  # the negatives are others' positives
    assert plain.relevant.tolist() == [[row, row] for row in range(9)]
    assert plain.queries.langs == rows.column("lang").to_pylist()
    packed = read_collection(str(view("triples", 9, 1)), READING)
    assert packed.packed is not None
    decoded = [TOKENIZER.decode(ids) for ids in texts_of(packed.documents)]
    assert [one.strip() for one in decoded] == [one.strip() for one in texts_of(plain.documents)]
    few = packed.some(4)
    assert texts_of(few.queries) == [texts_of(packed.queries)[at] for at in (0, 2, 4, 6)]
    assert few.relevant.tolist() == [[0, 0], [1, 2], [2, 4], [3, 6]]
    pairs = read_collection(str(write_dataset(tmp_path / "pairs", [pair_rows(5)], "pair").folder), READING)
    assert texts_of(pairs.queries)[0] == f"{TEXTS['eng_Latn']} 0"
    assert pairs.documents.langs[0] == "swh_Latn"


def test_single_vectors() -> None:
    trained, data = opened("XLMRobertaForMaskedLM"), read_collection(str(view("triples", 30, 1)), READING)
    rows = find_documents(trained, data, EvaluateOptions(layers="1,3", batch=7))
    assert [row["layer"] for row in rows if row["lang"] == "all"] == ["1", "3"]
    for layer in (1, 3):
        made = [
            vectors(trained, encode(trained, side.texts), [layer])[layer] for side in (data.queries, data.documents)
        ]
        queries, documents = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in made)
        of_all = next(row for row in rows if (row["lang"], row["layer"]) == ("all", str(layer)))
        wanted = by_loops(queries @ documents.T, data.relevant)
        assert {name: of_all[name] for name in wanted} == pytest.approx(wanted)
        alike = search([np.zeros((len(data.queries.texts), len(data.documents.texts)))], data.relevant)
        assert of_all["chance"] == pytest.approx(alike["mrr_10"].mean())
        of_one = next(row for row in rows if (row["lang"], row["layer"]) == ("eng_Latn", str(layer)))
        assert of_one["queries"] == sum(lang == "eng_Latn" for lang in data.queries.langs) > 0


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a projection of colbert beside it."""
    place = tmp_path_factory.mktemp("late") / "model"
    shutil.copytree(folder("XLMRobertaForMaskedLM"), place)
    (place / "objectives").mkdir()
    weight = torch.randn(8, 16, generator=torch.Generator().manual_seed(2))
    save_file({"weight": weight}, place / "objectives" / "colbert.safetensors")
    facts = {"query_tokens": 16, "skip_punctuation": True, "query_marker": None, "document_marker": 21}
    (place / "objectives" / "colbert.json").write_text(json.dumps(facts), "utf-8")
    return place


def test_tokens(late: Path) -> None:
    """A model with colbert's projection beside it compares tokens: each two texts by loops here."""
    projection = torch.randn(8, 16, generator=torch.Generator().manual_seed(2)).double().numpy()
    data = read_collection(str(view("triples", 20, 1)), READING)
    rows = find_documents(open_model(str(late)), data, EvaluateOptions(batch=6))
    assert {row["layer"] for row in rows} == {"tokens"}
    model = tiny("XLMRobertaForMaskedLM").roberta

    def made(ids: list[int]) -> np.ndarray:
        with torch.no_grad():
            states = model(input_ids=torch.tensor([ids])).last_hidden_state[0].double().numpy() @ projection.T
        unit: np.ndarray = states / np.linalg.norm(states, axis=1, keepdims=True)
        return unit

    queries = [made(([2, *ids[:14], 3] + [4] * 16)[:16]) for ids in texts_of(data.queries)]
    marks = TOKENIZER.punctuation
    documents = []
    for ids in texts_of(data.documents):
        whole = [2, 21, *ids[:61], 3]
        documents.append(made(whole)[[not marks[one] for one in whole]])
    scores = [[sum(max(document @ token) for token in query) for document in documents] for query in queries]
    wanted = by_loops(scores, data.relevant)
    assert {name: rows[-1][name] for name in wanted} == pytest.approx(wanted)


def test_the_command(tmp_path: Path, late: Path) -> None:
    data, output = str(view("triples", 20, 1)), tmp_path / "out"
    asked = ["evaluate", str(late), "--search", data, "--output", str(output)]
    result = CliRunner().invoke(entry.cli, asked, catch_exceptions=False)
    assert result.exit_code == 0
    assert "MRR@10" in result.output
    report = json.loads((output / "evaluation.json").read_text("utf-8"))
    assert report["search"][data][-1]["lang"] == "all"
    assert "recall@10" in (output / "search.svg").read_text("utf-8")


def test_nothing_to_choose_from(tmp_path: Path) -> None:
    one = write_dataset(tmp_path / "one", [triple_rows(1)], "document").folder
    with pytest.raises(UserError, match="has one document: there is nothing to choose from"):
        find_documents(opened("LlamaForCausalLM"), read_collection(str(one), READING), EvaluateOptions())
    empty = triple_rows(2)
    place = empty.schema.get_field_index("query")
    gone = empty.set_column(place, "query", pa.array([" \n", None]))
    nobody = write_dataset(tmp_path / "none", [gone], "document").folder
    with pytest.raises(UserError, match="has no query with a document"):
        read_collection(str(nobody), READING)
    assert isinstance(read_collection(str(one), READING), Collection)
