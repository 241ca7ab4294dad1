"""dict-piece: replace the pieces of whole words by pieces of a dictionary, as CSR4mBART does (methods A2.2).

For the vocabulary of one SentencePiece model; `dict_word` has the operator on words, which every tokenizer can use.
Words are what the model begins with its space mark; protected stretches, words with a number, and words with a
character that the model takes apart are left out of the count.
Where this differs from the published operator: how words are chosen (`word_choice`), and the text. That is not decoded
from all pieces, but the new pieces' text is put in the place of the old ones': what is not switched keeps its bytes,
which the model's normalisation would change.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch import protect
from xlcorpus.codeswitch.assemble import BytePositions, Replacements
from xlcorpus.codeswitch.characters import classify
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.partners import Served, choose_language, choose_turn, serve
from xlcorpus.codeswitch.piece_table import PieceTable
from xlcorpus.codeswitch.switched import WordCounts, switched_words
from xlcorpus.codeswitch.word_choice import budgets, choose_words, word_hashes
from xlcorpus.dataset.columns import text_column
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.text import properties
from xlcorpus.text.characters import NUMBER, is_word
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of, sum_segments, sum_spans
from xlcorpus.text.slices import pieces
from xlcorpus.tokenizer.sentencepiece_model import WORD_START, encode_with_offsets

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

DICT_PIECE = "dict_piece"


@dataclass(frozen=True)
class _Encoded:
    """Pieces of some texts: ids int32[p], starts and ends int64[p] in `points.codes`, row int64[p]."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    row: np.ndarray


def _encode(model: SentencePieceProcessor, texts: pa.Array, points: CodePoints) -> _Encoded:
    answers = encode_with_offsets(model, texts)
    row = rows_of(offsets_of(np.array([len(answer["ids"]) for answer in answers], dtype=np.int64)))
    total = len(row)
    ids = np.fromiter(chain.from_iterable(answer["ids"] for answer in answers), np.int32, total)
    edges = chain.from_iterable(chain.from_iterable(answer["offsets"] for answer in answers))
    positions = np.fromiter(edges, np.int64, 2 * total).reshape(-1, 2) + points.offsets[row][:, None]
    return _Encoded(ids, positions[:, 0], positions[:, 1], row)


def switch_pieces(
    batch: pa.RecordBatch,
    model: SentencePieceProcessor,
    table: PieceTable,
    options: CodeswitchOptions,
    *,
    seed: int = 0,
    keep_text: bool = False,
) -> Result:
    """As `dict_word.switch_words`, with pieces: a span is the text of one piece, new_token that of the new one.

    1.3 to 2 MB/s on one core, nearly all of it in the model. Raises UserError where a column is missing.
    """
    slices = [batch.slice(first, len(piece)) for first, piece in pieces(text_column(batch).cast(pa.string()))]
    parts = [_switch_slice(part, model, table, options, seed, keep_text) for part in slices or [batch]]
    counts: Counts = {}
    for part in parts:
        add_counts(counts, part.counts)
    return Result(
        pa.concat_batches([part.rows for part in parts]),
        pa.concat_batches([part.decisions for part in parts]),
        counts=counts,
    )


def _switch_slice(
    batch: pa.RecordBatch,
    model: SentencePieceProcessor,
    table: PieceTable,
    options: CodeswitchOptions,
    seed: int,
    keep_text: bool,
) -> Result:
    served = serve(batch, table.index.directions, options, seed)
    made, counts = _switch(served, model, table, options)
    return switched_words(batch, served, made, counts, operator=DICT_PIECE, seed=seed, keep_text=keep_text)


