"""What a recipe may say, and the errors when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rows import pairs, write_dataset
from tests.running import RECIPE, write_recipe
from xlcorpus.errors import UserError
from xlcorpus.recipe.graph import passes_of
from xlcorpus.recipe.load import SYSTEMS, load_recipe, shipped_recipes

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- just\n- a list\n", "a recipe is a mapping .* this is a list"),
        ("plain words", "a recipe is a mapping"),
        ("name: x\n", "`steps` must be a list"),
        ("name: x\nsteps: {step: dedup}\n", "`steps` must be a list"),
        ("name: x\nstepps: []\n", "unknown key 'stepps'; did you mean 'steps'"),
        ("steps: [{step: dedpu}]\n", "no step 'dedpu'; did you mean 'dedup'"),
        ("steps: [{step: ingest, files: x, text_colum: t}]\n", "no option 'text_colum'; did you mean 'text_column'"),
        ("steps: [{step: ingest, files: x}, {step: dedup, threshold: high}]\n", "threshold: .*given: 'high'"),
        ("steps: [{step: ingest, files: x}, {step: dedup, threshold: 1.5}]\n", "threshold: .* less than or equal to 1"),
        ("steps: [{step: ingest, files: x}, {step: mix, ratios: {a: 0.5}}]\n", "sum to 0.5, not 1"),
        ("steps: [{step: ingest, files: x}, {step: mix}]\n", "mix: nothing says what the mixture is"),
        ("steps: [{step: identify}]\n", "is the first step and has no `input:`"),
        ("steps: [{step: ingest}]\n", "needs `files:`"),
        ("steps: [{step: ingest, files: x, input: y}]\n", "ingest has `files:` and `input:`"),
        ("steps: [{step: ingest, files: x}, {step: ingest, files: y}]\n", "two steps have the id 'ingest'"),
        ("steps: [{step: ingest, files: x}, {step: score, input: ingset}]\n", "did you mean 'ingest'"),
        ("steps: [{step: ingest, files: '${smaple}/web'}]\n", "did you mean 'sample'"),
        ("seed: soon\nsteps: [{step: ingest, files: x}]\n", "seed must be a whole number"),
        (BOMB, "recipe.yaml"),
        ("steps: !!python/object/apply:os.system ['true']\n", "recipe.yaml"),
        ("steps: [\n", "recipe.yaml"),
    ],
)
def test_errors_name_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = write_recipe(tmp_path, text)
    with pytest.raises(UserError, match=message):
        load_recipe(str(path))


@pytest.mark.parametrize("second", ["{step: mix, rule: uniform}", "{step: mix, rule: uniform, input: given}"])
def test_the_input_of_a_source_is_raw_or_a_dataset_which_stands_in_its_place(tmp_path: Path, second: str) -> None:
    steps = f"steps:\n  - {{step: ingest, id: given, kind: pairs, input: '${{recipe}}/given'}}\n  - {second}\n"
    path = str(write_recipe(tmp_path, steps))
    raw, mix = load_recipe(path).nodes
    assert (raw.id, raw.files, raw.makes) == ("given", (f"{tmp_path}/given",), "pair")
    assert mix.inputs == (raw,)
    write_dataset(tmp_path / "given", [pairs([("a", "b")], "eng_Latn", "deu_Latn")], "pair")
    (mix,) = load_recipe(path).nodes
    assert mix.inputs == (tmp_path / "given",)


def test_an_unknown_recipe_shows_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'quickstart'"):
        load_recipe("quikstart")


def test_map_steps_fuse_into_one_pass(tmp_path: Path) -> None:
    recipe = load_recipe(str(write_recipe(tmp_path)))
    assert [work.label for work in passes_of(recipe.nodes)] == ["ingest + identify + score + filter", "dedup", "mix"]


def test_a_kept_dataset_and_one_with_two_readers_end_their_pass(tmp_path: Path) -> None:
    kept = load_recipe(str(write_recipe(tmp_path, RECIPE.replace("{step: identify}", "{step: identify, keep: true}"))))
    assert [work.label for work in passes_of(kept.nodes)] == ["ingest + identify", "score + filter", "dedup", "mix"]
    forked = RECIPE.replace("- {step: dedup}", "- {step: dedup, input: score}").replace(
        "max_epochs: 2}", "max_epochs: 2, input: [dedup, filter]}"
    )
    passes = passes_of(load_recipe(str(write_recipe(tmp_path, forked))).nodes)
    assert [work.label for work in passes] == ["ingest + identify + score", "filter", "dedup", "mix"]


def test_settings_change_the_recipe(tmp_path: Path) -> None:
    path = str(write_recipe(tmp_path))
    recipe = load_recipe(path, ["seed=9", "dedup.threshold=0.5", "variables.files=/elsewhere"])
    by_id = {node.id: node for node in recipe.nodes}
    assert recipe.seed == 9
    assert by_id["dedup"].options.model_dump()["threshold"] == 0.5
    assert by_id["ingest"].files == ("/elsewhere",)
    for setting, message in [
        ("dedup.treshold=0.5", "did you mean 'threshold'"),
        ("dedupe.threshold=0.5", "dedup.OPTION"),
        ("seed", "KEY=VALUE"),
        ("dedup..x=1", "KEY=VALUE"),
        ("dedup=1", "the recipe has no such key"),
        ("dedup.threshold.x.y=1", "threshold"),
    ]:
        with pytest.raises(UserError, match=message):
            load_recipe(path, [setting])


def test_every_shipped_recipe_loads() -> None:
    assert "quickstart" in shipped_recipes()
    for name in shipped_recipes():
        if not name.startswith(SYSTEMS):  # these need what the user says: tests/systems
            assert load_recipe(name, ["variables.llm=scripted:x"] if name == "mine" else []).nodes
