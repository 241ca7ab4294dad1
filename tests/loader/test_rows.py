"""Token shards as training opens them: row groups, the vocabulary, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import packed
from tests.rows import write_dataset
from tests.running import edit_manifest
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.loader import rows as module
from xlcorpus.loader.held import Held
from xlcorpus.loader.rows import TokenRows


def test_packs_and_views() -> None:
    opened = TokenRows.open(packed.packs(objective="mlm"), verify=True)
    assert (opened.view, opened.length, opened.count) == (None, 64, Dataset.open(opened.folder).manifest.rows)
    assert opened.vocabulary.size == 6000
    assert opened.vocabulary.ids == {"pad": 0, "unk": 1, "bos": 2, "eos": 3, "mask": 4}
    assert opened.vocabulary.special >= {0, 2, 3, 4}
    tlm = TokenRows.open(packed.view("tlm"))
    assert (tlm.view, tlm.length, tlm.count) == ("tlm", 64, 120)


def test_groups_are_the_rows_in_order(tmp_path: Path) -> None:
    folder = packed.regroup(packed.packs(), tmp_path / "out", [[10, 1, 30], [], [0, 7, 5]])
    opened, table = TokenRows.open(folder), Dataset.open(folder).to_arrow()
    assert opened.groups.tolist() == [10, 1, 30, 0, 7, 5]
    for group, (first, size) in enumerate(zip(opened.firsts, opened.groups, strict=False)):
        batch = opened.read(group)
        assert pa.Table.from_batches([batch]).equals(table.slice(first, size))
        assert opened.read(group, ["length", "input_ids"]).equals(batch.select(["length", "input_ids"]))


def test_more_shards_than_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OPEN_FILES", 2)
    opened = TokenRows.open(packed.regroup(packed.packs(), tmp_path / "out", [[3]] * 7))
    opened = pickle.loads(pickle.dumps(opened))
    read = [opened.read(group, ["pack_id"]).column(0).to_pylist() for group in (0, 6, 3, 0, 5, 6)]
    assert [len(one) for one in read] == [3] * 6
    assert read[0] == read[3]
    assert read[1] == read[5]


def test_what_is_refused(tmp_path: Path) -> None:
    documents = write_dataset(tmp_path / "documents", [packed.document_rows(3)])
    with pytest.raises(UserError, match=r"document-1.*\n.*xlcorpus pack"):
        TokenRows.open(documents.folder)
    with pytest.raises(UserError, match=r"no column src_ids, tgt_ids, which tlm reads; it holds packs\n.*--view"):
        TokenRows.open(packed.packs()).require(("length", "src_ids", "tgt_ids"), "tlm")
    with pytest.raises(IntegrityError, match="is not a dataset"):
        TokenRows.open(tmp_path / "nothing")


def test_damaged_shards(tmp_path: Path) -> None:
    folder = packed.regroup(packed.packs(), tmp_path / "out", [[100, 100], [50]])
    shard = folder / "data" / "part-00000-000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet was changed"):
        TokenRows.open(folder, verify=True)
    opened = TokenRows.open(folder)
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet: cannot be read"):
        opened.read(0)
    shard.write_bytes(content[: len(content) // 2])
    with pytest.raises(IntegrityError, match="another size"):
        TokenRows.open(folder)


def test_a_footer_that_differs_from_the_manifest(tmp_path: Path) -> None:
    folder = packed.regroup(packed.packs(), tmp_path / "out", [[10], [20]])

    def change(content: dict[str, object]) -> None:
        content["shards"][0]["rows"] = 11  # type: ignore[index]

    edit_manifest(folder, change)
    with pytest.raises(IntegrityError, match="has 10 rows, its manifest says 11"):
        TokenRows.open(folder)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.large_list(pa.int32()), pa.list_(pa.int32(), 64), None])
def test_a_shard_whose_columns_are_others(tmp_path: Path, kind: pa.DataType | None) -> None:
    """Named as the manifest was made, of other types: batches of two shards could not be joined."""
    folder = packed.regroup(packed.packs(), tmp_path / "out", [[20], [20]])
    shard = folder / "data" / "part-00001-000.parquet"
    table = pq.read_table(shard)
    place = table.schema.get_field_index("input_ids")
    lists = pa.array([(ids + [0] * 64)[:64] for ids in table["input_ids"].to_pylist()], kind)
    pq.write_table(table.set_column(place, "input_ids", lists) if kind else table.remove_column(place), shard)

    def change(content: dict[str, Any]) -> None:
        content["shards"][1]["bytes"] = shard.stat().st_size

    edit_manifest(folder, change)
    with pytest.raises(IntegrityError, match=r"part-00001-000\.parquet: the column input_ids is .*, its manifest says"):
        TokenRows.open(folder)


def test_partitioned_shards(tmp_path: Path) -> None:
    """`pack --partition-by lang`: the column is in the folder's name, and comes back."""
    from tests.pack.pack_runs import run_pack

    given_rows = write_dataset(tmp_path / "documents", [packed.document_rows(40)])
    made = run_pack(given_rows.folder, tmp_path / "out", pure=True, length=64, settings={"partition_by": "lang"})
    opened = TokenRows.open(made.folder)
    assert len(opened.groups) > 10
    read = pa.Table.from_batches([opened.read(group) for group in range(len(opened.groups))])
    assert read.equals(made.to_arrow())
    assert set(opened.read(3, ["lang"]).column("lang").to_pylist()) == {read["lang"][opened.firsts[3]].as_py()}


