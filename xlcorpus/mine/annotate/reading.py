"""What a classifier, a tagger or an embedder says of rows, batch by batch. No torch here until a model is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from xlcorpus.dataset.columns import put_columns, require_column, row_language, text_or_empty
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.storage import locate
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.mine.annotate.asking import ASKED, FAULTS, NOTHING, SAID, STEP_NAME, check_free, read_rows
from xlcorpus.mine.annotate.options import CLASSIFIER, EMBEDDER, SCORE, TAGGER, AnnotateOptions
from xlcorpus.mine.embedder import Embedder, embedder_identity, embedder_of, is_sparse
from xlcorpus.mine.model_files import fingerprint_of_model
from xlcorpus.pairs.sides import is_pairs
from xlcorpus.tags.columns import SIDES, TOKENS, label_columns
from xlcorpus.tags.layers import read_units
from xlcorpus.tags.tokens import cut_out, units_of_text
from xlcorpus.templates.template import parse
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.ragged import rows_of

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.labels.texts import TextLabeller

_TEXT = "{text}"
CUT = "cut"  # counts: texts that were longer than what was read
_LIST = pa.list_(pa.string())


@dataclass(frozen=True)
class ReadingKernel:
    """`classified`, `tagged` or `embedded`, with the model, once a process."""

    options: AnnotateOptions
    step: str = STEP_NAME

    def load(self) -> TextLabeller | Embedder:
        """Open the model; raises UserError."""
        return open_reader(self.options)

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        """The batch with its columns."""
        said = classified if self.options.model == CLASSIFIER else tagged if self.options.model == TAGGER else embedded
        return said(batch, loaded, self.options)


def open_reader(options: AnnotateOptions) -> TextLabeller | Embedder:
    """The classifier, tagger or embedder of these options; raises UserError."""
    if options.model == EMBEDDER:
        return embedder_of(options)
    from xlcorpus.evaluate.measures.labels.texts import TextLabeller
    from xlcorpus.evaluate.models import open_model
    from xlcorpus.objectives import labelled

    head = {CLASSIFIER: labelled.CLASSIFIER, TAGGER: labelled.TAGGER}[options.model]
    trained = open_model(getattr(options, options.model), device=options.device)
    return TextLabeller.of(trained, head, options.model_tokens, options.model_batch)


def identity_of_reader(options: AnnotateOptions) -> str:
    """What the model is, without opening it; raises UserError."""
    if options.model == EMBEDDER:
        return embedder_identity(options)
    return fingerprint_of_model(locate(getattr(options, options.model)))


def classified(batch: pa.RecordBatch, labeller: TextLabeller, options: AnnotateOptions) -> Result:
    """The column: a label (string), with COLUMN_score (float32), its probability; of a model with one output its
    number (float32), without a score. Null where there is nothing to read."""
    texts, faults = read_rows(batch, parse(options.template or _TEXT))
    found = labeller.texts(texts)
    known = np.asarray(faults.is_null()) & found.read
    if labeller.is_number:
        made = {options.column: pa.array(found.values[:, 0], pa.float32(), mask=~known)}
    else:
        names = pa.array(labeller.labels, pa.string())
        best = pa.array(found.values.argmax(axis=1), pa.int64(), mask=~known)
        score = pa.array(found.values.max(axis=1), pa.float32(), mask=~known)
        made = {options.column: names.take(best), f"{options.column}_{SCORE}": score}
    said = {} if labeller.is_number else dict(Counter(made[options.column].drop_null().to_pylist()))
    return _result(batch, made, faults, known, said, found.cut)


def embedded(batch: pa.RecordBatch, embedder: Embedder, options: AnnotateOptions) -> Result:
    """The column: list<float32>, all of one length and norm 1, null where there is nothing to read.

    Not fixed_size_list: pyarrow 25 cannot read null ones back from Parquet, which a mix with other rows would have.
    """
    texts, faults = read_rows(batch, parse(options.template or _TEXT))
    known = np.asarray(faults.is_null())
    texts, langs = (one.filter(pa.array(known)) for one in (texts, pc.fill_null(row_language(batch), "")))
    flat, width = np.zeros(0, dtype=np.float32), 0
    if len(texts):
        vectors = embedder.embed(texts, langs, embedder.count(texts, langs))
        if sparse.issparse(vectors):
            raise _sparse(options)
        flat, width = vectors.astype(np.float32).ravel(), vectors.shape[1]
    offsets = pa.array(np.append(0, np.cumsum(known * width)).astype(np.int32))
    column = pa.ListArray.from_arrays(offsets, pa.array(flat), mask=pa.array(~known))
    return _result(batch, {options.column: column}, faults, known, {}, 0)


def tagged(batch: pa.RecordBatch, labeller: TextLabeller, options: AnnotateOptions) -> Result:
    """The column: list<string>, a tag for each of `tokens`, which are made of the text where the batch has none; null
    where no piece of a token was read. COLUMN_score (float32): the probability of a tag, their geometric mean."""
    side = side_of(options.column, batch.schema)
    columns = label_columns(batch.schema, side)
    texts = text_or_empty(batch, side[:3] or "text")
    points = code_points(texts)
    units = read_units(batch, columns, points)
    words = units_of_text(points) if units is None else units
    found = labeller.words(texts, points, words)
    names = pa.array(labeller.labels, pa.string())
    tags = names.take(pa.array(found.best, pa.int64(), mask=found.best < 0))
    offsets = pa.array(words.offsets.astype(np.int32))
    said = found.best >= 0
    counts = np.bincount(rows_of(words.offsets)[said], minlength=batch.num_rows)
    known = counts > 0
    made: dict[str, pa.Array] = {}
    if units is None:
        made[side + TOKENS] = pa.ListArray.from_arrays(offsets, cut_out(texts, points, words.starts, words.ends))
    made[options.column] = pa.ListArray.from_arrays(offsets, tags)
    logs = np.zeros(len(said))
    logs[said] = np.log(found.probability[said].astype(np.float64))
    sums = np.bincount(rows_of(words.offsets), weights=logs, minlength=batch.num_rows)
    score = np.exp(sums / np.maximum(counts, 1))
    made[f"{options.column}_{SCORE}"] = pa.array(score, pa.float32(), mask=~known)
    faults = pc.if_else(pa.array(known), pa.scalar(None, pa.string()), pa.scalar(NOTHING))
    return _result(batch, made, faults, known, dict(Counter(tags.drop_null().to_pylist())), found.cut)


def _result(
    batch: pa.RecordBatch,
    made: Mapping[str, pa.Array],
    faults: pa.Array,
    known: np.ndarray,
    said: Mapping[str, int],
    cut: int,
) -> Result:
    check_free(batch.schema, pa.schema([pa.field(name, column.type) for name, column in made.items()]), "the dataset")
    why = Counter(fault or NOTHING for fault, good in zip(faults.to_pylist(), known.tolist(), strict=True) if not good)
    counts: Counts = {ASKED: {"rows": batch.num_rows, "with_value": int(known.sum())}, FAULTS: dict(why)}
    return Result(put_columns(batch, dict(made)), counts=counts | {SAID: dict(said), CUT: cut})


def side_of(column: str, schema: pa.Schema) -> str:
    """`src_` or `tgt_` where a column of tags names a side of sentence pairs, '' of documents; raises UserError."""
    if not is_pairs(schema):
        return ""
    side = next((side for side in SIDES if column.startswith(side)), None)
    if side is None:
        raise UserError(
            f"--column {column} of sentence pairs does not say whose tokens are tagged",
            remedy=f"write --column src_{column}, or --column tgt_{column}",
        )
    return side


def check_reader(options: AnnotateOptions, schema: pa.Schema | None, where: str) -> None:
    """Raise UserError where the model's files or libraries are missing, or a column cannot be made of the dataset."""
    identity_of_reader(options)
    if options.embedder and is_sparse(options):
        raise _sparse(options)
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            raise UserError(f"--{options.model} needs {name}", remedy="pip install 'xlcorpus[pretrain]'")
    made = [pa.field(options.column, _LIST), pa.field(f"{options.column}_{SCORE}", pa.float32())]
    if schema is None:
        return
    if options.model != TAGGER:
        parse(options.template or _TEXT).check(schema, where)
        check_free(schema, pa.schema([field.with_type(pa.string()) for field in made[:1]]), where)
        return
    side = side_of(options.column, schema)
    require_column(schema, side[:3] or "text", where)
    if label_columns(schema, side).tokens is None:
        made.append(pa.field(side + TOKENS, _LIST))
    check_free(schema, pa.schema(made), where)
    if options.column not in label_columns(pa.schema([*schema, *made]), side).tags:
        raise UserError(
            f"--column {options.column} is no name of a column of tags",
            remedy="write a name that ends with _tags: --column ner_tags",
        )


def _sparse(options: AnnotateOptions) -> UserError:
    return UserError(
        f"--embedder {options.embedder} has a column for each n-gram, too many for a column of vectors",
        remedy="take encoder:FOLDER, or sentence-transformers:FOLDER",
    )


def notes_of_reader(tally: Tally) -> Mapping[str, Any]:
    """What the manifest says: rows with a value and without, labels by name, texts that were cut."""
    counts = tally.counts
    rows, good = (counts.get(ASKED, {}).get(name, 0) for name in ("rows", "with_value"))
    faults, said = (dict(sorted(counts.get(name, {}).items())) for name in (FAULTS, SAID))
    cut = counts.get(CUT, 0)
    lines = [f"{good:,} of {rows:,} rows have a value"]
    lines += [", ".join(f"{name} {count:,}" for name, count in said.items())] if said else []
    lines += [f"without, {name}: {count:,}" for name, count in faults.items()]
    lines += [f"longer than --model-tokens: {cut:,}"] if cut else []
    return {"rows": rows, "with_value": good, FAULTS: faults, SAID: said, CUT: cut, "table": lines}
