"""Bits per byte of held-out text by language: what a model pays for a byte, whatever the tokenizer cuts it into.

Tokens of text count, special ids do not: neither the end of a document, which stands for no byte of the text and which
some tokenizers' packs lack, nor what is put before it. A text token that nothing stands before (the first of a part,
where the shards were packed without a bos or the part goes on with a document) has no label; it is left out with its
bytes, so cost and bytes are of the same text. That favours such shards a little, as first words are dear: 0.01 bits for
documents of 1,000 bytes. A token that stands for an unknown character costs little and says nothing of it, yet its
bytes count: how many there are is told, and a text of many has a figure that is too good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import batches
from xlcorpus.evaluate.measures.bits.costs import Bits
from xlcorpus.evaluate.models import evaluating
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.objective import NO_LABEL, Batch, Objective
from xlcorpus.objectives.packed import PackObjective
from xlcorpus.pack.segments import Parts, fill_up
from xlcorpus.text.draws import id_halves
from xlcorpus.text.labels import UNKNOWN_LANGUAGE

COLUMNS = ("input_ids", "doc_starts", "doc_ids", "langs", "part_bytes")


def bits_per_byte(
    model: Any,
    objective: Objective,
    rows: TokenRows,
    *,
    batch: int = 8,
    piece_bytes: np.ndarray | None = None,
    limit: int | None = None,
) -> dict[str, Bits]:
    """By language, of those with a label and a byte of text.

    objective: over packs, with `label_losses`; what it masks follows from the number of the row alone. batch: rows at
    once; piece_bytes: int32[vocabulary], of the tokenizer (`Tokenizer.piece_bytes`):
    bytes of first tokens that have no label; without it, their share of their part's bytes. limit: at most so many
    rows, evenly from all. The model is left in the mode that it was in. Raises UserError where rows lack bytes.
    """
    name = type(objective).__name__
    if rows.view is not None or not isinstance(objective, PackObjective):
        raise UserError(
            f"bits per byte are of packs: {rows.folder} is of the view {rows.view}, the objective is {name}",
            remedy="name a dataset that `xlcorpus pack` made without --view, with clm or mlm",
        )
    own = [name for name in objective.columns if name not in (*COLUMNS, *objective.optional)]
    rows.require((*COLUMNS, *own), "bits per byte")
    with evaluating(model) as device:
        parts = [
            _costs_of_parts(model, objective, rows, objective.collate(packs, keys), packs, device, piece_bytes)
            for packs, keys in batches(rows, (*COLUMNS, *own), batch, limit)
        ]
    langs = pa.concat_arrays([part.langs for part in parts]).dictionary_encode()
    codes = langs.indices.to_numpy(zero_copy_only=False)
    documents, values = (np.concatenate([getattr(part, name) for part in parts]) for name in ("documents", "values"))
    found = {
        lang: Bits.of(documents[codes == code], values[codes == code], pseudo=not objective.causal)
        for code, lang in enumerate(langs.dictionary.to_pylist())
    }
    return {lang: bits for lang, bits in sorted(found.items()) if bits.total["labels"] and bits.total["bytes"]}


def summary(found: Mapping[str, Bits]) -> dict[str, Any]:
    """As JSON has it: each language's facts, and of all text together."""
    return {
        "languages": {lang: bits.facts for lang, bits in found.items()},
        "all": Bits.together([*found.values()]).facts,
    }


@dataclass(frozen=True)
class _PartCosts:
    """Of each part: its language, its document (uint64[n, 2]), and float64[n, 5], as of `Bits.sums`."""

    langs: pa.Array
    documents: np.ndarray
    values: np.ndarray


def _costs_of_parts(
    model: Any,
    objective: PackObjective,
    rows: TokenRows,
    made: Batch,
    packs: pa.RecordBatch,
    device: Any,
    piece_bytes: np.ndarray | None,
) -> _PartCosts:
    labelled = made["labels"].numpy() != NO_LABEL
    given = {name: value.to(device) for name, value in made.items()}
    costs = objective.label_losses(model, given).float().cpu().numpy()

    parts, ids = Parts.of(packs, rows.length), fill_up(packs.column("input_ids"), rows.length, 0)
    special = np.zeros(rows.vocabulary.size, dtype=bool)
    special[[number for number in rows.vocabulary.special if number < len(special)]] = True
    text = ~special[ids]  # the padding too, which no part holds
    counted = labelled & text
    nats, labels = parts.sums(np.where(counted, costs, 0)), parts.sums(counted)
    part_bytes = pc.list_flatten(packs.column("part_bytes")).to_numpy(zero_copy_only=False).astype(np.float64)
    stand_for = counted if objective.causal else text
    tokens, unknown = parts.sums(stand_for), parts.sums(stand_for & (ids == rows.vocabulary.ids.get("unk", -1)))
    if objective.causal:
        part_bytes -= _bytes_without_label(parts, ids, text, counted, part_bytes, piece_bytes)
    return _PartCosts(
        pc.fill_null(pc.list_flatten(packs.column("langs")), UNKNOWN_LANGUAGE),
        id_halves(pc.list_flatten(packs.column("doc_ids")).cast(pa.binary(16))),
        np.stack([nats, labels, tokens, part_bytes, unknown], axis=1),
    )


def _bytes_without_label(
    parts: Parts,
    ids: np.ndarray,
    text: np.ndarray,
    counted: np.ndarray,
    part_bytes: np.ndarray,
    piece_bytes: np.ndarray | None,
) -> np.ndarray:
    """float64[parts]: bytes of the tokens of text that have no label, the first of their parts.

    A piece may begin with a space that its text does not begin with; where the tokenizer alters texts, so that pieces
    have other bytes in all, in proportion to them.
    """
    sizes = text * (1 if piece_bytes is None else piece_bytes[ids])
    pieces, without = parts.sums(sizes), parts.sums(sizes * ~counted)
    shared = part_bytes * without / np.maximum(pieces, 1)
    more = pieces - part_bytes
    if piece_bytes is None:
        return shared
    return np.where((more == 0) | (more == 1), np.maximum(without - more, 0), shared)
