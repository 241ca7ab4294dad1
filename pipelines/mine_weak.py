"""mine-weak: natural sentences of a language, translated word by word into another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries
from xlcorpus.mine.costs import Cost
from xlcorpus.mine.entries import entries_of
from xlcorpus.mine.questions import Questions, identity_of
from xlcorpus.mine.weak import (
    STEP_NAME,
    WeakOptions,
    ask_words,
    index_of,
    translate_words,
    weak_rows,
)
from xlcorpus.mine.word_costs import cost_of_unknown
from xlcorpus.mine.word_prompts import SHOTS_TEMPLATE
from xlcorpus.pipelines.mined import Mined, check_inputs

WORDS = "mined_word"


def _dictionaries(options: WeakOptions, inputs: Sequence[Dataset]) -> list[Location]:
    mined = [one.folder for one in inputs if one.manifest.schema_name == WORDS]
    return [*(locate(path) for path in options.dictionary), *mined]


def run(options: WeakOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """List sentences, translate them, write."""
    pair, mined = options.languages, Mined.of(execution, inputs)
    natural, documents = mined.natural(pair.src, options.sentences, options.sentence_breaker)
    entries = entries_of(_dictionaries(options, inputs), pair)
    notes: dict[str, Any] = {"pair": str(pair), "entries": entries.num_rows, "sentences": natural.num_rows}
    notes["documents"] = documents
    texts, spent = natural["text"].combine_chunks(), None
    if options.unknown == "ask":
        questions = Questions(execution.each, options, execution.scratch)
        entries, notes["unknown"] = ask_words(texts, entries, options, questions.ask, SHOTS_TEMPLATE)
        questions.keep(execution.workspace.folder)
        spent = questions.spent
    rows, failed = weak_rows(natural, translate_words(texts, index_of(entries), pair), options)
    notes |= {"pairs": rows.num_rows, "few_translated": len(failed)}
    notes["table"] = [f"{pair}: {notes['sentences']:,} sentences, {rows.num_rows:,} weak translations"]
    return Outcome.of(mined.write(STEP_NAME, rows, natural, failed), notes, spent)


def check(options: WeakOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Read the dictionaries; look at the inputs, where they are known."""
    pair = options.languages
    if options.unknown == "ask" and not options.llm:
        raise UserError("--unknown ask: nobody is asked", remedy="--llm BACKEND:MODEL, or --unknown copy")
    if inputs:
        paths = _dictionaries(options, inputs)
        if not paths:
            raise UserError(
                "there is no dictionary", remedy="name one, --dictionary FILE, or a dataset of mined words as input"
            )
        entries_of(paths, pair)
    return check_inputs(STEP_NAME, inputs, pair.src)


def costs(options: WeakOptions, inputs: Sequence[Dataset]) -> Cost | None:
    """Words without an entry, as far as there are entries already."""
    if options.unknown != "ask":
        return Cost()
    paths = _dictionaries(options, inputs)
    return cost_of_unknown(options, inputs, entries_of(paths, options.languages) if paths else None)


def models(options: WeakOptions) -> dict[str, str]:
    """Of the dictionaries, and who is asked."""
    found = {}
    if options.dictionary:
        found["dictionaries"] = fingerprint_of_dictionaries([locate(path) for path in options.dictionary])
    if options.unknown == "ask":
        found["llm"] = identity_of(options)
    return found


STEP = Step(
    name="mine-weak",
    summary="Mine, 2: sentences translated word by word, to show a language model poor text beside fluent text.",
    order=82,
    speed=4.0,
    options=WeakOptions,
    example="--pair eng_Latn:swh_Latn --dictionary en-sw.tsv",
    reads=(DOCUMENT, WORDS),
    makes=PAIR,
    models=models,
    check=check,
    costs=costs,
    run=run,
    many=True,
)
