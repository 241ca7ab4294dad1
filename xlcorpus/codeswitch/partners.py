"""Which languages the words of a text are switched into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import require_column, text_or_empty
from xlcorpus.lexicon.index import Pair, matches, pairs_of
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import hash_text, mix

PARTNER = "cs_partner"  # column with the label of the one partner language of each row, where a batch has it


def partner_pairs(batch: pa.RecordBatch, pairs: Sequence[Pair], max_langs: int, seed: int) -> np.ndarray:
    """int64[rows, max_langs]: numbers of the pairs that serve each row, -1 for none; drawn by hash of doc_id.

    Raises UserError where the batch has no column lang.
    """
    require_column(batch.schema, "lang")
    sides = text_or_empty(batch, "lang"), text_or_empty(batch, PARTNER)
    joined = pc.binary_join_element_wise(*sides, "\t").dictionary_encode()
    codes = joined.indices.to_numpy(zero_copy_only=False)
    states = row_states(batch.column("doc_id"), f"codeswitch/partners/{seed}")
    chosen = np.full((len(batch), max_langs), -1, dtype=np.int64)
    for number, label in enumerate(joined.dictionary.to_pylist()):
        source, target = label.split("\t")
        fit = [pair for pair in pairs_of(source, pairs) if not target or matches(target, pairs[pair].tgt)]
        if not fit:
            continue
        rows = np.flatnonzero(codes == number)
        salts = np.array([hash_text(f"codeswitch/partner/{pairs[pair].tgt}") for pair in fit])
        best = np.argsort(mix(states[rows][:, None] ^ salts), axis=1, kind="stable")[:, :max_langs]
        chosen[rows, : best.shape[1]] = np.array(fit)[best]
    return chosen


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
