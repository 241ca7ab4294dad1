"""Precision at 1 of induced dictionaries: seeds of numerals only, and word pairs beside them.

    python benchmarks/induction.py [--shared ../shared/data] [--pairs eng-deu,eng-spa,srp] [--vectors words,subwords]
        [--settings default] [--seeds 500] [--disjoint]

Text: NTREX and Tatoeba (for Serbian in two scripts NTREX alone), each side by itself: vectors never see which sentences
belong together. But both sides say the same, so figures are higher than those of as little text on different matters;
with --disjoint the first language has the first half of the documents only, the other one the second half.
Gold: Wiktionary; for Serbian the word at the same place of sentences with as many words. Tested are the words with a
translation in the vocabulary that are in no seed and are not written alike in both languages.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.alignment import wiktionary
from benchmarks.machine import describe_machine
from benchmarks.parallel import read_rows, read_texts
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_vectors, word_lines
from xlcorpus.lexicon.vecmap import InduceOptions, dictionary_seed, identical_seed, induce, numeral_seed
from xlcorpus.text.hashes import hash_text

PAIRS = ("eng-deu", "eng-spa", "srp")
_NTREX = {"eng-deu": ("eng", "deu"), "eng-spa": ("eng", "spa-MX"), "srp": ("srp-Cyrl", "srp-Latn")}
VECTORS = {
    "words": EmbedOptions(minn=0, maxn=0),
    "subwords": EmbedOptions(minn=3, maxn=5),
    "window 10": EmbedOptions(minn=0, maxn=0, window=10),
    "min count 1": EmbedOptions(minn=0, maxn=0, min_count=1),
    "20 epochs": EmbedOptions(minn=0, maxn=0, epoch=20),
}
SETTINGS = {
    "default": InduceOptions(),
    "no dropping": InduceOptions(keep=1.0),
    "no self-learning": InduceOptions(self_learning=False),
    "no re-weighting": InduceOptions(reweight=0.0),
}
Gold = dict[str, set[str]]


@dataclass(frozen=True)
class Material:
    """Vectors of both languages, the gold, the seeds by name (int64[n, 2]) and the words that are tested."""

    source: Vectors
    target: Vectors
    gold: Gold
    seeds: dict[str, np.ndarray]
    tested: frozenset[str]


def texts_of(shared: Path, pair: str) -> tuple[list[str], list[str], Gold]:
    """Texts of both sides, and the gold translations of the first."""
    one, other = (read_texts(shared / "ntrex" / f"{code}.jsonl.gz") for code in _NTREX[pair])
    gold: Gold = {}
    if pair == "srp":
        for cyrillic, latin in zip(word_lines(pa.array(one)), word_lines(pa.array(other)), strict=True):
            if cyrillic.count(" ") == latin.count(" "):
                for word, partner in zip(cyrillic.split(), latin.split(), strict=True):
                    gold.setdefault(word, set()).add(partner)
        return one, other, gold
    language = pair.removeprefix("eng-")
    for _, text, english in read_rows(shared / "tatoeba" / f"{language}-eng.tsv.gz"):
        one.append(english)
        other.append(text)
    return one, other, wiktionary(shared, language)


def _half(texts: list[str], which: int) -> list[str]:
    """A half of NTREX (documents follow one another) and of what comes after it."""
    ntrex = min(len(texts), 970)
    cuts = [texts[: ntrex // 2] + texts[ntrex : (ntrex + len(texts)) // 2]]
    cuts.append(texts[ntrex // 2 : ntrex] + texts[(ntrex + len(texts)) // 2 :])
    return cuts[which]


def prepare(shared: Path, languages: str, options: EmbedOptions, pairs: int = 500, disjoint: bool = False) -> Material:
    """Train the vectors and draw the seeds by hash; all seeds leave the same words to test."""
    one, other, gold = texts_of(shared, languages)
    if disjoint:
        one, other = _half(one, 0), _half(other, 1)
    source, target = train_vectors(pa.array(one), options), train_vectors(pa.array(other), options)
    known = set(target.words)
    words = [word for word in source.words if gold.get(word, set()) & known and word not in known]
    words.sort(key=hash_text)
    # One translation a word, the first by name: so many pairs, not all the translations of 500 words.
    chosen = [(word, min(gold[word] & known)) for word in words[:pairs]]
    numerals = numeral_seed(source, target)
    seeds = {
        "numerals": numerals,
        "identical words": identical_seed(source, target),
        f"numerals and {pairs} pairs": np.concatenate([numerals, dictionary_seed(source, target, chosen)]),
    }
    return Material(source, target, gold, seeds, frozenset(words[pairs:]))


def precision(material: Material, seed: np.ndarray, options: InduceOptions) -> tuple[float, float]:
    """Share of the tested words whose best candidate is right, and of those that have a right one among three."""
    table = induce(material.source, material.target, seed, replace(options, candidates=3))
    best, any_of_three = set(), set()
    for row in table.to_pylist():
        if row["src"] in material.tested and row["tgt"] in material.gold[row["src"]]:
            any_of_three.add(row["src"])
            if row["rank"] == 1:
                best.add(row["src"])
    return len(best) / len(material.tested), len(any_of_three) / len(material.tested)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--vectors", default="words,subwords", help=f"of {', '.join(VECTORS)}")
    parser.add_argument("--seeds", type=int, default=500, help="word pairs of the seed dictionary")
    parser.add_argument("--disjoint", action="store_true", help="no sentence in both languages")
    parser.add_argument("--settings", default="default", help=f"of {', '.join(SETTINGS)}")
    options = parser.parse_args()
    print(describe_machine("numpy", "fasttext-wheel"))
    for pair in options.pairs.split(","):
        for vectors in options.vectors.split(","):
            begun = time.perf_counter()
            material = prepare(options.shared, pair, VECTORS[vectors], options.seeds, options.disjoint)
            print(
                f"{pair}, {vectors}: vocabularies {len(material.source):,} and {len(material.target):,}, "
                f"{len(material.tested)} words tested, vectors in {time.perf_counter() - begun:.0f} s"
            )
            for settings in options.settings.split(","):
                for name, seed in material.seeds.items():
                    begun = time.perf_counter()
                    first, three = precision(material, seed, SETTINGS[settings])
                    print(
                        f"  {settings:18s} {name:24s} {len(seed):5,} pairs  P@1 {first:.3f}  P@3 {three:.3f}  "
                        f"{time.perf_counter() - begun:4.0f} s",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
