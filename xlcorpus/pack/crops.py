"""The view crops: chunks of documents, and two crops of each, drawn by itself (Contriever).

Izacard et al. 2022 (arXiv:2112.09118, section 3.1; facebookresearch/contriever: src/data.py): a chunk is 256 tokens of
text, a crop a share of it, uniform from 5 to 50 % (10 to 50 % for the multilingual model), at a place uniform over all
that it fits in. A document's numbers are drawn from its id, its epoch in a mix, and which chunk it is.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, text_column
from xlcorpus.dataset.kept import ROW
from xlcorpus.dataset.result import Result
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.sides import rooms_of, rows_of_sides
from xlcorpus.pack.tokenize import STEP_NAME, encode, leave_out
from xlcorpus.text.draws import draw_crop, draw_keys, id_halves
from xlcorpus.text.ragged import offsets_of, ranges, sum_segments
from xlcorpus.tokenizer.tokenizer import Tokenizer

_CHUNKS = np.uint64(1 << 32)  # more than a document has, so that the chunks of another epoch have other numbers
SIDES = 2


def tokenize_crops(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    options: PackOptions,
    first: int,
    languages: LanguageIds | None = None,
    *,
    seed: int = 0,
    keep_text: bool = False,
) -> Result:
    """Rows of two crops of each chunk of a batch of documents (doc_id, text, origin; lang, mix_epoch if it has them).

    A chunk is options.chunk tokens of text, what is left of a document one more; those of fewer than
    options.min_tokens make no row. A crop longer than its side may be is cut. first: pack_id of the first row written.
    Decisions: no_tokens; fewer_than_min_tokens (score: tokens of text); longer_than_pack (score likewise, threshold:
    the chunk), where options.long is refuse. Bytes are counted as those of the crops' pieces; besides `no_side_counts`
    the chunks that make no row, and their tokens (rests, rest_tokens).
    """
    ids, offsets = encode(text_column(batch), tokenizer)
    counts, chunk = np.diff(offsets), options.chunk or options.length
    stays, decisions = leave_out(batch, counts, counts, chunk, options, keep_text=keep_text)
    whole = np.flatnonzero(stays)
    chunks = -(-counts[whole] // chunk)
    rows, number = np.repeat(whole, chunks), ranges(np.zeros_like(chunks), chunks)
    starts = number * chunk
    sizes = np.minimum(counts[rows] - starts, chunk)
    long_enough = sizes >= min(options.min_tokens, chunk)
    rests = {"rests": int((~long_enough).sum()), "rest_tokens": int(sizes[~long_enough].sum())}
    rows, number, starts, sizes = rows[long_enough], number[long_enough], starts[long_enough], sizes[long_enough]

    epochs = pc.fill_null(column_or_null(batch, "mix_epoch", pa.int32()), 0).to_numpy(zero_copy_only=False)
    turn = epochs[rows].astype(np.uint64) * _CHUNKS + number.astype(np.uint64)
    states = draw_keys(id_halves(batch.column("doc_id"))[rows], f"{STEP_NAME}/crops/{seed}", turn)
    room = rooms_of(options, tokenizer).sides
    sides, keep = [], np.zeros((len(rows), SIDES), dtype=np.int64)
    cut, text_bytes = keep.copy(), keep.copy()
    for place in range(SIDES):
        begins, lengths = draw_crop(states, place, sizes, options.least_ratio, options.most_ratio)
        keep[:, place] = np.minimum(lengths, room[place])
        cut[:, place] = lengths - keep[:, place]
        # Crops of a row overlap, and so may not be copied as spans.
        sides.append(ids[ranges(offsets[rows] + starts + begins, keep[:, place])])
        text_bytes[:, place] = sum_segments(tokenizer.piece_bytes[sides[-1]], offsets_of(keep[:, place]))
    # Not the text: a long one has thousands of chunks, and would be there once for each.
    names = [name for name in batch.schema.names if name in ("doc_id", "pair_id", "lang", ROW)]
    kept = batch.select(names).take(pa.array(rows))
    made = rows_of_sides(kept, sides, keep, cut, text_bytes, options, first, languages)
    made["counts"] |= rests
    return Result(**made, decisions=decisions, repeated=len(rows) - len(whole))
