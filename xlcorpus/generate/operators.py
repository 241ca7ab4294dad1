"""What an operator gives: a pair of each text, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source

# Why a text makes no pair, and what the score of the decision counts.
REASONS = ("", "too_few_words", "too_few_sentences", "nothing_to_change", "no_other_document")
MADE, FEW_WORDS, FEW_SENTENCES, NO_CHANGE, ALONE = range(len(REASONS))


@dataclass(frozen=True)
class Made:
    """Pairs of some texts. src, tgt: string[pairs]; reasons: int64[texts], 0 for those that made one, in order; found:
    int64[texts], words or sentences that there were."""

    src: pa.Array
    tgt: pa.Array
    reasons: np.ndarray
    found: np.ndarray


Operator = Callable[[Source, np.ndarray, GenerateOptions], Made]  # texts, uint64[texts] states to draw from, options
