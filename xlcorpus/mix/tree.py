"""The rules of a mix applied to the cells there are: a tree of groups with their shares and what they can hold."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from xlcorpus.errors import UserError, nearest
from xlcorpus.mix import rules
from xlcorpus.mix.cells import KEYS, Cell, canonical_lang
from xlcorpus.mix.rehydrate import Rehydration, read_rehydration
from xlcorpus.mix.spec import ENGLISH, MixSpec, Node, Where


@dataclass(frozen=True)
class Leaf:
    """One cell: what there is of it, counted with its weights where it is rehydrated, and how often it may be used."""

    cell: Cell
    available: int
    documents: int
    cap: Fraction
    rehydration: Rehydration | None = None

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
    """What holds for the nodes below: caps, weights, and how to name things in messages."""

    spec: MixSpec
    cap: Fraction
    hard: Fraction | None
    values: Mapping[str, Collection[str]]
    empty: Mapping[str, Collection[str]]
    rehydration: Rehydration | None = None
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
    setting = Setting(spec, Fraction(1) if hard is None else hard, hard, values, empty)
    if not full:
        raise UserError(f"{spec.name}: the inputs hold no {spec.unit}", remedy="`xlcorpus inspect DIR` shows a dataset")
    chosen = _select(full, spec.where, setting, "where")
    if not chosen:
        raise UserError(f"{spec.name}: where: no document is {_words(spec.where)}", remedy="widen `where`")
    return _build(spec.mix, chosen, setting, "mix"), setting


def natural_budget(spec: MixSpec, tree: Branch, cells: Sequence[Cell], setting: Setting) -> int | None:
    """What the rule at the root asks for by itself: the totals of `match`, the counts of `floor`; None for others."""
    if spec.mix.rule not in ("match", "floor") or spec.mix.parts is not None:
        return None
    chosen = _select([cell for cell in cells if cell.units], spec.where, setting, "where")
    amounts = _weights(spec.mix, _sizes(_groups(chosen, spec.mix.key), setting), setting, "mix")
    return math.floor(sum(amounts.values(), Fraction(0)))


def _build(node: Node, cells: Sequence[Cell], setting: Setting, place: str) -> Branch:
    if node.epochs is not None:
        setting = replace(setting, cap=node.epochs if setting.hard is None else min(node.epochs, setting.hard))
    if node.parts is not None:
        return _build_parts(node, cells, setting, place)
    if node.rule == "rehydrate":
        setting = replace(setting, rehydration=node.weights or read_rehydration())
        cells = [cell for cell in cells if setting.size(cell)[0]]
        if not cells:
            raise UserError(f"{setting.spec.name}: {place}: the weights of rehydration leave no {setting.spec.unit}")
        if node.by is None:
            below = _build(node.within or Node(), cells, setting, f"{place}.within")
            return Branch("rehydrate", (Group("", Fraction(1), below),))
    if node.rule in ("english", "anchor", "replay"):
        return _build_anchored(node, cells, setting, place)
    key = node.key
    groups = _groups(cells, key)
    weights = _weights(node, _sizes(groups, setting), setting, place)
    whole = sum(weights.values(), Fraction(0))
    if not whole:
        raise UserError(f"{setting.spec.name}: {place}: the rule {node.rule!r} leaves nothing to mix")
    return Branch(
        f"{node.rule} by {key}",
        tuple(
            Group(
                name,
                weights[name] / whole,
                _leaf(members[0], setting)
                if key == "cell"
                else _build(node.within or Node(), members, setting, f"{place}.within"),
            )
            for name, members in groups.items()
            if weights[name]
        ),
        redistributes=node.redistributes,
        plain=key == "cell" and node.rule == "proportional",
    )


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


def _build_anchored(node: Node, cells: Sequence[Cell], setting: Setting, place: str) -> Branch:
    """A share for some groups, the rest for the others: English, an anchor, replay."""
    key, share = node.key, node.share or Fraction(1)
    names = node.names or (node.name or ENGLISH,)
    here = {cell.value(key) for cell in cells}
    chosen = set(setting.present([_name(name, key) for name in names], key, here, place))
    default = Node(rule="proportional") if node.rule == "replay" else Node(rule="uniform", by="lang")
    sides = (
        (
            f"{node.rule} {' '.join(sorted(chosen)[:3])}",
            share,
            node.among or Node(),
            [c for c in cells if c.value(key) in chosen],
        ),
        ("rest", 1 - share, node.rest or default, [c for c in cells if c.value(key) not in chosen]),
    )
    groups = []
    for name, part, inner, members in sides:
        if not part:
            continue
        if not members:
            what = "the rest" if name == "rest" else ", ".join(names)
            raise UserError(
                f"{setting.spec.name}: {place}: a share of {float(part):g} is for {what}, of which there is nothing",
                remedy="add a dataset that has them, or change the share",
            )
        inner = inner.model_copy(update={"by": key, "within": inner.within or node.within})
        groups.append(Group(name, part, _build(inner, members, setting, place)))
    return Branch(node.rule, tuple(groups), redistributes=node.redistributes)


def _weights(node: Node, sizes: Mapping[str, int], setting: Setting, place: str) -> rules.Weights:
    """Weights of groups by the node's rule; 0 leaves a group out. Those of `match` and `floor` are amounts of units."""
    match node.rule:
        case "uniform" | "unimax":
            return rules.uniform(sizes)
        case "exponent":
            return rules.exponent(sizes, node.alpha or Fraction(0), node.limit)
        case "temperature":
            return rules.temperature(sizes, node.temperature or Fraction(1), node.limit)
        case "ratios" | "match":
            if node.rule == "match" and node.totals is None:
                raise UserError(
                    f"{setting.spec.name}: {place}: the totals of {node.to!r} are not known yet",
                    remedy="make that mix first; its manifest holds what it achieved",
                )
            given = {
                _name(name, node.key): Fraction(value) for name, value in (node.ratios or node.totals or {}).items()
            }
            found = setting.present(given, node.key, sizes, f"{place}.{'totals' if node.totals else 'ratios'}")
            return {name: given[name] if name in found else Fraction(0) for name in sizes}
        case "floor":
            base = {_name(name, node.key) for name in node.names or ()}
            found = setting.present(sorted(base), node.key, sizes, f"{place}.names")
            return rules.floor_counts(
                sizes, found, node.alpha or Fraction(0), node.scale or Fraction(30), node.least or 0
            )
        case _:
            return rules.proportional(sizes)


def _name(name: str, key: str) -> str:
    return canonical_lang(name) if key == "lang" else name


def _groups(cells: Sequence[Cell], key: str) -> dict[str, list[Cell]]:
    """The cells by group, groups by name."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.name if key == "cell" else cell.value(key), []).append(cell)
    return dict(sorted(groups.items()))


def _sizes(groups: Mapping[str, Sequence[Cell]], setting: Setting) -> dict[str, int]:
    return {name: sum(setting.size(cell)[0] for cell in members) for name, members in groups.items()}


def _leaf(cell: Cell, setting: Setting) -> Leaf:
    units, documents = setting.size(cell)
    return Leaf(cell, units, documents, setting.cap, setting.rehydration)


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
