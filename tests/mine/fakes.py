"""A language model that knows a dictionary and how a prompt ends, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from xlcorpus.mine import questions
from xlcorpus.mine.backend import Answer, Answered, Backend, Decoding


@dataclass
class WordByWord:
    """Translates the last line but one of a prompt, `Swahili: ...`, word by word; of a text in `silent` it says
    nothing, of one in `said` what is there."""

    words: Mapping[str, str]
    said: Mapping[str, str] = field(default_factory=dict)
    identity: str = "word by word"
    length: int | None = None
    asked: list[str] = field(default_factory=list)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words by white space."""
        return [len(text.split()) for text in texts]

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        for number, prompt in enumerate(prompts):
            self.asked.append(prompt)
            text = prompt.splitlines()[-2].partition(": ")[2]
            answer = self.said.get(
                text, " ".join(self.words.get(word.strip(".").lower(), word) for word in text.split())
            )
            answers = (Answer(answer, -1.0),) if answer else ()
            yield number, Answered(answers, len(prompt.split()), len(answer.split()))


def put_model(patch: pytest.MonkeyPatch, model: WordByWord) -> None:
    """Let every `--llm` be this model, in this process."""
    backend = Backend("fake", "", lambda name, options: model.identity, lambda name, options: model)  # type: ignore[arg-type,return-value]
    patch.setattr(questions, "backend_of", lambda given: (backend, given))
    questions._open.cache_clear()
    questions.calls_in.cache_clear()
    patch.setattr(questions, "_open", functools.lru_cache(lambda options, run: model))
