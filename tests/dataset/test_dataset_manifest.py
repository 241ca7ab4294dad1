"""Manifests: whole or refused, and whatever changes on disk is found."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.dataset_helpers import documents, make_dataset, varied
from tests.running import edit_manifest
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.dataset.manifest import Manifest, StepRecord
from xlcorpus.dataset.ours import check_removable
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import IntegrityError, UserError

ROWS = varied(20)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished dataset that no test changes."""
    folder = tmp_path_factory.mktemp("made") / "data set"
    make_dataset(folder, [ROWS])
    return folder


@pytest.fixture(scope="module")
def torn(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it that tests damage, each in its own way."""
    folder = tmp_path_factory.mktemp("torn") / "dataset"
    shutil.copytree(made, folder)
    return folder


def test_load_gives_what_was_saved(tmp_path: Path) -> None:
    removed = {"swh_Latn": Counter(short=3)}
    tally = Tally("filter", 9, 5, 1, 100, 60, removed, Counter(bad=2), Counter(a=5), Counter(w=5))
    saved = make_dataset(
        tmp_path,
        [ROWS],
        steps=(StepRecord("ingest", {"n": 1}), StepRecord("filter", {"thresholds": {"a": [0.5, None]}}, {"m": "1"})),
        tallies=(Tally("ingest", rows_in=9, rows_out=9), tally),
    )
    loaded = Manifest.load(tmp_path)
    assert loaded == saved
    assert loaded.arrow_schema.equals(ROWS.schema)
    assert loaded.rows == 20
    assert loaded.languages == Counter(a=5)
    assert loaded.sources == Counter(w=5)
    assert is_dataset(tmp_path)


def test_two_saves_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    make_dataset(tmp_path / "again", [ROWS.slice(0, 7), ROWS.slice(7)])
    first = (made / "manifest.json").read_bytes()
    assert (tmp_path / "again" / "manifest.json").read_bytes() == first
    Manifest.load(made).save(tmp_path / "copy")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == first


def test_a_manifest_tells_no_time_and_no_place(made: Path) -> None:
    content = json.loads((made / "manifest.json").read_text("utf-8"))
    assert str(made) not in json.dumps(content)
    assert content["columns"]["text"] == "string"
    assert content["rows"] == 20
    assert content["notes"] == {"note": "ключ"}
    assert list(made.glob(".*")) == []  # no temporary file is left


def test_content_fingerprint_follows_the_rows_alone(made: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(made)
    assert replace(manifest, steps=(), notes={}, seed=9).content_fingerprint == manifest.content_fingerprint
    other = make_dataset(tmp_path, [ROWS.slice(1)])
    assert other.content_fingerprint != manifest.content_fingerprint
    assert replace(manifest, schema="pair-1").content_fingerprint != manifest.content_fingerprint


def test_a_folder_without_manifest_is_refused(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "manifest.json").unlink()
    (tmp_path / "odd" / "manifest.json").mkdir(parents=True)
    for name in ("unfinished", "nothing", "odd"):
        assert not is_dataset(tmp_path / name)
        with pytest.raises(IntegrityError, match=rf"{name} is not a dataset: it has no manifest\.json\n.*--resume"):
            Dataset.open(tmp_path / name)


def test_another_format_is_refused(made: Path, torn: Path) -> None:
    shutil.copy(made / "manifest.json", torn)
    for number in (0, 3, "1", None):
        edit_manifest(torn, lambda content, number=number: {**content, "xlcorpus": number})
        with pytest.raises(IntegrityError, match=r"has format .*, this version reads 1 and 2\n.*remedy: upgrade"):
            Manifest.load(torn)


@pytest.mark.parametrize(
    "content",
    [
        '{"xlcorpus": 7}', '{"xlcorpus": 2, "name": "app", "icons": []}', '{"xlcorpus": 1} ', "{}", '{"xlcorpus"',
        '[{"xlcorpus": 2}]', '{"name": "ቤት", "xlcorpus": 2, "schema": "app"}', "\ufeffκείμενο",
    ],
)  # fmt: skip
def test_a_file_of_this_name_alone_is_no_dataset(tmp_path: Path, content: str) -> None:
    """Others write manifest.json too: neither read nor removed, and raw files beside it are ingested."""
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    assert not is_dataset(tmp_path)
    with pytest.raises(IntegrityError, match="none of xlcorpus"):
        Manifest.load(tmp_path)
    with pytest.raises(UserError, match="did not write"):
        check_removable(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.parquet").touch()
    assert not is_dataset(tmp_path)


@given(share=st.floats(0, 0.999))
def test_a_cut_manifest_is_refused(made: Path, torn: Path, share: float) -> None:
    whole = (made / "manifest.json").read_bytes()
    (torn / "manifest.json").write_bytes(whole[: int(share * (len(whole) - 2))])
    with pytest.raises(IntegrityError, match=r"manifest\.json is damaged: .*\n.*remedy: .*--overwrite"):
        Manifest.load(torn)


READ = "xlcorpus schema arrow_schema steps inputs fingerprint code_version seed shards decisions rejects tallies notes"


@pytest.mark.parametrize("key", READ.split())
def test_a_manifest_without_a_key_is_refused(made: Path, torn: Path, key: str) -> None:
    shutil.copy(made / "manifest.json", torn)
    edit_manifest(torn, lambda content: {name: value for name, value in content.items() if name != key})
    with pytest.raises(IntegrityError, match=rf"manifest\.json is damaged: KeyError: '{key}'"):
        Manifest.load(torn)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: [content],
        lambda content: {**content, "arrow_schema": content["arrow_schema"][:40]},
        lambda content: {**content, "arrow_schema": content["arrow_schema"][:-1]},
        lambda content: {**content, "arrow_schema": ""},
        lambda content: {**content, "shards": None},
        lambda content: {**content, "shards": [{"name": "data/x.parquet"}]},
        lambda content: {**content, "steps": ["ingest"]},
        lambda content: {**content, "tallies": [{}]},
        lambda content: {**content, "schema": -1},
        lambda content: {**content, "fingerprint": ["f"]},
        lambda content: {**content, "notes": "none"},
        lambda content: {**content, "inputs": None},
        lambda content: {**content, "seed": "7"},
        lambda content: {**content, "shards": 5},
        lambda content: {**content, "files": "README.md"},
    ],
)
def test_a_manifest_of_another_shape_is_refused(made: Path, torn: Path, damage: Callable[[Any], Any]) -> None:
    shutil.copy(made / "manifest.json", torn)
    edit_manifest(torn, damage)
    with pytest.raises(IntegrityError, match=r"manifest\.json is damaged"):
        Manifest.load(torn)


@pytest.mark.parametrize("schema", ["letter-1", "document-99", "document", "document-x", ""])
def test_an_unknown_schema_is_refused(made: Path, torn: Path, schema: str) -> None:
    shutil.copy(made / "manifest.json", torn)
    edit_manifest(torn, lambda content: {**content, "schema": schema})
    with pytest.raises(IntegrityError, match=f"was made with the schema {schema}, which"):
        Dataset.open(torn)


def test_a_dataset_that_lacks_a_required_column_is_refused(tmp_path: Path) -> None:
    make_dataset(tmp_path, [documents(["a"]).drop_columns(["origin"])])
    with pytest.raises(IntegrityError, match=rf"{tmp_path}: column 'origin' .* is missing"):
        Dataset.open(tmp_path)


def test_a_sound_dataset_opens_and_verifies(made: Path) -> None:
    dataset = Dataset.open(made, verify=True)
    assert dataset.bytes == sum(path.stat().st_size for path in (made / "data").iterdir())
    assert pa.Table.from_batches(dataset.batches()).to_pylist() == ROWS.to_pylist()
    assert pa.Table.from_batches(dataset.batches(["text"])).column_names == ["text"]
    assert sum(batch.num_rows for batch in dataset.decisions()) == 0


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), kind=st.sampled_from(["shards", "decisions"]))
def test_a_flipped_bit_is_found_by_verify(made: Path, torn: Path, place: float, bit: int, kind: str) -> None:
    manifest = Manifest.load(made)
    (shard,) = getattr(manifest, kind)
    content = bytearray((made / shard.name).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (torn / shard.name).write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        manifest.verify(torn)
    assert f"{torn / shard.name} was changed after it was written" in str(caught.value)
    assert "remedy" in str(caught.value)
    shutil.copy(made / shard.name, torn / shard.name)
    manifest.verify(torn)


def test_missing_and_cut_shards_are_found(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    shutil.copytree(made, folder)
    shard = folder / Manifest.load(folder).shards[0].name
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet is missing or has another size .*\n.*remedy"):
        Dataset.open(folder)
    with pytest.raises(IntegrityError, match="was changed"):
        Manifest.load(folder).verify(folder)
    shard.unlink()
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet is missing"):
        Dataset.open(folder)
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet is missing, the manifest names it"):
        Manifest.load(folder).verify(folder)


def test_verify_looks_at_decisions_and_open_alone_does_not(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    shutil.copytree(made, folder)
    (folder / Manifest.load(folder).decisions[0].name).unlink()
    assert Dataset.open(folder).manifest.rows == 20
    with pytest.raises(IntegrityError, match=r"decisions/part-00000-000\.parquet is missing"):
        Dataset.open(folder, verify=True)
