"""Vectors of sentences, of the layers of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import longest_first
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.texts import text_numbers
from xlcorpus.initialize.architecture import CAUSAL
from xlcorpus.objectives.contrast import pool
from xlcorpus.objectives.joined import Ids, around_text, cut, join, width_of
from xlcorpus.objectives.late import adapters_of
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up


@dataclass(frozen=True)
class Sentences:
    """Ids of sentences (list<int32>, special ids around them), where text begins and ends in each (int64[rows, 2]),
    and how many were cut to fit."""

    ids: pa.Array
    text: np.ndarray
    cut: int

    def chosen(self, rows: np.ndarray) -> Sentences:
        """Those for which rows (bool[rows]) holds."""
        return Sentences(self.ids.filter(pa.array(rows)), self.text[rows], self.cut)


def encode(trained: TrainedModel, texts: pa.Array, length: int = 512) -> Sentences:
    """texts: string[rows], or their ids (list<int32>); length: most tokens of each, where the model reads as many."""
    before, after = _around(trained)
    lists = trained.ids_of(texts)
    sizes = sizes_of(lists)
    room = min(length, trained.length or length) - len(before) - len(after)
    ids, places = join([before, cut(lists, np.minimum(sizes, room)), after])
    return Sentences(ids, places[:, 1:3], int((sizes > room).sum()))


def layers_of(trained: TrainedModel, asked: str | None) -> list[int]:
    """Numbers of hidden_states (0: the embeddings) for `all`, or numbers with commas, from the end where negative.

    None: at two thirds of the layers, as TransliCo has it (8 of 12). Raises UserError where there is no such layer.
    """
    count = trained.model.config.get_text_config().num_hidden_layers
    if asked is None:
        return [max(1, round(count * 2 / 3))]
    numbers = list(range(count + 1)) if asked == "all" else [int(part) for part in asked.split(",")]
    for number in numbers:
        if not -count - 1 <= number <= count:
            raise UserError(
                f"there is no layer {number}: {trained.path} has {count}", remedy=f"--layers 0 to {count}, or -1"
            )
    return list(dict.fromkeys(number % (count + 1) for number in numbers))


@torch.no_grad()
def vectors(
    trained: TrainedModel,
    sentences: Sentences,
    layers: Sequence[int],
    pooling: str = "mean",
    batch: int = 32,
    languages: Sequence[str] | None = None,
) -> dict[int, np.ndarray]:
    """float32[rows, width] by layer, of encoder-decoders the encoder's. pooling: mean of the tokens of text, cls (the
    first token) or last (of the text); languages: labels of the rows, for models with adapters of languages (X-MOD).

    Raises UserError where a vector is not finite, or a language has no adapter.
    """
    model = trained.model
    reader = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    adapters = adapters_of(model.config, languages) if languages is not None else None
    numbers = text_numbers(sentences.ids)
    if adapters is not None:
        numbers = numbers * (max(adapters, default=0) + 1) + adapters
    _, firsts, back = np.unique(numbers, return_index=True, return_inverse=True)
    order: list[np.ndarray] = []
    found: dict[int, list[np.ndarray]] = {layer: [] for layer in layers}
    for chosen in longest_first(sizes_of(sentences.ids)[firsts], batch):
        order.append(chosen)
        rows = firsts[chosen]  # each text once: in another batch, its vector would differ by rounding
        ids, text = sentences.ids.take(pa.array(rows)), sentences.text[rows]
        width = width_of([ids], 1 << 30)
        place = np.arange(width)
        here = torch.from_numpy(place < sizes_of(ids)[:, None]).to(trained.device)
        of_text = torch.from_numpy((text[:, :1] <= place) & (place < text[:, 1:])).to(trained.device)
        states = reader(
            input_ids=torch.from_numpy(fill_up(ids, width, trained.pad)).to(trained.device),
            attention_mask=here.long(),
            output_hidden_states=True,
            **lang_ids(adapters, rows, trained.device),
        ).hidden_states
        for layer in layers:
            if pooling == "last":
                ends = torch.from_numpy(text[:, 1] - 1).to(trained.device)
                made = states[layer][torch.arange(len(rows), device=trained.device), ends].float()
            else:
                made = pool(states[layer], of_text, pooling)
            found[layer].append(made.cpu().numpy())
    place = np.argsort(np.concatenate(order))[back]
    joined = {layer: np.concatenate(parts)[place] for layer, parts in found.items()}
    for one in joined.values():
        trained.check_finite(one, "vectors")
    return joined


def lang_ids(adapters: Sequence[int] | None, rows: np.ndarray, device: torch.device) -> dict[str, torch.Tensor]:
    """The argument that says which language adapter each row goes through; {} where the model has none."""
    return {} if adapters is None else {"lang_ids": torch.from_numpy(np.array(adapters, np.int64)[rows]).to(device)}


def _around(trained: TrainedModel) -> tuple[Ids, Ids]:
    """Of decoders, what the tokenizer puts around texts by itself; of encoders also where it is silent."""
    if trained.architecture == CAUSAL:
        return trained.vocabulary.around
    return around_text(trained.vocabulary)
