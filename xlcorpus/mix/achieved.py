"""What the manifest notes of a mix: the plan, what was achieved, and the table of both; and what such notes say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import CellPlan, MixPlan
from xlcorpus.mix.cells import NONE, canonical_lang, language_totals
from xlcorpus.mix.gather import Sums, put_in_by
from xlcorpus.mix.rules.match import references
from xlcorpus.mix.spec import MixSpec
from xlcorpus.text.labels import canonical_direction, canonical_label, language_of

_MOST_NAMES = 10
_MOST_ROWS = 40  # of the table; a mix of more cells is shown by kind and language
Achieved = Mapping[str, Sums]  # by name of the cell


def notes_of(plan: MixPlan, spec: MixSpec, achieved: Achieved, unit_means: str, specials: int = 0) -> dict[str, Any]:
    """Notes: the spec, cells as planned and achieved, units by single language, what the run card needs, a table.

    specials: special ids that count in each text.
    """
    taken = [item for item in plan.cells if item.path]
    rows = {item.name: achieved.get(item.name, (0, 0, 0, 0)) for item in taken}
    cells = [
        item.to_json() | {"units": units, "docs": docs, "epochs": round(units / item.available, 4)}
        for item in taken
        for units, docs, *_ in [rows[item.name]]
    ]
    notes: dict[str, Any] = {
        "spec": spec.to_json(),
        "unit": plan.unit,
        "unit_means": unit_means,
        "specials": specials,
        "budget": plan.budget,
        "largest_budget": plan.largest,
        "cells": cells,
        "not_in_mix": [item.name for item in plan.cells if not item.path],
        "languages": _languages(taken, achieved),
        "related": list(spec.related),
        "related_trained": list(plan.related_trained),
        "missing": list(plan.missing),
        "without_effect": list(plan.without_effect),
        "nothing_of": [item.name for item in taken if not rows[item.name][1]],
        "table": mix_table(taken, rows, plan.unit),
    }
    notes["table"] += [f"NOTE: {line}" for line in (*plan.without_effect, *_nothing_of(notes["nothing_of"], plan))]
    if plan.missing:
        notes["table"].append(f"no document bears {', '.join(plan.missing[:10])}" + ("..." * (len(plan.missing) > 10)))
        notes["table"] += near_lines(plan)
    if spec.related:
        notes["table"].append("to be evaluated, for gains on their relatives may cost them: " + ", ".join(spec.related))
    if plan.related_trained:
        notes["table"].append(f"and yet trained on: {', '.join(plan.related_trained)}")
    return notes


def _nothing_of(names: Sequence[str], plan: MixPlan) -> list[str]:
    """What to say of cells of which not one document was taken."""
    if not names:
        return []
    asked = sum(item.budget for item in plan.cells if item.name in set(names))
    shown = ", ".join(names[:_MOST_NAMES]) + (
        f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    )
    return [
        f"the mix has no document of {shown}: {asked:,} {plan.unit} were asked of them together, less than half of the "
        "first document of each; raise the budget, or leave them out"
    ]


def near_lines(plan: MixPlan) -> list[str]:
    """What to say of languages that are left out, and are those of a missing name in another script."""
    left: dict[tuple[str, ...], list[str]] = {}
    for item in plan.cells:
        if not item.path and item.cell.lang:
            name = canonical_lang(item.cell.lang)
            left.setdefault(tuple(map(language_of, name.split("-"))), []).append(name)
    missing = [name for key, _, name in (one.partition(" ") for one in plan.missing) if key in ("lang", "direction")]
    near = {name: left.get(tuple(map(language_of, canonical_lang(name).split("-"))), []) for name in missing}
    return [
        f"NOTE: {name} is missing, and {', '.join(dict.fromkeys(found))} is there and not in the mix"
        for name, found in near.items()
        if found
    ][:_MOST_NAMES]


def _languages(taken: Sequence[CellPlan], rows: Achieved) -> dict[str, int]:
    """Units by single language; those of pairs by the units of their two sides, switched words as what they are."""
    rows = {item.name: (0, 0, 0, 0) for item in taken} | dict(rows)
    sides: dict[str, dict[str, int]] = {}
    for item in taken:
        lang = item.cell.lang
        if lang.count("-") == 1:
            counts = sides.setdefault(canonical_lang(lang), {})
            for language, units in zip(lang.split("-"), rows[item.name][2:], strict=True):
                label = canonical_label(language)
                counts[label] = counts.get(label, 0) + units
    counted = {lang: counts for lang, counts in sides.items() if all(counts.values())}
    singly: list[tuple[str, int]] = []
    for item in taken:
        units, put_in = rows[item.name][0], put_in_by(item.name, rows)
        own = max(units - sum(put_in.values()), 0)
        singly += [(item.cell.lang, own), *put_in.items()]
    return language_totals(singly, counted)


def mix_table(taken: Sequence[CellPlan], rows: Achieved, unit: str) -> list[str]:
    """Requested against achieved, a line a cell, or a line a kind and language where there are many.

    ratio, achieved: shares of what was asked and of what the mix holds; in the line `total` what it holds by what was
    asked. epochs: as achieved.
    """
    lines: dict[str, list[float]] = {}
    for item in taken:
        source, kind, lang, domain = item.cell.key
        parts = [kind, lang] if len(taken) > _MOST_ROWS else [source, kind, lang, domain]
        name = "/".join(part for part in parts if part)
        line = lines.setdefault(name, [0.0] * 5)
        units, docs = rows[item.name][:2]
        for place, value in enumerate((item.ratio, item.budget, units, docs, item.available)):
            line[place] += value
    total = sum(line[2] for line in lines.values()) or 1
    width = max(len("class"), *map(len, lines)) if lines else 5
    table = [
        f"{'class':<{width}}  {'ratio':>7}  {'achieved':>8}  {unit + ' asked':>14}  {unit + ' got':>14}  {'docs':>9}  "
        f"{'epochs':>6}"
    ]
    for name, line in lines.items():
        epochs = line[2] / line[4] if line[4] else 0.0
        shares = f"{_share(line[0]):>7}  {_share(line[2] / total):>8}"
        table.append(f"{name:<{width}}  {shares}  {_counts(line)}  {epochs:6.2f}")
    sums = [sum(line[place] for line in lines.values()) for place in range(4)]
    met = sums[2] / sums[1] if sums[1] else 0.0
    table.append(f"{'total':<{width}}  {_share(sums[0]):>7}  {_share(met):>8}  {_counts(sums)}")
    return table


def _share(share: float) -> str:
    """Four places; what is not 0 or 1 does not read so. Sums of floats miss 1 by less than 1e-9."""
    if 0 < share < 0.00005:
        return "<0.0001"
    return ">0.9999" if 0.99995 <= share < 1 - 1e-9 else f"{share:.4f}"


def _counts(line: Sequence[float]) -> str:
    return f"{line[1]:14,.0f}  {line[2]:14,.0f}  {line[3]:9,.0f}"


def achieved_totals(spec: MixSpec | None, unit_means: str) -> dict[tuple[str, str], dict[str, int]]:
    """Units by group of every mix that the spec matches, from the notes of their manifests.

    Raises UserError where one is no finished mix, or was counted in another unit.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for mix, key in references(spec):
        notes = Manifest.load(locate(mix)).notes
        if "cells" not in notes:
            raise UserError(f"{mix} is no mix: there is nothing to match", remedy="name the output of `xlcorpus mix`")
        if notes["unit_means"] != unit_means:
            raise UserError(
                f"{mix} was counted in {notes['unit_means']}, this mix in {unit_means}",
                remedy="use the same --unit, --tokenizer and --objective for both",
            )
        totals = Counter[str](notes["languages"] if key == "lang" else {})
        for cell in notes["cells"] if key != "lang" else ():
            name = canonical_direction(cell["lang"]) if key == "direction" else cell[key]
            totals[name or NONE] += cell["units"]
        found[mix, key] = dict(totals)
    return found
