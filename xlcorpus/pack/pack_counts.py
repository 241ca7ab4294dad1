"""What packing did, as whole numbers that add up over tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import sum_by
from xlcorpus.dataset.result import add_counts
from xlcorpus.errors import ConservationError


@dataclass
class PackCounts:
    """Counts of a task, or of many.

    documents and tokens (special ids included) given to be packed; packs; parts of documents in them; split: documents
    in more than one part; packed: tokens in packs; room: tokens that packs could hold; languages: packed tokens by
    label, '' for none.
    """

    documents: int = 0
    tokens: int = 0
    packs: int = 0
    parts: int = 0
    split: int = 0
    packed: int = 0
    room: int = 0
    languages: dict[str, int] = field(default_factory=dict)

    @property
    def padding(self) -> float:
        """Share of the packs that is padding, 0 to 1."""
        return 1 - self.packed / self.room if self.room else 0.0

    @property
    def merged(self) -> int:
        """Documents beyond one a pack: rows that became part of another."""
        return max(self.documents - self.packs, 0)

    @property
    def repeated(self) -> int:
        """Packs beyond one a document: rows that the documents are split into."""
        return max(self.packs - self.documents, 0)

    def count_tokens(self, langs: pa.Array, sizes: np.ndarray) -> None:
        """Add packed tokens by label; langs: string[n], sizes: int64[n]."""
        add_counts(self.languages, sum_by(langs, sizes))

    def check(self, where: str) -> None:
        """Raise ConservationError where tokens were lost or doubled."""
        if self.tokens != self.packed:
            raise ConservationError(
                f"{where}: {self.tokens:,} tokens to pack, {self.packed:,} in the packs",
                remedy="this is a defect of pack: please report it; the dataset was not finished",
            )