def _switch(
    served: Served, model: SentencePieceProcessor, table: PieceTable, options: CodeswitchOptions
) -> tuple[Replacements, WordCounts]:
    points, states, rows = code_points(served.texts), served.states, len(served.texts)
    encoded = _encode(model, served.texts, points)
    classes = classify(points.codes)
    covered = protect.protected(points, classes, protect.named_spans(served.named, points))
    # A piece belongs to a word from one space mark to the next.
    begins = table.marked[encoded.ids]
    begins |= np.append(True, encoded.row[1:] != encoded.row[:-1])[: len(begins)]
    heads = np.flatnonzero(begins)
    bounds = np.append(heads, len(begins))
    usable = np.zeros(len(heads), dtype=bool)
    if len(heads):
        barred = (classes.flags & NUMBER) != 0
        barred[covered] = True
        edges = np.append(encoded.starts[heads], len(points.codes))
        ends = encoded.ends[bounds[1:] - 1]
        wordy = is_word(classes.flags)
        usable = (sum_spans(wordy, edges[:-1], ends) > 0) & (sum_spans(barred, edges[:-1], ends) == 0)
        # The model takes some characters apart (Ǆ, ﬁ): a piece that is a part of one has no place in the text.
        printed = ~properties.whitespace()[points.codes]
        nowhere = (sum_spans(printed, encoded.starts, encoded.ends) == 0) & ~table.bare[encoded.ids]
        usable &= sum_segments(nowhere, bounds) == 0
    heads, sizes = heads[usable], np.diff(bounds)[usable]
    row = encoded.row[heads]
    offsets = np.searchsorted(row, np.arange(rows + 1)).astype(np.int64)
    edges = offsets_of(sizes)
    piece, word = ranges(heads, sizes), rows_of(edges)
    hashes = word_hashes(states, offsets)
    budget = budgets(np.diff(offsets), options.ratio, options.rounding)
    turns = served.pairs.shape[1]
    known = np.zeros((rows, turns), dtype=np.int64)
    for turn in range(turns if turns > 1 else 0):
        _, _, found = _find(served.pairs[:, turn], encoded, piece, edges, table)
        known[:, turn] = sum_segments(found, offsets)
    drawn = served.pairs[np.arange(rows), choose_turn(known, budget)]
    pairs, have, replaceable = _find(drawn, encoded, piece, edges, table)
    chosen = choose_words(hashes, offsets, replaceable, budget, options.poisson)
    place = np.full(len(heads), -1, dtype=np.int64)
    place[chosen.index] = np.arange(len(chosen.index))
    taken = np.flatnonzero((place[word] >= 0) & have.any(axis=0))
    piece, word, have, pairs = piece[taken], word[taken], have[:, taken], pairs[:, taken]
    slot = choose_language(have, chosen.span[place[word]], states[row[word]])
    pair = pairs[slot, np.arange(len(slot))]
    ids = encoded.ids[piece]
    draw = mix(hashes[word] + (piece - heads[word]).astype(np.uint64)) >> np.uint64(48)
    count = np.minimum(table.counts[pair, ids], options.candidates).astype(np.uint64)
    entry = table.first[pair, ids] + ((draw * count) >> np.uint64(16)).astype(np.int64)
    made = _replacements(encoded, piece, entry, pair, points, table)
    return made, WordCounts(
        words=np.diff(offsets),
        known=sum_segments(replaceable, offsets),
        replaced=np.bincount(row[chosen.index], minlength=rows),
    )


def _find(
    drawn: np.ndarray, encoded: _Encoded, piece: np.ndarray, edges: np.ndarray, table: PieceTable
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The dictionaries of each piece (int64[slots, k]) and which have it (bool[slots, k]), and bool[words]: have one.

    drawn: int64[rows, slots], the dictionaries of each text; piece: int64[k]; edges: int64[words + 1], in `piece`.
    """
    pairs = drawn[encoded.row[piece]].T
    have = np.where(pairs >= 0, table.counts[pairs, encoded.ids[piece]], 0) > 0
    return pairs, have, sum_segments(np.asarray(have.any(axis=0)), edges) > 0


def _replacements(
    encoded: _Encoded, piece: np.ndarray, entry: np.ndarray, pair: np.ndarray, points: CodePoints, table: PieceTable
) -> Replacements:
    """The new pieces' text in the place of the old ones'; a space mark is the space that is there, or a new one."""
    chosen = table.index.targets.take(pa.array(entry))
    new_marked = pc.starts_with(chosen, WORD_START).to_numpy(zero_copy_only=False)
    tokens = pc.utf8_trim_whitespace(pc.replace_substring(chosen, WORD_START, " "))
    starts, ends, row = encoded.starts[piece].copy(), encoded.ends[piece], encoded.row[piece]
    blank = np.append(properties.whitespace()[points.codes], False)
    marked = table.marked[encoded.ids[piece]]
    while True:  # the white space that the mark stands for stays where the new piece has a mark too
        more = new_marked & (starts < ends) & blank[starts]
        if not more.any():
            break
        starts += more
    before = new_marked & ~marked & (starts > points.offsets[row])
    byte_at = BytePositions(points.codes)
    return Replacements(
        offsets=np.searchsorted(row, np.arange(len(points) + 1)).astype(np.int64),
        starts=byte_at(starts),
        ends=byte_at(ends),
        first=starts - points.offsets[row],
        lengths=ends - starts,
        tokens=tokens,
        sizes=pc.utf8_length(tokens).to_numpy(zero_copy_only=False).astype(np.int64),
        before=before,
        after=np.zeros(len(before), dtype=bool),
        langs=pa.DictionaryArray.from_arrays(
            pa.array(pair), pa.array([each.tgt for each in table.index.directions], pa.string())
        ),
    )
