"""Bytes of text by part: those of a document's parts are its text's, and where they are known they are exact."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.house.pages import blocks
from tests.pack.pack_helpers import TEXTS, options_of, pack, parts_of, token_documents
from tests.pack.pack_runs import SAMPLE, document_rows, run_pack, save
from xlcorpus.errors import ConservationError
from xlcorpus.pack.pack_counts import PackCounts
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer.open import open_tokenizer

STRATEGIES = ("best-fit", "concatenate", "one")


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=30),
    more=st.sampled_from([0, -1, 3, -9]),  # bytes of the text beyond those of the pieces; -1: no space before it
    strategy=st.sampled_from(STRATEGIES),
    window=st.integers(1, 20),
    batches=st.lists(st.integers(0, 30), max_size=3),
    seed=st.integers(0, 9),
)
def test_the_parts_of_a_document_have_its_bytes(
    lengths: list[int], more: int, strategy: str, window: int, batches: list[int], seed: int
) -> None:
    documents = token_documents(lengths)
    pieces = np.random.default_rng(seed).integers(0, 7, len(documents.ids)).astype(np.int32)
    whole = np.add.reduceat(pieces, documents.offsets[:-1])
    text = np.maximum(whole + more, 0).astype(np.int64)
    documents = replace(documents, text_bytes=pa.array(text))
    packs, packer = pack(
        documents, options_of(16, strategy), batches=batches, piece_bytes=pieces, window_documents=window
    )
    found: Counter[bytes] = Counter()
    for part, size in zip(parts_of(packs), packs["part_bytes"].combine_chunks().flatten().to_pylist(), strict=True):
        found[part["doc_id"]] += size
        assert size >= 0
        if more == 0:
            assert size == pieces[part["ids"]].sum()
    names = documents.doc_ids.to_pylist()
    assert [found[name] for name in names] == text.tolist()
    assert packer.counts.bytes == {"eng_Latn": text.sum()}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_cut_is_where_the_bytes_of_its_tokens_are(strategy: str) -> None:
    """Within a character too: tokens of bytes count as bytes."""
    tokenizer = open_tokenizer("bytes")
    texts = [text * 5 for text in TEXTS.values()]
    options = options_of(64, strategy)
    rows = document_rows(texts, list(TEXTS))
    packs, _ = pack(tokenize_batch(rows, tokenizer, options).documents, options, piece_bytes=tokenizer.piece_bytes)
    sizes = packs["part_bytes"].combine_chunks().flatten().to_pylist()
    assert sizes == [sum(number > 2 for number in part["ids"]) for part in parts_of(packs)]


def test_of_a_sentencepiece_model_the_first_space_is_none_of_the_text(tmp_path: Path) -> None:
    tokenizer = open_tokenizer(SAMPLE)
    texts = [" ".join([text] * 9) for text in TEXTS.values()]
    made = run_pack(save(tmp_path / "docs", [document_rows(texts, list(TEXTS))]), tmp_path / "out", length=32)
    rows = made.to_arrow()
    of_documents: Counter[bytes] = Counter()
    exact: dict[bytes, bool] = {}
    for row in document_rows(texts, list(TEXTS)).to_pylist():
        ids = tokenizer.encode_batch(pa.array([row["text"]]))[0]
        exact[row["doc_id"]] = tokenizer.piece_bytes[ids].sum() == len(row["text"].encode()) + 1
    assert sum(exact.values()) >= 4  # the others are normalised
    for part, size in zip(parts_of(rows), rows["part_bytes"].combine_chunks().flatten().to_pylist(), strict=True):
        of_documents[part["doc_id"]] += size
        if exact[part["doc_id"]]:
            assert size == tokenizer.piece_bytes[part["ids"]].sum() - (part["offset"] == 0)
    names = document_rows(texts, list(TEXTS))["doc_id"].to_pylist()
    assert of_documents == {name: len(text.encode()) for name, text in zip(names, texts, strict=True)}
    counts: Any = made.manifest.notes["counts"]
    assert counts["bytes"] == {lang: len(text.encode()) for lang, text in zip(TEXTS, texts, strict=True)}
    assert counts["text_bytes"] == sum(counts["bytes"].values())


def test_bytes_that_are_lost_are_found() -> None:
    counts = PackCounts(tokens=5, packed=5, text_bytes=20, bytes={"eng_Latn": 19})
    with pytest.raises(ConservationError, match="20 bytes to pack, 19 in the packs"):
        counts.check("here")


def test_epochs_and_sources_tell_repeats_apart(tmp_path: Path) -> None:
    """Whether a token is missing or there twice can be told from the shards alone, also of several epochs."""
    texts, names = [f"{text} " * 12 for text in TEXTS.values()], list(TEXTS)
    rows = document_rows(texts, names)
    epochs = [pa.array([epoch] * rows.num_rows, pa.int32()) for epoch in (0, 1)]
    given = save(tmp_path / "mix", [rows.append_column("mix_epoch", one) for one in epochs])
    packs = run_pack(given, tmp_path / "out", length=48).to_arrow()
    keys: Counter[tuple[bytes, int]] = Counter()
    seen = set()
    epoch_of = packs["epochs"].combine_chunks().flatten().to_pylist()
    for part, epoch in zip(parts_of(packs), epoch_of, strict=True):
        key = (part["doc_id"], epoch, part["offset"])
        assert key not in seen
        seen.add(key)
        keys[part["doc_id"], epoch] += len(part["ids"])
    totals = {part["doc_id"]: part["total"] for part in parts_of(packs)}
    assert keys == {(name, epoch): total for name, total in totals.items() for epoch in (0, 1)}
    assert set(packs["sources"].combine_chunks().flatten().to_pylist()) == {"own"}


def test_from_a_row_to_the_file_as_the_page_says(tmp_path: Path) -> None:
    """The join of docs/packing.md gives every part once, with more than one epoch too."""
    texts, names = [f"{text} " * 12 for text in TEXTS.values()], list(TEXTS)
    rows = document_rows(texts, names)
    epochs = [pa.array([epoch] * rows.num_rows, pa.int32()) for epoch in (0, 1)]
    save(tmp_path / "out" / "mix", [rows.append_column("mix_epoch", one) for one in epochs])
    packs = run_pack(tmp_path / "out" / "mix", tmp_path / "out" / "packed", length=48).to_arrow()
    (_, query), *_ = blocks("packing.md", "sql")
    found = duckdb.sql(query.replace("'out/", f"'{tmp_path}/out/")).to_arrow_table()
    assert found.num_rows == len(packs["doc_ids"].combine_chunks().flatten())
    places = {row["doc_id"]: (row["source"], *row["origin"].values()) for row in rows.to_pylist()}
    expected = Counter(
        (pack_id, places[part["doc_id"]], part["offset"], size)
        for part, size, pack_id in zip(
            parts_of(packs),
            packs["part_bytes"].combine_chunks().flatten().to_pylist(),
            [row["pack_id"] for row in packs.to_pylist() for _ in row["doc_ids"]],
            strict=True,
        )
    )
    assert expected == Counter(
        (row["pack_id"], (row["source"], row["file"], row["place"]), row["token"], row["bytes"])
        for row in found.to_pylist()
    )
