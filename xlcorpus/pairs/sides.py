"""A side of sentence pairs as documents, and what a kernel for documents makes of it as columns of the side.

So a step over documents is one over pairs: what it adds to a document as the column NAME it adds to a pair as src_NAME
and tgt_NAME; `text` of a side is the column src or tgt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from xlcorpus.dataset.columns import put_columns, text_column
from xlcorpus.dataset.result import Result, add_counts

SRC, TGT = SIDES = ("src", "tgt")
_OF_BOTH = ("doc_id", "origin", "source")  # columns of the pair that each side has as well


def is_pairs(schema: pa.Schema) -> bool:
    """Whether rows are sentence pairs, not documents, by their columns alone.

    A mix has a column `text` besides: whether its rows are pairs says its schema (`Execution.reads`, the manifest).
    """
    return "src" in schema.names and "tgt" in schema.names and "text" not in schema.names


def without_text(schema: pa.Schema) -> list[str]:
    """The columns of pairs without the text that a mix has counted, so that `is_pairs` holds of a mix of pairs too."""
    return [name for name in schema.names if name != "text"]


def of_side(side: str, name: str) -> str:
    """The column of a pair that holds what the column `name` of a document holds: `src_lang`, of `text` `src`."""
    return side if name == "text" else f"{side}_{name}"


def side_rows(batch: pa.RecordBatch, side: str) -> pa.RecordBatch:
    """One side (`src` or `tgt`) as documents: doc_id, origin, source, text and each column src_NAME as NAME.

    No column is copied. Raises UserError where there is no such column of text.
    """
    columns = {name: batch.column(name) for name in _OF_BOTH if name in batch.schema.names}
    columns["text"] = text_column(batch, side)
    for name in batch.schema.names:
        inner = name.removeprefix(f"{side}_")
        if inner != name and inner not in columns:
            columns[inner] = batch.column(name)
    return pa.RecordBatch.from_pydict(columns)


def side_schema(schema: pa.Schema, side: str) -> pa.Schema:
    """The columns that `side_rows` gives rows of a schema."""
    none = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
    return side_rows(none, side).schema


def put_side(batch: pa.RecordBatch, side: str, made: pa.RecordBatch) -> pa.RecordBatch:
    """The pairs with what a kernel made of `side_rows`: its columns under the side's names, in their old places, new
    ones at the end; those that it took away go. Raises ValueError unless `made` has the same rows.
    """
    if made.num_rows != batch.num_rows:
        raise ValueError(f"{batch.num_rows} pairs, {made.num_rows} rows of a side")
    before = side_rows(batch, side).schema.names
    gone = {of_side(side, name) for name in before if name not in made.schema.names}
    kept = batch.select([name for name in batch.schema.names if name not in gone])
    names = [name for name in made.schema.names if name not in _OF_BOTH]
    return put_columns(kept, {of_side(side, name): made.column(name) for name in names})


def each_side(
    batch: pa.RecordBatch, kernel: Callable[[pa.RecordBatch], Result], sides: Sequence[str] = SIDES
) -> Result:
    """A kernel for documents that takes none away, applied to both sides, or to these; its counts are added up.

    Raises ValueError where it takes rows away: of a pair both sides stay or go.
    """
    counts: dict[str, object] = {}
    for side in sides:
        made = kernel(side_rows(batch, side))
        if made.decisions is not None or made.rejects is not None:
            raise ValueError("a kernel over the sides of pairs cannot take rows away")
        add_counts(counts, made.counts)
        batch = put_side(batch, side, made.rows)
    return Result(batch, counts=counts)


def side_languages(directions: Mapping[str, int]) -> dict[str, int]:
    """Sides by language, of pairs by direction (`eng_Latn-deu_Latn`), as manifests count them."""
    counts: Counter[str] = Counter()
    for label, rows in directions.items():
        for side in label.split("-"):
            counts[side] += rows
    return dict(counts)
