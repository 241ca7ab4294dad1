"""align_span: put spans of one sentence of a pair into the other, where they are aligned to (methods A2.4).

The target sentence is the one that is switched; its words stay where they are, so the result has the word order of the
target. Random source spans are tried until a share of the source words is projected. As in the published program
(AI4Bharat, CW2V), lengths and budget are rounded down, a span is one word at least, and what overlaps or lies far off
the diagonal is rejected. Differences:

- A target span is taken only if no word in it is aligned with a source word outside the source span, the rule of
  phrase extraction (Koehn, Och and Marcu 2003), and the first and the last source word have partners:
  otherwise words are doubled, or lost.
- Distance from the diagonal compares relative places: the program subtracts word numbers, whatever the lengths.
- A span that encloses an earlier one overlaps it; the program looks at the two ends only.
- Not taken either: a span that would change nothing but case, one that crosses a sign that ends a clause or quotes
  (`_FENCES`), and one that ends inside a written word (don't, so-called, 3.5).
- Nor one that would lose, add or change a number, a URL, an address or code: source and target span hold the same.
- Source words are never projected beyond the share.
- A labelled span of the target (`tgt_tags`, `tgt_entities`) is switched as a whole or left alone (`cut_labels`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch import protect
from xlcorpus.codeswitch.assemble import BytePositions, Replacements
from xlcorpus.codeswitch.characters import classify
from xlcorpus.codeswitch.labels import FROM, within_labels
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.switched import WordCounts, switched_rows
from xlcorpus.dataset.columns import append_columns, require_column, text_or_empty
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN, Side, read_side
from xlcorpus.tags.columns import label_columns
from xlcorpus.text import properties
from xlcorpus.text.characters import NUMBER
from xlcorpus.text.codepoints import string_buffers
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import hash_spans, mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of, sum_spans, sums_before

ALIGN_SPAN = "align_span"
NO_WORDS, NO_ALIGNMENT, BAD_ALIGNMENT, NO_SWITCH = 0, 1, 2, 3
REASONS = ("no_words", "no_alignment", "bad_alignment", "no_switch")
_TEXTS = ("src", "tgt", "src_lang", "tgt_lang")
_ATTEMPTS = 200  # spans tried for each sentence; the program tries 1,000, but after 200 nearly nothing is added
_FENCES = r"[,;:!?()\[\]{}\"«»“”„‟‹›—–…。、，；：！？（）「」『』《》〈〉।॥؟،؛\n]"


def switch_spans(
    batch: pa.RecordBatch,
    options: CodeswitchOptions,
    *,
    seed: int = 0,
    keep_text: bool = False,
    features: Features | None = None,
) -> Result:
    """Pairs with spans of `src` in `tgt`, and decision rows (decision-1) for those without a switch.

    batch: doc_id, origin, src, tgt, src_lang, tgt_lang (string) and align (`sides.ALIGN`), one pair a row. The pairs
    keep their columns and get lang (tgt_lang), cs_source (string, `tgt` switched), cs_target (string, `tgt` byte for
    byte), cs_spans (`assemble.SPANS`: start and end in code points of cs_source; src_token, the stretch of `tgt` that
    gave way, put in their place gives cs_target; new_token, the stretch of `src`; tgt_lang, the label in src_lang),
    cs_ratio and cs_coverage (float, shares of the words of `tgt` that are switched, and that are aligned), cs_words
    (int32), cs_langs (list<string>), cs_operator and cs_seed; with labels of tgt also what `carry_labels` needs
    (`FROM`). features: of the columns, for names of numbers; default: what the schema says. Reasons: no_words (a side
    has none), no_alignment (null or empty), bad_alignment (a link is null or points outside the sentence), no_switch.
    The result is a function of each row, the options and the seed. Raises UserError where a column is missing or of
    another type.
    """
    texts = _columns(batch)
    source, target = read_side(texts["src"]), read_side(texts["tgt"])
    partners = _read_partners(batch.column("align"), source, target)
    reasons = np.select(
        [np.minimum(source.sizes, target.sizes) == 0, partners.bad, partners.per_row == 0],
        [NO_WORDS, BAD_ALIGNMENT, NO_ALIGNMENT],
        NO_SWITCH,
    )
    states = row_states(batch.column("doc_id"), f"codeswitch/spans/{seed}")
    labels = label_columns(batch.schema, "tgt_", features)
    whole = np.zeros(len(target.words) + 1, dtype=bool)
    if not options.cut_labels:
        whole = within_labels(batch, labels, target.points, target.spans)
    moved = _choose(source, target, partners, states, reasons, options, whole)
    aligned = np.bincount(target.spans.rows[partners.last_source >= 0], minlength=len(source))
    replaced = np.bincount(moved.row, weights=moved.target_end - moved.target, minlength=len(source))
    more = {"lang": texts["tgt_lang"]}
    if labels:
        edges = pa.array(offsets_of(np.bincount(moved.row, minlength=len(source))).astype(np.int32))
        first = source.spans.starts[moved.source] - source.points.offsets[moved.row]
        more[FROM] = pa.ListArray.from_arrays(edges, pa.array(first.astype(np.int32)))
    return switched_rows(
        append_columns(batch, pa.RecordBatch.from_pydict(more)),
        np.arange(len(batch)),
        texts["tgt"],
        _replacements(moved, source, target, texts),
        WordCounts(target.sizes, aligned, replaced.astype(np.int64)),
        reasons,
        operator=ALIGN_SPAN,
        seed=seed,
        keep_text=keep_text,
        names=REASONS,
    )


def _columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The text columns, nulls as empty texts; raises UserError where one is missing."""
    remedy = "align_span needs sentence pairs with their word alignment: run `xlcorpus align` first"
    for name in ("doc_id", *_TEXTS):
        require_column(batch.schema, name, remedy=remedy)
    align = require_column(batch.schema, "align", remedy=remedy).type
    if not pa.types.is_list(align) or [field.name for field in align.value_type or ()] != ["src", "tgt"]:
        raise UserError(f"column 'align' is {align}, not {ALIGN}", remedy="make it with the word aligner")
    return {name: text_or_empty(batch, name) for name in _TEXTS}


