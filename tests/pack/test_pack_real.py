"""Packs of real documents in many scripts give back every text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pack.pack_helpers import Bytes, doc_id, documents, options_of, pack, parts_of, rebuilt
from tests.rows import records
from xlcorpus.pack.byte_budgets import ByteBudget
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.strategies import STRATEGIES
from xlcorpus.pack.tokenize import tokenize_batch

LANGUAGES = {"arb", "dzo", "ell", "hin", "khm", "kor", "mal", "srp", "swa", "tha", "tir", "yor", "yue"}


@pytest.fixture(scope="module")
def texts(shared_data: Path) -> list[tuple[str, str]]:
    """News documents of NTREX (label, text), the first 12 of each language that is there."""
    made = []
    for path in sorted((shared_data / "ntrex").glob("*.jsonl.gz")):
        rows = records(path)
        if rows[0]["lang"][:3] not in LANGUAGES:
            continue
        for name in list(dict.fromkeys(row["doc"] for row in rows))[:12]:
            made.append((rows[0]["lang"], "\n".join(row["text"] for row in rows if row["doc"] == name)))
    return made


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_texts_come_back(texts: list[tuple[str, str]], strategy: str) -> None:
    assert len(texts) > 100
    labels = [label for label, _ in texts]
    batch = documents([text for _, text in texts], labels)
    settings = options_of(2048, strategy, "span")
    made = tokenize_batch(batch, Bytes(), settings)
    packs, packer = pack(made.documents, settings, LanguageIds.build(labels), batches=[50, 51, 90])
    whole = rebuilt(packs)
    assert [Bytes().decode(whole[doc_id(str(row))]) for row in range(len(texts))] == [text for _, text in texts]
    for part, lang in ((part, packs["lang"][part["pack"]].as_py()) for part in parts_of(packs)):
        assert part["lang"] == lang
    assert packer.counts.tokens == sum(len(text.encode()) + 1 for _, text in texts)


def test_equal_bytes_of_each_language(texts: list[tuple[str, str]]) -> None:
    labels = sorted({label for label, _ in texts})
    budget = ByteBudget(dict.fromkeys(labels, 9_001))
    taken = budget.take(documents([text for _, text in texts], [label for label, _ in texts]))
    sizes = dict.fromkeys(labels, 0)
    for label, size in zip(taken.documents["lang"].to_pylist(), taken.keep.tolist(), strict=True):
        sizes[label] += size
    assert sizes == dict.fromkeys(labels, 9_001)
