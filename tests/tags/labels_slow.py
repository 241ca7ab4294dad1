"""Labels read, carried and written one token and one character after the other: what the fast ones must equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Place = tuple[int, int]
Span = tuple[int, int, str, bool]  # start, end, label, of a single token


def parts(tag: str | None) -> tuple[str, str]:
    """Prefix and label: O for outside, '' for a label by itself, ? for nothing said."""
    if tag in (None, "", "_"):
        return "?", ""
    if tag == "O":
        return "O", ""
    if tag[1:2] == "-" and tag[0] in "BIESLUM":
        return tag[0], tag[2:]
    return "", tag


def find_tokens(text: str, tokens: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where each token is, from left to right."""
    found: list[tuple[int, int] | None] = []
    here = 0
    for token in tokens:
        at = text.find(token, here) if token else -1
        found.append((at, at + len(token)) if at >= 0 else None)
        here = at + len(token) if at >= 0 else here
    return found


def decode(places: Sequence[tuple[int, int] | None], tags: Sequence[str | None]) -> list[Span]:
    """Spans in characters, by the rule of conlleval."""
    spans: list[Span] = []
    open_: list[Any] | None = None
    closed = False
    for place, tag in zip(places, [*tags, *[None] * len(places)], strict=False):
        prefix, label = parts(tag) if place is not None else ("?", "")
        inside = prefix in tuple("BIESLUM")
        if inside and open_ is not None and not closed and prefix not in "BSU" and open_[2] == label:
            open_[1] = place[1]
        else:
            if open_ is not None:
                spans.append(tuple(open_))
            open_ = [place[0], place[1], label, False] if inside else None
        closed = prefix in tuple("ELSU")
        if prefix == "" and place is not None:
            spans.append((place[0], place[1], label, True))
    if open_ is not None:
        spans.append(tuple(open_))
    return sorted(spans, key=lambda span: (span[0], -span[1]))


def encode(
    places: Sequence[tuple[int, int]], spans: Sequence[Span], style: str = "BIIB", outside: str | None = "O"
) -> list[str | None]:
    """A tag for each token; a token that several spans touch belongs to the first."""
    owner = [next((n for n, s in enumerate(spans) if s[0] < end and start < s[1]), None) for start, end in places]
    tags: list[str | None] = []
    for at, mine in enumerate(owner):
        if mine is None:
            tags.append(outside)
            continue
        label = spans[mine][2]
        first, last = at == 0 or owner[at - 1] != mine, at + 1 == len(owner) or owner[at + 1] != mine
        letter = style[3 if first and last else 0 if first else 2 if last else 1]
        tags.append(label if spans[mine][3] else f"{letter}-{label}")
    return tags


class Switched:
    """A switched text character by character: each comes from a place in the original, or from an edit."""

    def __init__(self, source: str, target: str, cs_spans: Sequence[dict[str, Any]]) -> None:
        self.text = source
        self.edits: list[tuple[int, int]] = []  # in the original
        self.came: list[int | tuple[int] | None] = []  # place; (edit,); None for a space that was added
        old = at = 0
        for number, span in enumerate(cs_spans):
            while at < span["start"]:
                self.came.append(old)
                at, old = at + 1, old + 1
            size = len(span["src_token"])
            assert target[old : old + size] == span["src_token"]
            self.edits.append((old, old + size))
            old += size
            new = source[span["start"] : span["end"]]
            lead = len(new) - len(new.lstrip(" ")) if new.strip(" ") else len(new)
            for place in range(len(new)):
                inner = lead <= place < lead + len(span["new_token"])
                self.came.append((number,) if inner else None)
            at = span["end"]
        while at < len(source):
            self.came.append(old)
            at, old = at + 1, old + 1
        assert old == len(target)

    def reach(self, start: int, end: int) -> set[int]:
        """Places of the new text that a stretch of the original has become, with all of each edit that it touches."""
        found = set()
        for place, came in enumerate(self.came):
            if isinstance(came, tuple):
                begin, stop = self.edits[came[0]]
                if (begin < end and start < stop) or (begin == stop and start <= begin < end):
                    found.add(place)
            elif came is not None and start <= came < end:
                found.add(place)
        return found

    def cuts(self, start: int, end: int) -> list[int]:
        """Edits that have a border of the stretch inside of them."""
        return [n for n, (a, b) in enumerate(self.edits) if a < start < b or a < end < b]

    def place(self, span: Span) -> Span:
        """Where a span that is carried is in the new text."""
        there = self.reach(*span[:2])
        return (min(there), max(there) + 1, *span[2:])

    def carry(self, spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
        """Spans of the new text, and those of the old that have no place."""
        carried, lost = [], []
        for span in spans:
            start, end, label, flat = span
            cut = self.cuts(start, end)
            there = self.reach(start, end)
            alike = flat and all(
                other[2] == label for edit in cut for other in spans if edit in self.cuts(other[0], other[1])
            )
            if (cut and not alike) or not there:
                lost.append(span)
            else:
                carried.append(self.place(span))
        return sorted(carried, key=lambda span: (span[0], -span[1])), lost

    def tokens(self, places: Sequence[tuple[int, int] | None]) -> list[tuple[int, int]]:
        """Tokens of the new text."""
        covered: set[int] = set()
        borders: set[int] = set()
        for place in places:
            there = self.reach(*place) if place is not None else set()
            if place is None or not there:
                continue
            low, high = min(there), max(there) + 1
            covered.update(range(low, high))
            if not any(a < place[0] < b for a, b in self.edits):
                borders.add(low)
            if not any(a < place[1] < b for a, b in self.edits):
                borders.add(high)
        covered = {at for at in covered if not (isinstance(self.came[at], tuple) and self.text[at].isspace())}
        found: list[list[int]] = []
        for at in sorted(covered):
            if found and found[-1][1] == at and at not in borders:
                found[-1][1] = at + 1
            else:
                found.append([at, at + 1])
        return [(start, end) for start, end in found]


def follow(
    spans: Sequence[Span],
    source: Sequence[tuple[int, int]],
    target: Sequence[tuple[int, int]],
    links: Sequence[tuple[int, int]],
    method: str,
) -> list[Span | None]:
    """Spans of the target by links between words; None for those that have no place."""
    ranges: list[tuple[int, int] | None] = []
    of: list[set[int]] = []
    for start, end, _, _ in spans:
        mine = {n for n, (a, b) in enumerate(source) if a < end and start < b}
        of.append(mine)
        words = sorted({t for s, t in links if s in mine})
        if not words:
            ranges.append(None)
            continue
        low, high = words[0], words[-1] + 1
        if method == "longest":
            groups = [[words[0], words[0]]]
            for word in words[1:]:
                if word - groups[-1][1] <= 2:
                    groups[-1][1] = word
                else:
                    groups.append([word, word])
            best = max(groups, key=lambda group: group[1] - group[0])
            low, high = best[0], best[1] + 1
        astray = any(low <= t < high and s not in mine for s, t in links)
        ranges.append(None if method == "strict" and astray else (low, high))
    kept: list[int] = []
    order = [n for n, one in enumerate(ranges) if one is not None]
    for n in sorted(order, key=lambda n: (-(ranges[n][1] - ranges[n][0]), n)):
        clash = [m for m in kept if ranges[m][0] < ranges[n][1] and ranges[n][0] < ranges[m][1] and not of[m] & of[n]]
        if not clash:
            kept.append(n)
    return [
        (target[ranges[n][0]][0], target[ranges[n][1] - 1][1], *spans[n][2:]) if n in kept else None
        for n in range(len(spans))
    ]
