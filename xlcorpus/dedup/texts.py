"""What of a row is compared: the text of a document, or one or both sides of a sentence pair.

A pair with both sides is one set: the shingles of src and those of tgt, kept apart by the first bit of their hashes.
Its Jaccard similarity to another one is at least the lesser one of the sides (shared / all of both sides lies between
the two ratios), so bands and prefixes propose all pairs that count; only the comparison looks at each side by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import text_column, text_or_empty
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.signature import content_digests, shingle_seen
from xlcorpus.pairs.sides import SIDES
from xlcorpus.text.hashes import mix
from xlcorpus.text.normalize import as_seen
from xlcorpus.text.ragged import offsets_of, ranges
from xlcorpus.text.shingle import Shingles

_LANGUAGES = tuple(f"{side}_lang" for side in SIDES)


@dataclass(frozen=True)
class Texts:
    """Which columns are compared, one or two, and whether two stand in the order of their languages."""

    names: tuple[str, ...] = ("text",)
    by_language: bool = False

    @classmethod
    def of(cls, options: DedupOptions, *, pairs: bool) -> Texts:
        """Those that the options name, of documents or of pairs."""
        if not pairs:
            return DOCUMENTS
        return cls(SIDES, options.swapped) if options.by in (None, "both") else cls((str(options.by),))

    @property
    def both(self) -> bool:
        """Whether a row has two texts."""
        return len(self.names) == 2

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        return (*self.names, *(_LANGUAGES if self.by_language else ()))

    def raw(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """string[rows] for each of the texts. Raises UserError where a column is missing or no text."""
        texts = [text_column(batch, name) for name in self.names]
        if self.by_language:
            one, other = (text_or_empty(batch, name) for name in _LANGUAGES)
            turned = pc.greater(one, other)
            texts = [pc.if_else(turned, texts[1], texts[0]), pc.if_else(turned, texts[0], texts[1])]
        return texts

    def seen(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """`raw` as a reader sees them (`as_seen`)."""
        return [as_seen(texts) for texts in self.raw(batch)]


DOCUMENTS = Texts()


def row_digests(seen: Sequence[pa.Array]) -> np.ndarray:
    """void16[rows]: `content_digests` of one text a row; of two a hash of both. Equal: a copy."""
    digests = [content_digests(texts) for texts in seen]
    if len(digests) == 1:
        return digests[0]
    src, tgt = (found.view(np.uint64).reshape(-1, 2) for found in digests)
    return np.ascontiguousarray(mix(mix(src) + tgt)).view(digests[0].dtype).reshape(-1)


def row_shingles(seen: Sequence[pa.Array], size: int) -> Shingles:
    """Shingles of one text a row; of two those of both, src's below 2^63.

    Of two a side without a word (`!!!`) has one, of its content: it is like its copies and nothing else.
    """
    if len(seen) == 1:
        return shingle_seen(seen[0], size)
    src, tgt = (_never_none(shingle_seen(texts, size), texts) for texts in seen)
    sizes = np.diff(src.offsets), np.diff(tgt.offsets)
    offsets = offsets_of(sizes[0] + sizes[1])
    hashes = np.empty(offsets[-1], dtype=np.uint64)
    hashes[ranges(offsets[:-1], sizes[0])] = src.hashes >> np.uint64(1)
    # Mixed, so that the shingles of a copy on the other side are others.
    hashes[ranges(offsets[:-1] + sizes[0], sizes[1])] = mix(tgt.hashes) >> np.uint64(1) | np.uint64(1 << 63)
    return Shingles(hashes, offsets)


def _never_none(found: Shingles, seen: pa.Array) -> Shingles:
    none = np.flatnonzero(np.diff(found.offsets) == 0)
    if not len(none):
        return found
    contents = content_digests(seen.take(pa.array(none))).view(np.uint64)[::2]
    return Shingles(
        np.insert(found.hashes, found.offsets[none], contents),
        found.offsets + np.searchsorted(none, np.arange(len(found.offsets))),
    )


def row_bytes(texts: Sequence[pa.Array]) -> np.ndarray:
    """float64[rows]: bytes of the texts of a row, NaN where one is null."""
    return np.sum([pc.binary_length(column).to_numpy(zero_copy_only=False) for column in texts], axis=0, dtype=float)
