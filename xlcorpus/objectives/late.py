"""Late interaction (ColBERT, Khattab and Zaharia 2020): texts as vectors of their tokens, compared token by token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.nn import functional

from xlcorpus.errors import UserError
from xlcorpus.objectives.joined import Ids, around_text, cut, join, width_of
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.options import StepOptions, option
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.text.labels import canonical_code


class LateOptions(StepOptions):
    """How queries and documents are written, as published."""

    query_tokens: int = option(32, ge=4, description="of a query, special ids in; it is filled up with attended masks")
    skip_punctuation: bool = option(True, description="no token of a query is compared with a document's punctuation")
    query_marker: int | None = option(None, ge=0, description="id that stands behind the first one in queries ([Q])")
    document_marker: int | None = option(None, ge=0, description="id that stands there in documents ([D])")


@dataclass(frozen=True)
class Written:
    """Rows of ids: int64[n, L]; attended, bool[n, L]: what is no padding; compared, bool[n, L]: whose vectors count."""

    ids: np.ndarray
    attended: np.ndarray
    compared: np.ndarray


class Writing:
    """Rows of queries and of documents, special ids and markers around the text."""

    def __init__(self, options: LateOptions, vocabulary: Vocabulary, length: int) -> None:
        """length: most tokens of a document. Raises UserError where a special id is missing, a marker is no id, or the
        tokenizer was not opened and punctuation is to be left out."""
        self._before, self._after = around_text(vocabulary)
        self._pad, self._mask = vocabulary.id_of("pad"), vocabulary.id_of("mask")
        self._length, self._query_tokens = length, min(options.query_tokens, length)
        self._markers: list[Ids] = [
            () if one is None else (one,) for one in (options.query_marker, options.document_marker)
        ]
        for name in ("query_marker", "document_marker"):
            if (getattr(options, name) or 0) >= vocabulary.size:
                raise UserError(
                    f"{name}: {getattr(options, name):,} is no id of the tokenizer, which has {vocabulary.size:,}",
                    remedy="take one that stands in no text, as a special id without a role, or leave it out",
                )
        self._text = np.ones(1 + max(vocabulary.size, *vocabulary.special), dtype=bool)
        if options.skip_punctuation:
            if vocabulary.punctuation is None:
                raise UserError(
                    "skip_punctuation needs the tokenizer, whose pieces say what punctuation is",
                    remedy="name it: `tokenizer:` of a recipe, open_source(..., tokenizer=...)",
                )
            self._text[: len(vocabulary.punctuation)] &= ~vocabulary.punctuation

    @property
    def added(self) -> int:
        """Special ids around a text."""
        return len(self._before) + len(self._after) + max(map(len, self._markers))

    def queries(self, texts: pa.Array) -> Written:
        """[n, query_tokens]: filled up with masks, which are attended to and compared like text. texts: list<int32>."""
        lists, _ = self._joined(texts, self._markers[0], self._query_tokens)
        ids = fill_up(lists, self._query_tokens, self._mask).astype(np.int64)
        everywhere = np.ones(ids.shape, dtype=bool)
        return Written(ids, everywhere, everywhere)

    def documents(self, texts: pa.Array) -> Written:
        """[n, L], as long as the longest; compared: no padding, and no punctuation where that is left out."""
        lists, sizes = self._joined(texts, self._markers[1], self._length)
        width = width_of([lists], self._length)
        ids = fill_up(lists, width, self._pad).astype(np.int64)
        attended = np.arange(width) < sizes[:, None]
        return Written(ids, attended, attended & self._text[ids])

    def _joined(self, texts: pa.Array, marker: Ids, most: int) -> tuple[pa.Array, np.ndarray]:
        before = (*self._before[:1], *marker, *self._before[1:])
        room = max(most - len(before) - len(self._after), 0)
        lists, starts = join([before, cut(texts, np.minimum(sizes_of(texts), room)), self._after])
        return lists, starts[:, -1]


def token_vectors(states: torch.Tensor, projection: Any) -> torch.Tensor:
    """float32[n, L, d] of length one. states: float[n, L, width]."""
    vectors: torch.Tensor = functional.normalize(projection(states).float(), dim=-1)
    return vectors


def max_sim(queries: torch.Tensor, documents: torch.Tensor, compared: torch.Tensor) -> torch.Tensor:
    """float32[n, m]: for each token of a query its nearest of the document, summed.

    queries: float32[n, Lq, d]; documents: float32[m, Ld, d]; compared: bool[m, Ld], one at least a document.
    """
    with torch.autocast(queries.device.type, enabled=False):
        near = queries[:, None] @ documents[None].transpose(2, 3)
    return near.masked_fill(~compared[None, :, None], float("-inf")).amax(dim=3).sum(dim=2)


def adapters_of(config: Any, languages: Iterable[str]) -> list[int] | None:
    """Number of the language adapter of each language in a model that has such (X-MOD), None where it has none.

    languages: as languages.json has them, `swh`, or labels. Raises UserError for one without an adapter.
    """
    if config.model_type != "xmod":
        return None
    known: dict[str, int] = {}
    for number, name in enumerate(config.languages):
        for one in (name, canonical_code(str(name).partition("_")[0])):
            if one:
                known.setdefault(one, number)
    asked = list(languages)
    codes = [one.partition("_")[0] for one in asked]
    lacking = sorted({one for one, code in zip(asked, codes, strict=True) if not {one, code} & {*known}})
    if lacking:
        raise UserError(
            f"the model has no language adapter for {', '.join(lacking)}; it has {', '.join(config.languages)}",
            remedy="start: config: {languages: [...]} names those of a new model; or leave these languages out",
        )
    return [known[one] if one in known else known[code] for one, code in zip(asked, codes, strict=True)]
