"""Which word breaker datatrove has for a language (`assets/tokenizer_assignment.csv` of version 0.10.1), and where we
must do with another one."""

from __future__ import annotations

import contextlib
import functools
import pkgutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from xlcorpus.quality.datatrove.indic import IndicBreaker
from xlcorpus.quality.datatrove.segmenters import SEGMENTERS, Segmenter, versions_of
from xlcorpus.quality.datatrove.spacy_words import SpacyBreaker
from xlcorpus.quality.datatrove.words import WordBreaker
from xlcorpus.text.labels import names_of, script_of
from xlcorpus.text.properties import writes_spaces

ANY_LANGUAGE = "spacy:xx"
ESTIMATE = "estimate"  # no breaker: signals of words are our own


@dataclass(frozen=True)
class Choice:
    """What finds the words of a language: the name of a breaker or ESTIMATE; why: where it is not datatrove's own."""

    breaker: str
    why: str = ""


@functools.cache
def _assigned() -> tuple[dict[str, str], dict[str, str]]:
    """The breaker of each label: of those that FineWeb-2 has thresholds for, and of others."""
    lines = (pkgutil.get_data("xlcorpus.quality.datatrove", "word_breakers.tsv") or b"").decode().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    published = {label: breaker for breaker, labels, _ in rows for label in labels.split()}
    return published, {label: breaker for breaker, _, labels in rows for label in labels.split()}


@functools.cache
def choose(label: str | None) -> Choice:
    """The breaker for texts with a label (`swh_Latn`, or another name of the language) on this machine."""
    if not label:
        return Choice(ANY_LANGUAGE, "no language")
    # First as FineWeb-2 names the language: a macrolanguage may have another breaker than the member meant by it.
    names = names_of(label)
    assigned = next((table[name] for table in _assigned() for name in names if name in table), None)
    by_spaces = ANY_LANGUAGE if writes_spaces(script_of(label)) else ESTIMATE
    if assigned is None:
        return Choice(by_spaces, "datatrove has no word breaker for it")
    name = assigned.partition(":")[0]
    if name in ("spacy", "indic"):
        return Choice(assigned)
    if name not in SEGMENTERS:
        return Choice(by_spaces, f"datatrove takes {name}, which fetches models from the network")
    if versions_of(name) is not None:
        return Choice(assigned)
    # Kiwi cuts Korean words into morphemes: our estimates are nearer (80 % of decisions) than words (65 %).
    without = ESTIMATE if name == "kiwi" else by_spaces
    return Choice(without, f"{' and '.join(SEGMENTERS[name][0])} would have to be installed")


@functools.cache
def breaker(name: str) -> WordBreaker:
    """The breaker of a name, once a process."""
    kind, _, code = name.partition(":")
    if kind == "spacy":
        return SpacyBreaker(code)
    return IndicBreaker(code) if kind == "indic" else Segmenter(kind)


def versions() -> dict[str, str]:
    """The libraries that find words on this machine, and their versions: other ones may find other words."""
    found: dict[str, str] = {}
    with contextlib.suppress(PackageNotFoundError):
        found["spacy"] = version("spacy")
    for name in SEGMENTERS:
        found |= versions_of(name) or {}
    return found
