"""What asking would take, before anything is asked, and what it took: calls, tokens, a price where one is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.dataset.dataset import Dataset, read_batches
from xlcorpus.mine.calls import Spent
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.sentences import own_sentences
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.text.labels import in_language
from xlcorpus.text.tables import table_lines

_LOOKED_AT = 500  # documents whose sentences and words are counted, rows whose prompts are
_READ = ("text", "lang")
_NO_TEXTS = pa.array([], pa.string())
_ASCII_A_TOKEN, _OTHER_BYTES_A_TOKEN = 4.0, 2.0  # roughly, of tokenizers with 30,000 to 250,000 pieces


@dataclass(frozen=True)
class Cost:
    """Calls, and tokens of all prompts and of all answers."""

    calls: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0

    def __add__(self, more: Cost) -> Cost:
        """Both together."""
        return Cost(self.calls + more.calls, self.prompt_tokens + more.prompt_tokens, self.new_tokens + more.new_tokens)

    def lines(self, options: AskOptions) -> list[str]:
        """For `--plan`: the sum, and its price by --price."""
        said = [f"{options.llm}: {self}; what --calls knows is not asked"]
        if options.prices is None:
            return said
        return [*said, f"at --price {options.price} a million: about {self.price(options.prices):,.2f}"]

    def price(self, prices: tuple[float, float]) -> float:
        """By prices of a million tokens, in and out."""
        return price_of(self.prompt_tokens, self.new_tokens, prices)

    def __str__(self) -> str:
        return f"about {self.calls:,} calls, {self.prompt_tokens:,} tokens in and {self.new_tokens:,} out"


def price_of(into: int, out: int, prices: tuple[float, float]) -> float:
    """Of tokens in and out, by prices of a million of them."""
    return (into * prices[0] + out * prices[1]) / 1e6


def sum_lines(costs: Sequence[tuple[Cost, AskOptions]]) -> list[str]:
    """For `--plan` of several steps that ask: all of them together, with the price of those that have one."""
    every = sum((cost for cost, _ in costs), Cost())
    prices = [cost.price(options.prices) for cost, options in costs if options.prices is not None]
    return [f"together: {every}" + (f", for about {sum(prices):,.2f}" if prices else "")]


def spent_lines(steps: Sequence[tuple[str, Spent, tuple[float, float] | None]]) -> list[str]:
    """For the end of a run: name of a dataset, what its model was asked, prices of a million tokens; a table, with a
    sum of several. Tokens and price are of the calls that were asked now."""
    if not steps:
        return []
    priced = any(prices is not None for _, _, prices in steps)
    rows = [["language model", "calls", "known", "asked", "tokens in", "tokens out", *(["price"] if priced else [])]]
    prices = [price_of(one.asked_prompt_tokens, one.asked_new_tokens, given or (0, 0)) for _, one, given in steps]
    made = [(name, one, price) for (name, one, _), price in zip(steps, prices, strict=True)]
    if len(steps) > 1:
        made.append(("all", sum((one for _, one, _ in steps), Spent()), sum(prices)))
    for name, one, price in made:
        figures = one.calls, one.calls - one.asked, one.asked, one.asked_prompt_tokens, one.asked_new_tokens
        rows.append([name, *(f"{figure:,}" for figure in figures), *([f"{price:,.2f}"] if priced else [])])
    return table_lines(rows, right=range(1, len(rows[0])))


def rough_tokens(texts: pa.Array) -> np.ndarray:
    """float64[rows]: about how many tokens texts are, without a tokenizer: a letter beyond ASCII is more than one of
    four in a token."""
    every = byte_lengths(texts).astype(np.float64)
    ascii_only = byte_lengths(pc.replace_substring_regex(texts, r"[^\x00-\x7f]", ""))
    return ascii_only / _ASCII_A_TOKEN + (every - ascii_only) / _OTHER_BYTES_A_TOKEN


def sentences_in(inputs: Sequence[Dataset], lang: str, breaker: str | None) -> tuple[int, float]:
    """About how many sentences documents in a language have, from the first of them, and tokens of one."""
    batches = _first_batches(inputs)
    texts = pa.concat_arrays([_NO_TEXTS, *(own_sentences(one, lang, breaker).found.texts for one in batches)])
    found = len(texts)
    return round(found / _share(inputs, batches)), float(rough_tokens(texts).sum()) / found if found else 0.0


def texts_in(inputs: Sequence[Dataset], lang: str) -> tuple[pa.Array, float]:
    """string[n]: of the first documents those in a language; and how much of all documents was looked at."""
    batches = _first_batches(inputs)
    texts = [
        text_or_empty(one, "text").filter(pa.array(in_language(text_or_empty(one, "lang"), lang))) for one in batches
    ]
    return pa.concat_arrays([_NO_TEXTS, *texts]), _share(inputs, batches)


def _first_batches(inputs: Sequence[Dataset]) -> list[pa.RecordBatch]:
    return [batch for dataset in inputs for batch in first_rows(dataset, lambda _: _READ)]


def first_rows(dataset: Dataset, wanted: Callable[[Sequence[str]], Sequence[str]]) -> Iterator[pa.RecordBatch]:
    """The first 500 rows of a dataset. wanted: of the columns of a shard those that are read."""
    left = _LOOKED_AT
    for batch in (one for shard in dataset.shards for one in read_batches(shard, wanted(shard.columns))):
        yield batch.slice(0, left)
        left -= min(batch.num_rows, left)
        if not left:
            return


def _share(inputs: Sequence[Dataset], looked_at: Sequence[pa.RecordBatch]) -> float:
    rows = sum(dataset.manifest.rows for dataset in inputs)
    return sum(batch.num_rows for batch in looked_at) / rows if rows else 1.0
