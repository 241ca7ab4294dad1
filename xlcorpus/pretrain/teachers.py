"""Models that objectives ask beside the one that is trained: opened, and their pieces matched with the shards'."""

from __future__ import annotations

from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.initialize.load import load_model
from xlcorpus.pretrain.sources import Data
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.piece_tables import places_of_pieces

_NAMED = "teacher:"  # as load_model's errors call it


def check_teachers(data: Data) -> None:
    """Raise UserError where a teacher is no folder of a model."""
    for objective in data.objectives.values():
        if objective.teacher is not None and not storage.is_file(storage.locate(objective.teacher) / "config.json"):
            raise UserError(
                f"{_NAMED} {objective.teacher} has no config.json",
                remedy="name a folder that save_pretrained or xlcorpus pretrain wrote",
            )


def bring_teachers(data: Data, tokenizer: str, seed: int, device: Any) -> None:
    """Open the teachers of a stage and hand them to their objectives. tokenizer: path of that of the shards.

    Raises UserError where one cannot be opened, is of another architecture, lacks a piece, or its tokenizer is not its.
    """
    for objective in data.objectives.values():
        if objective.teacher is None:
            continue
        loaded = load_model(objective.teacher, data.architecture, seed, _NAMED)
        if loaded.fresh:
            raise UserError(
                f"{_NAMED} {objective.teacher} lacks {', '.join(loaded.fresh)}: its head was never trained",
                remedy=f"name a model that was saved as an {data.architecture}",
            )
        if loaded.tokenizer is None:
            raise UserError(
                f"{_NAMED} no tokenizer lies beside {objective.teacher}, so nothing says which pieces its ids are",
                remedy="copy the tokenizer that it was trained with into its folder",
            )
        ids = places_of_pieces(open_tokenizer(tokenizer), loaded.tokenizer, f"the teacher {objective.teacher}")
        rows = loaded.model.get_input_embeddings().weight.shape[0]
        if (most := ids.max()) >= rows:
            raise UserError(
                f"{_NAMED} {objective.teacher} has {rows:,} embeddings, and the tokenizer beside it ids up to {most:,}",
                remedy="copy the tokenizer that it was trained with into its folder",
            )
        objective.learn_from(loaded.model.to(device).eval().requires_grad_(False), ids)
