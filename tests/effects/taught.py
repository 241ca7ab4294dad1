"""What the experiments with labels share: PUD by documents, a model that others start from, labels that models give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.material import Rows, data_of, pretrained, recipe_of, write_rows
from tests.rows import records
from xlcorpus.cli.predict import command
from xlcorpus.evaluate.evaluate import evaluate
from xlcorpus.evaluate.options import EvaluateOptions

PARTS = ("train", "dev", "test")


def pud(shared: Path, code: str) -> dict[str, Rows]:
    """Sentences by part, the same in all languages: of six documents three to train on, one to choose settings by, two
    to test."""
    rows = records(shared / "pud" / f"{code}.jsonl.gz")
    order = [*dict.fromkeys(row["doc"] for row in rows)]
    part = {doc: PARTS[(0, 0, 0, 1, 2, 2)[place % 6]] for place, doc in enumerate(order)}
    return {name: [row for row in rows if part[row["doc"]] == name] for name in PARTS}


def texts_with(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> Any:
    """A dataset of texts with all of their columns."""
    return xlcorpus.ingest(write_rows(folder / f"{name}.jsonl", rows), lang_column="lang", output=folder / name)


def stages_of(folder: Path, start: Any, stages: Sequence[tuple[Mapping[str, Any], int]], **changes: Any) -> Any:
    """A recipe of stages, each of one data (folders by their names in `folder`) and so many steps."""
    recipe = recipe_of(folder, [], 0, start=start, **changes)
    made = [
        {"name": f"stage-{number}", "data": data_of(folder, [data]), "steps": steps}
        for number, (data, steps) in enumerate(stages)
    ]
    return {**{key: value for key, value in recipe.items() if key not in ("data", "steps")}, "stages": made}


def once(folder: Path, name: str, seed: int, recipe: Mapping[str, Any]) -> Path:
    """A model that several arms of a seed start from: trained by the first that asks."""
    made = folder / f"{name}-{seed}"
    return made if made.is_dir() else pretrained(folder, name, seed, recipe)


def predicted(model: Path, rows: Path, output: Path) -> Path:
    """The rows with the model's labels, by `xlcorpus predict`."""
    command.main([str(model), str(rows), "--output", str(output), "--batch", "32"], standalone_mode=False)
    return output


def measured(model: Path, measure: str, rows: Path, **options: Any) -> Any:
    """What `xlcorpus evaluate` says of some data."""
    given = EvaluateOptions(batch=32, **options)
    report = evaluate(str(model), {measure: [str(rows)]}, options=given, say=lambda _: None).report
    return report[measure][str(rows)]
