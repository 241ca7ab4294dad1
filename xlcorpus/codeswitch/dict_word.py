"""dict-word: replace words of a text by those of a dictionary (code-switch augmentation, CSR4mBART, methods A2).

Words, not the pieces of one model's vocabulary, so that the corpus serves any tokenizer; `dict_piece` has the operator
on pieces. How words are chosen: `word_choice`; what a word is: `tokens`; what is never switched: `protect`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch import characters, protect
from xlcorpus.codeswitch.assemble import BytePositions, Replacements
from xlcorpus.codeswitch.case import carry_case, forms
from xlcorpus.codeswitch.lookup import Lookup
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.partners import Served, choose_language, choose_turn, has_enough, serve
from xlcorpus.codeswitch.switched import WordCounts, switched_words
from xlcorpus.codeswitch.word_choice import budgets, choose_words, word_hashes
from xlcorpus.dataset.result import Result
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.text.breakers import WORD_BREAKERS
from xlcorpus.text.characters import is_word
from xlcorpus.text.codepoints import CodePoints, code_points, string_buffers
from xlcorpus.text.composed import composed
from xlcorpus.text.labels import is_dotless
from xlcorpus.text.ragged import offsets_of
from xlcorpus.text.slices import pieces

DICT_WORD = "dict_word"


def switch_words(
    batch: pa.RecordBatch, index: LexiconIndex, options: CodeswitchOptions, *, seed: int = 0, keep_text: bool = False
) -> Result:
    """Documents with words switched, and decision rows (decision-1) for those without a switch.

    batch: documents with doc_id, text, lang and origin. They keep their columns but text, and get cs_source (string,
    switched), cs_target (string, the original, byte for byte), cs_spans (`assemble.SPANS`), cs_ratio and cs_coverage
    (float, shares of the words that are switched, and that have an entry), cs_words (int32), cs_langs (list<string>),
    cs_operator (string) and cs_seed (int64). Reasons: no_dictionary (none from the document's language), no_words,
    no_switch (no word has an entry). The result is a function of each row, the dictionaries of its language, the
    options and the seed, not of the batch. Raises UserError where a column is missing.
    """
    served = serve(batch, index.directions, options, seed)
    rows = (np.arange(first, first + len(piece)) for first, piece in pieces(served.texts))
    parts = [part for some in rows for part in _switch_rows(some, served, index, options)]
    made, counts = _gather(served.texts, parts, index)
    return switched_words(batch, served, made, counts, operator=DICT_WORD, seed=seed, keep_text=keep_text)


@dataclass(frozen=True)
class _Part:
    """What is switched in some texts. rows: int64[texts], where they are among the served ones; words, known, wanted,
    replaced: int64[texts]; row: the text of each replacement, a position in `rows`, ascending; byte_starts, byte_ends:
    within its text; and the entry chosen."""

    rows: np.ndarray
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
    wanted: np.ndarray
    replaced: np.ndarray

    def of(self, kept: np.ndarray) -> _Part:
        """The part of some of its texts: bool[texts]."""
        if kept.all():
            return self
        inside = kept[self.row]
        own = {name: values[inside if name in _BY_REPLACEMENT else kept] for name, values in vars(self).items()}
        return _Part(**own | {"row": (np.cumsum(kept) - 1)[own["row"]]})


_BY_REPLACEMENT = ("row", "byte_starts", "byte_ends", "first", "lengths", "entry", "form", "pair", "before", "after")


def _switch_rows(rows: np.ndarray, served: Served, index: LexiconIndex, options: CodeswitchOptions) -> list[_Part]:
    """Parts that hold each of some served rows (int64[n], ascending) once, each at its turn (`partners`)."""
    parts, turns, left = [], served.pairs.shape[1], np.arange(len(rows))
    known = np.zeros((len(rows), turns), dtype=np.int64)
    for turn in range(turns):
        part = _switch_piece(rows[left], np.full(len(left), turn), served, index, options)
        known[left, turn] = part.known
        alone = (served.pairs[rows[left], 1:, 0] < 0).all(axis=1)
        settled = alone | has_enough(part.known, part.wanted)
        parts.append(part.of(settled))
        left = left[~settled]
        if not len(left):
            return parts
    chosen = choose_turn(known[left], known[left].max(axis=1))
    return [*parts, _switch_piece(rows[left], chosen, served, index, options)]


def _switch_piece(
    rows: np.ndarray, turn: np.ndarray, served: Served, index: LexiconIndex, options: CodeswitchOptions
) -> _Part:
    """Some served rows (int64[n], ascending), each with the dictionaries of one of its turns (int64[n])."""
    taken = pa.array(rows)
    texts = served.texts.take(taken)
    pairs, states = served.pairs[rows, turn], served.states[rows]
    written = code_points(texts)
    points, back = composed(written)  # words are found in NFC, and replaced where they are written
    classes = characters.classify(points.codes)
    named = None if served.named is None else served.named.take(taken)
    covered = protect.protected(points, classes, protect.named_spans(named, written, back))
    breaker = None if options.word_breaker is None else WORD_BREAKERS.find(options.word_breaker)
    lookup = Lookup(points, pairs, index, breaker)
    found = lookup.find(classes, covered)
    words = found.words
    replaceable = found.keys.max(axis=0) >= 0
    per_row = np.diff(words.offsets)
    budget = budgets(per_row, options.ratio, options.rounding)
    hashes = word_hashes(states, words.offsets)
    chosen = choose_words(hashes, words.offsets, replaceable, budget, options.poisson)
    at, bits = chosen.index, chosen.bits
    row = words.rows.take(at)
    keys = found.keys.take(at, axis=1)
    slot = choose_language(keys >= 0, chosen.span, states[row])
    key = keys[0] if len(keys) == 1 else keys[slot, np.arange(len(at))]
    starts, ends = found.starts.take(at), found.ends.take(at)
    byte_at = BytePositions(written.codes)
    own_starts, own_ends = (starts, ends) if back is None else (back.take(starts), back.take(ends))
    byte_starts, byte_ends = byte_at(own_starts), byte_at(own_ends)
    data, text_starts = string_buffers(texts)
    verified = lookup.verify(key, starts, ends, data, byte_starts, byte_ends)
    if not verified.all():
        at, bits, row, key, slot = at[verified], bits[verified], row[verified], key[verified], slot[verified]
        starts, ends, own_starts, own_ends = (each[verified] for each in (starts, ends, own_starts, own_ends))
        byte_starts, byte_ends = byte_starts[verified], byte_ends[verified]
    count = np.minimum(index.counts.take(key), options.candidates).astype(np.uint64)
    pick = ((bits & np.uint64(0xFFFF)) * count) >> np.uint64(16)
    entry = index.first.take(key) + pick.astype(np.int64)
    form = np.zeros(len(at), dtype=np.int8)
    cased = np.flatnonzero((words.uppers.take(at) > 0) & index.cased.take(entry) & ~index.exact.take(key))
    form[cased] = forms(points.codes, starts[cased], ends[cased])
    before, after = _spaces(words.unspaced.take(at), starts, ends, entry, points, index)
    return _Part(
        rows=rows,
        row=row,
        byte_starts=byte_starts - text_starts[row],
        byte_ends=byte_ends - text_starts[row],
        first=own_starts - written.offsets[row],
        lengths=own_ends - own_starts,
        entry=entry,
        form=form,
        pair=pairs[:, 0].take(row) if len(keys) == 1 else pairs[row, slot],
        before=before,
        after=after,
        words=per_row,
        known=np.diff(np.searchsorted(np.flatnonzero(replaceable), words.offsets)),
        wanted=budget,
        replaced=np.bincount(row, minlength=len(texts)),
    )


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


def _gather(texts: pa.Array, parts: list[_Part], index: LexiconIndex) -> tuple[Replacements, WordCounts]:
    """The parts as replacements in the whole batch."""
    rows = np.concatenate([part.rows for part in parts] or [np.zeros(0, dtype=np.int64)])
    row = np.concatenate([part.rows[part.row] for part in parts] or [np.zeros(0, dtype=np.int64)])
    text_order, order = np.argsort(rows), np.argsort(row, kind="stable")

    def together(name: str) -> np.ndarray:
        values = np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, dtype=np.int64)])
        return values.take(order if name in _BY_REPLACEMENT else text_order)

    shift = string_buffers(texts)[1].take(row.take(order))
    replaced, entry, form, pair = (together(name) for name in ("replaced", "entry", "form", "pair"))
    labels = pa.array([pair.tgt for pair in index.directions], pa.string())
    dotless = np.array([is_dotless(pair.tgt) for pair in index.directions], dtype=bool)
    tokens = carry_case(index.targets, entry, form, dotless.take(pair))
    sizes, cased = index.sizes.take(entry).astype(np.int64), np.flatnonzero(form)
    if len(cased):  # sharp s in capitals is two letters
        sizes[cased] = pc.utf8_length(tokens.take(pa.array(cased))).to_numpy(zero_copy_only=False)
    made = Replacements(
        offsets=offsets_of(replaced),
        starts=together("byte_starts") + shift,
        ends=together("byte_ends") + shift,
        first=together("first"),
        lengths=together("lengths"),
        tokens=tokens,
        sizes=sizes,
        before=together("before").astype(bool),
        after=together("after").astype(bool),
        langs=pa.DictionaryArray.from_arrays(pa.array(pair), labels),
    )
    return made, WordCounts(together("words"), together("known"), replaced)
