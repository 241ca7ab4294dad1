"""The mixes that ship with xlcorpus, by name: YAML files of published systems and the 36 cells of MixCPT."""

from __future__ import annotations

from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import find_yaml, load_yaml, packaged_yaml
from xlcorpus.mix.mixcpt import mixcpt_cells
from xlcorpus.mix.spec import MixSpec, parse_mix


def shipped_mixes() -> dict[str, Location | None]:
    """The file of each shipped mix by name, those in files first; None for the cells of MixCPT, which a table makes."""
    return {**packaged_yaml("xlcorpus.pipelines.recipes", "mixes"), **dict.fromkeys(mixcpt_cells())}


def load_mix(name: str | Location) -> MixSpec:
    """A mix by the path of its YAML file or by name (`umt5`, `L3-Bi+Code-Alt`). Raises UserError naming file and key.

    A file may hold the mix alone, or be a mix's rules without a name: it is called after the file then.
    """
    found = find_yaml(name, "mix", shipped_mixes)
    if found is None:
        return mixcpt_cells()[str(name)]
    content = load_yaml(found)
    if isinstance(content, dict):
        content.setdefault("name", found.stem)
    return parse_mix(content, str(found))
