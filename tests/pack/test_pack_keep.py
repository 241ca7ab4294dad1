"""Columns that are kept, from files to packs and views: values as they are, and what `datasets` knows of them."""

from __future__ import annotations

import datetime
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.running import digests, run
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import KEY, said_in
from xlcorpus.errors import UserError
from xlcorpus.recipe.run import Finished

TEXTS = {
    "eng_Latn": "The old house by the river is empty. Nobody went there in winter.",
    "hin_Deva": "नदी के किनारे का पुराना घर खाली है। सर्दी में वहाँ कोई नहीं गया।",
    "tha_Thai": "บ้านเก่าริมแม่น้ำว่างเปล่า ไม่มีใครไปที่นั่นในฤดูหนาว",
    "rus_Cyrl": "Старый дом у реки пуст. Зимой туда никто не ходил.",
}
ROWS = 24
KINDS = ("image", "raw", "vector", "fixed", "scene", "label", "seen", "word", "big", "half", "maybe")
FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["喜", "दुख", "anger"], "_type": "ClassLabel"},
    "scene": {"place": {"dtype": "string", "_type": "Value"}, "sound": {"sampling_rate": 16000, "_type": "Audio"}},
}


def picture(row: int) -> bytes:
    image = pytest.importorskip("PIL.Image").new("RGB", (4 + row % 3, 5), (row, 20, 30))
    image.save(data := io.BytesIO(), "PNG")
    return data.getvalue()


def table() -> pa.Table:
    """Rows with a column of every kind that files have; the label is the row modulo 3."""
    file = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows, langs = range(ROWS), list(TEXTS)
    columns = {
        "text": pa.array([f"{TEXTS[langs[row % 4]]} {row}" for row in rows]),
        "lang": pa.array([langs[row % 4] for row in rows]),
        "number": pa.array(list(rows), pa.int64()),
        "image": pa.array([{"bytes": picture(row), "path": None} for row in rows], file),
        "raw": pa.array([bytes([row, 0, 255]) for row in rows], pa.large_binary()),
        "vector": pa.array([np.arange(row, dtype=np.float32) for row in rows], pa.list_(pa.float32())),
        "fixed": pa.array([[row, row + 0.5] for row in rows], pa.list_(pa.float64(), 2)),
        "scene": pa.array([{"place": "街", "sound": {"bytes": b"RIFF", "path": f"{row}.wav"}} for row in rows]).cast(
            pa.struct([("place", pa.string()), ("sound", file)])
        ),
        "label": pa.array([row % 3 for row in rows], pa.int64()),
        "seen": pa.array([datetime.datetime(2026, 1, 1 + row) for row in rows], pa.timestamp("us", "UTC")),
        "word": pa.array([f"słowo {row % 2}" for row in rows]).dictionary_encode(),
        "big": pa.array([f"большой {row}" for row in rows], pa.large_string()),
        "half": pa.array([[np.float16(row)] for row in rows], pa.list_(pa.float16())),
        "maybe": pa.array([None if row % 2 else [{"x": row}] for row in rows]),
    }
    said = {KEY: json.dumps({"info": {"features": FEATURES}}).encode()}
    return pa.table(columns).replace_schema_metadata(said)


PACKS = """
name: media
seed: 5
steps:
  - {id: documents, step: ingest, files: FOLDER/rows.parquet, lang_column: lang}
  - {id: packs, step: pack, tokenizer: bytes, length: 256, keep: "number,NAMES"}
  - {id: joined, step: pack, input: documents, tokenizer: bytes, length: 256, strategy: concatenate,
     keep: "number,NAMES"}
  - {id: ones, step: pack, input: documents, tokenizer: bytes, length: 64, strategy: one, keep: "number,NAMES"}
  - {id: pairs, step: ingest, kind: pairs, files: FOLDER/rows.parquet, src_column: text, tgt_column: big,
     src_lang: eng_Latn, tgt_lang: rus_Cyrl}
  - {id: bitext, step: pack, tokenizer: bytes, length: 256, view: bitext, keep: "number,image,label,scene,fixed,maybe"}
"""
VIEWS = """
name: views
seed: 5
steps:
  - {step: ingest, files: FOLDER/rows.parquet, lang_column: lang}
  - {step: identify, keep: true}
  - {id: sentences, step: romanize, input: identify, view: translico, floor: 30, keep: "number,NAMES"}
  - {id: restored, step: codeswitch, input: identify, dictionary: FOLDER/words.tsv, src: eng_Latn, tgt: deu_Latn,
     view: restore, keep: "number,NAMES,cs_words"}
  - {id: restore, step: pack, input: restored, tokenizer: bytes, length: 256, view: restore, keep: "number,NAMES"}
"""


def make(folder: Path, recipe: str) -> dict[str, Finished]:
    pq.write_table(table(), folder / "rows.parquet")
    (folder / "words.tsv").write_text("house\tHaus\nriver\tFluss\n", encoding="utf-8")
    text = recipe.replace("FOLDER", str(folder)).replace("NAMES", ",".join(KINDS))
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return run(folder / "recipe.yaml", folder / "out")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    return make(tmp_path_factory.mktemp("media"), PACKS)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    return make(tmp_path_factory.mktemp("views"), VIEWS)


