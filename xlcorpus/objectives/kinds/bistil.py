"""BiStil (Ansell et al. 2023, "Distilling Efficient Language-Specific Models"; code AlanAnsell/bistil): a student that
attends as its teacher does and has its states.

Phase 1 is the defaults, on text of both languages: the mean square errors of attention maps and of hidden states. Phase
2 adds the teacher's distribution over pieces (`soft_labels: 1`). Padding counts nowhere; the published code takes its
states in.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import DROPOUTS, check_length, choose
from xlcorpus.objectives.kinds.mlm import Mlm, MlmOptions
from xlcorpus.objectives.label_costs import logits_at
from xlcorpus.objectives.objective import Batch, Losses, ObjectiveKind, Vocabulary
from xlcorpus.objectives.own_weights import own_weights_of
from xlcorpus.objectives.parts import segments_of
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import option

_SAMPLE = 16  # rows at once whose states a projection is made of


class BistilOptions(MlmOptions, allow_inf_nan=False):
    """MLM's options (both models read masked inputs), the teacher, and what of it is learnt."""

    files: ClassVar[tuple[str, ...]] = ("teacher",)

    teacher: str = option(min_length=1, description="folder of the model to learn from, with its tokenizer")
    attention_maps: float = option(1.0, ge=0, description="weight of the attention maps of aligned layers")
    hidden_states: float = option(1.0, ge=0, description="weight of the hidden states of aligned layers")
    soft_labels: float = option(0.0, ge=0, description="weight of its distribution at masked tokens (phase 2)")
    temperature: float = option(2.0, gt=0, description="what both models' logits are divided by for soft_labels")
    projection_rows: int = option(
        256, ge=1, description="first rows, whose states say which directions of a wider teacher's are kept"
    )


