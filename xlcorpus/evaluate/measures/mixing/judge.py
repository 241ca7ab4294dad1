"""Mixing of languages: how much of what a model writes is in another language or script than its prompt.

Our own language identification judges sentences, so it has errors of its own: the texts that the prompts were cut from
go on somehow, and what is said of these is the floor that generated text is to be compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.evaluate.generate import generate
from xlcorpus.evaluate.measures.mixing.prompts import Prompt
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.standard_error import of_ratio
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel, load_model
from xlcorpus.text.codepoints import byte_lengths, code_points
from xlcorpus.text.labels import (
    NO_LANGUAGE,
    UNKNOWN_LANGUAGE,
    codes_of,
    language_of,
    normalize_label,
    script_of,
    unicode_scripts,
)
from xlcorpus.text.script import letters_by_script
from xlcorpus.text.sentences import sentences

LEAST_BYTES = 24  # of a sentence, to be judged: 24 letters of Latin, 8 of Chinese or Hindi
_SHOWN = 5


@dataclass(frozen=True)
class Judged:
    """Letters of some texts in one language; int64[texts] each.

    letters: all; other_script: of scripts that the language is not written in; judged: of sentences whose language was
    found; other_language: of those in another language; into: these by language.
    """

    letters: np.ndarray
    other_script: np.ndarray
    judged: np.ndarray
    other_language: np.ndarray
    into: Counter[str]

    @property
    def facts(self) -> dict[str, Any]:
        """Shares of letters with their standard errors over texts (None: nothing to judge, or one text), as JSON has
        them."""
        facts: dict[str, Any] = {"texts": len(self.letters), "empty": int((self.letters == 0).sum())}
        for name, part, whole in (
            ("other_language", self.other_language, self.judged),
            ("other_script", self.other_script, self.letters),
        ):
            facts[name], facts[f"{name}_error"] = of_ratio(part, whole)
        facts["judged"] = of_ratio(self.judged, self.letters)[0]
        total = int(self.judged.sum())
        return facts | {"into": {lang: count / total for lang, count in self.into.most_common(_SHOWN)}}


def mixing(trained: TrainedModel, prompts: Sequence[Prompt], options: EvaluateOptions) -> dict[str, Any]:
    """By language: `generated` and `reference` (how the texts themselves go on), each as `Judged.facts`, and `sample`,
    the first text written."""
    model = load_model(options.lid)
    written = generate(trained, [prompt.ids for prompt in prompts], options)
    made, real = ([trained.tokenizer.decode(ids) for ids in some] for some in (written, [one.rest for one in prompts]))
    langs = [prompt.lang for prompt in prompts]
    generated, reference = judge(made, langs, model), judge(real, langs, model)
    return {
        lang: {
            "generated": generated[lang].facts,
            "reference": reference[lang].facts,
            "sample": made[langs.index(lang)],
        }
        for lang in generated
    }


def judge(texts: Sequence[str], langs: Sequence[str], model: LanguageModel) -> dict[str, Judged]:
    """By language, the texts (of these languages: swh_Latn) sentence by sentence.

    Languages count as another where neither is the other's macrolanguage; of a language that the model does not know
    nothing is judged but its script. Sentences under 24 bytes are not judged.
    """
    whole = pa.array(texts, pa.string())
    counts, names = letters_by_script(whole)
    points = code_points(whole)
    spans = sentences(points)
    joined = points.codes.astype("<u4").tobytes().decode("utf-32-le")
    found = [joined[start:end] for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    single = pa.array(found, pa.string())
    labels = identify_batch(pa.record_batch({"text": single}), model).column("lang").to_pylist()
    letters = letters_by_script(single)[0].sum(axis=1) if len(single) else np.zeros(0, dtype=np.int64)
    long = byte_lengths(single) >= LEAST_BYTES
    known = {language_of(normalize_label(label)) for label in model.labels}

    made: dict[str, Judged] = {}
    for lang in sorted(set(langs)):
        rows = np.array([row for row, one in enumerate(langs) if one == lang])
        own = {*codes_of(language_of(lang))}
        script = script_of(lang)
        written = [name in unicode_scripts([script]) for name in names] if script else [True] * len(names)
        judged, other = (np.zeros(len(texts), dtype=np.int64) for _ in range(2))
        into: Counter[str] = Counter()
        if own & known:
            for at in np.flatnonzero(np.isin(spans.rows, rows) & long).tolist():
                label = labels[at]
                if language_of(label) in (UNKNOWN_LANGUAGE, language_of(NO_LANGUAGE)):
                    continue
                judged[spans.rows[at]] += letters[at]
                if language_of(label) not in own:
                    other[spans.rows[at]] += letters[at]
                    into[label] += int(letters[at])
        all_letters = counts[rows].sum(axis=1)
        made[lang] = Judged(
            all_letters, all_letters - counts[rows][:, written].sum(axis=1), judged[rows], other[rows], into
        )
    return made
