"""The languages of both sides of sentence pairs, and how far a model disagrees with those that the input says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import direction, put_columns
from xlcorpus.dataset.result import Result
from xlcorpus.lid.known_languages import DISAGREEMENT, with_disagreement
from xlcorpus.lid.model import LanguageModel
from xlcorpus.pairs.sides import SIDES, each_side, of_side

PAIR_DISAGREEMENT = f"pair_{DISAGREEMENT}"


def identify_pairs(batch: pa.RecordBatch, identify: Callable[[pa.RecordBatch], Result], model: LanguageModel) -> Result:
    """Pairs with what `identify` adds to each side, and its disagreement (`with_disagreement`); counts of both sides.

    identify: documents with `lang` to documents, as `with_known` gives them. pair_lang_disagreement (float32) is the
    greater one; null where neither side has any. `lang`, which pairs of a mix have, stays their direction.
    """

    def of_a_side(texts: pa.RecordBatch) -> Result:
        made = identify(texts)
        return replace(made, rows=with_disagreement(made.rows, model))

    made = each_side(batch, of_a_side)
    names = [of_side(side, DISAGREEMENT) for side in SIDES]
    rows = made.rows
    if set(names) <= set(rows.schema.names):
        rows = put_columns(rows, {PAIR_DISAGREEMENT: pc.max_element_wise(*(rows.column(name) for name in names))})
    if "lang" in rows.schema.names:
        before, now = direction(batch), direction(rows)
        rows = put_columns(rows, {"lang": pc.if_else(pc.equal(before, now), rows.column("lang"), now)})
    return replace(made, rows=rows, counts=made.counts | ({"sides": 2 * batch.num_rows} if made.counts else {}))
