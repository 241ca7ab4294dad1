"""What an objective needs of the tokenizer, and which special ids it puts around documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.tokenizer import Tokenizer


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


def check_specials(tokenizer: Tokenizer, name: str, needs: Sequence[str], what: str) -> None:
    """Raise UserError unless the tokenizer (`name` in the message) has these special ids within its vocabulary."""
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
