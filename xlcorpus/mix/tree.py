"""The rules of a mix applied to the cells there are: a tree of groups with their shares and what they can hold."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.cells import KEYS, NONE, Cell
from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rehydration import Rehydration
from xlcorpus.mix.rules.proportional import Proportional
from xlcorpus.mix.spec import MixSpec, Node, Where


@dataclass(frozen=True)
class Leaf:
    """One cell: what there is of it, counted with its weights where it is rehydrated, how often it may be used, and
    whether its budget is an amount that texts are to come as near to as they can (`match`)."""

    cell: Cell
    available: int
    documents: int
    cap: Fraction
    rehydration: Rehydration | None = None
    nearest: bool = False

    @property
    def real(self) -> Fraction:
        """Units it can give, before rounding."""
        return self.cap * self.available

    @property
    def whole(self) -> int:
        """Whole units it can give."""
        return math.floor(self.real)


@dataclass(frozen=True)
class Group:
    """A group of a branch: its share of the branch, above 0; those of a branch sum to 1."""

    name: str
    share: Fraction
    below: Branch | Leaf


# Where keys come from that a whole input may lack; there a rule would change nothing without a word.
_GIVEN_BY = {
    "lang": "run `xlcorpus identify` first, or ingest with --lang or --lang-column",
    "script": "run `xlcorpus identify` first, or ingest with --lang or --lang-column",
    "direction": "give datasets of sentence pairs",
    "domain": "ingest files that have a column `domain`",
}


@dataclass(frozen=True)
class Branch:
    """Groups that share a budget. label: the rule in words. plain: single cells in proportion, nobody's own rule."""

    label: str
    groups: tuple[Group, ...]
    redistributes: bool = False
    plain: bool = False

    @functools.cached_property
    def available(self) -> int:
        """Units there are below."""
        return sum(group.below.available for group in self.groups)

    @functools.cached_property
    def real(self) -> Fraction:
        """The largest budget before rounding: of the tightest group, or of all together where they pass on."""
        if self.redistributes:
            return sum((group.below.real for group in self.groups), Fraction(0))
        return min(group.below.real / group.share for group in self.groups)

    @functools.cached_property
    def whole(self) -> int:
        """The largest budget in whole units; every smaller one can be had too.

        A cell of 7 units at 1.5 epochs gives 10, not 10.5: where shares ask for the half unit, others give it.
        """
        return min(math.floor(self.real), sum(group.below.whole for group in self.groups))


@dataclass(frozen=True)
class Setting:
    """What holds for the nodes below: caps, weights, and how to name things in messages.

    epochs: the least that the mix or a node above says; None: nobody does, which means 1.
    """

    spec: MixSpec
    epochs: Fraction | None
    values: Mapping[str, Collection[str]]
    empty: Mapping[str, Collection[str]]
    rehydration: Rehydration | None = None
    nearest: bool = False
    missing: dict[str, None] = field(default_factory=dict)

    def size(self, cell: Cell) -> tuple[int, int]:
        """(units, documents) as rules see them."""
        return self.rehydration.rehydrated(cell) if self.rehydration else (cell.units, cell.documents)

    def present(self, names: Iterable[str], key: str, here: Collection[str], place: str) -> list[str]:
        """The names that occur; the others are noted or raise UserError, as `missing` of the mix says."""
        found = []
        for name in names:
            if name in here:
                found.append(name)
                continue
            if self.spec.missing == "skip":
                self.missing[f"{key} {name}"] = None
                continue
            if name in self.empty[key] and name not in self.values[key]:
                raise UserError(
                    f"{self.spec.name}: {place}: the documents of the {key} {name!r} hold no {self.spec.unit}",
                    remedy=f"leave {name!r} out",
                )
            among = "" if name not in self.values[key] else " in this part of the mix"
            raise UserError(
                f"{self.spec.name}: {place}: no document has the {key} {name!r}{among}; {nearest(name, here)}",
                remedy="`xlcorpus inspect DIR` lists what a dataset holds; `missing: skip` leaves absent names out",
            )
        return found


def build_tree(cells: Sequence[Cell], spec: MixSpec, max_epochs: Fraction | None) -> tuple[Branch, Setting]:
    """The tree of a mix over cells (sorted). max_epochs: the cap above all others; None: that of the mix, or 1 epoch
    where no node says otherwise. Raises UserError where names or parts do not fit the cells.
    """
    hard = spec.max_epochs if max_epochs is None else max_epochs
    full = [cell for cell in cells if cell.units]
    values = {key: {cell.value(key) for cell in full} for key in KEYS}
    empty = {key: {cell.value(key) for cell in cells if not cell.units} for key in KEYS}
    setting = Setting(spec, hard, values, empty)
    if not full:
        raise UserError(f"{spec.name}: the inputs hold no {spec.unit}", remedy="`xlcorpus inspect DIR` shows a dataset")
    chosen = _select(full, spec.where, setting, "where")
    if not chosen:
        raise UserError(f"{spec.name}: where: no document is {_words(spec.where)}", remedy="widen `where`")
    return _build(spec.mix, chosen, setting, "mix"), setting


def natural_budget(spec: MixSpec, cells: Sequence[Cell], setting: Setting) -> int | None:
    """What the rule at the root asks for by itself: the sum of its weights where they are amounts; None for others."""
    if not spec.mix.rule.amounts or spec.mix.parts is not None:
        return None
    division = Division(
        spec.mix, _select([cell for cell in cells if cell.units], spec.where, setting, "where"), setting
    )
    return math.floor(sum(spec.mix.rule.weights(division).values(), Fraction(0)))


