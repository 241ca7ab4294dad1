"""A text with misspelt words: letters dropped, put in, put for others, said twice, or in each other's place.

The typos of Xiao et al. 2024 (Pixel Sentence Representation Learning, arXiv:2402.08183: insertion, deletion,
substitution, swap), and a letter twice; which share of the words has one is ours. A letter is a grapheme cluster, so no
mark is parted from what it stands on, and what is put in is a letter of the same text and script: there is a keyboard
of hardly any of them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.generate.changed import changed
from xlcorpus.generate.options import EDITS, GenerateOptions
from xlcorpus.generate.source import Source
from xlcorpus.text import properties
from xlcorpus.text.codepoints import strings_of
from xlcorpus.text.draws import below, shares
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import begins_of, heads_of, offsets_of, ranges
from xlcorpus.text.words import shares as word_shares

SWAP, DROP, REPEAT, INSERT, SUBSTITUTE = range(len(EDITS))
_DRAWS = 4  # numbers that a word takes: whether it has a typo, which one, at which letter, with which other one


def misspelt(source: Source, states: np.ndarray, options: GenerateOptions) -> pa.Array:
    """string[texts]: the texts with a typo in about `rate` of the words that have letters, at least in one."""
    letters, words, codes = source.letters, source.words, source.points.codes
    # The letters of words, in order, and which word each is in.
    which = np.searchsorted(words.starts, letters.starts, side="right") - 1
    inside = which >= 0
    inside[inside] = letters.starts[inside] < words.ends[which[inside]]
    spelt = np.flatnonzero(inside & properties.letters().take(codes.take(letters.starts)))
    word_of = which[spelt]
    begins = begins_of(word_of)
    first = np.flatnonzero(begins)
    sizes = np.diff(np.append(first, len(spelt)))
    word = word_of[first]
    row = words.rows[word]
    draw = _DRAWS * (word - words.offsets[row]) + 1

    lot = shares(states[row], draw)
    # What is a part of a word, in scripts without spaces, has as large a part of the typos.
    wrong = lot < options.rate * np.minimum(word_shares(source.points, words)[word], 1)
    least = np.full(len(source), 2.0)
    np.minimum.at(least, row, lot)
    wrong |= lot == least[row]  # one at least
    wrong = np.flatnonzero(wrong)
    first, sizes, row, draw = first[wrong], sizes[wrong], row[wrong], draw[wrong]
    at = first + below(states[row], draw + 2, sizes)  # of the letters that are spelt

    hashes = SpanHasher.of_codes(codes).hash(letters.starts[spelt], letters.ends[spelt])
    # A swap is of a letter and the next one of its word, the last with the one before it.
    left = np.where(at == first + sizes - 1, at - 1, at)
    can_swap = sizes >= 2
    can_swap[can_swap] = hashes[left[can_swap]] != hashes[left[can_swap] + 1]
    other = _others(
        letters.rows[spelt], properties.scripts().take(codes.take(letters.starts[spelt])), at, states[row], draw
    )
    differs = hashes[other] != hashes[at]
    always = np.ones(len(at), dtype=bool)
    possible = np.stack([can_swap, sizes >= 2, always, always, differs], axis=1)
    possible &= np.isin(np.array(EDITS), options.edits)
    nth = below(states[row], draw + 1, possible.sum(axis=1))
    edit = np.where(possible.any(axis=1), np.argmax(np.cumsum(possible, axis=1) > nth[:, None], axis=1), -1)
    return _written(source, spelt, at, left, other, edit)


def _others(rows: np.ndarray, scripts: np.ndarray, at: np.ndarray, states: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """int64[edits]: for each letter a letter of the same text and script. rows, scripts: of all letters; at: int64."""
    group = rows * 256 + scripts
    order = np.argsort(group, kind="stable")
    begins = begins_of(group[order])
    head, place = heads_of(begins), np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    size = np.bincount(np.cumsum(begins) - 1)[np.cumsum(begins) - 1] if len(order) else head
    mine = place[at]
    return order[head[mine] + below(states, draw + 3, size[mine])]


def _written(
    source: Source, spelt: np.ndarray, at: np.ndarray, left: np.ndarray, other: np.ndarray, edit: np.ndarray
) -> pa.Array:
    """string[texts]: with edit[i] (-1: none) done at the letter spelt[at[i]]; of a swap at spelt[left[i]]."""
    letters = source.letters
    order, counts = np.arange(len(letters)), np.ones(len(letters), dtype=np.int64)
    counts[spelt[at[edit == DROP]]] = 0
    counts[spelt[at[(edit == REPEAT) | (edit == INSERT)]]] = 2
    order[spelt[at[edit == SUBSTITUTE]]] = spelt[other[edit == SUBSTITUTE]]
    swapped = edit == SWAP
    one, two = spelt[left[swapped]], spelt[left[swapped] + 1]
    order[one], order[two] = two, one
    edges = offsets_of(counts)
    written = np.repeat(order, counts)
    inserted = edit == INSERT
    written[edges[spelt[at[inserted]]] + 1] = spelt[other[inserted]]
    sizes = letters.lengths[written]
    ends = offsets_of(sizes)[edges[letters.offsets]]
    return strings_of(source.points.codes[ranges(letters.starts[written], sizes)], ends)


typo = changed(misspelt)
