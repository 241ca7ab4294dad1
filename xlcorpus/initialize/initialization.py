"""How rows of pieces begin that a model lacks: what is asked for, what is made of it, and the kinds by name.

Another package adds one under the entry-point group `xlcorpus.initializations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions
from xlcorpus.registry import Registry
from xlcorpus.text.hashes import hash_text
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Asked:
    """What rows are wanted, and what they can be made of.

    matrices: the model's, by the names of `token_matrices`, float32[old ids, ...]: a row for each id of its tokenizer;
    same: int64[new ids], the old id whose row a new one takes bit by bit, -1 where it has none; old: the model's
    tokenizer, None where it is not known; deviation: of the model's own random weights; cut: of each wanted id the old
    ids that its piece is cut into, None where that cannot be known.
    """

    matrices: Mapping[str, torch.Tensor]
    same: np.ndarray
    old: Tokenizer | None
    new: Tokenizer
    deviation: float
    seed: int
    cut: Callable[[], list[tuple[int, ...]] | None] = lambda: None

    @cached_property
    def wanted(self) -> np.ndarray:
        """int64[rows]: the new ids without a row, ascending."""
        return np.flatnonzero(self.same < 0)

    @cached_property
    def flat(self) -> dict[str, torch.Tensor]:
        """The matrices as float64[old ids, dimensions]; a bias has one."""
        return {name: one.reshape(len(one), -1).double() for name, one in self.matrices.items()}

    def tokenizers(self, method: str) -> tuple[Tokenizer, Tokenizer]:
        """Old and new; raises UserError where the old one is not known."""
        if self.old is None:
            raise UserError(
                f"new_rows: {method} needs the model's own tokenizer, and none lies beside it",
                remedy="start: old_tokenizer: FOLDER of the model's tokenizer, or new_rows: normal",
            )
        return self.old, self.new

    def generator(self, name: str) -> torch.Generator:
        """Of what is drawn for a matrix."""
        return torch.Generator().manual_seed(int(hash_text(f"{self.seed} {name} new rows") >> np.uint64(1)))

    def drawn_alike(self, name: str, like: torch.Tensor) -> torch.Tensor:
        """float64[wanted, dimensions] of normals with mean and deviation of the columns of `like`, each alone."""
        noise = torch.randn(
            len(self.wanted), like.shape[1], generator=self.generator(name), dtype=torch.float64, device=like.device
        )
        return like.mean(dim=0) + like.std(dim=0, correction=0) * noise


@dataclass(frozen=True)
class Made:
    """Rows of one matrix: values: float64[wanted, dimensions]; the first counts add up to them.

    copied: rows of old ids, bit by bit; mixed: weighted means of old rows; drawn: from a distribution. factors: float64
    coordinates [new ids, rank] and primitives [rank, dimensions] where all rows of the matrix are their product.
    """

    values: torch.Tensor
    copied: int = 0
    mixed: int = 0
    drawn: int = 0
    factors: tuple[torch.Tensor, torch.Tensor] | None = None


@dataclass(frozen=True)
class NewRows:
    """What was made, by matrix, and what people should know of it."""

    matrices: Mapping[str, Made]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Initialization:
    """A way as recipes name it, `new_rows: NAME` or `new_rows: {method: NAME, ...}`.

    options: its published defaults, `files` those that name files and datasets; make: the rows asked for; copies:
    whether another tokenizer's pieces of equal text keep their rows under some options, and are not asked for.
    """

    name: str
    options: type[StepOptions]
    make: Callable[[Asked, Any], NewRows]
    copies: Callable[[Any], bool] = lambda options: True


class NoOptions(StepOptions):
    """Of ways that nothing can be said of."""


INITIALIZATIONS: Registry[Initialization] = Registry(
    "way to make new rows", "xlcorpus.initialize.kinds", "INITIALIZATION", "xlcorpus.initializations"
)


Blocks = Iterable[tuple[np.ndarray, Any]]


def mixed_rows(
    asked: Asked, ids: np.ndarray, blocks: Blocks, spaces: Mapping[str, torch.Tensor] | None = None
) -> tuple[dict[str, torch.Tensor], np.ndarray]:
    """By matrix, float64[wanted, dimensions]: weighted sums of old rows, where no block has a row `drawn_alike`; and
    which rows are mixed (bool[wanted]).

    ids: int64[n], old ones; blocks: (places in wanted, weights [places, n], dense or sparse); spaces: what has a row
    for each old id in the place of the matrices, as their factors. Raises UserError where no row is mixed.
    """
    spaces = asked.flat if spaces is None else spaces
    made = {name: asked.drawn_alike(name, rows) for name, rows in spaces.items()}
    old = {name: rows[torch.from_numpy(ids)].numpy() for name, rows in spaces.items()}
    has = np.zeros(len(asked.wanted), dtype=bool)
    for places, weights in blocks:
        has[places] = True
        for name, rows in old.items():
            made[name][torch.from_numpy(places)] = torch.from_numpy(weights @ rows)
    if not has.any():
        raise UserError(
            f"new_rows: none of the {len(has):,} new pieces is near to an old one, so all rows would be drawn",
            remedy="give texts, vectors or a helper that know the new pieces and the old ones, or new_rows: normal",
        )
    return made, has


def counted(values: Mapping[str, torch.Tensor], has: np.ndarray) -> dict[str, Made]:
    """Rows that are mixed where `has` (bool[wanted]), and drawn elsewhere."""
    mixed = int(has.sum())
    return {name: Made(one, mixed=mixed, drawn=len(has) - mixed) for name, one in values.items()}
