"""The words of each side of sentence pairs, as the column align numbers them.

A token is what `text.words.tokens` says: in scripts with spaces a run of letters, marks and numbers; in scripts
without (Han, Kana, Thai, Khmer, ...) one character with its marks. Punctuation is no token.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.hashes import hash_spans
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import tokens

ALIGN = pa.list_(pa.struct([pa.field("src", pa.int32()), pa.field("tgt", pa.int32())]))


@dataclass(frozen=True)
class Side:
    """One side of sentence pairs.

    points: the texts as they are; spans: their tokens; words: uint64[tokens], hashes of the lower-cased tokens.
    """

    points: CodePoints
    spans: Spans
    words: np.ndarray

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.points)

    @cached_property
    def sizes(self) -> np.ndarray:
        """int64[rows]: tokens of each text."""
        return self.spans.per_text


def read_side(texts: pa.Array, prefix: int = 0) -> Side:
    """Tokens of texts (string[rows]; a null is an empty text).

    prefix: characters of a token that count for its hash, 0 for all; a short prefix takes inflected forms together.
    """
    points = code_points(texts)
    lowered = code_points(pc.utf8_lower(texts))
    if not np.array_equal(points.offsets, lowered.offsets):  # one character for one, as Arrow does it
        raise AssertionError("lower case changed the number of characters")
    spans = tokens(points)
    ends = np.minimum(spans.ends, spans.starts + prefix) if prefix else spans.ends
    return Side(points, spans, hash_spans(lowered.codes, spans.starts, ends))
