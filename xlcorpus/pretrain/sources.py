"""The data of a stage, opened and checked before any model is: schema, tokenizer, view, special ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, naming
from xlcorpus.options import StepOptions, checked
from xlcorpus.pretrain.data.rows import TokenRows
from xlcorpus.pretrain.data.stream import Source
from xlcorpus.pretrain.objective import OBJECTIVES, Objective, ObjectiveKind, Vocabulary
from xlcorpus.pretrain.recipe import SEE, DataOptions, StageOptions
from xlcorpus.tokenizer.open import open_tokenizer

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Data:
    """names: of the sources, for metrics; holdouts: rows to evaluate on, each with the source that they belong to."""

    sources: tuple[Source, ...]
    names: tuple[str, ...]
    holdouts: tuple[tuple[int, TokenRows], ...]
    architecture: str
    vocabulary: Vocabulary

    @property
    def length(self) -> int:
        """Most tokens of a row of any source."""
        return max(source.rows.length for source in self.sources)


def open_data(stage: StageOptions, tokenizer: str | None = None) -> Data:
    """Open what a stage trains on; raises UserError for the first thing that does not go together.

    tokenizer: as of `open_source`.
    """
    sources: list[Source] = []
    kinds: list[ObjectiveKind] = []
    holdouts: list[tuple[int, TokenRows]] = []
    for number, given in enumerate(stage.data):
        with naming(f"stage {stage.name}: data {number + 1} ({given.folder})"):
            kind = OBJECTIVES.find(given.objective)
            source = open_source(given.folder, given.objective, given.options, weight=given.weight, tokenizer=tokenizer)
            held = _holdout(given)
            if held is not None:
                rows = TokenRows.open(held)
                rows.require_rows("hold out more: xlcorpus pack --holdout 2%, or name none")
                _check_same(rows, source.rows)
                _check_view(kind, rows)
                holdouts.append((number, rows))
        sources.append(source)
        kinds.append(kind)
    for source, kind in zip(sources[1:], kinds[1:], strict=True):
        _check_same(source.rows, sources[0].rows)
        if kind.architecture != kinds[0].architecture:
            raise UserError(
                f"{kind.name} trains an {kind.architecture}, {kinds[0].name} an {kinds[0].architecture}",
                remedy="put them in stages of two recipes, or give both datasets one kind of objective",
            )
    twice = {kind.name for kind in kinds if sum(kind is one for one in kinds) > 1}
    names = [f"{kind.name}-{n}" if kind.name in twice else kind.name for n, kind in enumerate(kinds, 1)]
    return Data(tuple(sources), tuple(names), tuple(holdouts), kinds[0].architecture, sources[0].rows.vocabulary)


def open_source(
    folder: Any,
    objective: str = "clm",
    options: Mapping[str, Any] | None = None,
    *,
    weight: float = 1.0,
    tokenizer: str | Location | None = None,
) -> Source:
    """Token shards and what is made of them; raises UserError where the two do not go together.

    options: of the objective; tokenizer: path of that of the shards, which `whole_word` needs.
    """
    kind = OBJECTIVES.find(objective)
    settings = checked(kind.options, dict(options or {}), str(folder), kind.name, SEE)
    rows = TokenRows.open(storage.locate(folder))
    rows.require_rows()
    return Source(rows, objective_for(rows, kind, settings, tokenizer), weight)


def objective_for(
    rows: TokenRows, kind: ObjectiveKind, settings: StepOptions, tokenizer: str | Location | None = None
) -> Objective:
    """The objective over these rows; raises UserError where they are of another view, or lack a special id."""
    _check_view(kind, rows)
    missing = [role for role in kind.needs if role not in rows.vocabulary.ids]
    if missing:
        raise UserError(
            f"{rows.folder}: {kind.name} needs a token for {' and '.join(missing)}; their tokenizer has none",
            remedy="pack with a tokenizer that has it: `xlcorpus tokenizer train --mask`, or `tokenizer extend "
            "--special <mask>`",
        )
    vocabulary = rows.vocabulary
    if tokenizer is not None and getattr(settings, "whole_word", False):
        vocabulary.check_packed_with(open_tokenizer(tokenizer), tokenizer, rows.folder)
        vocabulary = replace(vocabulary, word_starts=open_tokenizer(tokenizer).word_starts)
    objective: Objective = kind.make(settings, vocabulary, rows.length)
    if objective.columns is not None:
        objective.columns += tuple(name for name in objective.optional if name in rows.columns)
    return objective


def _check_view(kind: ObjectiveKind, rows: TokenRows) -> None:
    if kind.view != rows.view:
        what = f"rows of the view {rows.view}" if rows.view else "packs"
        make = f"xlcorpus pack ... --view {kind.view}" if kind.view else "xlcorpus pack ..., without --view"
        raise UserError(
            f"{rows.folder} holds {what}; {kind.name} reads {f'the view {kind.view}' if kind.view else 'packs'}",
            remedy=f"make them with `{make}`, or choose another objective for these",
        )


def _check_same(one: TokenRows, other: TokenRows) -> None:
    if one.vocabulary.fingerprint != other.vocabulary.fingerprint:
        raise UserError(
            f"{one.folder} and {other.folder} were packed with two tokenizers ({one.vocabulary.size:,} and "
            f"{other.vocabulary.size:,} ids)",
            remedy="pack both with one tokenizer",
        )


def _holdout(given: DataOptions) -> Location | None:
    if given.holdout is not None:
        return storage.locate(given.holdout)
    beside = storage.locate(given.folder, HOLDOUT)
    return beside if is_dataset(beside) else None
