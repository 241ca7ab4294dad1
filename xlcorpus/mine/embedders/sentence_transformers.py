"""Models of the library sentence-transformers, from a folder or its cache; nothing is downloaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError, first_line
from xlcorpus.mine.embedder import EmbedderKind, EmbedderOptions
from xlcorpus.mine.model_files import fingerprint_of_model
from xlcorpus.pairs.cosines import Vectors, unit


@dataclass(frozen=True)
class SentenceTransformers:
    """A SentenceTransformer, as it says itself how tokens become a vector."""

    model: Any
    batch: int
    identity: str

    def count(self, texts: pa.Array, langs: pa.Array) -> np.ndarray:
        """Nothing is counted."""
        return np.zeros(0, dtype=np.int64)

    def embed(self, texts: pa.Array, langs: pa.Array, counts: np.ndarray) -> Vectors:
        """See Embedder. Raises UserError where a vector is not finite."""
        given = [text or "" for text in texts.to_pylist()]
        found = self.model.encode(given, batch_size=self.batch, show_progress_bar=False, convert_to_numpy=True)
        made = np.asarray(found, dtype=np.float32).reshape(len(given), -1)
        if not np.isfinite(made).all():
            raise UserError("the vectors of the model are no numbers", remedy="its weights are damaged: copy it again")
        return unit(made)


def _identity(model: str, options: EmbedderOptions) -> str:
    place = storage.locate(model)
    said = fingerprint_of_model(place, below=True) if storage.is_folder(place) else model
    return json.dumps({"kind": "sentence-transformers", "model": said, "batch": options.embedder_batch})


def _open(model: str, options: EmbedderOptions) -> SentenceTransformers:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UserError(
            "--embedder sentence-transformers needs the library of that name", remedy="pip install 'xlcorpus[mine]'"
        ) from error
    try:
        opened = SentenceTransformer(model, device=options.embedder_device, local_files_only=True)
    except Exception as error:  # of any class, by what is wrong with the folder
        raise UserError(
            f"sentence-transformers cannot open {model}: {first_line(error)}",
            remedy="name a folder of such a model; nothing is downloaded",
        ) from error
    return SentenceTransformers(opened, options.embedder_batch, _identity(model, options))


EMBEDDER = EmbedderKind("sentence-transformers", "a model of that library", _identity, _open, model="NAME_OR_FOLDER")
