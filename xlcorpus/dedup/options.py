"""Options of dedup."""

from __future__ import annotations

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
