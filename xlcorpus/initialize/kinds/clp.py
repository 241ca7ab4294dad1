"""CLP-Transfer (Ostendorff and Rehm 2023, methods B11): new rows are means of the kept ones, weighted by how near their
pieces are in a small model of the target language that has the same tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.initialize.initialization import Asked, Initialization, NewRows, counted, mixed_rows
from xlcorpus.initialize.load import load_model
from xlcorpus.lexicon.vecmap import unit
from xlcorpus.options import StepOptions, option

_BLOCK = 256  # wanted rows whose cosines with all kept ones are held at once


class ClpOptions(StepOptions):
    """The small model."""

    files: ClassVar[tuple[str, ...]] = ("helper",)

    helper: str = option(min_length=1, description="folder of a small model, trained with the tokenizer of the shards")


def clp(asked: Asked, options: ClpOptions) -> NewRows:
    """Cosines below 0 count as 0 (the public program lets them subtract, methods E6); weights are divided by their sum.

    A piece that is near to none is drawn. Raises UserError where the helper has another tokenizer, or no row is kept.
    """
    loaded = load_model(options.helper, None, asked.seed, named="start: new_rows: helper:")
    theirs = loaded.tokenizer
    if theirs is not None and theirs.fingerprint != asked.new.fingerprint:
        raise UserError(
            f"helper: {options.helper} has the tokenizer {theirs.fingerprint} ({theirs.vocab_size:,} ids), and the "
            f"shards {asked.new.fingerprint} ({asked.new.vocab_size:,} ids)",
            remedy="train the small model on shards of the same tokenizer",
        )
    table = loaded.model.get_input_embeddings().weight.detach().double().numpy()
    if len(table) < asked.new.vocab_size:
        raise UserError(
            f"helper: {options.helper} has {len(table):,} rows, and the tokenizer {asked.new.vocab_size:,} ids",
            remedy="train the small model on shards of the same tokenizer",
        )
    kept = np.flatnonzero(asked.same >= 0)
    if not len(kept):
        raise UserError("no row is kept that new ones could be mixed of", remedy="new_rows: normal")
    made = counted(*mixed_rows(asked, asked.same[kept], cosine_weights(table[asked.wanted], table[kept])))
    return NewRows(made, (f"mixed of {len(kept):,} kept rows, by a helper of {table.shape[1]} dimensions",))


def cosine_weights(wanted: np.ndarray, kept: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places in wanted and their weights (float64[places, kept]), in blocks."""
    one, other = unit(wanted), unit(kept)
    for start in range(0, len(one), _BLOCK):
        weights = np.maximum(one[start : start + _BLOCK] @ other.T, 0)
        total = weights.sum(axis=1)
        near = total > 0
        yield start + np.flatnonzero(near), weights[near] / total[near, None]


INITIALIZATION = Initialization("clp", ClpOptions, clp)
