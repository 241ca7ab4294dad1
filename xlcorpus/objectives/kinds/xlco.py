"""Cross-lingual contrast of InfoXLM (Chi et al. 2021, 2.3; code microsoft/unilm: infoxlm): texts find translations.

Beside mlm and tlm, each with the same weight, it is InfoXLM (methods B4). Defaults are those of its code.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.contrast import check_layer, check_rows, pool
from xlcorpus.objectives.joined import column_of, cut, join, width_of
from xlcorpus.objectives.label_costs import costs_at
from xlcorpus.objectives.masking import Masker, MaskOptions
from xlcorpus.objectives.momentum import Momentum, MomentumObjective, MomentumOptions
from xlcorpus.objectives.objective import Batch, ObjectiveKind, Vocabulary
from xlcorpus.objectives.own_weights import draw_like
from xlcorpus.options import option
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.text.draws import numbers
from xlcorpus.text.hashes import hash_text, mix

_PURPOSE = "xlco"


class XlcoOptions(MomentumOptions, MaskOptions):
    """MLM's options (inputs are masked too), and those of contrast with a queue."""

    layer: int = option(8, ge=0, description="hidden_states[layer] makes the vectors; published: 8 of 12")
    pooling: Literal["cls", "mean"] = option(
        "cls", description="the vector of `<s>`, as published; mean of all tokens: where `<s>` has learnt nothing yet"
    )
    mixup: bool = option(True, description="join two pairs to an example, each side in an order of its own (2.3)")
    masked: bool = option(True, description="mask the inputs as MLM does")


class Xlco(MomentumObjective):
    """Contrast of `<s> src1 </s> src2 </s>` and `<s> tgt1 </s> tgt2 </s>`.

    A batch has 2 rows an example, query and key, which of the two sides is drawn: input_ids, attention_mask,
    int64[2 * examples, L]. Examples join neighbours in the batch; the last of an odd number the first, one row none.
    """

    options: XlcoOptions
    columns = ("src_ids", "tgt_ids")
    name = "xlco"

    def __init__(self, options: XlcoOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary = options, vocabulary
        self._mixup, self._layer, self._masked = options.mixup, options.layer, options.masked
        self.rows_a_key = 2 if options.mixup else 1
        self._length, self._pad = length, vocabulary.id_of("pad")
        self._begin, self._end = (vocabulary.id_of("cls", "bos"),), (vocabulary.id_of("sep", "eos"),)
        self._masker = Masker(options, vocabulary)
        self._added_to_side = 3 if options.mixup else 2
        self.added = len(self.columns) * self._added_to_side // self.rows_a_key

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Which text comes first on a side, and which side asks, follow from the key of an example's first row."""
        joined = self._mixup and rows.num_rows > 1
        one = np.arange(0, rows.num_rows, 2 if joined else 1)
        other = (one + 1) % rows.num_rows if joined else None
        keys = keys[one]
        drawn = [(numbers(mix(keys ^ hash_text(_PURPOSE)), place) >> np.uint64(63)).astype(bool) for place in range(3)]
        sides = []
        for place, name in enumerate(self.columns):
            column = column_of(rows, name, "tlm")
            if other is None:
                sides.append(join([self._begin, column, self._end]))
                continue
            swap = drawn[place]
            first, second = (column.take(pa.array(np.where(swap, *pair))) for pair in ((other, one), (one, other)))
            first = cut(first, np.minimum(sizes_of(first), self._length - self._added_to_side))
            second = cut(second, np.minimum(sizes_of(second), self._length - self._added_to_side - sizes_of(first)))
            sides.append(join([self._begin, first, self._end, second, self._end]))
        width = width_of([ids for ids, _ in sides], self._length)
        here = np.stack([np.arange(width) < starts[:, -1:] for _, starts in sides], axis=1)
        filled = [fill_up(ids, width, self._pad) for ids, _ in sides]
        if self._masked:
            filled = [self._masker.mask(ids, keys, f"{_PURPOSE} {place}")[0] for place, ids in enumerate(filled)]
        ids = np.stack(filled, axis=1).astype(np.int64)
        turned = drawn[2][:, None, None]
        batch = {"input_ids": ids, "attention_mask": here.astype(np.int64)}
        batch = {name: np.where(turned, values[:, ::-1], values) for name, values in batch.items()}
        return {name: torch.from_numpy(values.reshape(-1, width)) for name, values in batch.items()}

    def check_rows(self, rows: int, ranks: int) -> None:
        """Raise UserError where a text would be joined with itself."""
        if self._mixup:
            check_rows(rows, "xlco joins two pairs", "mixup: false")

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids, positions, or the layer that the vectors are of."""
        check_model(model, self.vocabulary, self._length)
        check_layer(model, self._layer, self.options.pooling, "the vectors of xlco")

    def own_weights(self, model: Any) -> Momentum:
        """The projection (no bias), the encoder that follows and its queue."""
        width = model.config.hidden_size
        projection = draw_like(model, torch.nn.Linear(width, width, bias=False))
        return Momentum(model, self.options.queue, width, projection)

    def vectors(self, encoder: Any, batch: Batch, rest: list[torch.Tensor] | None = None) -> torch.Tensor:
        """Those of `layer`; the model's by its head, on no token at all."""
        if rest is None:
            output = encoder(**batch, output_hidden_states=True)
        else:
            nowhere = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
            costs, output = costs_at(encoder, nowhere, batch["input_ids"][nowhere], **batch, output_hidden_states=True)
            rest.append(costs.sum())
        return pool(output.hidden_states[self._layer], batch["attention_mask"].bool(), self.options.pooling)


OBJECTIVE = ObjectiveKind("xlco", "tlm", "AutoModelForMaskedLM", XlcoOptions, ("pad", "mask"), Xlco)
