"""mine-pairs: natural sentences translated back by a language model that is shown pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.errors import UserError
from xlcorpus.lid.model import load_model
from xlcorpus.mine.costs import Cost, sentences_in
from xlcorpus.mine.embedder import embedder_identity, embedder_of
from xlcorpus.mine.pool import diverse, of_both, read_pairs
from xlcorpus.mine.questions import Questions, identity_of
from xlcorpus.mine.translate import STEP_NAME, PairsOptions, Translating, check_template
from xlcorpus.pipelines.mined import Mined, check_inputs

DIVERSE = "diverse"


def run(options: PairsOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """List sentences, ask round by round, write."""
    pair, mined = options.languages, Mined.of(execution, inputs)
    natural, documents = mined.natural(pair.tgt, options.sentences, options.sentence_breaker)
    pairs = read_pairs([one for one in inputs if one.manifest.schema_name == PAIR])
    notes: dict[str, Any] = {"pair": str(pair), "sentences": natural.num_rows}
    notes["documents"] = documents
    if options.demonstrations == DIVERSE:
        pool, notes["exemplars"] = diverse(pairs, pair, options.shots, execution.seed)
    else:
        pool = of_both(pairs, pair)
    if not pool.num_rows and options.shots:
        raise UserError(
            f"no pair among the inputs can be shown for {pair}",
            remedy="give a dataset of pairs (mine-weak makes one of both languages), or --shots 0",
        )
    questions = Questions(execution.each, options, execution.scratch)
    fixed = options.demonstrations == DIVERSE
    translating = Translating(
        options, questions.ask, embedder_of(options), lambda: load_model(options.lid), questions.fit, fixed
    )
    rows, failed, notes["rounds"] = translating.rounds(natural, pool)
    questions.keep(execution.workspace.folder)
    notes["pairs"] = rows.num_rows
    notes["table"] = [f"{pair}: {natural.num_rows:,} sentences, {rows.num_rows:,} with an answer"]
    return Outcome.of(mined.write(STEP_NAME, rows, natural, failed), notes, questions.spent)


def check(options: PairsOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the template, and at the inputs, where they are known."""
    pair = options.languages
    check_template(options.template)
    return check_inputs(STEP_NAME, inputs, pair.tgt)


def costs(options: PairsOptions, inputs: Sequence[Dataset]) -> Cost | None:
    """Each sentence in each round, with its demonstrations, which are about as long on both sides."""
    documents = [one for one in inputs if one.manifest.schema_name == DOCUMENT]
    if not documents:
        return None
    count, tokens = sentences_in(documents, options.languages.tgt, options.sentence_breaker)
    calls = min(count, options.sentences) * (options.rounds + 1)
    into = calls * tokens * (1 + 2 * options.shots)
    return Cost(calls, round(into), round(calls * min(tokens, options.new_tokens)))


def models(options: PairsOptions) -> dict[str, str]:
    """Who is asked, and what demonstrations are chosen and later rounds judged by."""
    found = {"llm": identity_of(options), "embedder": embedder_identity(options)}
    return found | ({"lid": load_model(options.lid).fingerprint} if options.rounds else {})


STEP = Step(
    name="mine-pairs",
    summary="Mine, 3: sentences of the target language translated by a language model that is shown pairs.",
    order=83,
    speed=0.01,
    options=PairsOptions,
    example="--pair eng_Latn:swh_Latn --llm transformers:MODEL",
    reads=(DOCUMENT, PAIR),
    makes=PAIR,
    models=models,
    check=check,
    costs=costs,
    run=run,
    many=True,
)
