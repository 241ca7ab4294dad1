"""identify: add language, script and alternatives to every text; nothing is dropped, known languages stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import DOCUMENT, PAIR, Step, as_read
from xlcorpus.dataset.result import Result
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known_languages import notes_of, with_known
from xlcorpus.lid.model import LanguageModel, load_model
from xlcorpus.lid.pair_languages import identify_pairs
from xlcorpus.options import StepOptions, option


class Options(StepOptions):
    """Options of identify."""

    files: ClassVar[tuple[str, ...]] = ("model",)
    model: str = option("embedded", description="embedded, lid176, or the path of a fastText model")
    top_k: int = option(5, ge=1, le=100, description="candidates to look at")
    known: Literal["keep", "judge"] = option(
        "keep",
        description="languages that are known (ingest --lang, --lang-column): keep them, the model's label beside, or "
        "let the model judge; where it says another one is reported either way",
    )
    alt_floor: float = option(0.01, ge=0, le=1, description="keep alternatives with at least this probability")


@dataclass(frozen=True)
class IdentifyKernel:
    """`identify_batch` with its model, of sentence pairs on both sides."""

    options: Options
    pairs: bool = False
    step: str = "identify"

    def load(self) -> LanguageModel:
        """The model, once a process."""
        return load_model(self.options.model)

    def apply(self, batch: pa.RecordBatch, loaded: LanguageModel) -> Result:
        """See `identify_batch`, `with_known`, `identify_pairs`."""

        def identify(texts: pa.RecordBatch) -> Result:
            judged = identify_batch(texts, loaded, top_k=self.options.top_k, alt_floor=self.options.alt_floor)
            return with_known(texts, judged, loaded, self.options.known)

        return identify_pairs(batch, identify, loaded) if self.pairs else identify(batch)


STEP = Step(
    name="identify",
    summary="Identify language and script (fastText).",
    order=20,
    speed=1.5,
    options=Options,
    reads=(DOCUMENT, PAIR),
    makes=as_read,
    map=lambda options, execution: MapBatches(IdentifyKernel(options, execution.reads == PAIR)),
    notes=lambda tally, batches: notes_of(tally.counts),
    models=lambda options: {"lid": load_model(options.model).fingerprint},
)
