"""The text that is changed, for operators that leave the other side as it is: the document, or one of its sentences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.generate.operators import FEW_WORDS, MADE, NO_CHANGE, Made, Operator
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source
from xlcorpus.text.codepoints import strings_of
from xlcorpus.text.draws import below

_SENTENCE = 0  # the number of a state that says which sentence is taken; changes draw from 1 on

Change = Callable[[Source, np.ndarray, GenerateOptions], pa.Array]


def changed(change: Change) -> Operator:
    """An operator whose first side is the text, and the second what `change` makes of it: string[texts]."""

    def apply(source: Source, states: np.ndarray, options: GenerateOptions) -> Made:
        texts = _sentence(source, states) if options.of == "sentence" else source
        found = texts.words.per_text
        reasons = np.where(found >= options.min_words, MADE, FEW_WORDS)
        before = strings_of(texts.points.codes, texts.points.offsets)
        after = change(texts, states, options)
        same = pc.equal(before, after).to_numpy(zero_copy_only=False)
        reasons[(reasons == MADE) & same] = NO_CHANGE
        keep = pa.array(np.flatnonzero(reasons == MADE))
        return Made(before.take(keep), after.take(keep), reasons, found)

    return apply


def _sentence(source: Source, states: np.ndarray) -> Source:
    """One sentence of each text; of a text without one, nothing."""
    spans = source.sentences
    some = np.flatnonzero(spans.per_text > 0)
    starts, ends = np.zeros((2, len(source)), dtype=np.int64)
    at = spans.offsets[some] + below(states[some], _SENTENCE, spans.per_text[some])
    starts[some], ends[some] = spans.starts[at], spans.ends[at]
    return source.part(starts, ends)
