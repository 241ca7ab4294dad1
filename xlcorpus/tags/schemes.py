"""Tags of tokens to labelled spans and back: IOB2, BIOES, BILOU, BMES, and labels without a prefix.

A tag is a prefix and a label (B-PER), O for a token outside of all spans, or a label by itself (NOUN, deu): then it is
that of the token alone. `_`, an empty tag and null say nothing. Decoding is that of the CoNLL-2000 evaluation: a span
begins at B and S, and at any other tag that does not go on with what is before it, so IOB1 is read too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Counts
from xlcorpus.tags.spans import LabelSpans, join_spans
from xlcorpus.tags.tokens import Units, sizes_of_lists
from xlcorpus.text.ragged import offsets_of

OUTSIDE = "O"
# First, inside, last and only token of a span.
STYLES = {"iob2": "BIIB", "bioes": "BIES", "bilou": "BILU", "io": "IIII", "bmes": "BMES"}
_NAMES = tuple(STYLES)
_TAG = re.compile(r"([BIESLUM])-(.*)", re.DOTALL)
_NOTHING = ("", "_")
_UNKNOWN, _OUTSIDE, _BEGIN, _INSIDE, _END, _SINGLE, _FLAT = range(-1, 6)
_PREFIX = {"B": _BEGIN, "I": _INSIDE, "M": _INSIDE, "E": _END, "L": _END, "S": _SINGLE, "U": _SINGLE}

MORE, FEWER, NUMBER = "more_tags_than_tokens", "fewer_tags_than_tokens", "tag_number_without_a_name"
NO_BEGIN, NO_END, UNPLACED = "inside_without_begin", "span_without_end", "token_not_in_text"
OVERLAPPING, INSIDE_TOKEN = "overlapping_span", "span_border_inside_a_token"


@dataclass(frozen=True)
class Decoded:
    """Spans of tags, and what is needed to write tags again.

    styles: int8[texts], place in STYLES; outside: bool[texts], a token without a span is O there, otherwise null;
    unknown: bool[tokens], nothing is said of them; damage: counts by name.
    """

    spans: LabelSpans
    styles: np.ndarray
    outside: np.ndarray
    unknown: np.ndarray
    damage: Counts


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and label of a tag; '' as prefix of labels without one, and O as prefix of what is outside."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    found = _TAG.fullmatch(tag)
    return (found[1], found[2]) if found else ("", tag)


def style_of(tags: Sequence[str]) -> str:
    """The style of a set of tags; io: none says where a span begins."""
    letters = {prefix for prefix, _ in map(split_tag, tags)}
    if "M" in letters:
        return "bmes"
    if letters & {"L", "U"}:
        return "bilou"
    if letters & {"E", "S"}:
        return "bioes"
    return "io" if "I" in letters and "B" not in letters else "iob2"


def named_tags(tags: pa.Array, names: Sequence[str] | None) -> tuple[pa.Array, int]:
    """list<string>: tags by name, of numbers those of a class label; how many numbers have no name.

    Numbers without names become their digits; negative ones (-100 is passed over in training) null.
    """
    if not pa.types.is_integer(tags.type.value_type):
        return tags.cast(pa.list_(pa.string())), 0
    values = pc.list_flatten(tags).cast(pa.int64())
    known = pc.fill_null(pc.greater_equal(values, 0), False)
    if names is None:
        texts, wrong = pc.if_else(known, values.cast(pa.string()), pa.scalar(None, pa.string())), 0
    else:
        within = pc.and_(known, pc.fill_null(pc.less(values, len(names)), False))
        wrong = int(pc.sum(pc.and_not(known, within)).as_py() or 0)
        at = pc.if_else(within, values, pa.scalar(None, pa.int64()))
        texts = pa.array(list(names), pa.string()).take(at)
    offsets = pa.array(offsets_of(sizes_of_lists(tags)).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, texts, mask=pc.is_null(tags) if tags.null_count else None), wrong


def decode(units: Units, tags: pa.Array) -> Decoded:
    """Spans of the tags (list<string>[texts]) of tokens; extra tags are passed over, missing ones say nothing."""
    sizes, counts, rows = sizes_of_lists(tags), np.diff(units.offsets), units.rows
    place = np.arange(len(units)) - units.offsets[rows]
    at = np.where(place < sizes[rows], offsets_of(sizes)[rows] + place, -1)
    values = pc.list_flatten(tags).dictionary_encode()
    kinds, types, letters, names = _parsed(values.dictionary)
    codes = pc.fill_null(values.indices.cast(pa.int64()), len(kinds) - 1).to_numpy(zero_copy_only=False)
    code = np.append(codes, len(kinds) - 1)[at]
    kind, type_of = kinds[code], types[code]
    given = pc.is_valid(tags).to_numpy(zero_copy_only=False)
    damage = {
        MORE: int((given & (sizes > counts)).sum()),
        FEWER: int((given & (sizes < counts)).sum()),
        UNPLACED: int(((kind >= _BEGIN) & ~units.placed).sum()),
    }
    kind = np.where(units.placed, kind, _UNKNOWN)
    tagged = (kind >= _BEGIN) & (kind < _FLAT)
    before = np.append(_UNKNOWN, kind)[:-1]
    head = np.zeros(len(units) + 1, dtype=bool)
    head[units.offsets] = True
    goes_on = np.append(False, tagged[:-1])[: len(tagged)] & ~head[:-1]
    goes_on &= np.append(-1, type_of)[:-1] == type_of
    goes_on &= (before != _END) & (before != _SINGLE)
    begins = tagged & ((kind == _BEGIN) | (kind == _SINGLE) | ~goes_on)
    first = np.flatnonzero(begins)
    ends = tagged & ~np.append(tagged[1:] & ~begins[1:] & ~head[1:-1], False)[: len(tagged)]
    last = np.flatnonzero(ends)
    damage[NO_BEGIN] = int((kind[first] == _INSIDE).sum() + (kind[first] == _END).sum())
    letter = letters[code]
    styles = np.zeros(len(counts), dtype=np.int8)
    for style, wanted in (("bioes", 2), ("bilou", 4), ("bmes", 8)):
        styles[np.bincount(rows[(letter & wanted > 0) & tagged], minlength=len(counts)) > 0] = _NAMES.index(style)
    damage[NO_END] = int(((styles[rows[last]] > 0) & (kind[last] != _END) & (kind[last] != _SINGLE)).sum())
    outside = np.bincount(rows[(kind == _OUTSIDE) | tagged], minlength=len(counts)) > 0
    labels = pa.array(names, pa.string())
    spans = LabelSpans(
        rows[first], units.starts[first], units.ends[last], labels.take(pa.array(type_of[first])), first < 0
    )
    alone = np.flatnonzero(kind == _FLAT)
    if len(alone):
        flat = labels.take(pa.array(type_of[alone]))
        flat_spans = LabelSpans(rows[alone], units.starts[alone], units.ends[alone], flat, alone >= 0)
        spans = join_spans([spans, flat_spans]).in_order()
    return Decoded(spans, styles, outside, kind == _UNKNOWN, {name: count for name, count in damage.items() if count})


def _parsed(dictionary: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Of each tag, and last of null: kind, number of its label, bits of its letter; and the labels."""
    kinds, types, letters, names = [], [], [], dict[str, int]()
    for tag in [*dictionary.to_pylist(), None]:
        prefix, label = ("", "") if tag is None or tag in _NOTHING else split_tag(tag)
        kind = _OUTSIDE if prefix == OUTSIDE else _PREFIX.get(prefix, _FLAT if label else _UNKNOWN)
        kinds.append(kind)
        types.append(names.setdefault(label, len(names)) if kind >= _BEGIN else -1)
        letters.append({"E": 2, "S": 2, "L": 4, "U": 4, "M": 8}.get(prefix, 0))
    return np.array(kinds), np.array(types), np.array(letters), list(names)


