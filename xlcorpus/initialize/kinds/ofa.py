"""OFA (Liu et al. 2024, "OFA: A Framework of Initializing Unseen Subword Embeddings", methods B8): rows of near pieces
in a space of word vectors of many languages, and, where `rank` says so, factors in the place of the matrix."""

from __future__ import annotations

import numpy as np
import torch

from xlcorpus.errors import UserError
from xlcorpus.initialize.aligned import AlignedOptions, aligned_vectors
from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows, mixed_rows
from xlcorpus.initialize.neighbours import nearest_rows, piece_vectors
from xlcorpus.initialize.overlap import folded_pieces
from xlcorpus.options import option


class OfaOptions(AlignedOptions):
    """As published: 10 neighbours, temperature 0.1, pieces alike but for case copied."""

    rank: int | None = option(
        None, ge=1, description="factors E = F·P of this rank are trained (published: 100, 200, 400); none: the matrix"
    )
    neighbours: int = option(10, ge=1, description="old pieces that a new one is mixed of")
    temperature: float = option(0.1, gt=0, description="of the softmax over their cosines")
    fold: bool = option(True, description="copy rows of pieces that differ in case, or in the space before them, too")


def factorized(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates [n, rank] and primitives [rank, d], float64: the left singular vectors, and the right ones times the
    singular values, so that their product is nearest to the matrix (float64[n, d])."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    return left[:, :rank], values[:rank, None] * right[:rank]


def ofa(asked: Asked, options: OfaOptions) -> NewRows:
    """Rows of F (or of the matrix itself) by copy, by mixing near ones, and drawn from normals where a piece has no
    vector; of a bias likewise. Raises UserError where the rank is above the model's width."""
    old, new = asked.tokenizers("ofa")
    words, vectors, notes = aligned_vectors(options, asked.seed)
    ids, blocks = nearest_rows(
        piece_vectors(new, words, vectors)[asked.wanted],
        piece_vectors(old, words, vectors)[: len(next(iter(asked.matrices.values())))],
        options.neighbours,
        options.temperature,
    )
    wanted = len(asked.wanted)
    folded = folded_pieces(old, new, asked.same)[asked.wanted] if options.fold else np.full(wanted, -1)
    copied = folded >= 0
    factors, spaces = {}, dict(asked.flat)
    for name, rows in asked.flat.items():
        if options.rank is not None and rows.shape[1] > 1:
            if options.rank > min(rows.shape):
                raise UserError(
                    f"rank: {options.rank} of the {name}, which is {rows.shape[0]:,} x {rows.shape[1]:,}",
                    remedy=f"write a rank below {min(rows.shape):,}, or leave it out",
                )
            factors[name] = factorized(rows, options.rank)
            spaces[name] = factors[name][0]
    made, has = mixed_rows(asked, ids, blocks, spaces)
    mixed, drawn = int((has & ~copied).sum()), int((~has & ~copied).sum())
    found = {}
    for name, values in made.items():
        pair = None
        values[torch.from_numpy(copied)] = spaces[name][torch.from_numpy(folded[copied])]
        if name in factors:
            whole = torch.zeros(len(asked.same), values.shape[1], dtype=torch.float64)
            known = torch.from_numpy(asked.same >= 0)
            whole[known] = spaces[name][torch.from_numpy(asked.same[asked.same >= 0])]
            whole[torch.from_numpy(asked.wanted)] = values
            pair = whole, factors[name][1]
            values = values @ pair[1]
        found[name] = Made(values, int(copied.sum()), mixed, drawn, pair)
    alike = f"{int(copied.sum()):,} pieces differ from old ones in case or space alone"
    return NewRows(found, (*notes, alike) if options.fold else notes)


INITIALIZATION = Initialization("ofa", OfaOptions, ofa)
