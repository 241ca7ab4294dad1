"""A model that is asked through the client of OpenAI: several requests at once, each sent again while there is hope."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import openai

from xlcorpus.errors import ModelError, UserError, first_line
from xlcorpus.mine.allowance import Allowance, Pace
from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.mine.options import AskOptions

FIRST_WAIT, LONGEST_WAIT, LONGEST_ASKED = 0.5, 8.0, 120.0  # seconds before a request is sent again; at a server's wish
_LONGEST_SAID = 500  # characters of an error that is no message
_AGAIN = (408, 409, 425, 429)  # and all from 500
_OF_A_PROMPT = (400, 403, 413, 422)  # too long, or against the server's rules; but of all, where a field is
_SHORT = "1"  # a prompt that nobody has anything against
_OPTIONAL = ("logprobs", "seed")  # what a server may not know
_MANY, _MOST_TURNS = "n", 1000  # `transformers serve` gives one choice, however many are asked for
_AROUND = 32  # tokens that a chat template puts around a prompt, at most
_LIKE_A_KEY = 6  # characters by which a key that was cut short is known


class _Again(Exception):
    """A request failed, and may not fail the next time. after: seconds that the server wishes."""

    def __init__(self, said: str, after: float | None = None) -> None:
        super().__init__(said)
        self.after = after


class _Refused(Exception):
    """A request is refused, and will be the next time, be it for its prompt or as all are. error: to end with."""

    def __init__(self, error: ModelError) -> None:
        super().__init__(str(error))
        self.error = error


class _OneOfMany(Exception):
    """One choice came where several were asked for."""


@dataclass(frozen=True)
class Served:
    """name: of the model; key: '' where the server wants none; near: it is on this machine, so no proxy is asked."""

    identity: str
    name: str
    url: str
    options: AskOptions
    key: str = field(repr=False)
    near: bool
    _refused: set[str] = field(default_factory=set, repr=False)  # fields that the server does not know

    @property
    def length(self) -> int | None:
        """See Model: --llm-length."""
        return self.options.llm_length

    @cached_property
    def _client(self) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=self.key or "none",
            base_url=self.url,
            timeout=self.options.timeout,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(trust_env=not self.near),
        )

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.options.per_minute)

    @cached_property
    def _allowance(self) -> Allowance:
        return Allowance(self.options.most_tokens)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See Model: bytes, which no tokenizer of bytes or of pieces of text makes more tokens of."""
        return [len(text.encode("utf-8", "surrogatepass")) + _AROUND * self.options.chat for text in texts]

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model. Raises ModelError where the server fails as often as --retries allows, or tokens run out."""
        failed: UserError | None = None
        stopped = threading.Event()
        with ThreadPoolExecutor(self.options.concurrency) as pool:
            asked: dict[Future[Answered], int] = {
                pool.submit(self._answered, prompt, decoding, stopped): number for number, prompt in enumerate(prompts)
            }
            try:
                for future in as_completed(asked):
                    try:
                        answered = future.result()
                    except CancelledError:
                        continue
                    except UserError as error:
                        failed = failed or error
                        stopped.set()
                        for other in asked:
                            other.cancel()
                        continue
                    yield asked[future], answered
            finally:
                stopped.set()
                for other in asked:
                    other.cancel()
        if failed is not None:
            raise failed

    def _answered(self, prompt: str, decoding: Decoding, stopped: threading.Event) -> Answered:
        bound = self.count_tokens([prompt])[0] + decoding.returns * decoding.new_tokens
        said = ""
        for turn in range(self.options.retries + 1):
            self._pace.wait(stopped)
            with self._allowance.taking(bound, stopped) as taken:
                try:
                    answered = self._once_or_refused(prompt, decoding)
                    taken.used = answered.prompt_tokens + answered.new_tokens
                    return answered
                except _Again as error:
                    said, after = str(error), error.after
            if turn < self.options.retries:
                stopped.wait(min(FIRST_WAIT * 2**turn, LONGEST_WAIT) if after is None else min(after, LONGEST_ASKED))
            if stopped.is_set():
                break
        raise self._error(f"fails, asked {turn + 1} times: {said}", "see to the server, and run again with --resume")

    def _once_or_refused(self, prompt: str, decoding: Decoding) -> Answered:
        """Where a request is refused, it is for its prompt if a short one, asked in the same way, is not."""
        try:
            return self._once(prompt, decoding)
        except _Refused as refusal:
            error = refusal.error
        try:
            short = self._once(_SHORT, decoding)
        except _Refused:
            raise error from None
        return Answered((), short.prompt_tokens, short.new_tokens, refused=True)

    def _once(self, prompt: str, decoding: Decoding) -> Answered:
        fields = self._fields(decoding)
        try:
            if _MANY not in self._refused:
                return self._read([self._send(prompt, fields)], decoding)
            turns = range(decoding.returns)
            return self._read(
                [self._send(prompt, fields | self._seed(decoding.seed, turn)) for turn in turns], decoding
            )
        except _OneOfMany:
            self._refused.add(_MANY)
            return self._once(prompt, decoding)
        except openai.APIStatusError as error:
            status, said = error.status_code, f"{error.status_code} {_message(error)}"
            if status in _AGAIN or status >= 500:
                raise _Again(said, _wish(error)) from None
            unknown = [name for name in _OPTIONAL if name in fields and name in said]
            if status in (400, 422) and unknown:
                self._refused.update(unknown)
                return self._once(prompt, decoding)
            remedies = {
                401: f"check the key in the environment variable {self.options.llm_key}",
                403: f"check the key in the environment variable {self.options.llm_key}, and what it may ask",
                404: "check --llm-url, and the name of the model behind openai:",
            }
            remedy = remedies.get(status, "where the prompt is too long for it: --llm-length; else see what it said")
            refusal = self._error(f"refuses a request: {said}", remedy)
            raise (_Refused(refusal) if status in _OF_A_PROMPT else refusal) from None
        except openai.APIConnectionError as error:  # no connection, closed, too slow
            raise _Again(f"{first_line(error)} {first_line(error.__cause__ or error)}") from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise _Again(f"its answer is no completion: {first_line(error)}") from None

    def _fields(self, decoding: Decoding) -> dict[str, Any]:
        drawn = decoding.temperature or (1.0 if decoding.returns > 1 else 0.0)  # a server has no beams
        fields: dict[str, Any] = {
            "model": self.name,
            "max_tokens": decoding.new_tokens,
            "temperature": drawn,
            "seed": decoding.seed,
            **({_MANY: decoding.returns} if decoding.returns > 1 else {}),
            **({"stop": list(decoding.stop)} if decoding.stop else {}),
            "logprobs": True if self.options.chat else 1,
        }
        return {name: value for name, value in fields.items() if name not in self._refused}

    def _send(self, prompt: str, fields: dict[str, Any]) -> Any:
        if self.options.chat:
            return self._client.chat.completions.create(messages=[{"role": "user", "content": prompt}], **fields)
        return self._client.completions.create(prompt=prompt, **fields)

    def _seed(self, seed: int, turn: int) -> dict[str, int]:
        return {} if "seed" in self._refused else {"seed": seed * _MOST_TURNS + turn}

    def _read(self, made: Sequence[Any], decoding: Decoding) -> Answered:
        choices = [choice for one in made for choice in one.choices]
        if len(choices) != decoding.returns:
            if len(choices) == len(made) == 1:
                raise _OneOfMany
            raise _Again(f"{len(choices)} choices came, and {decoding.returns} were asked for")
        answers = [one for one in map(self._answer, choices) if one is not None]
        cut = [Answer(decoding.cut(self._without_key(one.text)), one.score) for one in answers]
        if all(one.score is not None for one in cut):
            cut.sort(key=lambda one: -(one.score or 0.0))
        into, out = (sum(_count(one, name) for one in made) for name in ("prompt_tokens", "completion_tokens"))
        return Answered(tuple(cut), into, out)

    def _answer(self, choice: Any) -> Answer | None:
        if choice.finish_reason == "content_filter":
            return None  # it refuses, and will the next time
        text = choice.message.content if self.options.chat else choice.text
        if not isinstance(text, str):
            raise _Again("a choice without text came")
        given = getattr(choice, "logprobs", None)
        if self.options.chat:
            found = [one.logprob for one in getattr(given, "content", None) or ()]
        else:
            found = [one for one in getattr(given, "token_logprobs", None) or () if one is not None]
        return Answer(text, sum(found) / len(found) if found else None)

    def _error(self, said: str, remedy: str) -> ModelError:
        return ModelError(
            f"the model {self.name} at {urlsplit(self.url).netloc.rpartition('@')[2]} {self._without_key(said)}",
            remedy=remedy,
        )

    def _without_key(self, text: str) -> str:
        """The text without the key, and without what begins as it does (a server may show its begin)."""
        if len(self.key) < _LIKE_A_KEY:
            return text
        return re.sub(re.escape(self.key[:_LIKE_A_KEY]) + r"\S*", "(the key)", text.replace(self.key, "(the key)"))


def _count(made: Any, name: str) -> int:
    found = getattr(getattr(made, "usage", None), name, None)
    return found if isinstance(found, int) else 0


def _message(error: openai.APIStatusError) -> str:
    """What a server says of an error, of whatever form."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return said if isinstance(said, str) else error.response.text.strip()[:_LONGEST_SAID]


def _wish(error: openai.APIStatusError) -> float | None:
    """Seconds of `Retry-After`, in numbers or as a date in HTTP."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(float(headers[name]) / unit, 0.0)
        except (KeyError, ValueError):
            pass
    try:
        from email.utils import parsedate_to_datetime

        return max(parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time(), 0.0)
    except (KeyError, ValueError, TypeError):
        return None
