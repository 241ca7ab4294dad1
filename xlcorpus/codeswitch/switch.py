"""dict-word: replace words of a text by those of a dictionary (code-switch augmentation, CSR4mBART, methods A2).

Words, not the pieces of one model's vocabulary, so that the corpus serves any tokenizer; `pieces` has the operator on
pieces. How words are chosen: `spans`; what a word is: `tokens`; what is never switched: `protect`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.codeswitch import characters, protect
from xlcorpus.codeswitch.assemble import Replacements, replace
from xlcorpus.codeswitch.case import carry_case, form_of
from xlcorpus.codeswitch.lookup import Lookup
from xlcorpus.codeswitch.outcome import NO_DICTIONARY, NO_SWITCH, NO_WORDS, Counts, Switched, finish
from xlcorpus.codeswitch.spans import Rounding, budgets, choose_words, word_hashes
from xlcorpus.codeswitch.switchable import Words
from xlcorpus.dataset.columns import text_column
from xlcorpus.errors import UserError
from xlcorpus.lexicon.index import LexiconIndex, Pair, matches, pairs_of
from xlcorpus.text.characters import is_word
from xlcorpus.text.codepoints import CodePoints, code_points, string_buffers, utf8_lengths
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import mix
from xlcorpus.text.labels import is_dotless

DICT_WORD = "dict_word"

# The arrays of a piece of this many bytes stay in a core's cache; at 4 times as few, calls cost a tenth more.
_PIECE_BYTES = 1 << 19


@dataclass(frozen=True)
class Settings:
    """How to switch: share of the words, mean span length, candidates used, partner languages a document, seed.

    rounding: of ratio * words, "nearest" or "ceil" (`spans`); named_spans: column of spans that are left alone;
    partner: column with the label of the one partner language of each row (restore on pairs), if the batch has it.
    """

    ratio: float = 0.35
    poisson: float = 3.5
    candidates: int = 3
    max_langs: int = 1
    seed: int = 0
    rounding: Rounding = "nearest"
    named_spans: str = "named_spans"
    partner: str = "cs_partner"

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1 or self.poisson <= 0 or self.candidates < 1 or self.max_langs < 1:
            raise UserError(
                f"cannot switch with {self}",
                remedy="give a ratio above 0 and up to 1, and 1 or more for the span length, candidates and languages",
            )


def switch_batch(
    batch: pa.RecordBatch, index: LexiconIndex, settings: Settings, *, keep_text: bool = False
) -> Switched:
    """Documents with words switched, and decision rows (decision-1) for those without a switch.

    batch: documents with doc_id, text, lang and origin. They keep their columns but text, and get cs_source (string,
    switched), cs_target (string, the original, byte for byte), cs_spans (`assemble.SPANS`), cs_ratio and cs_coverage
    (float, shares of the words that are switched, and that have an entry), cs_words (int32), cs_langs (list<string>),
    cs_operator (string) and cs_seed (int64). Reasons: no_dictionary (none from the document's language), no_words,
    no_switch (no word has an entry). The result is a function of each row, the dictionaries of its language and the
    settings, not of the batch. Raises UserError where a column is missing.
    """
    texts = pc.fill_null(text_column(batch).cast(pa.string()), "")
    states = row_states(batch.column("doc_id"), f"codeswitch/words/{settings.seed}")
    row_pairs = partner_pairs(batch, index.pairs, settings)
    served = np.flatnonzero(row_pairs[:, 0] >= 0)
    reasons = np.full(len(batch), NO_DICTIONARY)
    if len(served) == len(batch):
        rows = batch
    else:
        rows = batch.take(pa.array(served))
        texts, states, row_pairs = texts.take(pa.array(served)), states[served], row_pairs[served]
    named = column_of(rows, settings.named_spans)
    parts = [
        _switch_piece(piece, first, states, row_pairs, named, index, settings)
        for first, piece in text_slices(texts, _PIECE_BYTES)
    ]
    made, counts = _gather(texts, parts, index)
    reasons[served] = np.where(counts.words == 0, NO_WORDS, NO_SWITCH)
    switched, spans = replace(texts, made)
    return finish(batch, served, texts, switched, spans, counts, reasons, settings.seed, DICT_WORD, keep_text=keep_text)


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    """A column, or None where the batch has none of this name."""
    at = batch.schema.get_field_index(name)
    return batch.column(at) if at >= 0 else None


def partner_pairs(batch: pa.RecordBatch, pairs: Sequence[Pair], settings: Settings) -> np.ndarray:
    """int64[rows, max_langs]: numbers of the pairs that serve each row, -1 for none; drawn by hash of doc_id.

    Raises UserError where the batch has no column lang.
    """
    lang = column_of(batch, "lang")
    if lang is None:
        raise UserError(
            "there is no column 'lang' here: the dictionary is chosen by language",
            remedy="run `xlcorpus identify` first",
        )
    partner = column_of(batch, settings.partner)
    wanted = pc.fill_null((pa.nulls(len(batch), pa.string()) if partner is None else partner).cast(pa.string()), "")
    joined = pc.binary_join_element_wise(pc.fill_null(lang.cast(pa.string()), ""), wanted, "\t").dictionary_encode()
    codes = joined.indices.to_numpy(zero_copy_only=False)
    states = row_states(batch.column("doc_id"), f"codeswitch/partners/{settings.seed}")
    chosen = np.full((len(batch), settings.max_langs), -1, dtype=np.int64)
    for number, label in enumerate(joined.dictionary.to_pylist()):
        source, target = label.split("\t")
        fit = [pair for pair in pairs_of(source, pairs) if not target or matches(target, pairs[pair].tgt)]
        if not fit:
            continue
        rows = np.flatnonzero(codes == number)
        salts = [xxhash.xxh3_64_intdigest(f"codeswitch/partner/{pairs[pair].tgt}".encode()) for pair in fit]
        draws = mix(states[rows][:, None] ^ np.array(salts, dtype=np.uint64))
        best = np.argsort(draws, axis=1, kind="stable")[:, : settings.max_langs]
        chosen[rows, : best.shape[1]] = np.array(fit)[best]
    return chosen


def text_slices(texts: pa.Array, size: int) -> Iterator[tuple[int, pa.Array]]:
    """Slices of whole texts of about `size` bytes, with the row that each starts at."""
    _, offsets = string_buffers(texts)
    cuts = np.searchsorted(offsets[:-1], np.arange(0, int(offsets[-1]) + 1, size))
    cuts = np.unique(np.concatenate([[0], cuts, [len(texts)]]))
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        yield start, texts.slice(start, end - start)


@dataclass(frozen=True)
class _Part:
    """What is switched in a piece: row of the batch, bytes within the piece's text, and the entry chosen."""

    row: np.ndarray
    byte_starts: np.ndarray
    byte_ends: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    entry: np.ndarray
    form: np.ndarray
    pair: np.ndarray
    before: np.ndarray
    after: np.ndarray
    words: np.ndarray
    known: np.ndarray
    replaced: np.ndarray


def _switch_piece(
    texts: pa.Array,
    first_row: int,
    states: np.ndarray,
    row_pairs: np.ndarray,
    named: pa.Array | None,
    index: LexiconIndex,
    settings: Settings,
) -> _Part:
    here = slice(first_row, first_row + len(texts))
    points, pairs = code_points(texts), row_pairs[here]
    classes = characters.classify(points.codes)
    column = None if named is None else named.slice(first_row, len(texts))
    covered = protect.protected(points, classes, protect.named_spans(column, points))
    lookup = Lookup(points, pairs, index)
    found = lookup.find(classes, covered)
    words = found.words
    replaceable = found.keys.max(axis=0) >= 0
    per_row = np.diff(words.offsets)
    budget = budgets(per_row, settings.ratio, settings.rounding)
    hashes = word_hashes(states[here], words.offsets)
    chosen = choose_words(hashes, words.offsets, replaceable, budget, settings.poisson)
    at, bits = chosen.index, chosen.bits
    row = words.rows.take(at)
    keys = found.keys.take(at, axis=1)
    slot = choose_language(keys >= 0, chosen.span, states[here][row])
    key = keys[0] if len(keys) == 1 else keys[slot, np.arange(len(at))]
    starts, ends = found.starts.take(at), found.ends.take(at)
    byte_at = BytePositions(points.codes)
    byte_starts, byte_ends = byte_at(starts), byte_at(ends)
    verified = lookup.verify(key, starts, ends, string_buffers(texts)[0], byte_starts, byte_ends)
    if not verified.all():
        at, bits, row, key, slot = at[verified], bits[verified], row[verified], key[verified], slot[verified]
        starts, ends, byte_starts, byte_ends = (each[verified] for each in (starts, ends, byte_starts, byte_ends))
    count = np.minimum(index.counts.take(key), settings.candidates).astype(np.uint64)
    pick = ((bits & np.uint64(0xFFFF)) * count) >> np.uint64(16)
    entry = index.first.take(key) + pick.astype(np.int64)
    form = np.zeros(len(at), dtype=np.int8)
    cased = np.flatnonzero((words.uppers.take(at) > 0) & index.cased.take(entry) & ~index.exact.take(key))
    form[cased] = _forms(words, at[cased], starts[cased], ends[cased])
    before, after = _spaces(words.unspaced.take(at), starts, ends, entry, points, index)
    return _Part(
        row=row + first_row,
        byte_starts=byte_starts,
        byte_ends=byte_ends,
        first=starts - points.offsets[row],
        lengths=ends - starts,
        entry=entry,
        form=form,
        pair=pairs[:, 0].take(row) if len(keys) == 1 else pairs[row, slot],
        before=before,
        after=after,
        words=per_row,
        known=np.diff(np.searchsorted(np.flatnonzero(replaceable), words.offsets)),
        replaced=np.bincount(row, minlength=len(texts)),
    )


def _forms(words: Words, at: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[k]: the form of `case` for each of these words, of which starts and ends are the part to replace."""
    letters, whole = ends - starts, (words.ends - words.starts)[at]
    if len(words.divided):  # the apostrophe of DON'T has no case
        divided = np.zeros(len(words.starts), dtype=bool)
        divided[words.divided] = True
        letters = letters - (divided[at] & (letters == whole))
    return form_of(words.uppers[at], letters, words.title[at] & (starts == words.starts[at]))


def choose_language(have: np.ndarray, span: np.ndarray, states: np.ndarray) -> np.ndarray:
    """int64[k]: the slot (partner language) of each chosen word: one for all words of a span, where it has the word.

    have: bool[slots, k], which languages have an entry; span: uint32[k]; states: uint64[k], of the words' rows.
    """
    slots, count = have.shape
    if slots == 1:
        return np.zeros(count, dtype=np.int64)
    draw = mix(states ^ mix(span.astype(np.uint64) + np.uint64(1)))
    turn = (draw % np.uint64(slots)).astype(np.int64)
    order = (turn[None, :] + np.arange(slots)[:, None]) % slots  # the drawn one, then the others in turn
    first = np.argmax(np.take_along_axis(have, order, axis=0), axis=0)
    return order[first, np.arange(count)]


def _spaces(
    unspaced: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    entry: np.ndarray,
    points: CodePoints,
    index: LexiconIndex,
) -> tuple[np.ndarray, np.ndarray]:
    """bool[k], bool[k]: where a word of an unspaced script gives way to one of a spaced script, and a word touches it.

    Between two such words there is one space, before the second.
    """
    before, after = np.zeros(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
    apart = np.flatnonzero(unspaced)
    if not len(apart):
        return before, after
    row = np.searchsorted(points.offsets, starts[apart], side="right") - 1
    left, right = starts[apart] > points.offsets[row], ends[apart] < points.offsets[row + 1]
    left &= _is_word(points.codes, starts[apart] - 1)
    right &= _is_word(points.codes, ends[apart])
    before[apart] = left & index.spaced_head[entry[apart]]
    after[apart] = right & index.spaced_tail[entry[apart]]
    follows = np.append((starts[1:] == ends[:-1]) & before[1:], False)
    after &= ~follows
    return before, after


def _is_word(codes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """bool[k]: letters, marks and numbers, protected ones too; positions outside the codes give any answer."""
    return is_word(characters.classes().take(codes.take(at, mode="clip")))


class BytePositions:
    """Bytes before code points, in UTF-8."""

    def __init__(self, codes: np.ndarray) -> None:
        """codes: uint32[n]. In English 1 code point in 200 is not ASCII: then only those are counted."""
        self._other = np.flatnonzero(codes >= 0x80)
        self._sparse = len(self._other) * 8 < len(codes)
        if self._sparse:
            self._more = utf8_lengths(codes[self._other]) - np.uint8(1)
        else:
            self._before = np.zeros(len(codes) + 1, dtype=np.int64)
            np.cumsum(utf8_lengths(codes), out=self._before[1:])

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """int64[k]: bytes before each of int64[k] code points, ascending."""
        if not self._sparse:
            return self._before.take(positions)
        if not len(self._other):
            return positions
        place = np.searchsorted(positions, self._other, side="right")
        more = np.bincount(place, weights=self._more, minlength=len(positions) + 1)[:-1]
        return positions + np.cumsum(more[: len(positions)]).astype(np.int64)


def _gather(texts: pa.Array, parts: list[_Part], index: LexiconIndex) -> tuple[Replacements, Counts]:
    """The parts as replacements in the whole batch."""

    def together(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, dtype=np.int64)])

    rows = len(texts)
    _, text_offsets = string_buffers(texts)
    firsts = np.cumsum([0, *(len(part.words) for part in parts)])[:-1]
    shift = np.repeat(text_offsets[firsts], [len(part.row) for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    replaced, entry, form, pair = (together(name) for name in ("replaced", "entry", "form", "pair"))
    offsets = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(replaced, out=offsets[1:])
    labels = pa.array([pair.tgt for pair in index.pairs], pa.string())
    dotless = np.array([is_dotless(pair.tgt) for pair in index.pairs], dtype=bool)
    tokens = carry_case(index.targets, entry, form, dotless.take(pair))
    sizes, cased = index.sizes.take(entry).astype(np.int64), np.flatnonzero(form)
    if len(cased):  # sharp s in capitals is two letters
        sizes[cased] = pc.utf8_length(tokens.take(pa.array(cased))).to_numpy(zero_copy_only=False)
    made = Replacements(
        offsets=offsets,
        starts=together("byte_starts") + shift,
        ends=together("byte_ends") + shift,
        first=together("first"),
        lengths=together("lengths"),
        tokens=tokens,
        sizes=sizes,
        before=together("before").astype(bool),
        after=together("after").astype(bool),
        langs=labels.take(pa.array(pair)),
    )
    return made, Counts(together("words"), together("known"), replaced, pair, offsets, labels)
