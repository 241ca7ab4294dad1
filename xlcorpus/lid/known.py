"""The models that are called by a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from xlcorpus.dataset.storage import Location
from xlcorpus.registry import Registry
from xlcorpus.text.labels import normalize_label

Prepare = Callable[[pa.StringArray], pa.StringArray]


class NameLabel(Protocol):
    """`xxx_Yyyy` of a model's label, for a text of this main script and this kind of Han characters."""

    def __call__(self, raw: str, *, script: str | None = None, han: str = "Hans") -> str:
        """See `labels.normalize_label`."""


@dataclass(frozen=True)
class KnownModel:
    """A fastText model with a name.

    where: its file; raises UserError where it is not there. prepare: the texts as the model was trained to see them,
    one line each; None: as its labels say (folded, where they begin with `__folded__`). label: what a label means.
    fingerprint: xxh3-128 of the file, 32 hexadecimal digits, where there is one file only.
    """

    name: str
    where: Callable[[], Location]
    prepare: Prepare | None = None
    label: NameLabel = normalize_label
    fingerprint: str | None = None


MODELS: Registry[KnownModel] = Registry("language model", "xlcorpus.lid.models", "MODEL", "xlcorpus.lid_models")
