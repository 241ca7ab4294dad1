"""Tibetan: which letter of a syllable carries the inherent vowel."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from xlcorpus.romanize.lattice import Lattice

_LETTER_A = "\u0f60"  # 'a-chung, written as an apostrophe
_SUBJOINED_A = "\u0fb0"
_VOWELS = re.compile(r"[aeiou]+$")
_INHERENT_A = re.compile(r"([bcdfghjklmnpqrstvwxyz].*)a$")

_ENDINGS = (
    "[bcdfghjklmnpqrstvwxz] bh bs ch cs dd ddh dh dz dzh gh gr gs kh khs kss n nn nt ms ng ngs ns ph rm sh ss th ts "
    "tsh tt tth zh zhs"
)
_BEGINNINGS = (
    ". bd br brg brgy bs bsh bst bt bts by bz bzh ch db dby dk dm dp dpy dr gl gn gr gs gt gy gzh kh khr khy kr ky ld "
    "lh lt mkh mny mth mtsh ny ph phr phy rgy rk el rn rny rt rts sk skr sky sl sm sn sny sp spy sr st th ts tsh"
)
_GOOD_ENDING = re.compile(rf"(?:|{'|'.join(_ENDINGS.split())})'?$")
_LONGEST = 8  # letters: more than any good beginning or ending has
_GOOD_BEGINNING = re.compile(rf"'?(?:{'|'.join(_BEGINNINGS.split())})$")


def _is_letter(lattice: Lattice, char: str) -> bool:
    rules = lattice.rules
    return rules.scripts.get(char) == "Tibetan" and ("LETTER" in rules.name(char) or char in rules.vowel_signs)


def _syllables(lattice: Lattice) -> Iterator[range]:
    """Runs of letters and vowel signs."""
    begin = None
    for position, char in enumerate([*lattice.text, ""]):
        if char and _is_letter(lattice, char):
            begin = position if begin is None else begin
        elif begin is not None:
            yield range(begin, position)
            begin = None


def choose_vowels(lattice: Lattice) -> None:
    """Mark for each syllable the letter after which the vowel is spoken, before any edge is there."""
    for syllable in _syllables(lattice):
        _Syllable(lattice, syllable).choose()


class _Syllable:
    def __init__(self, lattice: Lattice, positions: range) -> None:
        self._lattice, self._positions = lattice, positions
        self._roms: list[str] = []
        self._subjoined: set[int] = set()
        self._has_vowel = False

    def choose(self) -> None:
        chosen = self._lattice.tibetan_vowel
        for position in self._positions:
            chosen.pop(position, None)
            self._roms.append(self._read(position))
        best = None if self._has_vowel else self._cheapest()
        if self._has_vowel or best is not None:
            for position in self._positions:
                chosen.setdefault(position, position == best)

    def _carries(self, position: int) -> None:
        self._has_vowel = True
        self._lattice.tibetan_vowel[position] = True

    def _read(self, position: int) -> str:
        lattice, first = self._lattice, self._positions[0]
        char = lattice.text[position]
        rom = lattice.reading(position, position + 1)
        rom = "?" if rom is None else rom
        if char in lattice.rules.vowel_signs or _VOWELS.match(rom):
            self._carries(position)
            if self._roms == ["'"]:
                lattice.tibetan_deleted.add(position - 1)
            return rom
        if "SUBJOINED LETTER" in lattice.rules.name(char):
            self._subjoined.add(position)
            if position > first and char == _SUBJOINED_A:
                self._carries(position - 1)
            elif position > first:
                lattice.tibetan_vowel[position - 1] = False
        elif char == _LETTER_A:
            lattice.tibetan_vowel[position] = False
            if position > first:
                self._carries(position - 1)
                if position == self._positions[-1]:
                    lattice.tibetan_deleted.add(position)
            return "a'" if self._roms and self._roms[-1] not in "aeiou" else "'"
        return _INHERENT_A.sub(r"\1", rom)

    def _cheapest(self) -> int | None:
        """Without a written vowel: where the letters before and after it make a good beginning and ending."""
        best, lowest = None, math.inf
        written, read = "".join(self._roms), 0
        last = self._positions[-1]  # from which position on all letters are subjoined
        while last in self._subjoined:
            last -= 1
        for index, position in enumerate(self._positions):
            read += len(self._roms[index])
            cost = self._cost(index, position, written, read, all_subjoined=position + 1 >= last)
            if cost < lowest:
                best, lowest = position, cost
        return best

    def _cost(self, index: int, position: int, written: str, read: int, *, all_subjoined: bool) -> float:
        """written: the syllable without vowel, of which `read` letters come before it."""
        if self._lattice.tibetan_vowel.get(position) is False:
            return 20
        if len(self._positions) <= 2:
            return 0.1 * index
        good_beginning = read <= _LONGEST and _GOOD_BEGINNING.match(written[:read])
        if len(written) - read <= _LONGEST and _GOOD_ENDING.match(written[read:]):
            return read * (0.1 if good_beginning else 1)
        if all_subjoined:
            return read * (0.3 if good_beginning else 0.5)
        return math.inf
