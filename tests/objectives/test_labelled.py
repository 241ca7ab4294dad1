"""Objectives with labels: losses against transformers' own and slow code, names of labels, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.numpy import load_file

from tests.objectives.labelled_rows import BERT, NAMES, classified, headed, paired, tagged
from tests.objectives.masked_models import tiny
from tests.packed import packs, view
from tests.pretrain.runs import metrics, recipe_file, train
from tests.pretrain.test_resume import check_goes_on
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.held_out import HeldOut
from xlcorpus.initialize.architecture import architecture_of
from xlcorpus.initialize.load import load_model
from xlcorpus.loader.source import Source, open_source
from xlcorpus.objectives.kinds.filter import FilterOptions
from xlcorpus.objectives.labelled import CLASSIFIER, TAGGER, names_of, numbers_of, settings_for, soft_costs, soft_of
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.sources import open_data

OF = {"tagging": tagged, "classification": classified, "filter": paired}
HEADS = {"tagging": "Token", "classification": "Sequence", "filter": "Sequence"}


def opened(objective: str, folder: Path, rows: int = 9, **options: Any) -> tuple[Source, Any]:
    """The source, fit, and a batch of its first rows."""
    source = open_source(folder, objective, options)
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    given = Dataset.open(folder).to_arrow().combine_chunks().to_batches()[0].slice(0, rows)
    return source, source.objective.collate(given, np.zeros(rows, np.uint64))


def model_of(source: Source, objective: str, shape: str, **changes: Any) -> Any:
    labels = len(source.objective.labels)
    size = source.rows.vocabulary.size
    return headed(shape, f"{HEADS[objective]}Classification", labels, vocab_size=size, **changes).eval()


@pytest.mark.parametrize(("objective", "shape"), [("tagging", "bert"), ("classification", "xlm-roberta")])
def test_losses_are_transformers_own(objective: str, shape: str) -> None:
    source, batch = opened(objective, OF[objective]())
    model = model_of(source, objective, shape)
    source.objective.prepare(model)
    wanted = model(**batch)
    found = source.objective.losses(model, batch)
    assert found.total.item() == pytest.approx(wanted.loss.item(), rel=1e-5)
    chosen = batch["labels"] != -100
    right = (wanted.logits.argmax(-1) == batch["labels"])[chosen].float().mean()
    assert found.parts[f"{objective}_right"].item() == pytest.approx(right.item())
    found.total.backward()
    ours = [one.grad.clone() for one in model.parameters() if one.grad is not None]
    model.zero_grad()
    model(**batch).loss.backward()
    theirs = [one.grad for one in model.parameters() if one.grad is not None]
    assert all(torch.allclose(*pair, atol=1e-6) for pair in zip(ours, theirs, strict=True))


def slow_fusion(model: Any, batch: dict[str, torch.Tensor], apart: int, together: int) -> torch.Tensor:
    """Logits of each text, layer by layer, pair by pair and without padding: BERT's own modules, called by hand."""
    body, logits = model.base_model, []
    for pair in range(len(batch["input_ids"]) // 2):
        texts = [batch["input_ids"][row][batch["attention_mask"][row] == 1][None] for row in (2 * pair, 2 * pair + 1)]
        states = [body.embeddings(input_ids=text) for text in texts]
        for number, layer in enumerate(body.encoder.layer):
            if apart <= number < apart + together:
                states = list(layer(torch.cat(states, dim=1)).split([one.shape[1] for one in texts], dim=1))
            else:
                states = [layer(one) for one in states]
        heads = [model.classifier(body.pooler(one) if body.pooler is not None else one) for one in states]
        logits += [head.flatten(0, -2)[0] for head in heads]
    return torch.stack(logits)


@pytest.mark.parametrize(
    ("shape", "apart", "together"), [("bert", 1, 2), ("bert", 2, 0), ("bert", 0, 4), ("xlm-roberta", 1, 1)]
)
def test_fused_layers_are_those_of_slow_code(shape: str, apart: int, together: int) -> None:
    source, batch = opened("filter", paired(), apart=apart, together=together)
    model = model_of(source, "filter", shape, num_hidden_layers=4, attn_implementation="sdpa")
    source.objective.prepare(model)
    assert model.config.filter_layers == [apart, together]
    with torch.no_grad():
        wanted = slow_fusion(model, batch, apart, together)
        for implementation in ("sdpa", "eager"):
            model.set_attn_implementation(implementation)
            found = source.objective.losses(model, batch)
            logits = source.objective.logits(model, batch)
            assert torch.allclose(logits, wanted[1::2], atol=1e-5)
            costs = [torch.nn.functional.cross_entropy(wanted[side::2], batch["labels"]) for side in (0, 1)]
            assert found.total.item() == pytest.approx(float(sum(costs)), rel=1e-4)
    alone = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits  # no hook is left
    assert torch.allclose(alone, slow_fusion(model, batch, 4, 0), atol=1e-5)


@pytest.mark.parametrize("shape", ["deberta-v2", "xlm", "opt", "convbert", "gpt2"])
def test_models_that_would_read_two_texts_wrongly(shape: str) -> None:
    """Their layers take a mask of another kind, read one way, or see padding; all but the last without an error."""
    source, _ = opened("filter", paired())
    with pytest.raises(UserError, match=r"two texts as one(.|\n)*start from bert, roberta or xlm-roberta"):
        source.objective.prepare(model_of(source, "filter", shape))


def test_a_model_that_hardly_heeds_the_other_text() -> None:
    """As after training: what its states still differ by, logits may not."""
    source, _ = opened("filter", paired())
    model = model_of(source, "filter", "xlm-roberta")
    with torch.no_grad():
        for layer in model.base_model.encoder.layer:
            layer.attention.self.value.weight *= 1e-3
        model.classifier.dense.weight.zero_()
    source.objective.prepare(model)


@pytest.mark.parametrize(("alpha", "transfer"), [(0.0, False), (0.3, True), (1.0, False)])
def test_self_teaching_by_hand(alpha: float, transfer: bool) -> None:
    """(1 - alpha) of the label and alpha of the soft labels on the translation, beside the label on the text."""
    source, batch = opened("filter", paired(), transfer=transfer, temperature=0.5)
    draw = np.random.default_rng(5)
    soft = draw.dirichlet(np.ones(3), 9)
    source.objective.options = FilterOptions(alpha=alpha, transfer=transfer, temperature=0.5)
    model = model_of(source, "filter", "bert", initializer_range=0.5)
    with torch.no_grad():
        logits = slow_fusion(model, batch, 1, 1).numpy().astype(np.float64)
        found = source.objective.losses(model, {**batch, "soft": torch.tensor(soft, dtype=torch.float32)})
    logs = [one - np.log(np.exp(one).sum()) for one in logits]
    heated = [one / 0.5 - np.log(np.exp(one / 0.5).sum()) for one in logits]
    total = 0.0
    for pair, label in enumerate(batch["labels"].tolist()):
        taught = soft[pair] ** 2 / (soft[pair] ** 2).sum()
        far = sum(t * (np.log(t) - h) for t, h in zip(taught, heated[2 * pair + 1], strict=True)) * 0.25
        total -= logs[2 * pair][label] + (1 - alpha) * transfer * logs[2 * pair + 1][label] - alpha * far
    assert found.total.item() == pytest.approx(total / 9, rel=1e-4)


def test_soft_costs_by_hand() -> None:
    draw = np.random.default_rng(2)
    logits, soft = draw.normal(size=(5, 4)), draw.dirichlet(np.ones(4), 5)
    model = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wanted = (soft * (np.log(soft) - np.log(model))).sum(axis=1)
    assert np.allclose(soft_costs(torch.tensor(logits), torch.tensor(soft)).numpy(), wanted, atol=1e-6)


def test_names_of_labels(tmp_path: Path) -> None:
    assert names_of(classified()) == tuple(sorted(NAMES))
    assert names_of(classified(names=(2, 0))) == ("0", "1", "2")
    assert names_of(classified(names=("ya", None, "la"))) == ("la", "ya")
    assert names_of(tagged())[0] == "O"
    numbers = numbers_of(pa.array(["b", None, "a"]), ("a", "b"))
    assert numbers.tolist() == [1, -100, 0]
    assert numbers_of(pa.array([1, None, -1], pa.int32()), ("a", "b")).tolist() == [1, -100, -100]
    for wrong in (pa.array(["a", "z"]), pa.array([0, 2])):
        with pytest.raises(UserError, match=r"which is none of a, b(.|\n)*labels.json"):
            numbers_of(wrong, ("a", "b"))


def test_what_is_refused(tmp_path: Path) -> None:
    for objective, folder, what in (
        ("classification", packs(), "has no column label(.|\n)*--keep label"),
        ("filter", view("bitext"), "has no column label"),
        ("classification", classified(names=(2, 0)), r"no row has the label 1,(.|\n)*absent_labels: true"),
        ("classification", classified(names=("ya", None, "")), r"all labels are ya(.|\n)*rows of other labels"),
        ("classification", classified(names=("ya", None, "", "no")), None),
        ("classification", classified(names=(0.5, 1.5)), "is double, not a name"),
        ("classification", classified(names=(0, 1, -2)), r"the label -2, which is none of 0, 1(.|\n)*begin at 0"),
        ("classification", classified(names=(0, 1 << 40)), r"go up to 1,099,511,627,776(.|\n)*of names"),
        ("classification", classified(names=(-1,)), r"no row has a label(.|\n)*xlcorpus predict"),
        ("classification", classified(names=(None,)), "no row has a label"),
        ("filter", paired(names=("news",)), "nothing to tell apart"),
        ("tagging", tagged(without=24), "no row has a label"),
    ):
        source = open_source(folder, objective)
        if what is None:
            source.objective.fit_rows(source.rows.folder, source.rows.count)
            continue
        with pytest.raises(UserError, match=what):
            source.objective.fit_rows(source.rows.folder, source.rows.count)
    opened("classification", classified(names=(2, 0)), absent_labels=True)
    with pytest.raises(UserError, match="tagging reads the view labels"):
        open_source(packs(), "tagging")
    with pytest.raises(UserError, match=r"several texts(.|\n)*--strategy one"):
        open_source(packs(), "classification").objective.collate(
            Dataset.open(packs()).to_arrow().combine_chunks().to_batches()[0], np.zeros(0, np.uint64)
        )
    source, _ = opened("filter", paired(), together=9)
    with pytest.raises(UserError, match=r"1 layers apart and 9 together are more than the model's 2"):
        source.objective.prepare(model_of(source, "filter", "bert"))
    source, batch = opened("filter", paired())
    model = model_of(source, "filter", "bert").train()
    model.gradient_checkpointing_enable()
    with pytest.raises(UserError, match="gradient_checkpointing: false"):
        source.objective.losses(model, batch)


def numbered_otherwise(folder: Path) -> Path:
    """Tagged rows whose labels.json has the same names in another order."""
    shutil.copytree(tagged(), folder)
    names = [*json.loads((folder / "labels.json").read_text("utf-8"))]
    numbers = {name: number for number, name in enumerate(reversed(names))}
    (folder / "labels.json").write_text(json.dumps(numbers), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("objective", "make", "what"),
    [
        ("tagging", numbered_otherwise, r"numbers its labels I-NUM, (.|\n)*to train on O, (.|\n)*--label-ids"),
        ("tagging", lambda _: tagged(without=24), "no row has a label"),
        ("classification", lambda _: classified(names=("news", "diary")), r"the label 'diary', which is none of news"),
        ("classification", lambda _: classified(names=(0, 1, 2)), "numbers its labels 0, 1, 2, and"),
        ("classification", lambda _: classified(names=("", None)), "no row has a label"),
        ("classification", lambda _: classified(names=("poem", None)), None),
        ("prokd", lambda _: tagged(without=12), None),
    ],
)
def test_rows_held_out_with_other_labels(tmp_path: Path, objective: str, make: Any, what: str | None) -> None:
    """Numbers of another order would be measured as if they were right."""
    held = make(tmp_path / "held")
    trained = tagged(without=12) if objective == "prokd" else OF[objective]()
    data = [{"folder": str(trained), "objective": objective, "holdout": str(held), "absent_labels": True}]
    stage = load_recipe(str(recipe_file(tmp_path, data=data))).stages[0]
    if what is None:
        assert open_data(stage).holdouts[0][1].folder == held
        return
    with pytest.raises(UserError, match=f"stage train: data 1 (.|\n)*{held.name}(.|\n)*{what}"):
        open_data(stage)


def test_rows_by_hand() -> None:
    source, _ = opened("tagging", tagged())
    (rows,) = Dataset.open(tagged()).to_arrow().combine_chunks().to_batches()
    longer = pa.array([[*one, 0] for one in rows.column("labels").to_pylist()], pa.list_(pa.int32()))
    place = rows.schema.get_field_index("labels")
    with pytest.raises(UserError, match=r"\d+ ids and \d+ labels(.|\n)*--view labels"):
        source.objective.collate(rows.set_column(place, "labels", longer), np.zeros(rows.num_rows, np.uint64))
    soft = pa.array([[0.5, 0.5], [0.5, 0.5, 0, 0]], pa.list_(pa.float32()))
    with pytest.raises(UserError, match=r"4 numbers as soft labels, and should have 2: 2 for each of 1"):
        soft_of(pa.record_batch({"soft_labels": soft}), np.ones(2, np.int64), 2)


def test_a_model_with_adapters_must_be_told_of_languages() -> None:
    for objective, folder in (("tagging", tagged()), ("classification", classified())):
        source, batch = opened(objective, folder)
        with pytest.raises(UserError, match=r"xmod has an adapter for each(.|\n)*default_language: eng"):
            source.objective.prepare(model_of(source, objective, "xmod", languages=["eng", "swh"]))
        model = model_of(source, objective, "xmod", languages=["eng", "swh"], default_language="eng")
        source.objective.prepare(model)
        assert source.objective.losses(model, batch).total.isfinite()


def test_a_head_for_the_labels_of_the_rows(tmp_path: Path) -> None:
    """The body of a model of masked tokens stays, the head is drawn; one for other labels is refused."""
    asked = settings_for(("a", "b", "c"))
    tiny("bert").save_pretrained(tmp_path / "mlm")
    for architecture in (TAGGER, CLASSIFIER):
        made = load_model(str(tmp_path / "mlm"), architecture, 3, settings=asked)
        assert made.model.config.id2label == {0: "a", 1: "b", 2: "c"}
        assert made.model.classifier.out_features == made.model.config.num_labels == 3
        assert torch.equal(
            made.model.bert.embeddings.word_embeddings.weight, tiny("bert").get_input_embeddings().weight
        )
        made.model.save_pretrained(tmp_path / "one")
        assert architecture_of(made.model.config) == architecture
        assert load_model(str(tmp_path / "one"), architecture, 4, settings=asked).fresh == ()
        for names in (("a", "c", "b"), ("a", "b")):
            with pytest.raises(
                UserError, match=r"was trained on the labels a, b, c; the rows have a,(.|\n)*--label-ids"
            ):
                load_model(str(tmp_path / "one"), architecture, 4, settings=settings_for(names))


@pytest.mark.slow
@pytest.mark.parametrize("objective", [*OF])
def test_trained_from_a_masked_model(tmp_path: Path, objective: str) -> None:
    """The body stays, the head is new and has the labels' names; what was trained on others is refused."""
    data = {"folder": str(OF[objective]()), "objective": objective, "holdout": str(OF[objective]())}
    changes: dict[str, Any] = {"batch": "16 rows", "log_every": 1}
    masked = [{"folder": str(packs()), "objective": "mlm"}]
    assert train(tmp_path / "mlm", data=masked, start=BERT, **{**changes, "steps": 0}) == 0
    start = {"model": str(tmp_path / "mlm" / "out")}
    assert train(tmp_path / "one", data=[data], start=start, evaluation=HeldOut(None), **{**changes, "steps": 2}) == 0
    config = json.loads((tmp_path / "one" / "out" / "config.json").read_text("utf-8"))
    names = names_of(Path(data["folder"]))
    assert config["id2label"] == {str(number): name for number, name in enumerate(names)}
    assert any(f"{objective}_right" in str(line) for line in metrics(tmp_path / "one"))
    assert train(tmp_path / "none", data=[data], start=start, **{**changes, "steps": 0}) == 0
    there, here = (load_file(tmp_path / name / "out" / "model.safetensors") for name in ("mlm", "none"))
    body = [name for name in here if name.startswith("bert.") and "pooler" not in name]
    assert body
    assert all(np.array_equal(there[name], here[name]) for name in body)
    if objective == "classification":
        other = [{"folder": str(classified(names=("ja", "ne", "ni"))), "objective": objective}]
        on = {"model": str(tmp_path / "one" / "out")}
        with pytest.raises(UserError, match=r"trained on the labels news, poem, recipe; the rows have ja, ne, ni"):
            train(tmp_path / "on", data=other, start=on, **{**changes, "steps": 1})
        assert train(tmp_path / "on", data=[data], start=on, overwrite=True, **{**changes, "steps": 1}) == 0


@pytest.mark.slow
@pytest.mark.parametrize("objective", [*OF])
def test_a_run_that_ended_goes_on_to_the_same_bits(tmp_path: Path, objective: str) -> None:
    data = [{"folder": str(OF[objective]()), "objective": objective}]
    changes: dict[str, Any] = {"data": data, "start": BERT, "batch": "16 rows", "steps": 4, "log_every": 1}
    check_goes_on(tmp_path, **changes)


def test_a_model_of_masked_tokens_is_no_tagger() -> None:
    source, _ = opened("tagging", tagged())
    with pytest.raises(UserError, match="embeddings"):
        source.objective.prepare(tiny("bert"))
