"""Exports read back by their layouts; what is refused; what is left of an export that fails."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.export.exported import by_hand, documents_of, exported, pack_row, packs, with_notes
from tests.export.layouts import READERS, read_litgpt, read_mds
from tests.packed import view
from tests.rows import doc_id, documents, write_dataset
from xlcorpus.cli.main import main
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import ConservationError, IntegrityError, StorageError, UserError
from xlcorpus.export import export as module
from xlcorpus.export.format import FORMATS, Counted, Format
from xlcorpus.export.formats.datatrove import _human

PACKED: tuple[dict[str, Any], ...] = (
    {},
    {"strategy": "concatenate"},
    {"strategy": "one"},
    {"objective": "mlm", "pure": True},
    {"tokenizer": "bytes", "length": 512},
)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_formats_are_found() -> None:
    assert set(FORMATS.names) == set(READERS)


@pytest.mark.parametrize("options", PACKED, ids=str)
def test_documents_come_back_whole(options: dict[str, Any], tmp_path: Path) -> None:
    dataset = packs(**options)
    expected = documents_of(dataset)
    assert max(map(len, expected)) > 64
    for name, read in READERS.items():
        for more in ({}, {"file_size": "3k"}):
            folder = tmp_path / f"{name}{len(more)}"
            done = exported(dataset, folder, name, **more)
            assert read(folder) == expected
            assert (done.documents, done.tokens) == (len(expected), sum(map(len, expected)))
            assert done.ending == done.documents
            assert not done.inside
            assert len(done.files) > 1 if more else len(done.files) == 1


def test_export_json_says_what_is_there(tmp_path: Path) -> None:
    for name in READERS:
        done = exported(packs(), tmp_path / name, name, file_size="10k")
        said = json.loads((tmp_path / name / "export.json").read_text())
        files = _files(tmp_path / name)
        assert {file["name"] for file in said["files"]} | {"export.json"} == set(files)
        for file in said["files"]:
            assert file["bytes"] == len(files[file["name"]])
            assert file["sha256"] == hashlib.sha256(files[file["name"]]).hexdigest()
        assert sum(file.get("tokens", 0) for file in said["files"]) == said["tokens"] == done.tokens
        assert said["dataset"]["content_fingerprint"] == Dataset.open(packs()).manifest.content_fingerprint
        assert said["tokenizer"] == Dataset.open(packs()).manifest.notes["tokenizer"]
        assert f"{done.tokens:,} tokens of 90 documents for {name}" in files["README.md"].decode()
        sealed = said.pop("checksum")
        said.pop("xlcorpus_export")
        assert storage.fingerprint(said) == sealed


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    for name in READERS:
        exported(packs(), tmp_path / f"{name}-1", name, file_size="10k")
        exported(packs(), tmp_path / f"{name}-2", name, file_size="10k")
        assert _files(tmp_path / f"{name}-1") == _files(tmp_path / f"{name}-2")


@pytest.mark.parametrize(("vocabulary", "bytes_each"), [(65_535, 2), (65_536, 2), (65_537, 4)])
def test_ids_are_as_wide_as_the_vocabulary_asks(vocabulary: int, bytes_each: int, tmp_path: Path) -> None:
    tokenizer = {**Dataset.open(packs()).manifest.notes["tokenizer"], "vocab_size": vocabulary}
    ids = [0, 1, 32_768, vocabulary - 1, 3]
    row = pack_row(0, [(doc_id("one"), ids, 0, len(ids), 0)])
    dataset = by_hand(tmp_path / "dataset", [[row]], tokenizer=tokenizer)
    for name, read in READERS.items():
        done = exported(dataset, tmp_path / name, name)
        assert done.target.dtype.itemsize == bytes_each
        assert read(tmp_path / name) == [ids]
    wrong = by_hand(tmp_path / "wrong", [[row]], tokenizer={**tokenizer, "vocab_size": vocabulary - 1})
    with pytest.raises(
        IntegrityError, match=f"wrong has ids from 0 to {vocabulary - 1:,}, and its tokenizer {vocabulary - 1:,} ids"
    ):
        exported(wrong, tmp_path / "wrong-export", "megatron")
    assert not (tmp_path / "wrong-export").exists()


@pytest.mark.parametrize(
    ("tokens", "said"),
    [(5, "5.00 T"), (999, "999 T"), (9_999, "10.0 kT"), (999_600, "1.00 MT"), (10_000_000, "10.0 MT")],
)
def test_metadata_of_datatrove_have_three_digits(tokens: int, said: str) -> None:
    """As `humanize.metric(tokens, unit="T")` says it."""
    assert _human(tokens) == said


@pytest.mark.parametrize("length", [1, 255, 256, 65_535, 65_536])
def test_shapes_of_mds_are_as_wide_as_they_must_be(length: int, tmp_path: Path) -> None:
    ids = (np.arange(length) % 5_000).tolist()
    parts = [(doc_id("one"), ids[at : at + 64], at, length, 0) for at in range(0, length, 64)]
    rows = [pack_row(at, [part]) for at, part in enumerate(parts)]
    dataset = by_hand(tmp_path / "dataset", [rows])
    exported(dataset, tmp_path / "mds", "mds")
    assert read_mds(tmp_path / "mds") == [ids]


def test_blocks_hold_the_tokens_of_documents_end_to_end(tmp_path: Path) -> None:
    tokens = [token for document in documents_of(packs()) for token in document]
    for name, read in (("litgpt", read_litgpt), ("mds", read_mds)):
        exported(packs(), tmp_path / name, name, block=65, file_size="10k")
        items = read(tmp_path / name)
        assert {len(item) for item in items[:-1]} == {65}
        assert [token for item in items for token in item] == tokens
    said = json.loads((tmp_path / "litgpt" / "index.json").read_text())
    assert all(chunk["dim"] % 65 == 0 for chunk in said["chunks"][:-1])  # TokensLoader leaves nothing out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "megatorn"}, "did you mean 'megatron'"),
        ({"format": "olmo", "block": 9}, "--block is of formats"),
        ({"format": "mds", "file_size": "4GB"}, "at least 1,000 and at most 1,073,741,824 bytes"),
        ({"format": "megatron", "file_size": "9"}, "a file has at least 1,000 bytes"),
        ({"format": "litgpt", "block": 17_813}, "17,812 tokens, which do not fill a block of 17,813"),
        ({"format": "megatron", "file_size": "much"}, "--file-size 'much' is not a size"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        exported(packs(), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_is_no_running_text_is_refused(tmp_path: Path) -> None:
    empty = by_hand(tmp_path / "empty", [[]])
    texts = write_dataset(tmp_path / "texts", [documents(["Habari."])])
    for dataset, said in (
        (view("translico"), "view translico"),
        (empty, "has no rows"),
        (texts.folder, "not token shards"),
        (tmp_path, "is not a dataset"),
    ):
        with pytest.raises(UserError, match=said):
            exported(dataset, tmp_path / "out", "megatron")
    assert not (tmp_path / "out").exists()


def test_documents_without_an_end_are_refused_where_it_is_needed(tmp_path: Path) -> None:
    plain = packs(objective="plain")
    with pytest.raises(UserError, match=r"end without one.*\n.*--eos"):
        exported(plain, tmp_path / "olmo", "olmo")
    done = exported(plain, tmp_path / "mds", "mds")
    assert done.target.end is None
    assert "end without an id that says so" in (tmp_path / "mds" / "README.md").read_text()
    # Older shards do not say what is around documents: the ids themselves tell.
    row = pack_row(0, [(doc_id("one"), [7, 8], 0, 2, 0), (doc_id("two"), [3, 9, 3], 0, 3, 0)])
    older = by_hand(tmp_path / "older", [[row]], older=True, around=None)
    with pytest.raises(UserError, match="1 of 2 documents do not end with 3, which stands 1 times inside"):
        exported(older, tmp_path / "olmo", "olmo")
    assert not (tmp_path / "olmo").exists()
    done = exported(older, tmp_path / "megatron", "megatron")
    assert (done.ending, done.inside) == (1, 1)
    assert json.loads((tmp_path / "megatron" / "export.json").read_text())["dataset"]["around"] is None


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"files that xlcorpus export did not write .*thesis.tex"):
            exported(packs(), tmp_path / "out", "megatron", overwrite=overwrite)
    assert _files(tmp_path / "out") == {"thesis.tex": b"years of work"}
    with pytest.raises(UserError, match="lie in one another"):
        exported(packs(), packs() / "export", "megatron", overwrite=True)
    with pytest.raises(UserError, match="lie in one another"):
        exported(packs(), packs().parent, "megatron", overwrite=True)


def test_overwriting_takes_the_old_export_away_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported(packs(), out, "megatron", file_size="5k")
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"already holds an export.*\n.*--overwrite"):
        exported(packs(), out, "megatron")
    exported(packs(), out, "datatrove", overwrite=True)
    exported(packs(), tmp_path / "new", "datatrove")
    assert _files(out) == _files(tmp_path / "new") | {"notes.txt": b"mine"}
    (out / "index.json").write_text("mine too")
    before = _files(out)
    with pytest.raises(UserError, match=r"in the way of the export: index\.json"):
        exported(packs(), out, "litgpt", overwrite=True)
    assert _files(out) == before


def test_a_full_disk_leaves_nothing_new_and_the_old_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that is written, to the last, may be the one for which there is no room."""
    exported(packs(), tmp_path / "old", "megatron")
    before = _files(tmp_path / "old")
    real, left = storage.write_parts, [0]

    def full(location: Path, parts: Iterable[bytes]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(location))
        real(location, parts)

    monkeypatch.setattr(storage, "write_parts", full)
    for writes in range(7):
        for output in ("old", "new"):
            left[0] = writes
            with pytest.raises(StorageError, match="No space left on device"):
                exported(packs(), tmp_path / output, "mds", overwrite=True, file_size="20k")
        assert _files(tmp_path / "old") == before
        assert not (tmp_path / "new").exists()
    left[0] = 7
    exported(packs(), tmp_path / "old", "mds", overwrite=True, file_size="20k")
    assert left == [0]


