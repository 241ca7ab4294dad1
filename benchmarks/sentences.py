"""Sentence boundaries found again, by language: `python -m benchmarks.sentences [LANGUAGE ...] [--breaker NAME]`.

The lines of each document of ntrex are joined by a space (in Cantonese by nothing) and cut again. found: share of the
boundaries between lines that are cut; right: share of the cuts that are such boundaries; F: their harmonic mean. A line
may hold two sentences, and one in 12 is a headline, so neither can be 1.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Sequence
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from xlcorpus.text.codepoints import code_points
from xlcorpus.text.sentences import sentences

FOLDER = Path("../shared/data/ntrex")
Cut: TypeAlias = Callable[[Sequence[str]], list[list[str]]]


def ours(texts: Sequence[str], breaker: str | None = None) -> list[list[str]]:
    """The sentences of each text."""
    points, whole = code_points(pa.array(texts, pa.string())), "".join(texts)
    if breaker is None:
        spans = sentences(points)
    else:
        from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS

        spans = sentences(points, SENTENCE_BREAKERS.find(breaker))
    cut = [whole[start:end] for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    return [cut[first:stop] for first, stop in pairwise(spans.offsets.tolist())]


def pythainlp(texts: Sequence[str]) -> list[list[str]]:
    """PyThaiNLP's own, alone."""
    from pythainlp.tokenize import sent_tokenize

    return [[str(piece) for piece in sent_tokenize(text) if str(piece).strip()] for text in texts]


def documents(code: str) -> list[list[str]]:
    """The lines of each document."""
    with gzip.open(FOLDER / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [[" ".join(row["text"].split()) for row in group] for _, group in groupby(rows, lambda row: row["doc"])]


def measure(code: str, cut: Cut) -> tuple[float, float, float]:
    """found, right and F of a language."""
    texts = documents(code)
    due = hit = cuts = 0
    for lines, pieces in zip(texts, cut([("" if code == "yue" else " ").join(text) for text in texts]), strict=True):
        wanted, made = (set(accumulate(len("".join(part.split())) for part in parts[:-1])) for parts in (lines, pieces))
        due, hit, cuts = due + len(wanted), hit + len(wanted & made), cuts + len(made)
    return hit / due, hit / max(cuts, 1), 2 * hit / (due + cuts)


def main() -> None:
    """Print the table; with a breaker, also what it finds alone."""
    given = sys.argv[1:]
    breaker = given.pop(given.index("--breaker") + 1) if "--breaker" in given else None
    codes = [code for code in given if code != "--breaker"]
    ways: dict[str, Cut] = {"rules": ours}
    if breaker is not None:
        ways[f"rules and {breaker}"] = lambda texts: ours(texts, breaker)
        ways |= {"pythainlp alone": pythainlp} if breaker == "pythainlp" else {}
    print("| language | way | found | right | F |\n|---|---|---:|---:|---:|")
    for code in codes or sorted(path.name.partition(".")[0] for path in FOLDER.glob("*.jsonl.gz")):
        for name, cut in ways.items():
            print("| {} | {} | {:.3f} | {:.3f} | {:.3f} |".format(code, name, *measure(code, cut)))


if __name__ == "__main__":
    main()
