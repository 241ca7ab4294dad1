"""`--search`: whether queries find their documents among all of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Say
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.search.collection import Collection
    from xlcorpus.evaluate.models import TrainedModel


class Search(Measure):
    """By layer, or by tokens where the model has colbert's projection."""

    name, by_language = "search", True
    help = "queries and documents: rows of the view triples or crops, or pairs, of which src asks for tgt"
    caption = "search"
    columns = "language=lang, layer, queries, documents, recall@1=recall_1, recall@5=recall_5, recall@10=recall_10"
    columns += ", recall@100=recall_100, MRR@10=mrr_10, ± error=error, chance"
    panels = (("MRR@10", "mrr_10", "error", BLUE), ("recall@10", "recall_10", None, GREEN))

    def open(self, given: str, options: EvaluateOptions) -> Collection:
        """Queries and documents."""
        from xlcorpus.evaluate.measures.search.collection import read_collection

        return read_collection(given, options.reading("pairs"))

    def run(self, trained: TrainedModel, data: Collection, options: EvaluateOptions, say: Say) -> Found:
        """A row for each layer and language of queries."""
        from xlcorpus.evaluate.measures.search.find import find_documents

        return Found(find_documents(trained, data, options, say))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """The rows."""
        return [{"of": f"{row['lang']}, {row['layer']}", **row} for row in facts]


MEASURE = Search()
