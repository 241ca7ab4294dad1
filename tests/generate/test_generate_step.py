"""The step: pairs on disk, the same for any workers; docs/generate.md is true."""

from __future__ import annotations

import shlex
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.generate.references import SENTENCES
from tests.house.pages import blocks
from tests.ingest.ingest_helpers import jsonl
from tests.rows import documents, rows_of, write_dataset
from tests.running import called, digests, run_nodes
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.sample import sample_folder


def generated(given: Path, output: Path, workers: int = 1, **options: object) -> Dataset:
    step = find_step("generate")
    node = Node("generate", step, make_options(step, options, "test"), (given,))
    run_nodes([node], output, workers=workers)
    return Dataset.open(output / "generate", verify=True)


def test_pairs_on_disk(tmp_path: Path) -> None:
    langs = [*SENTENCES] * 6
    texts = [f"{SENTENCES[lang]} {SENTENCES[lang]}" if row % 5 else "" for row, lang in enumerate(langs)]
    batch = documents(texts, langs, names=[str(row) for row in range(len(texts))])
    given = write_dataset(tmp_path / "given", [batch.slice(0, 20), batch.slice(20)])
    made = generated(given.folder, tmp_path / "one", operator="next-sentence", copies=2)
    assert made.manifest.schema_name == "pair"
    rows = rows_of(made)
    assert {row["pair_kind"] for row in rows} == {"next-sentence"}
    assert made.manifest.decisions
    (tally,) = made.manifest.tallies
    assert (tally.rows_in, tally.rows_out) == (len(texts), len(rows))
    assert {row["is_next"] for row in rows} == {True, False}
    generated(given.folder, tmp_path / "two", workers=2, operator="next-sentence", copies=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_dataset_without_rows_gives_one(tmp_path: Path) -> None:
    given = write_dataset(tmp_path / "given", [documents([], [], names=[])])
    made = generated(given.folder, tmp_path, operator="next-sentence")
    assert made.manifest.rows == 0
    assert "is_next" in made.to_arrow().column_names


@pytest.mark.slow
def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = sample_folder()
    shutil.copy(sample / "tokenizer.model", "t.model")
    row = {"query": "who rows? " * 40, "positive": "Three men row. " * 90, "negative": "Four walls.", "lang": "en"}
    jsonl(tmp_path / "triples.jsonl", row)
    for line in (
        f"ingest {sample / 'web'} --output out/raw --quiet",
        "identify out/raw --output out/identified --quiet",
        "ingest triples.jsonl --text-column positive --lang-column lang --output out/triples --quiet",
    ):
        assert called(*shlex.split(line)).returncode == 0, line
    for _, code in blocks("generate.md", "bash"):
        for line in code.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                done = called(*words[1:], "--quiet")
                assert done.returncode == 0, (line, done.stderr)
    assert {row["length"] for row in rows_of(Path("out/chunks"), ["length"])} == {256}
    crops = rows_of(Path("out/contriever"), ["query_ids", "positive_ids"])
    sizes = [len(row[side]) for row in crops for side in row]
    assert 25 <= min(sizes) <= max(sizes) <= 127
    assert len(crops) == Dataset.open(Path("out/chunks")).manifest.rows
    (sides,) = rows_of(Path("out/colbert"), ["query_ids", "positive_ids", "negative_ids"])
    assert [len(sides[side]) for side in ("query_ids", "positive_ids")] == [29, 253]
    assert len(sides["negative_ids"]) < 10
    kinds = Counter(row["pair_kind"] for row in rows_of(Path("out/pixel-rows"), ["pair_kind"]))
    assert set(kinds) == {"typo", "shuffle", "span"}
    follows = Counter(row["is_next"] for row in rows_of(Path("out/nsp"), ["is_next"]))
    assert 0.35 < follows[True] / follows.total() < 0.65


def test_workers_do_not_change_pairs(tmp_path: Path) -> None:
    texts = [f"{SENTENCES['eng_Latn']} {row}." for row in range(30)]
    batch = documents(texts, "eng_Latn", names=[str(row) for row in range(30)])
    given = write_dataset(tmp_path / "given", [batch.slice(0, 11), batch.slice(11)])
    generated(given.folder, tmp_path / "one", operator="typo")
    generated(given.folder, tmp_path / "two", workers=2, operator="typo")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
