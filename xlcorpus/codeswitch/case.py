"""The case of a word carried over to its replacement: as in the dictionary, with a capital, or in capitals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

AS_IS, TITLE, CAPITALS = 0, 1, 2
FORMS = 3

# Languages that write a dotless i: there the capital of i is İ. Kazakh and Tatar do so in Latin letters only.
_DOTTED_CAPITAL = frozenset({"tur", "aze", "azj", "azb", "crh", "gag", "kaz", "tat"})
# Georgian has capitals in Unicode since 2018, but no sentence or name begins with one: left as it is.
_GEORGIAN = r"^[\x{10D0}-\x{10FF}]"


def forms(words: pa.Array, langs: Sequence[str]) -> pa.StringArray:
    """The three forms of each word, string[3 * words]: form f of word i is at 3 * i + f.

    langs: the label of each word's language. Scripts without case give the same three times.
    """
    count = len(words)
    dotted = pa.array(np.array([lang.split("_")[0] in _DOTTED_CAPITAL for lang in langs], dtype=bool))
    head, tail = pc.utf8_slice_codeunits(words, 0, 1), pc.utf8_slice_codeunits(words, 1)
    head = pc.if_else(dotted, pc.replace_substring(head, "i", "İ"), head)
    whole = pc.if_else(dotted, pc.replace_substring(words, "i", "İ"), words)
    title = pc.binary_join_element_wise(pc.utf8_upper(head), tail, "")
    fixed = pc.match_substring_regex(words, _GEORGIAN)
    three = [words, pc.if_else(fixed, words, title), pc.if_else(fixed, words, pc.utf8_upper(whole))]
    order = (np.arange(count)[:, None] + np.arange(FORMS) * count).ravel()
    return pa.concat_arrays([array.cast(pa.string()) for array in three]).take(pa.array(order))


def form_of(uppers: np.ndarray, letters: np.ndarray, title: np.ndarray) -> np.ndarray:
    """int64[n]: the form that carries over the case of words with `uppers` capitals among `letters` characters.

    A single capital letter is a capital, not capitals; a capital inside (iPhone) is not carried over.
    """
    capitals = (uppers >= 2) & (uppers == letters)
    return np.where(capitals, CAPITALS, np.where(title, TITLE, AS_IS))
