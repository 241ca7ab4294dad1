"""Sentences translated word by word with a dictionary: bad text in the other language beside good text in this one.

They are demonstrations the other way round, from poor text to fluent text (El Mekki and Abdul-Mageed 2025). Words are
found and replaced as `codeswitch` does it: nothing stays that has an entry.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.unknown import unknown_words
from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.entries import one_array
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.mine.backend import Ask, Decoding
from xlcorpus.mine.entries import single_words
from xlcorpus.mine.language_pair import PAIR_HELP, LanguagePair
from xlcorpus.mine.natural import Failed, pair_rows
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.word_prompts import opened_lines, word_lines
from xlcorpus.options import option

STEP_NAME = "mine-weak"
FEW_TRANSLATED = "few_words_translated"  # reason of a decision
_ENTRY = ("src", "tgt", "src_lang", "tgt_lang")
MOST_TOKENS = 12  # of an answer: a word


class WeakOptions(AskOptions):
    """Options of mine-weak."""

    files: ClassVar[tuple[str, ...]] = (*AskOptions.files, "dictionary")
    pair: str = option(description=PAIR_HELP)
    llm: str = option("", only={"unknown": ["ask"]}, description="who is asked, BACKEND:MODEL")
    dictionary: list[str] = option(
        [], description="dictionary file (as codeswitch reads it), beside datasets of mined words among the inputs"
    )
    sentences: int = option(5000, ge=1, description="most sentences, those with the smallest hashes")
    least_translated: float = option(
        0.5, ge=0, le=1, description="least share of a sentence's words that are translated; of others none is made"
    )
    unknown: Literal["copy", "ask"] = option("copy", description="words without an entry: copied, or a model is asked")
    word_examples: int = option(
        10, ge=1, only={"unknown": ["ask"]}, description="entries in the prompt for a word, those with the best scores"
    )
    unknown_words: int = option(
        5000, ge=1, only={"unknown": ["ask"]}, description="most words that are asked for, the most frequent ones"
    )
    sentence_breaker: str | None = option(None, description="library that finds more sentences: pythainlp (Thai)")

    @property
    def languages(self) -> LanguagePair:
        """Both languages; raises UserError."""
        return LanguagePair.parse(self.pair)


def index_of(entries: pa.Table) -> LexiconIndex:
    """The best entry of each word."""
    return build_index(*(one_array(entries[name]) for name in _ENTRY), candidates=1)


@dataclass(frozen=True)
class Translated:
    """texts: string[n], word by word; shares: float64[n], of the words that were replaced."""

    texts: pa.Array
    shares: np.ndarray


def translate_words(texts: pa.Array, index: LexiconIndex, pair: LanguagePair) -> Translated:
    """Each word of string[n] by its entry; others stay as they are."""
    number, count = pa.array(np.arange(len(texts))), len(texts)
    rows = pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([f"{one:016d}".encode() for one in range(count)], pa.binary(16)),
            "text": texts,
            "lang": pa.array([pair.src] * count, pa.string()),
            "origin": pa.nulls(count, pa.struct([("file", pa.string()), ("offset", pa.int64())])),
            "number": number,
        }
    )
    made = switch_words(rows, index, CodeswitchOptions(ratio=1.0, candidates=1)).rows
    at = made.column("number").to_numpy()
    shares = np.zeros(count)
    shares[at] = made.column("cs_ratio").to_numpy()
    place = np.full(count, -1, dtype=np.int64)
    place[at] = np.arange(len(at))
    switched = text_or_empty(made, "cs_source").take(pa.array(place, mask=place < 0))
    return Translated(pc.coalesce(switched, texts.cast(pa.string())), shares)


def ask_words(
    texts: pa.Array, entries: pa.Table, options: WeakOptions, ask: Ask, template: str
) -> tuple[pa.Table, dict[str, int]]:
    """The entries with those that a model gives for words without any, and how many were asked for and answered.

    template: a line for a word, as of `word_prompts`. The prompt has a line for each of the best entries, and that of
    the word up to its answer. Of an answer the first word counts.
    """
    pair, counted = options.languages, unknown_of(texts, entries)
    words = [word for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[: options.unknown_words]]
    langs, best = (pair.src, pair.tgt), _best(entries, options.word_examples)
    lines = word_lines(template, langs, [src for src, _ in best], [tgt for _, tgt in best])
    prompts = ["\n".join([*lines, opened]) for opened in opened_lines(template, langs, words)]
    found = {
        word: answer
        for word, answered in zip(words, ask("unknown", prompts, Decoding(new_tokens=MOST_TOKENS)), strict=True)
        for answer in ([] if not answered.answers else [_first_word(answered.answers[0].text)])
        if answer
    }
    more = {
        "src": pa.array(found.keys(), pa.string()),
        "tgt": pa.array(found.values(), pa.string()),
        "src_lang": pa.array([pair.src] * len(found), pa.string()),
        "tgt_lang": pa.array([pair.tgt] * len(found), pa.string()),
    }
    table = pa.concat_tables([entries.select(_ENTRY), pa.table(more)])
    return table, {"different": len(counted), "asked": len(words), "answered": len(found)}


def unknown_of(texts: pa.Array, entries: pa.Table) -> Counter[str]:
    """How often each word of texts occurs that has no entry."""
    return unknown_words(texts, 0, index_of(entries))


def _best(entries: pa.Table, count: int) -> list[tuple[str, str]]:
    """Entries of one word on both sides with the best scores; without scores, the first ones."""
    table = single_words(entries)
    scores = pc.fill_null(table["score"], -np.inf).to_numpy() if "score" in table.column_names else np.zeros(len(table))
    order = np.argsort(-scores, kind="stable")[:count]
    return [(row["src"], row["tgt"]) for row in table.select(["src", "tgt"]).take(pa.array(order)).to_pylist()]


def _first_word(answer: str) -> str:
    words = answer.partition(".")[0].split()
    return words[0].strip("'\"“”‘’«»,;:!?()") if words else ""


def weak_rows(natural: pa.Table, made: Translated, options: WeakOptions) -> tuple[pa.Table, list[Failed]]:
    """Pairs of weak text and the sentence it was made of (schema pair-1, with `of`), and the sentences with too few
    words translated."""
    pair, enough = options.languages, made.shares >= options.least_translated
    of = np.flatnonzero(enough)
    rows = pair_rows(
        natural,
        of,
        src=made.texts.take(pa.array(of)),
        tgt=natural["text"].take(pa.array(of)),
        langs=(pair.tgt, pair.src),
        purpose=f"{STEP_NAME}/{pair}",
        translated=pa.array(made.shares[of].astype(np.float32)),
    )
    failed = [
        Failed(number, FEW_TRANSLATED, float(made.shares[number]), options.least_translated)
        for number in np.flatnonzero(~enough).tolist()
    ]
    return rows, failed
