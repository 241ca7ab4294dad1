"""Documents whose text a template makes of their columns: its tokens, with the special ids that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import column_or_null, put_columns
from xlcorpus.dataset.decisions import DECISION, decide, reject
from xlcorpus.pack.decision_rows import document_ids, for_decisions
from xlcorpus.pack.holdout import labels_of
from xlcorpus.pack.options import PackOptions
from xlcorpus.templates.chat import CHAT, ChatTemplate, open_template
from xlcorpus.templates.specials import special_ids_of
from xlcorpus.templates.template import Template
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.tokenizer.objectives import special_ids_around
from xlcorpus.tokenizer.pieces import rows_of_pieces, with_around
from xlcorpus.tokenizer.template import Ids
from xlcorpus.tokenizer.tokenizer import Tokenizer

OTHER_KIND = "other_kind"
# doc_id to origin for decisions, the texts, and what labels a row.
_DOCUMENT = ("doc_id", "text", "origin", "lang", "script", "kind", "source", "mix_epoch")
_TEMPLATED = ("pair_id", "src_lang", "tgt_lang", *_DOCUMENT)


def template_of(options: PackOptions) -> Template | ChatTemplate | None:
    """The template of the options."""
    return None if options.template is None else open_template(options.template, options.tokenizer)


def columns_read(names: Sequence[str], template: Template | ChatTemplate | None) -> list[str]:
    """The columns of a dataset that packs are made of."""
    if template is None:
        return [name for name in _DOCUMENT if name in names]
    wanted = {*_TEMPLATED, *template.wanted(names)}
    return [name for name in names if name in wanted]


@dataclass(frozen=True)
class Templated:
    """Rows as tokens, special ids included.

    batch: the rows, with the text that the template made and a language; ids: int32[n]; offsets: int64[rows + 1];
    text_tokens: int64[rows], without special ids; text_bytes: int64[rows]; trained: bool[n] or None; decisions and
    rejects: of the other rows.
    """

    batch: pa.RecordBatch
    ids: np.ndarray
    offsets: np.ndarray
    text_tokens: np.ndarray
    text_bytes: np.ndarray
    trained: np.ndarray | None
    decisions: pa.RecordBatch
    rejects: pa.RecordBatch | None


def fill(
    batch: pa.RecordBatch, tokenizer: Tokenizer, options: PackOptions, *, step: str, keep_text: bool = False
) -> Templated:
    """Fill the template of the options with a batch that has its columns.

    Decisions: other_kind, where all columns that the template writes are null. Rejects: template_failed (the message
    says why), no_language_token.
    """
    template = template_of(options)
    assert template is not None
    named = {"doc_id": document_ids(batch), "origin": column_or_null(batch, "origin", DECISION.field("origin").type)}
    batch = put_columns(batch, named if "lang" in batch.schema.names else {**named, "lang": labels_of(batch)})
    fits = template.fits(batch)
    others = for_decisions(batch.filter(pa.array(~fits)))
    batch = batch.filter(pa.array(fits))
    ids = special_ids_of(options.tokenizer)
    rendered = template.render(batch).with_ids(ids)
    rejects = None
    pieces = rendered.pieces
    if rendered.failed:
        failed = [one.row for one in rendered.failed]
        rejects = reject(
            for_decisions(batch.take(pa.array(failed))),
            step,
            [one.reason for one in rendered.failed],
            [one.message for one in rendered.failed],
        )
        kept = np.setdiff1d(np.arange(batch.num_rows), failed)
        batch, pieces = batch.take(pa.array(kept)), rows_of_pieces(pieces, kept)
    texts = pieces.row_texts()
    pieces = with_around(pieces, *_ids_around(tokenizer, options))
    encoded = ids.encoder(template).encode_pieces(pieces, as_row=options.template == CHAT)
    return Templated(
        put_columns(batch, {"text": texts}),
        encoded.ids,
        encoded.offsets,
        np.diff(encoded.offsets) - pieces.special_counts,
        byte_lengths(texts),
        encoded.trained,
        decide(others, step, OTHER_KIND, keep_text=keep_text),
        rejects,
    )


def _ids_around(tokenizer: Tokenizer, options: PackOptions) -> tuple[Ids, Ids]:
    """What the objective puts around a row; nothing around a chat, which has its own, unless it is asked for."""
    bos, eos = options.bos, options.eos
    if options.template == CHAT:
        bos, eos = bool(bos), bool(eos)
    return special_ids_around(tokenizer, options.objective, bos, eos)
