"""Retrieval of parallel sentences by a model: by pair of languages and layer, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, some_of_each
from xlcorpus.evaluate.vectors import Sentences, encode, layers_of, vectors
from xlcorpus.text.labels import encode_pairs


def retrieve(
    trained: TrainedModel, pairs: Texts, options: EvaluateOptions, say: Callable[[str], None] = print
) -> list[dict[str, Any]]:
    """A row for each pair of languages and layer: src_lang, tgt_lang, layer, pairs, chance (of top_1), what `retrieval`
    gives. Raises UserError where no two languages have two pairs."""
    layers = layers_of(trained, options.layers)
    table = some_of_each(pairs.table, options.pairs)
    names, of = encode_pairs(*(table.column(name).combine_chunks() for name in ("src_lang", "tgt_lang")))
    found: list[dict[str, Any]] = []
    cut = lost = 0
    for number, (src, tgt) in sorted(enumerate(names), key=lambda one: one[1]):
        rows = np.flatnonzero(of == number)
        sides = [_encode(trained, table.column(name), rows, options) for name in ("src", "tgt")]
        whole = np.logical_and(*(side.text[:, 1] > side.text[:, 0] for side in sides))
        cut, lost = cut + sum(side.cut for side in sides), lost + int((~whole).sum())
        if whole.sum() < 2:
            say(f"{src} - {tgt}: {whole.sum()} pairs, left out: there is nothing to choose from")
            continue
        made = [
            vectors(trained, side.chosen(whole), layers, options.pooling, options.batch, [lang] * int(whole.sum()))
            for side, lang in zip(sides, (src, tgt), strict=True)
        ]
        for layer in layers:
            shares = retrieval(made[0][layer], made[1][layer], similarity=options.similarity, csls=options.csls)
            count = int(whole.sum())
            row = {"src_lang": src, "tgt_lang": tgt, "layer": layer, "pairs": count, "chance": 1 / count}
            found.append(row | shares)
    if not found:
        raise UserError(
            f"{pairs.given} has no two sentence pairs of the same two languages, so there is nothing to choose from",
            remedy="name a file with more, or say what languages all of its pairs are: --src-lang and --tgt-lang",
        )
    most = min(options.sentence_tokens, trained.length or options.sentence_tokens)
    for number, what in (
        (cut, f"sentences were cut to the {most} tokens that fit"),
        (lost, "pairs with a side without tokens were left out"),
        (pairs.skipped, "records are no sentence pairs (a side is empty, or damaged), and were left out"),
    ):
        if number:
            say(f"{number:,} {what}")
    return found


def _encode(trained: TrainedModel, column: pa.ChunkedArray, rows: np.ndarray, options: EvaluateOptions) -> Sentences:
    return encode(trained, pc.take(column, pa.array(rows)).combine_chunks(), options.sentence_tokens)
