"""LangSAMP (Liu et al., ACL 2025; code cisnlp/LangSAMP): MLM whose head is told language and script.

A vector of each is added to the encoder's last states where the head reads them, and nowhere else: what the encoder
makes knows no numbers, so that it is used without them (methods B7).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import torch

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.joined import column_of
from xlcorpus.objectives.kinds.mlm import Mlm, MlmOptions
from xlcorpus.objectives.label_costs import unwrapped
from xlcorpus.objectives.objective import Batch, ObjectiveKind, Vocabulary
from xlcorpus.objectives.own_weights import draw_like, own_weights_of
from xlcorpus.options import option
from xlcorpus.pack.language_ids import load_ids

TABLES = ("languages", "scripts")


class LangSampOptions(MlmOptions):
    """MLM's options, and which numbers the head is told (both, as published)."""

    languages: bool = option(True, description="the language of the pack")
    scripts: bool = option(True, description="the script of the pack")


class LangSamp(Mlm):
    """MLM on pure packs. A batch has also languages and scripts, int64[rows]: their numbers."""

    def __init__(self, options: LangSampOptions, vocabulary: Vocabulary, length: int) -> None:
        super().__init__(options, vocabulary, length)
        self._tables = {
            table: column
            for table, column in zip(TABLES, ("lang_id", "script_id"), strict=True)
            if getattr(options, table)
        }
        if not self._tables:
            raise UserError("langsamp with neither languages nor scripts is mlm", remedy="write objective: mlm")
        self.columns = (*Mlm.columns, *self._tables.values())

    def fit_rows(self, folder: Location, rows: int) -> None:
        """Tables have a row for each name of languages.json and scripts.json; raises UserError where these lack, or
        have one name each: a vector that is always the same tells nothing."""
        ids = load_ids(folder)
        self.names = {table: [*getattr(ids, table)] for table in self._tables}
        if all(len(names) < 2 for names in self.names.values()):
            raise UserError(
                f"{folder} has no more than {' and '.join(', '.join(names) for names in self.names.values())}, and "
                "langsamp is to tell languages or scripts apart",
                remedy="write objective: mlm, or pack documents of more languages (pack --pure)",
            )

    def collate(self, rows: pa.RecordBatch, keys: Any) -> Batch:
        """The packs, masked by their keys, and their numbers."""
        batch = super().collate(rows, keys)
        for table, name in self._tables.items():
            column = column_of(rows, name, "packs")
            if column.null_count:
                raise UserError(
                    f"{column.null_count} packs of a batch have no {name}: they are of several languages",
                    remedy="pack with --pure",
                )
            batch[table] = torch.from_numpy(column.to_numpy(zero_copy_only=False).astype("int64"))
        return batch

    def own_weights(self, model: Any) -> torch.nn.ModuleDict:
        """A table of languages and one of scripts, drawn as the model's own embeddings are."""
        width = model.config.hidden_size
        tables = {table: draw_like(model, torch.nn.Embedding(len(names), width)) for table, names in self.names.items()}
        return torch.nn.ModuleDict(tables)

    def _costs(self, model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        tables = own_weights_of(model, self.key)
        told = torch.stack([tables[table](batch[table]) for table in self._tables]).sum(dim=0)
        with _adding(unwrapped(model).base_model, told):
            return super()._costs(model, batch)


@contextmanager
def _adding(encoder: Any, vectors: torch.Tensor) -> Iterator[None]:
    """Inside, the encoder's last states have a vector more (float[rows, d], the same for all tokens of a row)."""

    def add(_: Any, __: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state + vectors[:, None].to(output.last_hidden_state.dtype)
        return output

    handle = encoder.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


OBJECTIVE = ObjectiveKind("langsamp", None, "AutoModelForMaskedLM", LangSampOptions, ("mask",), LangSamp)
