"""How mixed a text is, by the published measures, for switched text and for real code-switched text side by side.

A sentence is the languages of its words, None for what belongs to no language or to two (names, numbers, a switch
inside a word); such words are left out.

- CMI, Code-Mixing Index (Das and Gambäck 2014, ICON; Gambäck and Das 2014): 100 (1 - max_i w_i / (n - u)) of a
  sentence with n words, u of no language and w_i of language i; 0 where n = u. Mean over sentences.
- M-index (Barnett et al. 2000, the LIPPS group): (1 - sum p_i^2) / ((k - 1) sum p_i^2), p_i the shares of k languages.
- I-index and burstiness (Guzmán et al. 2017, Interspeech, "Metrics for modeling code-switching across corpora"): share
  of the boundaries between words that are switch points; (s - m) / (s + m) of the lengths of runs of one language
  (mean m, standard deviation s; Goh and Barabási 2008): -1 periodic, 0 random, 1 bursty.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import regex

Tags = Sequence[str | None]
_NO_LANGUAGE = frozenset({"other", "mixed", "univ", "ne", ""})
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\u200c\u200d]++(?:['’][\p{L}\p{M}\p{N}]++)*+")


@dataclass(frozen=True)
class Mixing:
    """Measures of a collection of sentences.

    sentences; words (of a language); mixed: share of the sentences with two languages or more; switch_points: mean
    number in a sentence; i_index; embedded: share of the words that are not of their sentence's main language; run:
    mean words of a run that is not of the main language; cmi; m_index; burstiness.
    """

    sentences: int
    words: int
    mixed: float
    switch_points: float
    i_index: float
    embedded: float
    run: float
    cmi: float
    m_index: float
    burstiness: float


def measure(sentences: Iterable[Tags], main: str | None = None) -> Mixing:
    """The measures. main: the language of the sentences, where it is known; else the most frequent in each."""
    counts: Counter[str] = Counter()
    number = mixed = points = boundaries = embedded = 0
    cmi = 0.0
    runs: list[int] = []
    embedded_runs: list[int] = []
    for sentence in sentences:
        number += 1
        tags = [tag for tag in sentence if tag is not None]
        if not tags:
            continue
        shares = Counter(tags)
        counts.update(shares)
        lead = main if main is not None else min(shares, key=lambda tag: (-shares[tag], tag))
        mixed += len(shares) > 1
        cmi += 100 * (1 - max(shares.values()) / len(tags))
        lengths = [(tag, len(list(group))) for tag, group in groupby(tags)]
        points += len(lengths) - 1
        boundaries += len(tags) - 1
        embedded += len(tags) - shares[lead]
        runs += [length for _, length in lengths]
        embedded_runs += [length for tag, length in lengths if tag != lead]
    words = sum(counts.values())
    squares = sum((count / words) ** 2 for count in counts.values()) if words else 1.0
    mean, deviation = (float(np.mean(runs)), float(np.std(runs))) if runs else (0.0, 0.0)
    return Mixing(
        sentences=number,
        words=words,
        mixed=mixed / max(number, 1),
        switch_points=points / max(number, 1),
        i_index=points / max(boundaries, 1),
        embedded=embedded / max(words, 1),
        run=float(np.mean(embedded_runs)) if embedded_runs else 0.0,
        cmi=cmi / max(number, 1),
        m_index=(1 - squares) / ((len(counts) - 1) * squares) if len(counts) > 1 else 0.0,
        burstiness=(deviation - mean) / (deviation + mean) if deviation + mean else 0.0,
    )


def tags_of_switched(batch: pa.RecordBatch) -> list[list[str | None]]:
    """The language of each word of cs_source: tgt_lang inside a span, else the row's lang; None for a word with both.

    For texts in scripts with spaces, and replacements in any script: words are runs of letters. Numbers are None.
    """
    tagged = []
    for row in batch.select(["cs_source", "cs_spans", "lang"]).to_pylist():
        spans, at = row["cs_spans"], 0
        tags: list[str | None] = []
        for word in _WORD.finditer(row["cs_source"]):
            while at < len(spans) and spans[at]["end"] <= word.start():
                at += 1
            inside = at < len(spans) and spans[at]["start"] < word.end()
            whole = inside and spans[at]["start"] <= word.start() and word.end() <= spans[at]["end"]
            if regex.search(r"\p{N}", word.group()) or (inside and not whole):
                tags.append(None)
            else:
                tags.append(spans[at]["tgt_lang"] if whole else row["lang"])
        tagged.append(tags)
    return tagged


def read_tagged(path: Path) -> list[list[str | None]]:
    """Languages of the words of real code-switched text: JSON Lines (.jsonl.gz) with a list `langs` in each object."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [[None if tag in _NO_LANGUAGE else tag for tag in json.loads(line)["langs"]] for line in lines]


def comparison(measured: Mapping[str, Mixing]) -> str:
    """A Markdown table, one row for each collection."""
    names = [field.name for field in fields(Mixing)]
    lines = [f"| text | {' | '.join(names)} |", "| --- " + "| ---: " * len(names) + "|"]
    for title, mixing in measured.items():
        values = [getattr(mixing, name) for name in names]
        cells = [f"{value:,}" if isinstance(value, int) else f"{value:.2f}" for value in values]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)
