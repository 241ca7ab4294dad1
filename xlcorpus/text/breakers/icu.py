"""Words by ICU's dictionaries and models of Thai, Lao, Khmer, Burmese, Chinese and Japanese (extra `icu`)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from xlcorpus.text.icu import import_icu
from xlcorpus.text.ragged import sums_before


class IcuBreaker:
    """ICU's BreakIterator for words. Source: Unicode UAX #29, dictionaries and LSTM models shipped in ICU.

    Its other scripts without spaces are left out: there it gives syllables (Tibetan, Yi) or whole runs.
    """

    name = "icu"
    scripts = frozenset(["Thai", "Laoo", "Khmr", "Mymr", "Hani", "Hans", "Hant", "Hira", "Kana", "Hrkt", "Jpan"])

    @cached_property
    def _icu(self) -> Any:
        return import_icu("the word breaker icu")

    @cached_property
    def _iterator(self) -> Any:
        return self._icu.BreakIterator.createWordInstance(self._icu.Locale.getRoot())

    @property
    def version(self) -> str:
        """As `Breaker`: the version of ICU, whose dictionaries these are."""
        return str(self._icu.ICU_VERSION)

    def cuts(self, run: str) -> list[int]:
        """As `WordBreaker`."""
        self._iterator.setText(run)
        found = list(self._iterator)[:-1]
        if run.isascii() or max(run) < "\U00010000":
            return found
        # ICU counts UTF-16 units; a character beyond the first plane is two.
        units = sums_before(np.array([1 + (character >= "\U00010000") for character in run]))
        return np.searchsorted(units, found).tolist()


BREAKER = IcuBreaker()
