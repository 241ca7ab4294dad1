"""Options of pairs-align."""

from __future__ import annotations

from typing import Literal

from xlcorpus.mine.embedder import EmbedderOptions
from xlcorpus.options import option


class PairsAlignOptions(EmbedderOptions):
    """What is near, and how near a pair must be."""

    pair: str = option(description="languages of both sides: eng_Latn:deu_Latn")
    threshold: float = option(
        1.06, description="least margin of a pair: its cosine by the mean of those of its neighbours; LASER's: 1.06"
    )
    neighbours: int = option(4, ge=1, le=1000, description="nearest sentences that count as neighbours")
    retrieval: Literal["max", "intersect", "forward", "backward"] = option(
        "max",
        description="max: the best margins of both sides, each sentence once; intersect: where both sides' best agree; "
        "forward, backward: the best of each source or target sentence",
    )
    search: Literal["exact", "faiss"] = option(
        "exact", description="exact: all cosines, block by block; faiss: by an index of that library, in memory"
    )
    faiss_index: str = option(
        "Flat", only={"search": ("faiss",)}, description="as faiss names them: Flat (exact), IVF1024,Flat, HNSW32"
    )
    sentence_breaker: str | None = option(
        None, description="library that finds sentences in scripts that do not mark them: pythainlp"
    )
