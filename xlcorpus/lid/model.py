"""Language identification models: fastText files, from the wheel, from the user's cache or from a path."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lid.fasttext_file import SUPERVISED, NotWholeError, load_quietly, model_kind
from xlcorpus.lid.folding import fold, one_line
from xlcorpus.lid.known import MODELS, KnownModel
from xlcorpus.text.labels import FOLDED_PREFIX, has_script
from xlcorpus.text.ragged import offsets_of, rows_of


@dataclass(frozen=True)
class Predictions:
    """Candidates of each text, best first, laid end to end.

    labels: int32[n], numbers into the model's `labels`; scores: float32[n], probabilities in [0, 1]; offsets:
    int64[rows + 1], text i has the candidates offsets[i]:offsets[i + 1]. A text may have fewer than k.
    """

    labels: np.ndarray
    scores: np.ndarray
    offsets: np.ndarray

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[n]: the text of each candidate."""
        return rows_of(self.offsets)


class LanguageModel:
    """A supervised fastText model. Load it once a worker (`load_model`): fastText models cannot be pickled."""

    def __init__(self, given: KnownModel) -> None:
        """Load its file. Raises UserError where it is missing, damaged, not fastText's, or not a supervised model."""
        self.name, self.label = given.name, given.label
        self.path = given.where()
        if given.fingerprint and given.fingerprint != self.fingerprint:
            raise UserError(
                f"{self.path} is not the file of the model {given.name!r} any more: its xxh3-128 is "
                f"{self.fingerprint}, and not {given.fingerprint}",
                remedy="install xlcorpus again",
            )
        self._model = _load(self.path)
        found: list[str] = self._model.getLabels("strict")[0]
        self.labels: tuple[str, ...] = tuple(found)
        self._number = {label: number for number, label in enumerate(self.labels)}
        folded = all(label.startswith(FOLDED_PREFIX) for label in self.labels)
        self.prepare = given.prepare or (fold if folded else one_line)
        self.has_scripts = all(has_script(label) for label in self.labels)

    @property
    def folded(self) -> bool:
        """Whether it sees texts folded (`folding.fold`)."""
        return self.prepare is fold

    @cached_property
    def fingerprint(self) -> str:
        """xxh3-128 of the file's bytes, 32 hexadecimal digits."""
        return storage.fingerprint_of_file(self.path)

    def predict(self, texts: pa.StringArray, k: int) -> Predictions:
        """The k best labels of each text, which went through `prepare`.

        An empty text gets what the model says of an empty line.
        """
        # Not multilinePredict: in fasttext-wheel 0.9.2 under numpy 2 it gives every candidate of a text the score of
        # the best one. Both run the same C++ once a text (lid.176, k=20: 24 k texts/s, multilinePredict 31 k).
        predict = self._model.predict
        lines = pc.binary_join_element_wise(texts, "\n", "").to_pylist()
        found = [predict(line, k, 0.0, "strict") for line in lines]
        counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        offsets = offsets_of(counts)
        scores, labels = zip(*chain.from_iterable(found), strict=True) if offsets[-1] else ((), ())
        number = self._number
        return Predictions(
            labels=np.fromiter((number[label] for label in labels), dtype=np.int32, count=len(labels)),
            scores=np.clip(np.array(scores, dtype=np.float32), 0.0, 1.0),
            offsets=offsets,
        )


def _load(path: Location) -> Any:
    try:
        kind = model_kind(path)
    except OSError as error:
        raise UserError(
            f"the language model {path} cannot be read: {error.strerror}",
            remedy=f"give {', '.join(map(repr, MODELS.names))} or the path of a fastText .bin or .ftz file",
        ) from error
    except NotWholeError as error:
        raise UserError(
            f"{path} is not a whole fastText model: {error}",
            remedy="give a .bin or .ftz file written by fastText, unpacked; fetch it again if it was cut short",
        ) from error
    if kind != SUPERVISED:
        raise UserError(
            f"{path} is a fastText model of word vectors ({kind}), not of languages",
            remedy="give a supervised model, whose labels are languages",
        )
    try:
        return load_quietly(path).f
    except (ValueError, RuntimeError, MemoryError) as error:
        raise UserError(f"fastText cannot load {path}: {error}", remedy="fetch or train it again") from error


def load_model(name_or_path: str) -> LanguageModel:
    """Load a model: one of `MODELS` (`embedded`, `lid176`), or the path of a file.

    Raises UserError where there is none, or the file is not a supervised fastText model.
    """
    known = MODELS.all.get(name_or_path)
    return LanguageModel(known) if known is not None else open_model(storage.in_home(name_or_path))


def open_model(location: Location) -> LanguageModel:
    """Load the model of a file; its name is the file's."""
    return LanguageModel(KnownModel(location.name, lambda: location))
