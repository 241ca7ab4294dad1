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

from tests.pack.pack_helpers import TEXTS, options_of, view_options
from tests.pack.pack_runs import document_rows, due_copies, rebuilt_copies
from tests.rows import write_shards
from xlcorpus.dataset.dataset import Shard
from xlcorpus.dataset.result import Counts
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.errors import UserError
from xlcorpus.pack.byte_budgets import read_budgets
from xlcorpus.pack.input_check import READS, check_columns
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import PACK, TASK_ROWS
from xlcorpus.pack.sides import VIEWS
from xlcorpus.pack.tasks import CountShard, Held, PackShard, TokenizeShard, number_languages
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer.open import open_tokenizer

BYTES = open_tokenizer("bytes")


def shard_of(folder: Path, rows: pa.RecordBatch) -> Shard:
    """A shard of these rows, as a task knows it."""
    (shard,) = write_shards(folder, [rows])
    return shard


def mixed_rows() -> pa.RecordBatch:
    texts = ["ab", "é", "", "河", "xyz", None, "नदी"]
    langs = ["eng_Latn", "fra", "eng_Latn", "zho_Hant", None, "eng_Latn", "hin_Deva"]
    kinds = pa.array([None, "mono", "mono", "mono", "code", "mono", "translit"])
    return document_rows(texts, langs, kind=kinds)  # type: ignore[arg-type]


class TestCountShard:
    def test_bytes_and_labels(self, tmp_path: Path) -> None:
        record = CountShard(True, ("lang",), True)(0, shard_of(tmp_path, mixed_rows()))
        assert record == Held(
            bytes={"": 3, "eng_Latn": 2, "fra": 2, "hin_Deva": 9, "zho_Hant": 3},
            labels=("", "eng_Latn", "fra", "hin_Deva", "zho_Hant"),
            scripts=("Hant", "Latn", "Zyyy"),  # hin_Deva is romanised, fra has no script and an empty column
        )

    @pytest.mark.parametrize("options", [view_options("crops", 16), options_of(16, pure=True, template="{text}")])
    def test_sides_that_a_document_names_are_no_language(self, tmp_path: Path, options: PackOptions) -> None:
        rows = document_rows(["ab"], [None]).drop_columns(["lang"])
        for name in ("src_lang", "tgt_lang"):  # of a user, who has translated something
            rows = rows.append_column(name, pa.array(["eng_Latn"]))
        count = CountShard.for_options(options)
        assert count is not None
        shard = shard_of(tmp_path, rows)
        assert count(0, shard).labels == ("",)
        languages = number_languages([count(0, shard)], None)
        work: Any = TokenizeShard if options.view else PackShard
        made = [row for one in work(options, languages).results(0, shard, {}) for row in one.rows.to_pylist()]
        assert [row["lang_id"] for row in made] == [0]

    def test_nothing_that_was_not_asked_for(self, tmp_path: Path) -> None:
        shard = shard_of(tmp_path, mixed_rows())
        assert CountShard(True)(0, shard).labels == ()
        record = CountShard(labels=("lang",))(0, shard)
        assert (record.bytes, record.scripts) == ({}, ("Deva", "Hant", "Latn", "Zyyy"))

    def test_rows_without_the_column_have_no_language(self, tmp_path: Path) -> None:
        shard = shard_of(tmp_path, mixed_rows().drop_columns(["lang"]))
        record = CountShard(labels=("lang",))(0, shard)
        assert (record.labels, record.scripts) == (("",), ("Zyyy",))

    def test_both_sides_of_pairs(self, tmp_path: Path) -> None:
        rows = mixed_rows().select(["doc_id"]).append_column("src_lang", pa.array(["en-GB"] * 7))
        rows = rows.append_column("tgt_lang", pa.array(["deu_Latn", None] * 3 + ["deu_Latn"]))
        record = CountShard(labels=("src_lang", "tgt_lang"))(0, shard_of(tmp_path, rows))
        assert record.labels == ("", "deu_Latn", "en-GB")
        ids = number_languages([record], None)
        assert ids.number(rows.column("src_lang"))[0].tolist() == [1] * 7  # deu, en-GB, und

    def test_the_numbers_of_all_shards(self) -> None:
        records = [Held({}, ("zho_Hans", ""), ("Hans", "Latn")), Held({}, ("amh_Ethi",), ())]
        ids = number_languages(records, None)
        assert ids.languages == {"amh": 0, "und": 1, "zho": 2}
        assert ids.scripts == {"Hans": 0, "Latn": 1}
        kept = number_languages([Held({}, ("eng_Latn",), ("Latn",))], ids)
        assert kept.languages == {**ids.languages, "eng": 3}


@given(st.lists(st.sampled_from([*TEXTS, None, "eng", "eng_Latn-hin_Deva"]), max_size=12), st.booleans())
def test_whatever_is_counted_can_be_numbered(tmp_path_factory: Any, langs: list[str | None], romanised: bool) -> None:
    kinds = pa.array(["translit" if romanised else None] * len(langs), pa.string())
    rows = document_rows(["x"] * len(langs), langs, kind=kinds)
    record = CountShard(labels=("lang",), scripts=True)(0, shard_of(tmp_path_factory.mktemp("s"), rows))
    ids = number_languages([record], None)
    lang_ids, script_ids = ids.number(rows.column("lang"), rows.column("script"), kinds)
    assert set(script_ids.tolist()) == set(range(len(ids.scripts)))  # each number is used, none is missing
    assert set(lang_ids.tolist()) == set(range(len(ids.languages)))


