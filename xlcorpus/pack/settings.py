"""What a pack is, and what an objective needs of the tokenizer; checked before any work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlcorpus.errors import UserError, nearest
from xlcorpus.pack.tokens import Tokenizer

LEAST_LENGTH = 8
STRATEGIES = ("concatenate", "best_fit", "one")
LONG = ("split", "refuse")
WINDOW_DOCUMENTS = 16_384
WINDOW_TOKENS = 16 << 20  # int32: 64 MB


@dataclass(frozen=True)
class Objective:
    """Special ids an objective needs, and whether packing puts bos before and eos after each document."""

    needs: tuple[str, ...]
    bos: bool
    eos: bool


OBJECTIVES = {
    "clm": Objective(("eos",), bos=False, eos=True),
    "mlm": Objective(("bos", "eos", "mask"), bos=True, eos=True),
    "span": Objective(("eos",), bos=False, eos=True),  # span corruption (T5, ByT5): its sentinels are the trainer's
    "plain": Objective((), bos=False, eos=False),
}
_MEANS = {
    "pad": "fills rows of a training batch up",
    "bos": "begins a text",
    "eos": "ends a text, and parts documents in a pack",
    "mask": "hides tokens",
}


@dataclass(frozen=True)
class PackSettings:
    """How documents become packs of at most `length` tokens.

    strategy: concatenate (cut every `length` tokens, documents go on in the next pack), best_fit (whole documents,
    best-fit-decreasing) or one (a document a row). long: what becomes of documents of more than `length` tokens in
    best_fit and one: split, or refuse (a decision row). bos, eos: None follows the objective. min_tokens: documents
    with fewer tokens of text are left out (a decision row).

    Raises UserError where a value is out of bounds, or concatenate would have no separator.
    """

    length: int
    strategy: str = "best_fit"
    objective: str = "clm"
    long: str = "split"
    bos: bool | None = None
    eos: bool | None = None
    min_tokens: int = 1
    window_documents: int = WINDOW_DOCUMENTS
    window_tokens: int = WINDOW_TOKENS

    def __post_init__(self) -> None:
        check_length(self.length)
        check_choice("strategy", self.strategy, STRATEGIES)
        check_choice("objective", self.objective, tuple(OBJECTIVES))
        check_choice("long", self.long, LONG)
        for name in ("min_tokens", "window_documents", "window_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}", remedy="give at least 1")
        if self.strategy == "concatenate" and not self.with_eos:
            raise UserError(
                f"concatenate parts documents by eos, which objective {self.objective!r} does without here",
                remedy="choose the objective clm, or the strategy best-fit or one",
            )
        if self.strategy == "concatenate" and self.long == "refuse":
            raise UserError(
                "concatenate cuts every document where the pack ends: there are no documents that are too long",
                remedy="leave long at split, or choose the strategy best-fit",
            )

    @property
    def with_bos(self) -> bool:
        """Whether bos stands before each document."""
        return OBJECTIVES[self.objective].bos if self.bos is None else self.bos

    @property
    def with_eos(self) -> bool:
        """Whether eos stands after each document."""
        return OBJECTIVES[self.objective].eos if self.eos is None else self.eos

    def specials(self, tokenizer: Tokenizer) -> tuple[int | None, int | None]:
        """The ids that stand before and after each document; None for nothing."""
        return (tokenizer.bos_id if self.with_bos else None), (tokenizer.eos_id if self.with_eos else None)

    def check(self, tokenizer: Tokenizer, name: str) -> None:
        """Raise UserError where the tokenizer (`name` in the message) lacks a special id that these settings need."""
        needs = dict.fromkeys(OBJECTIVES[self.objective].needs)
        for special, wanted, given in (("bos", self.with_bos, self.bos), ("eos", self.with_eos, self.eos)):
            if wanted:
                needs[special] = None
            elif given is False:
                needs.pop(special, None)
        check_specials(tokenizer, name, tuple(needs), f"objective {self.objective}")


def check_length(length: int) -> None:
    """Raise UserError where a context length is below 8."""
    if length < LEAST_LENGTH:
        raise UserError(
            f"a context length of {length} is too short: it must be at least {LEAST_LENGTH}", remedy="--length 2048"
        )


def check_choice(what: str, name: str, known: Sequence[str]) -> None:
    """Raise UserError, with the nearest known name, where `name` is none of them."""
    if name not in known:
        raise UserError(f"{what} {name!r} is not known", remedy=nearest(name, known))


def check_specials(tokenizer: Tokenizer, name: str, needs: Sequence[str], what: str) -> None:
    """Raise UserError unless the tokenizer has these special ids, each within its vocabulary."""
    for special in needs:
        value = getattr(tokenizer, f"{special}_id")
        if value is None:
            raise UserError(
                f"the tokenizer {name} has no {special} id, which {what} needs ({_MEANS[special]})",
                remedy=f"add one to the tokenizer (xlcorpus tokenizer extend), or choose what needs no {special} id",
            )
        if not 0 <= value < tokenizer.vocab_size:
            raise UserError(
                f"the tokenizer {name} gives {value} as its {special} id, outside its {tokenizer.vocab_size} ids",
                remedy="repair the tokenizer's special ids",
            )
