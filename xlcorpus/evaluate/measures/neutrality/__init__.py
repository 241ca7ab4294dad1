"""`--neutrality`: whether vectors of sentences tell language and script, and how far translations are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, RED, Found, MeasureOfPairs, Rows, Say, table, way
from xlcorpus.evaluate.options import EvaluateOptions

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts

_OF_PROBES = "of=what, layer, labels, sentences, accuracy, ± error=error, chance"
_OF_DISTANCES = (
    "languages=way, layer, pairs, 1 - cosine=cosine, ± error=cosine_error, of others=cosine_others, "
    "Euclidean=euclidean, ± error=euclidean_error, of others=euclidean_others, ratio, ± error=ratio_error"
)


class Neutrality(MeasureOfPairs):
    """By layer."""

    name = "neutrality"
    help = "sentence pairs, as of --retrieval: what vectors tell of language and script, how far translations are apart"
    panels = (
        ("accuracy of a probe", "accuracy", "error", RED),
        ("chance", "chance", None, GREEN),
        ("distance by others'", "ratio", "ratio_error", BLUE),
    )

    def run(self, trained: TrainedModel, data: Texts, options: EvaluateOptions, say: Say) -> Found:
        """Probes and distances."""
        from xlcorpus.evaluate.measures.neutrality.layers import neutrality

        return Found(neutrality(trained, data, options, say))

    def records(self, facts: Any) -> list[dict[str, Any]]:
        """Probes, then distances."""
        probes = [{"of": f"{row['what']}, layer {row['layer']}", **row} for row in facts["probes"]]
        distances = [{"of": f"{way(row)}, layer {row['layer']}", "way": way(row), **row} for row in facts["distances"]]
        return probes + distances

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """Probes, and distances."""
        probes, records = len(facts["probes"]), self.records(facts)
        tables = (
            ("what a probe tells from vectors", _OF_PROBES, records[:probes]),
            ("how far translations are apart", _OF_DISTANCES, records[probes:]),
        )
        return {f"{caption}: {given}": table(columns, rows) for caption, columns, rows in tables if rows}


MEASURE = Neutrality()
