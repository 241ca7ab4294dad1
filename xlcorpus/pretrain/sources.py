"""The data of a stage, opened and checked before any model is: schema, tokenizer, view, special ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, naming
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source, check_view, open_source
from xlcorpus.objectives.objective import OBJECTIVES, Objective, ObjectiveKind, Vocabulary
from xlcorpus.pretrain.recipe import DataOptions, StageOptions

HOLDOUT = "holdout"


@dataclass(frozen=True)
class Data:
    """names: of the sources, for metrics; holdouts: rows to evaluate on, each with the source that they belong to;
    settings: of the model's config, that the rows ask for."""

    sources: tuple[Source, ...]
    names: tuple[str, ...]
    holdouts: tuple[tuple[int, TokenRows], ...]
    architecture: str
    vocabulary: Vocabulary
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def objectives(self) -> dict[str, Objective]:
        """By name of the source."""
        return dict(zip(self.names, (one.objective for one in self.sources), strict=True))

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
    settings: dict[str, Any] = {}
    for number, given in enumerate(stage.data):
        with naming(f"stage {stage.name}: data {number + 1} ({given.folder})"):
            kind = OBJECTIVES.find(given.objective)
            source = open_source(given.folder, given.objective, given.options, weight=given.weight, tokenizer=tokenizer)
            asked = kind.settings(source.rows.folder) if kind.settings else {}
            other = next((name for name, value in asked.items() if settings.get(name, value) != value), None)
            if other is not None:
                raise UserError(
                    f"{source.rows.folder} needs a model with {other}: {asked[other]}, the data before it one with "
                    f"{settings[other]}",
                    remedy="make the rows of one set of labels, or train on them in two recipes",
                )
            settings |= asked
            source.objective.fit_rows(source.rows.folder, source.rows.count)
            held = _holdout(given)
            if held is not None:
                rows = TokenRows.open(held)
                rows.require_rows("hold out more: xlcorpus pack --holdout 2%, or name none")
                _check_same(rows, source.rows)
                check_view(kind, rows)
                source.objective.check_held_out(held)
                rows.require(source.objective.columns or (), kind.name)
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
    return Data(
        tuple(sources), tuple(names), tuple(holdouts), kinds[0].architecture, sources[0].rows.vocabulary, settings
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
