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
    label, '' for none; text_bytes: of the texts given, in UTF-8; bytes: of the texts packed, by label; rests: parts of
    split documents that were too short and left out, with their tokens and bytes.
    """

    documents: int = 0
    tokens: int = 0
    packs: int = 0
    parts: int = 0
    split: int = 0
    packed: int = 0
    room: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    text_bytes: int = 0
    bytes: dict[str, int] = field(default_factory=dict)
    rests: int = 0
    rest_tokens: int = 0
    rest_bytes: int = 0

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

    def count_parts(self, langs: pa.Array, sizes: np.ndarray, part_bytes: np.ndarray) -> None:
        """Add packed tokens and bytes by label; langs: string[n], sizes and part_bytes: int64[n]."""
        add_counts(self.languages, sum_by(langs, sizes))
        add_counts(self.bytes, sum_by(langs, part_bytes))

    def count_rests(self, rests: int, tokens: int, text_bytes: int) -> None:
        """Add rests that were left out."""
        self.rests += rests
        self.rest_tokens += tokens
        self.rest_bytes += text_bytes

    def check(self, where: str) -> None:
        """Raise ConservationError where tokens, or bytes of text, were lost or doubled."""
        packed_bytes = sum(self.bytes.values()) + self.rest_bytes
        packed_tokens = self.packed + self.rest_tokens
        for what, given, packed in (("tokens", self.tokens, packed_tokens), ("bytes", self.text_bytes, packed_bytes)):
            if given != packed:
                raise ConservationError(
                    f"{where}: {given:,} {what} to pack, {packed:,} in the packs and in rests left out",
                    remedy="this is a defect of pack: please report it; the dataset was not finished",
                )
