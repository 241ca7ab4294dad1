"""dict-piece: replace the pieces of whole words by pieces of a dictionary, as CSR4mBART does (methods A2.2).

For the vocabulary of one SentencePiece model; `dict_word` has the operator on words, which every tokenizer can use.
Words are what the model begins with its space mark; protected stretches, words with a number, and words with a
character that the model takes apart are left out of the count.
Where this differs from the published operator: how words are chosen (`word_choice`), and the text. That is not decoded
from all pieces, but the new pieces' text is put in the place of the old ones': what is not switched keeps its bytes,
which the model's normalisation would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sentencepiece

from xlcorpus.codeswitch import protect
from xlcorpus.codeswitch.assemble import BytePositions, Replacements
from xlcorpus.codeswitch.characters import classify
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.partners import choose_language, partner_pairs
from xlcorpus.codeswitch.switched import NO_DICTIONARY, NO_SWITCH, NO_WORDS, WordCounts, switched_rows
from xlcorpus.codeswitch.word_choice import budgets, choose_words, word_hashes
from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import text_column
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.index import Pair
from xlcorpus.text import properties
from xlcorpus.text.characters import NUMBER, is_word
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of, sum_segments, sums_before
from xlcorpus.text.slices import pieces

DICT_PIECE = "dict_piece"
SPACE_MARK = "\u2581"


@dataclass(frozen=True)
class PieceTable:
    """A dictionary of pieces, by the model's ids.

    Not a `LexiconIndex`: that one holds words, whose case it folds, and finds them by hash; a piece may be part of a
    word or no word at all, stands for itself alone, and has a number already.

    pairs: sorted; first, counts: int32[pairs, vocabulary], the candidates of each piece; pieces: string[entries];
    marked, bare: bool[vocabulary], pieces that begin with the space mark, and that are nothing else; unused: entries
    left out, by reason.
    """

    pairs: tuple[Pair, ...]
    first: np.ndarray
    counts: np.ndarray
    pieces: pa.StringArray
    marked: np.ndarray
    bare: np.ndarray
    unused: dict[str, int]


def build_piece_table(
    model: sentencepiece.SentencePieceProcessor,
    src: Sequence[str],
    tgt: Sequence[str],
    src_lang: Sequence[str],
    tgt_lang: Sequence[str],
    *,
    candidates: int = 3,
) -> PieceTable:
    """Index pieces that the model knows; one translation a row, the best first among those of a piece.

    Raises UserError where no entry is of the model's vocabulary on both sides.
    """
    size = len(model)
    found: dict[tuple[Pair, int], list[str]] = {}
    unused = {"not_in_vocabulary": 0, "same_or_blank": 0, "beyond_candidates": 0, "repeated": 0}
    for piece, other, source, target in zip(src, tgt, src_lang, tgt_lang, strict=True):
        if model.id_to_piece(model.piece_to_id(piece)) != piece or model.id_to_piece(model.piece_to_id(other)) != other:
            unused["not_in_vocabulary"] += 1
        elif piece == other or not piece.strip(SPACE_MARK) or not other.strip(SPACE_MARK):
            unused["same_or_blank"] += 1
        else:
            kept = found.setdefault((Pair(source, target), model.piece_to_id(piece)), [])
            if other in kept or len(kept) == candidates:
                unused["repeated" if other in kept else "beyond_candidates"] += 1
            else:
                kept.append(other)
    if not found:
        raise UserError(
            "no entry of the dictionary is in the vocabulary of the SentencePiece model",
            remedy="give a dictionary of this model's pieces, such as `xlcorpus lexicon` induces, or use dict-word",
        )
    # Only pairs with an entry: another would be drawn as a text's partner, and the text be left without a switch.
    pairs = tuple(sorted({pair for pair, _ in found}, key=_labels))
    number = {pair: index for index, pair in enumerate(pairs)}
    first, counts = np.zeros((len(pairs), size), dtype=np.int32), np.zeros((len(pairs), size), dtype=np.int32)
    at = 0
    for (pair, identifier), kept in found.items():
        first[number[pair], identifier], counts[number[pair], identifier] = at, len(kept)
        at += len(kept)
    vocabulary = [model.id_to_piece(identifier) for identifier in range(size)]
    marked = np.array([piece.startswith(SPACE_MARK) for piece in vocabulary])
    bare = np.array([not piece.strip(SPACE_MARK) for piece in vocabulary])
    pieces = pa.array([piece for kept in found.values() for piece in kept], pa.string())
    return PieceTable(pairs, first, counts, pieces, marked, bare, unused)


def load_model(path: Location) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece model file; raises UserError where there is none, or it is something else."""
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=storage.read_bytes(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", remedy="check the path") from error
    except RuntimeError as error:
        raise UserError(f"{path} is no SentencePiece model", remedy="give the file that ends in .model") from error


def open_pieces(
    path: str | None, entries: pa.Table, candidates: int
) -> tuple[sentencepiece.SentencePieceProcessor, PieceTable]:
    """A SentencePiece model file and the index of a dictionary (lexicon-1) for its pieces.

    An entry that has the space mark is of pieces; words become the pieces that begin with it, where the model has
    these. Raises UserError where there is no such file, it is no model, or no entry is in its vocabulary.
    """
    if path is None:
        raise UserError(
            "dict-piece needs the model whose pieces it switches",
            remedy="give --tokenizer FILE, or use dict-word",
        )
    model = load_model(locate(path))
    sides = []
    for name in ("src", "tgt"):
        texts = entries[name].combine_chunks()
        marked = pc.match_substring(texts, SPACE_MARK)
        sides.append(pc.if_else(marked, texts, pc.binary_join_element_wise(SPACE_MARK, texts, "")).to_pylist())
    languages = (entries[name].to_pylist() for name in ("src_lang", "tgt_lang"))
    return model, build_piece_table(model, *sides, *languages, candidates=candidates)


def _labels(pair: Pair) -> tuple[str, str]:
    return pair.src, pair.tgt


@dataclass(frozen=True)
class _Encoded:
    """Pieces of some texts: ids int32[p], starts and ends int64[p] in `points.codes`, row int64[p]."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    row: np.ndarray


def _encode(model: sentencepiece.SentencePieceProcessor, texts: pa.Array, points: CodePoints) -> _Encoded:
    try:
        answers = model.encode(texts.to_pylist(), out_type="offset_mapping")
    except ValueError as error:
        raise UserError(
            f"this version of sentencepiece gives no positions ({error})",
            remedy="pip install -U 'sentencepiece>=0.2.3'",
        ) from error
    row = rows_of(offsets_of(np.array([len(answer["ids"]) for answer in answers], dtype=np.int64)))
    total = len(row)
    ids = np.fromiter(chain.from_iterable(answer["ids"] for answer in answers), np.int32, total)
    edges = chain.from_iterable(chain.from_iterable(answer["offsets"] for answer in answers))
    positions = np.fromiter(edges, np.int64, 2 * total).reshape(-1, 2) + points.offsets[row][:, None]
    return _Encoded(ids, positions[:, 0], positions[:, 1], row)


def switch_pieces(
    batch: pa.RecordBatch,
    model: sentencepiece.SentencePieceProcessor,
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
    model: sentencepiece.SentencePieceProcessor,
    table: PieceTable,
    options: CodeswitchOptions,
    seed: int,
    keep_text: bool,
) -> Result:
    row_pairs = partner_pairs(batch, table.pairs, options.max_langs, seed)
    served = np.flatnonzero(row_pairs[:, 0] >= 0)
    rows = batch.take(pa.array(served))
    texts = pc.fill_null(text_column(rows).cast(pa.string()), "")
    states = row_states(rows.column("doc_id"), f"codeswitch/words/{seed}")
    named = rows.column(options.named_spans) if options.named_spans in rows.schema.names else None
    made, counts = _switch(texts, states, row_pairs[served], named, model, table, options)
    reasons = np.full(len(batch), NO_DICTIONARY)
    reasons[served] = np.where(counts.words == 0, NO_WORDS, NO_SWITCH)
    return switched_rows(
        batch, served, texts, made, counts, reasons, operator=DICT_PIECE, seed=seed, keep_text=keep_text
    )


def _switch(
    texts: pa.Array,
    states: np.ndarray,
    row_pairs: np.ndarray,
    named: pa.Array | None,
    model: sentencepiece.SentencePieceProcessor,
    table: PieceTable,
    options: CodeswitchOptions,
) -> tuple[Replacements, WordCounts]:
    points = code_points(texts)
    encoded = _encode(model, texts, points)
    classes = classify(points.codes)
    covered = protect.protected(points, classes, protect.named_spans(named, points))
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
        usable = (_within(wordy, edges[:-1], ends) > 0) & (_within(barred, edges[:-1], ends) == 0)
        # The model takes some characters apart (Ǆ, ﬁ): a piece that is a part of one has no place in the text.
        printed = ~properties.whitespace()[points.codes]
        nowhere = (_within(printed, encoded.starts, encoded.ends) == 0) & ~table.bare[encoded.ids]
        usable &= sum_segments(nowhere, bounds) == 0
    heads, sizes = heads[usable], np.diff(bounds)[usable]
    row = encoded.row[heads]
    offsets = np.searchsorted(row, np.arange(len(texts) + 1)).astype(np.int64)
    edges = offsets_of(sizes)
    piece, word = ranges(heads, sizes), rows_of(edges)
    pairs = row_pairs[encoded.row[piece]].T
    have = np.where(pairs >= 0, table.counts[pairs, encoded.ids[piece]], 0) > 0  # [slots, pieces]
    replaceable: np.ndarray = sum_segments(np.asarray(have.any(axis=0)), edges) > 0
    hashes = word_hashes(states, offsets)
    budget = budgets(np.diff(offsets), options.ratio, options.rounding)
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
        replaced=np.bincount(row[chosen.index], minlength=len(texts)),
    )


def _within(marks: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[n]: how many marks lie in each span."""
    before = sums_before(marks)
    counted: np.ndarray = before[ends] - before[starts]
    return counted


def _replacements(
    encoded: _Encoded, piece: np.ndarray, entry: np.ndarray, pair: np.ndarray, points: CodePoints, table: PieceTable
) -> Replacements:
    """The new pieces' text in the place of the old ones'; a space mark is the space that is there, or a new one."""
    chosen = table.pieces.take(pa.array(entry))
    new_marked = pc.starts_with(chosen, SPACE_MARK).to_numpy(zero_copy_only=False)
    tokens = pc.utf8_trim_whitespace(pc.replace_substring(chosen, SPACE_MARK, " "))
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
        langs=pa.DictionaryArray.from_arrays(pa.array(pair), pa.array([each.tgt for each in table.pairs], pa.string())),
    )
