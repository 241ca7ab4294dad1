"""Token ids of documents laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from xlcorpus.text.ragged import copy_spans, offsets_of


@dataclass(frozen=True)
class TokenDocuments:
    """Documents as token ids.

    ids: int32[n], document i is ids[offsets[i]:offsets[i + 1]]; offsets: int64[documents + 1], from 0; doc_ids:
    binary[16][documents]; langs (swh_Latn), scripts, kinds and sources: string[documents], null where not known;
    epochs: int32[documents], how often each was used before; text_bytes: int64[documents], of its text in UTF-8; rows:
    int64[documents], where its kept columns stand (`kept.ROW`), None: none are kept; trained: bool[n], the tokens
    where the loss counts, None: all of them.
    """

    ids: np.ndarray
    offsets: np.ndarray
    doc_ids: pa.Array
    langs: pa.Array
    scripts: pa.Array
    kinds: pa.Array
    sources: pa.Array
    epochs: pa.Array
    text_bytes: pa.Array
    rows: pa.Array | None = None
    trained: np.ndarray | None = None

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
        trained = None if self.trained is None else self.trained[first:last]
        return replace(
            TokenDocuments(self.ids[first:last], self.offsets[start : stop + 1] - first, *columns), trained=trained
        )

    def spans(self, rows: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> TokenDocuments:
        """Document rows[i] cut to its tokens starts[i]:starts[i] + sizes[i], in this order; int64[n] each, no token of
        two."""
        taken = pa.array(rows)
        columns = (column.take(taken) for column in self._columns())
        begins = self.offsets[rows] + starts
        taken_tokens = TokenDocuments(copy_spans(self.ids, begins, sizes), offsets_of(sizes), *columns)
        if self.trained is None:
            return taken_tokens
        return replace(taken_tokens, trained=copy_spans(self.trained, begins, sizes))

    def _columns(self) -> tuple[pa.Array, ...]:
        columns = (getattr(self, field.name) for field in fields(self)[2:-1])
        return tuple(column for column in columns if column is not None)

    @classmethod
    def concat(cls, parts: Sequence[TokenDocuments]) -> TokenDocuments:
        """All documents of the parts (at least one), in order."""
        if len(parts) == 1:
            return parts[0]
        columns = zip(*(part._columns() for part in parts), strict=True)
        together = cls(
            np.concatenate([part.ids for part in parts]),
            offsets_of(np.concatenate([part.lengths for part in parts])),
            *(pa.concat_arrays(column) for column in columns),
        )
        trained = [part.trained for part in parts if part.trained is not None]
        return replace(together, trained=np.concatenate(trained)) if trained else together


def frame(
    ids: np.ndarray, offsets: np.ndarray, before: Sequence[int], after: Sequence[int], *, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ids (int32) and offsets (int64) with these special ids before and after each document.

    most: of longer ones (special ids included) those after end the first `most` tokens, and the rest follows them.
    """
    added = len(before) + len(after)
    if not added:
        return ids, offsets
    framed_offsets = offsets + added * np.arange(len(offsets))
    framed = np.empty(int(framed_offsets[-1]), dtype=np.int32)
    text = np.ones(len(framed), dtype=bool)
    starts, ends = framed_offsets[:-1], framed_offsets[1:] - len(after)
    ends = ends if most is None else np.minimum(ends, starts + most - len(after))
    for first, specials in ((starts, before), (ends, after)):
        for place, special in enumerate(specials):
            text[first + place] = False
            framed[first + place] = special
    framed[text] = ids
    return framed, framed_offsets
