"""What `xlcorpus tokenizer extend` is asked to add, and from where: another tokenizer, the base itself, or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.extend import Extended, extend, extend_on_sample
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, best_first, pieces_of
from xlcorpus.tokenizer.romanized import Romanize, romanized_pieces
from xlcorpus.tokenizer.text_sample import Sample
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import TrainOptions, dataset_facts
from xlcorpus.tokenizer.unigram_scores import MARGIN


@dataclass(frozen=True)
class Asked:
    """What to add: the pieces of the tokenizer `source`, those of the base romanised, or else learnt from text.

    pieces: how many, None for all that can be; merge, margin: None where the user does not say.
    """

    source: Location | None
    romanized: bool
    pieces: int | None
    merge: str | None
    margin: float | None
    specials: tuple[str, ...]

    @property
    def nats(self) -> float | None:
        """The margin; none for romanised pieces, which are scored as their sources are."""
        return MARGIN if self.margin is None and not self.romanized else self.margin

    def check(self, *, has_text: bool) -> None:
        """Raise UserError where that contradicts itself, or nothing is asked for. has_text: datasets are given."""
        if self.romanized and self.source is not None:
            raise UserError(
                "--romanized takes the pieces of BASE, --with those of another tokenizer", remedy="give one"
            )
        for name, value, wrong in (("merge", self.merge, not self.romanized), ("margin", self.margin, self.romanized)):
            if wrong and value is not None:
                where = "only" if name == "merge" else "not"
                raise UserError(f"--{name} is {where} for --romanized", remedy=f"leave out --{name}")
        if self.source is not None or self.romanized:
            return
        if self.pieces is None and not self.specials:
            raise UserError(
                "there is nothing to add",
                remedy="--pieces N to learn them from datasets, --with FILE, --romanized, or --special TOKEN",
            )
        if self.pieces and not has_text:
            raise UserError(
                f"there is no text to learn {self.pieces:,} pieces from",
                remedy="name datasets, or a tokenizer after --with",
            )


def extend_as_asked(
    base: Tokenizer,
    asked: Asked,
    datasets: Sequence[Dataset],
    sample: Sample | None,
    options: TrainOptions,
    romanize: Romanize | None,
) -> tuple[Extended, dict[str, Any]]:
    """The extended tokenizer, and what its card says of where the pieces come from.

    sample: of the datasets; romanize: where romanised pieces are asked for.
    """
    count, specials = asked.pieces, asked.specials
    if romanize is not None:
        made = romanized_pieces(pieces_of(base), romanize, asked.merge or "max")
        extended = extend(base, [Candidate(one.text, one.score) for one in made], count, specials, asked.nats)
        return replace(extended, sources={one.text: one.sources for one in made}), {}
    if asked.source is None and sample is not None and count:
        extended = extend_on_sample(base, sample, count, options, MARGIN if asked.margin is None else asked.margin)
        return extended, {"trained_on": dataset_facts(datasets)}
    other = open_tokenizer(asked.source) if asked.source is not None else None
    extended = extend(base, best_first(pieces_of(other)) if other else [], count, specials, asked.nats)
    return extended, {"pieces_of": other.fingerprint if other else None}
