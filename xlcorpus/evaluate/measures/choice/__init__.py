"""`--choice`: of several texts the one that a model finds likeliest, with exemplars or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Say
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.choice.items import Items
    from xlcorpus.evaluate.models import TrainedModel

_NAMES = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info")


class Choice(Measure):
    """By language of the items."""

    name, needs = "choice", ("AutoModelForCausalLM",)
    help = "items to choose from: premise, choices (or choice1, choice2, ...), label, lang"
    caption = "choice by summed log-probability"
    columns = "language=of, items, chance, " + ", ".join(f"{name}, ± error={name}_error" for name in _NAMES)
    panels = (*((name, name, f"{name}_error", BLUE) for name in _NAMES), ("chance", "chance", None, GREEN))

    def open(self, given: str, options: EvaluateOptions) -> tuple[Items, Items | None]:
        """The items, and what exemplars are drawn from."""
        from xlcorpus.evaluate.measures.choice.items import read_items

        shots = None if options.shots_from is None else read_items(options.shots_from, options)
        return read_items(given, options), shots

    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """Accuracies."""
        from xlcorpus.evaluate.measures.choice.choose import choose

        return Found(choose(trained, data[0], data[1], options, say))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """A row a language, and all."""
        return [{"of": lang, **one} for lang, one in facts.items()]


MEASURE = Choice()
