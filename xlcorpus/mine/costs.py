"""What asking would take, before anything is asked: calls, tokens, and a price where one is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.dataset import Dataset, read_batches
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.sentences import own_sentences
from xlcorpus.text.codepoints import byte_lengths

_LOOKED_AT = 500  # documents whose sentences are counted
_ASCII_A_TOKEN, _OTHER_BYTES_A_TOKEN = 4.0, 2.0  # roughly, of tokenizers with 30,000 to 250,000 pieces


@dataclass(frozen=True)
class Cost:
    """Calls, and tokens of all prompts and of all answers."""

    calls: int
    prompt_tokens: int
    new_tokens: int

    def lines(self, options: AskOptions) -> list[str]:
        """For `--plan`: the sum, and its price by --price."""
        said = (
            f"{options.llm}: about {self.calls:,} calls, {self.prompt_tokens:,} tokens in and {self.new_tokens:,} out; "
            "what --calls knows is not asked"
        )
        if options.prices is None:
            return [said]
        into, out = options.prices
        sum_of = (self.prompt_tokens * into + self.new_tokens * out) / 1e6
        return [said, f"at --price {options.price} a million: about {sum_of:,.2f}"]


def rough_tokens(texts: pa.Array) -> np.ndarray:
    """float64[rows]: about how many tokens texts are, without a tokenizer: a letter beyond ASCII is more than one of
    four in a token."""
    every = byte_lengths(texts).astype(np.float64)
    ascii_only = byte_lengths(pc.replace_substring_regex(texts, r"[^\x00-\x7f]", ""))
    return ascii_only / _ASCII_A_TOKEN + (every - ascii_only) / _OTHER_BYTES_A_TOKEN


def sentences_in(inputs: Sequence[Dataset], lang: str, breaker: str | None) -> tuple[int, float]:
    """About how many sentences documents in a language have, from the first of them, and tokens of one."""
    rows = looked = found = 0
    tokens = 0.0
    for dataset in inputs:
        rows += dataset.manifest.rows
        here = 0
        for batch in (one for shard in dataset.shards for one in read_batches(shard, ["text", "lang"])):
            if here >= _LOOKED_AT:
                break
            batch = batch.slice(0, _LOOKED_AT - here)
            here += batch.num_rows
            texts = own_sentences(batch, lang, breaker).found.texts
            found += len(texts)
            tokens += float(rough_tokens(texts).sum())
        looked += here
    return round(found * rows / looked) if looked else 0, tokens / found if found else 0.0
