"""WriteShards refuses what a runner may get wrong, and leaves nothing half-written behind."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.rows import documents
from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import CarriedError, found_in
from xlcorpus.beam.write import _WriteShard, write_results
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.tally import Tally
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.errors import ConservationError


def element(task: int, sequence: int, last: bool, texts: list[str], claimed: int | None = None) -> ShardBatch:
    count = len(texts) if claimed is None else claimed
    return ShardBatch(task, sequence, last, documents(texts), (), (), (Tally("s", rows_in=count, rows_out=count),))


def writer(folder: Path) -> _WriteShard:
    made = _WriteShard(Workspace(folder), None)
    made.start_bundle()
    return made


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_task_in_order(tmp_path: Path) -> None:
    write = writer(tmp_path)
    assert write.process(element(4, 0, False, ["a", "b"])) == []
    assert write.process(element(4, 1, True, ["c"])) == [4]
    write.finish_bundle()
    record = Workspace(tmp_path).finished("write", 4, Written, verify=True)
    assert record is not None
    assert record.tallies[-1].rows_out == 3
    assert files(tmp_path) == ["00004.json", "part-00004-000.parquet"]
    assert pq.read_table(tmp_path / "data/part-00004-000.parquet").column("text").to_pylist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "arriving",
    [
        [element(0, 1, False, ["b"])],
        [element(0, 0, False, ["a"]), element(0, 2, True, ["c"])],
        [element(0, 0, False, ["a"]), element(1, 0, True, ["b"])],
        [element(0, 0, False, ["a"]), element(0, 0, False, ["a"])],
    ],
    ids=["without its first", "with a gap", "two tasks mixed", "one batch twice"],
)
def test_batches_out_of_order_fail_the_bundle(tmp_path: Path, arriving: list[ShardBatch]) -> None:
    write = writer(tmp_path)
    *before, last = arriving
    for one in before:
        write.process(one)
    with pytest.raises(CarriedError) as caught:
        write.process(last)
    assert isinstance(found_in(caught.value), ConservationError)
    assert files(tmp_path) == []


def test_a_task_without_its_end_fails_the_bundle(tmp_path: Path) -> None:
    write = writer(tmp_path)
    write.process(element(0, 0, False, ["a"]))
    with pytest.raises(CarriedError):
        write.finish_bundle()
    assert files(tmp_path) == []


def test_rows_that_vanish_between_step_and_writer_fail_the_task(tmp_path: Path) -> None:
    write = writer(tmp_path)
    with pytest.raises(CarriedError) as caught:
        write.process(element(0, 0, True, ["a"], claimed=2))
    assert "1 rows were written, step 's' gave 2" in str(found_in(caught.value))
    assert files(tmp_path) == []


def test_an_altered_shard_makes_its_sidecar_invalid(tmp_path: Path) -> None:
    write = writer(tmp_path)
    write.process(element(0, 0, True, ["a"]))
    shard = tmp_path / "data/part-00000-000.parquet"
    content = bytearray(shard.read_bytes())
    content[40] ^= 1
    shard.write_bytes(content)
    assert Workspace(tmp_path).finished("write", 0, Written) is not None
    assert Workspace(tmp_path).finished("write", 0, Written, verify=True) is None


@pytest.mark.parametrize("bit", range(8))
def test_a_damaged_sidecar_is_no_record(tmp_path: Path, bit: int) -> None:
    write = writer(tmp_path)
    write.process(element(0, 0, True, ["ܫܠܡܐ ܥܠܡܐ", "ᠮᠣᠩᠭᠣᠯ"]))
    (sidecar,) = tmp_path.rglob("00000.json")
    whole = sidecar.read_bytes()
    record = Workspace(tmp_path).finished("write", 0, Written)
    for at in range(0, len(whole), 3):
        sidecar.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        assert Workspace(tmp_path).finished("write", 0, Written) in (None, record)  # white space has no effect


def test_results_are_written_with_their_reasons(tmp_path: Path) -> None:
    rows = documents(["a", "b", "c"], "swh_Latn")
    gone = decide(rows.slice(2), "thin", "short")
    written = write_results(Workspace(tmp_path), 3, "thin", [Result(rows.slice(0, 2), gone, rows_in=3)])
    assert files(tmp_path) == ["part-00003-000.parquet", "part-00003-000.parquet"]
    (tally,) = written.tallies
    assert (tally.rows_in, tally.rows_out, tally.removed) == (3, 2, {"swh_Latn": {"short": 1}})
    assert tally.languages == {"swh_Latn": 2}
    assert [file.name for file in written.files] == ["data/part-00003-000.parquet", "decisions/part-00003-000.parquet"]


def test_results_that_lose_a_row_leave_nothing(tmp_path: Path) -> None:
    rows = documents(["a", "b", "c"])
    with pytest.raises(ConservationError, match="step 'thin' does not account for every row: rows_in 3"):
        write_results(Workspace(tmp_path), 3, "thin", [Result(rows.slice(0, 2), rows_in=3)])
    assert files(tmp_path) == []
