"""A second planner of mixes, from docs/mix.md alone: slow and obvious, on plain data, with no line of the first one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

Key = tuple[str, str, str, str]  # source, kind, lang, domain
PLACES = {"source": 0, "kind": 1, "lang": 2, "domain": 3}
Tree = dict[str, Any]  # "cell" and "cap", or "groups" (name, share, tree) and "passes"


def exactly(value: Any) -> Fraction:
    """The number that is written."""
    return Fraction(str(value))


def to_the_power(base: int, exponent: Fraction) -> Fraction:
    """To 40 digits."""
    if exponent == 1:
        return Fraction(base)
    work = Context(prec=90)
    power = work.power(Decimal(base), work.divide(Decimal(exponent.numerator), Decimal(exponent.denominator)))
    return Fraction(Context(prec=40).plus(power))


def value_of(key: Key, by: str) -> str:
    """What a cell is grouped as."""
    lang = "-".join(sorted(key[2].split("-")))
    if by == "cell":
        return "/".join(part or "none" for part in key)
    if by == "script":
        return "-".join(dict.fromkeys(side.rpartition("_")[2] for side in lang.split("-"))) or "none"
    return (lang if by == "lang" else key[PLACES[by]]) or "none"


def tree_of(node: Mapping[str, Any], sizes: Mapping[Key, int], caps: tuple[Fraction, ...]) -> Tree:
    """The groups of a node down to its cells. caps: all that were said on the way down."""
    if node.get("epochs") is not None:
        caps = (*caps, exactly(node["epochs"]))
    if "parts" in node:
        groups, left = [], dict(sizes)
        for number, part in enumerate(node["parts"]):
            mine = {key: left.pop(key) for key in list(left) if is_in(key, part.get("where", {}))}
            groups.append((number, exactly(part["share"]), tree_of(part.get("within", {}), mine, caps)))
        return branch(groups, node.get("on_cap") == "redistribute")
    rule, named = node.get("rule", "proportional"), ("anchor", "english", "replay")
    by = node.get("by") or ("lang" if rule in named else "cell")
    passes = node.get("on_cap") == "redistribute" or rule == "unimax"
    if rule in named:
        chosen = node["names"] if rule == "replay" else [node.get("name", "eng_Latn")]
        uniform = {"rule": "uniform", "by": by}
        sides = [
            (0, exactly(node["share"]), node.get("among", {}), lambda key: value_of(key, by) in chosen),
            (1, 1 - exactly(node["share"]), node.get("rest", {} if rule == "replay" else uniform), None),
        ]
        groups = []
        for number, share, inner, wanted in sides:
            other: Callable[[Key], bool] = wanted or (lambda key: value_of(key, by) not in chosen)
            mine = {key: size for key, size in sizes.items() if other(key)}
            below = {**inner, "by": by, "within": inner.get("within", node.get("within", {}))}
            groups.append((number, share, tree_of(below, mine, caps)))
        return branch([group for group in groups if group[1]], passes)
    members: dict[str, dict[Key, int]] = {}
    for key, size in sorted(sizes.items()):
        members.setdefault(value_of(key, by), {})[key] = size
    weights = {name: weight_of(node, rule, name, sum(mine.values())) for name, mine in members.items()}
    groups = []
    for name in sorted(members):
        if weights[name]:
            mine = members[name]
            if by == "cell":
                (only,) = mine
                below = {"cell": only, "cap": min(caps, default=Fraction(1)) * mine[only]}
            else:
                below = tree_of(node.get("within", {}), mine, caps)
            groups.append((name, weights[name] / sum(weights.values()), below))
    return branch(groups, passes)


def branch(groups: Sequence[tuple[Any, Fraction, Tree]], passes: bool) -> Tree:
    """Groups that share a budget."""
    return {"groups": groups, "passes": passes}


def is_in(key: Key, where: Mapping[str, Any]) -> bool:
    """Whether a cell is what a part wants."""
    return all(value_of(key, by) in ([names] if isinstance(names, str) else names) for by, names in where.items())


def weight_of(node: Mapping[str, Any], rule: str, name: str, size: int) -> Fraction:
    """What a group weighs."""
    if rule in ("uniform", "unimax"):
        return Fraction(1)
    if rule == "ratios":
        return exactly(node["ratios"].get(name, 0))
    limited = min(size, node.get("limit") or size)
    if rule == "exponent":
        return to_the_power(limited, exactly(node["alpha"]))
    if rule == "temperature":
        return to_the_power(limited, 1 / exactly(node["temperature"]))
    return Fraction(size)


def most(tree: Tree) -> tuple[Fraction, int]:
    """The most that a tree can give: in real units, and in whole ones."""
    if "cell" in tree:
        return tree["cap"], math.floor(tree["cap"])
    below = [(share, *most(inner)) for _, share, inner in tree["groups"]]
    real = sum(one for _, one, _ in below) if tree["passes"] else min(one / share for share, one, _ in below)
    return Fraction(real), min(math.floor(real), sum(whole for _, _, whole in below))


def share_out(tree: Tree, budget: int) -> dict[Key, int]:
    """Units of each cell: everybody's share, but nobody above what it can give, what is over to the others again."""
    if "cell" in tree:
        return {tree["cell"]: budget}
    groups = [
        (share, most(inner)[1], _shown(name, len(tree["groups"])), inner) for name, share, inner in tree["groups"]
    ]
    groups.sort(key=lambda group: (group[1] / group[0], group[2]))
    found: dict[Key, int] = {}
    for (*_, inner), units in zip(groups, in_halves([group[:2] for group in groups], budget), strict=True):
        found |= share_out(inner, units)
    return found


