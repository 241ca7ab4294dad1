"""Prompts that ask for the translation of a word, with examples that are near it in the vectors of its language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import Vectors
from xlcorpus.lexicon.entries import lookup_keys
from xlcorpus.lexicon.vecmap import top_k, unit
from xlcorpus.mine.fitting import Fitted
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.words import Examples
from xlcorpus.templates.template import Template, parse

TEMPLATE = "The {src_name} word {word} in {tgt_name} is:"
SHOTS_TEMPLATE = "The {src_name} word '{word}' in {tgt_name} is {answer}."
ANSWER = "answer"
_COLUMNS = ("word", "src_name", "tgt_name", "src_lang", "tgt_lang")
_HERE = "\ue000\uf8ff\ue000"  # of private use: where a template writes the answer
_BLOCK = 1024  # words whose neighbours are looked for at once


Build = Callable[[int, Sequence[str]], str]  # number of a prompt, the first ones of its examples -> prompt
Fit = Callable[[Sequence[Sequence[str]], Build], Fitted]


def all_fit(shots: Sequence[Sequence[str]], build: Build) -> Fitted:
    """Prompts with all of their examples, for a model without an end."""
    return Fitted([build(number, examples) for number, examples in enumerate(shots)])


@dataclass
class WordPrompts:
    """langs: labels of both sides; template: of a word alone, shots_template: of an example, and of the word behind
    them, up to its answer; vectors: of a side's words, asked for when the first examples are chosen; fit: leaves out
    examples that the model could not read (`fitting`). dropped: how many were left out so far."""

    langs: tuple[str, str]
    vectors: Callable[[int], Vectors]
    template: str = TEMPLATE
    shots_template: str = SHOTS_TEMPLATE
    shots: int = 5
    fit: Fit = all_fit
    dropped: int = 0

    def __call__(self, side: int, words: Sequence[str], pairs: Examples) -> list[str]:
        """The prompt for each word of a side. pairs: what examples are chosen from.

        Raises UserError where the model cannot read a word without any example.
        """
        langs = self.langs if side == 0 else (self.langs[1], self.langs[0])
        if not pairs:
            return word_lines(self.template, langs, words)
        known = pairs if side == 0 else [(src, tgt) for tgt, src in pairs]
        sources = [word for word, _ in known]
        lines = word_lines(self.shots_template, langs, sources, [word for _, word in known])
        opened = opened_lines(self.shots_template, langs, words)
        folded = lookup_keys(pa.array(sources, pa.string()), langs[0]).to_pylist()  # as vectors and queries have them
        chosen = nearest_examples(words, folded, self.vectors(side), self.shots)
        made = self.fit(
            [[lines[place] for place in places] for places in chosen],
            lambda number, examples: "\n".join([*examples, opened[number]]),
        )
        self.dropped += made.dropped
        if made.too_long:
            raise UserError(
                f"the model cannot read the prompt of {words[made.prompts.index(None)]!r} without any example",
                remedy="shorten --shots-template, or lower --new-tokens",
            )
        return [prompt or "" for prompt in made.prompts]


def word_lines(
    template: str, langs: tuple[str, str], words: Sequence[str], answers: Sequence[str] | None = None
) -> list[str]:
    """A template of words filled for each word of the first language; answers: what stands at {answer}. Raises
    UserError."""
    values = dict(zip(_COLUMNS[1:], (*LanguagePair(*langs).names, *langs), strict=True))
    columns = {"word": pa.array(words, pa.string())}
    columns |= {} if answers is None else {ANSWER: pa.array(answers, pa.string())}
    columns |= {name: pa.array([value] * len(words), pa.string()) for name, value in values.items()}
    rendered = parse(template).render(pa.RecordBatch.from_pydict(columns))
    if rendered.failed:
        raise UserError(
            f"template {template!r} fails for the word {words[rendered.failed[0].row]!r}: {rendered.failed[0].message}",
            remedy="mend the template",
        )
    made: list[str] = rendered.texts().to_pylist()
    return made


def opened_lines(template: str, langs: tuple[str, str], words: Sequence[str]) -> list[str]:
    """The template of an example for each word, up to its answer. Raises UserError."""
    made = word_lines(template, langs, words, [_HERE] * len(words))
    return [one.partition(_HERE)[0].rstrip() for one in made]


def check_templates(template: str, shots_template: str) -> None:
    """Raise UserError where a template cannot be read, writes no word, or names a column that there is not."""
    for flag, source, names in (
        ("--template", template, _COLUMNS),
        ("--shots-template", shots_template, (*_COLUMNS, ANSWER)),
    ):
        found: Template = parse(source)
        found.check(pa.schema([(name, pa.string()) for name in names]), f"the columns of {flag}")
        lacking = {"word", *names[len(_COLUMNS) :]} - set(found.columns)
        if lacking:
            raise UserError(
                f"{flag} {source!r} does not write {{{min(lacking)}}}", remedy=f"write for example {SHOTS_TEMPLATE!r}"
                if flag == "--shots-template" else f"write for example {TEMPLATE!r}",
            )  # fmt: skip


def nearest_examples(words: Sequence[str], known: Sequence[str], vectors: Vectors, count: int) -> list[list[int]]:
    """Which of the known words, by place, are nearest each word by cosine, the nearest first; never the word itself.

    Words of no vector are as far from all; of equally near ones the first known is taken.
    """
    place = {word: number for number, word in enumerate(vectors.words)}
    table = np.vstack([unit(vectors.matrix.astype(np.float64)), np.zeros((1, vectors.matrix.shape[1]))])
    of_known = table[[place.get(word, -1) for word in known]]
    own: dict[str, list[int]] = {}
    for at, word in enumerate(known):
        own.setdefault(word, []).append(at)
    found: list[list[int]] = []
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        near = np.round(table[[place.get(word, -1) for word in block]] @ of_known.T, 6)
        for row, word in enumerate(block):
            near[row, own.get(word, [])] = -np.inf
        for row, columns in zip(near, top_k(near, count), strict=True):
            found.append([int(column) for column in columns if row[column] > -np.inf])
    return found