def owners(units: Units, spans: LabelSpans) -> tuple[np.ndarray, Counts]:
    """int64[tokens]: the span that each token is in, -1 for none; a token that a span cuts belongs to it.

    Of spans that overlap the first has the token. spans: in order. Counted: `INSIDE_TOKEN`, spans whose border is
    inside of a token; `OVERLAPPING`, spans that got none of their tokens, or not all.
    """
    placed = np.flatnonzero(units.placed)
    starts, ends = units.starts[placed], units.ends[placed]
    low = np.searchsorted(ends, spans.starts, side="right")
    high = np.maximum(np.searchsorted(starts, spans.ends, side="left"), low)
    sizes = high - low
    owner = np.full(len(placed), -1, dtype=np.int64)
    at, mine = (
        np.repeat(low - offsets_of(sizes)[:-1], sizes) + np.arange(sizes.sum()),
        np.repeat(np.arange(len(spans)), sizes),
    )
    owner[at[::-1]] = mine[::-1]  # the first one wins: it is written last
    cut = np.zeros(len(spans), dtype=bool)
    some = sizes > 0
    cut[some] = (starts[low[some]] < spans.starts[some]) | (ends[high[some] - 1] > spans.ends[some])
    got = np.bincount(owner[owner >= 0], minlength=len(spans))
    whole = np.full(len(units), -1, dtype=np.int64)
    whole[placed] = owner
    damage = {INSIDE_TOKEN: int(cut.sum()), OVERLAPPING: int((got < sizes).sum())}
    return whole, {name: count for name, count in damage.items() if count}


