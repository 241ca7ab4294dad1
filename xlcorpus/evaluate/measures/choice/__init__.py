"""`--choice`: of several texts the one that a model finds likeliest, with exemplars or without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Rows, Say, cell
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.choice.items import Items
    from xlcorpus.evaluate.models import TrainedModel

_NAMES = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info")


class Choice(Measure):
    """By language of the items."""

    name, needs = "choice", ("AutoModelForCausalLM",)
    help = "items to choose from: premise, choices (or choice1, choice2, ...), label, lang"

    def open(self, given: str, options: EvaluateOptions) -> tuple[Items, Items | None]:
        """The items, and what exemplars are drawn from."""
        from xlcorpus.evaluate.measures.choice.items import read_items

        shots = None if options.shots_from is None else read_items(options.shots_from, options)
        return read_items(given, options), shots

    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """Accuracies."""
        from xlcorpus.evaluate.measures.choice.choose import choose

        return Found(choose(trained, data[0], data[1], options, say))

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """A row a language, and all."""
        titles = ["language", "items", "chance", *(one for name in _NAMES for one in (name, "± error"))]
        rows = [
            [lang, f"{one['items']:,}", cell(one["chance"])]
            + [cell(one[key]) for name in _NAMES for key in (name, f"{name}_error")]
            for lang, one in facts.items()
        ]
        return {f"choice by summed log-probability: {given}": [titles, *rows]}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """The accuracies beside chance."""
        rows = [(lang, one) for langs in found.values() for lang, one in langs.items()]

        def of(key: str) -> list[float | None]:
            return [one[key] for _, one in rows]

        panels = [Panel(name, of(name), BLUE, of(f"{name}_error")) for name in _NAMES]
        return bars(title, [lang for lang, _ in rows], [*panels, Panel("chance", of("chance"), GREEN)])


MEASURE = Choice()
