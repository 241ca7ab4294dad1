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

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.ragged import sum_spans
from xlcorpus.text.words import joined_tokens

Tags = Sequence[str | None]


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

    Words are `text.words.joined_tokens`, so single characters where the script has no spaces. Those with a number are
    None.
    """
    points = code_points(batch.column("cs_source"))
    words = joined_tokens(points)
    number = sum_spans(properties.numbers()[points.codes], words.starts, words.ends) > 0
    spans = batch.column("cs_spans")
    per_row = pc.list_value_length(spans).to_numpy(zero_copy_only=False)
    items, base = spans.flatten(), np.repeat(points.offsets[:-1], per_row)
    edges = [pc.struct_field(items, name).to_numpy(zero_copy_only=False) + base for name in ("start", "end")]
    partners = pc.struct_field(items, "tgt_lang").to_pylist()
    # The last span that begins before a word ends, and whether it reaches into the word, and covers it.
    at = np.searchsorted(edges[0], words.ends, side="left") - 1
    reached = (at >= 0) & (np.append(edges[1], -1)[at] > words.starts)
    whole = reached & (np.append(edges[0], 0)[at] <= words.starts) & (np.append(edges[1], 0)[at] >= words.ends)
    none = number | (reached & ~whole)
    row = words.rows
    own = batch.column("lang").take(pa.array(row)).to_pylist()
    tags = [
        None if nothing else partners[span] if inside else lang
        for nothing, inside, span, lang in zip(none.tolist(), whole.tolist(), at.tolist(), own, strict=True)
    ]
    return [tags[one:end] for one, end in zip(words.offsets[:-1].tolist(), words.offsets[1:].tolist(), strict=True)]


# Measured by `measure` on the text of shared/data/codeswitch (Universal Dependencies, CC BY-SA 4.0; a test compares).
REAL = {
    "Turkish-German, spoken (SAGT)": Mixing(
        801, 11528, 0.9288, 1.7266, 0.1289, 0.2898, 3.3211, 27.8451, 0.198, -0.0553
    ),
    "Frisian-Dutch, radio (FAME)": Mixing(150, 1373, 1.0, 2.02, 0.2478, 0.1755, 1.3389, 19.1618, 0.1501, -0.0785),
    "Telugu-English, chat (TECT)": Mixing(61, 236, 0.9836, 1.7541, 0.6114, 0.2966, 1.0606, 30.6831, 0.7559, -0.3137),
    "Algerian Arabic-French, web (NArabizi)": Mixing(
        381, 4261, 0.7428, 1.7454, 0.1713, 0.2199, 2.2151, 21.3555, 0.199, -0.0425
    ),
}
_SHOWN = {
    "sentences": "texts",
    "mixed": "mixed",
    "switch_points": "switch points",
    "i_index": "I-index",
    "embedded": "embedded",
    "run": "run",
    "cmi": "CMI",
    "burstiness": "burstiness",
}


def mixing_rows(measured: Mapping[str, Mixing]) -> list[list[str]]:
    """A header and a row of cells for each collection."""
    rows = [["mixing", *_SHOWN.values()]]
    for title, mixing in measured.items():
        values = [getattr(mixing, name) for name in _SHOWN]
        rows.append([title, *(f"{value:,}" if isinstance(value, int) else f"{value:.2f}" for value in values)])
    return rows
