"""`--mixing`: how much of what a model writes is in another language or script than its prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import GREEN, RED, Found, Measure, Say
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts
    from xlcorpus.loader.rows import TokenRows


class Mixing(Measure):
    """By language of the prompts."""

    name, needs = "mixing", ("AutoModelForCausalLM",)
    help = "what prompts are taken from: packs, documents, or files as `ingest` reads them"
    caption = "mixing of languages"
    columns = "language=of, texts, judged, other language=other_language, ± error=other_language_error"
    columns += ", of the texts themselves=floor, other script=other_script, into"
    panels = (
        ("written in another language", "other_language", "other_language_error", RED),
        ("the texts themselves", "floor", "floor_error", GREEN),
        ("written in another script", "other_script", "other_script_error", RED),
    )

    def open(self, given: str, options: EvaluateOptions) -> TokenRows | Texts:
        """Packs, or documents."""
        from xlcorpus.evaluate.measures.mixing.prompts import open_prompts

        return open_prompts(given, options)

    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """What is written, and how the texts themselves go on."""
        from xlcorpus.evaluate.measures.mixing.judge import mixing
        from xlcorpus.evaluate.measures.mixing.prompts import prompts_of

        return Found(mixing(trained, prompts_of(trained, data, options), options))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """A row a language."""
        return [
            {"of": lang, "floor": real["other_language"], "floor_error": real["other_language_error"]}
            | made
            | {"into": ", ".join(f"{other} {share:.0%}" for other, share in made["into"].items())}
            for lang, made, real in ((lang, one["generated"], one["reference"]) for lang, one in facts.items())
        ]


MEASURE = Mixing()
