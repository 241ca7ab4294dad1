"""Word alignment of sentence pairs: IBM model 2 with a diagonal, both directions, joined into one.

Dyer, Chahuneau and Smith 2013, "A Simple, Fast, and Effective Reparameterization of IBM Model 2" (NAACL): a child token
at i of m has no parent with probability p0, else parent j of n with probability proportional to
exp(-tension * |i/m - j/n|); translation probabilities have a symmetric Dirichlet prior and are estimated by variational
Bayes. The tension stays where it is put: on 1,500 to 2,500 pairs the likeliest one (9 for English-Chinese, the upper
bound for English-German) cost 3 points of agreement with a dictionary, for the diagonal then outweighs words that were
seen but a few times.

Memory of training: 12 bytes a cell (token pair of a sentence pair), about 60 a distinct word pair, and one block of
cells: 380 MB for 16,000 pairs of 22 words, whose cells are 7.7 million. Pairs are drawn by hash until `_MOST_CELLS`
are used up, so a corpus of any size needs at most about 1.6 GB. Aligning needs the model and one block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy.special import digamma

from xlcorpus.align.grid import Grid, blocks, check_rows, hash_pairs, make_grid
from xlcorpus.align.options import AlignOptions
from xlcorpus.align.symmetrize import METHODS, Links, symmetrize
from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN, Side, read_side
from xlcorpus.text.ragged import offsets_of

_UNSEEN = 1e-9  # probability of a word pair that training did not meet, as in fast_align
_ALPHA = 0.01  # of the Dirichlet prior, as in fast_align
_MOST_CELLS = 20_000_000  # token pairs to train on


@dataclass(frozen=True)
class TranslationTable:
    """Of one direction, parents to children.

    parents, children: uint64[], sorted hashes of the known words; keys: int64[pairs], sorted, parent number *
    len(children) + child number; probability: float64[pairs], of the child given the parent; null: float64[children],
    of the child without a parent.
    """

    parents: np.ndarray
    children: np.ndarray
    keys: np.ndarray
    probability: np.ndarray
    null: np.ndarray


@dataclass(frozen=True)
class AlignmentModel:
    """Both directions, and how they were trained; `pairs` is the number of sentence pairs that were trained on."""

    forward: TranslationTable
    backward: TranslationTable
    options: AlignOptions
    pairs: int

    def save(self, location: Location) -> None:
        """Write the model as an Arrow file, a row a direction; the same model gives the same bytes."""
        rows = (vars(self.forward), vars(self.backward))
        columns = {name: _lists([row[name] for row in rows]) for name in rows[0]}
        write_beside(location, pa.RecordBatch.from_pydict({**columns, "pairs": pa.array([self.pairs] * len(rows))}))

    @classmethod
    def load(cls, location: Location, options: AlignOptions) -> AlignmentModel:
        """Read what `save` wrote; options must be those of the training."""
        batch = read_beside(location)
        names = [name for name in batch.schema.names if name != "pairs"]
        forward, backward = (
            TranslationTable(**{name: batch.column(name)[row].values.to_numpy() for name in names}) for row in range(2)
        )
        return cls(forward, backward, options, batch.column("pairs")[0].as_py())


def _lists(parts: list[np.ndarray]) -> pa.LargeListArray:
    """large_list[parts]: arrays of one type."""
    offsets = offsets_of(np.array([len(part) for part in parts]))
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(parts)))


def log_normalizers(tension: float, place: np.ndarray, children: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exp(-tension * |place/children - j/parents|) over j = 1..parents: float64[n].

    place: 1..children. Two geometric series that meet at the diagonal (the paper, section 2.1), so no loop over j.
    """
    at = place / children
    below = np.floor(at * parents)
    step = np.exp(-tension / parents)
    down = np.exp(-tension * (at - below / parents)) * (1 - step**below)
    up = np.exp(-tension * ((below + 1) / parents - at)) * (1 - step ** (parents - below))
    logs: np.ndarray = np.log((down + up) / (1 - step))
    return logs


@dataclass(frozen=True)
class _Diagonal:
    """Places of the children of a grid: place 1..children; distance float64[cells], |i/m - j/n| of each cell."""

    place: np.ndarray
    children: np.ndarray
    parents: np.ndarray
    distance: np.ndarray


def _diagonal(grid: Grid, parent: Side, child: Side) -> _Diagonal:
    row = child.spans.rows[grid.child]
    place = grid.child - child.spans.offsets[row] + 1
    children = child.sizes[row]
    at = (place / children)[grid.cell_child]
    along = (grid.parent - parent.spans.offsets[parent.spans.rows[grid.parent]] + 1) / grid.parents[grid.cell_child]
    return _Diagonal(place, children, grid.parents, np.abs(at - along))