def unknown_spans(units: Units, unknown: np.ndarray) -> LabelSpans:
    """Tokens of which nothing is said (bool[tokens]), as spans without a label."""
    at = np.flatnonzero(unknown & units.placed)
    return LabelSpans(units.rows[at], units.starts[at], units.ends[at], pa.nulls(len(at), pa.string()), at >= 0)


def encode(
    units: Units,
    spans: LabelSpans,
    styles: np.ndarray,
    outside: np.ndarray,
    valid: np.ndarray,
    unknown: LabelSpans | None = None,
) -> tuple[pa.Array, Counts]:
    """list<string>[texts]: a tag a token, and what `owners` counts. Null where not valid (bool[texts]).

    styles, outside: as `Decoded` has them; unknown: spans of which nothing is said, their tokens are null, not O.
    """
    owner, damage = owners(units, spans)
    tags = tags_of(owner, units.offsets, spans, styles, outside)
    if unknown is not None and len(unknown):
        nothing = (owners(units, unknown.in_order())[0] >= 0) & (owner < 0)
        tags = pc.if_else(pa.array(nothing), pa.scalar(None, pa.string()), tags)
    offsets = pa.array(units.offsets.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, tags, mask=None if valid.all() else pa.array(~valid)), damage


def tags_of(
    owner: np.ndarray, offsets: np.ndarray, spans: LabelSpans, styles: np.ndarray, outside: np.ndarray
) -> pa.Array:
    """string[tokens]: the tag of each, from the span that it is in (`owners`)."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    edge = np.zeros(len(owner) + 1, dtype=bool)
    edge[offsets] = True
    first = edge[:-1] | (owner != np.append(-1, owner)[:-1])
    last = edge[1:] | (owner != np.append(owner[1:], -1)[: len(owner)])
    place = np.select([first & last, first, last], [3, 0, 2], 1)
    letters = np.array([list(STYLES[name]) for name in _NAMES])
    inside = np.flatnonzero(owner >= 0)
    labels = spans.labels.take(pa.array(owner[inside]))
    prefix = pa.array(letters[styles[rows[inside]], place[inside]].astype(object), pa.string())
    flat = pa.array(spans.flat[owner[inside]])
    tags = pc.if_else(flat, labels, pc.binary_join_element_wise(prefix, labels, "-"))
    of_row = pa.array([None, OUTSIDE], pa.string()).take(pa.array(outside.astype(np.int8)))
    return pc.replace_with_mask(of_row.take(pa.array(rows)), pa.array(owner >= 0), tags)
