"""The words of a batch that may be switched: those of `text.words`, without protected ones and those with a number.

Scripts without spaces: from left to right the longest key of the row's dictionaries that begins and ends where a word
can (`text.unspaced`); what lies between two matches is cut into words of the script's mean length, which have no entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.text.characters import (
    INNER,
    NUMBER,
    UNSPACED,
    UPPER,
    WORD,
    Classes,
    is_han_or_kana,
    is_tibetan,
    is_word,
)
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import heads_of, ranges, rows_of
from xlcorpus.text.unspaced import bounds
from xlcorpus.text.words import spaced_words, unspaced_runs, without_letter

# Mean code points of a word, as `properties.LETTERS_PER_WORD`: Chinese and Japanese 1.7 to 3, Thai and others 4.8.
_PIECE_HAN, _PIECE_ELSEWHERE = 2, 5

# Longest key that begins at each of some positions: (positions int64[n], room int64[n], may_end bool[codes + 1]) ->
# int64[n], 0 for none. room: code points up to the end of the run of unspaced characters; may_end: where a word may.
LongestMatch = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Switchable:
    """Words in text order, without those in protected stretches and those that hold a number.

    starts, ends: int64[words], positions in the codes; offsets: int64[rows + 1]; known: bool[words], false for what
    lies between matches of an unspaced script; unspaced: bool[words]; uppers: int64[words], upper-case letters;
    divided: int64[k], the words with one sign inside (`words.join_inner`), and signs: int64[k], where it is.
    """

    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    known: np.ndarray
    unspaced: np.ndarray
    uppers: np.ndarray
    divided: np.ndarray
    signs: np.ndarray

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[words]: the text of each word."""
        return rows_of(self.offsets)