def _numbers(known: np.ndarray, words: np.ndarray) -> np.ndarray:
    """int64[n]: place of each word among the sorted known ones, -1 for others."""
    if not len(known):
        return np.full(len(words), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(known, words), len(known) - 1)
    return np.where(known[place] == words, place, -1)


def _train(parent: Side, child: Side, rows: np.ndarray, options: AlignOptions) -> TranslationTable:
    cells = parent.sizes[rows] * child.sizes[rows]
    parts = list(blocks(rows, cells))
    parents, parent_number = np.unique(parent.words, return_inverse=True)
    children, child_number = np.unique(child.words, return_inverse=True)

    def keys_of(grid: Grid) -> np.ndarray:
        return parent_number[grid.parent] * len(children) + child_number[grid.child][grid.cell_child]

    empty = np.zeros(0, dtype=np.int64)
    keys = np.unique(np.concatenate([empty, *(np.unique(keys_of(make_grid(parent, child, part))) for part in parts)]))
    lookup = [np.searchsorted(keys, keys_of(make_grid(parent, child, part))).astype(np.int32) for part in parts]
    parent_of_key = keys // max(len(children), 1)
    probability = np.full(len(keys), 1.0 / max(len(children), 1))
    null = np.full(len(children), 1.0 / max(len(children), 1))
    for _ in range(options.iterations):
        counts, null_counts = np.zeros(len(keys)), np.zeros(len(children))
        for part, cell_key in zip(parts, lookup, strict=True):
            grid = make_grid(parent, child, part)
            diagonal = _diagonal(grid, parent, child)
            number = child_number[grid.child]
            score, alone = _scores(grid, diagonal, probability[cell_key], null[number], options)
            total = np.add.reduceat(score, grid.offsets[:-1]) + alone
            score /= total[grid.cell_child]
            alone /= total
            counts += np.bincount(cell_key, weights=score, minlength=len(keys))
            null_counts += np.bincount(number, weights=alone, minlength=len(children))
        # Variational Bayes: the mean of the logarithm under the Dirichlet posterior (the paper, section 2.2).
        counts += _ALPHA
        null_counts += _ALPHA
        totals = np.bincount(parent_of_key, weights=counts, minlength=len(parents))
        probability = np.exp(digamma(counts) - digamma(totals)[parent_of_key])
        null = np.exp(digamma(null_counts) - digamma(null_counts.sum()))
    return TranslationTable(parents, children, keys, probability, null)


def _scores(
    grid: Grid,
    diagonal: _Diagonal,
    probability: np.ndarray,
    null: np.ndarray,
    options: AlignOptions,
) -> tuple[np.ndarray, np.ndarray]:
    """Joint probability of each cell (float64[cells]) and of no parent (float64[children])."""
    normalizer = log_normalizers(options.tension, diagonal.place, diagonal.children, diagonal.parents)
    score = np.exp(-options.tension * diagonal.distance - normalizer[grid.cell_child])
    score *= probability
    score *= 1 - options.null_share
    return score, null * options.null_share


def _best(
    parent: Side, child: Side, rows: np.ndarray, model: TranslationTable, options: AlignOptions
) -> tuple[Links, np.ndarray]:
    """The likeliest parent of each child of the pairs `rows`, as links parent (source) to child (target); and of each
    pair the mean over its children of the logarithm of their probability, by any parent or none (float64[pairs])."""
    grid = make_grid(parent, child, rows)
    diagonal = _diagonal(grid, parent, child)
    parent_number = _numbers(model.parents, parent.words[grid.parent])
    child_number = _numbers(model.children, child.words[grid.child])
    number = child_number[grid.cell_child]
    known = (parent_number >= 0) & (number >= 0)
    place = _numbers(model.keys, np.where(known, parent_number * len(model.children) + number, -1))
    probability = np.where(place >= 0, model.probability[place], _UNSEEN) if len(model.keys) else _UNSEEN
    null = np.where(child_number >= 0, model.null[child_number], _UNSEEN) if len(model.null) else _UNSEEN
    spread = np.broadcast_to(np.asarray(null, dtype=np.float64), len(grid.child))
    score, alone = _scores(grid, diagonal, np.asarray(probability), spread, options)
    sizes = child.sizes[rows]
    likely = np.log(np.add.reduceat(score, grid.offsets[:-1]) + alone)
    means = np.bincount(np.repeat(np.arange(len(rows)), sizes), weights=likely, minlength=len(rows)) / sizes
    best = np.maximum.reduceat(score, grid.offsets[:-1])
    winners = np.flatnonzero(score == best[grid.cell_child])
    which, first = np.unique(grid.cell_child[winners], return_index=True)  # the first of equals
    cell = winners[first][best[which] > alone[which]]
    row = child.spans.rows[grid.child[grid.cell_child[cell]]]
    source = grid.parent[cell] - parent.spans.offsets[row]
    return Links(row, source, grid.child[grid.cell_child[cell]] - child.spans.offsets[row]), means


