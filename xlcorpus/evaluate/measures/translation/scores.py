"""chrF and BLEU of translations, by sacrebleu (Popović 2015; Papineni et al. 2002; Post 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.text.labels import normalize_label, script_of

_GROUPS = 20  # of the jackknife: an error is then right to 16 %, at 20 times the cost of a score
_CHINESE = {"lzh", "wuu", "nan", "hak", "gan"}  # of which no table says the usual script
_WITHOUT_SPACES = {"Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}


def require_sacrebleu() -> None:
    """Raise UserError where it is not installed."""
    try:
        import sacrebleu  # noqa: F401
    except ImportError as error:
        raise UserError(
            "chrF and BLEU need sacrebleu, which is not installed", remedy="pip install 'xlcorpus[evaluate]'"
        ) from error


def bleu_tokenizer(lang: str) -> str:
    """sacrebleu's name of what cuts texts of a language: zh, char where a script has no spaces, else 13a."""
    script = script_of(normalize_label(lang))
    if script in ("Hans", "Hant", "Hani") or lang in _CHINESE:
        return "zh"
    return "char" if script in _WITHOUT_SPACES else "13a"


def scores(made: Sequence[str], references: Sequence[str], tokenizer: str, *, errors: bool = True) -> dict[str, Any]:
    """`chrf` and `bleu` (0 to 100) of all sentences together, each with `_error`, the standard error over sentences
    (jackknife over groups of them; None for one), and `_signature`, which says how it was counted. Both have as many,
    one at least; errors: whether they are counted."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    found: dict[str, Any] = {}
    groups = np.arange(len(made)) % _GROUPS
    for name, metric in (("chrf", CHRF()), ("bleu", BLEU(tokenize=tokenizer, force=True))):
        found[name] = float(metric.corpus_score(list(made), [list(references)]).score)
        found[f"{name}_signature"] = str(metric.get_signature())
        if not errors:
            continue
        without = []
        for group in range(min(_GROUPS, len(made)) if len(made) > 1 else 0):
            rows = np.flatnonzero(groups != group).tolist()
            part = metric.corpus_score([made[row] for row in rows], [[references[row] for row in rows]])
            without.append(float(part.score))
        count = len(without)
        found[f"{name}_error"] = math.sqrt(float(np.var(without)) * (count - 1)) if count else None
    return found
