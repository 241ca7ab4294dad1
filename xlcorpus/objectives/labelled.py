"""What objectives of labelled texts share: names of labels and their numbers, and what a label costs.

Tokens have theirs in `labels` (`pack --view labels`), texts and pairs in the kept column `label` (`pack --keep label`,
or `--keep label=COLUMN`): null, -1 and an empty name are none. `labels.json` numbers them; where there is none, the
names of a ClassLabel do, else the values in order.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch.nn import functional

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import said_in
from xlcorpus.dataset.layout import LABELS_FILE
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, naming
from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, Objective, Vocabulary
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import StepOptions, option
from xlcorpus.pack.label_ids import load_label_ids
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.tags.schemes import split_tag

LABEL, LABELS, SOFT = "label", "labels", "soft_labels"
TAGGER, CLASSIFIER = "AutoModelForTokenClassification", "AutoModelForSequenceClassification"
_SHOWN = 8
_MOST = 1 << 16  # numbers of classes: what goes higher is a number of something else
_PREDICT = "make it: xlcorpus predict MODEL DATASET --output DIR"


class LabelledOptions(StepOptions):
    """Options of all objectives with labels."""

    absent_labels: bool = option(False, description="train though no row has some of the labels")


def names_of(folder: Location) -> tuple[str, ...]:
    """The labels of a dataset of token shards, in the order of their numbers; raises UserError where it has none."""
    if storage.is_file(folder / LABELS_FILE):
        return load_label_ids(folder).names
    dataset = Dataset.open(folder)
    kind = _kind_of(dataset)
    said = json.loads(said_in(dataset.manifest.arrow_schema.metadata).get(LABEL, "{}"))
    if isinstance(said, dict) and said.get("names"):
        return tuple(map(str, said["names"]))
    integers = pa.types.is_integer(kind)
    columns = (batch.column(0) for batch in dataset.batches([LABEL]))
    uniques = (pc.unique(column if integers else column.cast(pa.string())) for column in columns)
    values = {value for unique in uniques for value in unique.to_pylist()} - {None, ""}
    most = max(values, default=-1) if integers else 0
    if most >= _MOST:
        raise UserError(
            f"{folder}: its labels go up to {most:,}, so they are no numbers of classes",
            remedy="keep the column of the labels, of names or of numbers from 0: pack --keep label=COLUMN",
        )
    if most < 0 or not values:
        raise _unlabelled(folder)
    return tuple(map(str, range(most + 1) if integers else sorted(values)))


def settings_of(folder: Location) -> Mapping[str, Any]:
    """Settings of a model's config for the labels of a dataset."""
    return settings_for(names_of(folder))


def settings_for(names: Sequence[str]) -> Mapping[str, Any]:
    """id2label and label2id, from which num_labels follows."""
    return {"id2label": dict(enumerate(names)), "label2id": {name: number for number, name in enumerate(names)}}


