"""How the rows lie in the shards: row groups for loaders that shuffle, and encodings that every reader opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow.parquet as pq
import pytest

from tests.pack.pack_helpers import options_of
from tests.pack.pack_runs import LENGTH, document_rows, run_pack, save
from tests.rows import pairs
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError

_TEXT = "The ferry leaves at nine. आज सुबह नदी के किनारे बहुत ठंडी हवा चल रही थी। "


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("readers")
    texts = [_TEXT * (1 + row % 7) + str(row) for row in range(3000)]
    given = save(folder / "docs", [document_rows(texts, ["eng_Latn", "hin_Deva"] * 1500)])
    return run_pack(given, folder / "out", length=LENGTH, row_group="300k")


def test_every_reader_has_the_same_ids(packed: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    datasets.disable_progress_bars()
    shards = f"{packed.folder}/data/*.parquet"
    (file,) = (packed.folder / "data").iterdir()
    hub: Any = datasets.load_dataset(str(packed.folder), split="train", cache_dir=str(tmp_path))
    found = {
        "duckdb": duckdb.sql(f"SELECT input_ids, langs FROM '{shards}'").fetchall(),
        "polars": polars.read_parquet(shards).select("input_ids", "langs").rows(),
        "pandas": pd.read_parquet(file)[["input_ids", "langs"]].values,
        "datasets": list(zip(hub["input_ids"], hub["langs"], strict=True)),
    }
    expected = [(row["input_ids"], row["langs"]) for row in pq.read_table(file).to_pylist()]
    assert expected == [(row["input_ids"], row["langs"]) for row in packed.to_arrow().to_pylist()]
    for reader, rows in found.items():
        assert [(list(ids), list(langs)) for ids, langs in rows] == expected, reader


def test_row_groups_are_small_and_encodings_reach_into_lists(packed: Dataset) -> None:
    (shard,) = packed.manifest.shards
    meta = pq.read_metadata(packed.folder / shard.name)
    sizes = np.array([meta.row_group(at).num_rows for at in range(meta.num_row_groups)])
    assert len(sizes) >= 5
    assert (4 * LENGTH * sizes[:-1] < 300_000).all()
    assert (12 * LENGTH * sizes[:-1] > 300_000).all()  # the other columns weigh too; these packs are short
    group = meta.row_group(0)
    encodings = {group.column(at).path_in_schema: group.column(at).encodings for at in range(group.num_columns)}
    assert "BYTE_STREAM_SPLIT" in encodings["input_ids.list.element"]
    assert "RLE_DICTIONARY" in encodings["langs.list.element"]
    assert "RLE_DICTIONARY" in encodings["doc_offsets.list.element"]
    assert "RLE_DICTIONARY" not in encodings["doc_ids.list.element"]


def test_rows_of_a_view_lie_alike(tmp_path: Path) -> None:
    rows = pairs([(_TEXT, f"{_TEXT} {row}") for row in range(400)], "eng_Latn", "hin_Deva")
    made = run_pack(save(tmp_path / "pairs", [rows], "pair"), tmp_path / "out", view="bitext", row_group="64k")
    (shard,) = made.manifest.shards
    meta = pq.read_metadata(made.folder / shard.name)
    assert meta.num_row_groups > 2
    group = meta.row_group(0)
    split = {
        column.path_in_schema
        for column in map(group.column, range(group.num_columns))
        if "BYTE_STREAM_SPLIT" in column.encodings
    }
    assert split == {"src_ids.list.element", "tgt_ids.list.element"}


@pytest.mark.parametrize("given", ["3k", "17MB"])
def test_row_groups_have_bounds(given: str) -> None:
    with pytest.raises(UserError, match=f"--row-group {given} is not between 64k and 16MB"):
        options_of(64, row_group=given)


def test_a_row_group_is_a_size() -> None:
    with pytest.raises(UserError, match="--row-group 'much' is not a size"):
        options_of(64, row_group="much")
