"""`--neutrality`: whether vectors of sentences tell language and script, and how far translations are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xlcorpus.evaluate.measure import BLUE, GREEN, RED, Found, MeasureOfPairs, Rows, Say, cell
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts


class Neutrality(MeasureOfPairs):
    """By layer."""

    name = "neutrality"
    help = "sentence pairs, as of --retrieval: what vectors tell of language and script, how far translations are apart"

    def run(self, trained: TrainedModel, data: Texts, options: EvaluateOptions, say: Say) -> Found:
        """Probes and distances."""
        from xlcorpus.evaluate.measures.neutrality.layers import neutrality

        return Found(neutrality(trained, data, options, say))

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """Probes, and distances."""
        found: dict[str, Rows] = {}
        if facts["probes"]:
            found[f"what a probe tells from vectors: {given}"] = [
                ["of", "layer", "labels", "sentences", "accuracy", "± error", "chance"],
                *(
                    [row["what"], str(row["layer"]), str(row["labels"]), f"{row['sentences']:,}"]
                    + [cell(row[key]) for key in ("accuracy", "error", "chance")]
                    for row in facts["probes"]
                ),
            ]
        if facts["distances"]:
            keys = ("cosine", "cosine_error", "cosine_others", "euclidean", "euclidean_error", "euclidean_others")
            titles = ["languages", "layer", "pairs", "1 - cosine", "± error", "of others", "Euclidean", "± error"]
            found[f"how far translations are apart: {given}"] = [
                [*titles, "of others", "ratio", "± error"],
                *(
                    [f"{row['src_lang']} - {row['tgt_lang']}", str(row["layer"]), f"{row['pairs']:,}"]
                    + [cell(row[key]) for key in (*keys, "ratio", "ratio_error")]
                    for row in facts["distances"]
                ),
            ]
        return found

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """Accuracies by layer, and ratios of distances by languages and layer."""
        probes = [row for one in found.values() for row in one["probes"]]
        distant = [row for one in found.values() for row in one["distances"]]
        labels = [f"{row['what']}, layer {row['layer']}" for row in probes]
        labels += [f"{row['src_lang']} - {row['tgt_lang']}, layer {row['layer']}" for row in distant]
        none: list[float | None] = [None] * len(probes)

        def of(rows: list[dict[str, Any]], key: str) -> list[float | None]:
            return [row[key] for row in rows]

        return bars(
            title,
            labels,
            [
                Panel("accuracy of a probe", of(probes, "accuracy"), RED, of(probes, "error")),
                Panel("chance", of(probes, "chance"), GREEN),
                Panel("distance by others'", none + of(distant, "ratio"), BLUE, none + of(distant, "ratio_error")),
            ],
        )


MEASURE = Neutrality()
