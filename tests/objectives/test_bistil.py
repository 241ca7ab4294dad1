"""BiStil beside slow numpy, and a run of a student with a teacher that is as wide, wider, or of other pieces."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from click.testing import CliRunner
from safetensors.numpy import load_file

from tests.objectives.masked_models import tiny
from tests.packed import SAMPLE, document_rows, packs
from tests.pretrain.runs import metrics, train
from tests.pretrain.test_resume import Killed, check_goes_on, kill, train_until
from tests.rows import write_dataset
from xlcorpus.cli import main as entry
from xlcorpus.errors import UserError
from xlcorpus.initialize.tokenizer_files import copy_tokenizer
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.kinds.bistil import Bistil, soft_cross_entropy
from xlcorpus.objectives.objective import NO_LABEL
from xlcorpus.objectives.own_weights import attach
from xlcorpus.pretrain.teachers import bring_teachers, check_teachers
from xlcorpus.tokenizer.open import open_tokenizer

SIZE = open_tokenizer(SAMPLE).vocab_size
STILL = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
STUDENT = {"shape": "bert", "layers": 2, "width": 16, "heads": 2, "intermediate": 32, "config": STILL}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a BERT of 4 layers, wider than the student, with its tokenizer."""
    return saved(tmp_path_factory.mktemp("teacher"))


def saved(folder: Path, **changes: Any) -> Path:
    wide = {"vocab_size": SIZE, "num_hidden_layers": 4, "hidden_size": 24, "initializer_range": 0.3}
    tiny("bert", **wide | changes).save_pretrained(folder)
    copy_tokenizer(open_tokenizer(SAMPLE), SAMPLE, folder)
    return folder


def objective_of(**options: Any) -> Bistil:
    made = open_source(packs(), "bistil", {"teacher": "here", "projection_rows": 9, **options}).objective
    assert isinstance(made, Bistil)
    made.fit_rows(packs(), 60)
    return made


def rows_and_keys(objective: Bistil, count: int = 5) -> dict[str, torch.Tensor]:
    rows = open_source(packs(), "mlm").rows.read(0, objective.columns).slice(0, count)
    return objective.collate(rows, np.arange(count, dtype=np.uint64) * np.uint64(977))


