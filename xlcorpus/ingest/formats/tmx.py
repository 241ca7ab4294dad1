"""Sentence pairs in translation memories (TMX)."""

from __future__ import annotations

import re

from xlcorpus.ingest.format import Format, Look
from xlcorpus.pairs.tmx import read_tmx, tmx_columns
from xlcorpus.pairs.tmx_units import encoding_of

_BEGINS = re.compile(r"\s*(?><\?.*?\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>\s*)*+<tmx[\s>]", re.DOTALL)


def _sniff(look: Look) -> bool | None:
    """Whether the root of an XML document is tmx."""
    try:
        encoding, mark = encoding_of(look.head)
    except LookupError:
        return None
    return _BEGINS.match(look.head[mark:].decode(encoding, "replace")) is not None or None


FORMAT = Format(
    name="tmx",
    kinds=("pairs",),
    suffixes=("tmx",),
    sniff=_sniff,
    columns=tmx_columns,
    columns_rank=1,
    read=read_tmx,
)
