"""Prompts with examples that fit into what a model reads: the farthest are left out, and counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xlcorpus.mine.backend import Decoding, Model

T = TypeVar("T")


@dataclass(frozen=True)
class Fitted:
    """prompts: None where one does not fit even without examples (too_long of them); dropped: examples left out."""

    prompts: list[str | None]
    dropped: int = 0
    too_long: int = 0


def fitting(
    model: Model,
    shots: Sequence[Sequence[T]],
    build: Callable[[int, Sequence[T]], str],
    decoding: Decoding,
    read: Callable[[Sequence[str]], Collection[str]] = lambda prompts: (),
) -> Fitted:
    """Prompts that the model can read with the answer. shots: the examples of each, the nearest first; build: number of
    the prompt and the first ones of its examples -> prompt; read: which of the prompts it is known to have read whole:
    where it has read all of them, it is not so much as asked for its length."""
    whole = [build(number, examples) for number, examples in enumerate(shots)]
    known, prompts = read(whole), list[str | None](whole)
    kept, waiting = [len(examples) for examples in shots], [at for at, one in enumerate(whole) if one not in known]
    if not waiting or model.length is None:
        return Fitted(prompts)
    while waiting:
        counts = model.count_tokens([prompts[number] or "" for number in waiting])
        room = model.length - decoding.new_tokens
        long = [number for number, count in zip(waiting, counts, strict=True) if count > room]
        for number in long:
            kept[number] -= 1
            prompts[number] = build(number, shots[number][: kept[number]]) if kept[number] >= 0 else None
        waiting = [number for number in long if kept[number] >= 0]
    fits = [number for number, prompt in enumerate(prompts) if prompt is not None]
    return Fitted(prompts, sum(len(shots[number]) - kept[number] for number in fits), len(prompts) - len(fits))
