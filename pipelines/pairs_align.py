"""pairs-align: sentence pairs of documents in two languages, found by the vectors of their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.errors import UserError
from xlcorpus.mine.embedder import embedder_identity
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.near.options import PairsAlignOptions
from xlcorpus.mine.near.pairs import STEP_NAME, PutPairs, notes_of, results_of_shard
from xlcorpus.mine.near.search import (
    WHOLE,
    CountBlock,
    EmbedBlock,
    Part,
    SearchBlock,
    add_counts,
    read_near,
)
from xlcorpus.mine.near.sentences import ListSides, SettleSide
from xlcorpus.mine.sentences import check_documents
from xlcorpus.pairs.margin import BLOCK, align, best_margins
from xlcorpus.pairs.sides import SIDES
from xlcorpus.text.labels import same_language
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS


@dataclass(frozen=True)
class WriteAligned:
    """Pairs and decisions of a shard."""

    workspace: Workspace
    folder: Location
    threshold: float
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The counts are of sentences, by side."""
        made = results_of_shard(shard, self.folder, number, self.threshold, keep_text=self.keep_text)
        return write_results(self.workspace, number, STEP_NAME, made, partition_by=self.partition_by)


def run(options: PairsAlignOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """List sentences, each text once; count and embed them in blocks; search both ways; pair in the launcher; write."""
    folder, tasks, pair = execution.scratch, shard_tasks(inputs), LanguagePair.parse(options.pair)
    weight = sum(task.weight for task in tasks)
    execution.each("list", tasks, ListSides(folder, pair, options.sentence_breaker))
    sides = [Task(number, weight // 2, side) for number, side in enumerate(SIDES)]
    settled = execution.each("settle", sides, SettleSide(folder, len(tasks)))
    for label, one in zip((pair.src, pair.tgt), settled, strict=True):
        if not one.count:
            raise UserError(f"there is no sentence in {label}", remedy="name datasets with documents of both languages")
    blocks = {side: -(-one.count // BLOCK) for side, one in zip(SIDES, settled, strict=True)}
    parts = [Part(side, block, blocks) for side in SIDES for block in range(blocks[side])]
    in_blocks = [Task(number, weight // len(parts), part) for number, part in enumerate(parts)]
    execution.each("count", in_blocks, CountBlock(folder, options))
    add_counts(folder, len(in_blocks))
    execution.each("embed", in_blocks, EmbedBlock(folder, options))
    if options.search == "faiss":
        parts = [Part(side, WHOLE, blocks) for side in SIDES]
        in_blocks = [Task(number, weight // 2, part) for number, part in enumerate(parts)]
    execution.each("search", in_blocks, SearchBlock(folder, options))
    near = (read_near(folder, [part for part in parts if part.side == side]) for side in SIDES)
    there, back = best_margins(*near)
    PutPairs(folder, pair, len(tasks)).put(there, back, align(there, back, options.retrieval, options.threshold))
    write = WriteAligned(execution.workspace, folder, options.threshold, execution.keep_text, execution.partition_by)
    outcome = Outcome.of(execution.each("write", tasks, write))
    return replace(outcome, notes=notes_of(outcome.tallies[0].counts, pair))


def models(options: PairsAlignOptions) -> dict[str, str]:
    """What makes the vectors, and what finds sentences where a library is asked to."""
    found = {"embedder": embedder_identity(options)}
    if options.sentence_breaker:
        breaker = SENTENCE_BREAKERS.find(options.sentence_breaker)
        found["sentences"] = f"{breaker.name} {breaker.version}"
    return found


def check(options: PairsAlignOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look for the columns, the embedder and documents of both languages before anything runs."""
    pair = LanguagePair.parse(options.pair)
    models(options)
    labels: set[str] = set()
    for dataset in inputs:
        check_documents(dataset)
        labels |= {label for label in dataset.manifest.languages if label}
    for label in (pair.src, pair.tgt) if inputs else ():
        if not any(same_language(label, one) for one in labels):
            raise UserError(
                f"no document is in {label}; there are {', '.join(sorted(labels)[:10]) or 'none with a language'}",
                remedy="name datasets with documents of both languages of --pair",
            )
    return []


STEP = Step(
    name="pairs-align",
    summary="Find sentence pairs in documents of two languages by the vectors of their sentences (ratio margin).",
    order=76,
    speed=0.05,
    options=PairsAlignOptions,
    example="--pair eng_Latn:deu_Latn",
    makes=PAIR,
    models=models,
    check=check,
    many=True,
    run=run,
)
