"""`xlcorpus recipes`: the recipes and mixes that ship with the package."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xlcorpus.mix.spec import MixSpec

_WIDTH = 110
_NUMBER = re.compile(r"[-+.]?[0-9][-+.0-9eExXoOa-fA-F]*")


@click.group("recipes")
def command() -> None:
    """List or show the shipped recipes and mixes."""


@command.command("list")
def list_recipes() -> None:
    """Name and purpose of each shipped recipe and of each mix."""
    from xlcorpus.dataset.yaml_file import load_yaml
    from xlcorpus.mix.mixcpt import mixcpt_cells
    from xlcorpus.mix.shipped import load_mix, shipped_mixes
    from xlcorpus.pretrain.recipe import shipped_recipes as of_pretraining
    from xlcorpus.recipe.load import SYSTEMS, shipped_recipes

    of_steps = {name: load_yaml(path)["about"] for name, path in shipped_recipes().items()}
    groups = {
        "recipes (xlcorpus run NAME)": [one for one in of_steps.items() if not one[0].startswith(SYSTEMS)],
        "recipes of published systems (xlcorpus run NAME; `recipes show NAME` says what each needs)": [
            one for one in of_steps.items() if one[0].startswith(SYSTEMS)
        ],
        "recipes of training (xlcorpus pretrain NAME)": [
            (name, load_yaml(path)["about"]) for name, path in of_pretraining().items()
        ],
        "mixes (xlcorpus mix INPUT... --mix NAME)": [
            (name, load_mix(path).about) for name, path in shipped_mixes().items() if path is not None
        ],
    }
    for name, spec in mixcpt_cells().items():
        groups.setdefault(f"mixes of MixCPT for {spec.model['base_model']} (the same)", []).append((name, spec.about))
    for number, (title, lines) in enumerate(groups.items()):
        click.echo(("\n" if number else "") + title)
        for name, about in lines:
            click.echo(f"  {name}: {' '.join(about.split())}")


@command.command("rules")
def list_rules() -> None:
    """Name, parameters and formula of each rule that a mix may use."""
    from xlcorpus.mix.rule import rule_lines

    for line in rule_lines():
        click.echo(line)


@command.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Print a recipe or a mix, to start one of your own from.

    \b
    Example:
      xlcorpus recipes show quickstart > my.yaml      # then xlcorpus run my.yaml
      xlcorpus recipes show pretrain/quickstart > train.yaml    # then xlcorpus pretrain train.yaml
      xlcorpus recipes show L3-Mono-Alt > mix.yaml    # then xlcorpus mix web/ --mix mix.yaml
    """
    from xlcorpus.dataset import storage
    from xlcorpus.dataset.yaml_file import parse_yaml, yaml_text
    from xlcorpus.errors import UserError, nearest
    from xlcorpus.mix.mixcpt import mixcpt_cells
    from xlcorpus.mix.shipped import shipped_mixes
    from xlcorpus.pretrain.recipe import shipped_recipes as of_pretraining
    from xlcorpus.recipe.load import shipped_recipes

    recipes, mixes = shipped_recipes(), shipped_mixes()
    recipes |= {f"pretrain/{one}": path for one, path in of_pretraining().items()}
    given = storage.locate(name)
    file = given if storage.is_file(given) else recipes.get(name) or mixes.get(name)
    if file is not None:
        text = yaml_text(file)
        if not isinstance(parse_yaml(text, str(file)), dict):
            raise UserError(f"{file} is no recipe and no mix: it holds no keys", remedy="give the path of a YAML file")
        click.echo(text, nl=False)
    elif name in mixes:
        click.echo("# Made from the table in xlcorpus/mix/mixcpt.yaml. Saved as a file, it is an input of --mix.")
        click.echo(mix_yaml(mixcpt_cells()[name]), nl=False)
    else:
        raise UserError(
            f"there is no recipe file {name!r} and no shipped recipe or mix of that name; "
            f"{nearest(name, [*recipes, *mixes])}",
            remedy="`xlcorpus recipes list` names them all",
        )


def mix_yaml(spec: MixSpec) -> str:
    """A mix as YAML that `load_mix` reads back as the same mix; lists of labels stand in lines, citations below."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    def in_lines(dumper: yaml.SafeDumper, values: Iterable[str]) -> yaml.Node:
        found = list(values)
        labels = all(isinstance(value, str) and " " not in value and "/" not in value for value in found)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", found, flow_style=labels)

    def quoted(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        # PyYAML writes YAML 1.1, where 1e5 and 0o17 are strings; `load_yaml` reads 1.2, where they are numbers.
        style = "'" if _NUMBER.fullmatch(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(list, in_lines)
    Dumper.add_representer(str, quoted)
    content = {"name": spec.name, **spec.to_json(), "unit": spec.unit, "missing": spec.missing}
    content["mix"] = content.pop("mix")  # the rules last, below what they count in
    return yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
