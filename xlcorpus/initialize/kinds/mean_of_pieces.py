"""A new row is the mean of the rows of the pieces that the old tokenizer cuts its piece into."""

from __future__ import annotations

import torch

from xlcorpus.errors import UserError
from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows, NoOptions
from xlcorpus.initialize.multivariate import multivariate


def mean_of_pieces(asked: Asked, options: NoOptions) -> NewRows:
    """Means of old rows; pieces that are cut into nothing (special tokens) are drawn as with `normal`.

    Raises UserError where the model's tokenizer is not known.
    """
    cuts = asked.cut()
    if cuts is None:
        raise UserError(
            f"{len(asked.wanted):,} rows are new, and the model has no tokenizer whose pieces they could be made of",
            remedy="start: old_tokenizer: FOLDER of the model's tokenizer, or new_rows: normal",
        )
    lengths = torch.tensor([len(one) for one in cuts])
    ids = torch.tensor([number for one in cuts for number in one], dtype=torch.int64)
    cut = lengths > 0
    offsets = lengths[cut].cumsum(0) - lengths[cut]
    made = multivariate(asked)
    for name, rows in asked.flat.items():
        if len(ids):
            made[name][cut] = torch.nn.functional.embedding_bag(ids, rows, offsets, mode="mean")
    mixed = int(cut.sum())
    return NewRows({name: Made(rows, mixed=mixed, drawn=len(cut) - mixed) for name, rows in made.items()})


INITIALIZATION = Initialization("mean-of-pieces", NoOptions, mean_of_pieces)
