"""Stop words as datatrove finds them: those of the list that are words of the text, letter for letter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import text_column
from xlcorpus.quality.datatrove.breakers import ESTIMATE
from xlcorpus.quality.datatrove.signals import BREAKER, words_in_pieces
from xlcorpus.quality.datatrove.words import Words, words_of
from xlcorpus.text.hashes import mix


def count_exact(
    batch: pa.RecordBatch, rows: np.ndarray, lists: Sequence[Sequence[str]], list_of: np.ndarray, found: np.ndarray
) -> np.ndarray:
    """Put in `found` how many different words of `lists[list_of[i]]` are words of the text of `rows[i]`.

    The words are those of the breaker that scored the text. bool[len(rows)]: texts without one, which are left out.
    """
    breakers = batch.column(BREAKER).take(pa.array(rows)).dictionary_encode()
    names, numbers = breakers.dictionary.to_pylist(), breakers.indices.to_numpy(zero_copy_only=False)
    for places, _, words in words_in_pieces(text_column(batch).take(pa.array(rows)), names, numbers):
        found[rows[places]] = _different(words, lists, list_of[places])
    return np.array([name == ESTIMATE for name in names], dtype=bool)[numbers]


def _different(words: Words, lists: Sequence[Sequence[str]], list_of: np.ndarray) -> np.ndarray:
    """int64[texts]: different words of `lists[list_of[text]]` among the words of each text."""
    salts = mix(np.arange(1, len(lists) + 1, dtype=np.uint64))
    # What begins or ends with a space is no word that a breaker gives.
    wanted = words_of([list(dict.fromkeys(word for word in some if word == word.strip())) for some in lists])
    keys = np.sort(wanted.hashes ^ salts[wanted.rows])
    if not len(keys) or not len(words):
        return np.zeros(len(list_of), dtype=np.int64)
    hashes = words.hashes ^ salts[list_of[words.rows]]
    at = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
    hit = keys[at] == hashes
    pairs = np.unique(words.rows[hit] * len(keys) + at[hit])
    return np.bincount(pairs // len(keys), minlength=len(list_of))
