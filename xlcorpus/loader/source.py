"""Token shards and the objective that reads them, opened and checked against one another: schema, view, special ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.objective import OBJECTIVES, Objective, ObjectiveKind
from xlcorpus.options import StepOptions, checked
from xlcorpus.tokenizer.open import open_tokenizer

SEE = "docs/training.md"
_OF_PIECES = {"whole_word": "word_starts", "skip_punctuation": "punctuation"}  # what options need of the tokenizer


@dataclass(frozen=True)
class Source:
    """Rows, what is made of them, and their share of the micro-batches (in any unit)."""

    rows: TokenRows
    objective: Objective
    weight: float = 1.0


def open_source(
    folder: Any,
    objective: str = "clm",
    options: Mapping[str, Any] | None = None,
    *,
    weight: float = 1.0,
    tokenizer: str | Location | None = None,
) -> Source:
    """Token shards and what is made of them; raises UserError where the two do not go together.

    options: of the objective; tokenizer: path of that of the shards, which `whole_word` and
    `skip_punctuation` need.
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
    check_view(kind, rows)
    missing = [role for role in kind.needs if role not in rows.vocabulary.ids]
    if missing:
        raise UserError(
            f"{rows.folder}: {kind.name} needs a token for {' and '.join(missing)}; their tokenizer has none",
            remedy="pack with a tokenizer that has it: `xlcorpus tokenizer train --mask`, or `tokenizer extend "
            "--special <mask>`",
        )
    vocabulary = rows.vocabulary
    asked = [name for option, name in _OF_PIECES.items() if getattr(settings, option, False)]
    if tokenizer is not None and asked:
        opened = open_tokenizer(tokenizer)
        vocabulary.check_packed_with(opened, tokenizer, rows.folder)
        vocabulary = replace(vocabulary, **{name: getattr(opened, name) for name in asked})
    objective: Objective = kind.make(settings, vocabulary, rows.length)
    if objective.columns is not None:
        objective.columns += tuple(name for name in objective.optional if name in rows.columns)
    return objective


def check_view(kind: ObjectiveKind, rows: TokenRows) -> None:
    """Raise UserError where the rows are of another view than the objective reads."""
    if kind.view != rows.view:
        what = f"rows of the view {rows.view}" if rows.view else "packs"
        make = f"xlcorpus pack ... --view {kind.view}" if kind.view else "xlcorpus pack ..., without --view"
        raise UserError(
            f"{rows.folder} holds {what}; {kind.name} reads {f'the view {kind.view}' if kind.view else 'packs'}",
            remedy=f"make them with `{make}`, or choose another objective for these",
        )
