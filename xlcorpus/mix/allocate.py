"""The plan of a mix: units for every cell, exactly, within the caps; or the numbers that make it impossible."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from xlcorpus.errors import UserError
from xlcorpus.mix.cells import Cell, languages_of, sort_cells
from xlcorpus.mix.exact import Number, exact
from xlcorpus.mix.rehydration import Rehydration
from xlcorpus.mix.spec import MixSpec
from xlcorpus.mix.tree import Branch, Leaf, build_tree, natural_budget
from xlcorpus.text.apportion import apportion

_MOST_ROWS = 12  # in an error message


@dataclass(frozen=True)
class CellPlan:
    """What the mix takes of one cell.

    ratio: share of the whole mix, as planned. available, documents: what there is; of a rehydrated cell every document
    counted by its weight, so one epoch uses a document `weight` times. path: the rules that gave the budget, outermost
    first; () for a cell that the mix leaves out, whose budget is 0. nearest: texts are to come as near to the budget as
    they can; else they are the beginning of one order.
    """

    cell: Cell
    ratio: float
    budget: int
    available: int
    documents: int
    path: tuple[str, ...] = ()
    rehydration: Rehydration | None = field(default=None, repr=False)
    nearest: bool = False

    @property
    def name(self) -> str:
        """`web/mono/swh_Latn/none`."""
        return self.cell.name

    @property
    def epochs(self) -> float:
        """How often its data is used."""
        return self.budget / self.available if self.available else 0.0

    def to_json(self) -> dict[str, Any]:
        """The entry in the manifest's notes."""
        source, kind, lang, domain = self.cell.key
        return {
            "name": self.name,
            "source": source,
            "kind": kind,
            "lang": lang,
            "script": self.cell.script,
            "domain": domain,
            "ratio": self.ratio,
            "budget": self.budget,
            "available": self.available,
            "documents": self.documents,
            "epochs": round(self.epochs, 4),
            "path": list(self.path),
            "rehydrated": self.rehydration is not None,
        }


@dataclass(frozen=True)
class MixPlan:
    """The plan of every cell, by key. largest: the largest budget that these rules, caps and cells allow. missing:
    names of the mix that no document bears, where it says `missing: skip` (`lang wol_Latn`). related_trained: languages
    that the mix names as related, for evaluation only, and yet takes. without_effect: of rules that change nothing,
    because the budget is all there is within the caps, what to say.
    """

    cells: tuple[CellPlan, ...]
    budget: int
    largest: int
    unit: str
    missing: tuple[str, ...] = ()
    related_trained: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shortfall:
    """A group that cannot give what is asked of it: units asked, units there, and the most it can give."""

    name: str
    asked: int
    available: int
    most: int

    @property
    def epochs(self) -> Fraction:
        """How often its data would be used."""
        return Fraction(self.asked, self.available)


def plan_mix(
    cells: Iterable[Cell],
    spec: MixSpec,
    budget: int | Literal["largest"] | None = None,
    max_epochs: Number | None = None,
) -> MixPlan:
    """Plan a mix: a function of the set of cells, the spec and the two numbers alone.

    budget: in units of the spec; None: that of the spec, else what its rule asks for by itself (`match`, `floor`),
    else the largest; 'largest': the largest in any case. max_epochs: the cap above all others; None: that of the spec,
    else 1 where no node names `epochs`. The budgets sum to the budget exactly, none is above its cap, and none falls
    when the budget grows (`apportion`). Raises UserError with the numbers where that cannot be.
    """
    ordered = sort_cells(cells)
    cap = _read_epochs(max_epochs)
    tree, setting = build_tree(ordered, spec, cap)
    if budget is None:
        budget = spec.budget if spec.budget is not None else natural_budget(spec, ordered, setting)
    if budget is None or budget == "largest":
        budget = tree.whole
        if not budget:
            raise _refuse(spec, tree, ordered, 1)
    if budget < 1:
        raise UserError(f"{spec.name}: a budget of {budget} {spec.unit}", remedy="give a budget of at least 1")
    if budget > tree.whole:
        raise _refuse(spec, tree, ordered, budget)
    plans: dict[str, CellPlan] = {}
    _assign(tree, budget, (), budget, plans)
    trained = {lang for item in plans.values() if item.budget for lang in languages_of(item.cell.lang)}
    return MixPlan(
        tuple(plans.get(cell.name) or CellPlan(cell, 0.0, 0, cell.units, cell.documents) for cell in ordered),
        budget,
        tree.whole,
        spec.unit,
        tuple(setting.missing),
        tuple(lang for lang in spec.related if lang in trained),
        tuple(_without_effect(tree, budget, spec.unit)),
    )


