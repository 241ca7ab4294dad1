"""Sentence pairs found by vectors alone: how many are right, how many are found, and what it costs.

    python -m benchmarks.mine_sentences OUT [--encoder FOLDER] [--steps 500]    # trains an encoder unless one is named
    python -m benchmarks.mine_sentences OUT --peers     # margins beside faiss and sentence-transformers, a process each

Gold are the lines of PUD (1,000) and of every third document of NTREX (310), each side shuffled. `all`: every sentence
has its translation on the other side; `half`: of the sentences of each side a half has none. nearest: of each source
sentence the nearest one; cosine: those at least as near as a threshold; margin: `align` with its defaults (max, 1.06).
The encoder is that of `benchmarks.mine_sentences_encoder`, which has seen none of the sentences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import describe_machine
from benchmarks.meter import Measured, Meter, cpu_seconds
from benchmarks.mine_sentences_encoder import SHARED, lines_of, ntrex, train_encoder
from xlcorpus.mine.embedder import EmbedderOptions, embed_all, embedder_of
from xlcorpus.pairs.cosines import Vectors, unit
from xlcorpus.pairs.margin import BLOCK, Near, align, best_margins, in_blocks, nearest

Side = tuple[pa.Array, pa.Array]
PUD, NTREX = ("de", "hi", "tr"), ("deu", "hin", "swa")
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
PEERS = ("ours", "ours by faiss", "faiss", "sentence-transformers")
ROWS, WIDTH, NEIGHBOURS = 10_000, 256, 4


def gold() -> Iterator[tuple[str, Side, Side]]:
    """Name, and both sides line by line."""
    english = lines_of(SHARED / "pud" / "en.jsonl.gz")
    for code in PUD:
        yield f"PUD en-{code}", _side(english), _side(lines_of(SHARED / "pud" / f"{code}.jsonl.gz"))
    english = ntrex("eng", tested=True)
    for code in NTREX:
        yield f"NTREX eng-{code}", _side(english), _side(ntrex(code, tested=True))


def _side(rows: Sequence[dict[str, Any]]) -> Side:
    return pa.array([row["text"] for row in rows]), pa.array([row["lang"] for row in rows])


def shuffled(count: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The lines of both sides in another order; of `half` two of three, of which one of two is on both sides."""
    random, lines = np.random.default_rng(0), np.arange(count)
    return tuple(random.permutation(lines if part == "all" else lines[lines % 3 != without]) for without in (1, 2))  # type: ignore[return-value]


def measure(pairs: Sequence[tuple[int, int]], count: int) -> tuple[float, float]:
    """Precision and recall of pairs of line numbers; count: pairs that there are."""
    right = sum(one == other for one, other in pairs)
    return right / max(len(pairs), 1), right / count


def both_ways(one: Vectors, other: Vectors) -> tuple[Near, Near]:
    """The nearest of each, exactly."""
    return _near(one, other), _near(other, one)


def _near(queries: Vectors, keys: Vectors) -> Near:
    parts = [nearest(part, in_blocks(keys), NEIGHBOURS) for part in in_blocks(queries, BLOCK)]
    return Near(np.concatenate([part.places for part in parts]), np.concatenate([part.cosines for part in parts]))


