"""Which mined pairs are kept, and the examples that a prompt for each of them has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import one_batch, put_columns, text_or_empty
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import decide, empty
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.lid.model import load_model
from xlcorpus.mine.embedder import embedder_of
from xlcorpus.mine.examples import Pool, choose_examples, listed
from xlcorpus.mine.judge import Judged, JudgeOptions, judge
from xlcorpus.options import option

STEP_NAME = "mine-select"
_READ = ("doc_id", "src", "tgt", "src_lang", "tgt_lang", "natural_side", "shots")
_WHY = "__reason"
_SHOTS = {field.name: field.type for field in load_schema("pair").also}["shots"]


class SelectOptions(JudgeOptions):
    """Options of mine-select."""

    keep_all: bool = option(False, description="leave pairs that do not pass in, with filter_pass false")
    examples: int = option(8, ge=0, description="other pairs beside each, for prompts (column shots); 0: none")
    top: int = option(20, ge=1, description="pairs nearest by vectors, of which BM25 chooses the examples")


def selected(inputs: Sequence[Dataset], options: SelectOptions) -> tuple[Judged, pa.Array]:
    """All pairs of the inputs, judged, and the examples of each (list<struct<src, tgt>>, the nearest last)."""
    tables = [
        pa.Table.from_batches(dataset.batches(names), schema=pa.schema([schema.field(name) for name in names]))
        for dataset in inputs
        for schema in (dataset.manifest.arrow_schema,)
        for names in ([name for name in _READ if name in schema.names],)
    ]
    batch = one_batch(pa.concat_tables(tables, promote_options="default"))
    judged = judge(batch, options, embedder_of(options), load_model(options.lid))
    return judged, examples_of(judged, options.examples, options.top)


def examples_of(judged: Judged, examples: int, top: int) -> pa.Array:
    """list<struct<src, tgt>>[rows]: for each pair others, as `choose_examples` has them, the nearest last."""
    rows = judged.rows
    if not examples:
        return pa.nulls(len(rows), _SHOTS)
    texts = text_or_empty(rows, "src")
    pool = Pool(texts, judged.vectors, judged.passed)
    chosen = choose_examples(texts, judged.vectors, pool, np.arange(len(rows)), shots=examples, top=top)
    return shots_of(chosen, texts, text_or_empty(rows, "tgt"))


def shots_of(chosen: np.ndarray, src: pa.Array, tgt: pa.Array) -> pa.Array:
    """list<struct<src, tgt>>[rows]: the pairs of these numbers (int64[rows, k], -1 for none), the last column first."""
    offsets, at = listed(chosen)
    pairs = pa.StructArray.from_arrays([src.take(at), tgt.take(at)], fields=list(_SHOTS.value_type))
    return pa.ListArray.from_arrays(offsets, pairs, type=_SHOTS)


def put_selected(folder: Location, judged: Judged, shots: pa.Array, shards: Sequence[Shard]) -> None:
    """Leave the new columns of each shard, and why rows go, for the tasks that write it."""
    names = [name for name in judged.rows.schema.names if name not in _READ]
    columns = {name: judged.rows.column(name) for name in names}
    columns |= {"filter_pass": pa.array(judged.passed), "shots": shots, _WHY: pa.array(judged.reasons, pa.string())}
    columns |= {
        f"{_WHY}_{name}": pa.array(getattr(judged, name), from_pandas=True) for name in ("scores", "thresholds")
    }
    batch, start = pa.RecordBatch.from_pydict(columns), 0
    for number, shard in enumerate(shards):
        write_beside(folder / f"{number}.judged", batch.slice(start, shard.rows))
        start += shard.rows


def selected_of_shard(
    shard: Shard, folder: Location, number: int, *, keep_all: bool, keep_text: bool
) -> Iterator[Result]:
    """The pairs of a shard that pass, or all of them, and decisions for the others."""
    judged, start = read_beside(folder / f"{number}.judged"), 0
    for batch in read_batches(shard):
        yield _selected(batch, judged.slice(start, batch.num_rows), keep_all=keep_all, keep_text=keep_text)
        start += batch.num_rows
    if start == 0:
        yield _selected(empty(shard_fields(shard)), judged, keep_all=keep_all, keep_text=keep_text)


def _selected(batch: pa.RecordBatch, judged: pa.RecordBatch, *, keep_all: bool, keep_text: bool) -> Result:
    passed = np.asarray(judged.column("filter_pass"))
    new = {name: judged.column(name) for name in judged.schema.names if not name.startswith(_WHY)}
    rows = put_columns(batch, new)
    if keep_all:
        return Result(rows, rows_in=batch.num_rows)
    left = pa.array(np.flatnonzero(~passed))
    decisions = decide(
        batch.take(left),
        STEP_NAME,
        judged.column(_WHY).take(left),
        score=judged.column(f"{_WHY}_scores").take(left),
        threshold=judged.column(f"{_WHY}_thresholds").take(left),
        keep_text=keep_text,
    )
    return Result(rows.filter(pa.array(passed)), decisions, rows_in=batch.num_rows)
