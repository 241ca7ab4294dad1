"""Options of the TransliCo view, which a romanising step has besides its own."""

from __future__ import annotations

from typing import Literal

from xlcorpus.dataset.kept import DESCRIPTION, KeepOptions
from xlcorpus.options import option


class PairOptions(KeepOptions):
    """Which sentences become pairs."""

    view: Literal["translico"] | None = option(None, description="make sentence pairs instead of a column: translico")
    share: float = option(0.05, gt=0, le=1, description="translico: share of the sentences of each language and script")
    floor: int = option(1000, ge=0, description="translico: at least so many of each, all where there are fewer")
    include_latin: bool = option(True, description="translico: Latin text too, whose pairs are nearly identities")
    sentence_breaker: str | None = option(
        None,
        only={"view": ["translico"]},
        description="translico: library that finds more sentences where the script marks none: pythainlp "
        "(Thai; needs xlcorpus[thai]); default: the built-in rules alone",
    )
    keep: str | None = option(
        None, only={"view": ["translico"]}, description=f"translico: {DESCRIPTION}; those of the document"
    )
