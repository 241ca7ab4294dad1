"""The languages of datasets, measured: what `xlcorpus languages` makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.languages.distance import DEFAULT, FEATURES, feature_distances, weighted
from xlcorpus.languages.profile import Profile, profiles
from xlcorpus.languages.table import LanguageTable
from xlcorpus.languages.typology import Typology, typology_of
from xlcorpus.text.labels import UNKNOWN_LANGUAGE, script_of
from xlcorpus.tokenizer.measure import measure
from xlcorpus.tokenizer.text_sample import draw_sample
from xlcorpus.tokenizer.tokenizer import Tokenizer

_MEASURED = (
    "tokens",
    "fertility",
    "tokens_per_character",
    "bytes_per_token",
    "unknown_share",
    "coverage",
    "whole_words",
)


def measure_languages(
    datasets: Sequence[Dataset],
    tokenizer: Tokenizer,
    *,
    weights: Mapping[str, float] | None = None,
    table: Location | None = None,
    sample_bytes: int | None = None,
    ngram: int = 3,
    seed: int = 0,
) -> LanguageTable:
    """A row a language of the datasets' documents, and the distance of each two (`distance.FEATURES`, weighted mean).

    documents, bytes: of all there is; the rest is of a sample of at most `sample_bytes` (None: all), as much of each
    language as there is room for. table: see `typology_of`. Raises UserError as `draw_sample`, `typology_of`,
    `weighted`.
    """
    sample = draw_sample(datasets, sample_bytes, seed, even=True).by_language()
    documents: Counter[str] = Counter()
    for dataset in datasets:
        for label, count in dataset.manifest.languages.items():
            documents[label or UNKNOWN_LANGUAGE] += count
    measured = {row["lang"]: row for row in measure(tokenizer, sample.batches()).to_pylist()}
    found = profiles(sample.batches(), tokenizer, ngram)
    labels = list(found)
    known = typology_of(labels, table)
    distances = feature_distances(labels, found, known)
    weights = dict(weights or DEFAULT)
    matrix = weighted(distances, weights)
    rows = [
        {
            "lang": label,
            "script": script_of(label),
            "family": family,
            "documents": documents[label],
            "bytes": sample.available.get(label, 0),
            "sample_bytes": measured[label]["bytes"],
            **{name: measured[label][name] for name in _MEASURED},
            **_sizes(found[label]),
        }
        for label, family in zip(labels, known.families, strict=True)
    ]
    facts = {
        "distance": {"weights": weights, "meaning": {name: FEATURES[name] for name in weights}, "ngram": ngram},
        "sample": {
            "bytes": sum(sample.bytes_by_language().values()),
            "of": sum(sample.available.values()),
            "seed": seed,
        },
        "exact": all(row["exact"] for row in rows),
        "tokenizer": {"name": tokenizer.name, "fingerprint": tokenizer.fingerprint, "vocab_size": tokenizer.vocab_size},
        "datasets": sorted(dataset.manifest.content_fingerprint for dataset in datasets),
        "typology": dict(known.sources),
    }
    return LanguageTable(_table(rows, known), matrix, distances, facts)


def _sizes(profile: Profile) -> dict[str, object]:
    """Types of each kind, and whether all of them were kept."""
    bags = {"ngram_types": profile.ngrams, "word_types": profile.words, "piece_types": profile.pieces}
    exact = all(bag.limit is None for bag in bags.values())
    return {**{name: len(bag.hashes) for name, bag in bags.items()}, "exact": exact}


def _table(rows: Sequence[Mapping[str, object]], known: Typology) -> pa.Table:
    """The rows with how many typological features of each set are known of each language."""
    table = pa.Table.from_pylist(list(rows))
    table = table.set_column(2, pa.field("family", pa.string()), table["family"].cast(pa.string()))
    for name, vectors in known.vectors.items():
        counts = (vectors == vectors).sum(axis=1)  # nan is not itself
        table = table.append_column(f"{name}_known", pa.array(counts, pa.int64()))
    return table
