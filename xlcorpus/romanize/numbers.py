"""Numbers in the lattice: digits of all scripts, and numerals that multiply and add (二百三十四 is 234)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction

from xlcorpus.romanize.edges import Edge, Rank
from xlcorpus.romanize.lattice import Lattice
from xlcorpus.romanize.rules import Numeral

GAP_ZEROS = ("零", "〇")
# Numerals that are read as words when they stand alone.
_READ_AS_WORDS = "兩參参伍陆陸什"
_POWER_OF_TEN = re.compile(r"10+$")


class NumberEdge(Edge):
    """A number: value or fraction, the power of its group (base), and whether it still stands for itself."""

    __slots__ = ("active", "base", "fraction", "kind", "large_power", "script", "source", "value")

    def __init__(self, start: int, end: int, source: str, text: str, *, kind: str) -> None:
        super().__init__(start, end, text, Rank.OTHER)
        self.source, self.kind, self.active = source, kind, True
        self.value: int | float | None = None
        self.fraction: Fraction | None = None
        self.base = 0
        self.script: str | None = None
        self.large_power = False

    @property
    def is_active_number(self) -> bool:
        """See `Edge`."""
        return self.active

    @property
    def is_digit(self) -> bool:
        """One digit of a positional system."""
        return self.kind == "digit" and isinstance(self.value, int) and self.value <= 9 and self.end - self.start == 1

    @property
    def is_gap(self) -> bool:
        """A zero that only says that a power is skipped."""
        return self.source in GAP_ZEROS


def _numeral_edge(position: int, char: str, numeral: Numeral) -> NumberEdge:
    edge = NumberEdge(position, position + 1, char, char, kind=numeral.kind or "")
    edge.value, edge.base, edge.script = numeral.value, numeral.base or 0, numeral.script
    edge.large_power = numeral.large_power
    parts = [] if numeral.value is None else [str(numeral.value)]
    if numeral.fraction is not None:
        edge.fraction = Fraction(*numeral.fraction)
        parts.append(f"{edge.fraction.numerator}/{edge.fraction.denominator}")
    edge.text = " ".join(parts) or char
    return edge


def _merged(edges: Sequence[NumberEdge], value: int | float, text: str, kind: str) -> NumberEdge:
    edge = NumberEdge(edges[0].start, edges[-1].end, "".join(part.source for part in edges), text, kind=kind)
    edge.value, edge.base, edge.script = value, edges[-1].base, edges[-1].script
    return edge


class Numbers:
    """Reads the numbers of a lattice, whose rules were read before.

    Where uroman's reading fails, the number and the sign at which it does stay as they are (`Lattice.left`).
    """

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._slots: list[Edge | None] = []  # the edges in their order; None where one was put together with others
        self._slot: dict[Edge, int] = {}

    def read(self) -> None:
        """All passes, in order: each works on what the one before it has put together."""
        lattice, numerals = self._lattice, self._lattice.rules.numerals
        if not numerals.keys().isdisjoint(lattice.text):
            for position, char in enumerate(lattice.text):
                if char in numerals:
                    edge = _numeral_edge(position, char, numerals[char])
                    lattice.add(edge)
                    self._place(edge, len(self._slots))
        if self._slots:
            self._join_digits()
            self._multiply_by_power()
            self._add_descending()
            self._multiply_by_large_power()
            self._add_blocks()
            self._read_fractions()
            self._read_signs()
            self._separate()
            self._silence_words()
        self._read_other_digits()

    def _numbers(self) -> list[NumberEdge]:
        """The edges as they are now; a pass goes over these while it replaces some."""
        return [edge for edge in self._slots if isinstance(edge, NumberEdge)]

    def _place(self, edge: Edge, slot: int) -> None:
        self._slots[slot : slot + 1] = (edge,)
        self._slot[edge] = slot

    def _keep(self, new: Edge, old: Sequence[Edge]) -> None:
        """Put `new` where the first of `old` was; these become inactive. Time: that of `old`, not of all edges."""
        self._lattice.add(new)
        slots = []
        for edge in old:
            slot = self._slot.pop(edge, None)
            if slot is not None:
                slots.append(slot)
                self._slots[slot] = None
                if isinstance(edge, NumberEdge):
                    edge.active = False
        self._place(new, min(slots, default=len(self._slots)))

    def _right(self, end: int) -> NumberEdge | None:
        """An active whole number that begins here, if the longest edge here is one."""
        edge = self._lattice.best_from(end)
        whole = isinstance(edge, NumberEdge) and edge.active and isinstance(edge.value, int)
        return edge if whole and isinstance(edge, NumberEdge) else None

    def _join_digits(self) -> None:
        """1 2 . 5 -> 12.5, whatever the script of the digits."""
        lattice, text = self._lattice, self._lattice.text
        for edge in self._numbers():
            if not (edge.is_digit and edge.active):
                continue
            parts: list[Edge] = [edge]
            written = str(edge.value)
            while True:
                end = parts[-1].end
                right = lattice.best_from(end)
                if isinstance(right, NumberEdge) and right.is_digit:
                    parts.append(right)
                    written += str(right.value)
                    continue
                after = lattice.best_from(end + 1) if text[end : end + 1] == "." and "." not in written else None
                if not (isinstance(after, NumberEdge) and after.is_digit):
                    break
                if right is None:
                    right = Edge(end, end + 1, ".", Rank.OTHER)
                    lattice.add(right)
                parts.extend((right, after))
                written += f".{after.value}"
            if len(parts) > 1:
                value = _value(written)
                last = parts[-1]
                new = NumberEdge(edge.start, last.end, "" if value is None else str(value), written, kind="D1")
                new.value, new.base = value, 1
                new.script = last.script if isinstance(last, NumberEdge) else None
                self._keep(new, parts)

    def _multiply_by_power(self) -> None:
        """3 x 10 -> 30: a single digit before a power."""
        for edge in self._numbers():
            if not (edge.active and edge.base == 1 and isinstance(edge.value, int) and edge.value >= 1):
                continue
            right = self._right(edge.end)
            if right and isinstance(right.value, int) and right.base > 1 and not right.large_power:
                self._join((edge, right), edge.value * right.value, "G1")

    def _add_descending(self) -> None:
        """200 + 30 + 4 -> 234, inside a block of a large power."""
        for edge in self._numbers():
            if not (edge.active and isinstance(edge.value, int) and not edge.large_power):
                continue
            parts, anchor = [edge], edge
            while (right := self._right(parts[-1].end)) and not right.large_power:
                if not anchor.is_gap and not (anchor.base > _whole(right) and anchor.base > right.base):
                    break
                parts.append(right)
                if not right.is_gap:
                    anchor = right
            if len(parts) > 1:
                self._join(parts, sum(map(_whole, parts)), "G2")

    def _join(self, parts: Sequence[NumberEdge], value: int | float, kind: str) -> None:
        """Put parts together, but where the value has more digits than Python writes, at which uroman fails."""
        with suppress(ValueError):
            self._keep(_merged(parts, value, str(value), kind), parts)

    def _multiply_by_large_power(self) -> None:
        """234 x 10,000 -> 2,340,000."""
        for edge in self._numbers():
            if not edge.active or edge.large_power or edge.value is None:
                continue
            right = self._right(edge.end)
            if right and right.base > 1 and right.large_power:
                value = round(edge.value * _whole(right), 5)
                if isinstance(value, float) and value.is_integer():
                    value = int(value)
                self._join((edge, right), value, "G3")

    def _add_blocks(self) -> None:
        """2,340,000 + 567; in Chinese a last digit stands for the next lower power: 三万五 is 35,000."""
        for edge in self._numbers():
            if not (edge.active and isinstance(edge.value, int)):
                continue
            parts = [edge]
            while right := self._right(parts[-1].end):
                left = parts[-1]
                if not (left.base > _whole(right) and left.base > right.base):
                    break
                if (
                    left.script == "CJK"
                    and left.base >= 1000
                    and "tag" not in left.kind
                    and _POWER_OF_TEN.match(str(left.base))
                    and 1 <= _whole(right) <= 9
                    and right.start + 1 == right.end
                ):
                    right.base = left.base // 10
                    right.value = right.base * _whole(right)
                    right.kind = "G4tag"
                parts.append(right)
            if len(parts) > 1:
                self._join(parts, sum(map(_whole, parts)), "G4")

    def _read_fractions(self) -> None:
        """五分之三 -> 3/5, 百分之三 -> 3%."""
        lattice = self._lattice
        for edge in self._numbers():
            if not isinstance(edge.value, int):
                continue
            for connector in lattice.rules.fraction_connectors:
                end = edge.end + len(connector)
                if lattice.text[edge.end : end] != connector:
                    continue
                right = lattice.best_from(end)
                if not isinstance(right, NumberEdge):  # here uroman fails
                    self._leave(edge, end)
                elif right.value is None:
                    continue
                elif edge.value == 100:
                    self._keep(Edge(edge.start, right.end, f"{right.value}%", Rank.OTHER), (edge, right))
                elif isinstance(right.value, int) and edge.value > 0:
                    text = f"{right.value}/{edge.value}"
                    new = NumberEdge(edge.start, right.end, text, text, kind="fraction")
                    new.fraction = Fraction(right.value, edge.value)
                    self._keep(new, (edge, right))

    def _leave(self, edge: NumberEdge, end: int) -> None:
        """Let a number and the connector behind it stay as they are."""
        if edge in self._slot:
            self._slots[self._slot.pop(edge)] = None
        self._lattice.add(Edge(edge.start, end, self._lattice.text[edge.start : end], Rank.OTHER))

    def _read_signs(self) -> None:
        lattice = self._lattice
        for edge in filter(None, self._slots):
            kind = edge.kind if isinstance(edge, NumberEdge) else "percentage"
            for signs, written in ((lattice.rules.minus_signs, "-"), (lattice.rules.plus_signs, "+")):
                for sign in signs:
                    start = edge.start - len(sign)
                    if lattice.text[start : edge.start] == sign:
                        rank = Rank.RULE if kind.startswith(("rom", "num")) else Rank.OTHER
                        lattice.add(Edge(start, edge.end, written + edge.text, rank))

    def _separate(self) -> None:
        """23½ is 23 1/2; two numbers side by side keep apart."""
        for edge in filter(None, self._slots):
            if isinstance(edge, NumberEdge) and edge.text[:1].isdecimal():
                left = self._lattice.best_to(edge.start)
                if left is not None and left.text[-1:].isdecimal():
                    edge.text = (" " if edge.fraction else "·") + edge.text

    def _silence_words(self) -> None:
        for edge in filter(None, self._slots):
            if isinstance(edge, NumberEdge) and edge.active and edge.value is not None:
                large = edge.value > 1000 and edge.start + 1 == edge.end
                if large or edge.source in _READ_AS_WORDS or edge.source == "京兆":
                    edge.active = False

    def _read_other_digits(self) -> None:
        """Digits that are no numerals above, such as circled ones."""
        lattice, digits = self._lattice, self._lattice.language.other_digits
        if not digits.keys().isdisjoint(lattice.text):
            for position, char in enumerate(lattice.text):
                if char in digits and not isinstance(lattice.best(position, position + 1), NumberEdge):
                    lattice.add(Edge(position, position + 1, digits[char], Rank.RULE))


def _value(written: str) -> int | float | None:
    """The value of digits; None of more than Python reads (4,300), at which uroman fails."""
    try:
        return float(written) if "." in written else int(written)
    except ValueError:
        return None


def _whole(edge: NumberEdge) -> int:
    assert isinstance(edge.value, int)
    return edge.value
