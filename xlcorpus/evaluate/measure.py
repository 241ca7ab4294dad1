"""What a measure is: what it reads, what of a trained model it finds out, and how that is shown. No torch here.

Another package adds one under the entry-point group `xlcorpus.measures`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xlcorpus.errors import UserError
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.registry import Registry

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.bits.costs import Bits
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts
    from xlcorpus.loader.rows import TokenRows

Rows: TypeAlias = list[list[str]]
Say: TypeAlias = Callable[[str], None]
BLUE, RED, GREEN = "#35618f", "#b3672b", "#4d7f4a"


@dataclass(frozen=True)
class Found:
    """facts: as `evaluation.json` has them; documents: by language, what each costs, for `--against`."""

    facts: Any
    documents: Mapping[str, Bits] = field(default_factory=dict)


class Measure(ABC):
    """A module of `xlcorpus/evaluate/measures` has one as MEASURE; torch is imported inside of its methods alone.

    name: of the option `--name PATH`, of its part of the report and of its plot; help: of the option; its own options
    stand in EvaluateOptions. needs: auto classes of transformers of which a model must be one, none: any will do;
    by_language: whether it says the language of each text to models with adapters of languages (X-MOD).
    """

    name: str
    help: str
    needs: tuple[str, ...] = ()
    by_language = False

    @abstractmethod
    def open(self, given: str, options: EvaluateOptions) -> Any:
        """The data of a path, before the model is opened. Raises UserError."""

    def packed(self, data: Any) -> list[TokenRows]:
        """Rows of ids that must be of the model's tokenizer: the data themselves, or what they were read from."""
        from xlcorpus.loader.rows import TokenRows

        parts = data if isinstance(data, tuple) else (data,)
        found = [one if isinstance(one, TokenRows) else getattr(one, "packed", None) for one in parts]
        return [one for one in found if one is not None]

    def check(self, trained: TrainedModel, data: Any, options: EvaluateOptions) -> None:
        """Raise UserError where the model is none to be measured so, before anything is measured."""
        if self.needs:
            trained.require(*self.needs, what=f"--{self.name}")
        config = trained.model.config
        if not self.by_language and config.model_type == "xmod" and config.default_language is None:
            raise UserError(
                f"{trained.path} has adapters of languages, and --{self.name} does not choose among them",
                remedy="write default_language into its config.json, or measure what does: "
                + ", ".join(f"--{name}" for name, one in MEASURES.all.items() if one.by_language),
            )

    @abstractmethod
    def run(self, trained: TrainedModel, data: Any, options: EvaluateOptions, say: Say) -> Found:
        """Measure. Raises UserError."""

    @abstractmethod
    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """Of the data of one path: rows of cells by title, the first row of names."""

    @abstractmethod
    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """SVG of the facts by path."""


class MeasureOfPairs(Measure):
    """A measure of the vectors of sentence pairs."""

    by_language = True

    def open(self, given: str, options: EvaluateOptions) -> Texts:
        """Sentence pairs."""
        from xlcorpus.evaluate.texts import read_pairs

        return read_pairs(given, options.reading("pairs"))


MEASURES: Registry[Measure] = Registry("measure", "xlcorpus.evaluate.measures", "MEASURE", "xlcorpus.measures")


def cell(value: float | None) -> str:
    """A number in a table."""
    return "-" if value is None else f"{value:.3f}"


def last_name(path: str) -> str:
    """The end of a path, for the title of a panel."""
    return path.rstrip("/").rpartition("/")[2] or path
