"""Stretches of sentences of a text: two apart from one another, or one and what follows it.

Two spans of one article are the positives of topical alignment in Xiao et al. 2024 (Pixel Sentence Representation
Learning, arXiv:2402.08183) and of DeCLUTR (Giorgi et al. 2021, arXiv:2006.03659). A span and the next one, or a span of
another text half of the time, are BERT's next-sentence prediction (Devlin et al. 2019, arXiv:1810.04805, section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.generate.operators import ALONE, FEW_SENTENCES, MADE, Made
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source
from xlcorpus.text.draws import below, shares

_LEAST = 2  # sentences: one for each side
_LABEL, _OFFER = 7, 8  # numbers of a state: whether the second side follows; where what a text offers begins


def span(source: Source, states: np.ndarray, options: GenerateOptions) -> Made:
    """Two spans of 1 to `sentences` sentences each that share none, in an order that is drawn."""
    found = source.sentences.per_text
    rows = np.flatnonzero(found >= _LEAST)
    states, count = states[rows], found[rows]
    first_size = 1 + below(states, 0, np.minimum(count - 1, options.sentences))
    second_size = 1 + below(states, 1, np.minimum(count - first_size, options.sentences))
    first = below(states, 2, count - first_size - second_size + 1)
    second = first + first_size + below(states, 3, count - first_size - second_size - first + 1)
    turned = (below(states, 4, np.full(len(rows), 2)) == 1)[:, None]
    one, other = np.stack([first, first_size], axis=1), np.stack([second, second_size], axis=1)
    sides = [_pick(source, rows, *np.where(turned, *both).T) for both in ((other, one), (one, other))]
    return Made(sides[0], sides[1], np.where(found >= _LEAST, MADE, FEW_SENTENCES), found)


def offers(source: Source, states: np.ndarray, options: GenerateOptions) -> pa.Array:
    """string[texts]: what each text gives as the second side to the first side of another: at most `sentences`
    sentences from any one on; null of a text without a sentence."""
    found = source.sentences.per_text
    rows = np.flatnonzero(found > 0)
    first = below(states[rows], _OFFER, found[rows])
    places = np.full(len(source), -1)
    places[rows] = np.arange(len(rows))
    taken = _pick(source, rows, first, np.minimum(found[rows] - first, options.sentences))
    return taken.take(pa.array(places, mask=places < 0))


def follows(states: np.ndarray, options: GenerateOptions) -> np.ndarray:
    """bool[n]: whether the second side is what follows the first, by these states (uint64[n])."""
    drawn: np.ndarray = shares(states, _LABEL) >= options.negatives
    return drawn


@dataclass(frozen=True)
class NextSentences:
    """Pairs of `next_sentences`; follows: bool[pairs], whether the second side is what follows the first."""

    made: Made
    follows: np.ndarray


def next_sentences(source: Source, states: np.ndarray, options: GenerateOptions, offered: pa.Array) -> NextSentences:
    """At most `sentences` sentences, and at most as many that follow, or what another text offers.

    offered: string[texts], of another text of the same language each; null where there is none, which is a reason for
    no pair where one of it was drawn.
    """
    found = source.sentences.per_text
    rows = np.flatnonzero(found >= _LEAST)
    true = follows(states[rows], options)
    alone = ~true & ~offered.is_valid().to_numpy(zero_copy_only=False)[rows]
    reasons = np.where(found >= _LEAST, MADE, FEW_SENTENCES)
    reasons[rows[alone]] = ALONE
    rows, true = rows[~alone], true[~alone]
    cut = 1 + below(states[rows], 0, found[rows] - 1)
    begin = np.maximum(cut - options.sentences, 0)
    after = _pick(source, rows, cut, np.minimum(found[rows] - cut, options.sentences))
    return NextSentences(
        Made(
            _pick(source, rows, begin, cut - begin),
            pc.if_else(pa.array(true), after, offered.take(pa.array(rows))),
            reasons,
            found,
        ),
        true,
    )


def _pick(source: Source, rows: np.ndarray, first: np.ndarray, sizes: np.ndarray) -> pa.Array:
    """string[n]: sentences first to first + sizes of these texts (int64[n] each), with what lies between them."""
    spans = source.sentences
    at = spans.offsets[rows] + first
    return source.pick(spans.starts[at], spans.ends[at + sizes - 1])