def test_packs_of_a_task_are_numbered_from_its_number(tmp_path: Path) -> None:
    rows = document_rows(["abc"] * 30, ["eng_Latn"] * 30)
    counts: Counts = {}
    made = list(PackShard(options_of(8)).results(3, shard_of(tmp_path, rows), counts))
    packs = pa.Table.from_batches([part.rows for part in made], PACK)
    assert packs["pack_id"].to_pylist() == [3 * TASK_ROWS + place for place in range(15)]
    assert sum(part.rows_in or 0 for part in made) == counts["documents"] == 30
    assert (sum(part.merged for part in made), sum(part.repeated for part in made)) == (15, 0)
    assert rebuilt_copies(packs) == due_copies(rows.to_pylist(), BYTES)


def test_rows_of_a_view_go_on_from_batch_to_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlcorpus.dataset.dataset.BATCH_ROWS", 4)
    sides = {name: pa.array(["a", "b"] * 5) for name in VIEWS["triples"].sides}
    rows = document_rows(["x"] * 10, ["eng_Latn"] * 10, **sides)
    counts: Counts = {}
    made = list(TokenizeShard(view_options("triples", 8)).results(1, shard_of(tmp_path, rows), counts))
    assert [part.rows_in for part in made] == [4, 4, 2, None]
    ids = [number for part in made for number in part.rows.column("pack_id").to_pylist()]
    assert ids == [TASK_ROWS + place for place in range(10)]
    assert counts["rows"] == 10


class TestSizes:
    """Large documents: right, and in memory that does not grow with the corpus."""

    def test_a_document_larger_than_a_window(self) -> None:
        texts = ["abcdefghij" * 500, "short", "klm" * 900, "x"]
        rows = document_rows(texts, ["eng_Latn"] * 4)
        for strategy in ("best-fit", "concatenate", "one"):
            options = options_of(64, strategy)
            packer = Packer(options, window_tokens=1000, window_documents=2)
            made = list(packer.add(tokenize_batch(rows, BYTES, options).documents))
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
        counts: Counts = {}
        tokens = 0
        for file in files:
            columns = ("doc_id", "text", "origin", "lang")
            shard = Shard(tmp_path / file.name, file.rows, file.bytes, "document", columns)
            for part in PackShard(options_of(2048)).results(0, shard, counts):
                tokens += sum(part.rows.column("length").to_pylist())
        assert tokens == counts["tokens"] > 200_000_000
        assert _peak() - before < 900


def _peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class TestInputs:
    def test_every_view_reads_what_it_is_made_of(self, tmp_path: Path) -> None:
        assert set(READS) == {None, *VIEWS}
        for view, kind in READS.items():
            if view == "labels":  # of several kinds of rows: test_pack_labels.py
                continue
            names = VIEWS[view].texts if view else ("text",)
            columns = pa.schema([(name, pa.string()) for name in names])
            options = PackOptions(tokenizer="bytes", view=view)
            check_columns(options, tmp_path, kind, columns)
            for other in set(READS.values()) - {kind}:
                with pytest.raises(UserError, match=f"rows of the kind {other!r}"):
                    check_columns(options, tmp_path, other, columns)
            with pytest.raises(UserError, match=f"no column {names[-1]!r} in {tmp_path}"):
                check_columns(options, tmp_path, kind, columns.remove(len(names) - 1))

    def test_the_remedy_names_a_view_of_what_is_there(self, tmp_path: Path) -> None:
        remedies = {}
        for kind in ("pair", "restore", "translico"):
            with pytest.raises(UserError) as caught:
                check_columns(PackOptions(tokenizer="bytes"), tmp_path, kind, pa.schema([]))
            remedies[kind] = str(caught.value.remedy)
        assert remedies["pair"].endswith("give --view bitext or --view tlm")
        assert remedies["restore"].endswith("give --view restore")
        assert remedies["translico"].endswith("give --view translico")

    def test_options_that_mean_nothing(self) -> None:
        PackOptions(tokenizer="bytes", view="tlm")
        with pytest.raises(UserError, match="--min-tokens is an option of runs without --view"):
            PackOptions(tokenizer="bytes", view="tlm", min_tokens=2)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2k", {"eng_Latn": 2000, "hin_Deva": 2000}),
        ("10MB", {"eng_Latn": 10_000_000, "hin_Deva": 10_000_000}),
        ("eng_Latn=1M", {"eng_Latn": 1_000_000}),
        (" eng_Latn=5 , hin_Deva=1.5k", {"eng_Latn": 5, "hin_Deva": 1500}),
    ],
)
def test_budgets_are_read(text: str, due: dict[str, int]) -> None:
    assert read_budgets(text, [{"eng_Latn": 5, "": 9}, {"hin_Deva": 7}]) == due


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--byte-budget '' is not a size"),
        ("10X", "--byte-budget '10X' is not a size"),
        ("-5", "not a size"),
        ("0", "--byte-budget '0' is nothing"),
        ("eng_Latn=", "--byte-budget '' is not a size"),
        ("eng_Latn=1,eng_Latn=2", "'eng_Latn=2' is given twice"),
        ("eng_Latn=1,", "'' names no language"),
        ("eng_Latn=1=2", "'1=2' is not a size"),
    ],
)
def test_budgets_that_cannot_be_read(text: str, message: str) -> None:
    for available in ([], [{"eng_Latn": 5}]):  # before the texts are counted, too
        with pytest.raises(UserError, match=message):
            read_budgets(text, available)
