"""The count: cells and units of every text of a shard, however the shard is cut; records that add up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mix.mix_helpers import Shard, count_shards, mix, named, pairs, switched
from tests.rows import documents
from xlcorpus.dataset import dataset
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.record import dump_record, load_record
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.census import CENSUS, Counting, ShardCells, cells_of, census_file, key_of
from xlcorpus.mix.spec import parse_mix
from xlcorpus.mix.units import count_units
from xlcorpus.mix.uses import PackTexts

HINDI, YORUBA, GREEK = "नमस्ते दुनिया", "Ẹ kú àárọ̀, ayé", "Καλημέρα κόσμε"
SIZES = st.sampled_from(["tokens", "docs", "bytes", "chars"])


def counted(folder: Path, shards: list[Shard], counting: Counting) -> tuple[list[dict[str, Any]], tuple[Cell, ...]]:
    """Rows of the count files (with the number of the shard), and the cells."""
    _, records = count_shards(folder, shards, counting)
    rows = []
    for number in range(len(shards)):
        file = census_file(folder / "scratch", number)
        if file.is_file():
            batch = read_beside(file)
            assert batch.schema.equals(CENSUS)
            rows += [{"shard": number, **row} for row in batch.to_pylist()]
    # The records pass through JSON on their way.
    return rows, cells_of(load_record(ShardCells, json.loads(json.dumps(dump_record(one)))) for one in records)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.sampled_from(["", HINDI, YORUBA, GREEK, "a b c"]),
            "lang": st.none() | st.sampled_from(["hin_Deva", "yor_Latn"]),
            "kind": st.none() | st.sampled_from(["code", ""]),
            "domain": st.none() | st.sampled_from(["law", "news"]),
            "dup_size": st.none() | st.sampled_from([1, 2, 7]),
            "text_latn": st.none() | st.sampled_from(["namaste", "a b c"]),
            "translit_identity": st.none() | st.booleans(),
        }
    ),
    max_size=12,
)
TYPES: dict[str, pa.DataType] = {"dup_size": pa.int32(), "translit_identity": pa.bool_()}


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    columns = {
        name: pa.array([row[name] for row in rows], TYPES.get(name, pa.string()))
        for name in ("kind", "domain", "dup_size", "text_latn", "translit_identity")
    }
    names = [f"row {number}" for number in range(len(rows))]
    return documents([row["text"] for row in rows], [row["lang"] for row in rows], names=names, **columns)


@settings(max_examples=30)
@given(ROWS, SIZES, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 5), st.integers(0, 12))
def test_every_text_is_counted_in_its_cell(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    unit: str,
    latin: bool,
    domain: bool,
    dup_size: bool,
    batch_rows: int,
    cut: int,
) -> None:
    batch = batch_of(rows)
    counting = Counting(unit, None, "{src}\n{tgt}", latin, domain, dup_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_ROWS", batch_rows)
        shards = [batch.slice(0, cut), batch.slice(cut)]
        found, cells = counted(tmp_path_factory.mktemp("count"), shards, counting)
    texts: list[tuple[Any, ...]] = []
    for number, row in enumerate(rows):
        where = row["domain"] or "" if domain else ""
        shared = number, row["lang"] or "", where, row["dup_size"] or 1 if dup_size else 1
        texts.append((*shared, 0, row["kind"] or "mono", row["text"] or ""))
        if latin and row["text_latn"] is not None and not row["translit_identity"]:
            texts.append((*shared, 1, "translit", row["text_latn"]))
    units = count_units(pa.array([text[-1] for text in texts], pa.string()), unit).tolist() if texts else []
    assert [
        (row["row"] + cut * row["shard"], row["variant"], row["cell"], row["units"], row["dup_size"]) for row in found
    ] == [
        (number, variant, "\x1f".join(("web", kind, lang, where)), size, members)
        for (number, lang, where, members, variant, kind, _), size in zip(texts, units, strict=True)
    ]
    ids = batch.column("doc_id").to_pylist()
    assert [row["doc_id"] for row in found] == [ids[text[0]] for text in texts]
    due: dict[tuple[str, str, str, str], list[Any]] = {}
    for (_, lang, where, members, _, kind, text), size in zip(texts, units, strict=True):
        cell = due.setdefault(("web", kind, lang, where), [0, 0, 0, {}])
        of_size = cell[3].setdefault(members, [0, 0])
        for total, value in ((cell, (size, 1, len(text.encode()))), (of_size, (size, 1))):
            total[: len(value)] = [one + other for one, other in zip(total, value, strict=False)]
    expected = []
    for key, (size, count, text_bytes, members) in sorted(due.items()):
        by_size = tuple((of, *members[of]) for of in sorted(members)) if dup_size else ()
        expected.append(Cell(*key, size, count, text_bytes, by_size))
    assert cells == tuple(expected)


@pytest.mark.parametrize(
    ("unit", "sizes", "empty"),
    [("bytes", (37, 15, 53), 1), ("chars", (13, 15, 29), 1), ("docs", (1, 1, 1), 1), ("tokens", (2, 4, 6), 0)],
)
def test_both_sides_of_a_pair_are_counted(tmp_path: Path, unit: str, sizes: tuple[int, int, int], empty: int) -> None:
    """empty: size of the template alone, a line break."""
    shards = [pairs([(HINDI, "Bonjour, monde,"), (None, None)], "hin_Deva", "fra_Latn")]
    rows, (cell,) = counted(tmp_path, shards, Counting(unit, template="{src}\n{tgt}"))
    assert (rows[0]["src_units"], rows[0]["tgt_units"], rows[0]["units"]) == sizes
    assert rows[1]["units"] == empty
    assert (cell.units, cell.documents) == (sizes[2] + empty, 2)
    assert cell.key == ("opus", "bi", "hin_Deva-fra_Latn", "")


def test_documents_have_no_sides(tmp_path: Path) -> None:
    rows, _ = counted(tmp_path, [documents([HINDI], ["hin_Deva"])], Counting("bytes"))
    assert (rows[0]["src_units"], rows[0]["tgt_units"]) == (0, 0)


def test_tokens_are_those_of_the_tokenizer(tmp_path: Path) -> None:
    shards: list[Shard] = [
        documents([HINDI, None, ""], ["hin_Deva"] * 3),
        pairs([(YORUBA, GREEK)], "yor_Latn", "ell_Grek"),
        switched([f"{GREEK} ayé"], [GREEK], "ell_Grek"),
    ]
    rows, cells = counted(tmp_path, shards, Counting("tokens", "bytes", "{src}{tgt}"))
    sizes = [len(text.encode()) for text in (HINDI, "", "", YORUBA + GREEK, f"{GREEK} ayé")]
    assert [row["units"] for row in rows] == sizes
    assert (rows[3]["src_units"], rows[3]["tgt_units"]) == (len(YORUBA.encode()), len(GREEK.encode()))
    assert {cell.kind: cell.units for cell in cells} == {"mono": sizes[0], "bi": sizes[3], "cs": sizes[4]}


def test_special_ids_count_for_texts_with_tokens_and_not_for_the_sides_of_pairs(tmp_path: Path) -> None:
    shards: list[Shard] = [
        documents([HINDI, None, ""], ["hin_Deva"] * 3),
        pairs([(YORUBA, GREEK)], "yor_Latn", "ell_Grek"),
    ]
    rows, _ = counted(tmp_path, shards, Counting("tokens", "bytes", "{src}{tgt}", specials=2))
    sizes = [len(text.encode()) for text in (HINDI, YORUBA, GREEK)]
    assert [row["units"] for row in rows] == [sizes[0] + 2, 0, 0, sizes[1] + sizes[2] + 2]
    assert (rows[3]["src_units"], rows[3]["tgt_units"]) == (sizes[1], sizes[2])


def test_a_shard_without_rows_or_without_texts_of_a_variant(tmp_path: Path) -> None:
    latin = documents([HINDI], ["hin_Deva"], text_latn=pa.array([None], pa.string()))
    empty = latin.slice(0, 0)
    shards: list[Shard] = [empty, latin, pairs([], "a", "b"), switched([], [], "a")]
    rows, cells = counted(tmp_path, shards, Counting("docs", template="{src}{tgt}", latin=True, dup_size=True))
    assert [(row["shard"], row["variant"]) for row in rows] == [(1, 0)]
    assert [cell.name for cell in cells] == ["web/mono/hin_Deva/none"]
    assert not census_file(tmp_path / "scratch", 0).is_file()
    assert list(PackTexts(tmp_path / "scratch", ())(0)) == []


def test_counts_of_cluster_sizes_need_the_column_in_every_shard_of_a_cell(tmp_path: Path) -> None:
    with_sizes = documents([HINDI], ["hin_Deva"], dup_size=pa.array([3], pa.int32()))
    counting = Counting("docs", dup_size=True)
    _, (cell,) = counted(tmp_path / "one", [with_sizes, with_sizes.slice(0, 0)], counting)
    assert cell.by_dup_size == ((3, 1, 1),)
    _, (cell,) = counted(tmp_path / "two", [with_sizes, documents([HINDI], ["hin_Deva"])], counting)
    assert (cell.documents, cell.by_dup_size) == (2, ())


def test_texts_are_packed_by_cell_in_the_order_of_the_plan(tmp_path: Path) -> None:
    batch = documents([HINDI, YORUBA, HINDI, GREEK], ["hin_Deva", "yor_Latn", "hin_Deva", "ell_Grek"])
    _, cells = counted(tmp_path, [documents([], []), batch], Counting("docs"))
    keys = {cell.lang: key_of(cell) for cell in cells}
    pack = PackTexts(tmp_path / "scratch", (keys["yor_Latn"], "absent", keys["hin_Deva"]))
    packed = dict(pack(1))
    assert {number: part.column("row").to_pylist() for number, part in packed.items()} == {0: [1], 2: [0, 2]}
    assert {value for part in packed.values() for value in part.column("shard").to_pylist()} == {1}


def test_an_empty_value_and_the_word_for_it_are_one_cell(tmp_path: Path) -> None:
    """`none` is how rules name an empty domain: two cells of one name would share one plan."""
    domains = pa.array([None, "none", "", "law"])
    batch = documents(["a", "bb", "ccc", "dddd"], ["x"] * 4, names=list("1234"), domain=domains)
    spec = parse_mix(
        {"unit": "bytes", "mix": {"by": "domain", "rule": "ratios", "ratios": {"none": "3/5", "law": "2/5"}}}
    )
    found = mix(tmp_path, [batch], spec)
    assert {item.name: item.available for item in found.taken} == {"web/mono/x/none": 6, "web/mono/x/law": 4}
    assert Counter(row["mix_class"] for row in found.rows) == {"web/mono/x/none": 3, "web/mono/x/law": 1}
    assert sorted(row["domain"] or "" for row in found.rows) == ["", "", "law", "none"]  # the rows stay as they are


def test_a_separator_in_a_name_is_a_space(tmp_path: Path) -> None:
    batch = documents(["a"], ["x"])
    odd = batch.set_column(batch.schema.get_field_index("source"), "source", pa.array(["my\x1fbooks"]))
    found = mix(tmp_path, [odd], {"my books": 1.0})
    assert [row["mix_class"] for row in found.rows] == ["my books/mono/x/none"]
    assert [row["source"] for row in found.rows] == ["my\x1fbooks"]


@pytest.mark.parametrize("schema", ["document", "pair", "codeswitch"])
def test_the_record_says_how_many_texts(tmp_path: Path, schema: str) -> None:
    shards: dict[str, Shard] = {
        "document": documents([HINDI] * 3, ["hin_Deva"] * 3),
        "pair": pairs([("a", "b")] * 3, "x", "y"),
        "codeswitch": switched(["a"] * 3, ["b"] * 3, "x"),
    }
    (shard,), (record,) = count_shards(tmp_path, [shards[schema]], Counting("docs", template="{src}{tgt}"))
    assert (shard.rows, shard.schema) == (3, schema)
    assert sum(cell.documents for cell in record.cells) == 3
    assert named(shards[schema])[0] == schema