def _read_epochs(value: Number | None) -> Fraction | None:
    if value is None:
        return None
    try:
        cap = exact(value)
    except ValueError as error:
        raise UserError(f"--max-epochs: {error}", remedy="write 1, 2.5 or 4") from None
    if cap <= 0:
        raise UserError(f"--max-epochs {value} is not above 0", remedy="write 1, 2.5 or 4")
    return cap


def _assign(branch: Branch, budget: int, path: tuple[str, ...], total: int, plans: dict[str, CellPlan]) -> None:
    """Share the budget of a branch out, down to its cells. It is at most `branch.whole`."""
    shares = _shares(branch, budget)
    for group in branch.groups:
        units = shares[group.name]
        percent = f"{float(100 * group.share if not budget else Fraction(100 * units, budget)):.4g} %"
        if isinstance(group.below, Leaf):
            leaf = group.below
            steps = path if branch.plain else (*path, f"{branch.label}: {percent}")
            plans[leaf.cell.name] = CellPlan(
                leaf.cell,
                units / total,
                units,
                leaf.available,
                leaf.documents,
                steps or (branch.label,),
                leaf.rehydration,
                leaf.nearest,
            )
        else:
            step = f"{branch.label}: {group.name} {percent}" if group.name else branch.label
            _assign(group.below, units, (*path, step), total, plans)


def _shares(branch: Branch, budget: int) -> dict[str, int]:
    weights = {group.name: group.share for group in branch.groups}
    return apportion(weights, budget, {group.name: group.below.whole for group in branch.groups})


def _without_effect(branch: Branch, budget: int, unit: str, name: str = "") -> Iterator[str]:
    """Of each rule that passes on and is given all that its groups can give, so that sizes and caps alone decide.

    UniMax without a budget is the case that people meet: it takes everything, which is proportional.
    """
    shares = _shares(branch, budget)
    if branch.redistributes and any(
        abs(budget * group.share - shares[group.name]) > 1 for group in branch.groups
    ) and all(shares[group.name] == group.below.whole for group in branch.groups):  # fmt: skip
        yield (
            f"`{branch.label}`{f' for {name}' if name else ''} changes nothing: the budget, {budget:,} {unit}, is all "
            "that the caps allow, so the shares are PROPORTIONAL to what there is; give a smaller --budget"
        )
    for group in branch.groups:
        if isinstance(group.below, Branch):
            yield from _without_effect(
                group.below, shares[group.name], unit, _below(name, group.name, len(branch.groups))
            )


def shortfalls(node: Branch | Leaf, budget: int, name: str = "") -> list[Shortfall]:
    """The groups, as deep as their names go, that make `budget` impossible; [] where it is possible."""
    if budget <= node.whole:
        return []
    own = Shortfall(name or "all together", budget, node.available, node.whole)
    if isinstance(node, Leaf) or node.plain or node.redistributes:
        return [own]
    asked = apportion({group.name: group.share for group in node.groups}, budget)
    rows = [
        row
        for group in node.groups
        for row in shortfalls(group.below, asked[group.name], _below(name, group.name, len(node.groups)))
    ]
    return rows or [own]


def _below(name: str, group: str, groups: int) -> str:
    """`part 1 (kind mono) / swh_Latn`; a group that is alone needs no name beside that of its branch."""
    return name if name and groups == 1 else " / ".join(filter(None, (name, group)))


def _refuse(spec: MixSpec, tree: Branch, cells: tuple[Cell, ...], budget: int) -> UserError:
    """The error for a budget that cannot be had: what is asked of whom, and what would do, tried out."""
    rows = sorted(shortfalls(tree, budget), key=lambda row: (-row.epochs, row.name))
    lines = [
        f"  {row.name}: {row.asked:,} {spec.unit} asked, {row.available:,} there: {_up(row.epochs):.2f} epochs; "
        f"the cap allows {row.most:,}"
        for row in rows[:_MOST_ROWS]
    ]
    if len(rows) > _MOST_ROWS:
        lines.append(f"  and {len(rows) - _MOST_ROWS} more")
    remedies = []
    epochs = Fraction(math.ceil(max(row.epochs for row in rows) * 100), 100)
    if build_tree(cells, spec, epochs)[0].whole >= budget:
        remedies.append(f"--max-epochs {float(epochs):.12g}")
    if tree.whole:
        remedies.append(f"--budget {tree.whole} with these rules")
    return UserError(
        f"{spec.name}: a budget of {budget:,} {spec.unit} needs more than there is:\n" + "\n".join(lines),
        remedy=", or ".join(remedies) or "add data, or use other shares",
    )


def _up(epochs: Fraction) -> float:
    """To two places, upwards: 1.001 epochs are not 1.00."""
    return math.ceil(epochs * 100) / 100
