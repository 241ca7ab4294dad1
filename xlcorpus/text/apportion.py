"""Share units out exactly, by largest remainder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction


def largest_remainder(ratios: Mapping[str, float | Fraction], total: int) -> dict[str, int]:
    """Share `total` units out in proportion, exactly: the sum is `total`, each share is within 1 of its due.

    The remainders decide who gets the units left over; equal remainders go by name, so the result is a function of
    its arguments. (OLMo-core rounded each share down and fell into a second epoch; PR 316.)
    """
    weights = {name: Fraction(ratio) for name, ratio in ratios.items()}
    whole = sum(weights.values())
    due = {name: weight * total / whole for name, weight in weights.items()}
    shares = {name: math.floor(value) for name, value in due.items()}
    left = total - sum(shares.values())
    for name in sorted(due, key=lambda name: (shares[name] - due[name], name))[:left]:
        shares[name] += 1
    return shares
