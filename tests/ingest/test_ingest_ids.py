"""Ids of documents: no two of different files, the same ones of one file, whatever way it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xlcorpus
from tests.code.test_code_trees import read as read_code_trees
from tests.ingest.ingest_helpers import COMPRESS, TEXTS, ReadRows, jsonl, read_all, read_pairs, wet
from tests.rows import rows_of
from tests.running import called
from xlcorpus.dataset import storage

SCRIPTS = list(TEXTS.values())


def _write_jsonl(path: Path, texts: Sequence[str]) -> Path:
    return jsonl(path.with_suffix(".jsonl"), *({"text": text} for text in texts))


def _write_text(path: Path, texts: Sequence[str]) -> Path:
    path = path.with_suffix(".txt")
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def _write_parquet(path: Path, texts: Sequence[str]) -> Path:
    path = path.with_suffix(".parquet")
    pq.write_table(pa.table({"text": texts}), path, row_group_size=4)
    return path


def _write_wet(path: Path, texts: Sequence[str]) -> Path:
    path = path.with_suffix(".wet.gz")
    path.write_bytes(b"".join(COMPRESS[".gz"](wet(text)) for text in texts))
    return path


WRITE = {"jsonl": _write_jsonl, "text": _write_text, "parquet": _write_parquet, "wet": _write_wet}
Write = Callable[[Path, Sequence[str]], Path]


@pytest.fixture(params=WRITE)
def write(request: pytest.FixtureRequest) -> Write:
    return WRITE[request.param]


def ids(read: ReadRows) -> list[bytes]:
    return [row["doc_id"] for row in read.documents]


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_files_of_one_name_in_two_folders_have_ids_of_their_own(tmp_path: Path, write: Write) -> None:
    one = write(folder(tmp_path / "A" / "data") / "train", SCRIPTS)
    two = write(folder(tmp_path / "B" / "data") / "train", [*SCRIPTS[:-1], "A last one that differs."])
    assert one.name == two.name
    first, second = (read_all(path.parent, source=None) for path in (one, two))
    assert {row["source"] for row in [*first.documents, *second.documents]} == {"data"}
    assert not set(ids(first)) & set(ids(second))


def test_a_file_has_the_same_ids_wherever_it_lies_and_however_it_is_given_and_cut(tmp_path: Path, write: Write) -> None:
    one = write(folder(tmp_path / "A" / "data") / "train", SCRIPTS)
    copy = folder(tmp_path / "elsewhere" / "data") / one.name
    copy.write_bytes(one.read_bytes())
    wanted = ids(read_all(one))
    assert len(set(wanted)) == len(SCRIPTS)
    assert ids(read_all(copy)) == wanted
    assert ids(read_all(copy.parent)) == wanted
    assert ids(read_all(copy.parent / "tra*")) == wanted
    for target in (1, 60, 1000):
        assert ids(read_all(one, target_bytes=target)) == wanted


def test_names_sources_and_content_are_each_a_part_of_ids(tmp_path: Path, write: Write) -> None:
    one = write(folder(tmp_path / "a") / "train", SCRIPTS)
    other_name = one.with_name(f"other-{one.name}")
    other_name.write_bytes(one.read_bytes())
    both = read_all(one.parent)
    assert set(Counter(row["text"] for row in both.documents).values()) == {2}
    grown = write(folder(tmp_path / "b") / "train", [*SCRIPTS, "One more."])
    reads = [read_all(one), read_all(other_name), read_all(one, source="another"), read_all(grown)]
    found = Counter(id for read in reads for id in ids(read))
    assert set(found.values()) == {1}
    assert {id for read in reads[:2] for id in ids(read)} == set(ids(both))


def test_other_texts_of_the_same_records_are_other_documents(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl", *({"swh": one, "amh": other} for one, other in zip(SCRIPTS, SCRIPTS[::-1], strict=True))
    )
    swahili, amharic = (read_all(path, text_column=column) for column in ("swh", "amh"))
    assert not set(ids(swahili)) & set(ids(amharic))
    plain = _write_text(tmp_path / "a", [*SCRIPTS[:3], "", *SCRIPTS[3:]])
    reads = [read_all(plain, sample_by=unit) for unit in ("line", "paragraph", "document")]
    assert [read.offsets[0] for read in reads] == [0, 0, 0]
    assert len({id for read in reads for id in ids(read)}) == sum(len(ids(read)) for read in reads)
    there, back = (read_pairs(path, src_column=a, tgt_column=b) for a, b in (("swh", "amh"), ("amh", "swh")))
    assert not set(ids(there)) & set(ids(back))


def test_the_second_of_two_parallel_files_counts_too(tmp_path: Path) -> None:
    for place, change in (("A", ""), ("B", "!")):
        folder(tmp_path / place / "opus")
        (tmp_path / place / "opus" / "a.en").write_text("one\ntwo\n", encoding="utf-8")
        (tmp_path / place / "opus" / "a.de").write_text(f"eins\nzwei{change}\n", encoding="utf-8")
    one, two = (read_pairs(tmp_path / place / "opus", source=None) for place in ("A", "B"))
    assert [row["origin"] for row in one.documents] == [row["origin"] for row in two.documents]
    assert not set(ids(one)) & set(ids(two))


def test_files_of_source_trees_of_one_name_have_ids_of_their_own(tmp_path: Path) -> None:
    for place, value in (("A", 1), ("B", 2)):
        source = folder(tmp_path / place / "mill" / "src") / "mill.py"
        source.write_text(f"wheel = {value}\n", encoding="utf-8")
        (source.parent / "same.py").write_text("same = True\n", encoding="utf-8")
    one, two = ({row["origin"]["file"]: row["doc_id"] for row in read_code_trees(tmp_path / place / "mill",
                 licenses="any")[0]} for place in ("A", "B"))  # fmt: skip
    assert one["mill/src/mill.py"] != two["mill/src/mill.py"]
    assert one["mill/src/same.py"] == two["mill/src/same.py"]
    assert one["mill/src/same.py"] != one["mill/src/mill.py"]


def test_two_standard_inputs_have_ids_of_their_own(tmp_path: Path) -> None:
    found = []
    for number, text in enumerate(("Maji ni uhai.", "ውሃ ሕይወት ነው።")):
        output = tmp_path / str(number)
        done = called("ingest", "-", "--format", "text", "--output", output, stdin=text.encode())
        assert done.returncode == 0, done.stderr
        found += [row["doc_id"] for row in rows_of(output)]
    assert len(set(found)) == 2


def test_a_run_reads_a_file_once_for_its_ids_however_it_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = storage.fingerprint_of_file
    monkeypatch.setattr(storage, "fingerprint_of_file", lambda path: asked.append(Path(path).name) or known(path))
    data = folder(tmp_path / "data")
    _write_jsonl(data / "a", SCRIPTS * 30)
    _write_text(data / "b", SCRIPTS * 30)
    made = xlcorpus.ingest(data, output=tmp_path / "out", task_bytes=3000)
    assert len(set(made.to_arrow(["doc_id"]).column(0).to_pylist())) == made.manifest.rows == len(SCRIPTS) * 60
    assert sorted(asked) == ["a.jsonl", "b.txt"]
