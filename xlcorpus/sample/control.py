"""Control corpora: text without meaning whose structure is known, to pretrain on beside a language.

- `zipf`, `uniform`: words drawn one by one from a vocabulary (Papadimitriou and Jurafsky 2020, "Learning Music Helps
  You Read", EMNLP).
- `nested`: each place opens a new word with a probability, or closes the last open one; a closed word is written once
  more (2020), or as its partner (`paired`; 2023, "Injecting structural hints", EMNLP Findings). Always a beginning of a
  text with balanced brackets; `closed` closes all of them at the end of a document.
- `flat`: each open word is closed as many places later as is drawn, whatever is open between; where the place is
  taken, at the nearest free one that is less than 3 away (2023), else never.

Every document is drawn from a hash of (seed, kind, its number) alone: a larger budget begins with a smaller one.
MonoByte (Abonizio et al. 2022, COLING) pretrains two such controls at the byte budget of its languages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.text.draws import stream
from xlcorpus.text.hashes import hash_text

KINDS = ("zipf", "uniform", "nested", "flat")
BRACKETS = "()[]{}<>"
_NEAR = 3  # a place that is taken is replaced by one that is less than this away
_AT_ONCE = 1 << 20  # words that are drawn at a time
_ALIKE = dict.fromkeys(range(1, 31), 1.0)
_KINDS_WITH = {
    "exponent": ("zipf", "nested", "flat"),
    "open_share": ("nested",),
    "paired": ("nested", "flat"),
    "lengths": ("flat",),
}


@dataclass(frozen=True)
class Control:
    """What to write. vocabulary: words (of brackets: pairs); words: of a document; exponent: of Zipf's law, 0: uniform.

    open_share: of `nested`, the probability of a new word; paired: a closing word is another one; closed: see above;
    lengths: of `flat`, the weight of each distance. brackets: () [] {} <> instead of numbers. Raises UserError.
    """

    kind: str = "zipf"
    vocabulary: int = 50_000
    words: int = 512
    exponent: float = 1.0
    open_share: float = 0.5
    paired: bool = False
    closed: bool = False
    brackets: bool = False
    lengths: Mapping[int, float] = field(default_factory=lambda: _ALIKE)

    def __post_init__(self) -> None:
        for name, kinds in _KINDS_WITH.items():
            if self.kind not in kinds and getattr(self, name) != getattr(type(self), name, _ALIKE):
                raise UserError(
                    f"--{name.replace('_', '-')}: {self.kind} has no use for it", remedy=f"it is of {', '.join(kinds)}"
                )
        if self.brackets and (self.kind not in ("nested", "flat") or self.vocabulary > len(BRACKETS) // 2):
            raise UserError(
                f"--brackets: {self.kind} with {self.vocabulary:,} words",
                remedy="nested or flat with --vocabulary 1 to 4: there are four pairs of brackets",
            )
        if self.closed and (self.kind != "nested" or self.words % 2):
            raise UserError("--closed closes the brackets of nested documents", remedy="nested, and an even --words")
        weights = [*self.lengths.values()]
        if min(self.lengths, default=0) < 1 or not all(0 <= one < math.inf for one in weights) or not any(weights):
            raise UserError(
                "the distances of flat are whole numbers above 0 with weights", remedy='write {"1": 5, "2": 3}'
            )


def documents(control: Control, budget: int, seed: int) -> Iterator[list[str]]:
    """Texts, some at a time, of exactly `budget` bytes in all: the last one is cut there. ASCII without line ends."""
    left, first = budget, 0
    count = max(_AT_ONCE // control.words, 1)
    while left:
        texts = []
        for text in _texts(control, first, min(count, left // control.words + 1), seed):
            if left:
                texts.append(text[:left])
                left -= len(texts[-1])
        first += count
        yield texts


def numbers(control: Control, first: int, count: int, seed: int) -> np.ndarray:
    """int64[count, words]: the words of some documents; a closing word of `paired` is its open one + vocabulary."""
    salts = [hash_text(f"control/{control.kind}/{seed}/{number}") for number in range(first, first + count)]
    draws = stream(np.array(salts, dtype=np.uint64), 2 * control.words)
    shares = (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53
    drawn = _drawn(shares[:, ::2], 1.0 / np.arange(1, control.vocabulary + 1) ** _exponent(control))
    if control.kind == "nested":
        return _nested(control, drawn, shares[:, 1::2])
    if control.kind == "flat":
        distances = np.array(sorted(control.lengths))
        chosen = _drawn(shares[:, 1::2], np.array([control.lengths[one] for one in distances.tolist()], np.float64))
        return _flat(control, drawn, distances[chosen])
    return drawn


def _exponent(control: Control) -> float:
    return 0.0 if control.kind == "uniform" else control.exponent


def _drawn(shares: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Numbers by their weights, of shares from 0 to 1."""
    ends = np.cumsum(weights)
    found: np.ndarray = np.searchsorted(ends / ends[-1], shares, side="right").clip(max=len(weights) - 1)
    return found


def _nested(control: Control, drawn: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """All documents at once, place by place: the words that are open lie on a stack of each."""
    documents, size = drawn.shape
    rows, made, stack = np.arange(documents), np.empty_like(drawn), np.empty_like(drawn)
    depth = np.zeros(documents, dtype=np.int64)
    for place in range(size):
        opens = (depth == 0) | (shares[:, place] < control.open_share)
        if control.closed:
            opens &= depth < size - place
        last = stack[rows, np.maximum(depth - 1, 0)]
        made[:, place] = np.where(
            opens, drawn[:, place], last + control.vocabulary * (control.paired or control.brackets)
        )
        stack[rows[opens], depth[opens]] = drawn[opens, place]
        depth += np.where(opens, 1, -1)
    return made


def _flat(control: Control, drawn: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """All documents at once, place by place: a closing word stands at its place before it is reached."""
    documents, size = drawn.shape
    rows, made = np.arange(documents), np.full((documents, size), -1, dtype=np.int64)
    for place in range(size):
        new = made[:, place] < 0
        made[new, place] = drawn[new, place]
        left, target = new.copy(), place + distances[:, place]
        left &= target < size
        for step in [0, *(sign * away for away in range(1, _NEAR) for sign in (-1, 1))]:
            at = np.clip(target + step, 0, size - 1)
            fits = left & (target + step < size) & (made[rows, at] < 0)
            made[rows[fits], at[fits]] = drawn[fits, place] + control.vocabulary * (control.paired or control.brackets)
            left &= ~fits
    return made


def _texts(control: Control, first: int, count: int, seed: int) -> Iterator[str]:
    made = numbers(control, first, count, seed)
    if control.brackets:
        signs = np.array(
            [
                ord(BRACKETS[2 * (one % control.vocabulary) + one // control.vocabulary])
                for one in range(2 * control.vocabulary)
            ]
        )
        for row in signs[made].astype(np.uint8):
            yield row.tobytes().decode()
        return
    for line in made.tolist():
        yield " ".join(map(str, line))
