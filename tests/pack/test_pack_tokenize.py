"""Documents to tokens: special ids around each, and a decision for every one that is left out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS, Bytes, doc_id, documents, options_of, pack, rebuilt
from xlcorpus.errors import UserError
from xlcorpus.pack.token_documents import frame
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.text.ragged import offsets_of, ranges

BATCH = documents(list(TEXTS.values()), list(TEXTS))
SIZES = [len(text.encode()) for text in TEXTS.values()]


def test_special_ids_around_each_document() -> None:
    for objective, before, after in (("clm", [], [2]), ("mlm", [1], [2]), ("plain", [], [])):
        made = tokenize_batch(BATCH, Bytes(), options_of(512, "one", objective))
        expected = [[*before, *(byte + 5 for byte in text.encode()), *after] for text in TEXTS.values()]
        documents_made = made.documents
        assert [documents_made.ids[start:end].tolist() for start, end in pairwise(documents_made.offsets)] == expected
        assert documents_made.langs.to_pylist() == list(TEXTS)
        assert documents_made.kinds.to_pylist() == [None] * len(TEXTS)
        assert made.decisions.num_rows == 0
    made = tokenize_batch(BATCH, Bytes(), options_of(512, "one", "clm", bos=True, eos=False))
    assert made.documents.ids[0] == 1
    assert 2 not in made.documents.ids


@pytest.mark.parametrize("strategy", ["concatenate", "best-fit", "one"])
def test_texts_come_back_from_packs(strategy: str) -> None:
    made = tokenize_batch(BATCH, Bytes(), options_of(64, strategy))
    packs, _ = pack(made.documents, options_of(64, strategy))
    whole = rebuilt(packs)
    assert [Bytes().decode(whole[doc_id(str(row))]) for row in range(len(TEXTS))] == list(TEXTS.values())


def test_decisions() -> None:
    texts = ["", "four", None, "a" * 15, "a" * 16, "ab"]
    batch = documents(texts, ["eng_Latn"] * 6, kind=pa.array(["mono", "mono", "mono", "code", "code", None]))
    settings = options_of(16, "best-fit", long="refuse", min_tokens=3)
    made = tokenize_batch(batch, Bytes(), settings, keep_text=True)
    assert made.documents.lengths.tolist() == [5, 16]
    assert made.documents.doc_ids.to_pylist() == [doc_id("1"), doc_id("3")]
    assert made.documents.kinds.to_pylist() == ["mono", "code"]
    rows = made.decisions.to_pylist()
    assert [(row["doc_id"], row["reason"], row["score"], row["threshold"]) for row in rows] == [
        (doc_id("0"), "no_tokens", 0, 1),
        (doc_id("2"), "no_tokens", 0, 1),
        (doc_id("4"), "longer_than_pack", 17, 16),
        (doc_id("5"), "fewer_than_min_tokens", 2, 3),
    ]
    assert {row["step"] for row in rows} == {"pack"}
    assert rows[0]["origin"] == {"file": "0", "offset": 0}
    assert rows[3]["text"] == "ab"
    kept = tokenize_batch(batch, Bytes(), options_of(16, "best-fit"))
    assert kept.documents.lengths.tolist() == [5, 16, 17, 3]
    assert kept.decisions.column("text").null_count == 2


def test_slices_and_large_strings() -> None:
    whole = tokenize_batch(BATCH, Bytes(), options_of(512))
    part = tokenize_batch(BATCH.slice(2, 3), Bytes(), options_of(512))
    assert part.documents.ids.tolist() == whole.documents.slice(2, 5).ids.tolist()
    large = BATCH.drop_columns(["text"]).append_column("text", BATCH.column("text").cast(pa.large_string()))
    assert tokenize_batch(large, Bytes(), options_of(512)).documents.ids.tolist() == whole.documents.ids.tolist()


def test_keep() -> None:
    keep = np.array([3, 0, 10_000, 1, 1, 1, 1, 1])
    made = tokenize_batch(BATCH, Bytes(), options_of(512, min_tokens=1), keep=keep)
    assert made.documents.lengths.tolist() == [4, SIZES[2] + 1, 2, 2, 2, 2, 2]
    assert made.documents.ids[:4].tolist() == [*(byte + 5 for byte in b"The"), 2]
    assert made.decisions.column("reason").to_pylist() == ["no_tokens"]


def test_faults() -> None:
    with pytest.raises(UserError, match=r"no column 'text'.*doc_id"):
        tokenize_batch(BATCH.drop_columns(["text"]), Bytes(), options_of(8))
    lists = BATCH.drop_columns(["text"]).append_column("text", pa.array([[1]] * len(BATCH)))
    with pytest.raises(UserError, match="'text' is list"):
        tokenize_batch(lists, Bytes(), options_of(8))
    with pytest.raises(UserError, match="its vocabulary has 100"):
        tokenize_batch(BATCH, Bytes(vocab_size=100), options_of(8))

    @dataclass(frozen=True)
    class Lossy(Bytes):
        def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
            return super().encode_batch(texts.slice(1))

    with pytest.raises(UserError, match="gave 7 texts for 8"):
        tokenize_batch(BATCH, Lossy(), options_of(8))


LISTS = st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=8)


SPECIALS = st.lists(st.integers(-9, -1), max_size=3)


@given(LISTS, SPECIALS, SPECIALS)
def test_frame(lists: list[list[int]], before: list[int], after: list[int]) -> None:
    ids, offsets = np.array([*chain(*lists)], dtype=np.int32), offsets_of(np.array([len(part) for part in lists], int))
    framed, framed_offsets = frame(ids, offsets, before, after)
    expected = [[*before, *part, *after] for part in lists]
    assert framed.tolist() == [*chain(*expected)]
    assert np.diff(framed_offsets).tolist() == [len(part) for part in expected]


@given(LISTS, st.data())
def test_spans(lists: list[list[int]], data: st.DataObject) -> None:
    values = np.array([*chain(*lists)], dtype=np.int32)
    spans = data.draw(st.lists(st.tuples(st.integers(0, len(values)), st.integers(0, 5)), max_size=6))
    spans = [(start, min(size, len(values) - start)) for start, size in spans]
    starts, sizes = (np.array([span[place] for span in spans], dtype=np.int64) for place in (0, 1))
    expected = [value for start, size in spans for value in values[start : start + size].tolist()]
    assert values[ranges(starts, sizes)].tolist() == expected
