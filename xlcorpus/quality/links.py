"""Addresses and Markdown links: how much of a text, and of its lines, they are. They look alike in every script."""

from __future__ import annotations

import numpy as np

from xlcorpus.quality.character_classes import BRACKET, LINKISH, URL, WORD, where
from xlcorpus.quality.lines import Lines
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import sum_segments
from xlcorpus.text.repeats import covered

_LONGEST_SCHEME = 6  # letters before ://, as in https and ftp


def link_counts(points: CodePoints, flags: np.ndarray, lines: Lines) -> dict[str, np.ndarray]:
    """int64[rows] each: `url_chars`, characters of addresses; `link_lines`, lines at least half of which is links."""
    hits = where(flags, LINKISH)
    bare = _addresses(points.codes, flags, lines, hits)
    links, targets = _markdown(points.codes, flags, lines, hits)
    url_chars = _cover([bare, targets], lines)
    link_chars = _cover([bare, links], lines)
    return {
        "url_chars": sum_segments(url_chars, lines.spans.offsets),
        "link_lines": lines.count((link_chars > 0) & (link_chars * 2 >= lines.spans.lengths)),
    }


def _cover(spans: list[tuple[np.ndarray, np.ndarray]], lines: Lines) -> np.ndarray:
    """int64[lines]: characters of each line under any of the spans, none of which leaves its line."""
    starts = np.concatenate([start for start, _ in spans])
    ends = np.concatenate([end for _, end in spans])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], ends[order]
    fresh = covered(starts, ends)
    return np.bincount(lines.of(starts), weights=fresh, minlength=len(lines.spans)).astype(np.int64)


def _at(codes: np.ndarray, positions: np.ndarray, character: str) -> np.ndarray:
    """bool[n]: the character stands there; false beyond the end of the batch."""
    inside = positions < len(codes)
    found = codes[np.where(inside, positions, 0)] == ord(character)
    return np.asarray(found & inside)


def _addresses(codes: np.ndarray, flags: np.ndarray, lines: Lines, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans of `scheme://...` and `www....`."""
    schemed = hits[codes[hits] == ord(":")]
    schemed = schemed[_at(codes, schemed + 1, "/") & _at(codes, schemed + 2, "/")]
    line_start = lines.spans.starts[lines.of(schemed)]
    starts = schemed.copy()
    moving = np.ones(len(starts), dtype=bool)
    for _ in range(_LONGEST_SCHEME):
        before = codes[np.maximum(starts - 1, 0)] | 0x20
        moving &= (starts > line_start) & (before >= ord("a")) & (before <= ord("z"))
        starts[moving] -= 1
    w = hits[(codes[hits] | 0x20) == ord("w")]
    w = w[_at(codes, w + 3, ".")]
    w = w[((codes[w + 1] | 0x20) == ord("w")) & ((codes[w + 2] | 0x20) == ord("w"))]
    free = (w == lines.spans.starts[lines.of(w)]) | ((flags[np.maximum(w - 1, 0)] & WORD) == 0)
    starts = np.concatenate([starts, w[free]])
    # An address must hold its scheme whatever its first characters are.
    least = np.concatenate([schemed + 3, w[free] + 4])
    if not len(starts):
        return starts, starts
    stops = np.flatnonzero((flags & np.uint16(URL)) == 0)
    stops = np.append(stops, len(codes))
    ends = np.minimum(stops[np.searchsorted(stops, starts)], lines.spans.ends[lines.of(starts)])
    whole = ends >= least
    return starts[whole], ends[whole]


def _markdown(
    codes: np.ndarray, flags: np.ndarray, lines: Lines, hits: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Spans of `[anchor](target)` and of their targets; both brackets in one line."""
    middle = hits[codes[hits] == ord("]")]
    middle = middle[_at(codes, middle + 1, "(")]
    brackets = where(flags, BRACKET)
    opening = brackets[codes[brackets] == ord("[")]
    closing = brackets[codes[brackets] == ord(")")]
    if not (len(middle) and len(opening) and len(closing)):
        none = np.zeros(0, dtype=np.int64)
        return (none, none), (none, none)
    line = lines.of(middle)
    before = np.searchsorted(opening, middle) - 1
    after = np.searchsorted(closing, middle)
    start = np.where(before >= 0, opening[np.maximum(before, 0)], -1)
    end = np.where(after < len(closing), closing[np.minimum(after, len(closing) - 1)] + 1, len(codes) + 1)
    whole = (start >= lines.spans.starts[line]) & (end <= lines.spans.ends[line])
    start, middle, end = start[whole], middle[whole], end[whole]
    return (start, end), (middle + 2, end - 1)
