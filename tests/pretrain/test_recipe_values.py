"""Every key of a recipe with values that it may not have: refused with file and key, or kept as they were given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pretrain.test_pretrain_recipe import GOOD, write
from xlcorpus.errors import UserError
from xlcorpus.initialize.options import StartOptions
from xlcorpus.pretrain.recipe import (
    CheckpointOptions,
    DataOptions,
    EvaluationOptions,
    OptimizerOptions,
    Recipe,
    ScheduleOptions,
    StageOptions,
    load_recipe,
)

WRONG: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 1.5, 2.5e-3, 1e300, 2**70, -0.25, float("inf"), float("nan"),
    "", "no", "../x", "1.5", "8", [], [1], [True, 0.5], {}, {"x": 1}, {1: 2},
)  # fmt: skip
BLOCKS = {
    "optimizer": OptimizerOptions,
    "schedule": ScheduleOptions,
    "evaluation": EvaluationOptions,
    "checkpoints": CheckpointOptions,
    "start": StartOptions,
}
KEYS = [
    *[(name,) for name in ("name", "about", "seed", "variables", "tokenizer", "start", "stages", "data")],
    *[(name,) for name in StageOptions.model_fields if name not in ("name", "data", "batch_in")],
    *[(block, name) for block, kind in BLOCKS.items() for name in kind.model_fields],
    *[("data", 0, name) for name in DataOptions.model_fields if name != "options"],
    *[("stages", 0, name) for name in ("name", "data", "rows", "batch", "budget", "optimizer", "trainer")],
]
WITH = {  # what a key belongs to
    ("schedule", "decay"): {"name": "wsd"},
    ("start", "revision"): {"hub": "org/name", "shape": None},
    ("start", "hub"): {"revision": "0" * 40, "shape": None},
    ("start", "model"): {"shape": None},
    ("start", "new_rows"): {"model": "base", "shape": None},
    ("start", "old_tokenizer"): {"model": "base", "shape": None},
}


def recipe_with(key: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """GOOD with a value at a key."""
    content: dict[str, Any] = {**GOOD, "start": {"shape": "llama"}, "data": [{"folder": "packs"}]}
    if key[-1] == "steps":
        del content["budget"]
    if key[0] == "stages":
        content["stages"] = [{}]
    place: Any = content
    for one in key[:-1]:
        place = place.setdefault(one, {}) if isinstance(place, dict) else place[one]
    if len(key) > 1:
        beside = WITH.get(key, {})
        place.update(beside)
        for name in [name for name, own in beside.items() if own is None]:
            del place[name]
    place[key[-1]] = value
    return content


def read_at(recipe: Recipe, key: tuple[Any, ...]) -> Any:
    """What was read at a key."""
    first, *rest = key
    place: Any = recipe if first in ("name", "about", "seed", "tokenizer", "start") else recipe.stages[0]
    for one in rest[1:] if first == "stages" else key:
        place = place[one] if isinstance(one, int) else getattr(place, one)
    return place


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(map(str, key)))
def test_a_value_is_refused_by_its_key_or_kept_as_it_is(tmp_path: Path, key: tuple[Any, ...]) -> None:
    kept = []
    for value in WRONG:
        path = write(tmp_path, recipe_with(key, value))
        recipe = read_or_refused(path)
        if isinstance(recipe, UserError):
            assert path in recipe.message, value
            names = {one.removesuffix("s").replace("_", "-") for one in key if isinstance(one, str)}
            assert any(name in recipe.message.replace("_", "-") for name in names), (value, recipe.message)
            assert recipe.remedy
            continue
        kept.append(value)
        if key == ("variables",):
            assert value is None or isinstance(value, dict)
        else:
            _same(read_at(recipe, key), value)
    assert len(kept) < len(WRONG)


def read_or_refused(path: str) -> Recipe | UserError:
    """The recipe, or why there is none."""
    try:
        return load_recipe(path)
    except UserError as error:
        return error


def _same(found: Any, given: Any) -> None:
    if hasattr(found, "model_dump"):
        found = found.model_dump(exclude_unset=True)
    if isinstance(found, (bool, int, float)) and isinstance(given, str):
        assert {"no": False}.get(given) is found or float(given) == found
    elif isinstance(found, tuple):
        assert list(found) == list(given)
    elif isinstance(found, str) and not isinstance(given, str):
        assert found == str(given)
        assert not isinstance(given, bool)
    else:
        assert found == given
        assert isinstance(found, bool) == isinstance(given, bool) or found in (0, 1)
