"""Retrieval of parallel sentences by a model: by pair of languages and layer, both ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.retrieval import retrieval
from xlcorpus.evaluate.texts import Texts
from xlcorpus.evaluate.vectors import MOST_TOKENS, Sentences, encode, layers_of, vectors
from xlcorpus.options import StepOptions, option
from xlcorpus.text.labels import encode_pairs


class RetrievalOptions(StepOptions):
    """What the vector of a sentence is, and what is near."""

    layers: tuple[int, ...] | None = option(
        None, description="numbers of layers, from the end where negative; default: at two thirds (8 of 12)"
    )
    pooling: Literal["mean", "cls", "last"] = option(
        "mean", description="the vector of a sentence: mean of its tokens, the first token's, or its last token's"
    )
    similarity: Literal["cosine", "dot"] = option("cosine", description="of two vectors")
    csls: int = option(
        0, ge=0, description="neighbours that correct for vectors near to everything; 0: none; usual: 10"
    )
    length: int = option(MOST_TOKENS, ge=8, description="most tokens of a sentence")
    limit: int = option(5_000, ge=2, description="most pairs of two languages, evenly from all")
    batch: int = option(32, ge=1, description="sentences at once")


def retrieve(
    trained: TrainedModel, pairs: Texts, options: RetrievalOptions, say: Callable[[str], None] = print
) -> list[dict[str, Any]]:
    """A row for each pair of languages and layer: src_lang, tgt_lang, layer, pairs, chance (of top_1), what `retrieval`
    gives, and error, the standard error of top_1 (binomial). Raises UserError where no two languages have two pairs."""
    layers = layers_of(trained, options.layers)
    names, of = encode_pairs(*(pairs.table.column(name).combine_chunks() for name in ("src_lang", "tgt_lang")))
    found: list[dict[str, Any]] = []
    cut = lost = 0
    for number, (src, tgt) in sorted(enumerate(names), key=lambda one: one[1]):
        rows = np.flatnonzero(of == number)
        rows = rows[np.arange(min(len(rows), options.limit)) * len(rows) // min(len(rows), options.limit)]
        sides = [_encode(trained, pairs.table.column(name), rows, options) for name in ("src", "tgt")]
        whole = np.logical_and(*(side.text[:, 1] > side.text[:, 0] for side in sides))
        cut, lost = cut + sum(side.cut for side in sides), lost + int((~whole).sum())
        if whole.sum() < 2:
            say(f"{src} - {tgt}: {whole.sum()} pairs, left out: there is nothing to choose from")
            continue
        made = [vectors(trained, side.chosen(whole), layers, options.pooling, options.batch) for side in sides]
        for layer in layers:
            shares = retrieval(made[0][layer], made[1][layer], similarity=options.similarity, csls=options.csls)
            count = int(whole.sum())
            error = math.sqrt(shares["top_1"] * (1 - shares["top_1"]) / count)
            row = {"src_lang": src, "tgt_lang": tgt, "layer": layer, "pairs": count, "chance": 1 / count}
            found.append(row | shares | {"error": error})
    if not found:
        raise UserError("no two languages have two sentence pairs", remedy="give more pairs of the same two languages")
    if cut or lost or pairs.skipped:
        say(
            f"{cut:,} sentences were cut to {options.length} tokens; left out were {lost:,} pairs with a side of no "
            f"token and {pairs.skipped:,} records that are no pairs"
        )
    return found


def _encode(trained: TrainedModel, column: pa.ChunkedArray, rows: np.ndarray, options: RetrievalOptions) -> Sentences:
    return encode(trained, pc.take(column, pa.array(rows)).combine_chunks(), options.length)
