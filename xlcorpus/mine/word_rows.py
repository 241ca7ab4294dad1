"""What a run of word mining leaves: rows of pairs, why queried words have none, and figures by round and frequency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import batch_of, text_or_empty
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.decisions import DECISION, decide, empty, repeat
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.mine.words import Confirmed, Round, Said, Sides, Words
from xlcorpus.text.hashes import digests_of
from xlcorpus.text.labels import in_language
from xlcorpus.text.tables import table_lines

MINED = load_schema("mined_word").arrow
STEP_NAME = "mine-words"
BANDS = (100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)  # places by frequency at which a band ends
OTHER_LANGUAGE, NO_ANSWER, NOT_A_WORD, EQUAL, NOT_CONFIRMED = (
    "other_language", "no_answer", "out_of_vocabulary", "equal_sides", "not_confirmed",
)  # fmt: skip
_ORIGIN = DECISION.field("origin").type


def rows_of(sides: Sides, pairs: Sequence[Confirmed], source: str) -> pa.RecordBatch:
    """The rows (mined_word-1) of pairs, in their order."""
    one, other = sides
    langs = one.lang, other.lang
    src_ranks = [one.ranks[pair.src] for pair in pairs]
    tgt_ranks = [other.ranks[pair.tgt] for pair in pairs]
    values: dict[str, Sequence[Any]] = {
        "doc_id": _ids([*langs, pair.src, pair.tgt] for pair in pairs),
        "src": [pair.src for pair in pairs],
        "tgt": [pair.tgt for pair in pairs],
        "score": [pair.score for pair in pairs],
        "rank_f": [pair.rank_f for pair in pairs],
        "rank_b": [pair.rank_b for pair in pairs],
        "iteration": [pair.iteration for pair in pairs],
        "src_rank": src_ranks,
        "tgt_rank": tgt_ranks,
        "src_count": [one.counts[rank - 1] for rank in src_ranks],
        "tgt_count": [other.counts[rank - 1] for rank in tgt_ranks],
        "origin": [{"file": langs[0], "offset": rank} for rank in src_ranks],
    }
    columns = {name: pa.array(column, MINED.field(name).type) for name, column in values.items()}
    alike = {"src_lang": langs[0], "tgt_lang": langs[1], "source": source}
    return batch_of(MINED, columns | {name: repeat(value, len(pairs)) for name, value in alike.items()}, len(pairs))


def _ids(parts: Iterable[Sequence[str]]) -> list[bytes]:
    joined = digests_of("\0".join(part).encode() for part in parts)
    return [joined[start : start + 16] for start in range(0, len(joined), 16)]


def decisions_of(sides: Sides, queries: Words, last: Round, *, keep_text: bool = False) -> pa.RecordBatch:
    """A decision for each queried word that is in no pair of the last round; the word is its text."""
    kept: list[pa.RecordBatch] = []
    for side, (own, other) in enumerate((sides, sides[::-1])):
        paired = {(pair.src, pair.tgt)[side] for pair in last.pairs}
        words = [word for word in queries[side] if word not in paired]
        columns = {
            "doc_id": pa.array(_ids([own.lang, other.lang, word] for word in words), pa.binary(16)),
            "origin": pa.array([{"file": own.lang, "offset": own.ranks[word]} for word in words], _ORIGIN),
            "lang": repeat(own.lang, len(words)),
            "text": pa.array(words, pa.string()),
        }
        reasons = pa.array([_reason(word, last.answers[side][word]) for word in words], pa.string())
        kept.append(decide(pa.RecordBatch.from_pydict(columns), STEP_NAME, reasons, keep_text=keep_text))
    return pa.concat_batches(kept)


def _reason(word: str, said: Said) -> str:
    if said.first is None:
        return NOT_A_WORD if said.answered else NO_ANSWER
    return EQUAL if said.first == word else NOT_CONFIRMED


def result_of(sides: Sides, queries: Words, rounds: Sequence[Round], source: str, *, keep_text: bool) -> Result:
    """Rows and decisions of a run; none of them is a row that went in."""
    rows = rows_of(sides, rounds[-1].pairs, source)
    decisions = decisions_of(sides, queries, rounds[-1], keep_text=keep_text)
    return Result(rows, decisions, rows_in=0, repeated=rows.num_rows + decisions.num_rows)


def read_documents(shard: Shard, langs: tuple[str, str], *, keep_text: bool = False) -> Iterator[Result]:
    """What becomes of documents: those of both languages give their words (merged), others get a decision."""
    for batch in read_batches(shard):
        labels = text_or_empty(batch, "lang")
        gone = batch.filter(pa.array(~np.logical_or(*(in_language(labels, lang) for lang in langs))))
        decisions = decide(gone, STEP_NAME, OTHER_LANGUAGE, keep_text=keep_text)
        merged = batch.num_rows - gone.num_rows
        yield Result(empty(MINED), decisions, rows_in=batch.num_rows, merged=merged)


@dataclass(frozen=True)
class Band:
    """Queried words from one place by frequency to another: how many, with an answer that is a word, in a pair."""

    begin: int
    end: int
    queried: int = 0
    in_vocabulary: int = 0
    confirmed: int = 0


def bands_of(sides: Sides, queries: Words, last: Round) -> list[Band]:
    """The queried words of the source language by frequency."""
    paired = {pair.src for pair in last.pairs}
    said = last.answers[0]
    found, begin = [], 1
    for end in (*BANDS, max(BANDS[-1], len(sides[0].words)) + 1):
        words = [word for word in queries[0] if begin <= sides[0].ranks[word] <= end]
        if words:
            named = sum(said[word].first is not None for word in words)
            found.append(Band(begin, end, len(words), named, sum(word in paired for word in words)))
        begin = end + 1
    return found


def notes_of(sides: Sides, queries: Words, rounds: Sequence[Round]) -> dict[str, Any]:
    """What the manifest notes: words of each side; queried, answered by a word, confirmed, by round and by band."""
    table = [["round", "language", "queried", "in vocabulary", "asked back", "confirmed", "equal"]]
    noted = []
    for one in rounds:
        for side, own in enumerate(sides):
            named = sum(one.answers[side][word].first is not None for word in queries[side])
            figures = {"queried": len(queries[side]), "in_vocabulary": named, "asked_back": one.asked_back[side]}
            figures |= {"confirmed": len(one.pairs), "equal": one.equal}
            noted.append({"round": one.number, "lang": own.lang, **figures})
            table.append([str(one.number), own.lang, *(f"{figure:,}" for figure in figures.values())])
    bands = bands_of(sides, queries, rounds[-1])
    by_band = [[f"{sides[0].lang} by frequency", "queried", "in vocabulary", "confirmed"]]
    by_band += [
        [f"{one.begin:,} to {one.end:,}", *(f"{n:,}" for n in (one.queried, one.in_vocabulary, one.confirmed))]
        for one in bands
    ]
    return {
        "words": {side.lang: len(side.words) for side in sides},
        "rounds": noted,
        "bands": [vars(one) for one in bands],
        "table": [*table_lines(table, right=range(2, 7)), *table_lines(by_band, right=range(1, 4))],
    }