def plain(values: pa.Array | pa.ChunkedArray) -> list[Any]:
    return list(values.to_pylist())


@pytest.mark.parametrize("name", ["packs", "joined", "ones", "bitext"])
def test_values_are_those_of_the_document(made: dict[str, Finished], name: str) -> None:
    assert check_values(made[name].dataset, lists=name in ("packs", "joined")) == set(range(ROWS))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sentences", "restored", "restore"])
def test_values_of_views(views: dict[str, Finished], name: str) -> None:
    rows = check_values(views[name].dataset)
    assert rows <= set(range(ROWS)) if name == "sentences" else rows == set(range(0, ROWS, 4))
    assert len({row % 4 for row in rows}) == (4 if name == "sentences" else 1)


def check_values(dataset: Dataset, *, lists: bool = False) -> set[int]:
    """Compare the kept columns with those of the row that `number` says; the rows that there are."""
    found, wanted = dataset.to_arrow(), table()
    columns = [one for one in wanted.column_names if one in found.column_names and one not in ("text", "lang")]
    assert {"number", "image", "label", "fixed", "maybe"} <= set(columns)
    rows = [row for one in plain(found["number"]) for row in one] if lists else plain(found["number"])
    for column in columns:
        values = plain(found[column])
        if lists:
            assert [len(one) for one in values] == [len(one) for one in plain(found["doc_ids"])]
            values = [value for one in values for value in one]
        assert values == plain(wanted[column].take(pa.array(rows))), column
    return set(rows)


def test_features_of_every_dataset(made: dict[str, Finished]) -> None:
    check_features(made, lists=("packs", "joined"))


@pytest.mark.slow
def test_features_of_views(views: dict[str, Finished]) -> None:
    check_features(views)


def check_features(made: dict[str, Finished], lists: tuple[str, ...] = ()) -> None:
    """Compare what every dataset says of its columns with what the file said."""
    for name, one in made.items():
        found = {key: json.loads(said) for key, said in said_in(one.dataset.manifest.arrow_schema.metadata).items()}
        listed = {
            key: {"feature": said, "length": -1, "_type": "Sequence" if "_type" in said else "List"}
            for key, said in FEATURES.items()
        }
        assert found == (listed if name in lists else FEATURES), name
        # A batch says nothing of it: rows are read and compared as before.
        assert all(batch.schema.metadata is None for batch in one.dataset.batches())


def test_a_kept_column_changes_no_other_one(made: dict[str, Finished], tmp_path: Path) -> None:
    documents = made["documents"].dataset.folder
    recipe = tmp_path / "bare.yaml"
    recipe.write_text(
        f"name: bare\nsteps:\n  - {{step: pack, input: {documents}, tokenizer: bytes, length: 256}}\n", encoding="utf-8"
    )
    bare = run(recipe, tmp_path / "out")["pack"].dataset.to_arrow()
    assert made["packs"].dataset.to_arrow().select(bare.column_names).equals(bare)


def test_the_join_of_the_page_finds_the_columns_that_are_not_kept(made: dict[str, Finished]) -> None:
    duckdb = pytest.importorskip("duckdb")
    page = (Path(__file__).parents[2] / "docs" / "packing.md").read_text("utf-8")
    (query,) = [one for one in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "pair.doc_id" in one]
    for given, name in (("out/tlm", "bitext"), ("out/pairs", "pairs")):
        query = query.replace(given, str(made[name].dataset.folder))
    joined = duckdb.sql(
        query.replace("pair.video_id", "pair.number AS joined").replace("pair.image", "pair.image AS shown")
    )
    rows = joined.to_arrow_table() if hasattr(joined, "to_arrow_table") else joined.arrow()
    assert len(rows) == ROWS
    assert plain(rows["joined"]) == plain(rows["number"])
    assert plain(rows["shown"]) == plain(rows["image"])


@pytest.mark.slow
def test_load_dataset_shows_pictures_and_names(
    made: dict[str, Finished], views: dict[str, Finished], tmp_path: Path
) -> None:
    datasets = pytest.importorskip("datasets")
    everything = {**made, **views}
    for name in ("documents", "identify", "ones", "sentences", "restore", "bitext", "packs"):
        one = datasets.load_dataset(str(everything[name].dataset.folder), split="train", cache_dir=str(tmp_path))
        assert "Audio" in str(one.features["scene"])
        label, row = one.features["label"], one.select_columns(["image", "number"])[0]  # sounds need torchcodec
        image, number = row["image"], row["number"]
        if name == "packs":
            label, image, number = label.feature, image[0], number[0]
        assert label.int2str(number % 3) == FEATURES["label"]["names"][number % 3]
        assert image.size == (4 + number % 3, 5)
        assert image.getpixel((0, 0)) == (number, 20, 30)


