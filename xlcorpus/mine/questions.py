"""Prompts of a phase, asked in blocks that workers share; a killed run asks only what is missing.

The answers go through files (`calls.py`), never through a shuffle, and the model is opened once a process.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.layout import CALLS_FILE
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.dataset.workspace import Task
from xlcorpus.mine.backend import Answered, Decoding, Model, backend_of
from xlcorpus.mine.calls import Calls, Spent, keys_of, write_calls
from xlcorpus.mine.fitting import Fitted, fitting
from xlcorpus.mine.options import AskOptions

T = TypeVar("T")
BLOCK = 512  # prompts of a task
Each = Callable[[str, Sequence[Task[Any]], Any], list[Any]]  # `Execution.each`


@dataclass(frozen=True)
class Range:
    """Prompts first to end of a file."""

    file: Location
    first: int
    end: int


@dataclass(frozen=True)
class AskBlock:
    """Ask the prompts of a block that have no answer yet, and keep what is said."""

    options: AskOptions
    folder: Location
    refused: Location
    decoding: Decoding
    run: str

    def __call__(self, number: int, prompts: Range) -> Spent:
        """What it took."""
        texts = read_beside(prompts.file).column("prompt")[prompts.first : prompts.end].to_pylist()
        return calls_in(self.folder, self.refused).ask(Unopened(self.options, self.run), texts, self.decoding)[1]


@dataclass(frozen=True)
class Unopened:
    """A model that is opened when something is asked of it, so not where every answer is known."""

    options: AskOptions
    run: str

    @property
    def identity(self) -> str:
        """See Model."""
        return identity_of(self.options)

    @property
    def length(self) -> int | None:
        """See Model."""
        return open_model(self.options, self.run).length

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See Model."""
        return open_model(self.options, self.run).count_tokens(texts)

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        return open_model(self.options, self.run).generate(prompts, decoding)


@dataclass
class Questions:
    """Prompts of a step, phase after phase. each: `Execution.each`; scratch: a folder of this run.

    spent: calls and tokens so far; what was asked by an earlier, killed run of the same output counts as asked.
    """

    each: Each
    options: AskOptions
    scratch: Location
    spent: Spent = field(default_factory=Spent)
    _keys: dict[bytes, None] = field(default_factory=dict)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex)  # tokens of --most-tokens are counted by run

    @property
    def folder(self) -> Location:
        """Where new answers are kept: --calls, or a folder of this run."""
        return locate(self.options.calls) if self.options.calls else self.scratch / "calls"

    @property
    def _refused(self) -> Location:
        return self.scratch / "refused"

    @property
    def _calls(self) -> Calls:
        return calls_in(self.folder, self._refused)

    def ask(self, phase: str, prompts: Sequence[str], decoding: Decoding) -> list[Answered]:
        """Answers to prompts, in order; equal ones are asked once. Raises UserError of the model."""
        distinct = list(dict.fromkeys(prompts))
        if not distinct:
            return []
        file = self.scratch / f"{phase}.prompts"
        write_beside(file, pa.RecordBatch.from_pydict({"prompt": pa.array(distinct, pa.string())}))
        tasks = [
            Task(number, len(block), Range(file, first, first + len(block)))
            for number, first in enumerate(range(0, len(distinct), BLOCK))
            for block in (distinct[first : first + BLOCK],)
        ]
        block = AskBlock(self.options, self.folder, self._refused, decoding, self._run)
        for spent in self.each(phase, tasks, block):
            self.spent += spent
        keys = keys_of(identity_of(self.options), decoding, prompts)
        self._keys.update(dict.fromkeys(keys))
        known = self._calls.find(keys)
        return [known[key] for key in keys]

    def fit(self, shots: Sequence[Sequence[T]], build: Callable[[int, Sequence[T]], str], decoding: Decoding) -> Fitted:
        """See `fitting`. A prompt that has an answer was read whole, as a model refuses one that is too long; but what
        --llm-length allows may have changed since."""

        def read(prompts: Sequence[str]) -> set[str]:
            if self.options.llm_length is not None:
                return set()
            keys = keys_of(identity_of(self.options), decoding, prompts)
            known = self._calls.find(keys)
            return {
                prompt for key, prompt in zip(keys, prompts, strict=True) if key in known and not known[key].refused
            }

        return fitting(Unopened(self.options, self._run), shots, build, decoding, read)

    def keep(self, output: Location) -> None:
        """Leave the calls that this run needed beside the rows of its dataset, by key."""
        write_calls(self._calls.table(self._keys), output / CALLS_FILE)


@functools.lru_cache(maxsize=4)
def calls_in(folder: Location, refused: Location) -> Calls:
    """The answers in a folder, and what was refused, whose files a process reads once."""
    return Calls(folder, refused)


def identity_of(options: AskOptions) -> str:
    """What the model is, without opening it; raises UserError."""
    backend, model = backend_of(options.llm)
    return backend.identity(model, options)


def open_model(options: AskOptions, run: str = "") -> Model:
    """The model of these options, once a process, and once a run that has --most-tokens; raises UserError."""
    return _open(options.part(AskOptions), run if options.most_tokens else "")


@functools.lru_cache(maxsize=1)
def _open(options: AskOptions, run: str) -> Model:
    backend, model = backend_of(options.llm)
    return backend.open(model, options)
