"""What a trained classifier or tagger says of texts as they are, without packing them first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import longest_first
from xlcorpus.evaluate.measures.labels.rows import labels_of_model, logits_of, objective_of_texts
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.objectives.joined import around_text, cut, join
from xlcorpus.objectives.labelled import CLASSIFIER, TAGGER, LabelledObjective
from xlcorpus.pack.labels import first_pieces
from xlcorpus.pack.packs import sizes_of
from xlcorpus.tags.tokens import Units
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import rows_of

_MULTI = "multi_label_classification"


@dataclass(frozen=True)
class OfTexts:
    """float32[rows, labels] of texts: distributions, or of a model with one output its numbers; read: bool[rows], texts
    with a token; cut: how many were longer than what was read."""

    values: np.ndarray
    read: np.ndarray
    cut: int


@dataclass(frozen=True)
class OfWords:
    """Of words: int64[words], the number of each label, -1 where none was said, and float32[words], its probability;
    cut: how many texts were longer than what was read."""

    best: np.ndarray
    probability: np.ndarray
    cut: int


@dataclass(frozen=True)
class TextLabeller:
    """A tagger or a classifier. length: most tokens of a text with the special ids around; batch: texts at once."""

    trained: TrainedModel
    objective: LabelledObjective
    length: int
    batch: int

    @classmethod
    def of(cls, trained: TrainedModel, head: str, length: int, batch: int) -> TextLabeller:
        """head: CLASSIFIER or TAGGER; raises UserError where the model is another, or has several labels a text."""
        if trained.architecture != head:
            what = {CLASSIFIER: "classifies texts", TAGGER: "tags tokens"}[head]
            raise UserError(
                f"{trained.path} is no model that {what}: it is one of {trained.architecture}",
                remedy=f"name a folder of {head}, as `xlcorpus pretrain` or save_pretrained writes it",
            )
        if trained.model.config.problem_type == _MULTI:
            raise UserError(
                f"{trained.path} gives a text several labels at once", remedy="name a model that gives one of several"
            )
        length = min(length, trained.length or length)
        return cls(trained, objective_of_texts(trained, length), length, batch)

    @property
    def labels(self) -> tuple[str, ...]:
        """Their names, in order."""
        return labels_of_model(self.trained)

    @property
    def is_number(self) -> bool:
        """Whether the model has one output, a number (regression)."""
        return len(self.labels) == 1

    def texts(self, texts: pa.Array) -> OfTexts:
        """Of string[rows]."""
        lists = self.trained.ids_of(texts)
        logits, _, cut_texts = self._logits(lists, *around_text(self.trained.vocabulary))
        values = logits if self.is_number else torch.softmax(logits, dim=-1)
        return OfTexts(values.numpy(), sizes_of(lists) > 0, cut_texts)

    def words(self, texts: pa.Array, points: CodePoints, words: Units) -> OfWords:
        """Of the words of string[rows], at the first piece of each, where `pack --view labels` has them."""
        tokenizer = self.trained.tokenizer
        places = tokenizer.encode_places(texts)
        offsets = pa.array(places.offsets.astype(np.int32))
        before, after = tokenizer.template.single
        logits, sizes, cut_texts = self._logits(pa.ListArray.from_arrays(offsets, pa.array(places.ids)), before, after)
        found = torch.softmax(logits, dim=-1).numpy()
        first = first_pieces(words, points, tokenizer, places)
        row = rows_of(words.offsets)
        within = first - places.offsets[row] + len(before)  # place in the row that the model read
        said = (first >= 0) & (within < sizes[row] - len(after))
        starts = np.append(0, np.cumsum(sizes))
        at = (starts[row] + within)[said]
        best, probability = np.full(len(words), -1, dtype=np.int64), np.zeros(len(words), dtype=np.float32)
        best[said], probability[said] = found[at].argmax(axis=1), found[at].max(axis=1)
        return OfWords(best, probability, cut_texts)

    def _logits(
        self, lists: pa.Array, before: tuple[int, ...], after: tuple[int, ...]
    ) -> tuple[torch.Tensor, np.ndarray, int]:
        """float32[places, labels], int64[rows], places of each row, and how many rows were cut; those that are alike
        in length are read together."""
        sizes, room = sizes_of(lists), self.length - len(before) - len(after)
        ids, _ = join([before, cut(lists, np.minimum(sizes, room)), after])
        starts = pa.ListArray.from_arrays(
            pa.array(np.arange(len(ids) + 1, dtype=np.int32)), pa.array(np.zeros(len(ids), np.int32))
        )
        rows = pa.RecordBatch.from_pydict({"input_ids": ids, "doc_starts": starts}).select(list(self.objective.columns))
        made: dict[int, torch.Tensor] = {}
        counts = np.zeros(len(ids), dtype=np.int64)
        for chosen in longest_first(sizes_of(ids), self.batch):
            found, here = logits_of(self.trained, self.objective, rows.take(pa.array(chosen)), chosen.astype(np.uint64))
            made |= dict(zip(chosen.tolist(), found.split(here.tolist()), strict=True))
            counts[chosen] = here
        parts = [made[number] for number in range(len(ids))]
        whole = torch.cat(parts) if parts else torch.zeros(0, len(self.labels))
        return whole, counts, int((sizes > room).sum())
