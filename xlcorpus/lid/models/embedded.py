"""The model that comes with the package; its card lies beside it."""

from __future__ import annotations

from xlcorpus.dataset import storage
from xlcorpus.lid.folding import fold
from xlcorpus.lid.known import KnownModel

MODEL = KnownModel(
    "embedded",
    lambda: storage.packaged("xlcorpus.lid.embedded", "lid.ftz"),
    prepare=fold,
    fingerprint="23726b64aab06ef7002eeed4a330c823",
)
