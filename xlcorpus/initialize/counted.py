"""What a model's weights were made of: rows copied, mixed and drawn, by matrix."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rows:
    """Rows of one matrix (or entries of a bias): copied bit by bit; mixed: means of old rows; drawn: from a
    distribution; padding: no piece of the tokenizer has them."""

    copied: int = 0
    mixed: int = 0
    drawn: int = 0
    padding: int = 0

    def __str__(self) -> str:
        counts = {name: count for name, count in asdict(self).items() if count or name == "copied"}
        return ", ".join(f"{count:,} {name}" for name, count in counts.items())


@dataclass(frozen=True)
class Counted:
    """source: what the weights come from, for people; parameters: of the model; matrices: as `token_matrices` names
    them; new_rows: how new rows began, as the recipe says it, None where there are none; fresh: parameters that the
    checkpoint lacks, drawn as the model draws its own; notes: what rows were made of, and what could not be compared.
    """

    source: str
    parameters: int
    matrices: dict[str, Rows]
    new_rows: Any = None
    fresh: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        """For the terminal."""
        lines = [f"start: {self.source}, {self.parameters:,} parameters"]
        method = self.new_rows["method"] if isinstance(self.new_rows, dict) else self.new_rows
        how = f" (new rows by {method})" if method else ""
        lines += [f"  {name}: {rows}{how}" for name, rows in self.matrices.items()]
        if self.fresh:
            lines.append(f"  drawn, the checkpoint has none: {', '.join(self.fresh)}")
        return [*lines, *(f"  {note}" for note in self.notes)]

    def facts(self) -> dict[str, Any]:
        """For the run card."""
        return asdict(self)