@pytest.mark.process
def test_a_killed_export_is_never_taken_for_a_whole_one_and_is_replaced(tmp_path: Path) -> None:
    """kill -9 wherever a file is about to get its name; a process forks one for each such place."""
    killed = """
import os, signal, sys
from pathlib import Path
from tests.export.exported import exported
dataset, folder, place = Path(sys.argv[1]), Path(sys.argv[2]), 0
real = os.replace
while True:
    place += 1
    child = os.fork()
    if not child:
        calls = [0]
        def replace(*names):
            calls[0] += 1
            if calls[0] == place:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*names)
        out = folder / str(place)
        exported(dataset, out, "megatron")
        os.replace = replace
        exported(dataset, out, "datatrove", overwrite=True)
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
print(place)
"""
    command = [sys.executable, "-c", killed, str(packs()), str(tmp_path / "out")]
    places = int(subprocess.run(command, capture_output=True, check=True, text=True, timeout=250).stdout)
    exported(packs(), tmp_path / "old", "megatron")
    exported(packs(), tmp_path / "new", "datatrove")
    old, new = _files(tmp_path / "old"), _files(tmp_path / "new")
    seen = set()
    for place in range(1, places):
        out = tmp_path / "out" / str(place)
        left = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
        assert "export.json" not in left or left == old
        seen.add("export.json" in left)
        exported(packs(), out, "datatrove", overwrite=True)
        assert _files(out) == new
    assert seen == {True, False}
    assert _files(tmp_path / "out" / str(places)) == new


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_export_that_breaks_off_while_it_is_put_in_its_place_is_seen_and_replaced(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    exported(packs(), out, "megatron", file_size="10k")
    with monkeypatch.context() as patched:
        real, calls = storage.commit, [0]

        def broken(temporary: Path, location: Path) -> None:
            if location.parent == out and location.name.startswith("part"):
                calls[0] += 1
                if calls[0] > after:
                    raise OSError(errno.EIO, "Input/output error", str(location))
            real(temporary, location)

        patched.setattr(storage, "commit", broken)
        with pytest.raises(StorageError, match="Input/output error"):
            exported(packs(), out, "datatrove", overwrite=True)
    assert not (out / "export.json").exists()
    if after:
        with pytest.raises(UserError, match="an unfinished export"):
            exported(packs(), out, "datatrove")
    exported(packs(), out, "datatrove", overwrite=True)
    exported(packs(), tmp_path / "new", "datatrove")
    assert _files(out) == _files(tmp_path / "new")


class _Lossy(Format):
    def write(self, target: Any, number: int, documents: Any) -> Counted:
        counted = Counted((f"part-{number}",))
        storage.write_parts(target.folder / counted.names[0], list(counted.ids(documents, target))[:-1])
        counted.tokens -= 1
        return counted


def test_a_format_that_loses_tokens_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS.all, "lossy", _Lossy("lossy", "loses tokens"))
    with pytest.raises(
        ConservationError, match="17,812 tokens were read, 17,812 are in documents, 17,811 were written"
    ):
        exported(packs(), tmp_path / "out", "lossy")
    assert not (tmp_path / "out").exists()