def in_halves(groups: Sequence[tuple[Fraction, int]], units: int) -> list[int]:
    """Whole units of each of some groups (share, what it can give), in the order in which they fill up."""
    if len(groups) == 1:
        return [units]
    before = [sum(share for share, _ in groups[:place]) for place in range(len(groups) + 1)]
    cut = min(range(1, len(groups)), key=lambda place: abs(2 * before[place] - before[-1]))
    due: dict[int, Fraction] = {}
    while len(due) < len(groups):
        left, whole = units - sum(due.values()), sum(groups[place][0] for place in range(len(due), len(groups)))
        share, most_units = groups[len(due)]
        if share * left / whole < most_units:
            due |= {place: groups[place][0] * left / whole for place in range(len(due), len(groups))}
        else:
            due[len(due)] = Fraction(most_units)
    mine = math.floor(sum(due[place] for place in range(cut)) + Fraction(1, 2))
    return [*in_halves(groups[:cut], mine), *in_halves(groups[cut:], units - mine)]


def _shown(name: Any, groups: int) -> str:
    return name if isinstance(name, str) else f"{name:0{groups}d}"


def shared_out_by(content: Any) -> set[str]:
    """What rules share out by that would do nothing where no text has it."""
    if isinstance(content, list):
        return set().union(*map(shared_out_by, content))
    if not isinstance(content, Mapping):
        return set()
    rules = {"uniform", "unimax", "exponent", "temperature"}
    own = {content["by"]} & {"lang", "script", "domain"} if content.get("rule") in rules else set[str]()
    return own.union(*map(shared_out_by, content.values()))


def plan(node: Mapping[str, Any], sizes: Mapping[Key, int], budget: int | None, cap: Any) -> dict[Key, int] | None:
    """Units of each cell in the mix; None where that cannot be. budget: none for as much as there can be."""
    full = {key: size for key, size in sizes.items() if size}
    if any(all(value_of(key, by) == "none" for key in full) for by in shared_out_by(node)):
        return None
    tree = tree_of(node, full, () if cap is None else (exactly(cap),))
    largest = most(tree)[1]
    wanted = largest if budget is None else budget
    return share_out(tree, wanted) if 0 < wanted <= largest else None