LISTS = st.lists(st.lists(st.integers(-5, 5), max_size=4), min_size=1, max_size=9)


@settings(max_examples=40)
@given(st.lists(LISTS, min_size=1, max_size=5), st.data(), st.integers(0, 3))
def test_rows_of_held_groups(given_lists: list[list[list[int]]], data: st.DataObject, room: int) -> None:
    """Whatever was put and dropped before, whatever their sizes, and where only some groups have nulls."""
    batches = []
    for lists in given_lists:
        texts = pa.array([[str(one) for one in items] for items in lists], pa.list_(pa.string()))
        ids: list[list[int] | None] = [None, *lists[1:]] if data.draw(st.booleans()) else [*lists]
        columns = [pa.array(ids, pa.list_(pa.int32())), texts, pa.array(map(len, lists), pa.int64())]
        columns.append(pa.array(lists, pa.list_(pa.int16())))
        whole = pa.RecordBatch.from_arrays(columns, names=["ids", "texts", "size", "small"])
        batches.append(whole.slice(data.draw(st.integers(0, len(lists) - 1))))
    held, groups, gathered = Held(room), dict[int, pa.RecordBatch](), []
    for number, batch in enumerate(batches):
        held.put(number, batch)
        groups[number] = batch
        names = data.draw(st.permutations([*groups]))
        places = [(place, row) for place, name in enumerate(names) for row in range(groups[name].num_rows)]
        chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=9))
        which, rows = np.array(chosen).T
        due = [groups[names[one]].slice(row, 1).to_pylist()[0] for one, row in chosen]
        gathered.append((held.gather(names, which, rows), due))
        if data.draw(st.booleans()):
            dropped = data.draw(st.sampled_from(names))
            held.drop(dropped)
            del groups[dropped]
        for found, due in gathered:  # what was gathered stays, whatever comes into the places of its groups
            found.validate(full=True)
            assert found.to_pylist() == due
            assert found.schema == batch.schema


def test_each_footer_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, opened_files = packed.regroup(packed.packs(), tmp_path / "out", [[1] * 40, [2] * 30]), []
    read = module.storage.open_parquet

    def counting(path: Path, **more: Any) -> Any:
        opened_files.append(path.name)
        return read(path, **more)

    monkeypatch.setattr(module.storage, "open_parquet", counting)
    assert len(TokenRows.open(folder).groups) == 70
    assert opened_files == ["part-00000-000.parquet", "part-00001-000.parquet"]