def softmax(values: np.ndarray) -> np.ndarray:
    exp = np.exp(values - values.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("width", [16, 24])
def test_losses_are_those_of_slow_code(width: int) -> None:
    """Layer by layer, document by document and token by token, from what transformers gives of each."""
    objective = objective_of(soft_labels=0.5, attention_maps=2.0)
    student = tiny("bert", vocab_size=SIZE, hidden_size=width).eval()
    taught = tiny("bert", vocab_size=SIZE, num_hidden_layers=4, hidden_size=24, initializer_range=0.3).eval()
    student.set_attn_implementation("eager")
    ids = np.random.default_rng(0).permutation(SIZE)  # the teacher has the same pieces in another order
    objective.learn_from(taught, ids)
    objective.prepare(student)
    attach(student, {"bistil": objective}, 0)
    batch = rows_and_keys(objective)
    found = objective.losses(student, batch)

    with torch.no_grad():
        outputs = [
            model(
                input_ids=given,
                attention_mask=objective.needs(student).inputs(batch["position_ids"])["attention_mask"],
                position_ids=batch["position_ids"],
                output_attentions=True,
                output_hidden_states=True,
            )
            for model, given in ((student, batch["input_ids"]), (taught, torch.from_numpy(ids)[batch["input_ids"]]))
        ]
    ours, theirs = ({key: [one.double().numpy() for one in output[key]] for key in ("attentions", "hidden_states")}
                    for output in outputs)  # fmt: skip
    position, here = batch["position_ids"].numpy(), batch["here"].numpy()
    maps, states = [], []
    for layer in range(2):
        apart = (ours["attentions"][layer] - theirs["attentions"][2 * layer + 1]) ** 2
        errors = []
        for row in range(len(here)):
            part = np.cumsum(position[row] == 0)
            errors += [apart[row, head, q, part == part[q]] for q in np.flatnonzero(here[row]) for head in range(2)]
        maps.append(np.concatenate(errors).mean())
    for layer in range(3):
        aim = theirs["hidden_states"][2 * layer]
        if width < 24:
            aim = aim @ student.xlcorpus_objectives["bistil"].projections[layer].double().numpy()
        states.append(((ours["hidden_states"][layer] - aim)[here] ** 2).mean())
    at = batch["labels"].numpy() != NO_LABEL
    logits, wanted = outputs[0].logits.double().numpy()[at], outputs[1].logits.double().numpy()[at][:, ids]
    soft = -(softmax(wanted / 2) * np.log(softmax(logits / 2))).sum(axis=1).mean()
    parts = {"attention_maps": np.mean(maps), "hidden_states": np.mean(states), "soft_labels": soft}
    assert {name: one.item() for name, one in found.parts.items()} == pytest.approx(parts, rel=1e-4)
    assert found.total.item() == pytest.approx(2 * np.mean(maps) + np.mean(states) + 0.5 * soft, rel=1e-4)
    assert not any(one.requires_grad for one in taught.parameters() if one.grad is not None)


def test_projections_keep_what_is_longest() -> None:
    """No other 16 directions keep more of the squares of the teacher's states; they stand upright on one another."""
    objective, student = objective_of(), tiny("bert", vocab_size=SIZE)
    taught = tiny("bert", vocab_size=SIZE, num_hidden_layers=4, hidden_size=24, initializer_range=0.3).eval()
    student.set_attn_implementation("eager")
    objective.learn_from(taught, np.arange(SIZE))
    objective.prepare(student)
    own = objective.own_weights(student)
    assert own is not None
    rows = open_source(packs(), "mlm").rows.read(0, objective.columns).slice(0, 9)
    plain = objective.packs(rows)
    with torch.no_grad():
        states = taught(
            input_ids=torch.from_numpy(plain.ids).long(),
            **objective._theirs.inputs(torch.from_numpy(plain.parts.position_ids())),
            output_hidden_states=True,
        ).hidden_states
    here = np.ones(plain.ids.shape, dtype=bool)
    here.ravel()[plain.padding()] = False
    for layer in range(3):
        kept = states[2 * layer].double().numpy()[here]
        projection = own.projections[layer].double().numpy()
        assert np.allclose(projection.T @ projection, np.eye(16), atol=1e-5)
        best = np.linalg.svd(kept, compute_uv=False)[:16]
        assert ((kept @ projection) ** 2).sum() == pytest.approx((best**2).sum(), rel=1e-5)


def test_soft_labels_of_the_teacher_itself_cost_its_entropy() -> None:
    logits = torch.randn(4, 9, generator=torch.Generator().manual_seed(1))
    made = softmax(logits.double().numpy() / 3)
    assert soft_cross_entropy(logits, logits, 3.0).numpy() == pytest.approx(-(made * np.log(made)).sum(axis=1))


def data(teacher: Path, **options: Any) -> list[dict[str, Any]]:
    return [{"folder": str(packs()), "objective": "bistil", "teacher": str(teacher), "projection_rows": 8, **options}]


def changes(teacher: Path, **options: Any) -> dict[str, Any]:
    return {"start": STUDENT, "attention": "eager", "data": data(teacher, **options), "steps": 4, "log_every": 1}


@pytest.mark.slow
def test_trained_killed_and_gone_on_with(tmp_path: Path, teacher: Path) -> None:
    """Its losses go down, a killed run goes on to the same bits, and the model that is saved knows no teacher."""
    given = changes(teacher, soft_labels=1.0)
    check_goes_on(tmp_path, **given)
    saved_model = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "whole" / "out")
    assert {*load_file(tmp_path / "whole" / "out" / "model.safetensors")} <= {*saved_model.state_dict()}
    assert not (tmp_path / "whole" / "out" / "objectives").exists()
    lines = [line for line in metrics(tmp_path / "whole") if "loss" in line]
    for part in ("attention_maps", "hidden_states", "soft_labels"):
        assert lines[0][f"loss/bistil/{part}"] > 0
    assert lines[-1]["loss/bistil"] < lines[0]["loss/bistil"]


@pytest.mark.slow
def test_the_teachers_content_is_the_runs(tmp_path: Path, teacher: Path) -> None:
    mine = shutil.copytree(teacher, tmp_path / "teacher")
    with pytest.raises(Killed):
        train_until(3, kill, tmp_path / "run", **changes(mine))
    file = mine / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match="holds an unfinished run of another teachers"):
        train(tmp_path / "run", resume=True, **changes(mine))


def without_a_piece(folder: Path) -> Path:
    """Its tokenizer has other pieces."""
    saved(folder)
    for file in folder.glob("*token*"):
        file.unlink()
    copy_tokenizer(open_tokenizer("bytes"), "bytes", folder)
    return folder


def without_a_tokenizer(folder: Path) -> Path:
    tiny("bert", vocab_size=SIZE, num_hidden_layers=4).save_pretrained(folder)
    return folder


def without_a_head(folder: Path) -> Path:
    saved(folder)
    transformers.BertModel.from_pretrained(folder).save_pretrained(folder)
    return folder


def with_fewer_embeddings(folder: Path) -> Path:
    """Its tokenizer has more ids."""
    return saved(folder, vocab_size=500)


