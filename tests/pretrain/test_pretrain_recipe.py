"""Recipes of training: what is read, and what is refused with file, place and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from xlcorpus.errors import UserError
from xlcorpus.pretrain.recipe import ScheduleOptions, load_recipe, shipped_recipes

GOOD: dict[str, Any] = {
    "tokenizer": "t.model",
    "start": {"shape": "llama"},
    "data": [{"folder": "packs", "objective": "mlm", "mask_share": 0.2}],
    "batch": "64k",
    "budget": "1M",
}


def write(folder: Path, content: Any) -> str:
    path = folder / "my.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_what_is_said_and_what_is_not(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, GOOD))
    (stage,) = recipe.stages
    assert (recipe.name, recipe.seed, stage.name) == ("my", 0, "train")
    assert (stage.batch, stage.budget, stage.steps) == (64_000, 1_000_000, None)
    assert stage.data[0].options == {"mask_share": 0.2}
    assert (stage.optimizer.lr, stage.schedule.name, stage.precision) == (3e-4, "cosine", "fp32")
    assert stage.schedule.warmup_steps(1000) == 20


def test_settings_and_variables(tmp_path: Path) -> None:
    content = GOOD | {"variables": {"home": "data", "packs": "${home}/packs"}, "tokenizer": "${recipe}/t"}
    content["data"] = [{"folder": "${packs}"}, {"folder": "${packs}/2"}]
    settings = ["variables.home=other", "optimizer.lr=1e-3", "data.1.weight=2", "seed=9", "schedule.name=wsd"]
    recipe = load_recipe(write(tmp_path, content), settings)
    (stage,) = recipe.stages
    assert [(one.folder, one.weight) for one in stage.data] == [("other/packs", 1.0), ("other/packs/2", 2.0)]
    assert (recipe.seed, stage.optimizer.lr, stage.schedule.name) == (9, 1e-3, "wsd")
    assert recipe.tokenizer == f"{tmp_path}/t"


def test_stages_take_over_what_they_do_not_say(tmp_path: Path) -> None:
    stages = [
        {"name": "base", "freeze": "body", "steps": 5, "optimizer": {"lr": 1e-2}},
        {"data": [{"folder": "mix"}]},
    ]
    recipe = load_recipe(write(tmp_path, GOOD | {"optimizer": {"clip": 0.5}, "stages": stages}))
    base, mix = recipe.stages
    assert (base.name, base.freeze, base.steps, base.budget) == ("base", "body", 5, None)
    assert (base.optimizer.lr, base.optimizer.clip) == (1e-2, 0.5)
    assert (mix.name, mix.freeze, mix.budget, mix.optimizer.lr) == ("stage-2", "none", 1_000_000, 3e-4)
    assert [one.folder for one in (*base.data, *mix.data)] == ["packs", "mix"]


def test_a_stage_with_another_schedule_takes_over_what_belongs_to_it(tmp_path: Path) -> None:
    stages = [{}, {"schedule": {"name": "constant"}, "optimizer": {"name": "adafactor"}}, {"schedule": {"min_lr": 0}}]
    blocks = {"schedule": {"name": "wsd", "decay": 0.5, "warmup": 7}, "optimizer": {"lr": 0.1, "eps": 1e-6}}
    first, second, third = load_recipe(write(tmp_path, GOOD | blocks | {"stages": stages})).stages
    assert (first.schedule.decay, first.optimizer.eps) == (0.5, 1e-6)
    assert (second.schedule.model_fields_set, second.schedule.warmup) == ({"name", "warmup"}, 7)
    assert (second.optimizer.model_fields_set, second.optimizer.lr) == ({"name", "lr"}, 0.1)
    assert (third.schedule.decay, third.schedule.min_lr) == (0.5, 0)


def test_how_the_same_steps_are_done_is_no_part_of_the_recipe(tmp_path: Path) -> None:
    def fingerprint(**changes: Any) -> str:
        return load_recipe(write(tmp_path, {**GOOD, **changes})).fingerprint

    same = {"rows": 2, "workers": 3, "log_every": 1, "checkpoints": {"every": 7}, "evaluation": {"every": 2}}
    assert fingerprint(**same) == fingerprint()
    others: list[dict[str, Any]] = [{"seed": 1}, {"batch": 1}, {"optimizer": {"lr": 1}}, {"freeze": "body"}]
    assert len({fingerprint(), *(fingerprint(**one) for one in others)}) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": {"lr": 1}}, "unknown key 'optimiser'; did you mean 'optimizer'"),
        ({"optimizer": {"lr": -1}}, "optimizer: lr: input should be greater than 0"),
        ({"optimizer": {"lrr": 1}}, "optimizer has no option 'lrr'; did you mean 'lr'"),
        ({"schedule": 3}, "schedule must be a mapping"),
        ({"schedule": {"name": "cosin"}}, "schedule: name: input should be 'cosine'"),
        ({"data": []}, "data must be a list"),
        ({"data": [{"foldr": "x"}]}, "data 1: there is no `folder`; did you mean 'folder'"),
        ({"data": [{"folder": "x", "weight": 0}]}, "data 1: data: weight: input should be greater"),
        ({"data": None}, "there is no `data`"),
        ({"batch": "1.5 rows"}, "batch '1.5' is no whole number"),
        ({"batch": "1.2345k"}, "batch '1.2345k' is no whole number"),
        ({"batch_in": "rows"}, "unknown key 'batch_in'"),
        ({"stages": [{"batch_in": "rows"}]}, "stage 1: unknown key 'batch_in'"),
        ({"start": {"shape": "llama", "layer": 3}}, "start has no option 'layer'; did you mean 'layers'"),
        ({"start": {"shape": "llama", "layers": 0}}, "start: layers: input should be greater"),
        ({"start": {"model": "base", "heads": 2}}, "--heads is an option of --shape"),
        ({"schedule": {"warmup": 1.5}}, "warmup 1.5 is no whole number of steps"),
        ({"schedule": {"decay": 0.5}}, "--decay is an option of --name wsd; this is --name cosine"),
        ({"optimizer": {"name": "adafactor", "eps": 1e-6}}, "--eps is an option of --name adamw"),
        ({"rows": True}, "rows: True is no number"),
        ({"name": "a/b"}, "name 'a/b' is no name of a folder"),
        ({"variables": {"x": [1]}}, "variables: x is no text"),
        ({"batch": "many"}, "batch 'many' is not a size"),
        ({"steps": 3}, "`budget` .tokens. or `steps` must be given, and not both"),
        ({"budget": None}, "`budget` .tokens. or `steps` must be given, and not both"),
        ({"start": "llama"}, "start must be a mapping"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": -1}, "seed -1 is not between 0 and 4294967295"),
        ({"seed": 1 << 32}, "seed 4294967296 is not between"),
        ({"optimizer": {"betas": [0.9, 1]}}, "optimizer: betas.1: input should be less than 1"),
        ({"optimizer": {"lr": float("inf")}}, "optimizer: lr: input should be a finite number"),
        ({"data": [{"folder": "x", "weight": 1e308}]}, "weight: input should be less than or equal to"),
        ({"stages": [{"name": "../x"}]}, r"stage: name: string should match pattern '\^\[A-Za-z0-9\]"),
        ({"stages": []}, "`stages` must be a list"),
        ({"stages": [{"name": "a"}, {"name": "a"}]}, "two stages have the name 'a'"),
        ({"stages": [{"rows": 0}]}, "stage 1: a stage: rows: input should be greater than or equal to 1"),
        ({"steps": [{"step": "dedup"}]}, "this is a recipe of steps"),
        ({"tokenizer": "${t}"}, r"the variable \$\{t\} is not set"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    content = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(UserError, match=f"my.yaml.*{message}") as refused:
        load_recipe(write(tmp_path, content))
    assert refused.value.remedy


@pytest.mark.parametrize("setting", ["lr", "data.5.weight=1", "seed.x=1", "optimizer.lr.x=1"])
def test_settings_that_lead_nowhere(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UserError, match="--set"):
        load_recipe(write(tmp_path, GOOD | {"optimizer": {"lr": 1}, "seed": 1}), [setting])


def test_a_warm_up_and_a_decay_that_do_not_fit_are_refused() -> None:
    assert ScheduleOptions(warmup=5).warmup_steps(10) == 5
    assert ScheduleOptions(name="wsd", warmup=0.5, decay=0.5).warmup_steps(3) == 2  # one too many by rounding
    with pytest.raises(UserError, match="the warm-up takes 20 steps, and there are 10"):
        ScheduleOptions(warmup=20).warmup_steps(10)
    with pytest.raises(UserError, match="takes 5 steps and the decay 8, and there are 10"):
        ScheduleOptions(name="wsd", warmup=5, decay=0.8).warmup_steps(10)


def test_yaml_errors_name_the_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"my.yaml, line 2"):
        load_recipe(write(tmp_path, "name: x\ndata: @x\n"))
    with pytest.raises(UserError, match=r"no pretraining recipe file 'quikstart'.*did you mean 'quickstart'"):
        load_recipe("quikstart")


def test_shipped_ones_are_read() -> None:
    for name in shipped_recipes():
        recipe = load_recipe(name)
        assert recipe.about
        json.dumps(recipe.content)
        assert load_recipe(f"pretrain/{name}") == recipe  # as `recipes show` names it
