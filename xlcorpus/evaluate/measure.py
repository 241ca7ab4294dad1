"""What a measure is: what it reads, what of a trained model it finds out, and how that is shown. No torch here.

Another package adds one under the entry-point group `xlcorpus.measures`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xlcorpus.errors import UserError
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.registry import Registry
from xlcorpus.text.bars import Panel, bars

if TYPE_CHECKING:
    from xlcorpus.evaluate.measures.bits.costs import Bits
    from xlcorpus.evaluate.models import TrainedModel
    from xlcorpus.evaluate.texts import Texts
    from xlcorpus.loader.rows import TokenRows

Rows: TypeAlias = list[list[str]]
Say: TypeAlias = Callable[[str], None]
ALL = "all"  # languages together
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

    What is found is shown as a table of `records`, with this caption and these columns (`title=key, ...`), and as bars,
    in panels of a title, the keys of the value and of its error, and a colour; what no record has is left out.
    """

    name: str
    help: str
    needs: tuple[str, ...] = ()
    by_language = False
    caption: str
    columns: str
    panels: Sequence[tuple[str, str, str | None, str]]

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
    def records(self, facts: Any) -> list[dict[str, Any]]:
        """Of the data of one path, a row of the table and of the plot each; `of`: what it is of."""

    def tables(self, given: str, facts: Any) -> dict[str, Rows]:
        """Of the data of one path: rows of cells by title, the first row of names."""
        return {f"{self.caption}: {given}": table(self.columns, self.records(facts))}

    def plot(self, title: str, found: Mapping[str, Any]) -> str:
        """SVG of the facts by path."""
        rows = [(one, path) for path, facts in found.items() for one in self.records(facts)]
        labels = [one["of"] if len(found) == 1 else f"{one['of']}: {last_name(path)}" for one, path in rows]

        def values(key: str | None) -> list[float | None]:
            return [None if key is None else one.get(key) for one, _ in rows]

        shown = [one for one in self.panels if any(one[1] in record for record, _ in rows)]
        panels = [Panel(name, values(key), colour, values(error)) for name, key, error, colour in shown]
        return bars(title, labels, panels)


def check_asked(asked: Mapping[str, Sequence[str]], against: str | None, options: EvaluateOptions) -> None:
    """Raise UserError where measures, `--against` and options do not go together. asked: paths by name of measure."""
    if not any(asked.values()):
        raise UserError("nothing is asked for", remedy=", ".join(f"--{name} PATH" for name in MEASURES.all))
    if against is not None and not asked.get("bits"):
        raise UserError("--against compares bits per byte, and none are asked for", remedy="--bits DATASET")
    if options.related is not None and against is None:
        raise UserError("--related compares with an evaluation before", remedy="--against DIR, or leave out --related")


class MeasureOfPairs(Measure):
    """A measure of the vectors of sentence pairs."""

    by_language = True

    def open(self, given: str, options: EvaluateOptions) -> Texts:
        """Sentence pairs."""
        from xlcorpus.evaluate.texts import read_pairs

        return read_pairs(given, options.reading("pairs"))


MEASURES: Registry[Measure] = Registry("measure", "xlcorpus.evaluate.measures", "MEASURE", "xlcorpus.measures")


def cell(value: str | float | None) -> str:
    """A text, a count or a share in a table."""
    if value is None or isinstance(value, str):
        return value or "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def table(columns: str, records: Sequence[Mapping[str, Any]]) -> Rows:
    """Rows of cells, the first of titles. columns: `title=key, ...`, or the key alone; without those of no record."""
    pairs = [(title or key, key) for title, _, key in (one.rpartition("=") for one in columns.split(", "))]
    shown = [(title, key) for title, key in pairs if any(key in one for one in records)]
    return [[title for title, _ in shown], *([cell(one.get(key)) for _, key in shown] for one in records)]


def way(facts: Mapping[str, Any]) -> str:
    """From which language to which."""
    return f"{facts['src_lang']} - {facts['tgt_lang']}"


def by_language(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records of facts of `languages` and of `all` of them."""
    return [{"of": lang, **one} for lang, one in [*facts["languages"].items(), (ALL, facts[ALL])]]


def last_name(path: str) -> str:
    """The end of a path, for the title of a panel."""
    return path.rstrip("/").rpartition("/")[2] or path