def bring_checked(given: Any) -> None:
    check_teachers(given)
    bring_teachers(given, SAMPLE, 0, "cpu")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (without_a_piece, "has another vocabulary: .* pieces are none of its"),
        (without_a_tokenizer, "no tokenizer lies beside"),
        (with_fewer_embeddings, r"has 500 embeddings, and the tokenizer beside it ids up to 5,999"),
        (without_a_head, "its head was never trained"),
        (lambda folder: folder / "nothing", "teacher: .*nothing has no config.json"),
    ],
)
def test_folders_that_are_no_teachers(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    objectives = {"bistil": objective_of(teacher=str(make(tmp_path / "teacher")))}
    given: Any = SimpleNamespace(objectives=objectives, architecture="AutoModelForMaskedLM")
    with pytest.raises(UserError, match=message):
        bring_checked(given)


@pytest.mark.parametrize(
    ("config", "attention", "message"),
    [
        ({"num_hidden_layers": 3}, "eager", r"has 3 layers and the student 2(.|\n)*every: 2"),
        ({"num_attention_heads": 4}, "eager", r"has 4 heads and the student 2(.|\n)*maps: 0"),
        ({"hidden_size": 8}, "eager", r"states of 16, and the teacher .* of 8"),
        (
            {"max_position_embeddings": 40},
            "eager",
            r"rows have 64 tokens, and the teacher here reads 40(.|\n)*length 40",
        ),
        ({}, "sdpa", r"attention: sdpa keeps no attention maps(.|\n)*attention: eager"),
    ],
)
def test_teachers_that_do_not_fit(config: dict[str, Any], attention: str, message: str) -> None:
    objective, student = objective_of(), tiny("bert", vocab_size=SIZE)
    student.set_attn_implementation(attention)
    objective.learn_from(tiny("bert", vocab_size=SIZE, **config), np.arange(SIZE))
    with pytest.raises(UserError, match=message):
        objective.prepare(student)


def test_a_student_with_dropout() -> None:
    """Eager attention gives the maps that are left of dropout."""
    student = tiny("bert", vocab_size=SIZE, attention_probs_dropout_prob=0.1)
    student.set_attn_implementation("eager")
    for options in ({}, {"attention_maps": 0}, {"attention_maps": 0, "hidden_states": 0, "soft_labels": 1}):
        objective = objective_of(**options)
        objective.learn_from(tiny("bert", vocab_size=SIZE), np.arange(SIZE))
        if options.get("soft_labels"):
            objective.prepare(student)
            continue
        with pytest.raises(
            UserError, match=r"has attention_probs_dropout_prob(.|\n)*config: {attention_probs_dro.*: 0.0}"
        ):
            objective.prepare(student)


def test_nothing_to_learn() -> None:
    with pytest.raises(UserError, match="nothing of the teacher is learnt"):
        objective_of(attention_maps=0, hidden_states=0)


@pytest.mark.slow
def test_a_student_of_half_the_layers_and_fewer_pieces(tmp_path: Path) -> None:
    """From the whole model and its tokenizer by commands to a student: rows by piece, every second layer, phase 1."""
    whole = saved(tmp_path / "teacher")
    texts = write_dataset(tmp_path / "texts", [document_rows(60)], "document").folder
    small = tmp_path / "small"
    asked = ["tokenizer", "trim", SAMPLE, str(texts), "--output", str(tmp_path / "kept.tsv"), "--write", str(small)]
    assert CliRunner().invoke(entry.cli, asked, catch_exceptions=False).exit_code == 0
    folder = packs(60, tokenizer=str(small))
    kept = [int(line.split("\t")[1]) for line in (tmp_path / "kept.tsv").read_text("utf-8").splitlines()[1:]]
    data = [{"folder": str(folder), "objective": "bistil", "teacher": str(whole)}]
    start = {"model": str(whole), "every": 2, "vocabulary": "replaced"}
    given: dict[str, Any] = {
        "start": start,
        "tokenizer": str(small),
        "attention": "eager",
        "data": data,
        "log_every": 1,
    }
    assert train(tmp_path / "begun", **given | {"steps": 0}) == 0
    before, after = (load_file(one / "model.safetensors") for one in (whole, tmp_path / "begun" / "out"))
    name = "bert.embeddings.word_embeddings.weight"
    assert np.array_equal(after[name], before[name][kept])
    assert len(kept) < SIZE
    assert train(tmp_path / "trained", **given | {"steps": 3}) == 0
    lines = [line for line in metrics(tmp_path / "trained") if "loss" in line]
    assert lines[-1]["loss/bistil"] < lines[0]["loss/bistil"]