@dataclass(frozen=True)
class Division:
    """What a rule is asked: how a node shares out among the groups of its cells. place: of the node, for messages."""

    node: Node
    cells: Sequence[Cell]
    setting: Setting
    place: str = "mix"

    @functools.cached_property
    def groups(self) -> dict[str, list[Cell]]:
        """The cells by group, groups by name."""
        groups: dict[str, list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault(cell.name if self.node.key == "cell" else cell.value(self.node.key), []).append(cell)
        return dict(sorted(groups.items()))

    @functools.cached_property
    def sizes(self) -> dict[str, int]:
        """Units of each group."""
        return {name: sum(self.setting.size(cell)[0] for cell in members) for name, members in self.groups.items()}

    def named(self, names: Iterable[str], parameter: str | None = None) -> list[str]:
        """The groups of these names that there are; of the others as `missing` of the mix says. Raises UserError."""
        place = f"{self.place}.{parameter}" if parameter else self.place
        return self.setting.present(names, self.node.key, self.sizes, place)

    def given(self, values: Mapping[str, Fraction], parameter: str) -> Weights:
        """Weights that a parameter gives by name; 0 for groups that it does not name."""
        weights = {self.node.group_name(name): Fraction(value) for name, value in values.items()}
        found = self.named(weights, parameter)
        return {name: weights[name] if name in found else Fraction(0) for name in self.sizes}

    def rehydrated(self, rehydration: Rehydration) -> Division:
        """The same with every document counted by its weight, without cells of which nothing is left."""
        setting = replace(self.setting, rehydration=rehydration)
        return replace(self, setting=setting, cells=[cell for cell in self.cells if setting.size(cell)[0]])

    def by_weights(self, weights: Weights) -> Branch:
        """The groups, each with its part of the sum of weights, above 0."""
        whole, key = sum(weights.values(), Fraction(0)), self.node.key
        if not whole:
            raise self.refuse(f"the rule {self.node.rule.name!r} leaves nothing to mix")
        return Branch(
            f"{self.node.rule.name} by {key}",
            tuple(
                Group(
                    name,
                    weights[name] / whole,
                    _leaf(members[0], self.setting)
                    if key == "cell"
                    else self.below(self.node.within or Node(), members, "within"),
                )
                for name, members in self.groups.items()
                if weights[name]
            ),
            redistributes=self.node.redistributes,
            plain=key == "cell" and isinstance(self.node.rule, Proportional),
        )

    def below(self, node: Node, cells: Sequence[Cell], name: str | None = None) -> Branch:
        """The branch of a node for some of the cells; name: of the node in this one."""
        return _build(node, cells, self.setting, f"{self.place}.{name}" if name else self.place)

    def refuse(self, message: str, remedy: str | None = None) -> UserError:
        """An error that names the mix and the place."""
        return UserError(f"{self.setting.spec.name}: {self.place}: {message}", remedy=remedy)


def _build(node: Node, cells: Sequence[Cell], setting: Setting, place: str) -> Branch:
    if node.epochs is not None:
        least = node.epochs if setting.epochs is None else min(node.epochs, setting.epochs)
        setting = replace(setting, epochs=least)
    if node.parts is not None:
        return _build_parts(node, cells, setting, place)
    if node.rule.needs_groups and node.key in _GIVEN_BY and set(setting.values[node.key]) == {NONE}:
        raise UserError(
            f"{setting.spec.name}: {place}: the rule {node.rule.name!r} shares out by {node.key}, and no text has one",
            remedy=f"{_GIVEN_BY[node.key]}, or share out by source or kind",
        )
    return node.rule.divide(Division(node, cells, setting, place))


def _build_parts(node: Node, cells: Sequence[Cell], setting: Setting, place: str) -> Branch:
    """Every part takes the cells it selects of those that no part above it took."""
    assert node.parts is not None
    left, groups = list(cells), []
    whole = sum((part.share for part in node.parts), Fraction(0))
    for number, part in enumerate(node.parts):
        here = f"{place}.parts[{number}]"
        wanted = _select(cells, part.where, setting, f"{here}.where")
        taken = set(map(id, left))
        own = [cell for cell in wanted if id(cell) in taken]
        if not own:
            why = "the parts above take all of its documents" if wanted else "there is none"
            raise UserError(
                f"{setting.spec.name}: {here}: nothing is left that is {_words(part.where)}: {why}",
                remedy="put narrow parts above wide ones" if wanted else "`xlcorpus inspect DIR` shows a dataset",
            )
        mine = set(map(id, own))
        left = [cell for cell in left if id(cell) not in mine]
        below = _build(part.within, own, setting, f"{here}.within")
        groups.append(Group(f"part {number + 1} ({_words(part.where)})", part.share / whole, below))
    return Branch("parts", tuple(groups), redistributes=node.redistributes)


def _leaf(cell: Cell, setting: Setting) -> Leaf:
    units, documents = setting.size(cell)
    cap = Fraction(1) if setting.epochs is None else setting.epochs
    return Leaf(cell, units, documents, cap, setting.rehydration, setting.nearest)


def _select(cells: Sequence[Cell], where: Where, setting: Setting, place: str) -> list[Cell]:
    conditions = {
        key: set(setting.present(names, key, setting.values[key], f"{place}.{key}"))
        for key, names in where.conditions().items()
    }
    return [cell for cell in cells if all(cell.value(key) in names for key, names in conditions.items())]


def _words(where: Where) -> str:
    shown = [
        f"{key} {'|'.join(names[:3])}{f'|... {len(names)} names' if len(names) > 3 else ''}"
        for key, names in where.conditions().items()
    ]
    return " and ".join(shown) or "anything"