def numbers_of(column: pa.Array, names: Sequence[str]) -> np.ndarray:
    """int64[rows]: numbers of the labels of texts, NO_LABEL where there is none; raises UserError for unknown ones."""
    if pa.types.is_integer(column.type):
        numbers = pc.fill_null(column.cast(pa.int64()), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        wrong = numbers[(numbers >= len(names)) | (numbers < -1)].tolist()
    else:
        texts = column.cast(pa.string())
        numbers = pc.fill_null(pc.index_in(texts, pa.array(names, pa.string())), -1).to_numpy(zero_copy_only=False)
        numbers, known = numbers.astype(np.int64), {*names, None, ""}
        wrong = [text for text in pc.unique(texts).to_pylist() if text not in known]
    if wrong:
        raise UserError(
            f"a row has the label {wrong[0]!r}, which is none of {_shown(names)}",
            remedy="give all rows labels of these (numbers begin at 0; null and -1 are none), or pack all of them with "
            "one labels.json",
        )
    return np.where(numbers < 0, NO_LABEL, numbers)


class LabelledObjective(Objective):
    """An objective with a label a token, or a text. labels: their names, in the order of their numbers.

    column: of the labels; `logits` and `gold` are what evaluation reads.
    """

    columns: tuple[str, ...]
    column: str
    name: str

    def __init__(self, options: LabelledOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary, self.length = options, vocabulary, length
        self.labels: tuple[str, ...] = ()
        self.optional = (self.column,)
        self._pad = vocabulary.id_of("pad")

    def fit_rows(self, folder: Location, rows: int) -> None:
        """Take the names of the labels; raises UserError where rows have none, one alone, or not all of them."""
        self.labels = names_of(folder)
        counts = self._counted(folder)
        if len(self.labels) < 2:
            raise UserError(
                f"{folder}: all labels are {self.labels[0]}, so there is nothing to tell apart",
                remedy="pack rows of other labels too",
            )
        tags = [split_tag(name)[1] or name for name in self.labels]
        seen = {tag for tag, count in zip(tags, counts.tolist(), strict=True) if count}
        absent = [tag for tag in dict.fromkeys(tags) if tag not in seen]
        if absent and not self.options.absent_labels:
            raise UserError(
                f"{folder}: no row has the label {_shown(absent)}, so that the model would never learn it",
                remedy="pack rows that have it, leave it out (pack without --label-ids; numbers begin at 0), or write "
                "absent_labels: true",
            )

    def check_held_out(self, folder: Location) -> None:
        """Raise UserError where the rows have no labels, others, or number them otherwise than those trained on."""
        theirs, kind = names_of(folder), Dataset.open(folder).manifest.arrow_schema.field(self.column).type
        numbers = pa.types.is_list(kind) or pa.types.is_integer(kind)
        if numbers and theirs != self.labels[: len(theirs)]:
            raise UserError(
                f"{folder} numbers its labels {_shown(theirs)}, and the rows to train on {_shown(self.labels)}",
                remedy="pack it with --label-ids and the dataset to train on, or hold out rows of that: pack --holdout",
            )
        with naming(str(folder)):
            self._counted(folder)

    def _counted(self, folder: Location) -> np.ndarray:
        """int64[labels]: how many tokens or texts have each; raises UserError where none has any, or a column lacks."""
        dataset = Dataset.open(folder)
        if SOFT in self.columns and SOFT not in dataset.manifest.arrow_schema.names:
            raise UserError(f"{folder} has no column {SOFT}, which {self.name} reads", remedy=_PREDICT)
        counts = np.zeros(len(self.labels), dtype=np.int64)
        for batch in dataset.batches([self.column]):
            numbers = self.numbers(batch.column(0))
            counts += np.bincount(numbers[numbers >= 0], minlength=len(counts))[: len(counts)]
        if not counts.sum():
            raise _unlabelled(folder)
        return counts

    @abstractmethod
    def numbers(self, column: pa.Array) -> np.ndarray:
        """int64[n]: the numbers of all labels in a column."""

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids or positions."""
        check_model(model, self.vocabulary, self.length)

    @abstractmethod
    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """float[..., labels], at the places of `batch["labels"]`."""

    def losses(self, model: Any, batch: Batch) -> Losses:
        """The mean over all labels, and the share that is right; collective in training."""
        return self.mean(*label_costs(self.logits(model, batch), batch["labels"]), training=model.training)

    def mean(self, costs: torch.Tensor, right: torch.Tensor, *, training: bool) -> Losses:
        """Of costs and hits (float32[n], bool[n]); collective in training where there are several ranks."""
        count = costs.new_tensor(len(costs))
        loss, hits = (mean_over_ranks(one.sum(), count, training=training) for one in (costs, right.float()))
        return Losses(loss, {self.name: loss.detach(), f"{self.name}_right": hits.detach()})

    def padded(self, ids: pa.Array, width: int) -> Batch:
        """input_ids and attention_mask (int64[rows, width]) of some rows of ids."""
        mask = np.arange(width) < sizes_of(ids)[:, None]
        filled = fill_up(ids, width, self._pad).astype(np.int64)
        return {"input_ids": torch.from_numpy(filled), "attention_mask": torch.from_numpy(mask.astype(np.int64))}


def label_costs(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """float32[n], nats for each label, and bool[n], whether it is the likeliest.

    logits: float[..., classes]; labels: int64[...], NO_LABEL where there is none.
    """
    chosen = labels != NO_LABEL
    found, wanted = logits[chosen].float(), labels[chosen]
    return functional.cross_entropy(found, wanted, reduction="none"), found.argmax(dim=-1) == wanted


def soft_costs(logits: torch.Tensor, soft: torch.Tensor) -> torch.Tensor:
    """float32[n]: the divergence KL(soft || model) in nats. logits, soft: float[n, classes], soft summing to 1."""
    return functional.kl_div(torch.log_softmax(logits.float(), dim=-1), soft.float(), reduction="none").sum(dim=-1)


def soft_of(rows: pa.RecordBatch, places: np.ndarray, classes: int) -> torch.Tensor:
    """float32[n, classes], row by row, of the column that `xlcorpus predict` adds. places: int64[rows], of each row.

    Raises UserError where a row has other numbers of them.
    """
    column = rows.column(SOFT)
    sizes, due = sizes_of(column), places * classes
    if (sizes != due).any():
        wrong = int(np.flatnonzero(sizes != due)[0])
        raise UserError(
            f"a row has {sizes[wrong]} numbers as soft labels, and should have {due[wrong]}: {classes} for each of "
            f"{places[wrong]}",
            remedy="predict them with a model of the same labels, and train on what it wrote as it is",
        )
    flat = pc.list_flatten(column).to_numpy(zero_copy_only=False).astype(np.float32)
    return torch.from_numpy(flat.reshape(-1, classes))


def _kind_of(dataset: Dataset) -> pa.DataType:
    schema = dataset.manifest.arrow_schema
    if LABEL not in schema.names:
        raise UserError(
            f"{dataset.folder} has no column {LABEL}",
            remedy="keep the column of the labels: xlcorpus pack --strategy one --keep label (or label=COLUMN)",
        )
    kind = schema.field(LABEL).type
    if pa.types.is_null(kind):
        raise _unlabelled(dataset.folder)
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
        raise UserError(
            f"{dataset.folder}: its column {LABEL} is {kind}, not a name or a number of a class",
            remedy="pack with --strategy one, so that a row has one label, and keep a column of names or whole numbers",
        )
    return kind


def _unlabelled(folder: Location) -> UserError:
    return UserError(
        f"{folder}: no row has a label",
        remedy="pack labelled rows; those of a model's own labels are made by `xlcorpus predict MODEL DATASET`",
    )


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
