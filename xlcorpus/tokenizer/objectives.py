"""What an objective needs of the tokenizer, and the special ids that `pack` puts around each document for it.

`mix` counts with the same, so that the shares it plans are those of the packs.
"""

from __future__ import annotations

from dataclasses import dataclass

from xlcorpus.tokenizer.template import Ids
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Objective:
    """What stands around each document, and the other roles that it needs.

    begin, end: whether special ids stand before and after it; None: where the tokenizer's template has them. begins,
    ends: roles that do where the template has none; the first that the tokenizer has.
    """

    begin: bool | None
    end: bool
    begins: tuple[str, str] = ("bos", "cls")
    ends: tuple[str, str] = ("eos", "sep")
    needs: tuple[str, ...] = ()


OBJECTIVES = {
    "clm": Objective(None, True),
    "mlm": Objective(True, True, ("cls", "bos"), ("sep", "eos"), ("mask",)),
    "span": Objective(False, True),  # span corruption (T5, ByT5): its sentinels are the trainer's
    "plain": Objective(False, False),
}


def special_ids_around(
    tokenizer: Tokenizer, objective: str, bos: bool | None = None, eos: bool | None = None
) -> tuple[Ids, Ids]:
    """Ids before and after each document: those of the tokenizer's own template, else of a role.

    bos, eos: yes or no, whatever the objective has. What stands on the other side already (XLNet ends a text with sep
    and cls, OPT begins it with the id that is its eos) is not added again, unless it is asked for here. Raises
    UserError where the tokenizer lacks what is needed.
    """
    chosen, (before, after) = OBJECTIVES[objective], tokenizer.template.single
    ids, needs, around = tokenizer.special_ids(), list(chosen.needs), []
    begin, end = chosen.begin if bos is None else bos, chosen.end if eos is None else eos
    for role, given, asked, own, other, roles in (
        ("bos", bos, begin, before, () if end is False else after, chosen.begins),
        ("eos", eos, end, after, () if begin is False else before, chosen.ends),
    ):
        found = [number for number in (ids[name] for name in roles) if number is not None]
        if given and not own:
            tokenizer.require(role, mode=f"--{role}")
        elif asked and not own and not found:
            needs.insert(len(needs) - len(chosen.needs), role)
        added = tuple(number for number in found[:1] if asked and (given or number not in other))
        around.append(() if asked is False else own or added)
        for number in around[-1]:
            tokenizer.check_id(role, number)
    tokenizer.require(*needs, mode=f"objective {objective}")
    return around[0], around[1]


def usual_objective(tokenizer: Tokenizer) -> str:
    """`clm`, or `plain` for a tokenizer that has nothing to end a text with."""
    ends = tokenizer.template.single[1], tokenizer.eos_id, tokenizer.sep_id
    return "plain" if ends == ((), None, None) else "clm"


def shown_around(tokenizer: Tokenizer, around: tuple[Ids, Ids]) -> str:
    """`<s> ... </s>`; `... ` alone where nothing is added."""
    before, after = ([tokenizer.decode([number]) for number in part] for part in around)
    return " ".join([*before, "...", *after])
