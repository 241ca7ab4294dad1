"""`--retrieval`: whether the nearest vector on the other side is the translation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, MeasureOfPairs, Rows, Say, cell
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts


class Retrieval(MeasureOfPairs):
    """Both ways, by layer."""

    name = "retrieval"
    help = "sentence pairs: a file or folder as `ingest --kind pairs` reads it, or a dataset"

    def run(self, trained: TrainedModel, data: Texts, options: EvaluateOptions, say: Say) -> Found:
        """A row for each two languages and layer."""
        from xlcorpus.evaluate.measures.retrieval.retrieve import retrieve

        return Found(retrieve(trained, data, options, say))

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """The rows."""
        keys = ("a_to_b", "b_to_a", "top_1", "error", "top_5", "chance")
        titles = ["languages", "layer", "pairs", "->", "<-", "top 1", "± error", "top 5", "chance"]
        rows = [
            [f"{row['src_lang']} - {row['tgt_lang']}", str(row["layer"]), f"{row['pairs']:,}"]
            + [cell(row[key]) for key in keys]
            for row in facts
        ]
        return {f"retrieval: {given}": [titles, *rows]}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """Top 1 and top 5."""
        rows = [row for lines in found.values() for row in lines]
        labels = [f"{row['src_lang']} - {row['tgt_lang']}, layer {row['layer']}" for row in rows]
        top_1 = Panel("retrieval, top 1", [row["top_1"] for row in rows], BLUE, [row["error"] for row in rows])
        return bars(title, labels, [top_1, Panel("top 5", [row["top_5"] for row in rows], GREEN)])


MEASURE = Retrieval()
