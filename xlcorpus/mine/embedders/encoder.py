"""A model that `xlcorpus pretrain` trained, or any folder that save_pretrained wrote: the mean of a layer's tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.mine.embedder import EmbedderKind, EmbedderOptions
from xlcorpus.mine.model_files import fingerprint_of_model
from xlcorpus.pairs.cosines import Vectors, unit

if TYPE_CHECKING:
    from xlcorpus.evaluate.models import TrainedModel


@dataclass(frozen=True)
class Encoder:
    """A model of transformers, its layer, and how tokens become one vector."""

    trained: TrainedModel
    options: EmbedderOptions
    identity: str

    def count(self, texts: pa.Array, langs: pa.Array) -> np.ndarray:
        """Nothing is counted."""
        return np.zeros(0, dtype=np.int64)

    def embed(self, texts: pa.Array, langs: pa.Array, counts: np.ndarray) -> Vectors:
        """See Embedder; texts without a token have rows of zeros."""
        from xlcorpus.evaluate.vectors import encode, layers_of, vectors

        options = self.options
        asked = None if options.embedder_layer is None else str(options.embedder_layer)
        (layer,) = layers_of(self.trained, asked)
        found = encode(self.trained, texts.cast(pa.string()).fill_null(""), options.embedder_tokens)
        some = found.text[:, 1] > found.text[:, 0]
        width = self.trained.model.config.get_text_config().hidden_size
        made = np.zeros((len(texts), width), dtype=np.float32)
        if some.any():
            labels = langs.filter(pa.array(some)).to_pylist()
            chosen = found.chosen(some)
            of_layer = vectors(self.trained, chosen, [layer], options.embedder_pooling, options.embedder_batch, labels)[
                layer
            ]
            made[some] = unit(of_layer)
        return made


def _identity(model: str, options: EmbedderOptions) -> str:
    settings = {
        "kind": "encoder",
        "model": fingerprint_of_model(storage.locate(model)),
        "layer": options.embedder_layer,
        "pooling": options.embedder_pooling,
        "tokens": options.embedder_tokens,
        "batch": options.embedder_batch,
    }
    return json.dumps(settings)


def _open(model: str, options: EmbedderOptions) -> Encoder:
    from xlcorpus.evaluate.models import open_model

    trained = open_model(model, device=options.embedder_device)
    return Encoder(trained, options, _identity(model, options))


EMBEDDER = EmbedderKind("encoder", "a model that `xlcorpus pretrain` trained", _identity, _open, model="FOLDER")
