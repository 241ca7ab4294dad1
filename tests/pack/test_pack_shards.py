"""One shard as a task: what is counted of it, the packs and rows it gives, and what the request refuses."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS
from tests.pack.pack_runs import document_rows, due_copies, rebuilt_copies
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.errors import UserError
from xlcorpus.pack.byte_view import read_budgets
from xlcorpus.pack.counts import PackCounts
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.request import READS, check_input, check_unused
from xlcorpus.pack.rows import PACK, TASK_ROWS
from xlcorpus.pack.settings import PackSettings
from xlcorpus.pack.shards import CountShard, PackDocuments, PackView, number_languages
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.pack.views import VIEWS, ViewCounts, ViewSettings
from xlcorpus.tokenizer.open import open_tokenizer

BYTES = open_tokenizer("bytes")


def content_of(folder: Path, rows: pa.RecordBatch) -> dict[str, Any]:
    """A shard of these rows, as a task knows it."""
    with ShardWriter(folder, "data", "part-00000", rows.schema) as writer:
        writer.write(rows)
        (file,) = writer.close(keep_empty=True)
    return {"path": str(folder / file.name), "columns": rows.schema.names, "rows": file.rows}


def mixed_rows() -> pa.RecordBatch:
    texts = ["ab", "é", "", "河", "xyz", None, "नदी"]
    langs = ["eng_Latn", "fra", "eng_Latn", "zho_Hant", None, "eng_Latn", "hin_Deva"]
    kinds = pa.array([None, "mono", "mono", "mono", "code", "mono", "translit"])
    return document_rows(texts, langs, kind=kinds)  # type: ignore[arg-type]


class TestCountShard:
    def test_bytes_and_labels(self, tmp_path: Path) -> None:
        record = CountShard(True, ("lang",), True)(0, content_of(tmp_path, mixed_rows()))
        assert record == {
            "rows_in": 7,
            "bytes": {"": 3, "eng_Latn": 2, "fra": 2, "hin_Deva": 9, "zho_Hant": 3},
            "labels": ["", "eng_Latn", "fra", "hin_Deva", "zho_Hant"],
            "scripts": ["Hant", "Latn", "Zyyy"],  # hin_Deva is romanised, fra has no script and an empty column
        }

    def test_nothing_that_was_not_asked_for(self, tmp_path: Path) -> None:
        content = content_of(tmp_path, mixed_rows())
        assert CountShard(True)(0, content)["labels"] == []
        record = CountShard(labels=("lang",))(0, content)
        assert (record["bytes"], record["scripts"]) == ({}, ["Deva", "Hant", "Latn", "Zyyy"])

    def test_rows_without_the_column_have_no_language(self, tmp_path: Path) -> None:
        content = content_of(tmp_path, mixed_rows().drop_columns(["lang"]))
        record = CountShard(labels=("lang",))(0, content)
        assert (record["rows_in"], record["labels"], record["scripts"]) == (7, [""], ["Zyyy"])

    def test_both_sides_of_pairs(self, tmp_path: Path) -> None:
        rows = mixed_rows().select(["doc_id"]).append_column("src_lang", pa.array(["en-GB"] * 7))
        rows = rows.append_column("tgt_lang", pa.array(["deu_Latn", None] * 3 + ["deu_Latn"]))
        record = CountShard(labels=("src_lang", "tgt_lang"))(0, content_of(tmp_path, rows))
        assert record["labels"] == ["", "deu_Latn", "en-GB"]
        ids = number_languages([record], None)
        assert ids.number(rows.column("src_lang"))[0].tolist() == [1] * 7  # deu, en-GB, und

    def test_the_numbers_of_all_shards(self) -> None:
        records = [{"labels": ["zho_Hans", ""], "scripts": ["Hans", "Latn"]}, {"labels": ["amh_Ethi"], "scripts": []}]
        ids = number_languages(records, None)
        assert ids.languages == {"amh": 0, "und": 1, "zho": 2}
        assert ids.scripts == {"Hans": 0, "Latn": 1}
        kept = number_languages([{"labels": ["eng_Latn"], "scripts": ["Latn"]}], ids)
        assert kept.languages == {**ids.languages, "eng": 3}


@given(st.lists(st.sampled_from([*TEXTS, None, "eng", "eng_Latn-hin_Deva"]), max_size=12), st.booleans())
def test_whatever_is_counted_can_be_numbered(tmp_path_factory: Any, langs: list[str | None], romanised: bool) -> None:
    kinds = pa.array(["translit" if romanised else None] * len(langs), pa.string())
    rows = document_rows(["x"] * len(langs), langs, kind=kinds)
    record = CountShard(labels=("lang",), scripts=True)(0, content_of(tmp_path_factory.mktemp("s"), rows))
    ids = number_languages([record], None)
    lang_ids, script_ids = ids.number(rows.column("lang"), rows.column("script"), kinds)
    assert set(script_ids.tolist()) == set(range(len(ids.scripts)))  # each number is used, none is missing
    assert set(lang_ids.tolist()) == set(range(len(ids.languages)))


def test_packs_of_a_task_are_numbered_from_its_number(tmp_path: Path) -> None:
    rows = document_rows(["abc"] * 30, ["eng_Latn"] * 30)
    counts = PackCounts()
    work = PackDocuments("bytes", PackSettings(8))
    made = list(work.run(3, content_of(tmp_path, rows), counts))
    packs = pa.Table.from_batches([batch for part in made for batch in part.rows], PACK)
    assert packs["pack_id"].to_pylist() == [3 * TASK_ROWS + place for place in range(15)]
    assert sum(part.rows_in for part in made) == 30
    assert (counts.merged, counts.repeated) == (15, 0)
    assert rebuilt_copies(packs) == due_copies(rows.to_pylist(), BYTES)


def test_rows_of_a_view_go_on_from_batch_to_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlcorpus.dataset.dataset.BATCH_ROWS", 4)
    sides = {name: pa.array(["a", "b"] * 5) for name in VIEWS["triples"].sides}
    rows = document_rows(["x"] * 10, ["eng_Latn"] * 10, **sides)
    counts = ViewCounts()
    made = list(PackView("bytes", ViewSettings("triples", 8)).run(1, content_of(tmp_path, rows), counts))
    assert [part.rows_in for part in made] == [4, 4, 2]
    ids = [number for part in made for batch in part.rows for number in batch.column("pack_id").to_pylist()]
    assert ids == [TASK_ROWS + place for place in range(10)]
    assert counts.rows == 10


class TestSizes:
    """Large documents: right, and in memory that does not grow with the corpus."""

    def test_a_document_larger_than_a_window(self) -> None:
        texts = ["abcdefghij" * 500, "short", "klm" * 900, "x"]
        rows = document_rows(texts, ["eng_Latn"] * 4)
        for strategy in ("best_fit", "concatenate", "one"):
            settings = PackSettings(64, strategy, window_tokens=1000, window_documents=2)
            packer = Packer(settings)
            made = list(packer.add(tokenize_batch(rows, BYTES, settings).documents))
            made += list(packer.finish())
            assert rebuilt_copies(pa.Table.from_batches(made, PACK)) == due_copies(rows.to_pylist(), BYTES)

    @pytest.mark.slow
    def test_memory_of_documents_of_20_mb(self, tmp_path: Path) -> None:
        """Ten documents of 20 MB, each more than a window of tokens, among short ones: memory of a few of them."""
        sentence = TEXTS["hin_Deva"] + " "
        long = sentence * (20_000_000 // len(sentence.encode()))
        with ShardWriter(tmp_path, "data", "part-00000", document_rows([""], [None]).schema) as writer:
            for number in range(10):
                texts = [long, *(sentence * (1 + n % 40) for n in range(500))]
                writer.write(document_rows(texts, ["hin_Deva"] * len(texts), number * 1000))
            files = writer.close()
        before = _peak()
        counts, tokens = PackCounts(), 0
        for file in files:
            content = {"path": str(tmp_path / file.name), "columns": ["doc_id", "text", "origin", "lang"]}
            for part in PackDocuments("bytes", PackSettings(2048)).run(0, content, counts):
                tokens += sum(sum(batch.column("length").to_pylist()) for batch in part.rows)
        assert tokens == counts.tokens > 200_000_000
        assert _peak() - before < 900


def _peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class TestRequest:
    def test_every_view_reads_what_it_is_made_of(self, tmp_path: Path) -> None:
        assert set(READS) == {None, *VIEWS}
        for view, kind in READS.items():
            columns = VIEWS[view].sides if view else ("text",)
            check_input(tmp_path, kind, columns, view, None)
            for other in set(READS.values()) - {kind}:
                with pytest.raises(UserError, match=f"rows of the kind {other!r}"):
                    check_input(tmp_path, other, columns, view, None)
            with pytest.raises(UserError, match=f"has no {columns[-1]!r}"):
                check_input(tmp_path, kind, columns[:-1], view, None)

    def test_the_remedy_names_a_view_of_what_is_there(self, tmp_path: Path) -> None:
        remedies = {}
        for kind in ("pair", "restore", "translico"):
            with pytest.raises(UserError) as caught:
                check_input(tmp_path, kind, (), None, None)
            remedies[kind] = str(caught.value.remedy)
        assert remedies["pair"].endswith("give --view bitext or --view tlm")
        assert remedies["restore"].endswith("give --view restore")
        assert remedies["translico"].endswith("give --view translico")

    def test_options_that_mean_nothing(self) -> None:
        check_unused({"cut": "byte"}, {"cut": "byte"}, "packs", "r")
        with pytest.raises(UserError, match="--min-tokens means nothing for views"):
            check_unused({"min_tokens": 2}, {"min_tokens": 1}, "views", "r")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2k", {"eng_Latn": 2000, "hin_Deva": 2000}),
        ("eng_Latn=1M", {"eng_Latn": 1_000_000}),
        (" eng_Latn=5 , hin_Deva=1.5k", {"eng_Latn": 5, "hin_Deva": 1500}),
    ],
)
def test_budgets_are_read(text: str, due: dict[str, int]) -> None:
    assert read_budgets(text, [{"eng_Latn": 5, "": 9}, {"hin_Deva": 7}]) == due


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--byte-budget: '' is not a size"),
        ("10MB", "--byte-budget: '10MB' is not a size"),
        ("-5", "not a size"),
        ("0", "not a size"),
        ("eng_Latn=", "--byte-budget: '' is not a size"),
        ("eng_Latn=1,eng_Latn=2", "'eng_Latn=2' is given twice"),
        ("eng_Latn=1,", "'' names no language"),
        ("eng_Latn=1=2", "'1=2' is not a size"),
    ],
)
def test_budgets_that_cannot_be_read(text: str, message: str) -> None:
    for available in ([], [{"eng_Latn": 5}]):  # before the texts are counted, too
        with pytest.raises(UserError, match=message):
            read_budgets(text, available)
