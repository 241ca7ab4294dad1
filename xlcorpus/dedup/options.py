"""Options of dedup."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option


class DedupOptions(StepOptions):
    """What counts as a duplicate, and which member of a cluster stays."""

    threshold: float = option(0.8, gt=0, le=1, description="Jaccard similarity from which two texts are duplicates")
    shingle_size: int = option(5, ge=1, le=50, description="tokens in a shingle (words, or characters without spaces)")
    permutations: int = option(
        112, ge=1, le=1024, description="MinHash permutations; the banding follows from the threshold"
    )
    within: str = option("none", description="compare only texts with the same value of this column, e.g. lang")
    keep_by: str = option("length", description="the member with the highest value stays: length, or a numeric column")
    by: Literal["src", "tgt", "both"] | None = option(
        None, description="sentence pairs: duplicates are those alike in src, in tgt, or in both (default: both)"
    )
    swapped: bool = option(
        False,
        description="sentence pairs: a pair turned round (A-B and B-A) is a duplicate too: sides are compared "
        "by language",
    )

    @model_validator(mode="after")
    def _check_swapped(self) -> DedupOptions:
        if self.swapped and self.by in ("src", "tgt"):
            raise UserError(f"--swapped compares both sides; this is --by {self.by}", remedy="leave out one of them")
        return self
