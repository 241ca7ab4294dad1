"""identify: add language, script and alternatives to every text; nothing is dropped, known languages stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step, as_read
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.lid.close import MACROLANGUAGE, close_languages, fingerprint_of
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known_languages import notes_of, with_known
from xlcorpus.lid.model import LanguageModel, load_model
from xlcorpus.lid.pair_languages import identify_pairs
from xlcorpus.lid.sentence_languages import Counted, with_sentences
from xlcorpus.options import StepOptions, option
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS


class Options(StepOptions):
    """Options of identify."""

    files: ClassVar[tuple[str, ...]] = ("model", "sentence_close")
    model: str = option("embedded", description="embedded, lid176, or the path of a fastText model")
    top_k: int = option(5, ge=1, le=100, description="candidates to look at")
    known: Literal["keep", "judge"] = option(
        "keep",
        description="languages that are known (ingest --lang, --lang-column): keep them, the model's label beside, or "
        "let the model judge; where it says another one is reported either way",
    )
    alt_floor: float = option(0.01, ge=0, le=1, description="keep alternatives with at least this probability")
    sentences: bool = option(
        False, description="the language of each sentence too, how many there are, and how far they are the text's"
    )
    sentence_chars: int = option(
        30,
        ge=1,
        only={"sentences": [True]},
        description="least letters of a sentence that is judged, those of code and addresses left out",
    )
    sentence_score: float = option(
        0.9, ge=0, le=1, only={"sentences": [True]}, description="least probability of a sentence's label that counts"
    )
    sentence_close: str = option(
        MACROLANGUAGE,
        only={"sentences": [True]},
        description="languages that count as the document's: those of its ISO 639-3 macrolanguage, none, or a text "
        "file with more of them, close languages on each line",
    )
    sentence_breaker: str | None = option(
        None,
        only={"sentences": [True]},
        description="library that finds more sentences where the script marks none: pythainlp (Thai; needs "
        "xlcorpus[thai]); default: the built-in rules alone",
    )


@dataclass(frozen=True)
class IdentifyKernel:
    """`identify_batch` with its model, of sentence pairs on both sides."""

    options: Options
    counted: Counted | None = None
    pairs: bool = False
    step: str = "identify"

    def load(self) -> LanguageModel:
        """The model, once a process."""
        return load_model(self.options.model)

    def apply(self, batch: pa.RecordBatch, loaded: LanguageModel) -> Result:
        """See `identify_batch`, `with_known`, `identify_pairs`."""

        def identify(texts: pa.RecordBatch) -> Result:
            judged = identify_batch(texts, loaded, top_k=self.options.top_k, alt_floor=self.options.alt_floor)
            made = with_known(texts, judged, loaded, self.options.known)
            return replace(made, rows=self._with_sentences(made.rows, loaded, self.counted)) if self.counted else made

        return identify_pairs(batch, identify, loaded) if self.pairs else identify(batch)

    def _with_sentences(self, texts: pa.RecordBatch, model: LanguageModel, counted: Counted) -> pa.RecordBatch:
        breaker = SENTENCE_BREAKERS.find(self.options.sentence_breaker) if self.options.sentence_breaker else None
        return with_sentences(texts, model, counted, breaker)


def counted_of(options: Options) -> Counted | None:
    """Which sentences count, where any is judged; raises UserError for close languages that cannot be read."""
    if not options.sentences:
        return None
    return Counted(options.sentence_chars, options.sentence_score, close_languages(options.sentence_close))


def models(options: Options) -> dict[str, str]:
    """The model, what languages are close, and the version of the library that finds sentences."""
    found = {"lid": load_model(options.model).fingerprint}
    if counted_of(options) is not None:
        found["close"] = fingerprint_of(options.sentence_close)
    if options.sentence_breaker:
        breaker = SENTENCE_BREAKERS.find(options.sentence_breaker)
        found["sentences"] = f"{breaker.name} {breaker.version}"
    return found


STEP = Step(
    name="identify",
    summary="Identify language and script (fastText).",
    order=20,
    speed=1.5,
    options=Options,
    reads=(DOCUMENT, PAIR),
    makes=as_read,
    map=lambda options, execution: MapBatches(IdentifyKernel(options, counted_of(options), execution.reads == PAIR)),
    notes=lambda tally, batches: notes_of(tally.counts),
    models=models,
)
