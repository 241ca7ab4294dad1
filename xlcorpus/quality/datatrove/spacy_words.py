"""Words as a blank spaCy pipeline finds them: by white space, then by the affixes and exceptions of a language.

spaCy's rules look at one run between white space at a time, so each different run is broken once a process, and what
came of it is kept. A corpus of one language has a few hundred thousand different runs, which a dictionary holds. Some
exceptions have spaces in them (`EE. UU.` in Spanish): where one stands, the runs on both sides are broken as one.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pyarrow as pa
import regex

from xlcorpus.errors import UserError
from xlcorpus.quality.datatrove.characters import is_space
from xlcorpus.quality.datatrove.words import Words
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import offsets_of, ranges
from xlcorpus.text.segment import runs

# spaCy takes one affix off at a time: of 4,000 exclamation marks it makes words in 3.8 s, of 16,000 in 66 s.
LONGEST_RUN = 500
_MOST_RUNS = 1 << 20  # kept of a language; some 100 MB


def import_spacy() -> Any:
    """The module `spacy`; raises UserError, with how to install it, where it is missing."""
    try:
        import spacy
    except ImportError as error:
        raise UserError(
            f"the words that datatrove counts are found by spaCy: {error}", remedy="pip install 'xlcorpus[datatrove]'"
        ) from error
    return spacy


class SpacyBreaker:
    """Words of one of spaCy's languages."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._forget()

    @property
    def name(self) -> str:
        """spacy:fr, say."""
        return f"spacy:{self.code}"

    @functools.cached_property
    def _pipeline(self) -> Any:
        return import_spacy().blank(self.code)

    @functools.cached_property
    def _spaced_exceptions(self) -> regex.Pattern[str] | None:
        phrases = [rule for rule in self._pipeline.tokenizer.rules if " " in rule.strip()]
        phrases.sort(key=lambda phrase: (-len(phrase), phrase))
        return regex.compile("|".join(map(regex.escape, phrases))) if phrases else None

    def _forget(self) -> None:
        self._number: dict[int, int] = {}
        self._starts = np.zeros(0, dtype=np.int64)
        self._counts = np.zeros(0, dtype=np.int64)
        self._begins = np.zeros(0, dtype=np.int64)
        self._lengths = np.zeros(0, dtype=np.int64)

    def words(self, texts: pa.Array) -> Words:
        """The words of each text."""
        points = code_points(texts)
        solid = ~is_space()[points.codes]
        joins = self._join(points.codes, solid)
        starts, ends = _at_most(*runs(solid, points.offsets), LONGEST_RUN)
        hashes = SpanHasher.of_codes(points.codes).hash(starts, ends)
        distinct, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        number = self._numbers(distinct.tolist(), points.codes, starts[first], ends[first])[inverse]
        counts = self._counts[number]
        kept = ranges(self._starts[number], counts)
        lengths = self._lengths[kept]
        if joins:  # a space of a run may be in no word
            codes = points.codes[ranges(np.repeat(starts, counts) + self._begins[kept], lengths)]
        else:
            codes = points.codes[solid]
        of_run = offsets_of(counts)
        return Words(codes, offsets_of(lengths), of_run[np.searchsorted(starts, points.offsets)])

    def _join(self, codes: np.ndarray, solid: np.ndarray) -> bool:
        """Make the spaces of exceptions that have some part of runs (`solid`, changed); whether there were any."""
        if self._spaced_exceptions is None:
            return False
        found = list(self._spaced_exceptions.finditer(codes.tobytes().decode("utf-32-le")))
        for match in found:
            solid[match.start() : match.end()] = True
        return bool(found)

    def _numbers(self, hashes: list[int], codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """int64[runs]: where what came of each run is kept, new ones included."""
        if len(self._number) > _MOST_RUNS:
            self._forget()
        new = [index for index, value in enumerate(hashes) if value not in self._number]
        if new:
            begins, lengths, counts = self._break(codes, starts[new], ends[new])
            for index in new:
                self._number[hashes[index]] = len(self._number)
            self._starts = np.append(self._starts, offsets_of(counts)[:-1] + len(self._lengths))
            self._counts = np.append(self._counts, counts)
            self._begins = np.append(self._begins, begins)
            self._lengths = np.append(self._lengths, lengths)
        return np.array([self._number[value] for value in hashes], dtype=np.int64)

    def _break(self, codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, ...]:
        """Where in their runs the words of these begin, their lengths, and how many each run has."""
        sizes = ends - starts
        at = offsets_of(sizes + 1)  # a line feed after each run keeps what spaCy finds within it
        joined = np.full(at[-1], ord("\n"), dtype=np.uint32)
        joined[ranges(at[:-1], sizes)] = codes[ranges(starts, sizes)]
        with self._pipeline.memory_zone():
            found = self._pipeline.tokenizer(joined.tobytes().decode("utf-32-le")).to_array(["IDX", "LENGTH"])
        found = found.astype(np.int64).reshape(-1, 2)
        run = np.searchsorted(at, found[:, 0], side="right") - 1
        # Line feeds are words of spaCy's, and so are spaces after another one; not of datatrove's.
        inside = ~is_space()[joined[found[:, 0]]]
        found, run = found[inside], run[inside]
        return found[:, 0] - at[run], found[:, 1], np.bincount(run, minlength=len(starts)).astype(np.int64)


def _at_most(starts: np.ndarray, ends: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """The spans, those that are longer cut into pieces."""
    pieces = (ends - starts + longest - 1) // longest
    if not len(pieces) or pieces.max() == 1:
        return starts, ends
    place = ranges(np.zeros(len(pieces), dtype=np.int64), pieces)
    begins = np.repeat(starts, pieces) + place * longest
    return begins, np.minimum(begins + longest, np.repeat(ends, pieces))
