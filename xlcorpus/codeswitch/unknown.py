"""The words of texts that a dictionary has nothing for, as `dict_word` would look for them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from xlcorpus.codeswitch import characters, protect
from xlcorpus.codeswitch.lookup import Lookup
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.text.breakers import WordBreaker
from xlcorpus.text.codepoints import code_points, strings_of
from xlcorpus.text.composed import composed
from xlcorpus.text.ragged import offsets_of, ranges
from xlcorpus.text.slices import pieces


def unknown_words(
    texts: pa.Array, direction: int, index: LexiconIndex, breaker: WordBreaker | None = None
) -> Counter[str]:
    """How often each word occurs in string[n] that has no entry in a direction of the index (its number).

    Names, numbers, addresses and code are none, nor is what lies between two matches of a script without spaces.
    """
    found: Counter[str] = Counter()
    for _, part in pieces(texts):
        points, _ = composed(code_points(part))
        classes = characters.classify(points.codes)
        covered = protect.protected(points, classes, [])
        lookup = Lookup(points, np.full((len(part), 1), direction, dtype=np.int64), index, breaker)
        looked = lookup.find(classes, covered)
        missing = np.flatnonzero((looked.keys.max(axis=0) < 0) & looked.words.known)
        starts, sizes = looked.words.starts[missing], (looked.words.ends - looked.words.starts)[missing]
        words = strings_of(points.codes[ranges(starts, sizes)], offsets_of(sizes))
        found.update(words.to_pylist())
    return found
