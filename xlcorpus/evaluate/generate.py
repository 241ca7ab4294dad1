"""What a model writes behind what it is given: greedily, by beams, or drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from xlcorpus.errors import UserError
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions


@dataclass(frozen=True)
class Search:
    """How a text is found. new_tokens: at most; beams: 1 is greedy; returns: texts of each row, best first, at most as
    many as beams; temperature: above 0 drawn, of the likeliest tokens that make up top_p; ends: ids that end a text
    besides eos and belong to it; processors: of transformers, that alter what the next token is chosen by."""

    new_tokens: int
    beams: int = 1
    returns: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    ends: tuple[int, ...] = ()
    processors: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Text:
    """ids: up to eos, without special ones; count: tokens that were written, with what ended it; score: the mean
    log-probability of these."""

    ids: list[int]
    count: int
    score: float


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
            given = padded([prompts[place] for place in places], trained.pad)
            made = generated(trained, given, options)
            found |= dict(zip(places, made, strict=True))
    return [found[place] for place in range(len(prompts))]


def padded(prompts: Sequence[Sequence[int]], pad: int, width: int = 0) -> dict[str, torch.Tensor]:
    """Prompts as rows, filled up on the left to the longest of them, at least to `width`: ids and mask."""
    width = max(width, *map(len, prompts))
    return {
        "input_ids": torch.tensor([[pad] * (width - len(one)) + [*one] for one in prompts]),
        "attention_mask": torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts]),
    }


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
    search = Search(options.new_tokens if most is None else most, options.beams, 1, options.temperature, options.top_p)
    return [best.ids for best, *_ in texts_behind(trained, given, search, start=start)]


@torch.no_grad()
def texts_behind(
    trained: TrainedModel, given: Mapping[str, Any], search: Search, *, start: int | None = None
) -> list[list[Text]]:
    """Of each row the texts behind what the model, or its decoder, is given, best first. start: see `generated`."""
    ids = trained.vocabulary.ids
    eos = ids.get("eos", ids.get("sep"))
    ends = [*dict.fromkeys([*([] if eos is None else [eos]), *search.ends])]
    sampled = {"temperature": search.temperature, "top_p": search.top_p, "top_k": 0} if search.temperature else {}
    settings = transformers.GenerationConfig(
        max_new_tokens=search.new_tokens,
        do_sample=search.temperature > 0,
        num_beams=search.beams,
        num_return_sequences=search.returns,
        pad_token_id=trained.pad,
        eos_token_id=ends or None,
        suppress_tokens=_without_piece(trained) or None,
        return_dict_in_generate=True,
        output_scores=search.beams > 1,
        **sampled,
        **({} if start is None else {"decoder_start_token_id": start}),
    )
    scores = None if search.beams > 1 else _Scores()
    processors = [*([] if scores is None else [scores]), *search.processors]
    with _settings_of(trained.model, settings):
        made = trained.model.generate(
            **{name: one.to(trained.device) if isinstance(one, torch.Tensor) else one for name, one in given.items()},
            logits_processor=transformers.LogitsProcessorList(processors),
        )
    behind = given.get("decoder_input_ids", given["input_ids"]).shape[1]
    rows = made.sequences[:, behind:].tolist()
    counts = [next((at + 1 for at, one in enumerate(row) if one in ends), len(row)) for row in rows]
    means = made.sequences_scores.tolist() if scores is None else scores.means(made.sequences, counts)
    texts = [
        Text(_text(row[:count], eos, trained.named), count, mean)
        for row, count, mean in zip(rows, counts, means, strict=True)
    ]
    return [
        [one for one in texts[row : row + search.returns] if one.score > _NO_BEAM] or texts[row : row + 1]
        for row in range(0, len(texts), search.returns)
    ]


_NO_BEAM = -1e8  # transformers scores a beam that never was by less


class _Scores(transformers.LogitsProcessor):  # type: ignore[misc]
    """Looks on, and keeps of each row the log-probability of each token that was chosen."""

    def __init__(self) -> None:
        self._kept: list[torch.Tensor] = []  # float32[rows] each
        self._last: torch.Tensor | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        self._choose(input_ids[:, -1])
        self._last = torch.log_softmax(scores, dim=-1)
        return scores

    def means(self, sequences: torch.Tensor, counts: Sequence[int]) -> list[float]:
        """The mean over the first tokens of each row, so many of them."""
        self._choose(sequences[:, -1])
        kept = torch.stack(self._kept, dim=1).double().cumsum(dim=1).tolist()
        return [row[count - 1] / count for row, count in zip(kept, counts, strict=True)]

    def _choose(self, tokens: torch.Tensor) -> None:
        if self._last is not None:
            self._kept.append(self._last.gather(1, tokens[:, None])[:, 0])


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
