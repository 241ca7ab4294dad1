"""A trained model, opened to be evaluated, with its tokenizer and what it can do."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError, first_line
from xlcorpus.initialize.architecture import BODY, CAUSAL, MASKED, SEQ2SEQ, architecture_of
from xlcorpus.initialize.load import load_model
from xlcorpus.loader.rows import vocabulary_of
from xlcorpus.objectives.attention import most_tokens
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.pack.facts import TokenizerFacts
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class TrainedModel:
    """A model of transformers in the mode of evaluation.

    architecture: CAUSAL, MASKED, SEQ2SEQ, or BODY, which has no head that was trained; length: most tokens that it
    reads, None where it sets no limit; tokenizer_path: what `tokenizer` was opened from.
    """

    path: str
    model: Any
    architecture: str
    tokenizer: Tokenizer
    tokenizer_path: str
    vocabulary: Vocabulary

    @property
    def length(self) -> int | None:
        """Most tokens of a text, special ids included; None where nothing says."""
        return most_tokens(self.model)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    @property
    def pad(self) -> int:
        """The id that rows are filled up with, where nothing is attended to."""
        ids = self.vocabulary.ids
        return ids.get("pad", ids.get("eos", ids.get("sep", 0)))

    @functools.cached_property
    def named(self) -> frozenset[int]:
        """Ids that are no text: special ones, and a user's own with a name (en_XX, <2en>), no letters or spaces."""
        own = {number for name, number in self.tokenizer.names.items() if len(name.strip(" ▁\r\n\t")) > 1}
        return self.vocabulary.special | (own - {self.vocabulary.ids.get("unk")})

    def ids_of(self, texts: pa.Array) -> pa.Array:
        """list<int32>[rows], ids without special ones, of string[rows]; what is ids already stays."""
        if pa.types.is_list(texts.type):
            return texts
        ids, offsets = self.tokenizer.encode_batch(texts)
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids[: offsets[-1]], pa.int32()))

    def check_finite(self, found: np.ndarray, what: str) -> None:
        """Raise UserError where what the model makes is no number."""
        if not np.isfinite(found).all():
            raise UserError(
                f"the {what} of {self.path} are no numbers",
                remedy="its weights are damaged: use an earlier checkpoint",
            )

    def require(self, *architectures: str, what: str) -> None:
        """Raise UserError where the model is none of these."""
        if self.architecture not in architectures:
            raise UserError(
                f"{what} needs a model of {' or '.join(architectures)}; {self.path} is one of {self.architecture}",
                remedy=f"name a model that was trained with {' or '.join(_OBJECTIVES[one] for one in architectures)}, "
                "saved with its head",
            )


_OBJECTIVES = {CAUSAL: "clm", MASKED: "mlm", SEQ2SEQ: "translation"}


def open_model(given: str, *, tokenizer: str | None = None, device: str | None = None) -> TrainedModel:
    """Open a folder that AutoModel loads, or FILE.gguf; nothing is downloaded.

    tokenizer: path of another than that beside the model; device: `cpu`, `cuda`, None: a GPU where there is one. Raises
    UserError where either cannot be opened, or the model has fewer rows than the tokenizer has ids.
    """
    loaded = load_model(given, None, 0, "model")
    model = loaded.model.to(_device(device)).eval()
    architecture = architecture_of(model.config)
    if architecture != BODY and any("pooler" not in name for name in loaded.fresh):
        architecture = BODY  # its head was drawn just now
    path = tokenizer or given
    opened = open_tokenizer(path) if tokenizer is not None else loaded.tokenizer
    if opened is None:
        raise UserError(
            f"no tokenizer lies beside the model {given}", remedy="name the one it was trained with: --tokenizer PATH"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if rows < opened.vocab_size:
        raise UserError(
            f"the tokenizer {path} has {opened.vocab_size:,} ids, the model {given} {rows:,} embeddings",
            remedy="name the tokenizer that it was trained with: --tokenizer PATH",
        )
    vocabulary = vocabulary_of(TokenizerFacts.of(opened))
    return TrainedModel(str(locate(given)), model, architecture, opened, str(path), vocabulary)


@contextmanager
def evaluating(model: Any) -> Iterator[Any]:
    """The model's device; meanwhile it is in the mode of evaluation."""
    training = model.training
    model.eval()
    try:
        yield next(model.parameters()).device
    finally:
        model.train(training)


def _device(given: str | None) -> torch.device:
    name = given or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"--device {name}: {first_line(error)}", remedy="--device cpu, or one that torch finds"
        ) from error
