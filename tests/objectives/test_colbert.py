"""ColBERT-XM: rows as published, MaxSim and losses beside loops in numpy, adapters by language, faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.packed import SAMPLE, view
from tests.pretrain.test_resume import check_goes_on
from xlcorpus.errors import UserError
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.kinds.colbert import Colbert
from xlcorpus.objectives.late import adapters_of, max_sim
from xlcorpus.objectives.own_weights import attach
from xlcorpus.pack.language_ids import load_ids
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
PAD, BOS, EOS, MASK = 0, 2, 3, 4


def body(kind: str = "bert", **changes: Any) -> Any:
    """An encoder without a head."""
    shape: dict[str, Any] = {
        "vocab_size": TOKENIZER.vocab_size, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 70, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0, "pad_token_id": PAD, "initializer_range": 0.3,
    }  # fmt: skip
    torch.manual_seed(1)
    return transformers.AutoModel.from_config(transformers.AutoConfig.for_model(kind, **shape | changes))


def objective_of(**options: Any) -> tuple[Colbert, pa.RecordBatch]:
    source = open_source(view("triples"), "colbert", {"dimensions": 8, **options}, tokenizer=SAMPLE)
    assert isinstance(source.objective, Colbert)
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    return source.objective, source.rows.read(0, source.objective.columns)


def prepared(model: Any, **options: Any) -> tuple[Colbert, dict[str, torch.Tensor]]:
    objective, rows = objective_of(**options)
    objective.prepare(model)
    attach(model, {"colbert": objective}, 0)
    return objective, objective.collate(rows.slice(0, 6), np.zeros(6, np.uint64))


@settings(max_examples=25)
@given(st.integers(0, 1 << 31), st.integers(1, 4), st.integers(1, 5), st.integers(1, 6))
def test_max_sim_is_that_of_loops(seed: int, queries: int, documents: int, longest: int) -> None:
    draw = np.random.default_rng(seed)
    one, other = draw.normal(size=(queries, 3, 5)), draw.normal(size=(documents, longest, 5))
    compared = draw.random((documents, longest)) < 0.6
    compared[:, 0] = True
    found = max_sim(torch.tensor(one), torch.tensor(other), torch.tensor(compared)).numpy()
    for row, query in enumerate(one):
        for column, document in enumerate(other):
            kept = document[compared[column]]
            slow = sum(max(float(token @ vector) for vector in kept) for token in query)
            assert found[row, column] == pytest.approx(slow)


def test_rows_as_published() -> None:
    objective, rows = objective_of(query_tokens=12, query_marker=17, document_marker=18)
    batch = objective.collate(rows, np.zeros(rows.num_rows, np.uint64))
    pieces = [(text or "").strip() for text in TOKENIZER.piece_texts()]
    marks = {number for number, text in enumerate(pieces) if text and {*text} <= {*".,។।።。-'"}}
    seen_marks = 0
    for row in range(rows.num_rows):
        for place, name in enumerate(("query_ids", "positive_ids", "negative_ids")):
            text = rows.column(name)[row].as_py()
            ids, mask, compared = (
                batch[key][3 * row + place].tolist() for key in ("input_ids", "attention_mask", "compared")
            )
            if place == 0:
                whole = [BOS, 17, *text[:9], EOS]
                whole += [MASK] * (12 - len(whole))
                assert compared[:12] == [True] * 12
            else:
                whole = [BOS, 18, *text[:61], EOS]
                expected = [one not in marks for one in whole]
                assert compared[: len(whole)] == expected
                seen_marks += expected.count(False)
            assert ids[: len(whole)] == whole
            assert {*ids[len(whole) :]} <= {PAD}
            assert mask == [1] * len(whole) + [0] * (len(ids) - len(whole))
            assert not any(compared[len(whole) :])
    assert seen_marks > 20
    whole_documents, _ = objective_of(skip_punctuation=False)
    plain = whole_documents.collate(rows, np.zeros(rows.num_rows, np.uint64))
    assert torch.equal(plain["compared"], plain["attention_mask"].bool())


def softmax_cost(scores: list[float], own: int) -> float:
    values = np.array(scores)
    return float(np.log(np.exp(values - values.max()).sum()) + values.max() - values[own])


@pytest.mark.parametrize("in_batch", [True, False])
def test_losses_are_those_of_slow_code(in_batch: bool) -> None:
    """Each text alone through the encoder, each two texts compared by loops."""
    model = body().eval()
    objective, batch = prepared(model, query_tokens=16, in_batch=in_batch)
    found = objective.losses(model, batch)
    projection = model.xlcorpus_objectives["colbert"].weight.detach().double().numpy()
    vectors = []
    for ids, mask, compared in zip(*(batch[key] for key in ("input_ids", "attention_mask", "compared")), strict=True):
        size = int(mask.sum())
        with torch.no_grad():
            states = model(input_ids=ids[None, :size]).last_hidden_state[0].double().numpy() @ projection.T
        vectors.append((states / np.linalg.norm(states, axis=1, keepdims=True))[compared[:size].numpy()])
    queries, documents = vectors[::3], [one for place, one in enumerate(vectors) if place % 3]
    scores = [[sum(max(document @ token) for token in query) for document in documents] for query in queries]
    pairwise = [softmax_cost([row[2 * n], row[2 * n + 1]], 0) for n, row in enumerate(scores)]
    others = [softmax_cost([row[2 * n], *(one for place, one in enumerate(row) if place // 2 != n)], 0)
              for n, row in enumerate(scores)]  # fmt: skip
    wanted = {"pairwise": np.mean(pairwise)} | ({"in_batch": np.mean(others)} if in_batch else {})
    wanted["found"] = np.mean([row[2 * n] == max(row) for n, row in enumerate(scores)])
    assert {name: one.item() for name, one in found.parts.items()} == pytest.approx(wanted, rel=1e-4)
    assert found.total.item() == pytest.approx(sum(wanted.values()) - wanted["found"], rel=1e-4)


def test_adapters_by_language() -> None:
    """Each text goes through the adapter of its language; adapters and embeddings stay as they are, by default."""
    languages = [*load_ids(view("triples")).languages]
    model = body("xmod", languages=languages[::-1], max_position_embeddings=80).eval()
    objective, batch = prepared(model)
    found = objective.losses(model, batch).total
    turned = batch["languages"].clone()
    batch["languages"] = (turned + 1) % len(languages)
    assert objective.losses(model, batch).total.item() != pytest.approx(found.item())
    batch["languages"] = turned
    frozen = {name for name, one in model.named_parameters() if not one.requires_grad}
    assert any("adapter_modules" in name for name in frozen)
    assert all("adapter" in name or name.startswith("embeddings.") for name in frozen)
    trained = body("xmod", languages=languages, max_position_embeddings=80)
    prepared(trained, adapters="trained")
    assert all(one.requires_grad for one in trained.parameters())


def test_names_of_adapters() -> None:
    config = transformers.XmodConfig(languages=["en_XX", "sw_KE", "hbs"])
    assert adapters_of(config, ["swh_Latn", "eng", "hbs_Cyrl"]) == [1, 0, 2]
    assert adapters_of(transformers.BertConfig(), ["eng"]) is None
    with pytest.raises(UserError, match=r"no language adapter for yor; it has en_XX"):
        adapters_of(config, ["yor", "eng"])


def test_one_query_in_a_batch_has_nothing_beside_it() -> None:
    model = body().train()
    objective, batch = prepared(model)
    one = {name: values[:3] for name, values in batch.items()}
    with pytest.raises(UserError, match=r"one query in a micro-batch(.|\n)*in_batch: false"):
        objective.check_rows(1, 1)
    objective.check_rows(2, 1)
    assert objective.losses(model, one).parts["in_batch"].item() == 0  # the last of an epoch


def test_markers_are_ids() -> None:
    for name in ("query_marker", "document_marker"):
        with pytest.raises(UserError, match=rf"{name}: 6,000 is no id of the tokenizer, which has 6,000"):
            objective_of(**{name: 6000})


def test_punctuation_needs_the_tokenizer() -> None:
    with pytest.raises(UserError, match="skip_punctuation needs the tokenizer"):
        open_source(view("triples"), "colbert")
    with pytest.raises(UserError, match="colbert reads the view triples"):
        open_source(view("crops"), "colbert", tokenizer=SAMPLE)


@pytest.mark.slow
def test_trained_killed_and_gone_on_with(tmp_path: Any) -> None:
    data = [{"folder": str(view("triples")), "objective": "colbert", "dimensions": 8}]
    start = {"shape": "bert", "layers": 1, "width": 16, "heads": 2}
    changes: dict[str, Any] = {"data": data, "start": start, "batch": "16 rows", "steps": 4, "log_every": 1}
    check_goes_on(tmp_path, **changes)
    own = [(tmp_path / name / "out" / "objectives" / "colbert.safetensors").read_bytes() for name in ("whole", "ended")]
    assert own[0] == own[1]
