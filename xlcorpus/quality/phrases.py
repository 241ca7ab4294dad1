"""Phrases that give boilerplate away (C4, Raffel et al. 2020, section 2.2, and its code's cookie notices)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.quality.lines import Lines
from xlcorpus.text.codepoints import string_buffers
from xlcorpus.text.ragged import sum_segments, sums_before

LOREM_IPSUM = b"lorem ipsum"
JAVASCRIPT = b"javascript"
POLICY = (
    b"terms of use",
    b"privacy policy",
    b"cookie policy",
    b"uses cookies",
    b"use of cookies",
    b"use cookies",
)


def _find(data: bytes, phrase: bytes) -> list[int]:
    found = []
    place = data.find(phrase)
    while place >= 0:
        found.append(place)
        place = data.find(phrase, place + len(phrase))
    return found


def phrase_counts(texts: pa.Array, lines: Lines) -> dict[str, np.ndarray]:
    """int64[rows] each: `lorem_ipsum`, occurrences; `javascript_lines`, `policy_lines`, lines with such a phrase.

    Upper and lower case of ASCII count as equal.
    """
    view, _ = string_buffers(texts)
    data = bytes(view).lower()  # of bytes: ASCII letters only, so that places do not move
    hits = {phrase: _find(data, phrase) for phrase in (LOREM_IPSUM, JAVASCRIPT, *POLICY)}
    before = None
    if any(hits.values()):
        before = sums_before((np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80, np.int32)

    def lines_with(*phrases: bytes) -> np.ndarray:
        held = np.zeros(len(lines.spans), dtype=bool)
        for phrase in phrases:
            if hits[phrase] and before is not None:
                starts = before[hits[phrase]].astype(np.int64)
                held |= lines.holding(starts, starts + len(phrase))
        return held

    lorem = np.zeros(len(lines.points), dtype=np.int64)
    if hits[LOREM_IPSUM] and before is not None:
        starts = before[hits[LOREM_IPSUM]].astype(np.int64)
        row = np.searchsorted(lines.points.offsets, starts, side="right") - 1
        inside = starts + len(LOREM_IPSUM) <= lines.points.offsets[row + 1]
        lorem = np.bincount(row[inside], minlength=len(lines.points))
    return {
        "lorem_ipsum": lorem,
        "javascript_lines": sum_segments(lines_with(JAVASCRIPT), lines.spans.offsets),
        "policy_lines": sum_segments(lines_with(*POLICY), lines.spans.offsets),
    }
