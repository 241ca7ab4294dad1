"""A shipped recipe that is copied: all that it reads goes with it, and it makes the same from wherever it is run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.house.pages import blocks
from tests.house.source import ROOT
from tests.running import called, command, invoked, write_recipe
from xlcorpus.cli import main as entry
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.pretrain.recipe import load_recipe as load_training
from xlcorpus.pretrain.recipe import shipped_recipes as of_pretraining
from xlcorpus.recipe.beside import beside, files_of
from xlcorpus.recipe.load import _KEYS, _STEP_KEYS, Recipe, load_recipe, shipped_recipes
from xlcorpus.sample import sample_folder

RECIPES = shipped_recipes()
READERS = [name for name, file in RECIPES.items() if beside(load_yaml(file))]
WEB = str(sample_folder() / "web")
GIVEN = {"llm": "scripted:x", "tokenizer": "bytes", "keep": "label", "budget": "9k", "mix": "L3-Mono-Alt"}


def settings(name: str) -> list[str]:
    """A value for each variable that a recipe needs."""
    return [f"variables.{one}={GIVEN.get(one, WEB)}" for one in load_yaml(RECIPES[name]).get("needs", {})]


def recorded(recipe: Recipe) -> list[object]:
    """What the fingerprints of its datasets are made of, but for the data."""
    steps = [[node.id, node.step.name, node.options.recorded(), node.keep] for node in recipe.nodes]
    models = [node.step.models(node.options) for node in recipe.nodes if node.step.name == "filter"]
    return [recipe.name, recipe.seed, steps, models, [node.files for node in recipe.nodes]]


def copied(name: str, folder: Path, *more: str) -> list[str]:
    """`recipes copy`; the files that it says it wrote, from the folder."""
    done = called("recipes", "copy", name, folder, *more)
    assert done.returncode == 0, done.stderr
    return [Path(line).relative_to(folder).as_posix() for line in done.stdout.splitlines()]


def test_recipes_that_read_files_beside_them_are_among_those_tested() -> None:
    assert {"quickstart", "mine", "systems/predictions", "systems/self-mined", "systems/mixcpt-cleaning"} <= {*READERS}


@pytest.mark.parametrize("name", RECIPES)
def test_all_files_of_a_recipe_stay_inside_the_copy_and_are_there(name: str) -> None:
    for place, file in files_of(name, RECIPES[name]).items():
        assert not place.startswith(("..", "/"))
        assert file.is_file()


@pytest.mark.parametrize("name", READERS)
def test_a_copy_is_the_same_recipe_from_another_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = copied(name, tmp_path / "copy")
    assert places[0] == f"{name}.yaml"
    assert len(places) == 1 + len(beside(load_yaml(RECIPES[name])))
    for place in places:
        text = (tmp_path / "copy" / place).read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert not re.search(r"(?m)[:\s\"'](/[a-z]+){2,}", text)  # no absolute path
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    copy = load_recipe(f"../copy/{name}.yaml", settings(name))
    assert recorded(copy) == recorded(load_recipe(name, settings(name)))
    named = [node.options.thresholds for node in copy.nodes if node.step.name == "filter"]  # type: ignore[attr-defined]
    assert named
    assert all(Path(one).resolve().is_relative_to(tmp_path / "copy") for one in named)


@pytest.mark.parametrize("name", ["quickstart", "langsamp"])
def test_a_recipe_of_training_is_the_same_when_it_is_copied(name: str, tmp_path: Path) -> None:
    assert name in of_pretraining()
    (place,) = copied(f"pretrain/{name}", tmp_path)
    assert place == f"pretrain/{name}.yaml"
    there, here = load_training(name), load_training(str(tmp_path / place))
    assert (here.fingerprint, here.content) == (there.fingerprint, there.content)


@pytest.mark.parametrize("name", ["umt5", "maltese-domains", "L3-Bi+Code-Alt"])
def test_a_mix_is_the_same_when_it_is_copied(name: str, tmp_path: Path) -> None:
    assert name in shipped_mixes()
    assert copied(name, tmp_path) == [f"{name}.yaml"]
    assert load_mix(tmp_path / f"{name}.yaml") == load_mix(name)


def test_what_was_changed_is_replaced_only_when_asked(tmp_path: Path) -> None:
    copied("quickstart", tmp_path)
    assert copied("mine", tmp_path) == ["mine.yaml", "thresholds/quickstart.yaml"]  # the same thresholds: no obstacle
    mine = tmp_path / "thresholds" / "quickstart.yaml"
    mine.write_text("default: {}\n", encoding="utf-8")
    (tmp_path / "quickstart.yaml").unlink()
    with pytest.raises(UserError, match=r"thresholds/quickstart\.yaml is there already.*\n.*--overwrite"):
        invoked(entry.cli, "recipes", "copy", "quickstart", tmp_path)
    assert not (tmp_path / "quickstart.yaml").exists()  # all or nothing
    assert mine.read_text(encoding="utf-8") == "default: {}\n"
    copied("quickstart", tmp_path, "--overwrite")
    assert mine.read_bytes() == (RECIPES["quickstart"].parent / "thresholds" / "quickstart.yaml").read_bytes()


def test_a_folder_in_the_way_and_a_name_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "quickstart.yaml").mkdir()
    with pytest.raises(UserError, match="is there already"):
        invoked(entry.cli, "recipes", "copy", "quickstart", tmp_path, "--overwrite")
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        invoked(entry.cli, "recipes", "copy", "quikstart", tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = called("recipes", "copy", "umt5", tmp_path / "file")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "remedy" in done.stderr


def test_show_says_what_it_reads_beside_the_yaml_and_not_in_it() -> None:
    done = called("recipes", "show", "quickstart")
    assert done.stdout == RECIPES["quickstart"].read_text(encoding="utf-8")
    assert "thresholds/quickstart.yaml" in done.stderr
    assert "`xlcorpus recipes copy quickstart DIR`" in done.stderr
    assert called("recipes", "show", "pretrain/quickstart").stderr == ""


def test_a_recipe_without_its_files_names_the_remedy(tmp_path: Path) -> None:
    shutil.copy(RECIPES["mine"], tmp_path / "my.yaml")
    with pytest.raises(UserError, match=r"reads \$\{recipe\}/thresholds/quickstart.yaml") as caught:
        load_recipe(str(tmp_path / "my.yaml"), settings("mine"))
    assert "`xlcorpus recipes copy mine DIR`" in str(caught.value)
    system = tmp_path / "self.yaml"
    shutil.copy(RECIPES["systems/self-mined"], system)
    with pytest.raises(UserError, match="recipes copy systems/self-mined DIR"):
        load_recipe(str(system), settings("systems/self-mined"))
    # What is not read is not looked for, and what no shipped recipe has is no matter of theirs.
    thresholds = RECIPES["quickstart"].parent / "thresholds" / "mined-pairs.yaml"
    load_recipe(str(system), [*settings("systems/self-mined"), f"variables.thresholds={thresholds}"])
    own = "steps: [{step: ingest, files: '${recipe}/later'}]\n"
    assert load_recipe(str(write_recipe(tmp_path, own))).nodes[0].files == (f"{tmp_path}/later",)


def test_the_page_of_recipes_names_every_key_and_its_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    first, second = re.findall(r"\| --- \| --- \|\n((?:\|.*\n)+)", page)

    def keys(table: str) -> list[str]:
        return re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()))

    assert sorted(keys(first)) == sorted(_KEYS)
    assert sorted(keys(second)) == sorted(_STEP_KEYS)
    monkeypatch.chdir(tmp_path)
    for line in [line for _, code in blocks("recipes.md", "bash") for line in code.splitlines()]:
        done = called(*line.partition("#")[0].split()[1:])
        assert done.returncode == 0, done.stderr
    ((_, example),) = blocks("recipes.md", "yaml")
    own = write_recipe(tmp_path / "mine", example)
    planned = called("run", own, "--plan")
    assert planned.returncode == 0, planned.stderr
    assert [node.id for node in load_recipe(str(own)).nodes] == [
        "ingest",
        "identify",
        "score",
        "filter",
        "code-files",
        "dedup",
    ]


@pytest.mark.slow
def test_a_copy_of_the_quickstart_makes_the_same_bytes(tmp_path: Path) -> None:
    copied("quickstart", tmp_path / "mine")
    (tmp_path / "cwd").mkdir()
    for number, name in enumerate(["quickstart", "../mine/quickstart.yaml"]):
        done = command("run", name, "--output", tmp_path / str(number), "--quiet", cwd=tmp_path / "cwd")
        assert done.returncode == 0, done.stderr
    names = sorted(one.name for one in (tmp_path / "0").iterdir() if one.is_dir())
    assert {"filter", "dedup", "romanize", "codeswitch", "code", "mix", "pack"} <= {*names}
    for name in names:
        there, here = (Dataset.open(tmp_path / one / name).manifest for one in "01")
        assert here.fingerprint == there.fingerprint, name
        assert here.content_fingerprint == there.content_fingerprint, name
