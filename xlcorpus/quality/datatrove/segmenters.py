"""Words as other libraries find them, one text at a time: dictionaries and models for scripts without spaces.

They are used where they are installed. Each is called as datatrove calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import pyarrow as pa
import regex

from xlcorpus.quality.datatrove.words import Words, words_of

Segment: TypeAlias = Callable[[str], list[str]]

_SUDACHI_BYTES = 40_000  # it takes no more at once
_LONG_NUMBER = regex.compile("[0-9,]{20,}")  # Kiwi stumbles over them


def _jieba() -> Segment:
    jieba = import_module("jieba")
    jieba.setLogLevel("WARNING")
    return lambda text: list(jieba.cut(text, cut_all=False))


def _pyvi() -> Segment:
    tokenize = import_module("pyvi.ViTokenizer").ViTokenizer.spacy_tokenize
    return lambda text: list(tokenize(text)[0]) if text.strip() else []


def _sudachi() -> Segment:
    sudachipy = import_module("sudachipy")
    tokenizer = sudachipy.Dictionary().create(mode=sudachipy.SplitMode.A)
    return lambda text: [one.surface() for part in _parts(text) for one in tokenizer.tokenize(part)]


def _parts(text: str) -> Iterator[str]:
    """Consecutive parts of at most 40,000 bytes."""
    whole = text.encode()
    start = 0
    while start < len(whole):
        part = whole[start : start + _SUDACHI_BYTES].decode(errors="ignore")
        yield part
        start += len(part.encode())


def _pythainlp() -> Segment:
    tokenize = import_module("pythainlp.tokenize").word_tokenize
    return lambda text: tokenize(text, keep_whitespace=False, engine="newmm-safe")


def _khmernltk() -> Segment:
    tokenize = import_module("khmernltk").word_tokenize
    return lambda text: tokenize(text, return_tokens=True)


def _laonlp() -> Segment:
    return import_module("laonlp.tokenize").word_tokenize


def _pyidaungsu() -> Segment:
    tokenize = import_module("pyidaungsu").tokenize
    return lambda text: tokenize(text, form="word")


def _kiwi() -> Segment:
    kiwi = import_module("kiwipiepy").Kiwi(model_type="sbg")

    def segment(text: str) -> list[str]:
        return [text[one.start : one.end] for one in kiwi.tokenize(_LONG_NUMBER.sub("", text))]

    return segment


# name: what to install, and how to begin.
SEGMENTERS: dict[str, tuple[tuple[str, ...], Callable[[], Segment]]] = {
    "jieba": (("jieba",), _jieba),
    "khmernltk": (("khmer-nltk",), _khmernltk),
    "kiwi": (("kiwipiepy",), _kiwi),
    "laonlp": (("laonlp",), _laonlp),
    "pyidaungsu": (("pyidaungsu-numpy2",), _pyidaungsu),
    "pythainlp": (("pythainlp",), _pythainlp),
    "pyvi": (("pyvi",), _pyvi),
    "sudachi": (("sudachipy", "sudachidict_core"), _sudachi),
}


def versions_of(name: str) -> dict[str, str] | None:
    """Versions of the packages of a segmenter; None where one is not installed."""
    try:
        return {package: version(package) for package in SEGMENTERS[name][0]}
    except PackageNotFoundError:
        return None


class Segmenter:
    """The words of a library."""

    def __init__(self, name: str) -> None:
        self.name = name

    @functools.cached_property
    def _segment(self) -> Any:
        return SEGMENTERS[self.name][1]()

    def words(self, texts: pa.Array) -> Words:
        """The words of each text; one call of the library a text."""
        return words_of([self._segment(text or "") for text in texts.to_pylist()])
