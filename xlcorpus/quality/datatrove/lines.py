"""Lines and paragraphs as datatrove's filters cut texts into them: each of the three has its own way.

FineWeb's filter parts at every line feed and drops blank lines; Gopher's of repetition parts at runs of line feeds;
Gopher's of quality takes `str.splitlines`. White space stays in the lines.
"""

from __future__ import annotations

import numpy as np

from xlcorpus.quality.character_classes import count_per_text, dot_triples
from xlcorpus.quality.datatrove.characters import ends_line, is_space, terminal
from xlcorpus.quality.lines import SHORT_LINE
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import sum_segments
from xlcorpus.text.repeats import occurs_before
from xlcorpus.text.segment import LINE_FEED, Spans

_BULLETS = (0x2022, 0x2D)  # • and -
_ELLIPSIS, _FULL_STOP, _RETURN = 0x2026, 0x2E, 0x0D


def line_counts(points: CodePoints) -> dict[str, np.ndarray]:
    """Counts by text, int64[rows] each, for the signals of lines and paragraphs."""
    codes = points.codes
    solid = np.flatnonzero(~is_space()[codes])
    feeds = np.flatnonzero(codes == LINE_FEED)
    hasher = SpanHasher.of_codes(codes)
    parts = _between(feeds, points)
    triples = dot_triples(points)
    return {
        "feeds": count_per_text(feeds, points.offsets),
        "hashes": count_per_text(np.flatnonzero(codes == ord("#")), points.offsets),
        "ellipses": count_per_text(np.flatnonzero(codes == _ELLIPSIS), points.offsets)
        + count_per_text(triples, points.offsets),
        **_of_fineweb(points, parts, solid, hasher),
        **_of_repetition(points, parts, feeds, hasher),
        **_paragraphs(points, feeds, solid, hasher),
        **_of_quality(points, solid),
    }


def _between(cuts: np.ndarray, points: CodePoints) -> Spans:
    """What lies between cuts (int64, ascending, each one character), empty pieces too: one more than cuts a text."""
    starts = np.sort(np.concatenate([cuts + 1, points.offsets[:-1]]), kind="stable")
    ends = np.sort(np.concatenate([cuts, points.offsets[1:]]), kind="stable")
    per_text = count_per_text(cuts, points.offsets) + 1
    return Spans(starts, ends, np.append(0, np.cumsum(per_text)))


def _some(spans: Spans, wanted: np.ndarray) -> Spans:
    """Those of the spans where bool[spans] is true."""
    return Spans(spans.starts[wanted], spans.ends[wanted], np.append(0, np.cumsum(sum_segments(wanted, spans.offsets))))


def _repeats(points: CodePoints, spans: Spans, hasher: SpanHasher) -> tuple[np.ndarray, np.ndarray]:
    """int64[rows] each: spans that occur before in the text, and their characters."""
    again = occurs_before(hasher.hash(spans.starts, spans.ends), spans.rows, len(points))
    return sum_segments(again, spans.offsets), sum_segments(np.where(again, spans.lengths, 0), spans.offsets)


def _of_fineweb(points: CodePoints, parts: Spans, solid: np.ndarray, hasher: SpanHasher) -> dict[str, np.ndarray]:
    lines = _some(parts, np.searchsorted(solid, parts.starts) < np.searchsorted(solid, parts.ends))
    _, characters = _repeats(points, lines, hasher)
    return {
        "lines": lines.per_text,
        "punct_lines": sum_segments(terminal()[points.codes[lines.ends - 1]], lines.offsets),
        "short_lines": sum_segments(lines.lengths <= SHORT_LINE, lines.offsets),
        "char_dups": characters,
    }


def _of_repetition(points: CodePoints, parts: Spans, feeds: np.ndarray, hasher: SpanHasher) -> dict[str, np.ndarray]:
    lines = _some(parts, parts.lengths > 0)
    again, characters = _repeats(points, lines, hasher)
    # A text that begins or ends with a line feed has an empty line there; the second one repeats the first.
    some = points.lengths > 0
    begins, ends = np.zeros(len(points), dtype=np.int64), np.zeros(len(points), dtype=np.int64)
    begins[some] = points.codes[points.offsets[:-1][some]] == LINE_FEED
    ends[some] = points.codes[points.offsets[1:][some] - 1] == LINE_FEED
    return {
        "feed_lines": lines.per_text + begins + ends,
        "dup_lines": again + (begins & ends),
        "dup_line_chars": characters,
    }


def _paragraphs(points: CodePoints, feeds: np.ndarray, solid: np.ndarray, hasher: SpanHasher) -> dict[str, np.ndarray]:
    """Paragraphs of the text without white space at its ends, between two line feeds or more."""
    at = np.searchsorted(solid, points.offsets)
    some = at[:-1] < at[1:]
    begin, end = points.offsets[:-1].copy(), points.offsets[:-1].copy()
    begin[some], end[some] = solid[at[:-1][some]], solid[at[1:][some] - 1] + 1
    rows = np.searchsorted(points.offsets, feeds, side="right") - 1
    inner = feeds[(feeds > begin[rows]) & (feeds < end[rows])]
    first = np.append(True, inner[1:] != inner[:-1] + 1)[: len(inner)]
    last = np.append(first[1:], True)[: len(inner)]
    run_starts, run_ends = inner[first], inner[last] + 1
    wide = run_ends - run_starts > 1
    starts = np.sort(np.concatenate([begin, run_ends[wide]]), kind="stable")
    ends = np.sort(np.concatenate([end, run_starts[wide]]), kind="stable")
    per_text = count_per_text(run_starts[wide], points.offsets) + 1
    spans = Spans(starts, ends, np.append(0, np.cumsum(per_text)))
    again, characters = _repeats(points, spans, hasher)
    return {"paragraphs": spans.per_text, "dup_paragraphs": again, "dup_paragraph_chars": characters}


def _of_quality(points: CodePoints, solid: np.ndarray) -> dict[str, np.ndarray]:
    codes = points.codes
    cuts = np.flatnonzero(ends_line()[codes])
    # A return before a line feed of the same text is no cut of its own; as white space it may stay in the line.
    after = np.minimum(cuts + 1, len(codes) - 1)
    ends_text = np.isin(cuts + 1, points.offsets)
    cuts = cuts[(codes[cuts] != _RETURN) | (codes[after] != LINE_FEED) | ends_text]
    lines = _between(cuts, points)
    counted = np.ones(len(lines), dtype=bool)
    final = lines.offsets[1:] - 1
    counted[final[lines.lengths[final] == 0]] = False  # nothing follows the last cut
    lines = _some(lines, counted)
    first = np.searchsorted(solid, lines.starts)
    last = np.searchsorted(solid, lines.ends) - 1
    held = first <= last
    bullet = np.zeros(len(lines), dtype=bool)
    bullet[held] = np.isin(codes[solid[first[held]]], _BULLETS)
    final_sign = solid[last[held]]
    dots = np.ones(len(final_sign), dtype=bool)
    for back in range(3):
        dots &= codes[np.maximum(final_sign - back, 0)] == _FULL_STOP
    dots &= final_sign - 2 >= lines.starts[held]
    ellipsis = np.zeros(len(lines), dtype=bool)
    ellipsis[held] = dots | (codes[final_sign] == _ELLIPSIS)
    return {
        "all_lines": lines.per_text,
        "bullet_lines": sum_segments(bullet, lines.offsets),
        "ellipsis_lines": sum_segments(ellipsis, lines.offsets),
    }
