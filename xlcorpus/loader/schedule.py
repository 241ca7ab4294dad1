"""Which source each micro-batch is of, by weights: after any number of them, each source has its share within one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from xlcorpus.errors import UserError


class Schedule:
    """The source whose next micro-batch is due first, of those that would not run ahead of their share.

    That is the schedule of Tijdeman (The chairman assignment problem, Discrete Mathematics 32, 1980): no source is ever
    a whole micro-batch behind its share, or ahead of it. What comes next follows from `taken` alone.
    """

    def __init__(self, weights: Sequence[float], taken: Sequence[int]) -> None:
        """weights: of the sources, in any unit; taken: samples that each has given. Raises UserError."""
        for weight in weights:
            if not (weight > 0 and math.isfinite(weight)):
                raise UserError(
                    f"a source cannot have the weight {weight}", remedy="give a number above 0, or leave it out"
                )
        parts = [Fraction(str(weight)) for weight in weights]  # 0.1 is meant as a tenth
        common = math.lcm(*(part.denominator for part in parts))
        self._weights = [int(part * common) for part in parts]
        self._sum = sum(self._weights)
        every = math.lcm(*self._weights)
        self._interval = [every // weight for weight in self._weights]
        self.taken = list(taken)

    def take(self, size: int) -> int:
        """Give the next micro-batch of `size` samples (over all ranks) to a source; its number."""
        if len(self.taken) == 1:
            chosen = 0
        else:
            after = sum(self.taken) + size
            shares = zip(self.taken, self._weights, strict=True)
            may = [source for source, (taken, weight) in enumerate(shares) if taken * self._sum < weight * after]
            chosen = min(may, key=lambda source: (self.taken[source] + size) * self._interval[source])
        self.taken[chosen] += size
        return chosen
