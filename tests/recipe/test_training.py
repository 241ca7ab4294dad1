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
    assert [line.rsplit(maxsplit=3)[0] for line in table] == PARTS
    seconds, cpu, memory = zip(
        *([float(cell.replace(",", "")) for cell in line.split()[-3:]] for line in table), strict=True
    )
    for one in (seconds, cpu):
        assert one[-1] == pytest.approx(sum(one[:-1]), abs=0.3)
    assert memory[-1] == max(memory[:-1]) > 100

    other = called(*command[:-1], "variables.steps=3", "--resume")
    assert other.returncode == 1
    assert "another recipe" in other.stderr


PACK, START = '{folder: "${output}/pack"}', "{shape: llama, layers: 1, width: 16, heads: 2}"
OFA = '{model: "${sample}", new_rows: {method: ofa, languages: [eng_Latn], texts: ["${output}/%s"]}}'


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        # folders of the output that no step makes, and what lies elsewhere and is not there
        (PACK, '{folder: "${output}/pak"}', "no step leaves a dataset 'pak'"),
        (PACK, '{folder: "${output}/ingest"}', "no step leaves a dataset 'ingest'"),
        (PACK, '{folder: "${output}"}', "no step leaves a dataset '.'"),
        (PACK, '{folder: "${output}/pack/data"}', "step 'pack' leaves no 'data'"),
        (PACK, "{folder: nowhere}", "nowhere is not there"),
        (PACK, '{folder: "${output}/pack", holdout: "${output}/pakc/holdout"}', "holdout: no step leaves a dataset"),
        (PACK, '{folder: "${output}/pack", holdout: nowhere}', "holdout: nowhere is not there"),
        (PACK, '{folder: "${output}/pack", objective: bistil, teacher: nowhere}', "teacher: nowhere is not there"),
        (", holdout: 20%", "", "evaluate: bits: step 'pack' leaves no 'holdout'"),
        ("pack/holdout", "pakc/holdout", "no step leaves a dataset 'pakc'"),
        (START, "{model: nowhere}", "start: model: nowhere is not there"),
        (START, '{model: "${output}/pretrain"}', "start: model: no step leaves a dataset 'pretrain'"),
        (START, OFA % "identfy", "new_rows: texts: no step leaves a dataset 'identfy'"),
        ('tokenizer: "${tokenizer}"\n  start', "tokenizer: nowhere\n  start", "there is no tokenizer nowhere"),
        ("{bits:", "{retrieval: nowhere.tsv, bits:", "there is no such file"),
        # what does not go together
        (PACK, '{folder: "${output}/identify"}', "makes no rows of tokens"),
        (PACK, '{folder: "${output}/pack", objective: tlm}', "tlm reads the view tlm, and step 'pack' makes packs"),
        (PACK, '{folder: "${output}/pack", objective: mlm, queue: 3}', "queue"),
        (PACK, '{folder: "${output}/pack", objective: mlm, maks_share: 3}', "maks_share"),
        (PACK, PACK + ", " + PACK.replace("}", ", objective: mlm}"), "mlm trains an AutoModelForMaskedLM, clm"),
        ("batch:", "schedule: {warmup: 50}\n  batch:", "the warm-up takes 50 steps, and there are 2"),
        # keys
        ("batch:", "btach:", "btach"),
        ("batch:", "seed: 3\n  batch:", "pretrain: `seed` is the whole recipe's"),
        ("batch:", "name: other\n  batch:", "pretrain: `name` is the whole recipe's"),
        ("rows: 4}", "rowz: 4}", "--rowz"),
        ("rows: 4}", "4: 4}", "No such option"),
        ("rows: 4}", "output: elsewhere}", "output is not the recipe's to say"),
        ("rows: 4}", "overwrite: true}", "overwrite is not the recipe's to say"),
        ("step: pack,", "step: pack, id: pretrain,", "no step has the id 'pretrain'"),
        # an evaluation of nothing
        (WHOLE[WHOLE.index("pretrain:") : WHOLE.index("evaluate:")], "", "there is no `pretrain`"),
        ('{bits: "${output}/pack/holdout", rows: 4}', "{}", "nothing is asked for"),
        ('{bits: "${output}/pack/holdout", rows: 4}', "{rows: 4}", "nothing is asked for"),
        ("rows: 4}", "related: hin}", "--related compares with an evaluation before"),
    ],
)
def test_what_training_could_not_do_is_refused_before_the_first_step(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    assert message in refused(tmp_path, before, after)
    assert not (tmp_path / "out").exists()


def test_what_a_step_makes_may_be_what_a_model_begins_with(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, WHOLE.replace(START, OFA % "identify"))
    training = checked_training(load_recipe(str(recipe), ["variables.steps=2"], data_only=False), tmp_path / "out")
    assert training is not None
    assert training.pretrain.start.new_rows == {
        "method": "ofa",
        "languages": ["eng_Latn"],
        "texts": [str(tmp_path / "out" / "identify")],
    }


def test_settings_reach_the_blocks_and_needs_are_asked_for(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, WHOLE)
    settings = ["variables.steps=2", "pretrain.optimizer.lr=1e-2", "pretrain.data.0.weight=2", "evaluate.rows=9"]
    training = checked_training(load_recipe(str(recipe), settings, data_only=False), tmp_path / "out")
    assert training is not None
    (stage,) = training.pretrain.stages
    assert (stage.optimizer.lr, stage.data[0].weight, training.pretrain.seed) == (1e-2, 2.0, 3)
    assert training.evaluate == {"bits": str(tmp_path / "out" / "pack" / "holdout"), "rows": 9}
    for setting, message in (("pretrian.rows=2", "no such key"), ("pretrain.seed=4", "`seed` is the whole recipe's")):
        with pytest.raises(UserError, match=message):
            checked_training(
                load_recipe(str(recipe), ["variables.steps=2", setting], data_only=False), tmp_path / "out"
            )
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
