"""Natural sentences: those of documents in a language, each text once, the ones with the smallest hashes.

A shard lists its own in a pass; what is left of all shards is small enough for one process. What becomes of the
documents is told at the end, when it is known which sentences made a row (`made_of_shard`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import fixed_binary, one_batch
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import decide, empty
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.mine.sentences import ANOTHER_LANGUAGE, ELSEWHERE, NO_SENTENCE, own_sentences
from xlcorpus.text.draws import draw_keys, id_halves
from xlcorpus.text.hashes import digests_of

NOT_DRAWN = "not_drawn"  # of documents whose sentences were not tried
_PROVENANCE = ("source", "origin", "url", "timestamp", "license")  # columns of documents that rows have too


@dataclass(frozen=True)
class Listed:
    """A shard: its documents in the language."""

    documents: int


def provenance_of(inputs: Sequence[Dataset]) -> tuple[str, ...]:
    """The columns that rows take from their documents: those that all datasets have in one type."""
    schemas = [dataset.manifest.arrow_schema for dataset in inputs]
    types = {name: {one.field(name).type if name in one.names else None for one in schemas} for name in _PROVENANCE}
    return tuple(name for name, found in types.items() if len(found) == 1 and None not in found)


@dataclass(frozen=True)
class ListNatural:
    """The `most` sentences of a shard with the smallest keys, to `folder`/NUMBER.sentences, in the shard's order.

    There: text; key uint64, a hash of the text and the seed; row int64, the document's number in the shard; doc_id and
    provenance. How many sentences each document has goes to NUMBER.documents.
    """

    folder: Location
    lang: str
    provenance: tuple[str, ...]
    most: int
    seed: int
    sentence_breaker: str | None = None

    def __call__(self, number: int, shard: Shard) -> Listed:
        """What there is in it."""
        columns = ["doc_id", "text", "lang", *self.provenance]
        schema = shard_fields(shard)
        first, of_first = self._sentences(empty(pa.schema([schema.field(name) for name in columns])))
        parts, counts, start = [first], [of_first], 0
        for batch in read_batches(shard, columns):
            found, of_batch = self._sentences(batch)
            counts.append(of_batch)
            moved = pc.add(found["row"], pa.scalar(start, pa.int64()))
            parts.append(found.set_column(found.schema.get_field_index("row"), "row", moved))
            start += batch.num_rows
            if sum(part.num_rows for part in parts) > 2 * self.most + 10_000:
                parts = [smallest(parts, self.most)]
        kept = smallest(parts, self.most)
        write_beside(self.folder / f"{number}.sentences", one_batch(kept))
        of_documents = np.concatenate(counts)
        write_beside(self.folder / f"{number}.documents", pa.RecordBatch.from_pydict({"n": pa.array(of_documents)}))
        return Listed(int((of_documents >= 0).sum()))

    def _sentences(self, batch: pa.RecordBatch) -> tuple[pa.Table, np.ndarray]:
        """The sentences of a batch with their columns, and int64[rows]: sentences of each document."""
        own = own_sentences(batch, self.lang, self.sentence_breaker)
        rows = pa.array(own.rows)
        columns = {
            "text": own.found.texts,
            "key": pa.array(draw_keys(id_halves(own.found.pair_ids), f"mine/{self.lang}/{self.seed}")),
            "row": rows,
            **{name: batch.column(name).take(rows) for name in ("doc_id", *self.provenance)},
        }
        return pa.table(columns), own.counts


def smallest(parts: Sequence[pa.Table], most: int) -> pa.Table:
    """Of equal texts the first, of these the `most` with the smallest keys, in their order."""
    table = pa.concat_tables(parts)
    keys = table["key"].to_numpy()
    _, first = np.unique(keys, return_index=True)  # ascending keys
    return table.take(pa.array(np.sort(first[:most])))


def all_natural(folder: Location, tasks: int, most: int) -> pa.Table:
    """The sentences that are mined, of all shards in their order, with the number of their shard (`task`)."""
    kept: list[pa.Table] = []
    for number in range(tasks):
        batch = read_beside(folder / f"{number}.sentences")
        here = pa.Table.from_batches([batch]).append_column("task", pa.array(np.full(len(batch), number)))
        kept = [smallest([*kept, here], most)]
    return kept[0]


def ids_of(texts: pa.Array | pa.ChunkedArray, purpose: str) -> pa.Array:
    """binary[16][n]: ids of rows that are made of these texts, a hash of both."""
    keys = [f"{purpose}\0{text}".encode("utf-8", "surrogatepass") for text in texts.to_pylist()]
    return fixed_binary(np.frombuffer(digests_of(keys), dtype=np.uint64).reshape(-1, 2))


@dataclass(frozen=True)
class Failed:
    """A sentence (its number) that made no row, and why."""

    of: int
    reason: str
    score: float | None = None
    threshold: float | None = None


def put_made(folder: Location, rows: pa.Table, natural: pa.Table, failed: Sequence[Failed], tasks: int) -> None:
    """Leave what was made of the sentences for the tasks that write it: NUMBER.made and NUMBER.failed.

    rows: a row for each sentence that made one, with `of`, its number in `natural`, ascending.
    """
    place = natural.select(["task", "row"])
    lost = place.take(pa.array([one.of for one in failed], pa.int64()))
    for name, kind in (("reason", pa.string()), ("score", pa.float64()), ("threshold", pa.float64())):
        lost = lost.append_column(name, pa.array([getattr(one, name) for one in failed], kind))
    where = place.take(rows["of"])
    made = rows.drop_columns(["of"])
    for name in place.column_names:
        made = made.append_column(name, where[name])
    for number in range(tasks):
        for table, suffix in ((made, "made"), (lost, "failed")):
            here = table.filter(pc.equal(table["task"], number)).drop_columns(["task"])
            write_beside(folder / f"{number}.{suffix}", one_batch(here))


def made_of_shard(shard: Shard, folder: Location, number: int, step: str, *, keep_text: bool) -> Iterator[Result]:
    """The rows of a shard of documents, and a decision for each document without one: for its first sentence that was
    tried, `not_drawn` where none was, `no_sentence`, `another_language`."""
    made, failed = read_beside(folder / f"{number}.made"), read_beside(folder / f"{number}.failed")
    counts = read_beside(folder / f"{number}.documents").column("n").to_numpy()
    rows, plain = made.column("row").to_numpy(), made.drop_columns(["row"])
    lost = {row["row"]: row for row in reversed(failed.to_pylist())}
    has = np.zeros(len(counts), dtype=bool)
    has[rows] = True
    names = ["doc_id", "lang", "origin", *(["text"] if keep_text else [])]
    start = 0
    for batch in read_batches(shard, names):
        here = slice(start, start + batch.num_rows)
        out = plain.filter(pa.array((rows >= here.start) & (rows < here.stop)))
        left = np.flatnonzero(~has[here])
        why = [lost.get(start + row) or _of_document(int(counts[start + row])) for row in left.tolist()]
        decisions = decide(
            batch.take(pa.array(left)),
            step,
            pa.array([one["reason"] for one in why], pa.string()),
            score=pa.array([one["score"] for one in why], pa.float64()),
            threshold=pa.array([one["threshold"] for one in why], pa.float64()),
            keep_text=keep_text,
        )
        repeated = out.num_rows + len(left) - batch.num_rows
        yield Result(out, decisions, rows_in=batch.num_rows, repeated=repeated)
        start += batch.num_rows
    if start == 0:
        yield Result(plain, rows_in=0)


def _of_document(sentences: int) -> dict[str, str | None]:
    reason = ANOTHER_LANGUAGE if sentences == ELSEWHERE else NOT_DRAWN if sentences else NO_SENTENCE
    return {"reason": reason, "score": None, "threshold": None}


def pair_rows(
    natural: pa.Table,
    of: np.ndarray,
    *,
    src: pa.Array,
    tgt: pa.Array,
    langs: tuple[str, str],
    purpose: str,
    **more: pa.Array,
) -> pa.Table:
    """Rows (schema pair-1, with `of`) of these sentences: int64[rows] numbers in `natural`; more: further columns."""
    taken, also = natural.take(pa.array(of, pa.int64())), {field.name: field for field in load_schema("pair").also}
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "doc_id": ids_of(taken["text"], purpose),
        "src": src,
        "tgt": tgt,
        "src_lang": pa.array([langs[0]] * len(of), pa.string()),
        "tgt_lang": pa.array([langs[1]] * len(of), pa.string()),
        **{name: taken[name] for name in _PROVENANCE if name in taken.column_names},
        "pair_doc_id": taken["doc_id"],
        "kind": pa.array(["mined"] * len(of), pa.string()),
        "natural_side": pa.array(["tgt"] * len(of), pa.string()),
        **{name: column.cast(also[name].type) if name in also else column for name, column in more.items()},
        "of": pa.array(of, pa.int64()),
    }
    return pa.table(columns)
