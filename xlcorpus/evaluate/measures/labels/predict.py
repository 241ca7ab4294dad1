"""Rows labelled by a trained model: pseudo-labels to train on, and its distributions for students.

Predictions for pretraining (methods B20): train on gold, label what is unlabelled, train a new model on that, and go
on with gold. The soft labels are what FILTER's second round and ProKD's student learn from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import metadata_of, said_in
from xlcorpus.dataset.layout import BESIDE, DATA
from xlcorpus.dataset.manifest import StepRecord, is_ours
from xlcorpus.dataset.shards import Layout, PlainFile, ShardFile, ShardWriter
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import Say
from xlcorpus.evaluate.measures.labels.rows import Said, labels_of_model, objective_of, said_of
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.labelled import LABEL, LABELS, SOFT
from xlcorpus.objectives.objective import NO_LABEL
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.packs import values_of
from xlcorpus.text.ragged import rows_of

STEP = "predict"
_LAYOUT = Layout(1 << 20, plain=("pack_id", "doc_ids"), split=("input_ids",))


def check_output(folder: Location, *, overwrite: bool) -> None:
    """Raise UserError where something is there already that is not to be replaced."""
    if storage.exists(folder) and not (overwrite and is_ours(folder)):
        raise UserError(
            f"{folder} is there already",
            remedy="--overwrite, or another --output" if is_ours(folder) else "choose another --output",
        )


def predict(
    trained: TrainedModel, given: Location, output: Location, *, batch: int = 8, overwrite: bool = False, say: Say
) -> Dataset:
    """The rows of a dataset with the model's labels in the place of their own, and its distributions as `soft_labels`.

    Of `pack --view labels` a label stands where the row has labels; in a row without any, at the first piece of each
    word. Of texts and pairs it is the column `label`. soft_labels: list<float>, row by row the distribution at each
    token, or of the text, in the order of `labels.json`, which is the model's. Held-out rows beside the dataset are not
    labelled. Raises UserError where model and rows do not go together.
    """
    check_output(output, overwrite=overwrite)
    dataset, rows = Dataset.open(given), TokenRows.open(given)
    rows.require_rows()
    rows.vocabulary.check_packed_with(trained.tokenizer, trained.tokenizer_path, given)
    objective = objective_of(trained, rows)
    names = labels_of_model(trained)
    starts = _starts_of(trained, say) if rows.view == LABELS else None
    if storage.exists(output):
        storage.remove_folder(output)
    storage.make_folder(output)
    numbers = np.zeros(len(names), dtype=np.int64)
    schema = _schema(dataset.manifest.arrow_schema, tags=rows.view == LABELS)
    columns = [name for name in schema.names if name in rows.columns]
    with ShardWriter(output, DATA, "part-00000", schema, metadata=schema.metadata, layout=_LAYOUT) as writer:
        for said in said_of(trained, rows, objective, columns, batch=batch):
            column, found = _tags(said, rows, starts) if rows.view == LABELS else _texts(said, names)
            numbers += np.bincount(found, minlength=len(names))
            made = {**{name: said.rows.column(name) for name in columns}, **column, SOFT: _soft(said)}
            writer.write(pa.RecordBatch.from_arrays([made[name] for name in schema.names], schema=schema))
        shards = writer.close()
    for name in BESIDE:
        if storage.is_file(given / name):
            storage.write_text(output / name, storage.read_text(given / name))
    for name, content in LabelIds(names).files().items():
        storage.write_text(output / name, content)
    finished = _finish(dataset, trained, output, schema, shards)
    shown = ", ".join(f"{name} {count:,}" for name, count in zip(names, numbers.tolist(), strict=True))
    say(f"{output}: {dataset.manifest.rows:,} rows; labels: {shown}")
    return finished


def _schema(given: pa.Schema, *, tags: bool) -> pa.Schema:
    """Columns of what is written; what `datasets` knew of the old labels (names of classes) is not said of the new."""
    ours = {LABELS: pa.list_(pa.int32())} if tags else {LABEL: pa.string()}
    ours |= {SOFT: pa.list_(pa.float32())}
    fields = [field for field in given if field.name not in ours]
    said = {name: one for name, one in said_in(given.metadata).items() if name not in ours}
    return pa.schema([*fields, *(pa.field(name, kind) for name, kind in ours.items())], metadata=metadata_of(said))


def _soft(said: Said) -> pa.Array:
    width = said.probabilities.shape[1]
    offsets = pa.array((said.offsets * width).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(said.probabilities.astype(np.float32).ravel()))


def _texts(said: Said, names: tuple[str, ...]) -> tuple[dict[str, pa.Array], np.ndarray]:
    """The column label, and int64[rows], its numbers."""
    best = said.probabilities.argmax(axis=1)
    return {LABEL: pa.array(names, pa.string()).take(pa.array(best))}, best


def _tags(said: Said, rows: TokenRows, starts: _Starts | None) -> tuple[dict[str, pa.Array], np.ndarray]:
    """The column labels, and int64[n], the numbers in it."""
    best = said.probabilities.argmax(axis=1)
    gold = values_of(said.rows.column(LABELS))[0]
    row = rows_of(said.offsets)
    labelled = np.bincount(row, weights=gold >= 0, minlength=said.rows.num_rows)[row] > 0
    chosen = np.where(labelled, gold >= 0, _first_pieces(said, rows, starts))
    made = np.where(chosen, best, NO_LABEL).astype(np.int32)
    return {LABELS: pa.ListArray.from_arrays(pa.array(said.offsets.astype(np.int32)), pa.array(made))}, best[chosen]


def _first_pieces(said: Said, rows: TokenRows, starts: _Starts | None) -> np.ndarray:
    """bool[tokens]: where `pack --view labels` would put the label of a word, by the marks of the vocabulary."""
    ids = values_of(said.rows.column("input_ids"))[0]
    special = np.isin(ids, np.array(sorted(rows.vocabulary.special), dtype=np.int64))
    if starts is None:
        return ~special
    before = np.append(True, (special | starts.blank[ids])[:-1])
    before[said.offsets[:-1][said.offsets[:-1] < len(ids)]] = True
    return (starts.word[ids] | before) & ~special & ~starts.blank[ids]


@dataclass(frozen=True)
class _Starts:
    """bool[vocabulary]: pieces that a word begins with, and those of white space alone."""

    word: np.ndarray
    blank: np.ndarray


def _starts_of(trained: TrainedModel, say: Say) -> _Starts | None:
    try:
        return _Starts(trained.tokenizer.word_starts, trained.tokenizer.blank_pieces)
    except UserError:
        say("the tokenizer's pieces do not say where words begin: rows without labels get one at each token")
        return None


def _finish(
    dataset: Dataset, trained: TrainedModel, output: Location, schema: pa.Schema, shards: list[ShardFile]
) -> Dataset:
    """Write the manifest: from then on it is a dataset."""
    weights = [file for file in storage.files_below(storage.locate(trained.path)) if file.suffix == ".safetensors"]
    model = storage.fingerprint([storage.fingerprint_of_file(file) for file in weights])
    before = dataset.manifest
    parameters = {"labels": list(labels_of_model(trained)), "architecture": trained.architecture}
    step = StepRecord(STEP, parameters, {"model": model})
    replace(
        before,
        arrow_schema=schema,
        steps=(*before.steps, step),
        inputs={"datasets": [before.content_fingerprint]},
        fingerprint=storage.fingerprint([before.content_fingerprint, parameters, model]),
        code_version=xlcorpus.__version__,
        shards=tuple(shards),
        decisions=(),
        rejects=(),
        plain_files=tuple(PlainFile.of(output, name) for name in BESIDE if storage.is_file(output / name)),
    ).save(output)
    return Dataset.open(output)
