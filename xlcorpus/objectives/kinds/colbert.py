"""ColBERT-XM (Louis et al. 2024; code ant-louis/xm-retrievers): late interaction, with language adapters of X-MOD.

A query must find its document: softmax over it and its negative, and over it and all other documents of the batch, as
in "v1.5". Any encoder will do; of X-MOD each text goes through the adapter of its language, so that others can take its
place afterwards (methods B19).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch
from torch.nn import functional

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.joined import column_of
from xlcorpus.objectives.late import LateOptions, Writing, adapters_of, max_sim, token_vectors
from xlcorpus.objectives.objective import Batch, Losses, Objective, ObjectiveKind, Vocabulary
from xlcorpus.objectives.own_weights import draw_like, own_weights_of
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import option
from xlcorpus.pack.language_ids import load_ids

_SIDES = 3  # rows of an example: query, positive, negative


class ColbertOptions(LateOptions):
    """How texts are written, and what their vectors must do."""

    dimensions: int = option(128, ge=1, description="of a token's vector")
    in_batch: bool = option(True, description="softmax over all documents of the batch too (v1.5)")
    adapters: Literal["frozen", "trained"] = option(
        "frozen", description="of X-MOD: language adapters and embeddings, frozen as published"
    )


class Colbert(Objective):
    """A batch has 3 rows an example, query, positive and negative: input_ids, attention_mask, int64[3 * rows, L];
    compared, bool[3 * rows, L]; languages, int64[3 * rows], their numbers, where the rows have such.

    The first query_tokens of a row are all of a query.
    """

    columns = ("query_ids", "positive_ids", "negative_ids")
    optional = ("lang_id",)

    def __init__(self, options: ColbertOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary, self._length = options, vocabulary, length
        self._writing = Writing(options, vocabulary, length)
        self._query_tokens = min(options.query_tokens, length)
        self._folder: Location | None = None
        self._adapters: list[int] | None = None
        self.added = _SIDES * self._writing.added
        # Beside the projection: how the texts are written whose vectors it makes.
        self.names = options.model_dump(include={*LateOptions.model_fields})

    def fit_rows(self, folder: Location, rows: int) -> None:
        """Where the numbers of languages are."""
        self._folder = folder

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter."""
        query, *others = (column_of(rows, name, "triples") for name in self.columns[:_SIDES])
        sides = [self._writing.queries(query), *(self._writing.documents(one) for one in others)]
        width = max(one.ids.shape[1] for one in sides)
        pad = self.vocabulary.id_of("pad")

        def stacked(name: str, empty: Any) -> torch.Tensor:
            shape = (rows.num_rows, len(sides), width)
            made = np.full(shape, empty, dtype=getattr(sides[0], name).dtype)
            for place, side in enumerate(sides):
                values = getattr(side, name)
                made[:, place, : values.shape[1]] = values
            return torch.from_numpy(made.reshape(-1, width))

        batch = {
            "input_ids": stacked("ids", pad),
            "attention_mask": stacked("attended", False).long(),
            "compared": stacked("compared", False),
        }
        if "lang_id" in rows.schema.names:
            numbers = rows.column("lang_id").fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            batch["languages"] = torch.from_numpy(np.repeat(numbers, len(sides)))
        return batch

    def check_rows(self, rows: int, ranks: int) -> None:
        """Raise UserError where a document has no others beside it; the last batch of an epoch may be one row."""
        if self.options.in_batch and rows < 2:
            raise UserError(
                "colbert has one query in a micro-batch: its document has no others of the batch beside it",
                remedy="give more rows a micro-batch (published: 128), or in_batch: false",
            )

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids, positions, or the adapter of a language."""
        check_model(model, self.vocabulary, self._length, languages=True)
        if model.config.model_type != "xmod":
            return
        assert self._folder is not None
        self._adapters = adapters_of(model.config, load_ids(self._folder).languages)
        if self.options.adapters == "frozen":
            for name, weight in model.named_parameters():
                if "adapter" in name or name.startswith("embeddings."):
                    weight.requires_grad_(False)

    def own_weights(self, model: Any) -> torch.nn.Module:
        """The projection of states to vectors, without a bias."""
        return draw_like(model, torch.nn.Linear(model.config.hidden_size, self.options.dimensions, bias=False))

    def losses(self, model: Any, batch: Batch) -> Losses:
        """pairwise, in_batch, and found: the share of queries that no other document of the batch is nearer to."""
        count = len(batch["input_ids"]) // _SIDES
        of = torch.arange(len(batch["input_ids"]), device=batch["input_ids"].device) % _SIDES
        rest: list[torch.Tensor] = []
        queries = self._vectors(model, {name: one[of == 0] for name, one in batch.items()}, self._query_tokens, rest)
        others = {name: one[of > 0] for name, one in batch.items()}
        documents = self._vectors(model, others, None, rest)
        scores = max_sim(queries, documents, others["compared"])
        at = torch.arange(count, device=scores.device)
        positive, negative = scores[at, 2 * at], scores[at, 2 * at + 1]
        costs = {"pairwise": functional.softplus(negative - positive)}
        if self.options.in_batch:  # the query's own negative is not among them, as published
            costs["in_batch"] = functional.cross_entropy(
                scores.scatter(1, 2 * at[:, None] + 1, float("-inf")), 2 * at, reduction="none"
            )
        rows = scores.new_tensor(count)
        parts = {name: mean_over_ranks(one.sum(), rows, training=model.training) for name, one in costs.items()}
        best = (positive[:, None] >= scores).all(dim=1).float().sum()
        found = mean_over_ranks(best, rows, training=model.training)
        total = torch.stack([*parts.values(), *rest]).sum()
        return Losses(total, {**{name: one.detach() for name, one in parts.items()}, "found": found})

    def _vectors(self, model: Any, batch: Batch, width: int | None, rest: list[torch.Tensor]) -> torch.Tensor:
        given = {name: batch[name][:, :width] for name in ("input_ids", "attention_mask")}
        if self._adapters is not None:
            numbers = batch["languages"]
            given["lang_ids"] = numbers.new_tensor(self._adapters)[numbers]
        output = model(**given)
        if getattr(output, "pooler_output", None) is not None:
            rest.append(0 * output.pooler_output.sum())  # DDP wants each weight in the graph
        return token_vectors(output.last_hidden_state, own_weights_of(model, self.key))


OBJECTIVE = ObjectiveKind("colbert", "triples", "AutoModel", ColbertOptions, ("pad", "mask"), Colbert)
