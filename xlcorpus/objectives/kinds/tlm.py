"""Translation language modelling (Lample and Conneau 2019, 3.3): MLM on a text and its translation, side by side."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import check_model, first_position
from xlcorpus.objectives.joined import Ids, column_of, join, width_of
from xlcorpus.objectives.label_costs import masked_costs, unwrapped
from xlcorpus.objectives.masking import Masker, MaskOptions
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, Objective, ObjectiveKind, Vocabulary
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import option
from xlcorpus.pack.segments import fill_up


class TlmOptions(MaskOptions):
    """MLM's options, and what the model is told of the two texts. Defaults are those of InfoXLM's code."""

    template: Literal["plain", "own"] = option(
        "plain", description="plain: <s> src </s> tgt </s>; own: what the tokenizer puts around a pair"
    )
    positions: Literal["continue", "restart"] = option(
        "continue", description="of the translation: behind the text (InfoXLM), or from the beginning again (XLM)"
    )
    language_ids: Literal["langs", "token_type_ids"] | None = option(
        None, description="the model's argument that gets each token's number of languages.json (XLM: langs)"
    )


class Tlm(Objective):
    """MLM on `<s> src </s> tgt </s>`.

    A batch: input_ids (masked), attention_mask, labels, int64[rows, L]; with positions restart position_ids, from 0,
    and with language_ids langs, both int64[rows, L].
    """

    def __init__(self, options: TlmOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id, or the tokenizer's template of pairs, is missing."""
        self.options, self.vocabulary = options, vocabulary
        languages = () if options.language_ids is None else ("src_lang_id", "tgt_lang_id")
        self.columns = ("src_ids", "tgt_ids", *languages)
        self._length, self._pad = length, vocabulary.id_of("pad")
        self._masker = Masker(options, vocabulary)
        self._around = _around_pair(options, vocabulary)
        self.added = sum(map(len, self._around))

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        before, between, after = self._around
        sides = [column_of(rows, name, "tlm") for name in ("src_ids", "tgt_ids")]
        # the first id between closes the text, others open the translation, as in <s> A </s></s> B </s>
        ids, starts = join([before, sides[0], between[:1], between[1:], sides[1], after])
        width = width_of([ids], self._length)
        place = np.arange(width)
        inputs, labels = self._masker.mask(fill_up(ids, width, self._pad), keys, "tlm")
        here, second = place < starts[:, -1:], place >= starts[:, 3:4]
        batch = {"input_ids": inputs, "labels": labels, "attention_mask": here.astype(np.int64)}
        if self.options.positions == "restart":
            batch["position_ids"] = np.where(here, place - second * starts[:, 3:4], 0)
        if self.options.language_ids is not None:
            src, tgt = (_numbers(rows, name)[:, None] for name in ("src_lang_id", "tgt_lang_id"))
            batch["langs"] = np.where(here, np.where(second, tgt, src), 0)
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids or positions."""
        check_model(model, self.vocabulary, self._length)

    def label_losses(self, model: Any, batch: Batch) -> torch.Tensor:
        """float32[rows, L]: nats for each masked token, 0 elsewhere."""
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        if "position_ids" in batch:
            inputs["position_ids"] = batch["position_ids"] + first_position(model)
        if self.options.language_ids is not None:
            self._check_languages(unwrapped(model).config, batch["langs"])
            inputs[self.options.language_ids] = batch["langs"]
        return masked_costs(model, batch["labels"], **inputs)[0]

    def losses(self, model: Any, batch: Batch) -> Losses:
        """tlm alone; collective in training where there are several ranks."""
        costs = self.label_losses(model, batch)
        mean = mean_over_ranks(costs.sum(), (batch["labels"] != NO_LABEL).sum(), training=model.training)
        return Losses(mean, {"tlm": mean.detach()})

    def _check_languages(self, config: Any, numbers: torch.Tensor) -> None:
        setting = {"langs": "n_langs", "token_type_ids": "type_vocab_size"}[str(self.options.language_ids)]
        room, needed = getattr(config, setting, 0) or 0, int(numbers.max()) + 1
        if needed > room:
            raise UserError(
                f"language ids go up to {needed - 1}; the model ({config.model_type}) has {setting} {room}",
                remedy=f"give a model with {setting}: {needed} or more, or leave language_ids out",
            )


def _around_pair(options: TlmOptions, vocabulary: Vocabulary) -> tuple[Ids, Ids, Ids]:
    if options.template == "own":
        if not any(vocabulary.pair):
            raise UserError(
                "the tokenizer that the shards were packed with has no template of pairs",
                remedy="leave out template: own, for <s> src </s> tgt </s>",
            )
        return vocabulary.pair
    end = (vocabulary.id_of("sep", "eos"),)
    return (vocabulary.id_of("cls", "bos"),), end, end


def _numbers(rows: pa.RecordBatch, name: str) -> np.ndarray:
    numbers: np.ndarray = column_of(rows, name, "tlm").to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


OBJECTIVE = ObjectiveKind("tlm", "tlm", "AutoModelForMaskedLM", TlmOptions, ("pad", "mask"), Tlm)
