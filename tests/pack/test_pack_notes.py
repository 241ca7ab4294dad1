"""What the manifest notes of packing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pytest

from tests.pack.pack_helpers import TEXTS, options_of, pack, token_documents, view_options
from tests.pack.pack_runs import SAMPLE, document_rows, ids_of
from xlcorpus.pack import notes
from xlcorpus.pack.pack_counts import PackCounts
from xlcorpus.pack.sides import VIEWS, tokenize_sides
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer.measure import measure
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER, BYTES = open_tokenizer(SAMPLE), open_tokenizer("bytes")


def texts_of(count: int, text: str = "bread") -> pa.RecordBatch:
    return document_rows([text] * count, ["eng_Latn"] * count).select(["text", "lang"])


class TestFirstTexts:
    def test_the_first_documents(self) -> None:
        read: list[int] = []

        def batches() -> Iterator[pa.RecordBatch]:
            for number in range(9):
                read.append(number)
                yield texts_of(600, f"bread {number}")

        found = list(notes.first_texts(batches()))
        assert [batch.num_rows for batch in found] == [600, 600, 600, 200]
        assert read == [0, 1, 2, 3]  # no more of the dataset than is needed
        assert found[3].column("text").unique().to_pylist() == ["bread 3"]

    def test_no_more_than_so_many_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(notes, "MEASURED_BYTES", 23)
        found = list(notes.first_texts([texts_of(2), texts_of(9)]))
        assert [batch.num_rows for batch in found] == [2, 2]

    def test_of_a_long_document_the_beginning(self) -> None:
        (found,) = notes.first_texts([texts_of(1, "ब" * 1_000_000)])
        assert found.column("text").to_pylist() == ["ब" * notes.MEASURED_CHARACTERS]

    def test_nulls_and_nothing(self) -> None:
        rows = document_rows(["a", "b"], ["eng_Latn", None]).select(["text", "lang"])
        rows = rows.set_column(0, "text", pa.array([None, "b"]))
        assert [batch.num_rows for batch in notes.first_texts([rows, rows.slice(0, 0)])] == [2, 0]
        assert list(notes.first_texts([])) == []


def test_tokens_by_language_beside_the_measures() -> None:
    counts = PackCounts(packed=100, languages={"eng_Latn": 60, "": 30, "tha_Thai": 10})
    rows = notes.language_rows(counts, measure(TOKENIZER, [document_rows(["bread", "x"], ["eng_Latn", None])]))
    assert rows[0][:4] == ["lang", "tokens in packs", "share", "fertility"]
    assert [row[:3] for row in rows[1:]] == [
        ["eng_Latn", "60", "60.0 %"],
        ["tha_Thai", "10", "10.0 %"],
        ["und", "30", "30.0 %"],
    ]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[2][3:] == [""] * len(rows[0][3:])  # not among the documents that were measured
    assert float(rows[1][3]) == len(ids_of(TOKENIZER, "bread", "plain"))


def test_the_line_about_padding() -> None:
    _, packer = pack(token_documents([50, 14, 30]), options_of(40))
    (line,) = notes.pack_lines(packer.counts, 40)
    assert line == "3 packs of 40: 3 documents (1 split), 94 tokens, padding 21.67 %"


def packs_of(texts: list[str], langs: list[str | None], length: int, **columns: Any) -> pa.RecordBatch:
    settings = options_of(length)
    documents = tokenize_batch(document_rows(texts, langs, **columns), BYTES, settings).documents
    return pa.concat_batches(pack(documents, settings)[0].to_batches())


def test_decoded_packs() -> None:
    long, thai = "y" * 130, TEXTS["tha_Thai"]
    kinds = pa.array(["mono", "code", "mono"])
    packs = packs_of([long, "print(1)\n\n\tpass", thai], ["eng_Latn", None, "tha_Thai"], 100, kind=kinds)
    lines = notes.decoded_packs(BYTES, [packs])
    assert "  code  print(1) pass</s>" in lines
    assert f"  eng_Latn  {'y' * 70}..." in lines
    assert f"  eng_Latn from token 100  {'y' * 30}</s>" in lines
    # 70 bytes are 23 Thai letters and a third; what is cut is not shown as a broken character.
    assert f"  tha_Thai  {thai[:23]}..." in lines
    heads = [line for line in lines if line.startswith("pack")]
    assert heads[0].startswith("pack 0: 100 tokens, 1 document")
    assert len(heads) == 3


def test_no_more_rows_are_made_python_than_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    packs = packs_of(["bread"] * 50, ["eng_Latn"] * 50, 8)
    shown: list[int] = []

    class Watched:
        """A batch that says how many of its rows were asked for."""

        def slice(self, start: int, count: int) -> pa.RecordBatch:
            shown.append(count)
            return packs.slice(start, count)

    assert len(notes.decoded_packs(BYTES, [Watched(), Watched()])) == 6  # type: ignore[list-item]
    assert shown == [3]


def test_decoded_sides_of_a_view() -> None:
    texts = ["warm bread", TEXTS["amh_Ethi"]]
    rows = document_rows(texts, ["eng_Latn", "amh_Ethi"])
    for side in ("query", "positive", "negative"):
        rows = rows.append_column(side, pa.array(texts))
    settings = view_options("triples", 20)
    found = tokenize_sides(rows, TOKENIZER, settings, 7)
    lines = notes.decoded_sides(TOKENIZER, [found.rows], VIEWS["triples"].sides)
    assert lines[0].startswith("row 7: ")
    assert lines[1] == "  query     warm bread"
    assert lines[3] == "  negative  warm bread"
    assert lines[4].endswith(", cut")
    found_notes = notes.side_notes(TOKENIZER, [found.counts] * 2, [found.rows], VIEWS["triples"].sides)
    assert found_notes["counts"]["rows"] == 4
    assert found_notes["table"][0].startswith("4 rows: query ")
    assert found_notes["table"][2:] == lines


def test_notes_of_nothing() -> None:
    found_notes = notes.pack_notes(TOKENIZER, [], [], [], 2048)
    assert found_notes["padding"] == 0
    assert found_notes["table"][0] == "0 packs of 2,048: 0 documents (0 split), 0 tokens, padding 0.00 %"


def test_a_part_of_a_large_dataset_is_named_as_one() -> None:
    counts = PackCounts(documents=3000, packs=1, packed=5, room=8, languages={"eng_Latn": 5})
    some = notes.pack_notes(BYTES, [asdict(counts)], [], [texts_of(2500)], 8)["table"]
    assert "fertility and what is right of it: of the first 2,000 documents" in some
    counts.documents = 2000
    whole = notes.pack_notes(BYTES, [asdict(counts)], [], [texts_of(2000)], 8)["table"]
    assert not [line for line in whole if line.startswith("fertility and")]
