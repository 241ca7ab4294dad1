"""The recipes of published systems: each says what it is, what it needs and what its trainer reads, and loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import called
from tests.systems.corpora import ingested
from xlcorpus.cli.model import checked_training
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.recipe.graph import passes_of
from xlcorpus.recipe.load import SYSTEMS, load_recipe, shipped_recipes
from xlcorpus.sample import sample_folder

RECIPES = {name: path for name, path in shipped_recipes().items() if name.startswith(SYSTEMS)}


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


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A value for all that recipes need: files and datasets of a row each."""
    folder = tmp_path_factory.mktemp("given")
    pair = {"src": "habari za asubuhi", "tgt": "good morning", "src_lang": "swh_Latn", "tgt_lang": "eng_Latn"}
    pairs = ingested(folder / "pairs", iter([pair]), kind="pairs")
    texts = ingested(folder / "texts", iter([{"text": "habari za asubuhi", "lang": "swh_Latn"}]))
    named = {"pairs": pairs, "test": pairs, "model": texts} | dict.fromkeys(
        ("documents", "triples", "chats", "tagged", "captions", "transcripts"), texts
    )
    compared = called("languages", texts, "--output", folder / "languages.json")
    assert compared.returncode == 0, compared.stderr
    sample = sample_folder()
    files = {"tokenizer": sample / "tokenizer.model", "dictionary": sample / "dictionary" / "eng.csv"}
    return {name: str(path) for name, path in (named | files).items()} | {
        "budget": "9k",
        "bytes": "9k",
        "keep": "image",
        "tool": "uroman",
        "mix": "L3-Mono-Alt",
        "ratios": "swh_Latn=1",
        "languages": "diverse:1",
        "features": str(folder / "languages.json"),
        "known": "eng_Latn",
        "new": "swh_Latn",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_loads_with_what_it_needs_and_names_what_it_lacks(name: str, given: dict[str, str]) -> None:
    needs = load_yaml(RECIPES[name])["needs"]
    with pytest.raises(UserError, match="the recipe needs") as caught:
        load_recipe(name)
    content = load_yaml(RECIPES[name])
    reading = str([content["steps"], content.get("variables")])
    needs = [variable for variable in needs if f"${{{variable}}}" in reading]  # what training alone needs is not asked
    assert all(f"--set variables.{variable}=..." in str(caught.value) for variable in needs)
    recipe = load_recipe(name, [f"variables.{variable}={given[variable]}" for variable in needs])
    assert passes_of(recipe.nodes)  # each step reads what the one before it makes


WHOLE = [name for name, path in RECIPES.items() if "pretrain" in load_yaml(path)]


@pytest.mark.parametrize("name", WHOLE)
def test_a_training_is_found_good_before_its_first_step(name: str, given: dict[str, str], tmp_path: Path) -> None:
    """Objectives, their options, the views that they read and the options of the evaluation."""
    needs = load_yaml(RECIPES[name])["needs"]
    settings = [f"variables.{variable}={given[variable]}" for variable in needs]
    training = checked_training(load_recipe(name, settings, data_only=False), tmp_path)
    assert training is not None
    assert training.pretrain.tokenizer in (given["tokenizer"], "bytes")
    assert not list(tmp_path.iterdir())


def test_the_page_names_every_recipe_once_with_what_is_tested() -> None:
    """35 systems, each run by a slow test."""
    page = (Path(__file__).parents[2] / "docs" / "systems.md").read_text(encoding="utf-8")
    table = page[page.index("| system | recipe |") :]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")]
    checked = {row[1]: row[3] for row in rows[2:]}
    assert {SYSTEMS + name for name in checked} == set(RECIPES)
    assert len(rows) - 2 == len(checked) == 35
    tests = "".join(
        path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_*_systems.py"))
    )
    for name, now in checked.items():
        assert now.startswith("by value"), name
        assert f'"{name}"' in tests, name
