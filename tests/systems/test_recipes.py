"""The recipes of published systems: each says what it is, what it needs and what its trainer reads, and loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.recipe.load import SYSTEMS, load_recipe, shipped_recipes
from xlcorpus.sample import sample_folder

RECIPES = {name: path for name, path in shipped_recipes().items() if name.startswith(SYSTEMS)}
GIVEN = {"tokenizer": str(sample_folder() / "tokenizer.model"), "budget": "10k", "bytes": "10k"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is(name: str) -> None:
    content = load_yaml(RECIPES[name])
    assert SYSTEMS + content["name"] == name
    assert len(content["about"]) > 60
    assert all(len(source) > 20 for source in content["sources"])
    assert all(content[key] for key in ("sources", "gives", "needs"))
    used = RECIPES[name].read_text(encoding="utf-8")
    for variable in (*content["needs"], *(content.get("variables") or {})):
        assert f"${{{variable}}}" in used


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_loads_with_what_it_needs_and_names_what_it_lacks(name: str, tmp_path: Path) -> None:
    needs = load_yaml(RECIPES[name])["needs"]
    with pytest.raises(UserError, match="the recipe needs") as caught:
        load_recipe(name)
    assert all(f"--set variables.{variable}=..." in str(caught.value) for variable in needs)
    (tmp_path / "raw.jsonl").write_text('{"text": "habari za asubuhi"}\n', encoding="utf-8")
    given = {variable: GIVEN.get(variable, str(tmp_path / "raw.jsonl")) for variable in needs}
    if "pairs" in needs:  # a dataset alone will do
        return
    recipe = load_recipe(name, [f"variables.{variable}={value}" for variable, value in given.items()])
    assert recipe.nodes
