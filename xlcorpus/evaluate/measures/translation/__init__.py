"""`--translation`: chrF and BLEU of what a model translates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Say, way
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts


class Translation(Measure):
    """From source to target."""

    name, needs = "translation", ("AutoModelForSeq2SeqLM", "AutoModelForCausalLM")
    help = "sentence pairs, as of --retrieval: chrF and BLEU of the sources translated"
    caption = "translation"
    columns = "languages=of, pairs, chrF=chrf, ± error=chrf_error, BLEU=bleu, ± error=bleu_error, empty"
    columns += ", chrF of the source=chrf_copied, BLEU=bleu_copied"
    panels = (
        ("chrF", "chrf", "chrf_error", BLUE),
        ("chrF of the source", "chrf_copied", None, GREEN),
        ("BLEU", "bleu", "bleu_error", BLUE),
    )

    def open(self, given: str, options: EvaluateOptions) -> tuple[Texts, Texts | None]:
        """The pairs, and what exemplars are drawn from."""
        from xlcorpus.evaluate.measures.translation.scores import require_sacrebleu
        from xlcorpus.evaluate.texts import read_pairs

        require_sacrebleu()
        reading = options.reading("pairs")
        shots = None if options.shots_from is None else read_pairs(options.shots_from, reading)
        return read_pairs(given, reading), shots

    def check(self, trained: TrainedModel, data: Any, options: EvaluateOptions) -> None:
        """An encoder-decoder or a decoder, and options that it has."""
        super().check(trained, data, options)
        both = trained.architecture == self.needs[0]
        for name, given in (
            ("--template", both and options.template),
            ("--shots", both and options.shots),
            ("--line-ends", both and options.line_ends),
            ("--side-templates", not both and options.side_templates),
        ):
            if given:
                what, other = ("an encoder-decoder", "--side-templates") if both else ("a decoder", "--template")
                raise UserError(f"{name} is not of {what}, which {trained.path} is", remedy=f"leave it out, or {other}")
        if options.side_templates and data[0].packed is not None:
            raise UserError(
                f"{data[0].given} holds ids, which --side-templates do not alter",
                remedy="leave it out: what stands around the texts is in the rows, as pack wrote it",
            )

    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """Scores of each direction."""
        from xlcorpus.evaluate.measures.translation.translate import translation

        return Found(translation(trained, data[0], data[1], options, say))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """A row a direction."""
        return [
            {"of": way(row), **row} | {f"{name}_copied": row["copied"][name] for name in ("chrf", "bleu")}
            for row in facts
        ]


MEASURE = Translation()
