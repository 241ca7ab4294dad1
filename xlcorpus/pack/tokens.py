"""Token ids of a batch of documents laid end to end, and what a tokenizer must offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
import pyarrow as pa

from xlcorpus.text.ragged import offsets_of


class Tokenizer(Protocol):
    """What packing asks of a tokenizer (`xlcorpus.tokenizer.open_tokenizer` gives one). An id it lacks is None."""

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""

    @property
    def fingerprint(self) -> str:
        """Changes when any text could be encoded differently."""

    @property
    def pad_id(self) -> int | None:
        """Fills rows up in the reader."""

    @property
    def bos_id(self) -> int | None:
        """Begins a text (<s>, [CLS])."""

    @property
    def eos_id(self) -> int | None:
        """Ends a text (</s>, [SEP])."""

    @property
    def unk_id(self) -> int | None:
        """Stands for what has no piece."""

    @property
    def mask_id(self) -> int | None:
        """Hides a token that the model has to find."""

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all texts end to end, int32[n], and offsets into them, int64[rows + 1]; no special ids are added."""

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of these ids."""


@dataclass(frozen=True)
class TokenDocuments:
    """Documents as token ids.

    ids: int32[n], document i is ids[offsets[i]:offsets[i + 1]]; offsets: int64[documents + 1], from 0; doc_ids:
    binary[16][documents]; langs (swh_Latn), scripts and kinds: string[documents], null where not known.
    """

    ids: np.ndarray
    offsets: np.ndarray
    doc_ids: pa.Array
    langs: pa.Array
    scripts: pa.Array
    kinds: pa.Array

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64[documents]: tokens of each."""
        return np.diff(self.offsets)

    def slice(self, start: int, stop: int) -> TokenDocuments:
        """Documents start to stop, without a copy."""
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        columns = (column.slice(start, stop - start) for column in self._columns())
        return TokenDocuments(self.ids[first:last], self.offsets[start : stop + 1] - first, *columns)

    def spans(self, rows: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> TokenDocuments:
        """Document rows[i] cut to its tokens starts[i]:starts[i] + sizes[i], in this order; int64[n] each."""
        taken = pa.array(rows)
        columns = (column.take(taken) for column in self._columns())
        return TokenDocuments(gather(self.ids, self.offsets[rows] + starts, sizes), offsets_of(sizes), *columns)

    def _columns(self) -> tuple[pa.Array, ...]:
        return tuple(getattr(self, field.name) for field in fields(self)[2:])

    @classmethod
    def concat(cls, parts: Sequence[TokenDocuments]) -> TokenDocuments:
        """All documents of the parts (at least one), in order."""
        if len(parts) == 1:
            return parts[0]
        columns = zip(*(part._columns() for part in parts), strict=True)
        return cls(
            np.concatenate([part.ids for part in parts]),
            offsets_of(np.concatenate([part.lengths for part in parts])),
            *(pa.concat_arrays(column) for column in columns),
        )


def gather(values: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """values[starts[i]:starts[i] + sizes[i]] for all i, end to end; starts, sizes: int64[n]."""
    shift = starts - offsets_of(sizes)[:-1]
    where = np.repeat(shift, sizes)
    where += np.arange(len(where))
    return values[where]


def frame(ids: np.ndarray, offsets: np.ndarray, bos: int | None, eos: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Ids (int32) and offsets (int64) with bos before and eos after each document; None adds nothing."""
    added = (bos is not None) + (eos is not None)
    if not added:
        return ids, offsets
    framed_offsets = offsets + added * np.arange(len(offsets))
    framed = np.empty(int(framed_offsets[-1]), dtype=np.int32)
    text = np.ones(len(framed), dtype=bool)
    for special, places in ((bos, framed_offsets[:-1]), (eos, framed_offsets[1:] - 1)):
        if special is not None:
            text[places] = False
            framed[places] = special
    framed[text] = ids
    return framed, framed_offsets