class Bistil(Mlm):
    """Packs, masked as MLM does. A batch has also `here`, bool[rows, length]: what is not padding.

    Student layer i learns from the teacher's (i + 1) * k, where it has k times as many; the embeddings from the
    embeddings. Of a wider teacher the states are projected to the directions in which they are longest (the first right
    singular vectors, layer by layer), which stay as they are: a projection that is trained would come to nothing.
    """

    options: BistilOptions

    def __init__(self, options: BistilOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where nothing of the teacher is to be learnt."""
        super().__init__(options, vocabulary, length)
        self.options, self.teacher = options, options.teacher
        self._taught: tuple[Any, torch.Tensor] | None = None
        self._folder: Location | None = None
        if not (options.attention_maps or options.hidden_states or options.soft_labels):
            raise UserError(
                "attention_maps, hidden_states and soft_labels are 0: nothing of the teacher is learnt",
                remedy="leave the first two out (phase 1), or write soft_labels: 1",
            )

    def __getstate__(self) -> dict[str, Any]:
        """Workers make batches, and need no teacher."""
        return {**self.__dict__, "_taught": None, "_needs": None}

    def fit_rows(self, folder: Location, rows: int) -> None:
        """The rows that a projection is made of."""
        self._folder = folder

    def learn_from(self, teacher: Any, ids: np.ndarray) -> None:
        """Take the teacher."""
        self._taught = teacher, torch.from_numpy(ids).to(teacher.device)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """The packs, masked by their keys, and where they are not padding."""
        here = np.ones((rows.num_rows, self.length), dtype=bool)
        here.ravel()[self.packs(rows).padding()] = False
        return {**super().collate(rows, keys), "here": torch.from_numpy(here)}

    def prepare(self, model: Any) -> None:
        """Raise UserError where the layers of the two do not go together, or attention maps are not to be had."""
        super().prepare(model)
        teacher, _ = self._teacher
        check_length(teacher, self.length, f"the teacher {self.teacher}")
        ours, theirs = model.config, teacher.config
        drops = [name for name, value in ours.to_dict().items() if name in DROPOUTS and value]
        if drops and (self.options.attention_maps or self.options.hidden_states):
            raise UserError(
                f"the student has {', '.join(drops)}, so that its maps and states are other ones each time; the "
                "teacher's are not",
                remedy=f"write start: config: {{{': 0.0, '.join(drops)}: 0.0}}, or start: {{model: ..., every: 2}} "
                "that leaves it out; of another folder change its config.json",
            )
        if theirs.num_hidden_layers % ours.num_hidden_layers:
            raise UserError(
                f"the teacher {self.teacher} has {theirs.num_hidden_layers} layers and the student "
                f"{ours.num_hidden_layers}: none of them go beside one another",
                remedy="give the student a divisor of the teacher's layers: start: {model: TEACHER, every: 2}",
            )
        if self.options.attention_maps:
            if ours.num_attention_heads != theirs.num_attention_heads:
                raise UserError(
                    f"the teacher {self.teacher} has {theirs.num_attention_heads} heads and the student "
                    f"{ours.num_attention_heads}: their attention maps cannot be compared",
                    remedy="give both as many heads, or write attention_maps: 0",
                )
            if ours._attn_implementation != "eager":
                raise UserError(
                    f"attention: {ours._attn_implementation} keeps no attention maps, which bistil learns",
                    remedy="write attention: eager in the stage, or attention_maps: 0",
                )
        if self.options.hidden_states and ours.hidden_size > theirs.hidden_size:
            raise UserError(
                f"the student has states of {ours.hidden_size}, and the teacher {self.teacher} of {theirs.hidden_size}",
                remedy="take a student that is no wider, or write hidden_states: 0",
            )
        teacher.set_attn_implementation(ours._attn_implementation)
        self._theirs = choose(teacher, self.vocabulary, self.attention, causal=self.causal)

    def own_weights(self, model: Any) -> torch.nn.Module | None:
        """projections, float32[layers + 1, teacher's width, width], not trained; None where the two are as wide."""
        ours, theirs = model.config, self._teacher[0].config
        if not self.options.hidden_states or ours.hidden_size == theirs.hidden_size:
            return None
        own = torch.nn.Module()
        own.register_buffer("projections", self._projections(ours.num_hidden_layers, ours.hidden_size))
        return own

    def losses(self, model: Any, batch: Batch) -> Losses:
        """attention_maps, hidden_states and soft_labels, those that have a weight; collective in training."""
        options, (teacher, _) = self.options, self._teacher
        ids, positions, here = batch["input_ids"], batch["position_ids"], batch["here"]
        chosen, _ = self.targets(batch)
        if not options.soft_labels:
            chosen = torch.zeros_like(chosen)
        asked = {
            "output_attentions": options.attention_maps > 0,
            "output_hidden_states": options.hidden_states > 0,
        }
        logits, ours = logits_at(model, chosen, input_ids=ids, **self.needs(model).inputs(positions), **asked)
        wanted, theirs = self._ask(chosen, ids, positions, **asked)
        parts: dict[str, torch.Tensor] = {}
        if options.attention_maps:
            segments = segments_of(positions)
            seen = (segments[:, :, None] == segments[:, None, :]) & here[:, :, None]
            k = len(theirs.attentions) // len(ours.attentions)
            pairs = zip(ours.attentions, theirs.attentions[k - 1 :: k], strict=True)
            heads = teacher.config.num_attention_heads
            parts["attention_maps"] = _mean_square(pairs, seen[:, None], heads, training=model.training)
        if options.hidden_states:
            k = (len(theirs.hidden_states) - 1) // (len(ours.hidden_states) - 1)
            aimed = list(theirs.hidden_states[::k])
            if ours.hidden_states[0].shape[-1] != aimed[0].shape[-1]:
                projections = own_weights_of(model, self.key).projections
                aimed = [one.float() @ projection for one, projection in zip(aimed, projections, strict=True)]
            pairs = zip(ours.hidden_states, aimed, strict=True)
            width = aimed[0].shape[-1]
            parts["hidden_states"] = _mean_square(pairs, here[..., None], width, training=model.training)
        if options.soft_labels:
            costs = soft_cross_entropy(logits[:, : wanted.shape[1]], wanted, options.temperature)
            parts["soft_labels"] = mean_over_ranks(costs.sum(), chosen.sum(), training=model.training)
        total = torch.stack([getattr(options, name) * one for name, one in parts.items()]).sum()
        total = total + 0 * logits.sum()  # DDP wants each weight in the graph
        return Losses(total, {name: one.detach() for name, one in parts.items()})

    @property
    def _teacher(self) -> tuple[Any, torch.Tensor]:
        if self._taught is None:
            raise UserError(f"the teacher {self.teacher} was not opened", remedy="train with xlcorpus pretrain")
        return self._taught

    @torch.no_grad()
    def _ask(
        self, chosen: torch.Tensor, ids: torch.Tensor, positions: torch.Tensor, **asked: Any
    ) -> tuple[torch.Tensor, Any]:
        """float[n, size], the teacher's logits of the student's pieces at chosen tokens, and its output."""
        teacher, known = self._teacher
        logits, output = logits_at(teacher, chosen, input_ids=known[ids], **self._theirs.inputs(positions), **asked)
        return logits[:, known], output

    def _projections(self, layers: int, width: int) -> torch.Tensor:
        """float32[layers + 1, teacher's width, width] of the states of the dataset's first rows."""
        teacher, _ = self._teacher
        assert self._folder is not None
        rows_read, left = [], self.options.projection_rows
        for batch in Dataset.open(self._folder).batches(list(self.columns)):
            rows_read.append(batch.slice(0, left))
            left -= rows_read[-1].num_rows
            if not left:
                break
        wide = teacher.config.hidden_size
        squares = torch.zeros(layers + 1, wide, wide, dtype=torch.float64, device=teacher.device)
        for rows in pa.Table.from_batches(rows_read).combine_chunks().to_batches(max_chunksize=_SAMPLE):
            packs = self.packs(rows)
            here = np.ones(packs.ids.shape, dtype=bool)
            here.ravel()[packs.padding()] = False
            plain = packs.tensors(np.empty(0), packs.ids)
            ids, positions = (plain[name].long().to(teacher.device) for name in ("input_ids", "position_ids"))
            nowhere = torch.zeros(here.shape, dtype=torch.bool, device=teacher.device)
            states = self._ask(nowhere, ids, positions, output_hidden_states=True)[1].hidden_states
            for place, one in enumerate(states[:: (len(states) - 1) // layers]):
                kept = one[torch.from_numpy(here).to(teacher.device)].double()
                squares[place] += kept.T @ kept
        directions = torch.linalg.eigh(squares).eigenvectors[:, :, -width:].flip(-1)
        # A direction has two signs, and which one comes out follows from the machine: the largest number is positive.
        largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
        return (directions * largest.sign()).float()


def soft_cross_entropy(logits: torch.Tensor, wanted: torch.Tensor, temperature: float) -> torch.Tensor:
    """float32[n]: cross entropy of a distribution with that of the teacher, both softer (Hinton et al. 2015).

    logits, wanted: float[n, size], the student's and the teacher's; not scaled by the temperature's square, as
    published.
    """
    logs = torch.log_softmax(logits.float() / temperature, dim=1)
    return -(torch.softmax(wanted.float() / temperature, dim=1) * logs).sum(dim=1)


def _mean_square(pairs: Any, counted: torch.Tensor, width: int, *, training: bool) -> torch.Tensor:
    """The mean over layers of the mean square difference. counted: bool, places that count, one for `width` values."""
    layers = [((one.float() - other.float()).square() * counted).sum() for one, other in pairs]
    return mean_over_ranks(torch.stack(layers).mean(), counted.sum() * width, training=training)


OBJECTIVE = ObjectiveKind("bistil", None, "AutoModelForMaskedLM", BistilOptions, ("mask",), Bistil)