def find(out: Path, encoder: Path) -> None:
    """The tables."""
    embedders = {
        "TF-IDF": EmbedderOptions(),
        "encoder": EmbedderOptions(embedder=f"encoder:{encoder}", embedder_layer=1, embedder_device="cpu"),
    }
    lines = ["| sentences | part | embedder | nearest | margin: P | R | F | cosine, best F: threshold | P | R | F |"]
    lines += ["|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    curves = ["| sentences | embedder | " + " | ".join(map(str, THRESHOLDS)) + " |"]
    curves += ["|---|---|" + "---:|" * len(THRESHOLDS)]
    spent = {name: np.zeros(2) for name in embedders}
    for name, src, tgt in gold():
        for embedder, options in embedders.items():
            for part in ("all", "half"):
                places = shuffled(len(src[0]), part)
                sides = [
                    (texts.take(pa.array(place)), langs.take(pa.array(place)))
                    for (texts, langs), place in zip((src, tgt), places, strict=True)
                ]
                begun = cpu_seconds()
                vectors = embed_all(embedder_of(options), *sides)
                embedded = cpu_seconds()
                near = both_ways(*vectors)
                found = align(*best_margins(*near))
                spent[embedder] += (embedded - begun, cpu_seconds() - embedded)
                count = len(np.intersect1d(*places))
                first = list(zip(places[0].tolist(), places[1][near[0].places[:, 0]].tolist(), strict=True))
                cosines = near[0].cosines[:, 0]
                at = {
                    value: measure([pair for pair, near in zip(first, cosines, strict=True) if near >= value], count)
                    for value in (*THRESHOLDS, *np.round(np.arange(0.02, 1, 0.02), 2).tolist())
                }
                best = max(at, key=lambda value: (_f(*at[value]), value))
                pairs = list(zip(places[0][found.src].tolist(), places[1][found.tgt].tolist(), strict=True))
                margin = measure(pairs, count)
                cells = [f"{value:.3f}" for value in (measure(first, count)[0], *margin, _f(*margin))]
                cells += [f"{best:.2f}", *(f"{value:.3f}" for value in (*at[best], _f(*at[best])))]
                lines.append(f"| {name} | {part} | {embedder} | " + " | ".join(cells) + " |")
                if part == "half":
                    curve = " | ".join(
                        "{:.2f}/{:.2f}".format(*at[value]) if any(at[value]) else "-" for value in THRESHOLDS
                    )
                    curves.append(f"| {name} | {embedder} | {curve} |")
    text = "\n".join(
        [describe_machine("numpy", "scipy", "torch"), "", *lines, "", "P/R by cosine, part half:", *curves]
    )
    costs = [f"{name}: {one[0]:.1f} s CPU to embed, {one[1]:.1f} s to search" for name, one in spent.items()]
    (out / "sentences.md").write_text(text + "\n\n" + "\n".join(costs) + "\n", "utf-8")
    print((out / "sentences.md").read_text("utf-8"))


def _f(precision: float, recall: float) -> float:
    return 2 * precision * recall / max(precision + recall, 1e-9)


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of two sides."""
    random = np.random.default_rng(0)
    return unit(random.normal(size=(ROWS, WIDTH))), unit(random.normal(size=(ROWS, WIDTH)))


def _ours(one: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    return _pairs(align(*best_margins(*both_ways(one, other)), threshold=1.0))


def _ours_by_faiss(one: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    from xlcorpus.pairs.margin import nearest_by_faiss

    near = nearest_by_faiss(one, other, NEIGHBOURS), nearest_by_faiss(other, one, NEIGHBOURS)
    return _pairs(align(*best_margins(*near), threshold=1.0))


def _pairs(found: Any) -> list[tuple[int, int]]:
    return sorted(zip(found.src.tolist(), found.tgt.tolist(), strict=True))


def _by_faiss(one: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    """As LASER's mine_bitexts.py: flat indices of inner products, both ways."""
    import faiss

    sides = []
    for queries, keys in ((one, other), (other, one)):
        index = faiss.IndexFlatIP(keys.shape[1])
        index.add(keys)
        sides.append(index.search(queries, NEIGHBOURS))
    return _as_laser(one, other, sides[0], sides[1])


def _by_sentence_transformers(one: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    """Its `util.semantic_search`, both ways, and the margin of its example of bitext mining."""
    import torch
    from sentence_transformers import util

    sides = []
    for queries, keys in ((one, other), (other, one)):
        found = util.semantic_search(torch.from_numpy(queries), torch.from_numpy(keys), top_k=NEIGHBOURS)
        scores = np.array([[hit["score"] for hit in hits] for hits in found], np.float32)
        sides.append((scores, np.array([[hit["corpus_id"] for hit in hits] for hits in found])))
    return _as_laser(one, other, sides[0], sides[1])


def _as_laser(one: np.ndarray, other: np.ndarray, there: Any, back: Any) -> list[tuple[int, int]]:
    """LASER's score_candidates and retrieval `max`, in Python as there."""
    means = there[0].mean(axis=1), back[0].mean(axis=1)

    def scored(x: np.ndarray, y: np.ndarray, near: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
        scores = np.zeros(near.shape)
        for i in range(near.shape[0]):
            for j in range(near.shape[1]):
                k = near[i, j]
                scores[i, j] = x[i].dot(y[k]) / ((of_x[i] + of_y[k]) / 2)
        return scores

    forward = scored(one, other, there[1], *means)
    backward = scored(other, one, back[1], means[1], means[0])
    best = (
        there[1][np.arange(len(one)), forward.argmax(axis=1)],
        back[1][np.arange(len(other)), backward.argmax(axis=1)],
    )
    src = np.concatenate([np.arange(len(one)), best[1]])
    tgt = np.concatenate([best[0], np.arange(len(other))])
    scores = np.concatenate([forward.max(axis=1), backward.max(axis=1)])
    pairs, seen = [], (set[int](), set[int]())
    for place in np.argsort(-scores):
        a, b = int(src[place]), int(tgt[place])
        if a not in seen[0] and b not in seen[1] and scores[place] >= 1.0:
            seen[0].add(a)
            seen[1].add(b)
            pairs.append((a, b))
    return sorted(pairs)


_WAYS: dict[str, Callable[[np.ndarray, np.ndarray], list[tuple[int, int]]]] = dict(
    zip(PEERS, (_ours, _ours_by_faiss, _by_faiss, _by_sentence_transformers), strict=True)
)


def alone(name: str, out: Path) -> None:
    """One way, in this process: its pairs and what it took."""
    meter, (one, other) = Meter(), drawn()
    _WAYS[name](one[:50], other[:50])  # imports
    begun = time.perf_counter()
    with meter.phase(name):
        pairs = _WAYS[name](one, other)
    meter.save(out / f"{name}.json")
    (out / f"{name}.pairs").write_text(json.dumps([time.perf_counter() - begun, pairs]), "utf-8")


def compare(out: Path) -> None:
    """Each way in a process of its own, one thread."""
    print(describe_machine("numpy", "faiss-cpu", "sentence-transformers", "torch"))
    print("| way | CPU s | seconds | peak MB | pairs | of ours |\n|---|---:|---:|---:|---:|---:|")
    reference: set[tuple[int, ...]] = set()
    for name in PEERS:
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        arguments = [sys.executable, "-m", "benchmarks.mine_sentences", str(out), "--alone", name]
        subprocess.run(["env", *(f"{key}={value}" for key, value in threads.items()), *arguments], check=True)
        seconds, pairs = json.loads((out / f"{name}.pairs").read_text("utf-8"))
        found, measured = {tuple(pair) for pair in pairs}, Measured.load(out / f"{name}.json")
        reference = reference or found
        cells = f"{measured.phases[name]:.1f} | {seconds:.1f} | {measured.memory >> 20:,}"
        print(f"| {name} | {cells} | {len(found):,} | {len(found & reference):,} |", flush=True)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--alone", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.alone:
        alone(given.alone, given.out)
    elif given.peers:
        compare(given.out)
    else:
        begun = cpu_seconds()
        encoder = given.encoder or train_encoder(given.out / "encoder", given.steps)
        if not given.encoder:
            print(f"the encoder took {cpu_seconds() - begun:.0f} s CPU")
        find(given.out, encoder)


if __name__ == "__main__":
    main()
