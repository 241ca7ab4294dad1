"""How many tokens of text each side of a view may have: its limit, or the length, without the special ids around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlcorpus.errors import UserError, given_twice, nearest

EXAMPLE = "query=32,document=256"


def read_limits(value: Any) -> Any:
    """`query=32,document=256`, one text or several, as a mapping; anything else as it is.

    Raises UserError where a part is not NAME=TOKENS, or a name is given twice.
    """
    for name, limit in value.items() if isinstance(value, Mapping) else ():
        if isinstance(limit, bool):  # pydantic takes true for 1
            raise UserError(f"--limits: {limit} for {name!r} is not a number of tokens", remedy=f"write {EXAMPLE}")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        return value
    parts = [[piece.strip() for piece in part.partition("=")] for part in ",".join(texts).split(",")]
    for name, _, limit in parts:
        if not name or not limit.isdecimal():
            raise UserError(f"--limits: {name or limit!r} is not SIDE=TOKENS", remedy=f"write {EXAMPLE}")
    twice = given_twice([name for name, _, _ in parts])
    if twice is not None:
        raise UserError(f"--limits: {twice!r} is given twice", remedy="give each side one limit")
    return {name: int(limit) for name, _, limit in parts}


@dataclass(frozen=True)
class Rooms:
    """Tokens of text that there is room for: int64[sides], of each side; together: of all of them, where they share
    one sequence, else None."""

    sides: np.ndarray
    together: int | None

    @property
    def all(self) -> np.ndarray:
        """int64[sides], or with one more, that of all sides together."""
        return self.sides if self.together is None else np.append(self.sides, self.together)

    def asked(self, sizes: np.ndarray) -> np.ndarray:
        """int64[rows, sides or sides + 1]: what is held against `all`. sizes: int64[rows, sides], tokens of text."""
        return sizes if self.together is None else np.append(sizes, sizes.sum(axis=1, keepdims=True), axis=1)

    def keep(self, sizes: np.ndarray) -> np.ndarray:
        """int64[rows, sides]: tokens of each side to keep; of two sides that share a room the longer one is cut first,
        both at half of it."""
        kept: np.ndarray = np.minimum(sizes, self.sides)
        if self.together is None:
            return kept
        source, target = kept[:, 0], kept[:, 1]
        keep_source = np.minimum(source, self.together - np.minimum(target, self.together // 2))
        return np.stack([keep_source, np.minimum(target, self.together - keep_source)], axis=1)


def rooms(
    view: str,
    sides: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    limits: Mapping[str, int],
    length: int,
    specials: int,
    *,
    joint: bool,
    tokenizer: str,
) -> Rooms:
    """The rooms of a view. groups: names for several sides; specials: ids around a side, of a joint view around all.

    Of a joint view each side's limit counts its share of them, rounded up. Raises UserError for a limit of no side,
    one above the length, and where not one token of text has room.
    """
    given: dict[str, int] = {}
    for name, limit in limits.items():
        meant = groups.get(name, (name,))
        if not set(meant) <= set(sides):
            known = [*sides, *groups]
            raise UserError(
                f"--limits: the view {view} has no side {name!r} ({nearest(name, known)})",
                remedy=f"give limits for {', '.join(known)}",
            )
        if limit > length:
            raise UserError(
                f"--limits: {limit} tokens of {name} are more than the length, {length}",
                remedy=f"give --length {limit} or more, the largest of the limits",
            )
        given |= {side: limit for side in meant if side not in limits or side == name}
    around = -(-specials // len(sides)) if joint else specials
    for side, limit in given.items():
        if limit <= around:
            raise UserError(
                f"--limits: {limit} tokens of {side} leave no room beside {around} special ids of the tokenizer "
                f"{tokenizer}",
                remedy=f"give {side} {around + 1} or more",
            )
    room, least = length - specials, len(sides) if joint else 1
    if room < least:
        raise UserError(
            f"a length of {length} leaves no room beside the {specials} special ids of the tokenizer {tokenizer}",
            remedy=f"give --length {specials + least} or more",
        )
    of_sides = [given[side] - around if side in given else room for side in sides]
    return Rooms(np.array(of_sides, dtype=np.int64), room if joint else None)
