"""What a word is, by script: the one definition, and the views of it that rooms take.

Word characters are letters, marks, numbers and joiners (`properties.word_characters`).

- In scripts with spaces a word is a run of them. An apostrophe between two of them belongs to the word (don't, l'eau,
  пам'ять), a hyphen does not. A run of marks and joiners alone is no word.
- Scripts without spaces (`properties.UNSPACED_SCRIPTS`) show where a run of them begins and ends, not its words. What
  stands for these is one character with its marks, an average share of a word, or what a dictionary or a word breaker
  (`breakers`) finds in the run.

| View | For | Apostrophe | Run without spaces |
| --- | --- | --- | --- |
| `tokens` | shingles, n-grams, alignment, sizes | parts tokens | one character with its marks |
| `shares`, `count_words` | counts that compare across scripts | as `tokens` | shares, by the script |
| `joined_tokens` | measures of mixed text | joins tokens | as `tokens` |
| `spaced_words`, `unspaced_runs` | what is switched (`codeswitch.switchable`) | joins | longest keys of dictionaries |
| `vocabulary` | word vectors, induced dictionaries | joins | words of a breaker; left out without one |

The last two see the same words. The switcher leaves those with a number alone; an induction begins with them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.characters import ATTACHED, INNER, UNSPACED, WORD, Classes, is_apostrophe, parted_scripts
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.ragged import offsets_of, ranges, sum_segments, sums_before
from xlcorpus.text.segment import Spans, joined, runs, spans_of

if TYPE_CHECKING:
    from xlcorpus.text.breakers import WordBreaker

_MARK = np.uint8(2)

Edges = tuple[np.ndarray, np.ndarray]  # int64 starts and ends


@functools.cache
def _token_classes() -> np.ndarray:
    """uint8[0x110000]: 0 for what is in no word, 1 for word characters, 3 for those that are marks."""
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    table[properties.word_characters()] = 1
    table[properties.marks()] |= _MARK
    return table


def tokens(points: CodePoints, single_characters: np.ndarray | None = None) -> Spans:
    r"""Tokens: runs of word characters; one character where the script writes no spaces (spec A6).

    A mark that follows a single character belongs to it, so that Thai and Khmer vowel signs are never alone.
    single_characters: bool[0x110000], which characters are tokens by themselves (default: `properties.unspaced()`).
    """
    codes = points.codes
    found = _token_classes().take(codes)
    word = found != 0
    starts, ends = runs(word, points.offsets)
    single = (properties.unspaced() if single_characters is None else single_characters).take(codes)
    if not single.any():
        return spans_of(starts, ends, points)
    begins = np.zeros(len(codes), dtype=bool)
    begins[starts] = True
    before_single = np.append(False, single[:-1])
    start = single | (word & before_single)
    start &= found < _MARK
    start |= begins
    run_ends, starts = ends, np.flatnonzero(start)
    # A token ends where the next one starts or where the run of word characters ends.
    ends = np.append(starts[1:], 0)
    ends[np.append(begins[starts[1:]], True)] = run_ends
    return spans_of(starts, ends, points)


def is_spaced(points: CodePoints, spans: Spans) -> np.ndarray:
    """bool[tokens]: tokens of scripts with spaces, so words and no single characters."""
    spaced: np.ndarray = ~properties.unspaced().take(points.codes.take(spans.starts))
    return spaced


def shares(points: CodePoints, spans: Spans) -> np.ndarray:
    """float64[tokens]: how much of a word each token is.

    A token of a script with spaces is one word; a character of a script without is the share of a word that it is on
    average (`properties.LETTERS_PER_WORD`), so that counts compare across scripts.
    """
    rate = properties.words_per_character().take(points.codes)
    before = sums_before(rate, np.float64)
    parts: np.ndarray = before[spans.ends] - before[spans.starts] + is_spaced(points, spans)
    return parts


def count_words(points: CodePoints, spans: Spans) -> np.ndarray:
    """float64[rows]: words of each text, the sum of its `shares`."""
    spaced = np.bincount(spans.rows[is_spaced(points, spans)], minlength=len(points)).astype(np.float64)
    return spaced + points.sum_per_text(properties.words_per_character().take(points.codes))


def joined_tokens(points: CodePoints) -> Spans:
    """Tokens, those with nothing but an apostrophe between them as one."""
    found = tokens(points)
    apostrophe = properties.apostrophes().take(points.codes)
    apart = np.ones(len(found), dtype=bool)
    apart[1:] = (found.starts[1:] > found.ends[:-1] + 1) | ~apostrophe.take(found.ends[:-1], mode="clip")
    return joined(found, apart)


def spaced_words(points: CodePoints, classes: Classes, edges: np.ndarray | None = None) -> Edges:
    """Words of scripts with spaces, runs of marks alone among them: int64 starts and ends.

    `classes.flags` is changed, see `join_inner`, which takes edges too.
    """
    join_inner(points, classes.flags, classes.where(INNER), edges)
    return runs((classes.flags & WORD) != 0, points.offsets)


def join_inner(points: CodePoints, flags: np.ndarray, at: np.ndarray, edges: np.ndarray | None = None) -> None:
    """Make signs that stand inside of words part of them: what is between two letters of a text, by its script.

    at: int64, ascending, characters that are INNER; flags: uint8[n], which get WORD there, a Tibetan tsheg UNSPACED.
    edges: bool[rows], texts of a language where an apostrophe at one edge of a word is of it too ('okina, tog'); at
    both edges it is a quotation mark.
    """
    at = at[(flags[at] & (WORD | UNSPACED | INNER)) == INNER]
    if not len(at):
        return
    row = np.searchsorted(points.offsets, at, side="right") - 1
    left = np.where(at > points.offsets[row], flags[at - 1], 0)
    right = np.where(at + 1 < points.offsets[row + 1], flags.take(at + 1, mode="clip"), 0)
    joins = left & right & (WORD | UNSPACED)
    scripts = parted_scripts()
    own = (scripts[points.codes[at]] << np.uint8(1)) & np.uint8(0b101010)
    beside = scripts[points.codes[at - 1]] & scripts[points.codes.take(at + 1, mode="clip")]
    flags[at] |= np.where(own == 0, joins & WORD, np.where(own & beside, joins, 0))
    if edges is not None and edges[row].any():
        place = np.flatnonzero(edges[row] & ((left ^ right) & WORD != 0) & is_apostrophe(points.codes[at]))
        at, opens = at[place], (right & WORD != 0)[place]
        gaps = np.append(np.flatnonzero((flags & WORD) == 0), len(flags))
        ends = gaps[np.searchsorted(gaps, at, side="right")]  # of the word that follows each
        quotes = np.zeros(len(at) + 1, dtype=bool)
        quotes[1:-1] = opens[:-1] & ~opens[1:] & (ends[:-1] == at[1:])
        flags[at[~(quotes[:-1] | quotes[1:])]] |= WORD


def without_letter(flags: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[k]: which of the runs are marks and joiners alone, as between the parts of an emoji."""
    odd = np.flatnonzero(flags.take(starts) & ATTACHED)
    if not len(odd):
        return odd
    sizes = (ends - starts)[odd]
    at = ranges(starts[odd], sizes)
    return odd[sum_segments(flags[at] & ATTACHED == 0, offsets_of(sizes)) == 0]


