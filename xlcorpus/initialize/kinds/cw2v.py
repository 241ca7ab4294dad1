"""CW2V, constrained word2vec (Mundra et al. 2024, "An Empirical Comparison of Vocabulary Expansion and Initialization
Approaches", methods B10): each new row is softmax(a row of A1·A2) times the old rows, so in their convex hull; both
factors are trained by skip-gram with negative sampling on text in the new pieces, best mixed of the languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.initialize.aligned import TextOptions
from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows
from xlcorpus.options import option
from xlcorpus.text.draws import row_states
from xlcorpus.text.ragged import rows_of

_POWER = 0.75  # of the counts that negatives are drawn by
_BLOCK = 256  # rows whose weights are held at once


class Cw2vOptions(TextOptions):
    """As published: rank 1024, window 5, 5 negatives, Adam at 3e-4, 1,024 pairs a batch, 5 epochs."""

    texts: tuple[str, ...] = option(min_length=1, description="datasets of documents or of code-switched rows")
    rank: int = option(1024, ge=1, description="between A1 and A2")
    window: int = option(5, ge=1, le=1000, description="pieces to each side that are a piece's context")
    negatives: int = option(5, ge=1, le=1000, description="drawn pieces for each pair")
    lr: float = option(3e-4, gt=0, description="of Adam")
    batch: int = option(1024, ge=1, description="pairs of a step")
    epochs: int = option(5, ge=0, description="over all pairs")
    subsample: float = option(2.0, gt=0, description="a piece that occurs n times is a centre with sqrt(this / n)")


class Hull(NamedTuple):
    """The two factors of the weights' logits, float32[new, rank] and float32[rank, old]."""

    first: torch.Tensor
    second: torch.Tensor

    def weights(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """float64[rows, old] in blocks of rows: none below 0, and of each row the sum is 1."""
        for start in range(0, len(self.first), _BLOCK):
            part = slice(start, start + _BLOCK)
            logits = self.first[part].detach().double() @ self.second.detach().double()
            yield part, torch.softmax(logits, dim=1)


class Pairs(NamedTuple):
    """A batch: new ids of the centres, their contexts (int64[n]) and negatives (int64[n, negatives])."""

    centres: torch.Tensor
    contexts: torch.Tensor
    negatives: torch.Tensor


def cw2v(asked: Asked, options: Cw2vOptions) -> NewRows:
    """Two sets of weights where input and output matrix are two, else one; a bias goes with the output's.

    Raises UserError where no wanted piece occurs in the texts.
    """
    ids, offsets = asked.new.encode_batch(read_sample(options.datasets(), options.max_bytes, asked.seed))
    occurring = int(np.isin(asked.wanted, ids).sum())
    if not occurring:
        raise UserError(
            f"none of the {len(asked.wanted):,} new pieces occurs in {', '.join(options.texts)}",
            remedy="give text in the language of the new pieces",
        )
    untied = "output tokens" in asked.matrices
    tables = [asked.matrices[name] for name in (("input tokens", "output tokens") if untied else ("token matrix",))]
    draw = asked.generator("cw2v")
    hulls = [begin(len(asked.wanted), len(one), options.rank, draw) for one in tables]
    cost = train(hulls, tables, asked.same, batches(ids, offsets, len(asked.same), options, asked.seed), options.lr)
    made = {}
    for name, rows in asked.flat.items():
        hull = hulls[0] if name in ("token matrix", "input tokens") else hulls[-1]
        made[name] = Made(torch.cat([weights @ rows for _, weights in hull.weights()]), mixed=len(asked.wanted))
    note = f"{occurring:,} of {len(asked.wanted):,} new pieces occur in {len(ids):,} tokens; cost of a pair {cost:.3f}"
    return NewRows(made, (note,))


def read_sample(datasets: Sequence[Dataset], most_bytes: int, seed: int) -> pa.Array:
    """Texts of documents, and of code-switched rows as they were switched: string[n], at most about `most_bytes`, drawn
    by hash. Raises UserError where a dataset has neither."""
    read = [(dataset, _text_column(dataset)) for dataset in datasets]
    sizes = (pc.sum(pc.binary_length(batch.column(name))) for one, name in read for batch in one.batches([name]))
    bound = min(1.0, most_bytes / max(sum(size.as_py() or 0 for size in sizes), 1)) * 2.0**64
    parts = [pa.array([], pa.string())]
    for dataset, name in read:
        for batch in dataset.batches(["doc_id", name]):
            drawn = row_states(batch.column("doc_id"), f"initialize/cw2v/{seed}").astype(np.float64) < bound
            parts.append(text_or_empty(batch, name).filter(pa.array(drawn)))
    return pa.concat_arrays(parts)


def _text_column(dataset: Dataset) -> str:
    for name in ("text", "cs_source"):
        if name in dataset.manifest.arrow_schema.names:
            return name
    raise UserError(
        f"{dataset.folder} has neither documents nor code-switched rows",
        remedy="give documents, or what `xlcorpus codeswitch` made of these sentence pairs",
    )


def begin(new: int, old: int, rank: int, draw: torch.Generator) -> Hull:
    """Factors drawn between 0 and 1, as published."""
    return Hull(torch.rand(new, rank, generator=draw), torch.rand(rank, old, generator=draw))


def train(hulls: list[Hull], tables: list[torch.Tensor], same: np.ndarray, pairs: Iterable[Pairs], lr: float) -> float:
    """Train the factors in place; the mean cost of the last pairs.

    tables: the old input rows, and the output rows where they are others, which stay as they are; same: int64[new ids].
    """
    of_old = torch.from_numpy(same)
    place = torch.full((len(same),), -1)
    place[of_old < 0] = torch.arange(int((of_old < 0).sum()))
    factors = [one.requires_grad_() for hull in hulls for one in hull]
    optimizer = torch.optim.Adam(factors, lr=lr)
    cost = torch.zeros(())

    def rows(ids: torch.Tensor, side: int) -> torch.Tensor:
        unique, back = ids.unique(return_inverse=True)
        fresh = place[unique] >= 0
        found = tables[side].detach()[of_old[unique].clamp(min=0)].clone()
        hull = hulls[side]
        weights = torch.softmax(hull.first[place[unique][fresh]] @ hull.second, dim=1)
        found[fresh] = weights @ tables[side].detach()
        return found[back]

    for batch in pairs:
        centres = rows(batch.centres, 0)
        others = rows(torch.cat([batch.contexts[:, None], batch.negatives], dim=1), -1)
        products = (others @ centres[:, :, None])[:, :, 0]
        near, far = products[:, 0], products[:, 1:]
        logs = torch.nn.functional.logsigmoid
        # The public program adds the negatives' products up before the sigmoid; here each has its own.
        cost = -(logs(near) + logs(-far).sum(dim=1)).mean()
        optimizer.zero_grad()
        if cost.requires_grad:
            cost.backward()
            optimizer.step()
    for one in factors:
        one.requires_grad_(False)
    return float(cost.detach())


def batches(ids: np.ndarray, offsets: np.ndarray, vocabulary: int, options: Cw2vOptions, seed: int) -> Iterator[Pairs]:
    """Pairs of texts (ids int32[n], offsets as of `encode_batch`) in an order by the seed, with drawn negatives."""
    generator = np.random.default_rng(seed)
    counts = np.bincount(ids, minlength=vocabulary).astype(np.float64)
    noise = np.cumsum(counts**_POWER)
    text, keep = rows_of(offsets), np.sqrt(options.subsample / np.maximum(counts, 1))
    for _ in range(options.epochs):
        chosen = np.flatnonzero(generator.random(len(ids)) < keep[ids])
        found = []
        for distance in (*range(-options.window, 0), *range(1, options.window + 1)):
            other = chosen + distance
            inside = (other >= 0) & (other < len(ids))
            centre, other = chosen[inside], other[inside]
            alike = text[centre] == text[other]
            found.append(np.stack([ids[centre[alike]], ids[other[alike]]], axis=1))
        pairs = np.concatenate(found).astype(np.int64)
        generator.shuffle(pairs)
        for start in range(0, len(pairs), options.batch):
            some = torch.from_numpy(pairs[start : start + options.batch])
            drawn = generator.random((len(some), options.negatives)) * noise[-1]
            negatives = torch.from_numpy(np.searchsorted(noise, drawn, side="right"))
            yield Pairs(some[:, 0], some[:, 1], negatives)


INITIALIZATION = Initialization("cw2v", Cw2vOptions, cw2v)
