"""Contriever (Izacard et al. 2022, section 3; code facebookresearch/contriever): a crop finds another of its chunk.

Defaults are those of mContriever; the English model has queue 131072, momentum 0.9995, delete 0.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.contrast import pool
from xlcorpus.objectives.joined import around_text, column_of, join, width_of
from xlcorpus.objectives.momentum import Momentum, MomentumObjective, MomentumOptions
from xlcorpus.objectives.objective import Batch, ObjectiveKind, Vocabulary
from xlcorpus.options import option
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.text.draws import stream
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.ragged import offsets_of, sum_segments


class ContrieverOptions(MomentumOptions):
    """Options of contrast with a queue, as published."""

    queue: int = option(32768, ge=1, description="keys of earlier texts that a query must not find")
    momentum: float = option(0.999, ge=0, lt=1, description="share of the key encoder that stays in a step")
    temperature: float = option(0.05, gt=0, description="what similarities are divided by")
    delete: float = option(0.0, ge=0, lt=1, description="share of a crop's tokens that is left out, drawn each epoch")


class Contriever(MomentumObjective):
    """Contrast of two crops of a chunk by the means of their last states, special ids too, as published.

    A batch has 2 rows an example, the query and the positive: input_ids, attention_mask, int64[2 * rows, L].
    """

    columns = ("query_ids", "positive_ids")
    name = "contriever"

    def __init__(self, options: ContrieverOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary, self._delete = options, vocabulary, options.delete
        self._length, self._pad, self._around = length, vocabulary.id_of("pad"), around_text(vocabulary)
        self.added = 2 * sum(map(len, self._around))

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """What is left out of a crop follows from its row's key."""
        before, after = self._around
        crops = [_left(column_of(rows, name, "crops"), keys, self._delete, name) for name in self.columns]
        sides = [join([before, crop, after]) for crop in crops]
        width = width_of([ids for ids, _ in sides], self._length)
        batch = {
            "input_ids": [fill_up(ids, width, self._pad) for ids, _ in sides],
            "attention_mask": [np.arange(width) < starts[:, -1:] for _, starts in sides],
        }
        stacked = {name: np.stack(values, axis=1).astype(np.int64) for name, values in batch.items()}
        return {name: torch.from_numpy(values.reshape(-1, width)) for name, values in stacked.items()}

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids or positions."""
        check_model(model, self.vocabulary, self._length)

    def own_weights(self, model: Any) -> Momentum:
        """The encoder that follows, and its queue."""
        return Momentum(model, self.options.queue, model.config.hidden_size)

    def vectors(self, encoder: Any, batch: Batch, rest: list[torch.Tensor] | None = None) -> torch.Tensor:
        """The means of the last states."""
        output = encoder(**batch)
        if rest is not None and getattr(output, "pooler_output", None) is not None:
            rest.append(0 * output.pooler_output.sum())
        return pool(output.last_hidden_state, batch["attention_mask"].bool(), "mean")


def _left(crops: pa.Array, keys: np.ndarray, share: float, name: str) -> pa.Array:
    """The crops without a share of their tokens; one that would lose all keeps its first."""
    if share == 0:
        return crops
    values, offsets = values_of(crops)
    sizes = sizes_of(crops)
    draws = stream(mix(keys ^ hash_text(f"delete {name}")), int(sizes.max(initial=0)))
    stays = draws[np.arange(draws.shape[1]) < sizes[:, None]] >= np.uint64(int(share * 2**64))
    none = sum_segments(stays.astype(np.int64), offsets) == 0
    stays[offsets[:-1][none & (sizes > 0)]] = True
    kept = offsets_of(sum_segments(stays.astype(np.int64), offsets)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(kept), pa.array(values[stays]))


OBJECTIVE = ObjectiveKind("contriever", "crops", "AutoModel", ContrieverOptions, ("pad",), Contriever)
