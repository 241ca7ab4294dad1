"""Fit a model's token matrices to a tokenizer that goes on where the model's own ends.

Rows of old pieces stay bit by bit; those of new ones begin as asked: CW2V's baselines (methods B10: the multivariate
normal with its covariance x 1e-5 does nearly as well as learnt ones) and the mean of the pieces that the old tokenizer
cuts a new one into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from xlcorpus.errors import UserError
from xlcorpus.initialize.counted import Rows
from xlcorpus.initialize.options import NewRows
from xlcorpus.initialize.shapes import round_up
from xlcorpus.text.hashes import hash_text
from xlcorpus.tokenizer.tokenizer import Tokenizer

_COVARIANCE = 1e-5  # CW2V's repository, as methods B10 has it
_RIDGE = 1e-6  # of the mean variance: makes the covariance of fewer rows than dimensions definite


@dataclass(frozen=True)
class Fit:
    """Sizes of vocabularies. old: ids that the old tokenizer has; new: that the new one has; rows: of the matrices."""

    old: int
    new: int
    rows: int


def check_goes_on(old: Tokenizer, new: Tokenizer) -> None:
    """Raise UserError unless each id of the old tokenizer is the same piece in the new one."""
    ours, theirs = old.piece_texts(), new.piece_texts()
    wrong = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
    if wrong is None and len(theirs) < len(ours):
        wrong = len(theirs)
    if wrong is not None:
        there = "missing" if wrong >= len(theirs) else repr(theirs[wrong] or "a special token")
        raise UserError(
            f"id {wrong} is {ours[wrong] or 'a special token'!r} in the model's tokenizer {old.path} and {there} in "
            f"{new.path}, so the model's rows are not this tokenizer's",
            remedy="pack with the model's tokenizer, or with one that `xlcorpus tokenizer extend` made of it",
        )


def sizes(model: Any, old: int | None, new: int, multiple: int) -> Fit:
    """The sizes for a model. old: ids of its tokenizer, None where that is not known: then all of its rows count.

    Raises UserError where its tokenizer has more ids than it has rows.
    """
    have = int(model.get_input_embeddings().weight.shape[0])
    if old is not None and old > have:
        raise UserError(
            f"the model's own tokenizer has {old:,} ids, and the model rows for {have:,}",
            remedy="save model and tokenizer together again (model.resize_token_embeddings), or name its true one as "
            "start: old_tokenizer",
        )
    return Fit(have if old is None else old, new, round_up(max(have, new), multiple))


def fit_vocabulary(
    model: Any, fit: Fit, new_rows: NewRows | None, cuts: Sequence[Sequence[int]] | None, seed: int
) -> dict[str, Rows]:
    """Give the model `fit.rows` rows and fill those of new ids; what was done by matrix.

    cuts: of each new id, the old ids that its piece is cut into; () where there are none (special tokens): these begin
    as with `normal`. Rows without a piece behind these become the mean of all, so that no softmax sees a new
    extreme. Raises UserError where there are new ids and no way is named, or mean-of-pieces without cuts.
    """
    matrices, count = token_matrices(model), max(fit.new - fit.old, 0)
    have = len(next(iter(matrices.values())))
    kept = fit.old if count else have
    if count and (new_rows is None or (new_rows == "mean-of-pieces" and cuts is None)):
        raise UserError(
            f"the tokenizer has {fit.new:,} ids and the model {fit.old:,}, so {count:,} rows are new"
            + ("" if new_rows is None else ", and the model has no tokenizer whose pieces they could be made of"),
            remedy="start: new_rows: mean-of-pieces (or normal, mean, random)"
            if new_rows is None
            else "start: old_tokenizer: FOLDER of the model's tokenizer, or new_rows: normal",
        )
    before = {name: one.detach()[:kept].clone() for name, one in matrices.items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if fit.rows != have:
            _resize(model, fit.rows)
    matrices = token_matrices(model)
    deviation = float(getattr(model.config.get_text_config(), "initializer_range", 0.02))
    done: dict[str, Rows] = {}
    with torch.no_grad():
        for name, weight in matrices.items():
            old, rows = before[name][: fit.old], (0, 0)
            weight[:kept] = before[name]
            if new_rows is not None and count:
                draw = torch.Generator().manual_seed(int(hash_text(f"{seed} {name} new rows") >> np.uint64(1)))
                weight[fit.old : fit.new], rows = _fresh(old, count, new_rows, cuts, deviation, draw)
            weight[kept + count :] = old.double().mean(dim=0).to(old.dtype)
            done[name] = Rows(fit.old, *rows, padding=weight.shape[0] - fit.old - count)
    return done


def _resize(model: Any, rows: int) -> None:
    """Rows at the end of all token matrices, with anything in them."""
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    model.resize_token_embeddings(rows, mean_resizing=False)
    output = model.get_output_embeddings()
    if not tied and getattr(output, "bias", None) is not None:
        # transformers 5.24 ties the bias of an untied BERT to another parameter here, and does not save it.
        output.bias = torch.nn.Parameter(output.bias.detach().clone())


def _fresh(
    old: torch.Tensor,
    count: int,
    how: NewRows,
    cuts: Sequence[Sequence[int]] | None,
    deviation: float,
    draw: torch.Generator,
) -> tuple[torch.Tensor, tuple[int, int]]:
    """New rows (float32[count, ...]), and how many are mixed and drawn."""
    flat = old.reshape(len(old), -1).double()  # a bias is a matrix of one column
    shape = (count, *old.shape[1:])
    if how == "random":
        made = torch.randn(count, flat.shape[1], generator=draw, dtype=torch.float64) * deviation
        return (made if old.dim() > 1 else torch.zeros_like(made)).reshape(shape).float(), (0, count)
    if how == "mean":
        return flat.mean(dim=0).expand(count, -1).reshape(shape).float(), (count, 0)
    made = _normal(flat, count, draw)
    if how == "normal" or cuts is None:
        return made.reshape(shape).float(), (0, count)
    lengths = torch.tensor([len(one) for one in cuts])
    ids = torch.tensor([number for one in cuts for number in one], dtype=torch.int64)
    cut = lengths > 0
    offsets = lengths[cut].cumsum(0) - lengths[cut]
    if len(ids):
        made[cut] = torch.nn.functional.embedding_bag(ids, flat, offsets, mode="mean")
    mixed = int(cut.sum())
    return made.reshape(shape).float(), (mixed, count - mixed)


def _normal(flat: torch.Tensor, count: int, draw: torch.Generator) -> torch.Tensor:
    """float64[count, d]: of the multivariate normal with mean and covariance x 1e-5 of some rows (float64[n, d])."""
    mean = flat.mean(dim=0)
    centred = flat - mean
    covariance = centred.T @ centred / max(len(flat) - 1, 1)
    ridge = _RIDGE * covariance.diagonal().mean() + torch.finfo(torch.float64).tiny
    covariance.diagonal().add_(ridge)
    factor = torch.linalg.cholesky(covariance)
    noise = torch.randn(count, flat.shape[1], generator=draw, dtype=torch.float64)
    return mean + _COVARIANCE**0.5 * noise @ factor.T


def token_matrices(model: Any) -> dict[str, torch.Tensor]:
    """What has a row for each token: `token matrix` of input and output, or `input tokens` and `output tokens` where
    they are two, and `output bias`."""
    tokens, output = model.get_input_embeddings().weight, model.get_output_embeddings()
    weight, bias = getattr(output, "weight", None), getattr(output, "bias", None)
    if weight is None or weight is tokens:
        found = {"token matrix": tokens, "output bias": bias}
    else:
        found = {"input tokens": tokens, "output tokens": weight, "output bias": bias}
    return {name: one for name, one in found.items() if one is not None}