def test_a_changed_shard_is_refused(tmp_path: Path) -> None:
    dataset = with_notes(packs(), tmp_path / "dataset")
    shard = dataset / Dataset.open(dataset).manifest.shards[1].name
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="changed after it was written"):
        exported(dataset, tmp_path / "out", "megatron")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["export", str(packs()), "--format", "litgpt", "--block", "65", "--output", str(tmp_path / "out")])
    assert not left.value.code
    printed = capsys.readouterr().out
    assert "90 documents, 17,812 tokens of uint16 in 1 file: " in printed
    assert "Every document ends with the id 3" in printed
    with pytest.raises(SystemExit) as left:
        main(["export", str(view("tlm")), "--format", "litgpt", "--output", str(tmp_path / "view")])
    assert left.value.code == 1
    assert "the view tlm" in capsys.readouterr().err
    assert sum(map(len, read_litgpt(tmp_path / "out"))) == 17_812
    assert module.ExportOptions(format="mds").file_bytes == 64_000_000


def test_what_is_trained_on_is_said_to_be_left_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = "{{ lang }}: {% generation %}{{ text }}{% endgeneration %}{{ eos }}"
    for name, options in (("part", {"template": template}), ("all", {})):
        exported(packs(**options), tmp_path / name, "mds")
        card = (tmp_path / name / "README.md").read_text("utf-8")
        said = json.loads((tmp_path / name / "export.json").read_text("utf-8"))
        assert ("`loss_spans`" in card) == said["dataset"].get("trained_in_part", False) == (name == "part")
    with pytest.raises(SystemExit, match="0"):
        main(["export", str(packs(template=template)), "--format", "mds", "--output", str(tmp_path / "cli")])
    assert "loss_spans" in capsys.readouterr().out
