"""What an objective needs of the tokenizer, and which special ids it puts around documents."""

from __future__ import annotations

from dataclasses import dataclass


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
