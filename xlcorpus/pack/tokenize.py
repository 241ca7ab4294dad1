"""Documents to token ids, and a decision for every document that is not packed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, text_column
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.kept import ROW
from xlcorpus.errors import UserError
from xlcorpus.pack.decision_rows import for_decisions
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.templated import fill
from xlcorpus.pack.token_documents import TokenDocuments, frame
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.text.ragged import copy_spans, offsets_of
from xlcorpus.tokenizer.objectives import special_ids_around
from xlcorpus.tokenizer.tokenizer import Tokenizer

STEP_NAME = "pack"
NO_TOKENS, TOO_FEW, TOO_LONG = "no_tokens", "fewer_than_min_tokens", "longer_than_pack"


@dataclass(frozen=True)
class Tokenized:
    """Documents of a batch with the special ids around them, decisions or rejects for the others; together as many as
    came in."""

    documents: TokenDocuments
    decisions: pa.RecordBatch
    rejects: pa.RecordBatch | None = None


def tokenize_batch(
    batch: pa.RecordBatch,
    tokenizer: Tokenizer,
    options: PackOptions,
    *,
    keep: np.ndarray | None = None,
    keep_text: bool = False,
) -> Tokenized:
    """Token ids of a batch of documents (doc_id, text, origin; lang, script, kind, source, mix_epoch if it has them).

    keep: int64[rows], tokens of text to keep of each document (`byte_budgets.ByteBudget`), all without it. Decisions:
    no_tokens; fewer_than_min_tokens (score: tokens of text); longer_than_pack (score: tokens, special ids included;
    threshold: the length), where options.long is refuse. Raises UserError where there is no text column, or where the
    tokenizer lacks a special id that the objective needs or gives an id outside its vocabulary.
    """
    rejects = trained = others = None
    if options.template is None:
        texts = text_column(batch)
        ids, offsets = encode(texts, tokenizer)
        counts, text_bytes = np.diff(offsets), byte_lengths(texts)
        if keep is not None:
            text_bytes = np.minimum(text_bytes, keep)  # a token is a byte there
            counts = np.minimum(counts, keep)
            ids, offsets = copy_spans(ids, offsets[:-1], counts), offsets_of(counts)
        before, after = special_ids_around(tokenizer, options.objective, options.bos, options.eos)
        most = options.length if options.long == "truncate" else None
        framed, framed_offsets = frame(ids, offsets, before, after, most=most)
    else:
        found = fill(batch, tokenizer, options, step=STEP_NAME, keep_text=keep_text)
        batch, framed, framed_offsets, trained = found.batch, found.ids, found.offsets, found.trained
        counts, text_bytes, others, rejects = found.text_tokens, found.text_bytes, found.decisions, found.rejects
    lengths = np.diff(framed_offsets)
    stays, decisions = leave_out(batch, counts, lengths, options.length, options, keep_text=keep_text)
    labels = ("lang", "script", "kind", "source")
    columns = [column_or_null(batch, name, pa.string()).cast(pa.string()) for name in labels]
    epochs = pc.fill_null(column_or_null(batch, "mix_epoch", pa.int32()), 0)
    facts = [batch.column("doc_id"), *columns, epochs, pa.array(text_bytes, pa.int64())]
    facts += [batch.column(ROW)] if ROW in batch.schema.names else []
    documents = replace(TokenDocuments(framed, framed_offsets, *facts), trained=trained)
    if not stays.all():
        kept = np.flatnonzero(stays)
        documents = documents.spans(kept, np.zeros(len(kept), dtype=np.int64), lengths[kept])
    if others is not None and others.num_rows:
        decisions = pa.concat_batches([decisions, others])
    return Tokenized(documents, decisions, rejects)


def leave_out(
    batch: pa.RecordBatch, counts: np.ndarray, lengths: np.ndarray, most: int, options: PackOptions, *, keep_text: bool
) -> tuple[np.ndarray, pa.RecordBatch]:
    """bool[rows]: the documents that stay; and decisions for the others.

    counts: int64[rows], tokens of text; lengths: int64[rows], at most `most`, where options.long is refuse.
    """
    refused = (lengths > most) & (options.long == "refuse")
    reason = np.select([counts == 0, counts < options.min_tokens, refused], [1, 2, 3], 0)
    gone = np.flatnonzero(reason)
    why = reason[gone]
    decisions = decide(
        for_decisions(batch.take(pa.array(gone))),
        STEP_NAME,
        pa.array(["", NO_TOKENS, TOO_FEW, TOO_LONG]).take(pa.array(why)),
        score=np.where(why == 3, lengths[gone], counts[gone]).astype(np.float64),
        threshold=np.array([0, 1, options.min_tokens, most], dtype=np.float64)[why],
        keep_text=keep_text,
    )
    return reason == 0, decisions


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
