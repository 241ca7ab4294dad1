"""`--search`: whether queries find their documents among all of a collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, Found, Measure, Rows, Say, cell
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.search.collection import Collection
    from xlcorpus.evaluate.models import TrainedModel


class Search(Measure):
    """By layer, or by tokens where the model has colbert's projection."""

    name, by_language = "search", True
    help = "queries and documents: rows of the view triples or crops, or pairs, of which src asks for tgt"

    def open(self, given: str, options: EvaluateOptions) -> Collection:
        """Queries and documents."""
        from xlcorpus.evaluate.measures.search.collection import read_collection

        return read_collection(given, options.reading("pairs"))

    def run(self, trained: TrainedModel, data: Collection, options: EvaluateOptions, say: Say) -> Found:
        """A row for each layer and language of queries."""
        from xlcorpus.evaluate.measures.search.find import find_documents

        return Found(find_documents(trained, data, options, say))

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """The rows."""
        keys = ("recall_1", "recall_5", "recall_10", "recall_100", "mrr_10", "error", "chance")
        titles = ["language", "layer", "queries", "documents"]
        titles += ["recall@1", "recall@5", "recall@10", "recall@100", "MRR@10", "± error", "chance"]
        rows = [
            [
                row["lang"],
                row["layer"],
                f"{row['queries']:,}",
                f"{row['documents']:,}",
                *(cell(row[key]) for key in keys),
            ]
            for row in facts
        ]
        return {f"search: {given}": [titles, *rows]}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """MRR@10 and recall@10."""
        rows = [row for lines in found.values() for row in lines]
        labels = [f"{row['lang']}, {row['layer']}" for row in rows]
        mrr = Panel("MRR@10", [row["mrr_10"] for row in rows], BLUE, [row["error"] for row in rows])
        return bars(title, labels, [mrr, Panel("recall@10", [row["recall_10"] for row in rows], GREEN)])


MEASURE = Search()
