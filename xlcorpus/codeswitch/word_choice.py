"""Which words to switch: spans of whole words at random places until as many words are replaced as the ratio asks.

The published rule (CSR4mBART's masking after mBART's text infilling): lengths from a Poisson distribution, starts at
random words, whole words, the last span trimmed. Where this differs:

- The budget counts words that are *replaced*; the paper's counts words in spans, of which those without an entry stay.
  So spans go on until the budget is met or no word with an entry is left, and the ratio is min(ratio, coverage).
- Spans of length zero are skipped. In the paper they insert a mask: that is the business of the training step.
- The budget is the nearest whole number of words, one at least; `rounding="ceil"` is the published one, which makes
  half a word more on average: 0.375 instead of 0.35 in sentences of 20 words.
- Every choice is made by a hash of (seed, doc_id, number of the word): one output of splitmix64 a word, of which 31
  bits order the starts, 16 give the length and 16 the candidate.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from xlcorpus.codeswitch.options import Rounding
from xlcorpus.text.hashes import GOLDEN, mix

_DENSE = 7  # up to this length all words are passed over; at a mean of 3.5, one span in 37 is longer

_GAMMA = np.uint64(GOLDEN)


@dataclass(frozen=True)
class Chosen:
    """Words to switch: index int64[k], ascending; bits uint64[k], 16 of them free; span uint32[k], equal within one."""

    index: np.ndarray
    bits: np.ndarray
    span: np.ndarray


def word_hashes(states: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """uint64[words]: word j of a row has output j of the splitmix64 generator that starts at the row's state.

    states: uint64[rows]; offsets: int64[rows + 1], the words of each row.
    """
    base = states + _GAMMA * (np.uint64(1) - offsets[:-1].astype(np.uint64))
    sequence = np.arange(int(offsets[-1]), dtype=np.uint64)
    sequence *= _GAMMA
    sequence += np.repeat(base, np.diff(offsets))
    return mix(sequence)


@functools.lru_cache(maxsize=8)
def poisson_lengths(mean: float) -> np.ndarray:
    """uint8[65536]: span lengths in their shares of a Poisson distribution, to be drawn with 16 random bits."""
    probability, total, cumulated = math.exp(-mean), 0.0, []
    for length in range(1, 256):
        total += probability
        cumulated.append(total)
        probability *= mean / length
    lengths = np.searchsorted(np.array(cumulated), (np.arange(65536) + 0.5) / 65536)
    return np.minimum(lengths, 255).astype(np.uint8)


def budgets(words: np.ndarray, ratio: float, rounding: Rounding) -> np.ndarray:
    """int64[rows]: words to replace of int64[rows] words."""
    exact = words * ratio
    if rounding == "ceil":
        return np.ceil(exact - 1e-9).astype(np.int64)
    return np.where(words > 0, np.maximum(np.floor(exact + 0.5), 1), 0).astype(np.int64)


def choose_words(
    hashes: np.ndarray, offsets: np.ndarray, replaceable: np.ndarray, budget: np.ndarray, mean: float
) -> Chosen:
    """Words to switch.

    hashes: uint64[words] (`word_hashes`); offsets: int64[rows + 1]; replaceable: bool[words], words with an entry;
    budget: int64[rows]; mean: of the span lengths.
    """
    order = _span_order(hashes, offsets, mean)
    candidates = np.flatnonzero(replaceable)
    begins = np.searchsorted(candidates, offsets)
    per_row = np.diff(begins)
    # Row, span and word in one number, sorted as such: np.argsort of three keys takes 20 times as long.
    index_bits = max(len(hashes).bit_length(), 1)
    row = np.repeat(np.arange(len(per_row), dtype=np.uint64), per_row)
    keys = row << np.uint64(32 + index_bits)
    keys |= order[candidates].astype(np.uint64) << np.uint64(index_bits)
    keys |= candidates.astype(np.uint64)
    keys.sort()
    within = np.arange(len(keys)) < np.repeat(begins[:-1] + budget, per_row)
    index = (keys[within] & np.uint64((1 << index_bits) - 1)).astype(np.int64)
    index.sort()
    return Chosen(index=index, bits=hashes[index], span=order[index])


def _span_order(hashes: np.ndarray, offsets: np.ndarray, mean: float) -> np.ndarray:
    """uint32[words]: when each word is reached: the order of the first span that covers it, ties within a span.

    The start of a span has 31 random bits; words that no span covers come after all others, by theirs.
    """
    priority = (hashes >> np.uint64(33)).astype(np.uint32)
    length = poisson_lengths(mean).take(((hashes >> np.uint64(16)) & np.uint64(0xFFFF)).astype(np.int64))
    order = priority | ((length == 0).astype(np.uint32) << np.uint32(31))
    left = np.repeat(offsets[1:], np.diff(offsets)) - np.arange(len(hashes))
    length = np.minimum(length, left)
    length = length.astype(np.uint8)
    live = priority
    longest = int(length.max(initial=0))
    dense = min(longest, len(length), _DENSE)
    for further in range(1, dense):
        # All ones where the span has ended. np.where takes 5 ns an element here, this less than 1: no branch.
        live = live | np.subtract(length > further, 1, dtype=np.int32).view(np.uint32)
        np.minimum(order[further:], live[:-further], out=order[further:])
    starts = np.flatnonzero(length > dense)
    for further in range(dense, longest):
        starts = starts[length.take(starts) > further]
        order[starts + further] = np.minimum(order.take(starts + further), priority.take(starts))
    return order
