"""Answers that a file holds, for tests and examples: no model at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.mine.backend import Answer, Answered, Backend, Decoding
from xlcorpus.mine.options import AskOptions


@dataclass
class Scripted:
    """answers: by prompt, best first; asked: the prompts that it was asked, in order."""

    answers: dict[str, list[str]]
    identity: str = "scripted"
    length: int | None = None
    asked: list[str] = field(default_factory=list)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words by white space."""
        return [len(text.split()) for text in texts]

    def said(self, prompt: str) -> list[str]:
        """Its answers to a prompt."""
        return self.answers.get(prompt, [])

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model; scores fall by 1 from one answer to the next. Of a prompt that the file lacks there are none."""
        for number, prompt in enumerate(prompts):
            self.asked.append(prompt)
            said = self.said(prompt)[: decoding.returns]
            answers = tuple(Answer(text, -float(place)) for place, text in enumerate(said))
            tokens = sum(self.count_tokens([one.text for one in answers]))
            yield number, Answered(answers, self.count_tokens([prompt])[0], tokens)


def _identity(model: str, options: AskOptions) -> str:
    return json.dumps({"backend": "scripted", "answers": storage.fingerprint_of_file(model)})


def _open(model: str, options: AskOptions) -> Scripted:
    answers: dict[str, list[str]] = {}
    for number, line in enumerate(storage.read_text(storage.locate(model)).splitlines(), 1):
        try:
            said = json.loads(line)
            answers[said["prompt"]] = [str(one) for one in said["answers"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{model}: line {number} is no scripted answer",
                remedy='write {"prompt": "...", "answers": ["...", "..."]}',
            ) from error
    return Scripted(answers, _identity(model, options))


BACKEND = Backend("scripted", "answers in a JSON Lines file, for tests", _identity, _open)
