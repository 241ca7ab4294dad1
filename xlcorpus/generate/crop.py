"""Two crops of a text, each drawn by itself (Contriever: Izacard et al. 2022, arXiv:2112.09118, section 3.1).

There a crop is of tokens: a share of the text's, uniform between two bounds, rounded down, at a place uniform over all
that it fits in. Here it is of words, so that texts stay texts; `pack --view crops` draws those of tokens.
"""

from __future__ import annotations

import numpy as np

from xlcorpus.generate.operators import FEW_WORDS, MADE, Made
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source
from xlcorpus.text.draws import draw_crop


def crop(source: Source, states: np.ndarray, options: GenerateOptions) -> Made:
    """Both sides are stretches of whole words with what lies between them; they may overlap."""
    words = source.words
    found = words.per_text
    rows = np.flatnonzero(found >= options.min_words)
    sides = []
    for place in range(2):
        first, lengths = draw_crop(states[rows], place, found[rows], options.least_ratio, options.most_ratio)
        first += words.offsets[rows]
        sides.append(source.pick(words.starts[first], words.ends[first + lengths - 1]))
    return Made(sides[0], sides[1], np.where(found >= options.min_words, MADE, FEW_WORDS), found)