def alignable(source: Side, target: Side, max_tokens: int) -> np.ndarray:
    """bool[rows]: both sides have tokens, and none more than max_tokens."""
    fits: np.ndarray = (np.minimum(source.sizes, target.sizes) > 0) & (
        np.maximum(source.sizes, target.sizes) <= max_tokens
    )
    return fits


def train_aligner(source: pa.Array, target: pa.Array, options: AlignOptions | None = None) -> AlignmentModel:
    """Train on sentence pairs (string[rows] twice); the order of the rows does not matter.

    Raises UserError where the sides differ in length or no pair has tokens on both sides.
    """
    options = options or AlignOptions()
    one, other = read_side(source, options.prefix), read_side(target, options.prefix)
    check_rows(one, other)
    rows = np.flatnonzero(alignable(one, other, options.max_tokens))
    if not len(rows):
        raise UserError(f"no sentence pair to align among {len(one):,}", remedy="give pairs with words on both sides")
    # In the order of a hash of the content: sums of floats, and the choice of pairs, are then the same for any order.
    rows = rows[np.argsort(hash_pairs(one, other)[rows], kind="stable")]
    used = np.cumsum(one.sizes[rows] * other.sizes[rows]) <= _MOST_CELLS
    used[0] = True
    rows = rows[used]
    return AlignmentModel(_train(one, other, rows, options), _train(other, one, rows, options), options, len(rows))


def align_pairs(
    model: AlignmentModel, source: pa.Array, target: pa.Array, symmetrization: str = METHODS[0]
) -> pa.Array:
    """Align sentence pairs: list<struct<src: int32, tgt: int32>>[rows], see `align_and_score`."""
    return align_and_score(model, source, target, symmetrization)[0]


def align_and_score(
    model: AlignmentModel, source: pa.Array, target: pa.Array, symmetrization: str = METHODS[0]
) -> tuple[pa.Array, pa.Array]:
    """Align sentence pairs: list<struct<src: int32, tgt: int32>>[rows], numbers of tokens by `read_side`, sorted; and
    float32[rows], at most 0: the logarithm of the probability of a token given the other side, the mean of each side's
    tokens and of both sides, to four digits (the last ones of a float may follow from what stands beside it).

    symmetrization: one of `symmetrize.METHODS`; not the options', which may leave it to the languages. Null where a
    side has no token or more than max_tokens; empty where no token has a likely partner. Raises UserError where the
    sides differ in length.
    """
    options = model.options
    one, other = read_side(source, options.prefix), read_side(target, options.prefix)
    check_rows(one, other)
    fits = alignable(one, other, options.max_tokens)
    rows = np.flatnonzero(fits)
    found: list[Links] = []
    scores = np.full(len(fits), np.nan)
    for part in blocks(rows, one.sizes[rows] * other.sizes[rows]):
        forward, there = _best(one, other, part, model.forward, options)
        back, and_back = _best(other, one, part, model.backward, options)
        scores[part] = np.round((there + and_back) / 2, 4)
        low, size = int(part[0]), int(part[-1] - part[0]) + 1
        links = symmetrize(
            Links(forward.row - low, forward.source, forward.target),
            Links(back.row - low, back.target, back.source),
            np.where(fits, one.sizes, 0)[low : low + size],
            np.where(fits, other.sizes, 0)[low : low + size],
            symmetrization,
        )
        found.append(replace(links, row=links.row + low))
    return to_column(found, fits), pa.array(scores, from_pandas=True).cast(pa.float32())


def to_column(parts: list[Links], valid: np.ndarray) -> pa.Array:
    """The `align` column of links in order of rows; null where not valid (bool[rows])."""
    row, source, target = (
        np.concatenate([np.zeros(0, dtype=np.int64), *(getattr(links, name) for links in parts)])
        for name in ("row", "source", "target")
    )
    offsets = offsets_of(np.bincount(row, minlength=len(valid))).astype(np.int32)
    items = pa.StructArray.from_arrays(
        [pa.array(source.astype(np.int32)), pa.array(target.astype(np.int32))], fields=list(ALIGN.value_type)
    )
    column = pa.ListArray.from_arrays(pa.array(offsets), items, mask=pa.array(~valid))
    return column.cast(ALIGN)
