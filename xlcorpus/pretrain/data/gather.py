"""Rows of several record batches as one batch, in any order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa


def gather(batches: Sequence[pa.RecordBatch], which: np.ndarray, rows: np.ndarray) -> pa.RecordBatch:
    """Row rows[i] of batches[which[i]], for each i (int64[n] both); the batches have one schema."""
    order = np.argsort(which, kind="stable")
    cuts = np.searchsorted(which[order], np.arange(len(batches) + 1)).tolist()
    sorted_rows, back = rows[order], np.empty_like(order)
    back[order] = np.arange(len(order))
    taken = [pa.array(sorted_rows[start:stop]) for start, stop in pairwise(cuts)]
    columns = [
        _take([batch.column(place) for batch in batches], taken, pa.array(back))
        for place in range(batches[0].num_columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


def _take(columns: Sequence[pa.Array], rows: Sequence[pa.Array], back: pa.Array) -> pa.Array:
    kind = columns[0].type
    # Arrow appends to lists item by item and copies bytes in one go: a list of numbers is taken as its bytes (4 x).
    numbers = pa.types.is_list(kind) and pa.types.is_primitive(kind.value_type) and kind.value_type.bit_width >= 8
    as_bytes = numbers and not any(_nulls(column) for column in columns)
    if as_bytes:
        columns = [_to_bytes(column) for column in columns]
    joined = pa.concat_arrays([column.take(here) for column, here in zip(columns, rows, strict=True)]).take(back)
    return _to_lists(joined, kind) if as_bytes else joined


def _nulls(lists: pa.Array) -> int:
    return lists.null_count + lists.values.null_count


def _to_bytes(lists: pa.Array) -> pa.Array:
    """Lists of numbers without nulls as large_binary; the values are not copied."""
    width = lists.type.value_type.bit_width // 8
    offsets = lists.offsets.to_numpy().astype(np.int64) * width
    values = lists.values
    data = values.buffers()[1]
    data = data.slice(values.offset * width) if data is not None else pa.py_buffer(b"")
    return pa.Array.from_buffers(pa.large_binary(), len(lists), [None, pa.py_buffer(offsets), data])


def _to_lists(bytes_: pa.Array, kind: pa.DataType) -> pa.Array:
    width = kind.value_type.bit_width // 8
    _, offsets, data = bytes_.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[bytes_.offset : bytes_.offset + len(bytes_) + 1] // width
    values = pa.Array.from_buffers(kind.value_type, int(ends[-1]), [None, data])
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values, type=kind)
