"""Whose files lie in an output folder: those that a dataset or a run of ours lists may go, all others stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.running import digests, edit_manifest, run_nodes
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.dataset.workspace import RunState, Workspace
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.recipe.run import Finished
from xlcorpus.recipe.single import nodes_of_step

LINES = {
    "dv": "މިއީ ދިވެހި ބަހުން ލިޔެފައިވާ ޖުމްލައެކެވެ",
    "ka": "ეს არის წინადადება ქართულ ენაზე",
    "am": "ይህ በአማርኛ የተጻፈ ዓረፍተ ነገር ነው",
}
WEB_APP = {"name": "a web app", "icons": [], "start_url": "/"}
OTHERS = {
    "a web app": json.dumps(WEB_APP),
    "docker": json.dumps({"schemaVersion": 2, "config": {"size": 1}, "layers": []}, indent=3),
    "a list": json.dumps([{"name": "a.jsonl", "rows": 3}]),
    "numbers of ours by chance": json.dumps({"schema": "v1", "rows": 3, "shards": ["a"], "seed": 1, "columns": []}),
    "no JSON": "CACHE MANIFEST\n/a.html\n",
    "nothing": "",
    "bytes": "\ufeff\0\1",
}


def ingest(source: Path, output: Path, **settings: object) -> Finished:
    """One ingest pass into `output/ingest`."""
    return run_nodes(nodes_of_step("ingest", [str(source)], {}, "test"), output, **settings)["ingest"]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder of raw files."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, line in LINES.items():
        (folder / f"{name}.jsonl").write_text(json.dumps({"text": line}) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_manifest_of_others_makes_no_dataset(raw: Path, tmp_path: Path, content: str) -> None:
    (raw / "manifest.json").write_text(content, encoding="utf-8")
    (raw / "deep").mkdir()
    shutil.copy(raw / "manifest.json", raw / "deep" / "manifest.json")
    assert not is_dataset(raw)
    with pytest.raises(IntegrityError, match=r"none of xlcorpus"):
        Dataset.open(raw)
    said: list[str] = []
    rows = ingest(raw, tmp_path / "out", say=said.append).dataset.to_arrow(["text"])
    assert sorted(rows["text"].to_pylist()) == sorted(LINES.values())
    assert [line for line in said if f"{raw / 'deep' / 'manifest.json'}" in line]


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_folder_of_others_is_never_cleared(raw: Path, tmp_path: Path, content: str) -> None:
    """Not even one that looks like a dataset: shards of our names, `_work`, a manifest.json."""
    output = tmp_path / "out" / "ingest"
    for name in ("data", "decisions", "_work"):
        (output / name).mkdir(parents=True)
    (output / "manifest.json").write_text(content, encoding="utf-8")
    (output / "data" / "spark-part-00000.parquet").write_bytes(b"PAR1 of others")
    (output / "_work" / "notes.txt").write_text("mine")
    before = digests(output)
    for settings in ({}, {"overwrite": True}, {"resume": True}, {"resume": True, "stale_is_error": False}):
        with pytest.raises(UserError, match=r"files that xlcorpus did not write \(_work.*\n.*another --output"):
            ingest(raw, tmp_path / "out", **settings)
        assert digests(output) == before


@pytest.mark.parametrize("how", ["finished", "unfinished", "damaged", "older"])
def test_overwrite_leaves_and_names_what_others_put_there(raw: Path, tmp_path: Path, how: str) -> None:
    output = tmp_path / "out" / "ingest"
    ingest(raw, tmp_path / "out")
    whole = digests(output)
    others = {
        "notes.txt": "top",
        "data/notes.txt": "of the data",
        "rejects/2024/why.md": "deep",
        "data/.DS_Store": "hidden",
    }
    for name, text in others.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text)
    if how == "unfinished":
        (output / "manifest.json").unlink()
        (output / "data" / ".part-00007-000.parquet.0123abcd.tmp").write_bytes(b"half")
        Workspace(output).begin(RunState("of a run that was killed"))
    elif how == "damaged":
        (output / "manifest.json").write_bytes((output / "manifest.json").read_bytes()[:-200])
    elif how == "older":
        edit_manifest(output, lambda content: {**content, "xlcorpus": 1, "seed": 6})
    said: list[str] = []
    ingest(raw, tmp_path / "out", overwrite=True, say=said.append)
    assert any("data/.DS_Store, data/notes.txt, notes.txt, rejects/2024/why.md: left" in line for line in said)
    found = digests(output)
    assert {name: (output / name).read_text() for name in others} == others
    assert {name: digest for name, digest in found.items() if name not in others} == whole


@pytest.mark.parametrize("name", ["data/mine.parquet", "data/part-00004-000.parquet", "decisions/lang=x/a.txt", "link"])
def test_what_readers_would_take_for_the_datasets_is_in_the_way(raw: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / "out" / "ingest"
    ingest(raw, tmp_path / "out")
    if name == "link":  # the shards were moved to another disk
        shutil.move(output / "data", tmp_path / "disk")
        (output / "data").symlink_to(tmp_path / "disk")
        name = "data"
    else:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(b"mine")
    before = digests(tmp_path)
    with pytest.raises(UserError, match=rf"in the way of a dataset: {name}\n.*move them .* nothing was removed"):
        ingest(raw, tmp_path / "out", overwrite=True)
    assert digests(tmp_path) == before


def test_shards_that_are_links_go_and_what_they_lead_to_stays(raw: Path, tmp_path: Path) -> None:
    """As in a snapshot of the Hugging Face cache."""
    output = tmp_path / "out" / "ingest"
    ingest(raw, tmp_path / "out")
    (tmp_path / "blobs").mkdir()
    for shard in (output / "data").iterdir():
        shutil.move(shard, tmp_path / "blobs" / shard.name)
        shard.symlink_to(tmp_path / "blobs" / shard.name)
    before = digests(tmp_path / "blobs")
    ingest(raw, tmp_path / "out", overwrite=True, seed=9)
    assert digests(tmp_path / "blobs") == before
    assert not any(path.is_symlink() for path in output.rglob("*"))


def test_an_output_folder_that_is_a_link_is_written_through(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ingest").symlink_to(tmp_path / "disk")
    ingest(raw, tmp_path / "out")
    ingest(raw, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "ingest").is_symlink()
    assert Dataset.open(tmp_path / "disk", verify=True).manifest.rows == 3


@pytest.mark.parametrize("version", [3, 99])
def test_a_dataset_of_a_newer_xlcorpus_is_neither_read_nor_taken_for_raw_files(
    raw: Path, tmp_path: Path, version: int
) -> None:
    output = tmp_path / "out" / "ingest"
    ingest(raw, tmp_path / "out")
    edit_manifest(output, lambda old: {"xlcorpus": version, "content": [shard["name"] for shard in old["shards"]]})
    before = digests(output)
    for source, target in ((raw, tmp_path / "out"), (output, tmp_path / "next")):
        with pytest.raises(UserError, match=f"format {version}, this version reads|it is an xlcorpus dataset"):
            ingest(source, target)
    with pytest.raises(UserError, match=r"in the way of a dataset: data/part-00000-000\.parquet"):
        ingest(raw, tmp_path / "out", overwrite=True)
    assert digests(output) == before


@pytest.mark.parametrize("kept", [0, 1, 30, 700])
def test_a_cut_manifest_makes_no_raw_files_of_the_shards(raw: Path, tmp_path: Path, kept: int) -> None:
    output = tmp_path / "out" / "ingest"
    ingest(raw, tmp_path / "out")
    (output / "manifest.json").write_bytes((output / "manifest.json").read_bytes()[:kept])
    assert is_dataset(output)
    with pytest.raises(UserError, match="xlcorpus dataset"):
        ingest(output, tmp_path / "next")
    with pytest.raises(IntegrityError, match="is damaged"):
        Dataset.open(output)