def unspaced_runs(points: CodePoints, flags: np.ndarray) -> Edges:
    """Runs of word characters of scripts without spaces: int64 starts and ends."""
    return runs((flags & UNSPACED) != 0, points.offsets)


def vocabulary(points: CodePoints, breaker: WordBreaker | None = None) -> Spans:
    """The words that vectors are trained on: all there are, those of scripts without spaces as the breaker has them.

    Without a breaker the latter are left out, since their characters are no words.
    """
    classes = Classes.of(points.codes)
    starts, ends = spaced_words(points, classes)
    bare = without_letter(classes.flags, starts, ends)
    starts, ends = np.delete(starts, bare), np.delete(ends, bare)
    if breaker is not None:
        more = broken_words(points, classes.flags, breaker)
        starts, ends = np.sort(np.append(starts, more[0])), np.sort(np.append(ends, more[1]))
    return spans_of(starts, ends, points)


def broken_words(points: CodePoints, flags: np.ndarray, breaker: WordBreaker, rows: np.ndarray | None = None) -> Edges:
    """Words of the runs without spaces, of all texts or of `rows` (bool[rows]): int64 starts and ends."""
    starts, ends = unspaced_runs(points, flags)
    if rows is not None:
        asked = rows[np.searchsorted(points.offsets, starts, side="right") - 1]
        starts, ends = starts[asked], ends[asked]
    content = points.codes.tobytes().decode("utf-32-le")
    cuts: list[int] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        cuts += [start + cut for cut in breaker.cuts(content[start:end])]
    inner = np.array(cuts, dtype=np.int64)
    inner = inner[(flags.take(inner) & ATTACHED) == 0]  # no word begins with a mark, as in `tokens`
    return np.sort(np.append(starts, inner)), np.sort(np.append(ends, inner))
