"""Fit a model's token matrices to a tokenizer: one that goes on where the model's own ends, or another one.

Rows of old pieces stay bit by bit; those of new ones begin as asked (`kinds/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from xlcorpus.errors import UserError
from xlcorpus.initialize.counted import Rows
from xlcorpus.initialize.initialization import Made, NewRows
from xlcorpus.initialize.shapes import round_up
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Fit:
    """Sizes of vocabularies. old: ids that the old tokenizer has; new: that the new one has; rows: of the matrices."""

    old: int
    new: int
    rows: int


def check_goes_on(old: Tokenizer, new: Tokenizer) -> None:
    """Raise UserError unless each id of the old tokenizer is the same piece in the new one."""
    ours, theirs = old.piece_texts(), new.piece_texts()
    names, others = old.piece_names(), new.piece_names()
    place = {name: at for at, name in enumerate(others)}
    for at, text in enumerate(ours):
        there = theirs[at] if at < len(theirs) else None
        # A special token may have got another name (a reserved one), but not another's id.
        if at < len(theirs) and there == text and (text is not None or not names[at] or place.get(names[at], at) == at):
            continue
        is_there = "missing" if at >= len(theirs) else repr(others[at] if there is None else there)
        raise UserError(
            f"id {at} is {names[at] if text is None else text!r} in the model's tokenizer {old.path} and {is_there} in "
            f"{new.path}, so the model's rows are not this tokenizer's",
            remedy="pack with the model's tokenizer, or with one that `xlcorpus tokenizer extend` made of it; or, if "
            "the model is to have another one, start: vocabulary: replaced",
        )


def sizes(model: Any, old: int | None, new: int, multiple: int, *, replaced: bool = False) -> Fit:
    """The sizes for a model. old: ids of its tokenizer, None where that is not known: then all of its rows count;
    replaced: rows behind those of the new ids go.

    Raises UserError where its tokenizer has more ids than it has rows.
    """
    have = int(model.get_input_embeddings().weight.shape[0])
    if old is not None and old > have:
        raise UserError(
            f"the model's own tokenizer has {old:,} ids, and the model rows for {have:,}",
            remedy="save model and tokenizer together again (model.resize_token_embeddings), or name its true one as "
            "start: old_tokenizer",
        )
    return Fit(have if old is None else old, new, round_up(new if replaced else max(have, new), multiple))


def fit_vocabulary(
    model: Any, fit: Fit, same: np.ndarray, make: Callable[[Mapping[str, torch.Tensor]], NewRows] | None, seed: int
) -> tuple[dict[str, Rows], NewRows]:
    """Give the model `fit.rows` rows, those of its own pieces bit by bit; what was done by matrix, and what was made.

    same: int64[new ids], the old id that each is, -1 where it is new; make: their rows, from the matrices of old ids.
    Rows without a piece behind them become the mean of all, so that no softmax sees a new extreme. Raises UserError
    where there are new ids and no way is named.
    """
    matrices, count = token_matrices(model), int((same < 0).sum())
    have = len(next(iter(matrices.values())))
    if count and make is None:
        raise UserError(
            f"the tokenizer has {fit.new:,} ids and the model {fit.old:,}, so {count:,} rows are new",
            remedy="start: new_rows: mean-of-pieces (or normal, mean, random, ofa, wechsel, cw2v, clp)",
        )
    goes_on = np.array_equal(same[same >= 0], np.arange(fit.old)) and not (same[: fit.old] < 0).any()
    kept = torch.arange(have) if goes_on and not count else torch.from_numpy(same)  # rows of no piece stay too
    before = {name: one.detach().clone() for name, one in matrices.items()}
    old = {name: one[: fit.old] for name, one in before.items()}
    made = make(old) if make is not None and count else NewRows({})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if fit.rows != have:
            _resize(model, fit.rows)
    matrices = token_matrices(model)
    done: dict[str, Rows] = {}
    with torch.no_grad():
        for name, weight in matrices.items():
            known = kept >= 0
            weight[: len(kept)][known] = before[name][kept[known]]
            rows = made.matrices.get(name, Made(torch.empty(0)))
            if count:
                weight[: len(kept)][~known] = rows.values.reshape(count, *weight.shape[1:]).to(weight.dtype)
            if rows.factors is not None:  # all rows are the factors' product
                weight[: len(kept)] = (rows.factors[0] @ rows.factors[1]).to(weight.dtype)
            weight[len(kept) :] = old[name].double().mean(dim=0).to(weight.dtype)
            done[name] = Rows(
                len(same) - count + rows.copied, rows.mixed, rows.drawn, padding=weight.shape[0] - len(same)
            )
    return done, made


def _resize(model: Any, rows: int) -> None:
    """Rows at the end of all token matrices, with anything in them."""
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    model.resize_token_embeddings(rows, mean_resizing=False)
    output = model.get_output_embeddings()
    if not tied and getattr(output, "bias", None) is not None:
        # transformers 5.24 ties the bias of an untied BERT to another parameter here, and does not save it.
        output.bias = torch.nn.Parameter(output.bias.detach().clone())


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
