"""How well the loader's order mixes, against a permutation of all rows: `python -m benchmarks.shuffle`.

4,000 row groups of 256 rows, two thirds of them of one language each (as shards that were sorted by language), which
follow one another by language; 343 languages by Zipf's law. Batches of 512 rows, the first epoch.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from xlcorpus.loader.order import Order

GROUPS, ROWS, LANGUAGES, BATCH, WINDOW = 4_000, 256, 343, 512, 100


def languages(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """int64[rows]: the language of each row, of mixed shards (any row any language), and of shards sorted by it."""
    shares = 1 / np.arange(1, LANGUAGES + 1)
    mixed = chance.choice(LANGUAGES, GROUPS * ROWS, p=shares / shares.sum())
    return mixed, np.sort(mixed)


def alike(labels: np.ndarray) -> float:
    """The share of pairs within a batch that have one label."""
    batches = labels[: len(labels) // BATCH * BATCH].reshape(-1, BATCH)
    pairs = [(np.bincount(one) * (np.bincount(one) - 1)).sum() for one in batches]
    return float(np.mean(pairs) / (BATCH * (BATCH - 1)))


def drift(labels: np.ndarray) -> float:
    """How far the shares of languages in 100 batches are from those of all rows: mean total variation."""
    whole = np.bincount(labels, minlength=LANGUAGES) / len(labels)
    size = BATCH * WINDOW
    parts = labels[: len(labels) // size * size].reshape(-1, size)
    return float(np.mean([np.abs(np.bincount(one, minlength=LANGUAGES) / size - whole).sum() / 2 for one in parts]))


def main() -> None:
    """Print the table."""
    chance = np.random.default_rng(0)
    mixed, by_language = languages(chance)
    count, groups = GROUPS * ROWS, np.repeat(np.arange(GROUPS), ROWS)
    orders = {"in the order of the shards": np.arange(count), "a permutation of all rows": chance.permutation(count)}
    for lanes in (16, 64, 256):
        places = Order(np.full(GROUPS, ROWS), 0, lanes).places(np.arange(count))
        orders[f"{lanes} lanes"] = places.groups * ROWS + places.rows
    heads = ["order", "rank correlation with the shards", "pairs of a batch from one group"]
    heads += ["of one language, mixed shards", "sorted shards", "drift of 100 batches, mixed", "sorted"]
    print(f"| {' | '.join(heads)} |\n| --- |{' ---: |' * (len(heads) - 1)}")
    for name, rows in orders.items():
        correlation = spearmanr(rows, np.arange(count)).statistic
        figures = [alike(groups[rows]), alike(mixed[rows]), alike(by_language[rows])]
        figures += [drift(mixed[rows]), drift(by_language[rows])]
        print(f"| {name} | {correlation:.4f} | " + " | ".join(f"{100 * one:.2f} %" for one in figures) + " |")


if __name__ == "__main__":
    main()
