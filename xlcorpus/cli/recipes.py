"""`xlcorpus recipes`: the recipes and mixes that ship with the package."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xlcorpus.dataset.storage import Location
    from xlcorpus.mix.spec import MixSpec

_WIDTH = 110
_NUMBER = re.compile(r"[-+.]?[0-9][-+.0-9eExXoOa-fA-F]*")


@click.group("recipes")
def command() -> None:
    """List, show or copy the shipped recipes and mixes."""


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
    """Print a recipe or a mix, to read it; `recipes copy` writes it with the files that it names.

    \b
    Example:
      xlcorpus recipes show quickstart
      xlcorpus recipes show pretrain/quickstart > train.yaml    # then xlcorpus pretrain train.yaml
      xlcorpus recipes show L3-Mono-Alt > mix.yaml    # then xlcorpus mix web/ --mix mix.yaml
    """
    from xlcorpus.dataset import storage
    from xlcorpus.dataset.yaml_file import parse_yaml, yaml_text
    from xlcorpus.errors import UserError
    from xlcorpus.recipe.beside import beside

    given = storage.locate(name)
    mine = storage.is_file(given)
    file = given if mine else _shipped(name)
    if file is None:
        click.echo(_cell(name), nl=False)
        return
    text = yaml_text(file)
    content = parse_yaml(text, str(file))
    if not isinstance(content, dict):
        raise UserError(f"{file} is no recipe and no mix: it holds no keys", remedy="give the path of a YAML file")
    click.echo(text, nl=False)
    if not mine and beside(content):
        files = ", ".join(beside(content))
        click.echo(f"# It reads {files} beside it: `xlcorpus recipes copy {name} DIR` writes all of them.", err=True)


@command.command("copy")
@click.argument("name")
@click.argument("folder", metavar="DIR")
@click.option("--overwrite", is_flag=True, help="replace files that are there")
def copy(name: str, folder: str, overwrite: bool) -> None:
    """Write a shipped recipe or mix to DIR/NAME.yaml, with the files that it names, to start one of your own from.

    The sample corpus and mixes that it names stay in the package, where the copy finds them.

    \b
    Example:
      xlcorpus recipes copy quickstart mine      # then xlcorpus run mine/quickstart.yaml
      xlcorpus recipes copy pretrain/quickstart mine    # then xlcorpus pretrain mine/pretrain/quickstart.yaml
    """
    from xlcorpus.dataset import storage
    from xlcorpus.errors import UserError
    from xlcorpus.recipe.beside import files_of

    file = _shipped(name)
    if file is None:
        contents = {f"{name}.yaml": _cell(name).encode()}
    else:
        contents = {place: storage.read_bytes(one) for place, one in files_of(name, file).items()}
    places = {storage.locate(folder, place): content for place, content in contents.items()}
    for place, content in places.items():
        same = storage.is_file(place) and storage.read_bytes(place) == content
        if storage.exists(place) and not same and not (overwrite and storage.is_file(place)):
            replaced = ", or replace it with --overwrite" if storage.is_file(place) else ""
            raise UserError(f"{place} is there already, with other content", remedy=f"name another folder{replaced}")
    for place, content in places.items():
        storage.write_bytes(place, content)
        click.echo(str(place))


def _shipped(name: str) -> Location | None:
    """The file of a shipped recipe or mix by its name, None for a cell of MixCPT; raises UserError for other names."""
    from xlcorpus.errors import UserError, nearest
    from xlcorpus.mix.shipped import shipped_mixes
    from xlcorpus.pretrain.recipe import shipped_recipes as of_pretraining
    from xlcorpus.recipe.load import shipped_recipes

    training = {f"pretrain/{one}": path for one, path in of_pretraining().items()}
    known = {**shipped_mixes(), **training, **shipped_recipes()}
    if name not in known:
        raise UserError(
            f"there is no recipe file {name!r} and no shipped recipe or mix of that name; {nearest(name, known)}",
            remedy="`xlcorpus recipes list` names them all",
        )
    return known[name]


def _cell(name: str) -> str:
    """A cell of MixCPT as the text of a file."""
    from xlcorpus.mix.mixcpt import mixcpt_cells

    head = "# Made from the table in xlcorpus/mix/mixcpt.yaml. Saved as a file, it is an input of --mix.\n"
    return head + mix_yaml(mixcpt_cells()[name])


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