@dataclass(frozen=True)
class _Partners:
    """What tokens are linked with, in good rows: by source token and by target token of the whole batch.

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


def _read_partners(column: pa.Array, source: Side, target: Side) -> _Partners:
    rows = len(source)
    column = column.cast(ALIGN)
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    row = rows_of(offsets_of(sizes))
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
    found = _Partners(
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
        gap = spans.ends[:-1], spans.starts[1:]
        blank = sum_spans(properties.whitespace()[codes], *gap) > 0
        fence = sum_spans(properties.matches(_FENCES)[codes], *gap) > 0
        inside = spans.rows[1:] == spans.rows[:-1]
        unspaced = properties.unspaced()[codes]
        solid = (gap[1] > gap[0]) & ~blank & ~fence & ~unspaced[gap[0] - 1] & ~unspaced[gap[1]]
        inseparable[1:-1] = solid & inside
        # "3,5" and "12:30" are numbers: between two digits without a space no sign ends a clause.
        number = properties.digits()[codes]
        figure = number[gap[0] - 1] & number[gap[1]] & ~blank & (gap[1] > gap[0])
        inseparable[1:-1] |= figure & inside
        touching = (gap[1] == gap[0]) & unspaced[gap[0] - 1] & unspaced[gap[1]]
        inseparable[1:-1] |= touching & inside & ~(aligned[1:] & aligned[:-1])
        whole = (gap[1] > gap[0]) & (sum_spans(protected, *gap) == gap[1] - gap[0])
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
    marks = protected | (classify(side.points.codes).flags & NUMBER != 0)
    held = sum_spans(marks, side.spans.starts, side.spans.ends) > 0
    return sums_before(np.where(held, mix(side.words), np.uint64(0)), np.uint64)


@dataclass(frozen=True)
class _Moved:
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
    source: Side,
    target: Side,
    partners: _Partners,
    states: np.ndarray,
    reasons: np.ndarray,
    options: CodeswitchOptions,
    whole: np.ndarray,
) -> _Moved:
    """Try random spans, one a row in each round, in all rows that are still short of their share.

    whole: bool[target tokens + 1], the token is not parted from the one before.
    """
    longest = np.maximum(1, np.floor(options.span_share * source.sizes + 1e-9)).astype(np.int64)
    left = np.floor(options.projected_share * source.sizes + 1e-9).astype(np.int64)
    rows = np.flatnonzero((reasons == NO_SWITCH) & (left > 0))
    source_protected, target_protected = _protected(source), _protected(target)
    source_borders = _borders(source, partners.last_target >= 0, source_protected)
    target_borders = _borders(target, partners.last_source >= 0, target_protected)
    target_borders = replace(target_borders, inseparable=target_borders.inseparable | whole)
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
        fine &= (partners.last_target[start] >= 0) & (partners.last_target[end - 1] >= 0)
        row, start, end = row[fine], start[fine], end[fine]
        words = ranges(start, end - start)
        at = offsets_of(end - start)[:-1]
        if not len(at):
            continue
        first = np.minimum.reduceat(partners.first_target[words], at)
        last = np.maximum.reduceat(partners.last_target[words], at)
        fine = (last >= 0) & ~np.logical_or.reduceat(source_used[words], at)
        fine &= np.maximum.reduceat(partners.far[words], at) <= options.off_diagonal
        row, start, end, first, last = row[fine], start[fine], end[fine], first[fine], last[fine] + 1
        words = ranges(first, last - first)
        at = offsets_of(last - first)[:-1]
        if not len(at):
            continue
        fine = ~np.logical_or.reduceat(target_used[words], at)
        fine &= ~target_borders.cut(first, last) & ~target_borders.crossed(first, last)
        fine &= np.minimum.reduceat(partners.first_source[words], at) >= start
        fine &= np.maximum.reduceat(partners.last_source[words], at) < end
        fine &= source_sums[end] - source_sums[start] == target_sums[last] - target_sums[first]
        fine &= hash_spans(source.words, start, end) != hash_spans(target.words, first, last)
        taken = np.stack([row, start, end, first, last])[:, fine]
        row, start, end, first, last = taken
        source_used[ranges(start, end - start)] = True
        target_used[ranges(first, last - first)] = True
        left[row] -= end - start
        found.append(taken)
    everything = np.concatenate(found, axis=1)
    return _Moved(*everything[:, np.argsort(everything[3], kind="stable")])


def _scale(bits: np.ndarray, size: np.ndarray) -> np.ndarray:
    """int64[n]: 0 to size - 1 from 32 random bits (uint64[n])."""
    return ((bits * size.astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def _replacements(moved: _Moved, source: Side, target: Side, texts: dict[str, pa.Array]) -> Replacements:
    rows = len(source)
    begins, ends = target.spans.starts[moved.target], target.spans.ends[moved.target_end - 1]
    from_, to = source.spans.starts[moved.source], source.spans.ends[moved.source_end - 1]
    codes, offsets = target.points.codes, target.points.offsets
    word, spaced = properties.word_characters(), ~properties.unspaced()
    # A word of a spaced script keeps clear of the word characters around it, as in dict_word.
    left = np.where(begins > offsets[moved.row], codes[np.maximum(begins - 1, 0)], 0) if len(begins) else begins
    right = np.where(ends < offsets[moved.row + 1], np.append(codes, 0)[ends], 0) if len(begins) else begins
    before = word[left] & spaced[source.points.codes[from_]]
    after = word[right] & spaced[source.points.codes[to - 1]]
    if len(begins):
        after[:-1] &= ~((ends[:-1] == begins[1:]) & before[1:])
    byte_at, partners = BytePositions(codes), texts["src_lang"].dictionary_encode()
    return Replacements(
        offsets=offsets_of(np.bincount(moved.row, minlength=rows)),
        starts=byte_at(begins),
        ends=byte_at(ends),
        first=begins - offsets[moved.row],
        lengths=ends - begins,
        tokens=_cut(texts["src"], source, from_, to, moved.order),
        sizes=to - from_,
        before=before,
        after=after,
        langs=pa.DictionaryArray.from_arrays(partners.indices.take(pa.array(moved.row)), partners.dictionary),
    )


def _cut(texts: pa.Array, side: Side, starts: np.ndarray, ends: np.ndarray, order: np.ndarray) -> pa.StringArray:
    """string[k]: stretches of the texts, starts and ends in code points; order: int64[k], sorts them by start."""
    data, _ = string_buffers(texts)
    byte_at = BytePositions(side.points.codes)
    edges = np.zeros(2 * len(starts) + 1, dtype=np.int32)
    edges[:-1:2], edges[1::2] = byte_at(starts[order]), byte_at(ends[order])
    edges[-1] = edges[-2] if len(starts) else 0
    stretches = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(data))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return stretches.take(pa.array(2 * place))
