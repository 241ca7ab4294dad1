"""Beside a mix of continued training: whether languages that were not trained, and are related, suffer.

Training on few languages is known to harm their relatives (Li et al. 2025: down to -44 % on SIB-200).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.bits.costs import Bits, differences
from xlcorpus.text.labels import language_of

TRAINED, RELATED = "trained", "related"
_SURE = 1.96  # standard errors: of 20 languages without a change one seems to have one


def related_languages(asked: str | None, model: str, there: Sequence[str]) -> list[str]:
    """Labels of the packs (`there`) that are to be watched: those asked for (labels or codes, with commas), else those
    that `run.json` beside the model names. Raises UserError where one that is asked for is in no packs."""
    if asked is None:
        card = storage.locate(model) / "run.json"
        watched = storage.read_json(card).get("watch", []) if storage.is_file(card) else []
        return sorted(lang for lang in there if language_of(lang) in watched)
    found: list[str] = []
    for name in asked.split(","):
        labels = [lang for lang in there if name.strip() in (lang, language_of(lang))]
        if not labels:
            raise UserError(
                f"--related {name}: no packs hold it; they hold {', '.join(sorted(there))}",
                remedy="name languages of --bits, or pack held-out documents of it",
            )
        found += labels
    return sorted(set(found))


def regression(ours: Mapping[str, Bits], theirs: Mapping[str, Bits], related: Sequence[str]) -> dict[str, Any] | None:
    """By language: what `differences` gives, `group`, and `change`: worse or better where the difference is more than
    1.96 of its errors, else not shown; and of each group together. None where no related language is in both."""
    held = {lang: one for lang, one in theirs.items() if lang in ours}
    groups = {
        RELATED: {lang: ours[lang] for lang in held if lang in related},
        TRAINED: {lang: ours[lang] for lang in held if lang not in related},
    }
    made = {name: found for name, one in groups.items() if one and (found := differences(one, held)) is not None}
    if RELATED not in made:
        return None
    return {
        "languages": {
            lang: {"group": name, **facts, "change": _change(facts)}
            for name, found in made.items()
            for lang, facts in found["languages"].items()
        },
        **{name: {**found["all"], "change": _change(found["all"])} for name, found in made.items()},
    }


def _change(facts: Mapping[str, Any]) -> str:
    difference, error = facts["difference"], facts["error"]
    if error is None or abs(difference) <= _SURE * error:
        return "not shown"
    return "worse" if difference > 0 else "better"
