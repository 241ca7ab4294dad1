"""align_span: put spans of one sentence of a pair into the other, where they are aligned to (methods A2.4).

The target sentence is the one that is switched; its words stay where they are, so the result has the word order of the
target. Random source spans are tried until a share of the source words is projected. As in the published program
(AI4Bharat, CW2V), lengths and budget are rounded down, a span is one word at least, and what overlaps or lies far off
the diagonal is rejected. Differences:

- A target span is taken only if no word in it is aligned with a source word outside the source span, the rule of
  phrase extraction (Koehn, Och and Marcu 2003), and the first and the last source word have partners (`consistent`):
  otherwise words are doubled, or lost.
- Distance from the diagonal compares relative places: the program subtracts word numbers, whatever the lengths.
- A span that encloses an earlier one overlaps it; the program looks at the two ends only.
- Not taken either: a span that would change nothing but case, one that crosses a sign that ends a clause or quotes
  (`_FENCES`), and one that ends inside a written word (don't, so-called, 3.5).
- Nor one that would lose, add or change a number, a URL, an address or code: source and target span hold the same.
- Source words are never projected beyond the share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.align.align import ALIGN
from xlcorpus.align.bitext import Side, exclusive_sum, ranges, read_side
from xlcorpus.codeswitch import protect
from xlcorpus.codeswitch.assemble import Replacements, replace
from xlcorpus.codeswitch.characters import classify
from xlcorpus.codeswitch.outcome import Counts, Switched, finish
from xlcorpus.dataset.columns import append_columns
from xlcorpus.errors import UserError, nearest
from xlcorpus.text import properties
from xlcorpus.text.characters import NUMBER
from xlcorpus.text.codepoints import string_buffers, utf8_lengths
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import hash_spans, mix

ALIGN_SPAN = "align_span"
NO_WORDS, NO_ALIGNMENT, BAD_ALIGNMENT, NO_SWITCH = 0, 1, 2, 3
REASONS = ("no_words", "no_alignment", "bad_alignment", "no_switch")
_TEXTS = ("src", "tgt", "src_lang", "tgt_lang")
_ATTEMPTS = 200  # spans tried for each sentence; the program tries 1,000, but after 200 nearly nothing is added
_FENCES = r"[,;:!?()\[\]{}\"«»“”„‟‹›—–…。、，；：！？（）「」『』《》〈〉।॥؟،؛\n]"


@dataclass(frozen=True)
class AlignSpanSettings:
    """How to switch: span_share and projected_share of the source words, off_diagonal as a share of the target.

    consistent: take only spans whose words are aligned with each other alone, and whose ends have partners.
    Raises UserError for a share out of range.
    """

    span_share: float = 0.4
    projected_share: float = 0.5
    off_diagonal: float = 0.75
    consistent: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("span_share", "projected_share", "off_diagonal"):
            if not 0 < getattr(self, name) <= 1:
                raise UserError(f"align_span: {name} = {getattr(self, name)}", remedy="use a share above 0 and up to 1")


def switch_spans(batch: pa.RecordBatch, settings: AlignSpanSettings, *, keep_text: bool = False) -> Switched:
    """Pairs with spans of `src` in `tgt`, and decision rows (decision-1) for those without a switch.

    batch: doc_id, origin, src, tgt, src_lang, tgt_lang (string) and align (`align.ALIGN`), one pair a row. The pairs
    keep their columns and get lang (tgt_lang), cs_source (string, `tgt` switched), cs_target (string, `tgt` byte for
    byte), cs_spans (`assemble.SPANS`: start and end in code points of cs_source; src_token, the stretch of `tgt` that
    gave way, put in their place gives cs_target; new_token, the stretch of `src`; tgt_lang, the label in src_lang),
    cs_ratio and cs_coverage (float, shares of the words of `tgt` that are switched, and that are aligned), cs_words
    (int32), cs_langs (list<string>), cs_operator and cs_seed. Reasons: no_words (a side has none), no_alignment (null
    or empty), bad_alignment (a link is null or points outside the sentence), no_switch. The result is a function of
    each row and the settings. Raises UserError where a column is missing or of another type.
    """
    texts = _columns(batch)
    source, target = read_side(texts["src"]), read_side(texts["tgt"])
    links = _read_links(batch.column("align"), source, target)
    reasons = np.select(
        [np.minimum(source.sizes, target.sizes) == 0, links.bad, links.per_row == 0],
        [NO_WORDS, BAD_ALIGNMENT, NO_ALIGNMENT],
        NO_SWITCH,
    )
    spans = _choose(
        source,
        target,
        links,
        row_states(batch.column("doc_id"), f"codeswitch/spans/{settings.seed}"),
        reasons,
        settings,
    )
    made = _replacements(spans, source, target, texts)
    switched, column = replace(texts["tgt"], made)
    partners = texts["src_lang"].dictionary_encode()
    counts = Counts(
        words=target.sizes,
        known=np.bincount(target.spans.rows[np.flatnonzero(links.last_source >= 0)], minlength=len(source)),
        replaced=np.bincount(spans.row, weights=spans.target_end - spans.target, minlength=len(source)).astype(
            np.int64
        ),
        pair=partners.indices.to_numpy(zero_copy_only=False).astype(np.int64)[spans.row],
        offsets=made.offsets,
        labels=partners.dictionary,
    )
    rows = append_columns(batch, pa.RecordBatch.from_arrays([texts["tgt_lang"]], names=["lang"]))
    return finish(
        rows,
        np.arange(len(batch)),
        texts["tgt"],
        switched,
        column,
        counts,
        reasons,
        settings.seed,
        ALIGN_SPAN,
        keep_text=keep_text,
        names=REASONS,
    )


def _columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The text columns, nulls as empty texts; raises UserError where one is missing or there too much."""
    for name in ("doc_id", "src", "tgt", "src_lang", "tgt_lang", "align"):
        if name not in batch.schema.names:
            raise UserError(
                f"there is no column {name!r} here ({nearest(name, batch.schema.names)})",
                remedy="align_span needs sentence pairs with their word alignment: run `xlcorpus align` first",
            )
    align = batch.schema.field("align").type
    if not pa.types.is_list(align) or [field.name for field in align.value_type or ()] != ["src", "tgt"]:
        raise UserError(f"column 'align' is {align}, not {ALIGN}", remedy="make it with the word aligner")
    return {name: pc.fill_null(batch.column(name).cast(pa.string()), "") for name in _TEXTS}


