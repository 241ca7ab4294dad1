"""Documents to token ids, and a decision for every document that is not packed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.decisions import decide
from xlcorpus.errors import UserError
from xlcorpus.pack.settings import PackSettings
from xlcorpus.pack.tokens import TokenDocuments, Tokenizer, frame, gather
from xlcorpus.text.ragged import offsets_of

STEP_NAME = "pack"
NO_TOKENS, TOO_FEW, TOO_LONG = "no_tokens", "fewer_than_min_tokens", "longer_than_pack"


@dataclass(frozen=True)
class Tokenized:
    """Documents of a batch with the special ids around them, decisions for the others; together as many as came in."""

    documents: TokenDocuments
    decisions: pa.RecordBatch


def tokenize_batch(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    settings: PackSettings,
    *,
    keep: np.ndarray | None = None,
    keep_text: bool = False,
) -> Tokenized:
    """Token ids of a batch of documents (doc_id, text, origin; lang, script and kind where it has them).

    keep: int64[rows], tokens of text to keep of each document (`byte_view.ByteBudget`), all without it. Decisions:
    no_tokens; fewer_than_min_tokens (score: tokens of text); longer_than_pack (score: tokens, special ids included;
    threshold: the length), where settings.long is refuse. Raises UserError where there is no text column or an id is
    not in the tokenizer's vocabulary.
    """
    ids, offsets = encode(text_column(batch, "text"), tokenizer)
    counts = np.diff(offsets)
    if keep is not None:
        counts = np.minimum(counts, keep)
        ids, offsets = gather(ids, offsets[:-1], counts), offsets_of(counts)
    framed, framed_offsets = frame(ids, offsets, *settings.specials(tokenizer))
    lengths = np.diff(framed_offsets)
    refused = (lengths > settings.length) & (settings.long == "refuse" and settings.strategy != "concatenate")
    reason = np.select([counts == 0, counts < settings.min_tokens, refused], [1, 2, 3], 0)
    columns = (column_or_null(batch, name, pa.string()).cast(pa.string()) for name in ("lang", "script", "kind"))
    documents = TokenDocuments(framed, framed_offsets, batch.column("doc_id"), *columns)
    gone = np.flatnonzero(reason)
    if len(gone):
        kept = np.flatnonzero(reason == 0)
        documents = documents.spans(kept, np.zeros(len(kept), dtype=np.int64), lengths[kept])
    why = reason[gone]
    decisions = decide(
        batch.take(pa.array(gone)),
        STEP_NAME,
        pa.array(["", NO_TOKENS, TOO_FEW, TOO_LONG]).take(pa.array(why)),
        score=np.where(why == 3, lengths[gone], counts[gone]).astype(np.float64),
        threshold=np.array([0, 1, settings.min_tokens, settings.length], dtype=np.float64)[why],
        keep_text=keep_text,
    )
    return Tokenized(documents, decisions)


def text_column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column of text; raises UserError where there is none of this name or it holds something else."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise UserError(
            f"there is no column {name!r} to tokenise (columns: {', '.join(batch.schema.names)})",
            remedy="give a dataset of the kind that this view is made of",
        )
    column = batch.column(index)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise UserError(f"the column {name!r} holds {column.type}, not text", remedy="give a column of strings")
    return column


def encode(texts: pa.Array, tokenizer: Tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Ids (int32) and offsets (int64) of texts; a null has no tokens.

    Raises UserError where the tokenizer gives an id outside its vocabulary, or not as many texts as it got.
    """
    ids, offsets = tokenizer.encode_batch(pc.fill_null(texts, "") if texts.null_count else texts)
    if len(offsets) != len(texts) + 1 or offsets[-1] != len(ids):
        raise UserError(
            f"the tokenizer gave {len(offsets) - 1} texts for {len(texts)}", remedy="this is a defect of the tokenizer"
        )
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < tokenizer.vocab_size:
        raise UserError(
            f"the tokenizer gave ids from {ids.min()} to {ids.max()}, its vocabulary has {tokenizer.vocab_size}",
            remedy="check that the tokenizer's files belong together",
        )
    return np.asarray(ids, dtype=np.int32), np.asarray(offsets, dtype=np.int64)
