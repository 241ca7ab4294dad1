"""In which encodings pages were read, and how many of their bytes were bad: counts, and what the manifest says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from xlcorpus.dataset.result import Counts
from xlcorpus.ingest.encodings import Decoded


def count_encodings(reads: Iterable[Decoded]) -> Counts:
    """Pages by encoding (`encodings`), U+FFFD put for bad bytes (`replaced`), pages with some (`damaged`)."""
    counts: dict[str, Counter[str]] = {"encodings": Counter(), "replaced": Counter(), "damaged": Counter()}
    for read in reads:
        counts["encodings"][read.encoding] += 1
        if read.replaced:
            counts["replaced"][read.encoding] += read.replaced
            counts["damaged"][read.encoding] += 1
    return {name: dict(counted) for name, counted in counts.items() if counted}


def notes_of(counts: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of an ingest notes of its encodings; a line for the user where bytes were replaced."""
    if "encodings" not in counts:
        return {}
    pages, replaced, damaged = (dict(sorted(counts.get(n, {}).items())) for n in ("encodings", "replaced", "damaged"))
    lines = []
    if replaced:
        each = ", ".join(f"{name} {number:,} in {damaged[name]:,} pages" for name, number in replaced.items())
        lines.append(f"bytes that their page's encoding does not have became U+FFFD: {each}")
    return {"encodings": {"pages": pages, "replaced": replaced, "damaged": damaged}, "table": lines}
