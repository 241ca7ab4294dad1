"""How right a model's labels are: accuracy, and of spans F1 as CoNLL counts it (seqeval)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.evaluate.measures.labels.rows import (
    labels_of_model,
    language_columns,
    languages_of,
    objective_of,
    said_of,
)
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.standard_error import of_ratio
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.labelled import names_of, numbers_of
from xlcorpus.pack.packs import values_of
from xlcorpus.tags.schemes import OUTSIDE, split_tag
from xlcorpus.text.labels import UNKNOWN_LANGUAGE

_LETTERS = {"L": "E", "U": "S", "M": "I"}  # BILOU's and BMES's, as seqeval reads them


@dataclass
class Scores:
    """Of a language: by row, how many labels are right and how many there are; of spans the tags of both sides."""

    right: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    gold: list[list[str]] = field(default_factory=list)
    found: list[list[str]] = field(default_factory=list)

    def add(self, gold: np.ndarray, found: np.ndarray, names: Sequence[str], *, spans: bool) -> None:
        """A row. gold, found: int64[labels], numbers of `names`."""
        self.right.append(int((gold == found).sum()))
        self.labels.append(len(gold))
        if spans:
            self.gold.append([names[number] for number in gold.tolist()])
            self.found.append([names[number] for number in found.tolist()])

    def facts(self) -> dict[str, Any]:
        """texts, labels, accuracy with its error over texts; of spans precision, recall and f1, and how many there are.

        Raises UserError where spans are counted and seqeval is missing.
        """
        accuracy, error = of_ratio(np.array(self.right, dtype=float), np.array(self.labels, dtype=float))
        found = {"texts": len(self.labels), "labels": sum(self.labels), "accuracy": accuracy, "error": error}
        return found | (span_scores(self.gold, self.found) if self.gold else {})


def has_spans(names: Sequence[str]) -> bool:
    """Whether labels mark spans (B-PER), rather than each token by itself."""
    return any(split_tag(name)[0] not in ("", OUTSIDE) for name in names)


def readable(names: Sequence[str]) -> list[str]:
    """The labels as seqeval reads them."""
    parts = [split_tag(name) for name in names]
    return [
        f"{_LETTERS.get(prefix, prefix)}-{label}" if prefix not in ("", OUTSIDE) else OUTSIDE for prefix, label in parts
    ]


def need_seqeval() -> None:
    """Raise UserError where seqeval is not installed."""
    if find_spec("seqeval") is None:
        raise UserError(
            "F1 of spans is counted by seqeval, which is not installed", remedy="pip install 'xlcorpus[labels]'"
        )


def span_scores(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> dict[str, Any]:
    """precision, recall and f1 over all spans, how many spans there are, and f1 by label. Raises UserError."""
    need_seqeval()
    import warnings

    from seqeval.metrics import classification_report

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels without a span, whose figures are 0
        report = classification_report(list(map(list, gold)), list(map(list, found)), output_dict=True)
    means = ("micro avg", "macro avg", "weighted avg")
    whole = report.get("micro avg", {})
    by_label = {name: float(one["f1-score"]) for name, one in report.items() if name not in means}
    return {
        "precision": float(whole.get("precision", 0)),
        "recall": float(whole.get("recall", 0)),
        "f1": float(whole.get("f1-score", 0)),
        "spans": int(whole.get("support", 0)),
        "f1_by_label": by_label,
    }


def scores_of(trained: TrainedModel, rows: TokenRows, *, batch: int, limit: int | None = None) -> dict[str, Scores]:
    """By language in order, and `all`, of the labelled places of some rows. Raises UserError.

    batch: rows at once; limit: at most so many, evenly from all.
    """
    objective = objective_of(trained, rows)
    ours, theirs = labels_of_model(trained), names_of(rows.folder)
    names = [*ours, *(name for name in theirs if name not in ours)]
    number = np.array([names.index(name) for name in theirs], dtype=np.int64)
    tokens = rows.view == "labels"
    shown, spans = readable(names), tokens and has_spans(names)
    found: dict[str, Scores] = {}
    whole = Scores()
    columns = [objective.column, *language_columns(rows)]
    for said in said_of(trained, rows, objective, columns, batch=batch, limit=limit):
        best = said.probabilities.argmax(axis=1)
        column = said.rows.column(objective.column)
        gold = values_of(column)[0].astype(np.int64) if tokens else numbers_of(column, theirs)
        langs = languages_of(said.rows).to_pylist()
        for row, (start, stop) in enumerate(pairwise(said.offsets.tolist())):
            here = gold[start:stop] if tokens else gold[row : row + 1]
            there = here >= 0
            if there.any():
                wanted, guess = number[here[there]], best[start:stop][there]
                for one in (found.setdefault(langs[row] or UNKNOWN_LANGUAGE, Scores()), whole):
                    one.add(wanted, guess, shown, spans=spans)
    return dict(sorted(found.items())) | {"all": whole}