@dataclass(frozen=True)
class _Links:
    """Links of good rows, by source token and by target token of the whole batch.

    bad: bool[rows]; per_row: int64[rows]; first_target, last_target: int64[source tokens], the outermost partners of
    each (positions in the target's tokens; a large number and -1 for none); far: float64[source tokens], the largest
    distance of a partner from the diagonal; first_source, last_source: int64[target tokens].
    """

    bad: np.ndarray
    per_row: np.ndarray
    first_target: np.ndarray
    last_target: np.ndarray
    far: np.ndarray
    first_source: np.ndarray
    last_source: np.ndarray


def _read_links(column: pa.Array, source: Side, target: Side) -> _Links:
    rows = len(source)
    column = column.cast(ALIGN)
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    row = np.repeat(np.arange(rows, dtype=np.int64), sizes)
    items = column.flatten()  # without what stands behind a null
    one, other = (
        pc.fill_null(pc.struct_field(items, name), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        for name in ("src", "tgt")
    )
    outside = (one < 0) | (other < 0) | (one >= source.sizes[row]) | (other >= target.sizes[row])
    bad = np.bincount(row[outside], minlength=rows) > 0
    good = ~bad[row]
    row, one, other = row[good], one[good], other[good]
    # Relative places from 0 to 1, as the bound is a share of the target's largest word number.
    width, height = np.maximum(source.sizes[row] - 1, 1), np.maximum(target.sizes[row] - 1, 1)
    distance = np.abs(one / width - other / height)
    one, other = one + source.spans.offsets[row], other + target.spans.offsets[row]
    none = np.iinfo(np.int64).max
    found = _Links(
        bad,
        np.bincount(row, minlength=rows),
        np.full(len(source.words), none),
        np.full(len(source.words), -1),
        np.zeros(len(source.words)),
        np.full(len(target.words), none),
        np.full(len(target.words), -1),
    )
    np.minimum.at(found.first_target, one, other)
    np.maximum.at(found.last_target, one, other)
    np.maximum.at(found.far, one, distance)
    np.minimum.at(found.first_source, other, one)
    np.maximum.at(found.last_source, other, one)
    return found


@dataclass(frozen=True)
class _Borders:
    """Where a span may end. inseparable: bool[tokens + 1], the token belongs to the one before; fences: int64[tokens],
    tokens of the batch up to this one that have a fence before them."""

    inseparable: np.ndarray
    fences: np.ndarray

    def crossed(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """bool[n]: tokens start..end (not included) have a fence between them."""
        return self.fences[end - 1] > self.fences[start]

    def cut(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """bool[n]: the span start..end begins or ends inside a written word."""
        return self.inseparable[start] | self.inseparable[end]


def _borders(side: Side, aligned: np.ndarray, protected: np.ndarray) -> _Borders:
    """Borders of a side, aligned: bool[tokens]; protected: bool[code points], such stretches stay in one piece.

    Of characters that touch in an unspaced script, one without a partner is not parted from its neighbours: it is
    mostly the rest of a word, and nothing else here knows the words of such scripts.
    """
    spans, codes = side.spans, side.points.codes
    count = len(spans)
    inseparable, fences = np.zeros(count + 1, dtype=bool), np.zeros(count, dtype=np.int64)
    if count > 1:
        before = np.zeros(len(codes) + 1, dtype=np.int64)
        gap = spans.ends[:-1], spans.starts[1:]
        np.cumsum(properties.whitespace()[codes], out=before[1:])
        blank = before[gap[1]] > before[gap[0]]
        np.cumsum(properties.matches(_FENCES)[codes], out=before[1:])
        fence = before[gap[1]] > before[gap[0]]
        inside = spans.rows[1:] == spans.rows[:-1]
        unspaced = properties.unspaced()[codes]
        solid = (gap[1] > gap[0]) & ~blank & ~fence & ~unspaced[gap[0] - 1] & ~unspaced[gap[1]]
        inseparable[1:-1] = solid & inside
        # "3,5" and "12:30" are numbers: between two digits without a space no sign ends a clause.
        number = properties.matches(r"\p{Nd}")[codes]
        figure = number[gap[0] - 1] & number[gap[1]] & ~blank & (gap[1] > gap[0])
        inseparable[1:-1] |= figure & inside
        touching = (gap[1] == gap[0]) & unspaced[gap[0] - 1] & unspaced[gap[1]]
        inseparable[1:-1] |= touching & inside & ~(aligned[1:] & aligned[:-1])
        np.cumsum(protected, out=before[1:])
        whole = (gap[1] > gap[0]) & (before[gap[1]] - before[gap[0]] == gap[1] - gap[0])
        inseparable[1:-1] |= whole & inside
        fences[1:] = fence & inside & ~figure & ~whole
    return _Borders(inseparable, np.cumsum(fences))


def _protected(side: Side) -> np.ndarray:
    """bool[code points]: URLs, addresses, code and markup, as the other operators protect them."""
    marks = np.zeros(len(side.points.codes), dtype=bool)
    marks[protect.protected(side.points, classify(side.points.codes), [])] = True
    return marks


def _protected_sums(side: Side, protected: np.ndarray) -> np.ndarray:
    """uint64[tokens + 1]: running sums of the hashes of the protected tokens: numbers, parts of URLs, of code, ...

    Two spans whose sums grow alike hold the same protected tokens, in any order.
    """
    before = exclusive_sum(protected | (classify(side.points.codes).flags & NUMBER != 0))
    held = before[side.spans.ends] > before[side.spans.starts]
    sums = np.zeros(len(side.words) + 1, dtype=np.uint64)
    np.cumsum(np.where(held, mix(side.words), np.uint64(0)), out=sums[1:])
    return sums


@dataclass(frozen=True)
class _Spans:
    """Projected spans by row and target: row int64[k]; source, source_end, target, target_end: int64[k], tokens."""

    row: np.ndarray
    source: np.ndarray
    source_end: np.ndarray
    target: np.ndarray
    target_end: np.ndarray

    @cached_property
    def order(self) -> np.ndarray:
        """int64[k]: the spans by source."""
        return np.argsort(self.source, kind="stable")


def _choose(
    source: Side, target: Side, links: _Links, states: np.ndarray, reasons: np.ndarray, settings: AlignSpanSettings
) -> _Spans:
    """Try random spans, one a row in each round, in all rows that are still short of their share."""
    longest = np.maximum(1, np.floor(settings.span_share * source.sizes + 1e-9)).astype(np.int64)
    left = np.floor(settings.projected_share * source.sizes + 1e-9).astype(np.int64)
    rows = np.flatnonzero((reasons == NO_SWITCH) & (left > 0))
    source_protected, target_protected = _protected(source), _protected(target)
    source_borders = _borders(source, links.last_target >= 0, source_protected)
    target_borders = _borders(target, links.last_source >= 0, target_protected)
    source_used, target_used = np.zeros(len(source.words), dtype=bool), np.zeros(len(target.words), dtype=bool)
    source_sums, target_sums = _protected_sums(source, source_protected), _protected_sums(target, target_protected)
    found: list[np.ndarray] = [np.zeros((5, 0), dtype=np.int64)]
    for attempt in range(_ATTEMPTS):
        rows = rows[left[rows] > 0]
        if not len(rows):
            break
        draws = mix(states[rows] ^ mix(np.full(len(rows), attempt + 1, dtype=np.uint64)))
        length = 1 + _scale(draws >> np.uint64(32), np.minimum(longest, left)[rows])
        start = source.spans.offsets[rows] + _scale(draws & np.uint64(0xFFFFFFFF), source.sizes[rows] - length + 1)
        row, end = rows, start + length
        fine = ~source_borders.cut(start, end) & ~source_borders.crossed(start, end)
        if settings.consistent:
            fine &= (links.last_target[start] >= 0) & (links.last_target[end - 1] >= 0)
        row, start, end = row[fine], start[fine], end[fine]
        words = ranges(start, end - start)
        at = exclusive_sum(end - start)[:-1]
        if not len(at):
            continue
        first = np.minimum.reduceat(links.first_target[words], at)
        last = np.maximum.reduceat(links.last_target[words], at)
        fine = (last >= 0) & ~np.logical_or.reduceat(source_used[words], at)
        fine &= np.maximum.reduceat(links.far[words], at) <= settings.off_diagonal
        row, start, end, first, last = row[fine], start[fine], end[fine], first[fine], last[fine] + 1
        words = ranges(first, last - first)
        at = exclusive_sum(last - first)[:-1]
        if not len(at):
            continue
        fine = ~np.logical_or.reduceat(target_used[words], at)
        fine &= ~target_borders.cut(first, last) & ~target_borders.crossed(first, last)
        if settings.consistent:
            fine &= np.minimum.reduceat(links.first_source[words], at) >= start
            fine &= np.maximum.reduceat(links.last_source[words], at) < end
        fine &= source_sums[end] - source_sums[start] == target_sums[last] - target_sums[first]
        fine &= hash_spans(source.words, start, end) != hash_spans(target.words, first, last)
        taken = np.stack([row, start, end, first, last])[:, fine]
        row, start, end, first, last = taken
        source_used[ranges(start, end - start)] = True
        target_used[ranges(first, last - first)] = True
        left[row] -= end - start
        found.append(taken)
    everything = np.concatenate(found, axis=1)
    return _Spans(*everything[:, np.argsort(everything[3], kind="stable")])


def _scale(bits: np.ndarray, size: np.ndarray) -> np.ndarray:
    """int64[n]: 0 to size - 1 from 32 random bits (uint64[n])."""
    return ((bits * size.astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def _replacements(spans: _Spans, source: Side, target: Side, texts: dict[str, pa.Array]) -> Replacements:
    rows = len(source)
    begins, ends = target.spans.starts[spans.target], target.spans.ends[spans.target_end - 1]
    from_, to = source.spans.starts[spans.source], source.spans.ends[spans.source_end - 1]
    codes, offsets = target.points.codes, target.points.offsets
    word, spaced = properties.word_characters(), ~properties.unspaced()
    # A word of a spaced script keeps clear of the word characters around it, as in dict_word.
    left = np.where(begins > offsets[spans.row], codes[np.maximum(begins - 1, 0)], 0) if len(begins) else begins
    right = np.where(ends < offsets[spans.row + 1], np.append(codes, 0)[ends], 0) if len(begins) else begins
    before = word[left] & spaced[source.points.codes[from_]]
    after = word[right] & spaced[source.points.codes[to - 1]]
    if len(begins):
        after[:-1] &= ~((ends[:-1] == begins[1:]) & before[1:])
    bytes_before = exclusive_sum(utf8_lengths(codes))
    return Replacements(
        offsets=exclusive_sum(np.bincount(spans.row, minlength=rows)),
        starts=bytes_before[begins],
        ends=bytes_before[ends],
        first=begins - offsets[spans.row],
        lengths=ends - begins,
        tokens=_cut(texts["src"], source, from_, to, spans.order),
        sizes=to - from_,
        before=before,
        after=after,
        langs=texts["src_lang"].take(pa.array(spans.row)),
    )


def _cut(texts: pa.Array, side: Side, starts: np.ndarray, ends: np.ndarray, order: np.ndarray) -> pa.StringArray:
    """string[k]: stretches of the texts, starts and ends in code points; order: int64[k], sorts them by start."""
    data, _ = string_buffers(texts)
    bytes_before = exclusive_sum(utf8_lengths(side.points.codes))
    edges = np.zeros(2 * len(starts) + 1, dtype=np.int32)
    edges[:-1:2], edges[1::2] = bytes_before[starts[order]], bytes_before[ends[order]]
    edges[-1] = edges[-2] if len(starts) else 0
    stretches = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(data))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return stretches.take(pa.array(2 * place))
