"""`xlcorpus recipes`: shipped mixes beside the recipes, listed in groups and printed as YAML that reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from xlcorpus.cli import main as entry
from xlcorpus.cli.recipes import mix_yaml
from xlcorpus.dataset.yaml_file import load_yaml, parse_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.mixcpt import CODE_SHARE, mixcpt_cells, published_tables
from xlcorpus.mix.rule import RULES
from xlcorpus.mix.rules.ratios import Ratios
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.mix.spec import parse_mix
from xlcorpus.pretrain.recipe import shipped_recipes as of_pretraining
from xlcorpus.recipe.load import SYSTEMS, shipped_recipes

FILES = {name: path for name, path in shipped_mixes().items() if path is not None}
CELLS = mixcpt_cells()
CATEGORIES, MODELS = published_tables()["categories"], published_tables()["models"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(entry.cli, ["recipes", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list_names_every_recipe_and_mix_once_in_groups() -> None:
    groups = {
        lines[0]: dict(line.strip().split(": ", 1) for line in lines[1:])
        for lines in (group.splitlines() for group in call("list").split("\n\n"))
    }
    assert len(groups) == 4 + len(MODELS)
    recipes, systems, training, files, *models = groups.values()
    assert [*recipes, *systems] == list(shipped_recipes())
    assert [name.startswith(SYSTEMS) for name in (*recipes, *systems)] == [False] * len(recipes) + [True] * len(systems)
    assert list(training) == list(of_pretraining())
    assert list(files) == list(FILES)
    assert [name for names in models for name in names] == list(CELLS)
    for title, names in zip(list(groups)[4:], models, strict=True):
        assert {CELLS[name].model["base_model"] for name in names} == {title.split()[4]}
    for name, about in {**files, **{k: v for names in models for k, v in names.items()}}.items():
        assert about == load_mix(name).about
        assert len(about) > 30
    assert "xlcorpus run NAME" in next(iter(groups))
    assert all("--mix NAME" in title or "the same" in title for title in list(groups)[3:])


@pytest.mark.parametrize("name", FILES)
def test_a_mix_in_a_file_is_shown_as_it_is(name: str) -> None:
    assert call("show", name) == FILES[name].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_shown_as_yaml_that_is_the_same_mix(name: str, tmp_path: Path) -> None:
    shown = call("show", name)
    path = tmp_path / "mine.yaml"
    path.write_text(shown, encoding="utf-8")
    assert load_mix(path) == CELLS[name]
    content = load_yaml(path)
    category = CATEGORIES[name.rpartition("-")[2]]
    assert content["name"] == name
    assert content["related"] == list(category["related"])
    assert content["model"] == MODELS[name.partition("-")[0]]
    assert content["unit"] == "tokens"
    assert content["missing"] == "fail"
    assert any("arXiv:2504.04152" in source for source in content["sources"])
    assert any("epochs" in line for line in content["open"])
    assert any("share of code is not published" in line for line in content["open"]) == ("+Code" in name)
    assert len(content["mix"]["parts"]) == 1 + ("+Code" in name)
    assert f"related: [{category['related'][0]}, {category['related'][1]}" in shown
    assert max(map(len, shown.splitlines())) <= 120
    assert shown.startswith("# ")


@pytest.mark.parametrize("name", FILES)
def test_any_mix_reads_back_from_its_yaml(name: str) -> None:
    spec = load_mix(name)
    assert parse_mix(parse_yaml(mix_yaml(spec)), name) == spec


def test_values_that_yaml_reads_in_another_way_come_back() -> None:
    """YAML 1.1 and 1.2 differ in `no`, `1e5` and the like; a label may be any of them."""
    content = {
        "name": "no",
        "about": "1e5: [not, a, list] # nor a comment\n- and 'two' lines",
        "sources": ["null", "~", "0o17", "2020-01-01", "ສະບາຍດີ: ນ້ຳ"],
        "open": ["yes"],
        "where": {"source": ["1e5", "true", "12", "<<"]},
        "budget": "1.5M",
        "mix": {"by": "source", "rule": "ratios", "ratios": {"no": "1/3", "1e5": "1/3", "null": "1/3"}},
    }
    spec = parse_mix(content)
    found = parse_mix(parse_yaml(mix_yaml(spec)))
    assert found == spec
    assert found.where.source == ("1e5", "true", "12", "<<")
    assert isinstance(found.mix.rule, Ratios)
    assert list(found.mix.rule.ratios) == ["no", "1e5", "null"]
    assert found.budget == 1_500_000


def test_a_share_of_code_is_shown_exactly() -> None:
    spec = mixcpt_cells("1/7")["L3-Bi+Code-Sel"]
    assert spec.mix.parts is not None
    again = parse_mix(parse_yaml(mix_yaml(spec)))
    assert again.mix.parts is not None
    assert again.mix.parts[1].share == spec.mix.parts[1].share
    assert float(again.mix.parts[1].share) == pytest.approx(1 / 7, abs=1e-8)
    assert float(CODE_SHARE) == 0.1


def test_a_recipe_and_a_file_of_ones_own_are_shown_too(tmp_path: Path) -> None:
    assert call("show", "quickstart") == shipped_recipes()["quickstart"].read_text(encoding="utf-8")
    mine = tmp_path / "umt5"
    mine.write_text("name: mine\nmix: {rule: proportional}\n", encoding="utf-8")
    assert call("show", str(mine)) == mine.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("L3-Bi+code-Alt", "L3-Bi+Code-Alt"), ("umt-5", "umt5"), ("quikstart", "quickstart"), ("xlm-R", "xlm-r")],
)
def test_an_unknown_name_is_an_error_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UserError, match=f"did you mean '{nearest.replace('+', '[+]')}'") as caught:
        CliRunner().invoke(entry.cli, ["recipes", "show", name], catch_exceptions=False)
    assert "xlcorpus recipes list" in str(caught.value)


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no recipe file"):
        CliRunner().invoke(entry.cli, ["recipes", "show", str(tmp_path)], catch_exceptions=False)


@pytest.mark.parametrize("content", [b"", b"a\0b", b"\xfd\xff", "- ёж\n".encode(), "中文".encode("utf-16")])
def test_a_file_of_something_else_is_no_recipe(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(UserError, match="mine"):
        CliRunner().invoke(entry.cli, ["recipes", "show", str(tmp_path / "mine")], catch_exceptions=False)


def test_the_rules_of_mixes_are_listed_with_their_parameters() -> None:
    lines = call("rules").splitlines()
    assert [line.partition(":")[0].partition(",")[0] for line in lines] == sorted(RULES.all)
    assert "exponent, alpha, [limit]: q ∝ n^α; 1 is proportional, 0 uniform" in "\n".join(lines)
