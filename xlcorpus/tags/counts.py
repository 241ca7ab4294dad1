"""How many labels were carried and how many could not be, by language, column and label, and what was damaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Counts
from xlcorpus.tags.spans import LabelSpans
from xlcorpus.text.tables import table_lines

SPANS, LOST, DAMAGE = "label_spans", "label_spans_lost", "label_damage"
_BETWEEN = "\t"  # language, column and label in a name of counts, which have two levels
_SHOWN = 40  # lines of the table; the manifest has all


def count_labels(column: str, spans: LabelSpans, lost: np.ndarray, langs: pa.Array, damage: Counts) -> Counts:
    """Counts of a column of a batch. lost: bool[k], which of the spans; langs: string[texts]; damage: by name."""
    labels = spans.labels.dictionary_encode()
    codes, names = labels.indices.to_numpy(zero_copy_only=False), labels.dictionary.to_pylist()
    of_rows = langs.fill_null("").dictionary_encode()
    lang = of_rows.indices.to_numpy(zero_copy_only=False)[spans.rows]
    key = lang.astype(np.int64) * max(len(names), 1) + codes
    found: Counts = {SPANS: {}, LOST: {}, DAMAGE: dict(damage)}
    for value in np.unique(key).tolist():
        place, label = divmod(value, max(len(names), 1))
        name = _BETWEEN.join((of_rows.dictionary[place].as_py(), column, names[label]))
        found[SPANS][name] = int((key == value).sum())
        found[LOST][name] = int(((key == value) & lost).sum())
    return found


def label_notes(counts: Counts) -> tuple[dict[str, Any], list[str]]:
    """What the manifest notes of labels: spans and lost ones by language and label, damage; and lines for people."""
    spans, lost = counts.get(SPANS, {}), counts.get(LOST, {})
    damage = _damage(counts)
    if not spans and not damage:
        return {}, []
    by_language: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    rows = [["language", "column", "label", "spans", "not carried", "share"]]
    for name in sorted(spans):
        lang, column, label = name.split(_BETWEEN, 2)
        count, gone = spans[name], lost.get(name, 0)
        by_language.setdefault(lang, {}).setdefault(column, {})[label] = {"spans": count, "lost": gone}
        share = f"{100 * gone / count:.1f} %"
        rows.append([lang or "(none)", column, label or "(none)", f"{count:,}", f"{gone:,}", share])
    lines = ["", *table_lines(rows[:_SHOWN], right=(3, 4, 5))] if spans else []
    if len(rows) > _SHOWN:
        lines.append(f"and {len(rows) - _SHOWN:,} more labels: the manifest has them")
    return {"labels": by_language, DAMAGE: damage}, [*lines, *damage_lines(counts)]


def damage_lines(counts: Counts) -> list[str]:
    """What was damaged, in a line; none where nothing was."""
    damage = _damage(counts)
    said = ", ".join(f"{name} {count:,}" for name, count in damage.items())
    return [f"labels of the input: {said}"] if damage else []


def _damage(counts: Counts) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.get(DAMAGE, {}).items()) if count}
