"""Files that a recipe names beside its own, as `${recipe}/thresholds/x.yaml`: which, and where a copy has them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError

_BESIDE = re.compile(r"\$\{recipe\}/([^\s,\"']+)")


def beside(content: Any) -> list[str]:
    """What the strings of a recipe name by `${recipe}/`, from the folder of its file; sorted, each once."""
    if isinstance(content, str):
        return sorted(set(_BESIDE.findall(content)))
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return sorted({name for part in parts for name in beside(part)})


def files_of(name: str, file: Location) -> dict[str, Location]:
    """All files of a shipped recipe by their place in a copy: `NAME.yaml` first, the others lie to it as they do here.

    name: with what stands before it (`systems/predictions`). What `${sample}` and the names of mixes mean is no part
    of it: a copy finds it in the package, too.
    """
    folder = posixpath.dirname(name)
    others = {posixpath.normpath(posixpath.join(folder, one)): file.parent / one for one in beside(load_yaml(file))}
    return {f"{name}.yaml": file, **others}


def check_beside(content: Any, name: str, path: Location, shipped: Callable[[], Mapping[str, Location]]) -> None:
    """Raise UserError for a file that is not beside the recipe and is beside shipped ones: the recipe alone was copied.

    content: what of the recipe is read; name: what it calls itself; path: its file; shipped: recipes by
    name, looked for where a file is missing.
    """
    folder = storage.resolve(path).parent
    for one in beside(content):
        if storage.exists(folder / one):
            continue
        owners = [owner for owner, file in shipped().items() if one in beside(load_yaml(file))]
        if owners:
            owner = next((owner for owner in owners if posixpath.basename(owner) == name), owners[0])
            raise UserError(
                f"{path}: it reads ${{recipe}}/{one}, and there is no {folder / one}",
                remedy=f"`xlcorpus recipes copy {owner} DIR` writes that recipe with the files that it reads; or name "
                "a file of yours there",
            )