@pytest.mark.slow
def test_partitions_say_it_too(made: dict[str, Finished], tmp_path: Path) -> None:
    recipe = tmp_path / "parted.yaml"
    recipe.write_text(
        f"name: parted\nsteps:\n  - {{step: score, input: {made['documents'].dataset.folder}}}\n", encoding="utf-8"
    )
    parted = run(recipe, tmp_path / "one", partition_by="label")["score"].dataset
    assert {name: json.loads(one) for name, one in said_in(parted.manifest.arrow_schema.metadata).items()} == FEATURES
    again = run(recipe, tmp_path / "two", partition_by="label", workers=2)["score"].dataset
    assert digests(again.folder) == digests(parted.folder)
    assert sorted(parted.to_arrow()["label"].to_pylist()) == sorted(row % 3 for row in range(ROWS))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{step: pack, tokenizer: bytes, keep: lable}", "no column 'lable' in .*'label'"),
        ("{step: pack, tokenizer: bytes, keep: [label, length=number]}", "a column 'length' of their own"),
        pytest.param(
            "{step: romanize, view: translico, keep: lang}", "a column 'lang' of their own", marks=pytest.mark.slow
        ),
        ("{step: romanize, keep: label}", "--keep is an option of --view translico"),
        (
            "{step: codeswitch, dictionary: WORDS, src: eng, tgt: deu, keep: label}",
            "--keep is an option of --view restore",
        ),
        ("{step: codeswitch, dictionary: WORDS, src: eng, tgt: deu, view: restore, keep: imag}", "no column 'imag'"),
    ],
)
def test_refused(request: pytest.FixtureRequest, tmp_path: Path, step: str, message: str) -> None:
    with_script = "view: translico" in step
    given = (
        request.getfixturevalue("views")["identify"] if with_script else request.getfixturevalue("made")["documents"]
    )
    folder = given.dataset.folder
    words = folder.parent.parent / "words.tsv"
    recipe = tmp_path / "recipe.yaml"
    written = step.replace("WORDS", str(words)).replace("{", f"{{input: {folder}, ", 1)
    recipe.write_text(f"name: wrong\nsteps:\n  - {written}\n", encoding="utf-8")
    with pytest.raises(UserError, match=message):
        run(recipe, tmp_path / "out")


@pytest.mark.slow
def test_files_and_inputs_that_say_different_things_and_columns_that_half_of_them_have(tmp_path: Path) -> None:
    other = {"label": {"names": ["x", "y", "z"], "_type": "ClassLabel"}}
    one = table()
    two = one.drop_columns(["image", "fixed"]).replace_schema_metadata(
        {KEY: json.dumps({"info": {"features": other}}).encode()}
    )
    pq.write_table(one, tmp_path / "one.parquet")
    pq.write_table(two, tmp_path / "two.parquet")
    recipe, said = tmp_path / "recipe.yaml", list[str]()
    recipe.write_text(
        f"""
name: mixed
steps:
  - {{id: one, step: ingest, files: "{tmp_path}/one.parquet", lang_column: lang}}
  - {{id: two, step: ingest, files: "{tmp_path}/two.parquet", lang_column: lang}}
  - {{id: both, step: ingest, files: ["{tmp_path}/one.parquet", "{tmp_path}/two.parquet"], lang_column: lang}}
  - {{id: mix, step: mix, input: [one, two], rule: proportional, unit: docs}}
  - {{id: packs, step: pack, tokenizer: bytes, length: 256, keep: "image,fixed,number"}}
""",
        encoding="utf-8",
    )
    made = run(recipe, tmp_path / "out", say=said.append)
    assert any("'fixed' (1), 'image' (1): null in the rows of the others" in line for line in said)
    assert sum("column 'label': its inputs say different things" in line for line in said) == 2
    for name in ("both", "mix"):
        assert set(said_in(made[name].dataset.manifest.arrow_schema.metadata)) == {"image"}
    rows = made["mix"].dataset.to_arrow()  # lists of a fixed size with nulls could not be read
    assert sorted(map(str, plain(rows["fixed"]))) == sorted(map(str, [*plain(one["fixed"]), *[None] * ROWS]))
    parts = [value for values in plain(made["packs"].dataset.to_arrow()["image"]) for value in values]
    assert sum(value is None for value in parts) >= ROWS
    assert Dataset.open(made["packs"].dataset.folder, verify=True)


def test_pictures_that_are_none_are_counted_and_stay(tmp_path: Path) -> None:
    file = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": picture(1)}, {"bytes": b"<html>"}, {"bytes": None, "path": "a.png"}, None, {"bytes": b""}]
    rows = pa.table({"text": ["一", "二", "三", "四", "五"], "image": pa.array(values, file)})
    rows = rows.replace_schema_metadata(
        {KEY: json.dumps({"info": {"features": {"image": {"_type": "Image"}}}}).encode()}
    )
    pq.write_table(rows, tmp_path / "photos.parquet")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f'name: p\nsteps:\n  - {{step: ingest, files: "{tmp_path}/photos.parquet"}}\n', encoding="utf-8")
    done = run(recipe, tmp_path / "out")["ingest"].dataset
    assert len(done) == 5
    assert done.to_arrow()["image"].to_pylist() == rows["image"].to_pylist()
    (line,) = [line for line in done.manifest.notes["table"] if "photos.parquet" in line]
    assert line.split() == ["image", "of", "photos.parquet", "2"]
