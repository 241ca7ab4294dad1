"""Recipes that go on to a model and its evaluation: one command, what is refused before it begins, what it took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import called, write_recipe
from xlcorpus.cli.model import checked_training
from xlcorpus.errors import UserError
from xlcorpus.recipe.load import load_recipe
from xlcorpus.report.costs import Costs

WHOLE = """
name: whole
seed: 3
needs: {steps: how many}
variables: {tokenizer: "${sample}/tokenizer.model"}
steps:
  - {step: ingest, files: "${sample}/web/crawl-01.jsonl"}
  - {step: identify}
  - {step: pack, tokenizer: "${tokenizer}", length: 64, holdout: 20%}
pretrain:
  tokenizer: "${tokenizer}"
  start: {shape: llama, layers: 1, width: 16, heads: 2}
  data: [{folder: "${output}/pack"}]
  batch: 4 rows
  rows: 4
  steps: "${steps}"
evaluate: {bits: "${output}/pack/holdout", rows: 4}
"""
PARTS = ["ingest + identify", "pack", "pretrain", "evaluate", "all"]


def refused(folder: Path, before: str, after: str, *settings: str) -> str:
    """What the recipe says with a part of it exchanged, before anything runs."""
    assert before in WHOLE
    recipe = write_recipe(folder, WHOLE.replace(before, after))
    with pytest.raises(UserError) as caught:
        checked_training(load_recipe(str(recipe), ["variables.steps=2", *settings], data_only=False), folder / "out")
    assert str(recipe) in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
def test_one_command_goes_from_raw_files_to_the_evaluated_model(tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path, WHOLE), tmp_path / "out"
    command = ("run", recipe, "--output", out, "--quiet", "--set", "variables.steps=2")
    planned = called(*command, "--plan")
    assert planned.returncode == 0, planned.stderr
    assert [line[:2] for line in planned.stdout.splitlines()] == ["1.", "2.", "3.", "4."]
    assert not out.exists()

    data = called("run", recipe, "--output", out, "--quiet", "--data-only")  # steps are not asked for
    assert data.returncode == 0, data.stderr
    assert sorted(path.name for path in out.iterdir()) == ["identify", "pack"]

    done = called(*command, "--resume")
    assert done.returncode == 0, done.stderr
    assert "done already" in done.stderr  # the passes
    assert (out / "pretrain" / "model.safetensors").is_file()
    evaluated = json.loads((out / "evaluate" / "evaluation.json").read_text("utf-8"))
    assert evaluated["model"] == str(out / "pretrain")
    assert list(evaluated["bits"]) == [str(out / "pack" / "holdout")]
    table = done.stdout[done.stdout.rindex("what ") :].splitlines()[1:]
    assert [line.rsplit(maxsplit=2)[0] for line in table] == PARTS
    seconds, memory = zip(
        *([float(cell.replace(",", "")) for cell in line.split()[-2:]] for line in table), strict=True
    )
    assert seconds[-1] == pytest.approx(sum(seconds[:-1]), abs=0.3)
    assert memory[-1] == max(memory[:-1]) > 100

    other = called(*command[:-1], "variables.steps=3", "--resume")
    assert other.returncode == 1
    assert "another recipe" in other.stderr


def test_what_training_could_not_do_is_refused_before_the_first_step(tmp_path: Path) -> None:
    assert "no step leaves a dataset 'pak'" in refused(tmp_path, '"${output}/pack"}', '"${output}/pak"}')
    assert "no step leaves a dataset 'ingest'" in refused(tmp_path, '"${output}/pack"}', '"${output}/ingest"}')
    assert "makes no rows of tokens" in refused(tmp_path, '"${output}/pack"}', '"${output}/identify"}')
    assert "no step leaves a dataset 'pakc'" in refused(tmp_path, "pack/holdout", "pakc/holdout")
    view = refused(tmp_path, '"${output}/pack"}', '"${output}/pack", objective: tlm}')
    assert "tlm reads the view tlm, and step 'pack' makes packs" in view
    assert "queue" in refused(tmp_path, '"${output}/pack"}', '"${output}/pack", objective: mlm, queue: 3}')
    assert "maks_share" in refused(tmp_path, '"${output}/pack"}', '"${output}/pack", objective: mlm, maks_share: 3}')
    assert "btach" in refused(tmp_path, "batch:", "btach:")
    assert "--rowz" in refused(tmp_path, "rows: 4}", "rowz: 4}")
    assert "there is no `pretrain`" in refused(tmp_path, WHOLE[WHOLE.index("pretrain:") : WHOLE.index("evaluate:")], "")
    assert "there is no such file" in refused(tmp_path, "{bits:", "{retrieval: nowhere.tsv, bits:")
    assert "no such key" in refused(tmp_path, "name: whole", "name: other", "pretrian.rows=2")
    assert "no step has the id 'pretrain'" in refused(tmp_path, "step: pack,", "step: pack, id: pretrain,")
    assert not (tmp_path / "out").exists()


def test_settings_reach_the_blocks_and_needs_are_asked_for(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, WHOLE)
    settings = ["variables.steps=2", "pretrain.optimizer.lr=1e-2", "pretrain.data.0.weight=2", "evaluate.rows=9"]
    training = checked_training(load_recipe(str(recipe), settings, data_only=False), tmp_path / "out")
    assert training is not None
    (stage,) = training.pretrain.stages
    assert (stage.optimizer.lr, stage.data[0].weight, training.pretrain.seed) == (1e-2, 2.0, 3)
    assert training.evaluate == {"bits": str(tmp_path / "out" / "pack" / "holdout"), "rows": 9}
    with pytest.raises(UserError, match="the recipe needs\n  steps: how many"):
        load_recipe(str(recipe), data_only=False)
    assert load_recipe(str(recipe)).blocks == {}


def test_costs_see_what_is_held_and_let_go() -> None:
    costs = Costs()
    with costs.part("much"):
        held = b"x" * 200_000_000
        len(held)
        del held
    with costs.part("little"):
        pass
    much, little = costs.parts
    assert much.memory - little.memory > 100e6
