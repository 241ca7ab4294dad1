"""`--mixing`: how much of what a model writes is in another language or script than its prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import GREEN, RED, Found, Measure, Rows, Say, cell
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts
    from xlcorpus.loader.rows import TokenRows


class Mixing(Measure):
    """By language of the prompts."""

    name, needs = "mixing", ("AutoModelForCausalLM",)
    help = "what prompts are taken from: packs, documents, or files as `ingest` reads them"

    def open(self, given: str, options: EvaluateOptions) -> TokenRows | Texts:
        """Packs, or documents."""
        from xlcorpus.evaluate.measures.mixing.prompts import open_prompts

        return open_prompts(given, options)

    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """What is written, and how the texts themselves go on."""
        from xlcorpus.evaluate.measures.mixing.judge import mixing
        from xlcorpus.evaluate.measures.mixing.prompts import prompts_of

        return Found(mixing(trained, prompts_of(trained, data, options), options))

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """A row a language."""
        titles = ["language", "texts", "judged", "other language", "± error", "of the texts themselves", "other script"]
        return {f"mixing of languages: {given}": [[*titles, "into"], *(_row(*one) for one in facts.items())]}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """Language and script, and the floor."""
        rows = [(lang, one) for langs in found.values() for lang, one in langs.items()]

        def panel(name: str, which: str, key: str, colour: str) -> Panel:
            facts = [one[which] for _, one in rows]
            return Panel(name, [one[key] for one in facts], colour, [one[f"{key}_error"] for one in facts])

        return bars(
            title,
            [lang for lang, _ in rows],
            [
                panel("written in another language", "generated", "other_language", RED),
                panel("the texts themselves", "reference", "other_language", GREEN),
                panel("written in another script", "generated", "other_script", RED),
            ],
        )


def _row(lang: str, one: Mapping[str, Any]) -> list[str]:
    made, real = one["generated"], one["reference"]
    into = ", ".join(f"{other} {share:.0%}" for other, share in made["into"].items()) or "-"
    cells = [cell(made["other_language"]), cell(made["other_language_error"]), cell(real["other_language"])]
    return [lang, str(made["texts"]), cell(made["judged"]), *cells, cell(made["other_script"]), into]


MEASURE = Mixing()
