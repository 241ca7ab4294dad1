"""A language model that can be asked, whatever it runs on. No torch, no client of servers here.

Another package adds a back end under the entry-point group `xlcorpus.llms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from xlcorpus.errors import UserError
from xlcorpus.registry import Registry

if TYPE_CHECKING:
    from xlcorpus.mine.options import AskOptions


@dataclass(frozen=True)
class Decoding:
    """How an answer is made; with the prompt and the model's identity it is all that the answer depends on.

    new_tokens: at most; beams, returns: beam search, and how many of its answers are given back (a back end without
    beams draws as many); temperature: 0 takes the likeliest token; stop: the answer ends before the first of these;
    seed: of what is drawn.
    """

    new_tokens: int
    beams: int = 1
    returns: int = 1
    temperature: float = 0.0
    stop: tuple[str, ...] = ("\n",)
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UserError where it asks for more answers than are found, or draws within beams."""
        if self.returns > self.beams and not self.temperature:
            raise UserError(
                f"{self.returns} answers of {self.beams} beams",
                remedy="ask for as many beams, or a temperature above 0",
            )
        if self.beams > 1 and self.temperature:
            raise UserError(f"{self.beams} beams are not drawn", remedy="take one beam, or temperature 0")

    def cut(self, text: str) -> str:
        """The text before the first of `stop`."""
        return text[: min((at for at in map(text.find, self.stop) if at >= 0), default=len(text))]


@dataclass(frozen=True)
class Answer:
    """text: without the prompt, cut at `stop`; score: mean log-probability of its tokens, None where nobody says."""

    text: str
    score: float | None = None


@dataclass(frozen=True)
class Answered:
    """Answers to one prompt, best first; tokens that went in and came out.

    There is none where the model says nothing. refused: it was not even read, though others are; another server of
    this model may read it, so that is kept for the run alone.
    """

    answers: tuple[Answer, ...]
    prompt_tokens: int = 0
    new_tokens: int = 0
    refused: bool = False


class Model(Protocol):
    """A model that is open. An answer depends on prompt and decoding alone, not on what is asked beside it."""

    @property
    def identity(self) -> str:
        """Back end, model and revision (of files: their fingerprint): with the prompt the key of a call. No secrets."""

    @property
    def length(self) -> int | None:
        """Most tokens of prompt and answer together, None where nothing says."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the model counts them, or a bound from above."""

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """(number of the prompt, its answers), as they come; all have come when it ends. Raises UserError, after what
        had come already, where the model cannot be asked any further. None that is too long is cut and answered."""


Ask = Callable[[str, Sequence[str], Decoding], list[Answered]]  # phase, prompts -> answers, in order


@dataclass(frozen=True)
class Backend:
    """A module of `xlcorpus/mine/backends` has one as BACKEND. `--llm NAME:MODEL` chooses it.

    identity: of a model, before it is opened, for fingerprints of runs; open: torch and clients are imported there.
    """

    name: str
    summary: str
    identity: Callable[[str, AskOptions], str]
    open: Callable[[str, AskOptions], Model]


BACKENDS: Registry[Backend] = Registry(
    "back end of language models", "xlcorpus.mine.backends", "BACKEND", "xlcorpus.llms"
)


def backend_of(given: str) -> tuple[Backend, str]:
    """The back end and the model of `--llm NAME:MODEL`; raises UserError."""
    name, colon, model = given.partition(":")
    if not colon or not model:
        raise UserError(
            f"--llm {given!r} does not say how the model is asked", remedy=f"--llm {' or '.join(BACKENDS.names)}:MODEL"
        )
    return BACKENDS.find(name), model
