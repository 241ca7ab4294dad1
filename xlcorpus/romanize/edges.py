"""Edges over a text: how its characters from one position to another are written, and which edge of several counts.

Edges of one span with one rank keep the order in which they were found; uroman's own order among such equals is that of
a set, and not defined.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum


class Rank(IntEnum):
    """Which edge of a span is taken: an active number, then a rule, then a decomposition, then anything."""

    RULE = 1
    DECOMPOSITION = 2
    OTHER = 3


class Edge:
    """Characters start:end of the text and how they are written."""

    __slots__ = ("end", "rank", "start", "text")

    def __init__(self, start: int, end: int, text: str, rank: Rank) -> None:
        self.start, self.end, self.text, self.rank = start, end, text, rank

    @property
    def is_active_number(self) -> bool:
        """True of numbers that stand for themselves."""
        return False


class Edges:
    """The edges found so far."""

    def __init__(self) -> None:
        self.spans: dict[tuple[int, int], list[Edge]] = {}
        self.ends: dict[int, int] = {}  # position -> end of the longest edge from it
        self.starts: dict[int, list[int]] = {}  # position -> where the edges to it begin
        self._read_before: dict[int, str] = {}

    def add(self, edge: Edge) -> None:
        """Put an edge among those of its span."""
        start, end = edge.start, edge.end
        edges = self.spans.get((start, end))
        if edges is not None:
            edges.append(edge)
            return
        self.spans[start, end] = [edge]
        if self.ends.get(start, -1) < end:
            self.ends[start] = end
        starts = self.starts.get(end)
        if starts is None:
            self.starts[end] = [start]
        else:
            starts.append(start)

    def best(self, start: int, end: int) -> Edge | None:
        """The edge of a span that counts."""
        edges = self.spans.get((start, end))
        if not edges:
            return None
        if len(edges) == 1:
            return edges[0]
        for edge in edges:
            if edge.is_active_number:
                return edge
        return min(edges, key=lambda edge: edge.rank)  # the first of the lowest rank

    def best_from(self, start: int) -> Edge | None:
        """The longest edge to the right of a position."""
        end = self.ends.get(start)
        return None if end is None else self.best(start, end)

    def best_to(self, end: int) -> Edge | None:
        """The longest edge to the left of a position."""
        starts = self.starts.get(end)
        return self.best(min(starts), end) if starts else None

    def backwards(self, end: int) -> str:
        """What is read just before a position, to which no edge is added any more."""
        return read_before(end, self._left_of, self._read_before)

    def _left_of(self, end: int) -> tuple[int, str] | None:
        edge = self.best_to(end)
        return None if edge is None else (edge.start, edge.text)


def read_before(position: int, left_of: Callable[[int], tuple[int, str] | None], known: dict[int, str]) -> str:
    """What is read just before a position: edges to the left until one gives a character.

    After an edge that gives none the search goes one character further than its start, as uroman's does. left_of: start
    and text of the longest edge to a position; known: what was found before, so that a long silence is crossed once.
    """
    found, passed = "", []
    while not found and position > 0 and position not in known:
        passed.append(position)
        edge = left_of(position)
        if edge is not None:
            position, found = edge
        position -= 1
    found = found or known.get(position, "")
    known.update(dict.fromkeys(passed, found))
    return found
