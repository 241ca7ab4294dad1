"""What the defaults of pairs keep of translations by people and of what is none: the table of docs/pairs.md."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.house.source import ROOT
from tests.quality.length_factors import DATA, TABLE, _labels, _lines, table
from tests.rows import pairs, records
from xlcorpus.dataset.columns import put_columns
from xlcorpus.pipelines.filter import FilterKernel
from xlcorpus.pipelines.identify import IdentifyKernel
from xlcorpus.pipelines.identify import Options as IdentifyOptions
from xlcorpus.pipelines.score import ScoreKernel
from xlcorpus.quality.thresholds import load_thresholds

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (DATA / "ntrex").is_dir(), reason="no ../shared/data/ntrex"),
]


def kept(batch: pa.RecordBatch) -> float:
    """Per cent that pass identify, score and filter."""
    kernels = (IdentifyKernel(IdentifyOptions(), pairs=True), ScoreKernel(pairs=True))
    given = batch.num_rows
    for kernel in kernels:
        batch = kernel.apply(batch, kernel.load()).rows  # type: ignore[arg-type]
    judge = FilterKernel.of(load_thresholds(), False, "pair")
    return 100 * judge.apply(batch, judge.load()).rows.num_rows / given


def ntrex() -> pa.RecordBatch:
    """The first 100 sentences of English with each of the other languages."""
    folder = DATA / "ntrex"
    labels = {code: label for code, label in _labels(folder).items() if not code.startswith("eng")}
    texts = {
        code: [record["text"] for record in records(folder / f"{code}.jsonl.gz")[:100]] for code in ("eng", *labels)
    }
    rows = [pair for code in labels for pair in zip(texts["eng"], texts[code], strict=True)]
    return pairs(rows, "eng_Latn", [label for label in labels.values() for _ in range(100)])


def tatoeba() -> pa.RecordBatch:
    """The first 100 sentences of each language with English."""
    folder, rows, langs = DATA / "tatoeba", [], []
    for code, label in _labels(folder).items():
        lines = csv.DictReader(_lines(folder / f"{code}-eng.tsv.gz"), delimiter="\t", quoting=csv.QUOTE_NONE)
        mine = [(line["eng"], line["text"]) for line in lines][:100]
        rows += mine
        langs += [label] * len(mine)
    return pairs(rows, "eng_Latn", langs)


def changed(texts: pa.Array, change: Callable[[str], str]) -> pa.Array:
    return pa.array(list(map(change, texts.to_pylist())))


def looped(text: str) -> str:
    """As a model that cannot stop: the fourth and the fifth word (letter, where there are no spaces) six times."""
    words = text.split()
    return " ".join(words[:3] + words[3:5] * 6) if len(words) > 5 else text[:3] + text[3:8] * 6


def test_the_table_of_the_page() -> None:
    news = ntrex()
    others = np.random.default_rng(1).permutation(news.num_rows)
    within = np.concatenate(
        [start + np.random.default_rng(start).permutation(100) for start in range(0, len(news), 100)]
    )
    src, tgt = news.column("src"), news.column("tgt")
    found = {
        "NTREX, translations by professionals": kept(news),
        "Tatoeba, short sentences": kept(tatoeba()),
        "NTREX, the target a copy of the source": kept(put_columns(news, {"tgt": src})),
        "NTREX, sides swapped and labels not": kept(put_columns(news, {"src": tgt, "tgt": src})),
        "NTREX, the target of any other pair": kept(put_columns(news, {"tgt": tgt.take(pa.array(others))})),
        "NTREX, the target of another pair of the language": kept(
            put_columns(news, {"tgt": tgt.take(pa.array(within))})
        ),
        "NTREX, the target between tags": kept(put_columns(news, {"tgt": changed(tgt, "<p class='a'>{}</p>".format)})),
        "NTREX, two words of the target six times": kept(put_columns(news, {"tgt": changed(tgt, looped)})),
        "NTREX, the source with a word more for target": kept(put_columns(news, {"tgt": changed(src, "x {}".format)})),
        "NTREX, the source and the target for target": kept(
            put_columns(news, {"tgt": pc.binary_join_element_wise(src, tgt, " ")})
        ),
        "NTREX, a third of the target": kept(put_columns(news, {"tgt": changed(tgt, lambda t: t[: len(t) // 3])})),
    }
    page = (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8")
    said = {
        name: float(value)
        for name, value in re.findall(r"^\| ((?:NTREX|Tatoeba)[^|]*) \| ([\d.]+) \|$", page, re.MULTILINE)
    }
    assert {name: round(value, 1) for name, value in found.items()} == said


def test_the_length_factors_that_are_shipped_are_those_of_the_data() -> None:
    assert table() == TABLE.read_text(encoding="utf-8")
