"""mine-words: a dictionary of two languages out of their documents and a language model, without parallel text."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries
from xlcorpus.mine.entries import entries_of, single_words
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.questions import Questions, identity_of
from xlcorpus.mine.sentences import check_documents
from xlcorpus.mine.word_costs import cost_of_words
from xlcorpus.mine.word_options import WordOptions, languages_of
from xlcorpus.mine.word_prompts import WordPrompts, check_templates
from xlcorpus.mine.word_rows import STEP_NAME, notes_of, read_documents, result_of
from xlcorpus.mine.word_texts import CountShard, TrainSide, read_side, vocabulary_of
from xlcorpus.mine.words import Examples, Mining
from xlcorpus.text.breakers import word_breaker_for
from xlcorpus.text.labels import script_of


def _seed_files(options: WordOptions) -> list[Location]:
    return [locate(path) for path in options.seed_dictionary]


def seeds_of(options: WordOptions) -> Examples:
    """Pairs of single words that are known; raises UserError."""
    if not options.seed_dictionary:
        return []
    table = single_words(entries_of(_seed_files(options), LanguagePair(*languages_of(options.pair))))
    return list(zip(table["src"].to_pylist(), table["tgt"].to_pylist(), strict=True))


@dataclass(frozen=True)
class ReadShard:
    """Decisions for the documents of a shard that are of neither language."""

    workspace: Workspace
    langs: tuple[str, str]
    keep_text: bool

    def __call__(self, number: int, shard: Shard) -> Written:
        """No rows: these come of all shards together."""
        results = read_documents(shard, self.langs, keep_text=self.keep_text)
        return write_results(self.workspace, number, STEP_NAME, results)


def run(options: WordOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count the words of both languages; train vectors where examples are chosen by them; ask, round by round."""
    langs, folder, tasks = languages_of(options.pair), execution.scratch, shard_tasks(inputs)
    execution.each("count", tasks, CountShard(folder, langs))
    numbers = [task.number for task in tasks]
    one, other = (
        vocabulary_of(folder, numbers, side, lang, options.min_count, options.least_words)
        for side, lang in enumerate(langs)
    )
    known = seeds_of(options)
    if options.rounds or known:
        train = TrainSide(tuple(inputs), folder, options.vectors_mb << 20, execution.seed)
        weight = sum(task.weight for task in tasks) // 2
        execution.each("vectors", [Task(side, weight, lang) for side, lang in enumerate(langs)], train)
    questions = Questions(execution.each, options, folder)
    prompts = WordPrompts(
        langs,
        functools.lru_cache(maxsize=2)(lambda side: read_side(folder, side)),
        options.template,
        options.shots_template,
        options.shots,
        lambda shots, build: questions.fit(shots, build, options.decoding),
    )
    sides, queries = (one, other), (one.words[: options.queries], other.words[: options.queries])
    rounds = Mining(sides, prompts, questions.ask, options.decoding, options.rules).rounds(queries, known)
    questions.keep(execution.workspace.folder)
    made = result_of(sides, queries, rounds, options.source, keep_text=execution.keep_text)
    words = write_results(execution.workspace, 0, STEP_NAME, [made], partition_by=execution.partition_by)
    after = [Task(task.number + 1, task.weight, task.content) for task in tasks]
    read = execution.each("read", after, ReadShard(execution.workspace, langs, execution.keep_text))
    notes = notes_of(sides, queries, rounds)
    notes["examples_left_out"] = prompts.dropped
    return Outcome.of([words, *read], notes, questions.spent)


def models(options: WordOptions) -> dict[str, str]:
    """The language model, and what finds words where a script has no spaces."""
    breakers = {lang: word_breaker_for(script_of(lang)) for lang in languages_of(options.pair) if script_of(lang)}
    found = {f"words of {lang}": f"{one.name} {one.version}" for lang, one in breakers.items() if one is not None}
    if options.seed_dictionary:
        found["seed dictionary"] = fingerprint_of_dictionaries(_seed_files(options))
    return {"llm": identity_of(options), **found}


def check(options: WordOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look at languages, templates and columns before anything is asked."""
    check_templates(options.template, options.shots_template)
    for dataset in inputs:
        check_documents(dataset)
    known = [label for dataset in inputs for label in dataset.manifest.languages] if inputs else None
    languages_of(options.pair, known)
    seeds_of(options)
    models(options)
    return []


STEP = Step(
    name=STEP_NAME,
    summary="Mine a dictionary of two languages out of a language model that is asked both ways (SAIL).",
    order=71,
    speed=0.1,
    options=WordOptions,
    example="--pair swh_Latn:eng_Latn --llm transformers:MODEL",
    makes="mined_word",
    models=models,
    check=check,
    costs=cost_of_words,
    many=True,
    run=run,
)
