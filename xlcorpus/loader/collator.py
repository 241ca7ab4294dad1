"""Token shards in other people's loops: rows of `datasets.load_dataset` to what a model of transformers takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.packed import PackObjective


class PackCollator:
    """`collate_fn` of a DataLoader, `data_collator` of transformers' Trainer (with remove_unused_columns=False).

    A batch holds input_ids, labels, and what this model's attention needs to keep documents apart, so that
    `model(**batch).loss` is right. Masks of mlm are drawn by torch's generator.
    """

    def __init__(
        self, dataset: Any, model: Any, objective: str = "clm", *, tokenizer: Any = None, **options: Any
    ) -> None:
        """dataset: folder of token shards; model: of transformers; tokenizer: of the shards, for whole_word; options:
        of the objective.

        Raises UserError where the model cannot keep documents apart, or the objective is not one over packs.
        """
        made = open_source(dataset, objective, options, tokenizer=tokenizer).objective
        if not isinstance(made, PackObjective):
            raise UserError(
                f"the objective {objective} reads no packs, which this collator is for",
                remedy="train on views with xlcorpus pretrain, or give TokenStream to a DataLoader",
            )
        made.prepare(model)
        self.objective, self.needs = made, made.needs(model)
        if self.needs.kind == "flex":
            raise UserError(
                "a BlockMask is made on the model's device, not in a collator",
                remedy="load the model with attn_implementation='sdpa', or train with xlcorpus pretrain",
            )

    def __call__(self, rows: Sequence[Mapping[str, Any]] | pa.Table) -> dict[str, Any]:
        """rows: dicts with input_ids and doc_starts (lists, arrays or tensors), or a table of them.

        Raises UserError where a column is missing.
        """
        names = self.objective.columns
        missing = set(names) - {*(rows.column_names if isinstance(rows, pa.Table) else rows[0])}
        if missing:
            raise UserError(
                f"the rows have no {' and no '.join(sorted(missing))}, by which documents are kept apart",
                remedy="give TrainingArguments remove_unused_columns=False, and select no other columns of the dataset",
            )
        if isinstance(rows, pa.Table):
            batch = rows.select(list(names)).combine_chunks().to_batches()[0]
        else:
            lists = [pa.array([np.asarray(row[name]) for row in rows], pa.list_(pa.int32())) for name in names]
            batch = pa.RecordBatch.from_arrays(lists, names=list(names))
        keys = torch.randint(-(1 << 63), (1 << 63) - 1, (batch.num_rows,)).numpy().view(np.uint64)
        made: dict[str, Any] = self.objective.collate(batch, keys)
        return {**made, **self.needs.inputs(made.pop("position_ids"))}
