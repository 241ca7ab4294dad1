"""The four steps of mining as a recipe: words, weak pairs, candidates, pairs, a dataset each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlcorpus.beam.step import Step
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.dataset.yaml_file import setting_of
from xlcorpus.errors import UserError
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.options import AskOptions
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step

STEPS = {"words": "mine-words", "weak": "mine-weak", "candidates": "mine-pairs", "pairs": "mine-select"}
WORDS, WEAK, CANDIDATES, PAIRS = STEPS  # names of nodes and of their folders


def nodes_of_mining(
    inputs: Sequence[str], options: Mapping[str, Any], settings: Sequence[str] = (), where: str = "xlcorpus mine"
) -> tuple[Node, ...]:
    """The nodes of mining over datasets of documents. options: by name, each for all steps that have it; settings:
    `weak.least_translated=0.3`, for one. With dictionaries no words are mined. Raises UserError.
    """
    given = tuple(locate(name) for name in inputs)
    for folder in given:
        if not is_dataset(folder):
            raise UserError(
                f"{folder} is no dataset; mining reads documents whose languages are known",
                remedy="make one: xlcorpus ingest FILES --output raw, xlcorpus identify raw --output documents",
            )
    own, options = _by_step(settings), {**options, "pair": str(LanguagePair.parse(options["pair"]))}
    mines_words = not (options.get("dictionary") or own[WEAK].get("dictionary"))
    made: dict[str, Node] = {}

    def node(name: str, *more: Node | Location) -> None:
        step = find_step(STEPS[name])
        shared = {"pair", *AskOptions.model_fields} if name == WORDS else {*step.options.model_fields}
        values = {key: value for key, value in options.items() if key in shared} | own[name]
        if name == WEAK and values.get("unknown") != "ask":
            values = {key: value for key, value in values.items() if key not in AskOptions.model_fields}
        made[name] = Node(name, step, make_options(step, values, where), more)

    if mines_words:
        node(WORDS, *given)
    elif own[WORDS]:
        raise UserError("--set words...: no words are mined where there is a dictionary", remedy="leave out one")
    node(WEAK, *given, *(made[one] for one in (WORDS,) if one in made))
    node(CANDIDATES, *given, made[WEAK])
    node(PAIRS, made[CANDIDATES])
    return tuple(made.values())


def _by_step(settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Values by name of node and of option."""
    found: dict[str, dict[str, Any]] = {name: {} for name in STEPS}
    for setting in settings:
        path, value = setting_of(setting, "weak.least_translated=0.3")
        if len(path) != 2 or path[0] not in STEPS:
            raise UserError(
                f"--set {'.'.join(path)}: there is no such option of a step",
                remedy=f"write STEP.OPTION=VALUE; the steps are {', '.join(STEPS)}",
            )
        found[path[0]][path[1]] = value
    return found


def options_of_mining() -> dict[str, Any]:
    """Fields by name that the command has options for: those of most use of each step, once."""
    steps: list[Step] = [find_step(STEPS[name]) for name in (CANDIDATES, WEAK, PAIRS)]
    names = {
        CANDIDATES: ("pair", *AskOptions.model_fields, "sentences", "shots", "rounds", "new_tokens", "embedder", "tau"),
        WEAK: ("dictionary", "unknown", "least_translated", "sentence_breaker"),
        PAIRS: ("most_length_ratio", "most_disagreement", "lid", "examples", "keep_all"),
    }
    return {
        name: step.options.model_fields[name]
        for step, key in zip(steps, (CANDIDATES, WEAK, PAIRS), strict=True)
        for name in names[key]
    }
