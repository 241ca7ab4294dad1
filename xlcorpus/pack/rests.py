"""What becomes of the rest of a document that is shorter than a row has to be (`--min-tokens`; `--long truncate`: any).

Contriever cuts its corpus to chunks of 256 tokens and has none shorter (Izacard et al. 2022, arXiv:2112.09118, appendix
A.1; its data.py takes as many whole chunks as there are): a short rest is dropped, and counted. Balanced, the last two
parts of the document are as long as one another, so that no token is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xlcorpus.pack.packs import Waiting
from xlcorpus.pack.strategies import Layout, Parts


def balanced(layout: Layout, least: int) -> Layout:
    """Rests of fewer than `least` tokens made as long as the part before them, which gives the tokens, but for one.

    layout: of `strategies.one_by_one`: each part in a pack of its own, those of a document one after the other.
    """
    parts = layout.parts
    short = _short(parts, least)
    both = parts.sizes[short] + parts.sizes[short - 1]
    starts, sizes = parts.starts.copy(), parts.sizes.copy()
    sizes[short] = both // 2
    sizes[short - 1] = both - both // 2
    starts[short] = starts[short - 1] + sizes[short - 1]
    return replace(layout, parts=replace(parts, starts=starts, sizes=sizes))


@dataclass(frozen=True)
class Dropped:
    """What is left when short rests are dropped: documents whose totals are what is kept, parts with their bytes
    (int64), and how many rests, tokens and bytes went."""

    waiting: Waiting
    parts: Parts
    part_bytes: np.ndarray
    rests: int
    tokens: int
    bytes: int


def without_rests(waiting: Waiting, parts: Parts, part_bytes: np.ndarray, least: int) -> Dropped:
    """Parts without the rests of fewer than `least` tokens; parts as for `balanced`."""
    short = _short(parts, least)
    keep = np.delete(np.arange(len(parts.sizes)), short)
    totals = waiting.totals.copy()
    np.subtract.at(totals, parts.documents[short], parts.sizes[short])
    return Dropped(
        replace(waiting, totals=totals),
        parts.take(keep, np.arange(len(keep))),
        part_bytes[keep],
        len(np.unique(parts.documents[short])),
        int(parts.sizes[short].sum()),
        int(part_bytes[short].sum()),
    )


def _short(parts: Parts, least: int) -> np.ndarray:
    """int64[k]: parts that are not the first of their document, and too short; these are its last ones."""
    return np.flatnonzero((parts.starts > 0) & (parts.sizes < least))
