"""What objectives of encoder-decoders share: from a text that is read to one that is written."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.joined import Ids, column_of, cut, join, width_of
from xlcorpus.objectives.label_costs import costs_at, spread, unwrapped
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, Objective, Vocabulary
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import StepOptions, option
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.pack.segments import fill_up

ARCHITECTURE = "AutoModelForSeq2SeqLM"


class Seq2SeqOptions(StepOptions):
    """Options of what is written."""

    label_smoothing: float = option(
        0.0, ge=0, lt=1, description="share of a label that all ids have alike, in training"
    )
    begin: Literal["model", "last"] = option(
        "model",
        description="what the decoder begins with: the model's decoder_start_token_id (BART, T5, M2M100, NLLB), or the "
        "last id that is to be written (mBART: the language behind eos)",
    )


class Seq2Seq(Objective):
    """The cost of each id that is to be written.

    A batch: input_ids, attention_mask, int64[rows, L]; labels, int64[rows, T], NO_LABEL behind the end. Either side
    ends with eos where a template of `pack` has not ended it: by a special id, or by eos and one token more.
    """

    view: str
    sides: tuple[str, str]
    name: str

    def __init__(self, options: Seq2SeqOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary, self.length = options, vocabulary, length
        self.columns = self.sides
        self._pad, self._eos = vocabulary.id_of("pad"), vocabulary.id_of("eos", "sep")
        self._special = np.array(sorted(vocabulary.special), dtype=np.int64)
        self.added = len(self.sides)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter."""
        read, written = (column_of(rows, name, self.view) for name in self.sides)
        return self.tensors(self.ended(read), self.ended(written))

    def ended(self, lists: pa.Array) -> pa.Array:
        """The lists, each with eos at its end where it has none: one that a template filled up loses its last."""
        values, offsets = values_of(lists)
        sizes = sizes_of(lists)
        last, before = (
            np.where(sizes >= place, values[offsets[1:] - place] if sizes.max(initial=0) >= place else 0, -1)
            for place in (1, 2)
        )
        # A language that the user made a token of (`tokenizer --special`) is text, and stands behind the end.
        ends = np.where(np.isin(last, self._special) | (before == self._eos), 0, 1).astype(np.int32)
        eos = pa.ListArray.from_arrays(
            pa.array(np.concatenate([[0], np.cumsum(ends)]).astype(np.int32)),
            pa.array(np.full(int(ends.sum()), self._eos, dtype=np.int32)),
        )
        return join([cut(lists, np.minimum(sizes, self.length - ends)), eos])[0]

    def tensors(self, read: pa.Array, written: pa.Array) -> Batch:
        """The batch of what is read and what is to be written (list<int32> each)."""
        both = []
        for ids in (read, written):
            width = width_of([ids], self.length)
            both.append((fill_up(ids, width, self._pad).astype(np.int64), np.arange(width) < sizes_of(ids)[:, None]))
        (inputs, here), (labels, there) = both
        made = {
            "input_ids": inputs,
            "attention_mask": here.astype(np.int64),
            "labels": np.where(there, labels, NO_LABEL),
        }
        return {name: torch.from_numpy(values) for name, values in made.items()}

    def tokens(self, batch: Batch) -> int:
        """Those that are read and those that are written."""
        return super().tokens(batch) + int((batch["labels"] != NO_LABEL).sum())

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids, positions, or what its decoder begins with."""
        check_model(model, self.vocabulary, self.length)
        if self.options.begin == "model" and model.config.decoder_start_token_id is None:
            raise UserError(
                f"the {model.config.model_type} does not say what its decoder begins with",
                remedy="write decoder_start_token_id into its config.json, or begin: last (mBART)",
            )

    def label_losses(self, model: Any, batch: Batch) -> torch.Tensor:
        """float32[rows, T]: nats for each label, 0 behind the end."""
        return spread(*self._costs(model, batch, 0.0))

    def losses(self, model: Any, batch: Batch) -> Losses:
        """The mean over all labels, smoothed in training alone; collective there where there are several ranks."""
        costs, chosen = self._costs(model, batch, self.options.label_smoothing if model.training else 0.0)
        mean = mean_over_ranks(costs.sum(), chosen.sum(), training=model.training)
        return Losses(mean, {self.name: mean.detach()})

    def _costs(self, model: Any, batch: Batch, smoothing: float) -> tuple[torch.Tensor, torch.Tensor]:
        labels = batch["labels"]
        chosen = labels != NO_LABEL
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        given["decoder_input_ids"] = self.before(labels, unwrapped(model).config)
        return costs_at(model, chosen, labels[chosen], smoothing=smoothing, use_cache=False, **given)[0], chosen

    def before(self, labels: torch.Tensor, config: Any) -> torch.Tensor:
        """int64[rows, T]: the decoder's input, what is written one place to the right."""
        filled = labels.masked_fill(labels == NO_LABEL, self._pad)
        if self.options.begin == "model":
            first = filled.new_full((len(filled), 1), config.decoder_start_token_id)
        else:
            ends = (labels != NO_LABEL).sum(dim=1, keepdim=True).clamp(min=1) - 1
            first = filled.gather(1, ends)
        return torch.cat([first, filled[:, :-1]], dim=1)


def sentinels_of(vocabulary: Vocabulary) -> Ids:
    """The special ids that have no role, from the highest down: T5's sentinels, <extra_id_0> first."""
    return tuple(sorted(vocabulary.special - set(vocabulary.ids.values()), reverse=True))
