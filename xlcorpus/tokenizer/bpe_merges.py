"""Which pieces can be added to a BPE vocabulary after all its merges, and by which merge each is made.

Old merges go first, so an old text is first cut as before; then new merges join neighbours. A piece is made only if the
text of it, cut with what is there so far, is two pieces: candidates come in the order in which another model learnt
them, the parts before the whole, and those that wait for a part are tried again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ROUNDS = 3


class Merges:
    """A vocabulary whose merges are pairs with ranks (Hugging Face): only a listed pair is joined."""

    def __init__(self, pairs: Sequence[tuple[str, str]], prefix: str = "") -> None:
        self._prefix = prefix
        self._ranks: dict[tuple[str, str], float] = {}
        for rank, pair in enumerate(pairs):
            self._ranks.setdefault(pair, rank)

    @classmethod
    def of(cls, model: Mapping[str, Any]) -> Merges:
        """Those of the model in a tokenizer.json."""
        pairs = (merge.split(" ", 1) if isinstance(merge, str) else merge for merge in model["merges"])
        return cls([(left, right) for left, right in pairs], model.get("continuing_subword_prefix") or "")

    def rank(self, left: str, right: str) -> float:
        return self._ranks.get((left, right), math.inf)

    def join(self, left: str, right: str) -> str:
        return left + right.removeprefix(self._prefix)

    def add(self, left: str, right: str) -> None:
        self._ranks.setdefault((left, right), len(self._ranks))


class Pieces:
    """A vocabulary whose pieces have scores (SentencePiece): any neighbours that make a piece are joined."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self._ranks = {text: -score for text, score in scores.items()}
        self._last = max(self._ranks.values(), default=0.0)

    def rank(self, left: str, right: str) -> float:
        return self._ranks.get(left + right, math.inf)

    def join(self, left: str, right: str) -> str:
        return left + right

    def add(self, left: str, right: str) -> None:
        self._last += 1
        self._ranks[left + right] = self._last


def cut(symbols: Sequence[str], merges: Merges | Pieces, made: set[str] | None = None) -> list[str]:
    """Join the best pair, the leftmost of equals, until none is left. For single words: quadratic in their length.

    made: gets the symbols and all that is joined on the way.
    """
    parts = list(symbols)
    made = set() if made is None else made
    made.update(parts)
    while len(parts) > 1:
        ranks = [merges.rank(left, right) for left, right in itertools.pairwise(parts)]
        at = min(range(len(ranks)), key=ranks.__getitem__)
        if ranks[at] == math.inf:
            break
        parts[at : at + 2] = [merges.join(*parts[at : at + 2])]
        made.add(parts[at])
    return parts


@dataclass(frozen=True, slots=True)
class Made:
    """A piece to add: its text and the pair that it is made of, None for a single character."""

    text: str
    pair: tuple[str, str] | None


def choose_merges(
    candidates: Sequence[str],
    merges: Merges | Pieces,
    known: set[str],
    count: int,
    characters: Collection[str] = frozenset(),
) -> list[Made]:
    """The first `count` candidates that can be made, in the order in which they are to be added.

    known: pieces of the vocabulary; a single symbol that is none of them is added as it is. characters: candidates of
    several symbols (byte-level: a letter of three bytes) whose parts are added too, from the left, as letters of a
    script share them. `merges` and `known` grow.
    """
    chosen: list[Made] = []
    waiting = [text for text in dict.fromkeys(candidates) if text not in known]
    for _ in range(_ROUNDS):
        left_over: list[str] = []
        for text in waiting:
            if len(chosen) == count:
                return chosen
            parts = cut(text, merges)
            if len(parts) > 2 and text in characters and len(chosen) + len(parts) - 2 < count:
                while len(parts) > 2 and parts[0] + parts[1] not in known:
                    left, right = parts[:2]
                    merges.add(left, right)
                    known.add(left + right)
                    chosen.append(Made(left + right, (left, right)))
                    parts = cut(text, merges)
            if len(parts) == 1 or (len(parts) == 2 and known.issuperset(parts)):
                pair = (parts[0], parts[1]) if len(parts) == 2 else None
                if pair:
                    merges.add(*pair)
                known.add(text)
                chosen.append(Made(text, pair))
            else:
                left_over.append(text)
        if len(left_over) == len(waiting):
            break
        waiting = left_over
    return chosen
