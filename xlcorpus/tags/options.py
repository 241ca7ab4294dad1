"""Options of project."""

from __future__ import annotations

from typing import Literal

from xlcorpus.options import StepOptions, option


class ProjectOptions(StepOptions):
    """Options of project."""

    side: Literal["src", "tgt"] = option("src", description="the side that has labels; the other gets them")
    method: Literal["contiguous", "longest", "strict"] = option(
        "contiguous",
        description="of words that a span is aligned with: from the first to the last, the longest run, or only if no "
        "word between is aligned with another one",
    )
    lost: Literal["keep", "drop"] = option(
        "keep", description="pairs with a span that could not be projected: keep, or drop with a decision"
    )
