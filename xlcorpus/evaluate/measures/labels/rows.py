"""What a trained model says of labels, row by row: of tokens, of texts, of translations read with their text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import batches
from xlcorpus.evaluate.models import TrainedModel, evaluating
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import objective_for
from xlcorpus.objectives.kinds.filter import LAYERS
from xlcorpus.objectives.labelled import CLASSIFIER, TAGGER, LabelledObjective
from xlcorpus.objectives.objective import OBJECTIVES, Objective
from xlcorpus.options import checked

_KINDS = {(TAGGER, "labels"): "tagging", (CLASSIFIER, None): "classification", (CLASSIFIER, "bitext"): "filter"}


@dataclass(frozen=True)
class Said:
    """Of some rows: float32[places, labels], the model's distribution at each place, and where each row's begin and the
    last one's end (int64[rows + 1]). Places are all tokens of a row, or its text as a whole."""

    rows: pa.RecordBatch
    probabilities: np.ndarray
    offsets: np.ndarray


def labels_of_model(trained: TrainedModel) -> tuple[str, ...]:
    """The names of its labels, in the order of their numbers."""
    names = trained.model.config.id2label
    return tuple(str(names[number]) for number in range(len(names)))


def objective_of(trained: TrainedModel, rows: TokenRows) -> LabelledObjective:
    """The objective that the model was trained with, over these rows; raises UserError where the two do not fit."""
    name = _KINDS.get((trained.architecture, rows.view))
    if name is None:
        heads = {TAGGER: "tags tokens (pack --view labels)", CLASSIFIER: "classifies texts (pack --strategy one)"}
        head = heads.get(trained.architecture, "has no head for labels")
        view = f"rows of the view {rows.view}" if rows.view else "packs"
        raise UserError(
            f"{trained.path} {head}, and {rows.folder} holds {view}",
            remedy="train with tagging, classification or filter, and name rows that the objective reads",
        )
    kind = OBJECTIVES.find(name)
    layers = getattr(trained.model.config, LAYERS, None) if name == "filter" else None
    given = {} if layers is None else {"apart": layers[0], "together": layers[1]}
    if name == "filter" and layers is None:  # it was trained on texts alone
        given = {"apart": 0, "together": 0}
    objective = objective_for(rows, kind, checked(kind.options, given, trained.path, name, ""))
    return _of_model(objective, trained)


def objective_of_texts(trained: TrainedModel, length: int) -> LabelledObjective:
    """The objective of a tagger or classifier for rows of input_ids that are made here; raises UserError where the
    model is neither, or lacks what it needs. length: tokens of a row."""
    name = {TAGGER: "tagging", CLASSIFIER: "classification"}.get(trained.architecture)
    if name is None:
        raise UserError(
            f"{trained.path} has no trained head for labels ({trained.architecture})",
            remedy="name a folder that `xlcorpus pretrain` trained with tagging or classification, or such a model",
        )
    kind = OBJECTIVES.find(name)
    return _of_model(kind.make(kind.options(), trained.vocabulary, length), trained)


def _of_model(objective: Objective, trained: TrainedModel) -> LabelledObjective:
    assert isinstance(objective, LabelledObjective)
    objective.columns = tuple(column for column in objective.columns if column not in objective.optional)
    objective.labels = labels_of_model(trained)
    objective.prepare(trained.model)
    return objective


def said_of(
    trained: TrainedModel,
    rows: TokenRows,
    objective: LabelledObjective,
    columns: Sequence[str],
    *,
    batch: int,
    limit: int | None = None,
) -> Iterator[Said]:
    """The rows with these columns, a batch at a time, in their order. limit: at most so many, evenly from all.

    Raises UserError where the model's logits are no numbers.
    """
    read = [*dict.fromkeys([*objective.columns, *columns])]
    for given, keys in batches(rows, read, batch, limit):
        logits, sizes = logits_of(trained, objective, given.select(list(objective.columns)), keys)
        found = torch.softmax(logits, dim=-1).numpy()
        yield Said(given.select(list(columns)), found, np.concatenate([[0], np.cumsum(sizes)]))


@torch.no_grad()
def logits_of(
    trained: TrainedModel, objective: LabelledObjective, rows: pa.RecordBatch, keys: np.ndarray
) -> tuple[torch.Tensor, np.ndarray]:
    """float32[places, labels] of some rows, all tokens of each or its text as a whole, and int64[rows], places of each.

    Raises UserError where they are no numbers.
    """
    with evaluating(trained.model) as device:
        made = objective.collate(rows, keys)
        found = objective.logits(trained.model, {name: one.to(device) for name, one in made.items()}).float().cpu()
    if not bool(torch.isfinite(torch.softmax(found, dim=-1)).all()):
        raise UserError(
            f"the logits of {trained.path} are no numbers", remedy="its weights are damaged: use an earlier checkpoint"
        )
    sizes = np.ones(rows.num_rows, dtype=np.int64)
    if found.dim() == 3:
        mask = made["attention_mask"].bool()
        sizes, found = mask.sum(dim=1).numpy(), found[mask]
    return found, sizes


def languages_of(rows: pa.RecordBatch) -> pa.Array:
    """string[rows]: the language of each row, of pairs that of the translation."""
    for name in ("lang", "tgt_lang"):
        if name in rows.schema.names and rows.column(name).null_count < rows.num_rows:
            return rows.column(name)
    if "langs" in rows.schema.names:
        return pa.array([langs[0] if langs else None for langs in rows.column("langs").to_pylist()], pa.string())
    return pa.nulls(rows.num_rows, pa.string())


def language_columns(rows: TokenRows) -> list[str]:
    """What `languages_of` reads."""
    return [name for name in ("lang", "tgt_lang", "langs") if name in rows.columns]
