"""Rows labelled by a trained model: pseudo-labels to train on, and its distributions for students.

Predictions for pretraining (methods B20): train on gold, label what is unlabelled, train a new model on that, and go
on with gold. The soft labels are what FILTER's second round and ProKD's student learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.card import card_of
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.dataset.features import metadata_of, said_in
from xlcorpus.dataset.layout import BESIDE, CARD, DATA
from xlcorpus.dataset.manifest import Manifest, StepRecord
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.shards import Layout, PlainFile, ShardWriter
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import RunState, Workspace, check_apart
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measure import Say
from xlcorpus.evaluate.measures.labels.rows import Said, labels_of_model, objective_of, said_of
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.labelled import LABEL, LABELS, SOFT, LabelledObjective
from xlcorpus.objectives.objective import NO_LABEL
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.packs import values_of
from xlcorpus.text.ragged import rows_of

STEP = "predict"
_LAYOUT = Layout(1 << 20, plain=("pack_id", "doc_ids"), split=("input_ids",))
_WEIGHTS = (".safetensors", ".bin", ".gguf")


@dataclass(frozen=True)
class _Labelled:
    """The record of a shard: its files, and how many labels of each number stand in them."""

    written: Written
    counts: tuple[int, ...]


def predict(
    trained: TrainedModel,
    given: Location,
    output: Location,
    *,
    batch: int = 8,
    resume: bool = False,
    overwrite: bool = False,
    say: Say,
) -> Dataset:
    """The rows of a dataset with the model's labels in the place of their own, and its distributions as `soft_labels`.

    Of `pack --view labels` a label stands where the row has labels; in a row without any, at the first piece of each
    word and at marks. Of texts and pairs it is the column `label`. soft_labels: list<float>, row by row the
    distribution at each token, or of the text, in the order of `labels.json`, which is the model's. Held-out rows
    beside the dataset are not labelled. A run that ended goes on behind its last whole shard (resume). Raises UserError
    where model and rows do not go together, or the output is not to be written.
    """
    check_apart(output, [given])
    dataset, rows = Dataset.open(given), TokenRows.open(given)
    rows.require_rows()
    rows.vocabulary.check_packed_with(trained.tokenizer, trained.tokenizer_path, given)
    objective = objective_of(trained, rows)
    manifest = _begun(dataset, trained, _schema(dataset.manifest.arrow_schema, tags=rows.view == LABELS))
    if is_dataset(output) and not overwrite and Manifest.load(output).fingerprint == manifest.fingerprint:
        say(f"{output} is done already, with the same rows and model")
        return Dataset.open(output)
    workspace = Workspace(output)
    with workspace.held():
        workspace.make_room(manifest.fingerprint, resume=resume, overwrite=overwrite, say=say)
        workspace.begin(RunState(manifest.fingerprint, (STEP,)))
        starts = _starts_of(trained, say) if rows.view == LABELS else None
        try:
            done = [
                workspace.finished(STEP, number, _Labelled, verify=True)
                or _label(workspace, number, trained, rows, objective, manifest.arrow_schema, starts, batch)
                for number in range(len(dataset.shards))
            ]
        except UserError as error:
            if type(error) is UserError and not workspace.holds_shards():  # the corrected command starts afresh
                workspace.remove()
            raise
        _finish(workspace, manifest, given, done, say)
    return Dataset.open(output)


def _label(
    workspace: Workspace,
    number: int,
    trained: TrainedModel,
    rows: TokenRows,
    objective: LabelledObjective,
    schema: pa.Schema,
    starts: _Starts | None,
    batch: int,
) -> _Labelled:
    """Label the rows of a shard, and leave the record of it."""
    names, here = labels_of_model(trained), rows.of_shard(number)
    columns = [name for name in schema.names if name in rows.columns]
    counts = np.zeros(len(names), dtype=np.int64)
    stem = f"part-{number:05d}"
    with ShardWriter(workspace.folder, DATA, stem, schema, metadata=schema.metadata, layout=_LAYOUT) as writer:
        for said in said_of(trained, here, objective, columns, batch=batch) if here.count else ():
            column, found = _tags(said, rows, starts) if rows.view == LABELS else _texts(said, names)
            counts += np.bincount(found, minlength=len(names))
            made = {**{name: said.rows.column(name) for name in columns}, **column, SOFT: _soft(said)}
            writer.write(pa.RecordBatch.from_arrays([made[name] for name in schema.names], schema=schema))
        record = _Labelled(Written(tuple(writer.close())), tuple(counts.tolist()))
    workspace.finish(STEP, number, record)
    return record


def _begun(dataset: Dataset, trained: TrainedModel, schema: pa.Schema) -> Manifest:
    """What the manifest will say but for shards and counts."""
    place = storage.locate(trained.path)
    beside = storage.entries_of(place) if storage.is_folder(place) else [place]
    files = [one for one in beside if one.suffix in _WEIGHTS or one.name == "config.json"]
    model = storage.fingerprint([(one.name, storage.fingerprint_of_file(one)) for one in files])
    before, names = dataset.manifest, labels_of_model(trained)
    parameters = {"labels": list(names), "architecture": trained.architecture}
    return replace(
        before,
        arrow_schema=schema,
        steps=(*before.steps, StepRecord(STEP, parameters, {"model": model})),
        inputs={"datasets": [before.content_fingerprint]},
        fingerprint=storage.fingerprint([before.content_fingerprint, parameters, model, xlcorpus.__version__]),
        code_version=xlcorpus.__version__,
        shards=(),
        decisions=(),
        rejects=(),
        plain_files=(),
    )


def _finish(workspace: Workspace, manifest: Manifest, given: Location, done: Sequence[_Labelled], say: Say) -> None:
    """Write what lies beside the rows, and the manifest: from then on it is a dataset."""
    output, ids = workspace.folder, LabelIds(tuple(manifest.steps[-1].parameters["labels"]))
    for name in BESIDE:
        if storage.is_file(given / name):
            storage.write_text(output / name, storage.read_text(given / name))
    for name, content in ids.files().items():
        storage.write_text(output / name, content)
    found = dict(zip(ids.names, (sum(one) for one in zip(*(each.counts for each in done), strict=True)), strict=True))
    shown = f"labels: {', '.join(f'{name} {count:,}' for name, count in found.items())}"
    counts = {name: one for name, one in manifest.notes.get("counts", {}).items() if not name.startswith("label_")}
    notes = {**manifest.notes, "counts": counts | {"label_tags": found}, "labels": list(ids.names), "table": [shown]}
    manifest = replace(
        manifest, shards=tuple(shard for one in done for shard in one.written.shards), notes=notes, plain_files=()
    )
    storage.write_text(output / CARD, card_of(manifest))
    names = [name for name in (CARD, *BESIDE) if storage.is_file(output / name)]
    manifest = replace(manifest, plain_files=tuple(PlainFile.of(output, name) for name in names))
    manifest.save(output)
    workspace.clean_up(manifest.files())
    say(f"{output}: {manifest.rows:,} rows; {shown}")


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
    """bool[tokens]: where `pack --view labels` would put the label of a word, by the marks of the vocabulary.

    Marks are words where they end one (`end.`), or begin one (`(begin`): what follows them is another.
    """
    ids = values_of(said.rows.column("input_ids"))[0]
    special = np.isin(ids, np.array(sorted(rows.vocabulary.special), dtype=np.int64))
    if starts is None:
        return ~special
    blank, mark = starts.blank[ids], starts.mark[ids] & ~special
    firsts = np.zeros(len(ids) + 1, dtype=bool)
    firsts[said.offsets] = True
    begins = starts.word[ids] | firsts[:-1] | np.append(True, (special | blank)[:-1])
    ends = np.append(begins[1:] | (special | blank)[1:], True) | firsts[1:]
    ends |= np.append(mark[1:], False)  # of several marks each is one
    begins |= mark & ends
    begins |= np.append(False, (mark & begins)[:-1])
    return begins & ~special & ~blank


@dataclass(frozen=True)
class _Starts:
    """bool[vocabulary]: pieces that a word begins with, those of white space alone, and those of punctuation alone."""

    word: np.ndarray
    blank: np.ndarray
    mark: np.ndarray


def _starts_of(trained: TrainedModel, say: Say) -> _Starts | None:
    try:
        return _Starts(*(getattr(trained.tokenizer, name) for name in ("word_starts", "blank_pieces", "punctuation")))
    except UserError:
        say("the tokenizer's pieces do not say where words begin: rows without labels get one at each token")
        return None
