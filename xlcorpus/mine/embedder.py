"""Vectors of sentences, by a library, a model of ours, or without any model. No torch here.

Another package adds a kind under the entry-point group `xlcorpus.embedders`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.registry import Registry


class EmbedderOptions(StepOptions):
    """What makes vectors of sentences. A step with other `files` beside these names them together."""

    files: ClassVar[tuple[str, ...]] = ("embedder",)
    unrecorded: ClassVar[tuple[str, ...]] = ("embedder_device",)

    embedder: str = option(
        "tfidf",
        description="tfidf (character n-grams of the romanised text), dictionary:FILE (those, after sentences in its "
        "first language are translated word by word), encoder:FOLDER (a model that `xlcorpus pretrain` trained), or "
        "sentence-transformers:NAME_OR_FOLDER",
    )
    embedder_ngrams: str = option(
        "2-4", pattern=r"^[1-9]-[1-9]$", description="tfidf: characters of an n-gram, least and most"
    )
    embedder_layer: int | None = option(
        None, description="encoder: number of a layer (0: embeddings, -1: last); default: at two thirds (8 of 12)"
    )
    embedder_pooling: Literal["mean", "cls", "last"] = option(
        "mean", description="encoder: the mean of a sentence's tokens, its first token, or its last one"
    )
    embedder_tokens: int = option(512, ge=8, description="encoder: most tokens of a sentence")
    embedder_batch: int = option(32, ge=1, description="encoder, sentence-transformers: sentences at once")
    embedder_device: str | None = option(
        None, description="encoder, sentence-transformers: cpu or cuda; default: a GPU where there is one"
    )


class Embedder(Protocol):
    """What makes vectors of sentences. What it counts of all texts comes first, and is given back with each part.

    The rows of a text depend on it, on its language and on the counts; those of a neural network to a few bits on
    the texts that are embedded with it.
    """

    @property
    def identity(self) -> str:
        """Kind, settings and model (of files: their fingerprint). Belongs in fingerprints."""

    def count(self, texts: pa.Array, langs: pa.Array) -> np.ndarray:
        """int64[k]: what is to be added up over all texts of a run before any is embedded; k = 0: nothing is.

        texts: string[n]; langs: string[n], labels (`hin_Deva`).
        """

    def embed(self, texts: pa.Array, langs: pa.Array, counts: np.ndarray) -> Vectors:
        """float32[n, d], rows of length 1 (of zeros where a text has nothing to go by): an array, or a sparse matrix.

        counts: the sum of `count` over all texts of the run.
        """


@dataclass(frozen=True)
class EmbedderKind:
    """A module of `xlcorpus/mine/embedders` has one as EMBEDDER. `--embedder NAME` or `NAME:MODEL` chooses it.

    identity: of a model, before it is opened; open: libraries of models are imported there; model: what MODEL is, ''
    where there is none; sparse: its vectors are sparse matrices.
    """

    name: str
    summary: str
    identity: Callable[[str, EmbedderOptions], str]
    open: Callable[[str, EmbedderOptions], Embedder]
    model: str = ""
    sparse: bool = False


EMBEDDERS: Registry[EmbedderKind] = Registry("embedder", "xlcorpus.mine.embedders", "EMBEDDER", "xlcorpus.embedders")


def embedder_of(options: EmbedderOptions) -> Embedder:
    """The embedder of these options, opened once a process; raises UserError."""
    return _open(options.part(EmbedderOptions))


def embedder_identity(options: EmbedderOptions) -> str:
    """What the embedder is, without opening it; raises UserError."""
    kind, model = _kind_of(options.embedder)
    return kind.identity(model, options)


def is_sparse(options: EmbedderOptions) -> bool:
    """Whether the embedder of these options makes sparse matrices; raises UserError."""
    return _kind_of(options.embedder)[0].sparse


def embed_all(embedder: Embedder, *sides: tuple[pa.Array, pa.Array]) -> list[Vectors]:
    """Vectors of each side (texts, their languages), in memory as they all are; counts are those of all sides."""
    counts = sum((embedder.count(*side) for side in sides), np.zeros((), dtype=np.int64))
    return [embedder.embed(*side, counts) for side in sides]


@functools.lru_cache(maxsize=1)
def _open(options: EmbedderOptions) -> Embedder:
    kind, model = _kind_of(options.embedder)
    return kind.open(model, options)


def _kind_of(given: str) -> tuple[EmbedderKind, str]:
    name, _, model = given.partition(":")
    kind = EMBEDDERS.find(name)
    if bool(kind.model) != bool(model):
        wanted = f"{name}:{kind.model}" if kind.model else name
        raise UserError(f"--embedder {given!r} is not {wanted}", remedy=f"--embedder {wanted}")
    return kind, model
