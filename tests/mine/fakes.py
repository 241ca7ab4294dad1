"""A language model that knows a dictionary and how a prompt ends, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import pytest

from xlcorpus.mine import questions
from xlcorpus.mine.backend import Backend
from xlcorpus.mine.backends.scripted import Scripted


class WordByWord(Scripted):
    """Translates the last line but one of a prompt, `Swahili: ...`, word by word; of a text in `given` it says what
    is there."""

    def __init__(
        self, words: Mapping[str, str], given: Mapping[str, str] | None = None, length: int | None = None
    ) -> None:
        super().__init__({}, "word by word", length)
        self.words, self.given = words, given or {}

    def said(self, prompt: str) -> list[str]:
        """See Scripted."""
        text = prompt.splitlines()[-2].partition(": ")[2]
        answer = self.given.get(text, " ".join(self.words.get(word.strip(".").lower(), word) for word in text.split()))
        return [answer] if answer else []


def put_model(patch: pytest.MonkeyPatch, model: WordByWord) -> None:
    """Let every `--llm` be this model, in this process."""
    backend = Backend("fake", "", lambda name, options: model.identity, lambda name, options: model)  # type: ignore[arg-type,return-value]
    patch.setattr(questions, "backend_of", lambda given: (backend, given))
    questions._open.cache_clear()
    questions.calls_in.cache_clear()
    patch.setattr(questions, "_open", functools.lru_cache(lambda options, run: model))
