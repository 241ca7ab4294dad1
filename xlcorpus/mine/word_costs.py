"""What asking for words would take, from the first documents and the templates alone."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT
from xlcorpus.lexicon.induce import breaker_of
from xlcorpus.lexicon.words import by_frequency, words_in
from xlcorpus.mine.costs import Cost, rough_tokens, texts_in
from xlcorpus.mine.vocabulary import Vocabulary
from xlcorpus.mine.weak import MOST_TOKENS, WeakOptions, unknown_of
from xlcorpus.mine.word_options import WordOptions, languages_of
from xlcorpus.mine.word_prompts import SHOTS_TEMPLATE, word_lines


def cost_of_words(options: WordOptions, inputs: Sequence[Dataset]) -> Cost | None:
    """Each queried word in each round, and as many again that are asked back, which is the most; answers to their end.

    None where there are no documents yet.
    """
    if not inputs:
        return None
    langs = languages_of(options.pair)
    sides = [_first_words(inputs, lang) for lang in langs]
    total = Cost()
    for side, (words, share) in enumerate(sides):
        count, begun = min(options.queries, round(len(words) / share)), bool(options.seed_dictionary)
        ends = langs[side], langs[1 - side]
        bare = _mean_tokens(word_lines(options.template, ends, words))
        shown = _mean_tokens(word_lines(options.shots_template, ends, words, words)) * (options.shots + 1)
        into = count * (shown * (options.rounds + begun) + bare * (not begun))
        calls = count * (options.rounds + 1)
        total += Cost(2 * calls, round(2 * into), 2 * calls * options.beams * options.new_tokens)
    return total


def cost_of_unknown(options: WeakOptions, inputs: Sequence[Dataset], entries: pa.Table | None) -> Cost | None:
    """Each word without an entry, with its examples. entries: None where there is no dictionary yet: then it is as if
    no word had one. None where there are no documents yet."""
    documents = [one for one in inputs if one.manifest.schema_name == DOCUMENT]
    if not documents:
        return None
    pair = options.languages
    if entries is None:
        words, share = _first_words(documents, pair.src)
    else:
        texts, share = texts_in(documents, pair.src)
        words = [*unknown_of(texts, entries)]
    calls = min(options.unknown_words, round(len(words) / share))
    line = _mean_tokens(word_lines(SHOTS_TEMPLATE, (pair.src, pair.tgt), words, words))
    return Cost(calls, round(calls * line * (options.word_examples + 1)), calls * MOST_TOKENS)


def _first_words(inputs: Sequence[Dataset], lang: str) -> tuple[list[str], float]:
    """The words of the first documents, the most frequent first, and how much of all documents that is."""
    texts, share = texts_in(inputs, lang)
    counted = by_frequency([words_in(texts, lang, breaker_of(texts, lang))])
    return [*Vocabulary.of(lang, counted).words], share


def _mean_tokens(lines: Sequence[str]) -> float:
    return float(rough_tokens(pa.array(lines, pa.string())).mean()) if lines else 0.0
