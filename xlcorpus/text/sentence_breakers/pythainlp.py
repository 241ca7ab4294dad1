"""Thai sentences by PyThaiNLP's conditional random field, trained on TED (extra `thai`). Apache-2.0."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from itertools import accumulate
from typing import Any

from xlcorpus.errors import UserError


class PyThaiNlpBreaker:
    """`pythainlp.tokenize.sent_tokenize` with its engine `crfcut`, whose pieces are the whole text."""

    name = "pythainlp"
    scripts = frozenset(["Thai"])

    @cached_property
    def _sent_tokenize(self) -> Any:
        try:
            import_module("pycrfsuite")
            return import_module("pythainlp.tokenize").sent_tokenize
        except ImportError as error:
            raise UserError(
                f"the sentence breaker pythainlp needs PyThaiNLP and python-crfsuite: {error}",
                remedy="pip install 'xlcorpus[thai]'",
            ) from error

    @property
    def version(self) -> str:
        """As `Breaker`: of both packages."""
        _ = self._sent_tokenize
        return f"{version('pythainlp')}, python-crfsuite {version('python-crfsuite')}"

    def ends(self, text: str) -> list[int]:
        """As `SentenceBreaker`."""
        pieces = self._sent_tokenize(text, engine="crfcut")
        return list(accumulate(map(len, pieces)))[:-1]


BREAKER = PyThaiNlpBreaker()
