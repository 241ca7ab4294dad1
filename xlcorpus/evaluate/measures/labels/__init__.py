"""`--labels`: how many labels of tokens, texts or pairs are right, and of spans F1, by language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import ALL, BLUE, GREEN, Found, Measure, Say, by_language
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.loader.rows import TokenRows


class Labels(Measure):
    """Accuracy, and F1 by seqeval."""

    name = "labels"
    help = "rows of `pack --view labels`, or packs or a view bitext with the kept column label"
    caption = "labels"
    columns = "language=of, accuracy, ± error=error, f1, precision, recall, spans, labels, texts"
    panels = (("accuracy", "accuracy", "error", BLUE), ("F1 of spans", "f1", None, GREEN))

    def open(self, given: str, options: EvaluateOptions) -> TokenRows:
        """Rows with labels."""
        from xlcorpus.dataset.storage import locate
        from xlcorpus.evaluate.measures.labels.scores import has_spans, need_seqeval
        from xlcorpus.loader.rows import TokenRows
        from xlcorpus.objectives.labelled import names_of

        rows = TokenRows.open(locate(given))
        rows.require_rows()
        if has_spans(names_of(rows.folder)):
            need_seqeval()
        return rows

    def check(self, trained: TrainedModel, data: Any, options: EvaluateOptions) -> None:
        """A head for labels, and rows that it reads."""
        from xlcorpus.evaluate.measures.labels.rows import objective_of

        super().check(trained, data, options)
        objective_of(trained, data)

    def run(self, trained: TrainedModel, data: TokenRows, options: EvaluateOptions, say: Say) -> Found:
        """By language, and of all together."""
        from xlcorpus.evaluate.measures.labels.rows import labels_of_model
        from xlcorpus.evaluate.measures.labels.scores import scores_of
        from xlcorpus.objectives.labelled import names_of

        unknown = [name for name in names_of(data.folder) if name not in labels_of_model(trained)]
        if unknown:
            say(f"{data.folder}: {trained.path} does not have the labels {', '.join(unknown)}: they are never right")
        found = scores_of(trained, data, batch=options.batch, limit=options.rows)
        if not found[ALL].labels:
            raise UserError(f"no row of {data.folder} has a label", remedy="name labelled rows")
        facts = {lang: one.facts() for lang, one in found.items() if one.labels}
        every = facts.pop(ALL)
        return Found({"fingerprint": data.manifest.content_fingerprint, "languages": facts, ALL: every})

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """A line a language, and all."""
        return by_language(facts)


MEASURE = Labels()
