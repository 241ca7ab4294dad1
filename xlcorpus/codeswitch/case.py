"""The case of a word carried over to its replacement: as in the dictionary, with a capital, or in capitals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.ragged import offsets_of, ranges, sum_segments

AS_IS, TITLE, CAPITALS = 0, 1, 2


def carry_case(words: pa.StringArray, at: np.ndarray, form: np.ndarray, dotless: np.ndarray) -> pa.StringArray:
    """string[k]: words[at] in their forms.

    at: int64[k]; form: int64[k], AS_IS, TITLE or CAPITALS; dotless: bool[k], of a language with a dotless i.
    """
    changed = np.flatnonzero(form)
    if not len(changed):
        return words.take(pa.array(at))
    if len(words) > len(at):  # of the two, the fewer are copied to stand before the changed ones
        words, at = words.take(pa.array(at)), np.arange(len(at))
    some, dotless, titled = words.take(pa.array(at[changed])), dotless.take(changed), form.take(changed) == TITLE
    head, tail = pc.utf8_slice_codeunits(some, 0, 1), pc.utf8_slice_codeunits(some, 1)
    if dotless.any():
        head = pc.if_else(pa.array(dotless), pc.replace_substring(head, "i", "İ"), head)
        tail = pc.if_else(pa.array(dotless & ~titled), pc.replace_substring(tail, "i", "İ"), tail)
    if not titled.all():
        tail = pc.if_else(pa.array(titled), tail, _upper(tail))
    cased = pc.binary_join_element_wise(_upper(head), tail, "").cast(pa.string())
    order = at.astype(np.int64)
    order[changed] = len(words) + np.arange(len(changed))
    return pa.concat_arrays([words, cased]).take(pa.array(order))


def _upper(words: pa.Array) -> pa.Array:
    """In capitals; sharp s as two, by the rules of German and of Unicode: Arrow makes its rare capital of it."""
    return pc.utf8_upper(pc.replace_substring(words, "ß", "SS"))


def forms(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[n]: the form that carries over the case of words: codes[starts:ends].

    Capitals are two capital letters and no small one. A single capital letter is a capital, not capitals; a capital
    inside (iPhone) is not carried over. Signs and marks have no case ('Okina, DON'T).
    """
    sizes = ends - starts
    at = ranges(starts, sizes)
    edges = offsets_of(sizes)
    upper, lower = properties.capitals()[codes[at]], properties.small_letters()[codes[at]]
    capitals = (sum_segments(upper, edges) >= 2) & (sum_segments(lower, edges) == 0)
    # The first letter with a case is at the word's beginning, or behind a sign there.
    title = upper[edges[:-1]] | (~lower[edges[:-1]] & (sizes > 1) & upper[np.minimum(edges[:-1] + 1, len(at) - 1)])
    return np.where(capitals, CAPITALS, np.where(title, TITLE, AS_IS))
