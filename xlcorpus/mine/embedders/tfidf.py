"""Character n-grams of the romanised text, weighed by how few texts have them: no model, any language uroman reads.

tf-idf as scikit-learn has it with `sublinear_tf` and `smooth_idf`: (1 + ln count) * (1 + ln((1 + texts) / (1 + texts
with it))), over n-grams by hash. Sparse: in 2,048 dense dimensions half of the right neighbours of PUD are lost.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from xlcorpus.mine.embedder import EmbedderKind, EmbedderOptions
from xlcorpus.pairs.cosines import Vectors, unit
from xlcorpus.romanize.engine import Engine
from xlcorpus.romanize.tools import language_code
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.labels import script_of
from xlcorpus.text.ragged import ranges
from xlcorpus.text.slices import pieces

_BITS = 16  # of the hash of an n-gram: 65,536 columns
COLUMNS = 1 << _BITS


@dataclass(frozen=True)
class Tfidf:
    """sizes: characters of the n-grams. A word is taken with the space before and behind it."""

    sizes: range
    identity: str

    def count(self, texts: pa.Array, langs: pa.Array) -> np.ndarray:
        """int64[columns + 1]: texts that have an n-gram of a column, and all texts."""
        found = self._counts(texts, langs)
        return np.append(np.bincount(found.indices, minlength=COLUMNS), len(texts))

    def embed(self, texts: pa.Array, langs: pa.Array, counts: np.ndarray) -> Vectors:
        """See Embedder; sparse."""
        found = self._counts(texts, langs)
        weights = 1 + np.log((1 + counts[-1]) / (1 + counts[:-1]))
        found.data = (1 + np.log(found.data)) * weights[found.indices]
        return unit(found)

    def _counts(self, texts: pa.Array, langs: pa.Array) -> sparse.csr_matrix:
        """float64[n, columns]: how often each n-gram stands in each text."""
        latin = pa.array(_romanized(texts, langs), pa.string())
        parts = [self._counts_of(part) for _, part in pieces(latin)]
        return sparse.vstack([sparse.csr_matrix((0, COLUMNS)), *parts], format="csr")

    def _counts_of(self, latin: pa.Array) -> sparse.csr_matrix:
        points = code_points(latin)
        hasher = SpanHasher.of_codes(points.codes)
        columns, rows = [], []
        for size in self.sizes:
            per_text = np.maximum(points.lengths - size + 1, 0)
            starts = ranges(points.offsets[:-1], per_text)
            columns.append((hasher.hash(starts, starts + size) >> np.uint64(64 - _BITS)).astype(np.int32))
            rows.append(np.repeat(np.arange(len(points)), per_text))
        places = np.concatenate(rows), np.concatenate(columns)
        return sparse.csr_matrix((np.ones(len(places[0])), places), shape=(len(points), COLUMNS))


def _romanized(texts: pa.Array, langs: pa.Array) -> list[str]:
    """In Latin letters and lower case, each run of white space one space, one at both ends."""
    engine = _engine()
    made = []
    for text, lang in zip(texts.to_pylist(), langs.to_pylist(), strict=True):
        code, script = language_code(lang, "auto", engine.name), script_of(lang) if lang else None
        words = engine.romanize(text or "", code, script).lower().split()
        made.append(f" {' '.join(words)} " if words else "")
    return made


@functools.lru_cache(maxsize=1)
def _engine() -> Engine:
    return Engine()


def _identity(model: str, options: EmbedderOptions) -> str:
    romanizer = f"{Engine.name} {_engine().version}"
    return json.dumps({"kind": "tfidf", "romanizer": romanizer, "ngrams": options.embedder_ngrams, "bits": _BITS})


def _open(model: str, options: EmbedderOptions) -> Tfidf:
    least, most = (int(part) for part in options.embedder_ngrams.split("-"))
    return Tfidf(range(least, most + 1), _identity(model, options))


EMBEDDER = EmbedderKind(
    "tfidf", "character n-grams of the romanised text; needs no model", _identity, _open, sparse=True
)
