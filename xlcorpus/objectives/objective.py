"""What a pretraining objective is: the rows that it reads, the batch that it makes of them, and its losses.

Another package adds one under the entry-point group `xlcorpus.objectives`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions
from xlcorpus.registry import Registry
from xlcorpus.tokenizer.tokenizer import Tokenizer

Batch: TypeAlias = dict[str, torch.Tensor]
NO_LABEL = -100  # torch's and transformers' own: such positions have no loss


@dataclass(frozen=True)
class Vocabulary:
    """The ids of the tokenizer that a dataset was packed with, as its manifest has them.

    fingerprint: of the tokenizer; size: one more than its highest id; ids: by role (pad, unk, bos, eos, mask, cls,
    sep), of those that it has; special: ids that are never text; around: ids before and after a text by the
    tokenizer's own template; pair: ids before, between and after two texts by it; word_starts: bool[ids], pieces that
    a word begins with, None where the tokenizer was not opened.
    """

    fingerprint: str
    size: int
    ids: Mapping[str, int]
    special: frozenset[int]
    around: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    pair: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((), (), ())
    word_starts: np.ndarray | None = field(default=None, compare=False, repr=False)
    punctuation: np.ndarray | None = field(default=None, compare=False, repr=False)

    def id_of(self, *roles: str) -> int:
        """The id of the first of these roles that there is; raises UserError where there is none."""
        for role in roles:
            if role in self.ids:
                return self.ids[role]
        raise UserError(
            f"the tokenizer that the shards were packed with has no {' and no '.join(roles)}",
            remedy=f"pack them again with a tokenizer that has {' or '.join(roles)}",
        )

    def check_packed_with(self, tokenizer: Tokenizer, path: Any, shards: Any) -> None:
        """Raise UserError where shards of this vocabulary were packed with another tokenizer than that of `path`."""
        if self.fingerprint != tokenizer.fingerprint:
            raise UserError(
                f"{shards} was packed with the tokenizer {self.fingerprint} ({self.size:,} ids), and {path} is "
                f"{tokenizer.fingerprint} ({tokenizer.vocab_size:,} ids)",
                remedy="name the tokenizer that the shards were packed with (in a recipe tokenizer:, to evaluate "
                "--tokenizer), also where both have the same ids, or pack them again with this one",
            )

    def check_fits(self, model: Any) -> None:
        """Raise UserError where the model's table of ids is smaller."""
        rows = model.get_input_embeddings().weight.shape[0]
        if rows < self.size:
            raise UserError(
                f"the model has {rows:,} embeddings, the shards hold ids up to {self.size - 1:,}",
                remedy="start from the model of the tokenizer that the shards were packed with, or extend it",
            )


@dataclass(frozen=True)
class Losses:
    """What a batch costs: the loss to go down by, and what it is made of, by name (each a scalar)."""

    total: torch.Tensor
    parts: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Objective(ABC):
    """An objective with its options, for one vocabulary and length. `view`: of the rows; None: packs.

    columns: those of token-1 that `collate` reads, None: all of them (doc_ids cost more to decode than the ids do);
    optional: those that it reads where the rows have them;
    by_row: a row's tensors do not depend on the rows beside it, so many may be collated at once and cut by rows;
    added: special ids that `collate` puts around what a row holds; key: name of the source that it is of, while it is
    trained; names: what the rows of its own weights stand for, in their order, where they stand for something;
    teacher: folder of a model that it asks beside the one that is trained, None: there is none.
    """

    columns: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    by_row: bool = False
    added: int = 0
    key: str = ""
    names: Mapping[str, Any] = MappingProxyType({})
    teacher: str | None = None

    @abstractmethod
    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """The tensors of some rows of token-1, on the CPU.

        keys: uint64[rows], a hash of (seed, epoch, row) each: every random choice follows from them, so that a row is
        masked alike on every rank and worker, in every batch.
        """

    def fit_rows(self, folder: Location, rows: int) -> None:  # noqa: B027
        """Fit the objective to the dataset that it is trained on; raises UserError where the two do not go together."""

    def check_held_out(self, folder: Location) -> None:  # noqa: B027
        """Raise UserError where rows held out are not as those that the objective was fit to, as in their labels."""

    def check_rows(self, rows: int, ranks: int) -> None:  # noqa: B027
        """Raise UserError where micro-batches of so many rows, on each of so many ranks, are too small to learn of."""

    def learn_from(self, teacher: Any, ids: np.ndarray) -> None:  # noqa: B027
        """Take the teacher, before `prepare`: a model of the same architecture that is not trained, on its device.

        ids: int64[size], the teacher's id of each id of the vocabulary, the same piece.
        """

    def prepare(self, model: Any) -> None:  # noqa: B027
        """Fit the objective to a model that is not wrapped yet (by DDP, FSDP, compile), once before it is trained.

        Raises UserError where the two do not go together.
        """

    def own_weights(self, model: Any) -> torch.nn.Module | None:
        """Weights beside the model's, which `own_weights.own_weights_of(model, self.key)` gives back in training.

        model: prepared, not wrapped; torch's generator is seeded. Parameters that need a gradient are trained, and
        saved beside the model; all others, and buffers, are in the checkpoints alone.
        """
        return None

    def begin(self, model: Any, last_batches: Callable[[int], Iterable[Batch]]) -> None:  # noqa: B027
        """What precedes the first step of a stage, as filling a queue does, and is in the checkpoints afterwards.

        model: as of `losses`; last_batches: this rank's batches of the first epoch's last rows, as many as are asked
        for, on the device. Collective where there are several ranks.
        """

    def after_step(self, model: Any) -> None:  # noqa: B027
        """What follows a step of the optimiser, as a momentum encoder does; model: as of `losses`."""

    def tokens(self, batch: Batch) -> int:
        """Tokens of a batch as budgets count them: of packs all positions, filled or not, as litgpt and torchtitan
        count; of pairs without what fills up a batch."""
        mask = batch.get("attention_mask")
        return batch["input_ids"].numel() if mask is None else int(mask.sum())

    @abstractmethod
    def losses(self, model: Any, batch: Batch) -> Losses:
        """The losses of a batch, on the device of the model. Means are over all its labels."""


@dataclass(frozen=True)
class ObjectiveKind:
    """An objective as recipes name it.

    view: what `pack --view` made the rows that it reads, None: packs; architecture: the auto class of transformers, as
    `AutoModelForCausalLM`; options: its published defaults; needs: roles of special ids; make: from options,
    vocabulary and the rows' context length; settings: of the config that a model needs for these rows (num_labels),
    from the folder of the rows.
    """

    name: str
    view: str | None
    architecture: str
    options: type[StepOptions]
    needs: tuple[str, ...]
    make: Any
    settings: Callable[[Location], Mapping[str, Any]] | None = None


OBJECTIVES: Registry[ObjectiveKind] = Registry(
    "objective", "xlcorpus.objectives.kinds", "OBJECTIVE", "xlcorpus.objectives"
)
