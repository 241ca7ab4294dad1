"""Row groups held decoded, and rows of several of them as one batch, in any order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.pack.packs import values_of
from xlcorpus.text.ragged import offsets_of


class Held:
    """Lists of numbers are in one array a column, so that rows of 64 groups come by one call.

    One thread may `put` while another gathers from groups that are put, and drops them.
    """

    def __init__(self, groups: int) -> None:
        """groups: to begin with room for so many; what is not used takes no memory."""
        self._room = groups
        self._schema: pa.Schema = None
        self._lists: dict[str, _Lists] = {}
        self._others: dict[int, dict[str, pa.Array]] = {}

    def put(self, group: int, rows: pa.RecordBatch) -> None:
        """Hold the rows of a group that is not held; all groups have one schema."""
        self._schema, others = rows.schema, {}
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            if _is_numbers(column):
                if name not in self._lists:
                    self._lists[name] = _Lists(column.type, self._room)
                self._lists[name].put(group, column)
            else:
                others[name] = column
        self._others[group] = others

    def drop(self, group: int) -> None:
        """Hold it no more; what was gathered of it stays."""
        for name in set(self._schema.names) - set(self._others.pop(group)):
            self._lists[name].drop(group)

    def gather(self, groups: Sequence[int], which: np.ndarray, rows: np.ndarray) -> pa.RecordBatch:
        """Row rows[i] of groups[which[i]], for each i (int64[n] both)."""
        columns = []
        for name in self._schema.names:
            others = [self._others[group].get(name) for group in groups]
            if not any(others):
                columns.append(self._lists[name].gather(groups, which, rows))
                continue
            pairs = zip(groups, others, strict=True)
            arrays = [self._lists[name].of(group) if other is None else other for group, other in pairs]
            firsts = offsets_of(np.array([len(array) for array in arrays]))
            columns.append(pa.concat_arrays(arrays).take(pa.array(firsts[which] + rows)))
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


class _Lists:
    """Lists of numbers: the values of a group are in one row, a slot, of an array that grows.

    Numbers of a decoded group are copied once, while a core's cache has them, and what Arrow decoded into is free for
    the next; taken one by one from 64 arrays, joined and ordered, they would be copied three times (3 ns a token more).
    """

    def __init__(self, kind: pa.DataType, slots: int) -> None:
        self._kind = kind
        self._slots = np.empty((slots, 0), dtype=kind.value_type.to_pandas_dtype())
        self._free = [*range(slots)][::-1]
        self._held: dict[int, tuple[int, np.ndarray]] = {}  # slot, and where each list begins and the last one ends

    def put(self, group: int, lists: pa.Array) -> None:
        values, offsets = values_of(lists)
        if not self._free or len(values) > self._slots.shape[1]:
            self._grow(len(values))
        slot = self._free.pop()
        self._slots[slot, : len(values)] = values
        self._held[group] = slot, offsets

    def drop(self, group: int) -> None:
        self._free.append(self._held.pop(group)[0])

    def of(self, group: int) -> pa.Array:
        slot, offsets = self._held[group]
        return pa.ListArray.from_arrays(
            pa.array(offsets.astype(np.int32)), pa.array(self._slots[slot, : offsets[-1]]), type=self._kind
        )

    def gather(self, groups: Sequence[int], which: np.ndarray, rows: np.ndarray) -> pa.Array:
        slots = self._slots  # the other thread may put a larger one in its place, and leaves this one as it is
        held = [self._held[group] for group in groups]
        # As one array of the bytes of all lists: between two groups is an item that is never taken. Arrow appends to
        # lists item by item and copies bytes in one go (4 x).
        order = np.argsort([slot for slot, _ in held])
        begins = offsets_of(np.array([len(held[place][1]) for place in order.tolist()]))
        firsts = np.empty_like(order)
        firsts[order] = begins[:-1]
        offsets = np.concatenate([held[place][1] + held[place][0] * slots.shape[1] for place in order.tolist()])
        offsets *= slots.itemsize
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(slots)]
        everything = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)
        return _to_lists(everything.take(pa.array(firsts[which] + rows)), self._kind)

    def _grow(self, values: int) -> None:
        """Room for a group of so many values, and one slot at least."""
        slots, width = self._slots.shape
        wanted = slots if self._free else max(2 * slots, 1), width if values <= width else values + values // 4
        larger = np.empty(wanted, dtype=self._slots.dtype)
        larger[:slots, :width] = self._slots
        self._free.extend(range(slots, len(larger)))  # in place: another thread may append to it
        self._slots = larger


def _is_numbers(column: pa.Array) -> bool:
    """Whether it is of lists of numbers without nulls."""
    kind = column.type
    numbers = pa.types.is_list(kind) and (pa.types.is_integer(kind.value_type) or pa.types.is_floating(kind.value_type))
    return numbers and not (column.null_count or column.values.null_count)


def _to_lists(bytes_: pa.Array, kind: pa.DataType) -> pa.Array:
    width = kind.value_type.bit_width // 8
    _, offsets, data = bytes_.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[bytes_.offset : bytes_.offset + len(bytes_) + 1] // width
    values = pa.Array.from_buffers(kind.value_type, int(ends[-1]), [None, data])
    return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), values, type=kind)
