"""A causal language model of transformers that is asked in this process.

Batches have one of few shapes, which follow from the prompt alone: so many rows, filled up by repeating, of a width
rounded up. So the same numbers are added in the same order whatever else is asked, and an answer is the same.
"""

from __future__ import annotations

import functools
import inspect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers

from xlcorpus.errors import UserError
from xlcorpus.evaluate.generate import Search, Text, padded, texts_behind
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.templates.chat import ChatTemplate
from xlcorpus.templates.specials import SpecialIds
from xlcorpus.text.draws import numbers, row_states, shares, stream
from xlcorpus.tokenizer.tokenizer import Tokenizer

_LEAST_STEP = 8  # tokens that short prompts are rounded up to; long ones by an eighth at most


@dataclass(frozen=True)
class CausalModel:
    """trained: in float32, in the mode of evaluation; chat: how a prompt becomes a turn of a user; None: it stays as it
    is; rows: prompts at once."""

    identity: str
    trained: TrainedModel
    chat: ChatTemplate | None
    rows: int

    @property
    def length(self) -> int | None:
        """See Model."""
        return self.trained.length

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See Model; with the special tokens that stand around a prompt."""
        return [len(ids) for ids in self._ids(texts)]

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model; the longest prompts first."""
        ids = self._ids(prompts)
        self._check_lengths(ids, decoding)
        by_width: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(ids):
            by_width[_width(len(one))].append(number)
        for width in sorted(by_width, reverse=True):
            alike = by_width[width]
            for start in range(0, len(alike), self.rows):
                chosen = alike[start : start + self.rows]
                filled = [chosen[at % len(chosen)] for at in range(self.rows)]
                found = self._texts([prompts[at] for at in filled], [ids[at] for at in filled], width, decoding)
                for number, texts in zip(chosen, found, strict=False):
                    yield number, self._answered(len(ids[number]), texts, decoding)

    def _ids(self, prompts: Sequence[str]) -> list[list[int]]:
        tokenizer, texts = self.trained.tokenizer, pa.array(prompts, pa.string())
        if self.chat is None:
            before = list(self.trained.vocabulary.around[0])
            found = [before + ids for ids in self.trained.ids_of(texts).to_pylist()]
        else:
            turns = pa.array([[{"role": "user", "content": prompt}] for prompt in prompts])
            made = self.chat.render(pa.RecordBatch.from_pydict({"messages": turns})) if prompts else None
            if made is not None and made.failed:
                raise UserError(
                    f"the chat template of {self.trained.path} fails: {made.failed[0].message}",
                    remedy="leave out --chat, or name a model whose template takes one turn of a user",
                )
            pieces = made.with_ids(SpecialIds(tokenizer)).pieces if made is not None else None
            encoded = tokenizer.encode_pieces(pieces, as_row=True) if pieces is not None else None
            rows = [] if encoded is None else np.split(encoded.ids, encoded.offsets[1:-1])
            found = [row.tolist() for row in rows]
        return [ids or [self.trained.pad] for ids in found]

    def _check_lengths(self, ids: Sequence[Sequence[int]], decoding: Decoding) -> None:
        if self.length is None:
            return
        long = [len(one) for one in ids if len(one) + decoding.new_tokens > self.length]
        if long:
            raise UserError(
                f"{len(long):,} prompts are too long for {self.trained.path}, which reads {self.length:,} tokens: the "
                f"longest has {max(long):,}, and {decoding.new_tokens:,} are to follow",
                remedy="give fewer examples or shorter texts, ask for fewer tokens, or name a model that reads more",
            )

    def _texts(
        self, prompts: Sequence[str], ids: Sequence[Sequence[int]], width: int, decoding: Decoding
    ) -> list[list[Text]]:
        ends, times = self._ends(decoding.stop), decoding.returns
        if not decoding.temperature:
            return self._found(ids, width, Search(decoding.new_tokens, decoding.beams, times, ends=ends))
        turns = [f"answer {turn} {decoding.seed}" for turn in range(times)]
        states = np.concatenate([row_states(pa.array(prompts, pa.string()), turn) for turn in turns])
        draw = Search(decoding.new_tokens, ends=ends, processors=(_Draw(states, decoding.temperature),))
        made = [best for best, *_ in self._found([*ids] * times, width, draw)]
        return [sorted(made[at :: len(ids)], key=lambda one: -one.score) for at in range(len(ids))]

    def _found(self, ids: Sequence[Sequence[int]], width: int, search: Search) -> list[list[Text]]:
        given = padded(ids, self.trained.pad, width)
        try:
            return texts_behind(self.trained, given | self._read(given, search.beams), search)
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"{len(ids):,} prompts of {width:,} tokens at once are too much for the memory of the GPU",
                remedy=f"--llm-batch {max(self.rows // 2, 1)}",
            ) from error

    @torch.no_grad()
    def _read(self, given: dict[str, torch.Tensor], beams: int) -> dict[str, Any]:
        """What beams share is read once, not for each: all but the last token of the prompts."""
        if beams == 1 or getattr(self.trained.model, "_is_stateful", False):  # Mamba has no such cache
            return {}
        mask = given["attention_mask"][:, :-1].to(self.trained.device)
        takes = inspect.signature(self.trained.model.forward).parameters
        name = "cache" if "cache" in takes else "past_key_values"  # as older transformers call it
        cache = transformers.DynamicCache(config=self.trained.model.config)
        self.trained.model.base_model(
            input_ids=given["input_ids"][:, :-1].to(self.trained.device),
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            use_cache=True,
            **{name: cache},
        )
        cache.batch_repeat_interleave(beams)
        return {name: cache}

    def _ends(self, stop: tuple[str, ...]) -> tuple[int, ...]:
        return _ids_with(self.trained.tokenizer, stop)

    def _answered(self, prompt_tokens: int, texts: Sequence[Text], decoding: Decoding) -> Answered:
        self.trained.check_finite(np.array([one.score for one in texts]), "log-probabilities")
        answers = tuple(Answer(decoding.cut(self.trained.tokenizer.decode(one.ids)), one.score) for one in texts)
        return Answered(answers, prompt_tokens, sum(one.count for one in texts))


@functools.lru_cache(maxsize=16)
def _ids_with(tokenizer: Tokenizer, stop: tuple[str, ...]) -> tuple[int, ...]:
    """Ids of pieces in which one of these stands."""
    pieces = enumerate(tokenizer.piece_texts())
    return tuple(number for number, piece in pieces if piece and any(one in piece for one in stop))


def _width(tokens: int) -> int:
    """What a prompt is filled up to: at most an eighth more, so that there are few widths."""
    step = max(_LEAST_STEP, 1 << max((tokens - 1).bit_length() - 3, 0))
    return -(-tokens // step) * step


class _Draw(transformers.LogitsProcessor):  # type: ignore[misc]
    """Makes the likeliest token one that is drawn (Gumbel's trick), by a state of each row, uint64[rows]: of its prompt
    and the seed, so that it matters not what stands beside it."""

    def __init__(self, states: np.ndarray, temperature: float) -> None:
        self._states, self._temperature, self._step = states, temperature, 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        starts = numbers(self._states, self._step)
        self._step += 1
        drawn = shares(stream(starts, scores.shape[1]).reshape(-1), 0).reshape(scores.shape)
        noise = torch.from_numpy(-np.log(-np.log(np.maximum(drawn, 2.0**-53)))).to(scores.device)
        return scores.double() / self._temperature + noise
