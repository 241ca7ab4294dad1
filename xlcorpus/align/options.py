"""Options of align, the same for the step and for the aligner."""

from __future__ import annotations

from typing import Literal

from xlcorpus.options import StepOptions, option


class AlignOptions(StepOptions):
    """Options of align."""

    iterations: int = option(5, ge=1, le=100, description="rounds of training")
    tension: float = option(4.0, ge=0.1, le=14, description="how strongly words keep to the diagonal")
    null_share: float = option(0.08, ge=0, le=0.99, description="share of the words that have no partner")
    prefix: int = option(
        0, ge=0, le=100, description="letters of a word that count, 0 for all; 4 or so for much inflection"
    )
    symmetrization: Literal["auto", "grow-diag-final-and", "intersection", "union"] = option(
        "auto",
        description="how the two directions are joined; auto: intersection where a side is written without spaces, "
        "else grow-diag-final-and",
    )
    max_tokens: int = option(256, ge=1, le=4096, description="longer sentences are not aligned")
    train_pairs: int = option(500_000, ge=1, description="most pairs of two languages to train on, drawn by hash")
