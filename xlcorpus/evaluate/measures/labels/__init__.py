"""`--labels`: how many labels of tokens, texts or pairs are right, and of spans F1, by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Rows, Say, cell, last_name
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.loader.rows import TokenRows

_ALL = "all"


class Labels(Measure):
    """Accuracy, and F1 by seqeval."""

    name = "labels"
    help = "rows of `pack --view labels`, or packs or a view bitext with the kept column label"

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
        if not found[_ALL].labels:
            raise UserError(f"no row of {data.folder} has a label", remedy="name labelled rows")
        facts = {lang: one.facts() for lang, one in found.items() if one.labels}
        every = facts.pop(_ALL)
        return Found({"fingerprint": data.manifest.content_fingerprint, "languages": facts, _ALL: every})

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """A line a language."""
        spans = "f1" in facts[_ALL]
        titles = ["language", "accuracy", "± error", *(("f1", "precision", "recall", "spans") if spans else ())]
        rows = [[*titles, "labels", "texts"]]
        for lang, one in [*facts["languages"].items(), (_ALL, facts[_ALL])]:
            shown = [cell(one.get(name)) for name in ("f1", "precision", "recall")] + [f"{one.get('spans', 0):,}"]
            counts = [f"{one['labels']:,}", f"{one['texts']:,}"]
            rows.append([lang, cell(one["accuracy"]), cell(one["error"]), *(shown if spans else ()), *counts])
        return {f"labels: {given}": rows}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """Accuracy, and F1 where there are spans."""
        langs = [*sorted({lang for one in found.values() for lang in one["languages"]}), _ALL]
        panels = []
        for name, facts in found.items():
            rows = [facts["languages"].get(lang) if lang != _ALL else facts[_ALL] for lang in langs]
            values = {key: [row.get(key) if row else None for row in rows] for key in ("accuracy", "error", "f1")}
            panels.append(Panel(f"accuracy: {last_name(name)}", values["accuracy"], BLUE, values["error"]))
            if "f1" in facts[_ALL]:
                panels.append(Panel(f"F1 of spans: {last_name(name)}", values["f1"], GREEN))
        return bars(title, langs, panels)


MEASURE = Labels()
