"""What tests of the step share: texts, a call of it, options that several of them mix by, and what holds of any mix."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import pairs
from tests.rows import documents, rows_of
from tests.running import run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import IntegrityError, UserError

# Words of our own choice; document n of a language has 1 + n * 7 % 13 of them.
WORDS = {
    "eng_Latn": "river boat morning market rice rain bridge letter",
    "swh_Latn": "mto mashua asubuhi soko mchele mvua daraja barua",
    "hin_Deva": "नदी नाव सुबह बाज़ार चावल बारिश पुल चिट्ठी",
    "ell_Grek": "ποτάμι βάρκα πρωί αγορά ρύζι βροχή γέφυρα γράμμα",
    "tha_Thai": "แม่น้ำ เรือ เช้า ตลาด ข้าว ฝน สะพาน จดหมาย",
}
COUNTS = {"eng_Latn": 400, "swh_Latn": 150, "hin_Deva": 90, "ell_Grek": 40, "tha_Thai": 20}


def text_of(lang: str, number: int) -> str:
    words = WORDS[lang].split()
    return " ".join(words[(number * 3 + at) % len(words)] for at in range(1 + number * 7 % 13))


def web(counts: Mapping[str, int] = COUNTS) -> pa.RecordBatch:
    """Documents of five scripts, one language after the other; some were found several times."""
    rows = [(lang, number) for lang, count in counts.items() for number in range(count)]
    texts = [text_of(lang, number) for lang, number in rows]
    sizes = [(1, 2, 1, 7)[number % 4] for _, number in rows]
    domains = [(None, "law")[number % 2] for _, number in rows]
    kept = {"dup_size": pa.array(sizes, pa.int32()), "domain": pa.array(domains)}
    return documents(texts, [lang for lang, _ in rows], names=[f"{lang} {number}" for lang, number in rows], **kept)


def bitext(one: str, other: str, count: int) -> Any:
    return pairs([(text_of(one, number), text_of(other, number)) for number in range(count)], one, other)


ALL = ("web", "code", "opus", "switched")


def mixed(data: Path, output: Path, inputs: tuple[str, ...] = ("web",), *, workers: int = 1, **options: Any) -> Dataset:
    """The mix of some datasets under these options."""
    step = {"step": "mix", "input": [str(data / name) for name in inputs], **options}
    recipe = write_recipe(output.parent, json.dumps({"name": "m", "seed": 3, "steps": [step]}), f"{output.name}.yaml")
    return run(recipe, output, workers=workers)["mix"].dataset


def units_by(dataset: Dataset, key: str) -> dict[str, int]:
    units: Counter[str] = Counter()
    for row in rows_of(dataset):
        units[row[key] or "none"] += row["mix_units"]
    return dict(units)


def refused(data: Path, output: Path, inputs: tuple[str, ...] = ("web",), **options: Any) -> str:
    """The message of a refusal, which leaves nothing behind."""
    with pytest.raises((UserError, IntegrityError)) as caught:
        mixed(data, output, inputs, **options)
    assert not list(output.glob("mix/*"))
    return str(caught.value)


def assert_meets_the_plan(dataset: Dataset) -> None:
    """Each cell has its budget to half of its largest document; each row a class, and is accounted for."""
    notes = dataset.manifest.notes
    rows = rows_of(dataset)
    for cell in notes["cells"]:
        mine = [row for row in rows if row["mix_class"] == cell["name"]]
        assert (cell["units"], cell["docs"]) == (sum(row["mix_units"] for row in mine), len(mine))
        largest = max((row["mix_units"] for row in mine), default=0)
        assert abs(cell["units"] - cell["budget"]) <= max(largest / 2, 1)
    assert sum(cell["budget"] for cell in notes["cells"]) == notes["budget"]
    assert {row["mix_class"] for row in rows} <= {cell["name"] for cell in notes["cells"]}
    tally = dataset.manifest.tallies[-1]
    assert tally.rows_in + tally.repeated == tally.rows_out + tally.removed_rows
    assert tally.rows_out == len(rows)
    load_schema("document").check(dataset.manifest.arrow_schema, "mix")
    dataset.manifest.verify(dataset.folder)


OPTIONS: dict[str, Any] = {
    "ratios": {"web": 0.6, "opus": 0.4}, "unit": "chars", "budget": 9000, "max_epochs": 3, "shards": 4,
}  # fmt: skip
