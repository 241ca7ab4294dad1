"""Measure the word aligner on PUD by a dictionary: there is no gold alignment.

    python benchmarks/alignment.py [--shared ../shared/data] [--all]

*agree*: links whose two words are an entry of Wiktionary (for Chinese: whose character is in a translation). *found*:
of the English words with a translation in the same sentence, those that are aligned with it; *right*: the same of those
that are aligned at all. Words that no dictionary has, such as inflected verbs, count against agree only. The baselines
are as many links at random, and the diagonal. Trained on PUD with NTREX and Tatoeba where they are there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.machine import describe_machine
from benchmarks.parallel import PAIRS, parallel_text, read_rows
from xlcorpus.align.aligner import align_pairs, train_aligner
from xlcorpus.align.options import AlignOptions
from xlcorpus.align.symmetrize import METHODS
from xlcorpus.pairs.side_tokens import read_side
from xlcorpus.text import properties

WIKTIONARY = {"deu": "de", "spa": "es", "hin": "hi", "zho": "zh"}
Sentences = list[list[str]]
Links = list[tuple[int, int]]

SETTINGS = {
    "default": AlignOptions(),
    "prefix 4": AlignOptions(prefix=4),
    "intersection": AlignOptions(symmetrization="intersection"),
    "union": AlignOptions(symmetrization="union"),
    "tension 2": AlignOptions(tension=2),
    "10 iterations": AlignOptions(iterations=10),
}


@dataclass(frozen=True)
class Agreement:
    """Links, the share of them in the dictionary, and of the translatable words the share found, and right."""

    links: int
    agree: float
    found: float
    right: float

    def line(self) -> str:
        """For people."""
        return f"{self.links:7,} {self.agree:7.3f} {self.found:7.3f} {self.right:7.3f}"


def words_of(texts: Sequence[str]) -> Sentences:
    """Lower-cased words of each text, as the aligner numbers them."""
    side = read_side(pa.array(texts))
    content = side.points.codes.tobytes().decode("utf-32-le")
    bounds = zip(side.spans.starts.tolist(), side.spans.ends.tolist(), strict=True)
    words = [content[start:end].lower() for start, end in bounds]
    return [words[start:end] for start, end in np.stack([side.spans.offsets[:-1], side.spans.offsets[1:]], 1).tolist()]


def wiktionary(shared: Path, language: str) -> dict[str, set[str]]:
    """English word to its translations in lower case; characters of them where the script has no spaces."""
    unspaced = properties.unspaced()
    entries: dict[str, set[str]] = {}
    for english, other, _ in read_rows(shared / "dict" / "wiktionary" / f"en-{WIKTIONARY[language]}.tsv.gz"):
        translations = entries.setdefault(english.lower(), set())
        if language == "zho":
            translations.update(character for character in other if unspaced[ord(character)])
        else:
            translations.add(other.lower())
    return entries


def agreement(source: Sentences, target: Sentences, links: Sequence[Links], entries: dict[str, set[str]]) -> Agreement:
    """Compare links with a dictionary (see the head of this file)."""
    total = agree = translatable = found = aligned = 0
    for one, other, points in zip(source, target, links, strict=True):
        hits = {left for left, right in points if other[right] in entries.get(one[left], ())}
        linked = {left for left, _ in points}
        total += len(points)
        agree += sum(other[right] in entries.get(one[left], ()) for left, right in points)
        present = set(other)
        known = {place for place, word in enumerate(one) if not present.isdisjoint(entries.get(word, ()))}
        translatable += len(known)
        found += len(known & hits)
        aligned += len(known & linked)
    return Agreement(total, agree / max(total, 1), found / max(translatable, 1), found / max(aligned, 1))


def at_random(source: Sentences, target: Sentences, like: Sequence[Links]) -> list[Links]:
    """As many links as `like` has, anywhere in the sentence."""
    generator = np.random.default_rng(0)
    return [
        [(int(generator.integers(len(one))), int(generator.integers(len(other)))) for _ in points]
        for one, other, points in zip(source, target, like, strict=True)
    ]


def on_the_diagonal(source: Sentences, target: Sentences) -> list[Links]:
    """Each target word with the source word at the same relative place."""
    return [
        [(min(len(one) - 1, int((place + 0.5) / len(other) * len(one))), place) for place in range(len(other))]
        for one, other in zip(source, target, strict=True)
    ]


def measure(shared: Path, language: str, settings: Iterable[str]) -> dict[str, Agreement]:
    """Agreement by setting on PUD, and of the two baselines."""
    english, other, measured = parallel_text(shared, language)
    entries = wiktionary(shared, language)
    source, target = words_of(english[:measured]), words_of(other[:measured])
    found: dict[str, Agreement] = {}
    first: list[Links] = []
    for name in settings:
        begun = time.perf_counter()
        model = train_aligner(pa.array(english), pa.array(other), SETTINGS[name])
        chosen = SETTINGS[name].symmetrization
        method = METHODS[0] if chosen == "auto" else chosen
        column = align_pairs(model, pa.array(english[:measured]), pa.array(other[:measured]), method)
        links = [[(link["src"], link["tgt"]) for link in row or ()] for row in column.to_pylist()]
        first = first or links
        label = f"{name} ({model.pairs:,} pairs, {time.perf_counter() - begun:.0f} s)"
        found[label] = agreement(source, target, links, entries)
    found["random"] = agreement(source, target, at_random(source, target, first), entries)
    found["diagonal"] = agreement(source, target, on_the_diagonal(source, target), entries)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--all", action="store_true", help="the other settings too")
    options = parser.parse_args()
    print(describe_machine("numpy"))
    print(f"{'':45s}   links   agree   found   right")
    for language in PAIRS:
        for name, row in measure(options.shared, language, list(SETTINGS)[: None if options.all else 3]).items():
            print(f"eng-{language} {name:37s} {row.line()}", flush=True)


if __name__ == "__main__":
    main()
