"""Span corruption (T5, Raffel et al. 2020, 3.1.4; on bytes ByT5, MonoByte): what was cut out of a row is written.

Defaults are MonoByte's (methods B12): a mean span of 20 bytes, 15 % of them; T5's are 3 pieces. How many tokens and
spans a row loses is a matter of its length alone, where the spans lie is drawn, as in T5's code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import most_tokens
from xlcorpus.objectives.joined import column_of, join
from xlcorpus.objectives.objective import Batch, ObjectiveKind, Vocabulary
from xlcorpus.objectives.seq2seq import ARCHITECTURE, Seq2Seq, Seq2SeqOptions, sentinels_of
from xlcorpus.options import option
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.text.draws import stream
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.ragged import offsets_of


class SpanOptions(Seq2SeqOptions):
    """What is cut out."""

    share: float = option(0.15, gt=0, lt=1, description="share of a row's tokens that is cut out")
    mean_span: float = option(20.0, ge=1, description="mean length of what is cut out at once, in tokens")
    first_sentinel: int | None = option(
        None,
        ge=0,
        description="id of the first sentinel, the next ones count down (ByT5's checkpoints: 258); default: the "
        "special ids without a role from the highest down (T5's <extra_id_0>)",
    )


class Spans(Seq2Seq):
    """Rows of packs with spans out; documents of a row see one another, as published.

    Read: text, a sentinel in the place of each span, eos; written: each sentinel and its span, eos.
    """

    view, sides, name = "", ("input_ids", "input_ids"), "spans"

    def __init__(self, options: SpanOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where the tokenizer has too few sentinels for a row of this length."""
        super().__init__(options, vocabulary, length)
        self.columns, self._share, self._mean = ("input_ids",), options.share, options.mean_span
        most = int(spans_of(np.array([length]), options.share, options.mean_span)[1][0])
        first = options.first_sentinel
        there = sentinels_of(vocabulary) if first is None else range(first, max(first - most, -1), -1)
        if len(there) < most:
            raise UserError(
                f"a row of {length:,} tokens loses {most} spans, and the tokenizer has {len(there)} sentinels",
                remedy="give a longer mean_span, shorter rows, first_sentinel, or a tokenizer with more special tokens",
            )
        self._sentinels = np.array(there[:most], dtype=np.int64)
        sizes = np.arange(1, length + 1)
        gone, spans = spans_of(sizes, options.share, options.mean_span)
        self.longest = int((np.maximum(sizes - gone, gone) + spans).max()) + 1  # each sentinel, and eos

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Where spans lie follows from a row's key."""
        lists = column_of(rows, "input_ids", "packs")
        values, sizes = values_of(lists)[0], sizes_of(lists)
        out = cut_out(sizes, keys, self._share, self._mean)  # bool[rows, width]
        place = np.arange(out.shape[1])
        there = place < sizes[:, None]
        ids = np.zeros(out.shape, dtype=np.int64)
        ids[there] = values
        begins = out & ~np.pad(out, ((0, 0), (1, 0)))[:, :-1]
        number = np.cumsum(begins, axis=1) - 1
        sentinels = self._sentinels[np.clip(number, 0, None)] if len(self._sentinels) else number
        read = _lists(np.where(begins, sentinels, ids), there & (~out | begins))
        # A sentinel goes before its span: two places for the first token of each.
        doubled = np.stack([sentinels, ids], axis=2).reshape(len(ids), -1)
        written = _lists(doubled, np.stack([begins, out], axis=2).reshape(len(ids), -1))
        # eos also behind a special id of the text's own
        return self.tensors(*(join([lists, (self._eos,)])[0] for lists in (read, written)))

    def tokens(self, batch: Batch) -> int:
        """All positions of the packs, as of every objective over packs."""
        return len(batch["input_ids"]) * self.length

    def prepare(self, model: Any) -> None:
        """As of all; raises UserError too where sentinels and eos make more of a row than the model reads."""
        super().prepare(model)
        usable = most_tokens(model)
        if usable is not None and self.longest > usable:
            raise UserError(
                f"rows of {self.length:,} tokens have up to {self.longest:,} with sentinels and eos, and "
                f"{type(model).__name__} reads {usable:,}",
                remedy=f"give a longer mean_span, pack shorter rows, or start with positions: {self.longest}",
            )


def spans_of(sizes: np.ndarray, share: float, mean_span: float) -> tuple[np.ndarray, np.ndarray]:
    """int64[rows] each: tokens that are cut out of rows of these sizes, and in how many spans.

    Of a row of two tokens or more at least one is cut out, and one stays; of one of one, none.
    """
    noise = np.clip(np.round(sizes * share), 1, np.maximum(sizes - 1, 0)).astype(np.int64)
    spans = np.clip(np.round(noise / mean_span), 1, np.maximum(np.minimum(noise, sizes - noise), 0)).astype(np.int64)
    return noise, spans


def cut_out(sizes: np.ndarray, keys: np.ndarray, share: float, mean_span: float) -> np.ndarray:
    """bool[rows, longest]: the tokens in spans. Each row begins with a token that stays, and ends with a span.

    sizes: int64[rows]; keys: uint64[rows], all that the choice follows from. What stays and what goes are each cut to
    as many segments at places that are uniform over all choices of places.
    """
    noise, spans = spans_of(sizes, share, mean_span)
    width = int(sizes.max(initial=1))
    turns = np.zeros((len(sizes), width + 1), dtype=np.int64)
    kept, gone = (
        _segments(total, spans, mix(keys ^ hash_text(f"spans {what}")), width)
        for total, what in ((sizes - noise, "kept"), (noise, "gone"))
    )
    # Ends of the segments in turns: kept 0, gone 0, kept 1, ...; whoever is in an odd one is cut out.
    ends = np.cumsum(np.stack([kept, gone], axis=2).reshape(len(sizes), -1), axis=1)
    row = np.broadcast_to(np.arange(len(sizes))[:, None], ends.shape)
    real = np.arange(ends.shape[1]) < 2 * spans[:, None]
    np.add.at(turns, (row[real], ends[real]), 1)
    out: np.ndarray = (np.cumsum(turns, axis=1)[:, :width] % 2 == 1) & (np.arange(width) < sizes[:, None])
    return out


def _segments(total: np.ndarray, count: np.ndarray, keys: np.ndarray, width: int) -> np.ndarray:
    """int64[rows, most]: sizes, all above 0, of `count` segments that `total` tokens are cut to."""
    inner = np.arange(1, width)
    draws = stream(keys, width - 1) if width > 1 else np.zeros((len(keys), 0), dtype=np.uint64)
    draws = np.where(inner < total[:, None], draws >> np.uint64(1), np.uint64(2**64 - 1))
    order = np.argsort(draws, axis=1, kind="stable")
    most = int(count.max(initial=1))
    cuts = np.where(np.arange(most - 1) < count[:, None] - 1, inner[order[:, : most - 1]], total[:, None])
    cuts = np.sort(cuts, axis=1)
    edges = np.concatenate([np.zeros((len(total), 1), np.int64), cuts, total[:, None]], axis=1)
    return np.diff(edges, axis=1)


def _lists(ids: np.ndarray, chosen: np.ndarray) -> pa.Array:
    """list<int32>: the chosen ids of each row. ids: int64[rows, L]; chosen: bool[rows, L]."""
    offsets = offsets_of(chosen.sum(axis=1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids[chosen].astype(np.int32)))


OBJECTIVE = ObjectiveKind("spans", None, ARCHITECTURE, SpanOptions, ("pad", "eos"), Spans)
