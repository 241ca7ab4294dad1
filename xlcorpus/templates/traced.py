"""Strings that know of each character where it comes from: the data, the template's own text, or a special token.

A template that is run puts strings together, cuts and changes them. What comes out is text of the data unless it is
known to be something else: operations that are not listed here give plain strings, which count as data. So no special
token can be made of data, whatever a template does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

MARK = "\udcff"  # stands for a special token among characters: half a surrogate, which no data in UTF-8 has
DATA, OWN, SPECIAL = 0, 1, 2  # what a character is; SPECIAL + k: the token with number k
_LONGEST = 64 << 20  # characters of a row


class TooLong(Exception):
    """A text grew beyond all bounds."""


class SpecialInText(Exception):
    """A special token went through an operation that makes plain text."""


def code(kind: int, *, trained: bool = False) -> str:
    """The character of `Traced.origin` for what a character is, and whether the loss counts there."""
    return chr(2 * kind + trained)


_DATA = code(DATA)


class Traced(str):
    """A string with the origin of each of its characters (`code`), as a string of the same length."""

    __slots__ = ("origin",)
    origin: str

    def __new__(cls, text: str, origin: str | None = None) -> Traced:
        """Text of the data where no origin is given."""
        made = str.__new__(cls, text)
        made.origin = _DATA * len(text) if origin is None else origin
        return made

    @classmethod
    def of(cls, value: object) -> Traced:
        """A value as text; raises SpecialInText where it was a special token and is plain text now."""
        if isinstance(value, Traced):
            return value
        text = value if isinstance(value, str) else str(value)
        if isinstance(text, Traced):
            return text
        if MARK in text:
            raise SpecialInText
        return cls(text)

    @classmethod
    def joined(cls, parts: Iterable[object]) -> Traced:
        """The parts end to end; raises TooLong."""
        traced = [cls.of(part) for part in parts]
        if sum(map(len, traced)) > _LONGEST:
            raise TooLong
        return cls("".join(traced), "".join([part.origin for part in traced]))

    def marked(self) -> Traced:
        """The same text, trained on."""
        return Traced(self._plain, "".join([chr(ord(one) | 1) for one in self.origin]))

    @property
    def _plain(self) -> str:
        return str.__str__(self)

    def __str__(self) -> str:
        return self

    def __add__(self, other: Any) -> Traced:
        return Traced.joined((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: Any) -> Traced:
        return Traced.joined((other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: Any) -> Traced:
        if not isinstance(times, int):
            return NotImplemented
        if len(self) * times > _LONGEST:
            raise TooLong
        return Traced(str.__mul__(self, times), self.origin * times)

    __rmul__ = __mul__

    def __getitem__(self, at: Any) -> Traced:
        return Traced(str.__getitem__(self, at), self.origin[at])

    def __iter__(self) -> Iterator[Traced]:
        return map(Traced, str.__iter__(self), self.origin)

    def join(self, parts: Iterable[Any]) -> Traced:  # type: ignore[override]
        """See str."""
        found: list[object] = []
        for part in parts:
            found += [self, part]
        return Traced.joined(found[1:])

    def _located(self, parts: Iterable[str], gap: int | None) -> list[Traced]:
        """Parts of this string in its order as they stand in it: `gap` characters between two, None: white space."""
        found, at = [], 0
        for part in parts:
            start = at if gap is not None else str.index(self, part, at)
            found.append(self[start : start + len(part)])
            at = start + len(part) + (gap or 0)
        return found

    def split(self, sep: Any = None, maxsplit: Any = -1) -> list[Traced]:  # type: ignore[override]
        """See str."""
        return self._located(str.split(self, sep, maxsplit), None if sep is None else len(sep))

    def rsplit(self, sep: Any = None, maxsplit: Any = -1) -> list[Traced]:  # type: ignore[override]
        """See str."""
        return self._located(str.rsplit(self, sep, maxsplit), None if sep is None else len(sep))

    def splitlines(self, keepends: Any = False) -> list[Traced]:  # type: ignore[override]
        """See str."""
        whole = self._located(str.splitlines(self, True), 0)
        return (
            whole if keepends else [line[: len(bare)] for line, bare in zip(whole, str.splitlines(self), strict=True)]
        )

    def partition(self, sep: Any) -> tuple[Traced, Traced, Traced]:  # type: ignore[override]
        """See str."""
        before, middle, _ = str.partition(self, sep)
        return self[: len(before)], self[len(before) : len(before + middle)], self[len(before + middle) :]

    def rpartition(self, sep: Any) -> tuple[Traced, Traced, Traced]:  # type: ignore[override]
        """See str."""
        before, middle, _ = str.rpartition(self, sep)
        return self[: len(before)], self[len(before) : len(before + middle)], self[len(before + middle) :]

    def lstrip(self, chars: Any = None) -> Traced:
        """See str."""
        return self[len(self) - len(str.lstrip(self, chars)) :]

    def rstrip(self, chars: Any = None) -> Traced:
        """See str."""
        return self[: len(str.rstrip(self, chars))]

    def strip(self, chars: Any = None) -> Traced:
        """See str."""
        return self.lstrip(chars).rstrip(chars)

    def removeprefix(self, prefix: str) -> Traced:
        """See str."""
        return self[len(self) - len(str.removeprefix(self, prefix)) :]

    def removesuffix(self, suffix: str) -> Traced:
        """See str."""
        return self[: len(str.removesuffix(self, suffix))]

    def replace(self, old: Any, new: Any, count: Any = -1) -> Traced:
        """See str."""
        if not old:
            if (len(self) + 1) * len(new) > _LONGEST:
                raise TooLong
            return Traced.of(str.replace(self, old, new, count))
        return Traced.of(new).join(self.split(old, count))

    def _changed(self, text: str) -> Traced:
        # Letters become as many letters, or more: of what is longer it is not known which comes from where.
        return Traced(text, self.origin) if len(text) == len(self) else Traced.of(text)

    def lower(self) -> Traced:
        """See str."""
        return self._changed(str.lower(self))

    def upper(self) -> Traced:
        """See str."""
        return self._changed(str.upper(self))

    def title(self) -> Traced:
        """See str."""
        return self._changed(str.title(self))

    def capitalize(self) -> Traced:
        """See str."""
        return self._changed(str.capitalize(self))


def traced(value: Any) -> Any:
    """A value of a row with its strings as `Traced`, within lists and structs too."""
    if isinstance(value, str):
        return Traced(value)
    if isinstance(value, list):
        return [traced(one) for one in value]
    if isinstance(value, dict):
        return {name: traced(one) for name, one in value.items()}
    return value
