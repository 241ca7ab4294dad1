"""What a model writes behind what it is given: greedily, by beams, or drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions


def generate(trained: TrainedModel, prompts: Sequence[Sequence[int]], options: EvaluateOptions) -> list[list[int]]:
    """Ids of text that follow each prompt (ids, special ones too), up to the first eos. The same seed and batch give
    the same. Raises UserError where prompt and text are longer than the model reads."""
    most = max(map(len, prompts)) + options.new_tokens
    if trained.length is not None and most > trained.length:
        raise UserError(
            f"{most} tokens of prompt and text, and {trained.path} reads {trained.length}",
            remedy="lower --prompt-tokens (of translation --shots) or --new-tokens",
        )
    order = np.argsort([len(one) for one in prompts], kind="stable").tolist()
    found: dict[int, list[int]] = {}
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        for start in range(0, len(order), options.batch):
            places = order[start : start + options.batch]
            width = max(len(prompts[place]) for place in places)
            rows = [[trained.pad] * (width - len(prompts[place])) + [*prompts[place]] for place in places]
            masks = [[0] * (width - len(prompts[place])) + [1] * len(prompts[place]) for place in places]
            given = {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(masks)}
            made = generated(trained, given, options)
            found |= dict(zip(places, made, strict=True))
    return [found[place] for place in range(len(prompts))]


@torch.no_grad()
def generated(
    trained: TrainedModel,
    given: Mapping[str, torch.Tensor],
    options: EvaluateOptions,
    *,
    most: int | None = None,
    start: int | None = None,
) -> list[list[int]]:
    """Ids of text behind what the model, or its decoder, is given, up to the first eos: by greedy or beam search, or
    drawn. most: new tokens; start: what the decoder of an encoder-decoder begins with."""
    from transformers import GenerationConfig

    ids = trained.vocabulary.ids
    eos = ids.get("eos", ids.get("sep"))
    sampled = {"temperature": options.temperature, "top_p": options.top_p, "top_k": 0} if options.temperature else {}
    settings = GenerationConfig(
        max_new_tokens=options.new_tokens if most is None else most,
        do_sample=options.temperature > 0,
        num_beams=options.beams,
        pad_token_id=trained.pad,
        eos_token_id=eos,
        suppress_tokens=_without_piece(trained) or None,
        **sampled,
        **({} if start is None else {"decoder_start_token_id": start}),
    )
    with _settings_of(trained.model, settings):
        made = trained.model.generate(**{name: one.to(trained.device) for name, one in given.items()})
    behind = given.get("decoder_input_ids", given["input_ids"]).shape[1]
    return [_text(row, eos, trained.named) for row in made[:, behind:].tolist()]


def _without_piece(trained: TrainedModel) -> list[int]:
    """Ids of embeddings beyond the tokenizer's (Qwen's, rounded up for speed): they stand for no text."""
    return [*range(trained.tokenizer.vocab_size, trained.model.get_output_embeddings().weight.shape[0])]


@contextmanager
def _settings_of(model: Any, settings: Any) -> Iterator[None]:
    """Inside, the model generates by these settings alone: what its own `generation_config.json` says beside them (as
    Qwen's repetition_penalty) would make of the likeliest token another one, and models would not compare."""
    own, model.generation_config = model.generation_config, settings
    try:
        yield
    finally:
        model.generation_config = own


def _text(ids: Sequence[int], eos: int | None, special: frozenset[int]) -> list[int]:
    ends = ids.index(eos) if eos in ids else len(ids)
    return [one for one in ids[:ends] if one not in special]
