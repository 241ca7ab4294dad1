"""Which texts have a dictionary, and which languages their words are switched into.

Each text has its own order of the languages that there are dictionaries for, by hash of doc_id. Its turns are the first
`max_langs` of them, the next ones, and so on; it gets the first turn whose dictionaries have enough of its words: half
as many as the ratio asks for, or, where no turn has so many, half as many as the best has. So one more dictionary never
takes a text's switch away, and one with few entries is drawn for the texts that it is good for; where all
dictionaries are good, each is drawn as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.dataset.columns import require_column, text_column, text_or_empty
from xlcorpus.lexicon.index import Direction, directions_of
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.labels import encode_pairs, stands_for

PARTNER = "cs_partner"  # column with the label of the one partner language of each row, where a batch has it


@dataclass(frozen=True)
class Served:
    """The rows of a batch that have a dictionary.

    numbers: int64[served], where they are in the batch; texts: string[served], without nulls; states: uint64[served],
    the state of each row's random numbers; pairs: int64[served, turns, max_langs], the dictionaries of each turn, as
    they are drawn, -1 for none; named: their spans that are left alone, if there is such a column.
    """

    numbers: np.ndarray
    texts: pa.Array
    states: np.ndarray
    pairs: np.ndarray
    named: pa.Array | None


def serve(batch: pa.RecordBatch, directions: Sequence[Direction], options: CodeswitchOptions, seed: int) -> Served:
    """The rows that a dictionary of these directions is for; raises UserError where doc_id, lang or text is missing."""
    chosen = _partner_directions(batch, directions, options.max_langs, seed)
    numbers = np.flatnonzero(chosen[:, 0, 0] >= 0)
    rows = batch if len(numbers) == len(batch) else batch.take(pa.array(numbers))
    return Served(
        numbers,
        pc.fill_null(text_column(rows).cast(pa.string()), ""),
        row_states(rows.column("doc_id"), f"codeswitch/words/{seed}"),
        chosen[numbers],
        rows.column(options.named_spans) if options.named_spans in rows.schema.names else None,
    )


def _partner_directions(
    batch: pa.RecordBatch, directions: Sequence[Direction], max_langs: int, seed: int
) -> np.ndarray:
    """int64[rows, turns, max_langs]: numbers of the directions that serve each row in the order in which they are
    drawn, by hash of doc_id; -1 for none."""
    require_column(batch.schema, "lang")
    pairs, codes = encode_pairs(text_or_empty(batch, "lang"), text_or_empty(batch, PARTNER))
    states = row_states(batch.column("doc_id"), f"codeswitch/partners/{seed}")
    fits = []
    for source, target in pairs:
        fit = directions_of(source, directions)
        fits.append([one for one in fit if not target or stands_for(directions[one].tgt, target)])
    turns = max([1, *(-(-len(fit) // max_langs) for fit in fits)])
    drawn = np.full((len(batch), turns * max_langs), -1, dtype=np.int64)
    for number, fit in enumerate(fits):
        rows = np.flatnonzero(codes == number)
        salts = np.array([hash_text(f"codeswitch/partner/{directions[one].tgt}") for one in fit], dtype=np.uint64)
        order = np.argsort(mix(states[rows][:, None] ^ salts), axis=1, kind="stable")
        drawn[rows, : len(fit)] = np.array(fit, dtype=np.int64)[order]
    return drawn.reshape(len(batch), turns, max_langs)


def has_enough(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """bool: whether dictionaries that have `known` of a text's words are good for it, where `wanted` are asked for."""
    enough: np.ndarray = 2 * known >= wanted
    return enough


def choose_turn(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int64[rows]: the turn of each text. known: int64[rows, turns], its words with an entry; wanted: int64[rows]."""
    least = np.minimum(wanted, known.max(axis=1))
    return np.argmax(has_enough(known, least[:, None]), axis=1)


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