def find_switchable(
    points: CodePoints,
    classes: Classes,
    covered: np.ndarray,
    longest: LongestMatch,
    edges: np.ndarray | None = None,
) -> Switchable:
    """Words of all texts. classes: of their characters; covered: int64[k], the protected ones; edges: `join_inner`.

    `classes.flags` is changed: protected characters lose their classes, signs within a word become part of it.
    """
    flags = classes.flags
    touched = covered
    if len(covered):
        touched = covered[is_word(flags.take(covered))]
        flags[covered] = 0
    starts, ends = spaced_words(points, classes, edges)
    # Capitals, numbers and signs inside of words, 1 character in 100; those at the start are seen there.
    at = classes.where(UPPER | NUMBER | INNER)
    at = at[flags.take(at - 1, mode="wrap") & WORD != 0]
    word = np.searchsorted(starts, at, side="right") - 1
    inside = (word >= 0) & (at < ends.take(word, mode="clip")) if len(starts) else np.zeros(len(at), dtype=bool)
    at, word = at[inside], word[inside]
    inside = at > starts.take(word)
    at, word = at[inside], word[inside]
    classed, first = flags.take(at), flags.take(starts)
    uppers = np.bincount(word[classed & UPPER != 0], minlength=len(starts))
    uppers += first & UPPER != 0
    keep = first & NUMBER == 0
    keep[word[classed & NUMBER != 0]] = False
    keep[without_letter(flags, starts, ends)] = False
    if len(touched):  # a word of which a part is protected is left alone
        keep[_edges_at(touched + 1, starts, points.offsets)] = False
        keep[_edges_at(touched, ends, points.offsets)] = False
    divided, signs = word[classed & INNER != 0], at[classed & INNER != 0]
    once = keep[divided] & (np.bincount(divided, minlength=len(starts))[divided] == 1)
    divided, signs = divided[once], signs[once]
    dropped = np.flatnonzero(~keep)
    if len(dropped):
        divided -= np.searchsorted(dropped, divided)
        kept = np.flatnonzero(keep)
        starts, ends, uppers = starts.take(kept), ends.take(kept), uppers.take(kept)
    known, unspaced = np.ones(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
    columns = [starts, ends, uppers, known, unspaced]
    if np.bitwise_or.reduce(flags, initial=0) & UNSPACED:
        more = _segment(points, flags, longest)
        count = len(more[0])
        none, every = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
        columns = [
            np.concatenate([column, other])
            for column, other in zip(columns, [*more[:2], none, more[2], every], strict=True)
        ]
        order = np.argsort(columns[0])
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        divided = place[divided]
        columns = [column[order] for column in columns]
    starts, ends, uppers, known, unspaced = columns
    return Switchable(
        starts=starts,
        ends=ends,
        offsets=np.searchsorted(starts, points.offsets).astype(np.int64),
        known=known,
        unspaced=unspaced,
        uppers=uppers,
        divided=divided,
        signs=signs,
    )


def _edges_at(positions: np.ndarray, edges: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """int64[k]: which of the edges (ascending) are at one of the positions, but for those where a text begins."""
    inside = offsets[np.searchsorted(offsets, positions)] != positions
    place = np.searchsorted(edges, positions)
    inside &= place < len(edges)
    place, positions = place[inside], positions[inside]
    return place[edges[place] == positions]


def _segment(points: CodePoints, flags: np.ndarray, longest: LongestMatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words of unspaced scripts: starts, ends and whether each is a key."""
    run_starts, run_ends = unspaced_runs(points, flags)
    sizes = run_ends - run_starts
    first = np.cumsum(sizes) - sizes  # of each run, among all unspaced characters
    at = ranges(run_starts, sizes)
    room = np.repeat(run_ends, sizes) - at
    begins, ends = bounds(points.codes[at], flags[at], first)
    may_end = np.zeros(len(flags) + 1, dtype=bool)
    may_end[at[ends]] = True
    may_end[run_ends] = True
    length = np.zeros(len(at), dtype=np.int64)
    length[begins] = longest(at[begins], room[begins], may_end)
    # Reached from the run's first character by matches, or by single steps where nothing matches. Doubling the steps
    # takes log2(longest run) passes; one step after the other would take as many passes as the longest run has words.
    # A run's last step ends where the next run begins, which is reached anyway.
    jump = np.minimum(np.arange(len(at)) + np.maximum(length, 1), np.repeat(first + sizes, sizes))
    jump = np.append(jump, len(at))
    reached = np.zeros(len(at) + 1, dtype=bool)
    reached[first] = True
    for _ in range(int(sizes.max()).bit_length()):
        reached[jump[reached.nonzero()[0]]] = True
        jump = jump[jump]
    here = np.flatnonzero(reached[:-1])
    matched = length[here] > 0
    word_starts = here[matched]
    word_ends = word_starts + length[word_starts]
    loose = here[~matched & ((flags[at[here]] & INNER) == 0)]  # a tsheg between two syllables is no word
    loose_starts, loose_ends = _cut_loose(loose, at, np.repeat(first, sizes), points.codes)
    starts = np.concatenate([at[word_starts], loose_starts])
    ends = np.concatenate([at[word_ends - 1] + 1, loose_ends])
    return starts, ends, np.arange(len(starts)) < len(word_starts)


def _cut_loose(loose: np.ndarray, at: np.ndarray, run: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut stretches of unmatched characters (indices into `at`) into pieces of a word's mean length; Tibetan syllables
    stay."""
    if not len(loose):
        return loose, loose
    begins = np.ones(len(loose), dtype=bool)
    begins[1:] = (loose[1:] != loose[:-1] + 1) | (run[loose[1:]] != run[loose[:-1]])
    heads = heads_of(begins)
    codes = codes[at[loose]]
    size = np.select([is_han_or_kana(codes), is_tibetan(codes)], [_PIECE_HAN, len(at)], _PIECE_ELSEWHERE)[heads]
    begins |= (np.arange(len(loose)) - heads) % size == 0
    piece = np.flatnonzero(begins)
    lasts = np.append(piece[1:], len(loose)) - 1
    return at[loose[piece]], at[loose[lasts]] + 1
