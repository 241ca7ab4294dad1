"""`--retrieval`: whether the nearest vector on the other side is the translation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, MeasureOfPairs, Say, way
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts


class Retrieval(MeasureOfPairs):
    """Both ways, by layer."""

    name = "retrieval"
    help = "sentence pairs: a file or folder as `ingest --kind pairs` reads it, or a dataset"
    caption = "retrieval"
    columns = "languages=way, layer, pairs, ->=a_to_b, <-=b_to_a, top 1=top_1, ± error=error, top 5=top_5, chance"
    panels = (("retrieval, top 1", "top_1", "error", BLUE), ("top 5", "top_5", None, GREEN))

    def run(self, trained: TrainedModel, data: Texts, options: EvaluateOptions, say: Say) -> Found:
        """A row for each two languages and layer."""
        from xlcorpus.evaluate.measures.retrieval.retrieve import retrieve

        return Found(retrieve(trained, data, options, say))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """The rows."""
        return [{"of": f"{way(row)}, layer {row['layer']}", "way": way(row), **row} for row in facts]


MEASURE = Retrieval()
