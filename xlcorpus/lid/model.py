"""Language identification models: fastText files, from the wheel, from the user's cache or from a path."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xlcorpus.errors import UserError
from xlcorpus.lid.fileformat import NotWholeError, model_kind
from xlcorpus.lid.folding import fold, one_line
from xlcorpus.text.labels import FOLDED_PREFIX, has_script

LID176_VARIABLE = "XLCORPUS_LID176"
LID176_FILE = "lid.176.ftz"


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
        return np.repeat(np.arange(len(self.offsets) - 1, dtype=np.int64), np.diff(self.offsets))


class LanguageModel:
    """A supervised fastText model. Load it once a worker (`load_model`): fastText models cannot be pickled."""

    def __init__(self, path: Path, name: str) -> None:
        """Load the file at `path`. Raises UserError where it is missing, not fastText's, or not a supervised model."""
        self.name = name
        self.path = path
        self._model = _load(path)
        found: list[str] = self._model.getLabels("strict")[0]
        self.labels: tuple[str, ...] = tuple(found)
        self._number = {label: number for number, label in enumerate(self.labels)}
        self.folded = all(label.startswith(FOLDED_PREFIX) for label in self.labels)
        self.has_scripts = all(has_script(label) for label in self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """xxh3-128 of the file's bytes, 32 hexadecimal digits."""
        return xxhash.xxh3_128_hexdigest(self.path.read_bytes())

    def prepare(self, texts: pa.StringArray) -> pa.StringArray:
        """The texts as this model was trained to see them (string[rows], one line each): folded, or as they are."""
        return fold(texts) if self.folded else one_line(texts)

    def predict(self, texts: pa.StringArray, k: int, floor: float) -> Predictions:
        """The k best labels of each text whose probability reaches `floor`; nulls count as empty texts.

        An empty text gets what the model says of an empty line.
        """
        return self.predict_prepared(self.prepare(texts), k, floor)

    def predict_prepared(self, texts: pa.StringArray, k: int, floor: float) -> Predictions:
        """`predict` for texts that went through `prepare`."""
        # Not multilinePredict: in fasttext-wheel 0.9.2 under numpy 2 it gives every candidate of a text the score of
        # the best one. Both run the same C++ once a text (lid.176, k=20: 24 k texts/s, multilinePredict 31 k).
        predict = self._model.predict
        lines = pc.binary_join_element_wise(texts, "\n", "").to_pylist()
        found = [predict(line, k, floor, "strict") for line in lines]
        counts = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        scores, labels = zip(*chain.from_iterable(found), strict=True) if offsets[-1] else ((), ())
        number = self._number
        return Predictions(
            labels=np.fromiter((number[label] for label in labels), dtype=np.int32, count=len(labels)),
            scores=np.clip(np.array(scores, dtype=np.float32), 0.0, 1.0),
            offsets=offsets,
        )


def _load(path: Path) -> Any:
    try:
        kind = model_kind(path)
    except OSError as error:
        raise UserError(
            f"the language model {path} cannot be read: {error.strerror}",
            remedy="give 'embedded', 'lid176' or the path of a fastText .bin or .ftz file",
        ) from error
    except NotWholeError as error:
        raise UserError(
            f"{path} is not a whole fastText model: {error}",
            remedy="give a .bin or .ftz file written by fastText, unpacked; fetch it again if it was cut short",
        ) from error
    if kind != "supervised":
        raise UserError(
            f"{path} is a fastText model of word vectors ({kind}), not of languages",
            remedy="give a supervised model, whose labels are languages",
        )
    import fasttext

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it warns about its own return type
            return fasttext.load_model(str(path)).f
    except (ValueError, RuntimeError, MemoryError) as error:
        raise UserError(f"fastText cannot load {path}: {error}", remedy="fetch or train it again") from error


def embedded_path() -> Path:
    """Where the model that comes with the package lies."""
    return Path(str(resources.files("xlcorpus.lid.embedded").joinpath("lid.ftz")))


def lid176_path() -> Path:
    """Where lid.176.ftz lies: $XLCORPUS_LID176, else ~/.cache/xlcorpus. Raises UserError where it is in neither."""
    given = os.environ.get(LID176_VARIABLE)
    path = Path(given) if given else Path.home() / ".cache" / "xlcorpus" / LID176_FILE
    if not path.is_file():
        raise UserError(
            f"lid.176 is not at {path}",
            remedy=f"put fastText's {LID176_FILE} there, give its path as the model, or name it in {LID176_VARIABLE}; "
            "nothing is downloaded without being asked for",
        )
    return path


def load_model(spec: str) -> LanguageModel:
    """Load a model: `embedded` (in the package), `lid176` (the user's copy of fastText's), or the path of a file.

    Raises UserError where there is none, or the file is not a supervised fastText model.
    """
    if spec == "embedded":
        return LanguageModel(embedded_path(), spec)
    if spec == "lid176":
        return LanguageModel(lid176_path(), spec)
    path = Path(spec).expanduser()
    return LanguageModel(path, path.name)
