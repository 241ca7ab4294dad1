"""Rows of what was found: pairs in the shard of their source sentence, and a decision for each other sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_beside, read_each, write_beside
from xlcorpus.dataset.columns import fixed_binary, one_batch
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.decisions import decide, empty, repeat
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.near.sentences import SETTLED, documents_file, list_file, side_file
from xlcorpus.mine.sentences import ANOTHER_LANGUAGE, ELSEWHERE, NO_SENTENCE
from xlcorpus.pairs.margin import Aligned
from xlcorpus.pairs.sides import SIDES
from xlcorpus.text.hashes import digests_of

STEP_NAME = "pairs-align"
DUPLICATE, NO_TRANSLATION = "duplicate_sentence", "no_translation"  # of sentences
REPEATED, ALONE, PAIRED = 0, 1, 2  # states of a sentence: its text stands elsewhere too, which is looked at instead
_ROWS = 1 << 14  # rows written at once
_COLUMNS = (
    "doc_id", "src", "tgt", "src_lang", "tgt_lang", "source", "origin", "kind", "sim", "margin",
    "src_doc_id", "tgt_doc_id", "src_sentence", "tgt_sentence",
)  # fmt: skip
PAIR = load_schema("pair").plain(_COLUMNS)


@dataclass(frozen=True)
class PutPairs:
    """Where pairs and states of sentences lie for the tasks that write them. shards: how many there are."""

    folder: Location
    pair: LanguagePair
    shards: int

    def put(self, there: Aligned, back: Aligned, found: Aligned) -> None:
        """there, back: the best of each sentence of a side (`best_margins`); found: the pairs."""
        sides = {side: _settled(self.folder, side) for side in SIDES}
        rows = self._rows(sides["src"].take(pa.array(found.src)), sides["tgt"].take(pa.array(found.tgt)), found)
        of_shard = sides["src"]["shard"].to_numpy()[found.src]
        place = sides["src"]["place"].to_numpy()[found.src]
        order = np.lexsort((found.tgt, place, of_shard))
        cuts = np.searchsorted(of_shard[order], np.arange(self.shards + 1))
        for number in range(self.shards):
            here = rows.take(pa.array(order[cuts[number] : cuts[number + 1]]))
            write_beside(self.folder / f"{number}.pairs.arrow", one_batch(here))
        best = {"src": there.margin, "tgt": back.margin}
        for side, used in zip(SIDES, (found.src, found.tgt), strict=True):
            self._put_states(side, sides[side], best[side], used)

    def _put_states(self, side: str, settled: pa.Table, best: np.ndarray, used: np.ndarray) -> None:
        states = np.full(settled.num_rows, ALONE, dtype=np.int8)
        states[used] = PAIRED
        shard, place = settled["shard"].to_numpy(), settled["place"].to_numpy()
        order = np.argsort(shard, kind="stable")
        cuts = np.searchsorted(shard[order], np.arange(self.shards + 1))
        for number in range(self.shards):
            here = order[cuts[number] : cuts[number + 1]]
            batch = {"place": place[here], "state": states[here], "margin": best[here]}
            columns = {name: pa.array(values) for name, values in batch.items()}
            write_beside(_states_file(self.folder, number, side), pa.RecordBatch.from_pydict(columns))

    def _rows(self, src: pa.Table, tgt: pa.Table, found: Aligned) -> pa.Table:
        keys = [b"".join(both) for both in zip(src["key"].to_pylist(), tgt["key"].to_pylist(), strict=True)]
        ids = digests_of([f"{STEP_NAME}/{self.pair}/".encode() + key for key in keys])
        count = len(keys)
        return pa.table(
            [
                fixed_binary(np.frombuffer(ids, dtype=np.uint64).reshape(-1, 2)),
                src["text"],
                tgt["text"],
                repeat(self.pair.src, count),
                repeat(self.pair.tgt, count),
                src["source"],
                src["origin"],
                repeat("mined", count),
                pa.array(found.cosine.astype(np.float32)),
                pa.array(found.margin.astype(np.float32)),
                src["doc_id"],
                tgt["doc_id"],
                src["sentence"],
                tgt["sentence"],
            ],
            schema=PAIR,
        )


def results_of_shard(
    shard: Shard, folder: Location, number: int, threshold: float, *, keep_text: bool = False
) -> Iterator[Result]:
    """The pairs of a shard, decisions for its documents without a sentence in either language, and for each sentence
    without a pair: score, its best margin, and the threshold, or that its text stands elsewhere too.

    A sentence of the target side that is in a pair shares the row of its source sentence (`merged`).
    """
    counts = read_beside(documents_file(folder, number)).column("n").to_numpy()
    begin = 0
    for batch in read_batches(shard, ["doc_id", "lang", "origin", *(["text"] if keep_text else [])]):
        here = counts[begin : begin + batch.num_rows]
        left = np.flatnonzero(here <= 0)
        reasons = np.where(here[left] == ELSEWHERE, ANOTHER_LANGUAGE, NO_SENTENCE)
        documents = batch.take(pa.array(left))
        gone = decide(documents, STEP_NAME, pa.array(reasons, pa.string()), keep_text=keep_text)
        yield Result(empty(PAIR), gone, rows_in=batch.num_rows, repeated=len(left) - batch.num_rows)
        begin += batch.num_rows
    pairs = read_beside(folder / f"{number}.pairs.arrow")
    for start in range(0, max(len(pairs), 1), _ROWS):
        part = pairs.slice(start, _ROWS)
        yield Result(part, rows_in=0, repeated=len(part), counts={"pairs": len(part)})
    for side in SIDES:
        yield from _of_sentences(folder, number, side, threshold, keep_text)


def _of_sentences(folder: Location, number: int, side: str, threshold: float, keep_text: bool) -> Iterator[Result]:
    known = read_beside(_states_file(folder, number, side))
    listed = list(read_each(list_file(folder, number, side)))
    total = sum(len(batch) for batch in listed)
    states, best = np.full(total, REPEATED, dtype=np.int8), np.full(total, np.nan)
    places = known.column("place").to_numpy()
    states[places], best[places] = known.column("state").to_numpy(), known.column("margin").to_numpy()
    begin = 0
    for batch in listed:
        here = slice(begin, begin + len(batch))
        alone = np.flatnonzero(states[here] != PAIRED)
        repeated = states[here][alone] == REPEATED
        decisions = decide(
            batch.take(pa.array(alone)),
            STEP_NAME,
            pa.array(np.where(repeated, DUPLICATE, NO_TRANSLATION), pa.string()),
            score=pa.array(best[here][alone], mask=repeated),
            threshold=pa.array(np.full(len(alone), threshold), mask=repeated),
            keep_text=keep_text,
        )
        shared = len(batch) - len(alone) if side == "tgt" else 0
        found = {"sentences": len(batch), "different": int((states[here] != REPEATED).sum())}
        found["paired"] = len(batch) - len(alone)
        more = len(alone) + shared
        yield Result(empty(PAIR), decisions, rows_in=0, repeated=more, merged=shared, counts={side: found})
        begin += len(batch)


def notes_of(counts: Mapping[str, Any], pair: LanguagePair) -> dict[str, Any]:
    """Notes for the manifest, from the counts of `results_of_shard`."""
    names = ("sentences", "different", "paired")
    found = {side: {name: counts.get(side, {}).get(name, 0) for name in names} for side in SIDES}
    labels = {"src": pair.src, "tgt": pair.tgt}
    lines = [
        f"{labels[side]}: {one['sentences']:,} sentences, {one['different']:,} different, {one['paired']:,} in pairs"
        for side, one in found.items()
    ]
    return {"pairs": counts.get("pairs", 0), **found, "table": lines}


def _settled(folder: Location, side: str) -> pa.Table:
    return pa.Table.from_batches(read_each(side_file(folder, side)), schema=SETTLED)


def _states_file(folder: Location, number: int, side: str) -> Location:
    return folder / f"{number}.{side}.states.arrow"
