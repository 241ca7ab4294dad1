"""Choose languages by a table of them: those nearest to one, or those that differ most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError, nearest
from xlcorpus.languages.distance import differ, letters_of
from xlcorpus.languages.table import DIGITS, LanguageTable, read_languages
from xlcorpus.text.labels import normalize_label

NEAREST, DIVERSE = "nearest", "diverse"
_MAKE = "`xlcorpus languages DATASET --output FILE.json` makes it"
_HOW = "write nearest:3:swh_Latn, or diverse:5"


@dataclass(frozen=True)
class Wish:
    """How many languages, and which: nearest to one, or (to: None) those that differ most."""

    how: str
    count: int
    to: str | None = None

    @property
    def written(self) -> str:
        """As a user writes it."""
        return ":".join([self.how, str(self.count), *([self.to] if self.to else [])])


@dataclass(frozen=True)
class Choice:
    """labels: the languages, in the order in which they were chosen; facts: for the manifest."""

    labels: tuple[str, ...]
    facts: Mapping[str, Any]


def parse_wish(text: str) -> Wish | None:
    """`nearest:3:swh_Latn` or `diverse:5`; None where it begins with neither. Raises UserError where it is half one."""
    how, *rest = text.split(":")
    if how not in (NEAREST, DIVERSE):
        return None
    if len(rest) != (2 if how == NEAREST else 1) or not rest[0].isdecimal() or int(rest[0]) < 1 or not all(rest):
        raise UserError(f"{text!r} does not say which languages", remedy=_HOW)
    return Wish(how, int(rest[0]), rest[1] if how == NEAREST else None)


def wish_of(content: Mapping[str, Any]) -> tuple[Wish, str]:
    """{nearest: 3, to: swh_Latn, by: FILE} or {diverse: 5, by: FILE}, as a YAML file has it, and the file.

    Raises UserError naming the key that is missing or too much.
    """
    how = NEAREST if NEAREST in content else DIVERSE
    wanted = {how, "by", *(["to"] if how == NEAREST else [])}
    if set(content) != wanted or not all(isinstance(content[key], str) for key in wanted - {how}):
        raise UserError(
            f"a choice of languages has the keys {', '.join(sorted(wanted))}, and not {', '.join(map(str, content))}",
            remedy="write {nearest: 3, to: swh_Latn, by: languages.json} or {diverse: 5, by: languages.json}",
        )
    wish = parse_wish(":".join([how, str(content[how]), *([content["to"]] if how == NEAREST else [])]))
    assert wish is not None
    return wish, content["by"]


def choose_from(wish: Wish, path: str | Location, among: Sequence[str] | None = None) -> Choice:
    """Choose by the table in a file; among: of these languages alone. Raises UserError as `choose`."""
    return choose(wish, read_languages(locate(path)), among, where=str(path))


def choose_all(
    asked: Sequence[str], path: str | Location | None, option: str, among: Sequence[str] | None = None
) -> Choice:
    """The languages of a list of labels and wishes, each once, in order; facts only where something was chosen.

    Raises UserError for a wish without a table, which `option` would give, and for a table without a wish.
    """
    labels: dict[str, None] = {}
    facts = []
    for name in asked:
        wish = parse_wish(name)
        if wish is None:
            labels[name] = None
            continue
        if path is None:
            raise UserError(f"{name} is chosen by a table of languages", remedy=f"give {option} FILE.json ({_MAKE})")
        choice = choose_from(wish, path, among)
        labels |= dict.fromkeys(choice.labels)
        facts.append(choice.facts)
    if path is not None and not facts:
        raise UserError(f"{option} {path}: no language is to be chosen by it", remedy=f"leave it out, or {_HOW}")
    return Choice(tuple(labels), {"choices": facts} if len(facts) > 1 else dict(facts[0]) if facts else {})


def choose(wish: Wish, table: LanguageTable, among: Sequence[str] | None = None, where: str = "the table") -> Choice:
    """The languages that are wished for; the same whatever the order of the rows.

    nearest: those with the smallest distance to one, without itself; of equal ones the first label. diverse: the
    farthest point first (Gonzalez 1985), from the language with most text: what differs in script and family from all
    chosen ones (each counts 1; an unknown one differs from all), then the larger distance, more text, the label. A
    language without a known distance to any other is not chosen.

    Raises UserError where the table lacks the language, or has fewer whose distance is known.
    """
    labels = table.labels
    allowed = set(labels if among is None else among)
    kept = [at for at, label in enumerate(labels) if label in allowed]
    if wish.to is None:
        known = [at for at in kept if len(kept) == 1 or not np.isnan(np.delete(table.matrix[at], at)).all()]
        found, measured = _diverse(wish.count, table, known), {}
        left = [labels[at] for at in kept if at not in set(known)]
    else:
        far = distances_to(wish.to, table, where=where, among=among)
        measured = dict(list(far.items())[: wish.count])
        found = list(measured)
        left = sorted({labels[at] for at in kept} - far.keys() - {_label(wish.to, labels, where)})
    if len(found) < wish.count:
        unknown = f", and {len(left)} with a distance that is not known" if left else ""
        raise UserError(
            f"{wish.written}: {where} has {len(found)} such languages{unknown}", remedy="ask for fewer languages"
        )
    facts: dict[str, Any] = {"asked": wish.written, "languages": found, "table": table.fingerprint}
    if wish.to is not None:
        facts["distances"] = measured
    if "distance" in table.facts:
        facts["distance"] = table.facts["distance"]["weights"]
    if left:
        facts["not_known"] = left
    return Choice(tuple(found), facts)


def distances_to(
    label: str, table: LanguageTable, *, where: str = "the table", among: Sequence[str] | None = None
) -> dict[str, float]:
    """The known distances of other languages (of `among` alone) to one, the smallest first, of equal ones by label.

    Raises UserError, with the nearest name, where the table lacks the language.
    """
    labels = table.labels
    to = _label(label, labels, where)
    row = table.matrix[labels.index(to)].tolist()
    # Rounded as in the file, so that ties are the same there.
    known = [(round(far, DIGITS), one) for one, far in zip(labels, row, strict=True) if one != to and far == far]
    return {one: far for far, one in sorted(known) if among is None or one in among}


def _label(label: str, labels: Sequence[str], where: str) -> str:
    to = label if label in labels else normalize_label(label)
    if to not in labels:
        raise UserError(
            f"{where} has no language {label!r}; {nearest(label, labels)}",
            remedy="name one of its languages, or make the table of a dataset that holds it",
        )
    return to


def _diverse(count: int, table: LanguageTable, kept: Sequence[int]) -> list[str]:
    labels, sizes = table.labels, table.rows["bytes"].to_pylist()
    left = np.array(sorted(kept, key=lambda at: (-sizes[at], labels[at])), dtype=np.int64)
    signs = sum(
        np.nan_to_num(differ(values), nan=1.0)  # what is not known differs from all
        for values in (list(map(letters_of, table.rows["script"].to_pylist())), table.rows["family"].to_pylist())
    )
    nearest_signs, nearest_far = np.full(len(labels), math.inf), np.full(len(labels), math.inf)
    chosen: list[str] = []
    while len(left) and len(chosen) < count:
        far = np.where(np.isinf(nearest_far[left]), 0.0, nearest_far[left])
        best = int(np.lexsort((-far, -nearest_signs[left]))[0])  # of equal ones the first: more text, then the label
        at, left = left[best], np.delete(left, best)
        chosen.append(labels[at])
        nearest_signs = np.minimum(nearest_signs, signs[at])
        nearest_far = np.fmin(nearest_far, table.matrix[at])
    return chosen
