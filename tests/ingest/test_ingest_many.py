"""Many small files share tasks, batches and shards; each is opened a few times, and nothing depends on the joins."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, page, read_all, response, wet
from tests.running import run, write_recipe
from xlcorpus.dataset import storage
from xlcorpus.ingest import read as module
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.find import find_files
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import weight_of

TEXT = list(TEXTS.values())


def fill(folder: Path, kind: str, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        text = f"{number} {TEXT[number % len(TEXT)]}"
        path = folder / f"{number:05d}.{kind}"
        if kind == "parquet":
            pq.write_table(pa.table({"text": [text]}), path)
        else:
            line = f'{{"text": "{text}"}}\n' if number % 7 else '{"text": ""}\n{"no": 1}\n'
            data = {
                "jsonl": line.encode(),
                "jsonl.gz": COMPRESS[".gz"](line.encode()),
                "txt": f"{text}\n\xa0\n".encode() if number % 7 else b"\xff\n",
                "wet": wet(text),
                "warc": response(page(text)),
            }[kind]
            path.write_bytes(data)
    return folder


def results(folder: Path, **options: Any) -> list[Any]:
    given = ReadOptions(**options)
    files = find_files([str(folder)], given)
    schema = output_schema(files, given)
    tasks = module.cut_files(files, target_bytes=given.task_bytes)
    return [result for parts in tasks for result in module.read_ranges(parts, given, schema)]


KINDS = ["jsonl", "jsonl.gz", "txt", "wet", "warc", "parquet"]


@pytest.mark.parametrize("kind", KINDS)
def test_small_files_share_batches(tmp_path: Path, kind: str) -> None:
    assert len(results(fill(tmp_path / "in", kind, 60))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_joined_results_hold_what_the_files_hold(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "in", kind, 60)
    joined = read_all(folder, source="s")
    monkeypatch.setattr(module, "_SMALL_BYTES", 0)  # each result by itself
    assert len(results(folder)) == 60
    apart = read_all(folder, source="s")
    assert (apart.documents, apart.decisions, apart.rejects) == (joined.documents, joined.decisions, joined.rejects)
    assert (apart.records, apart.bytes) == (joined.records, joined.bytes)


def test_joined_results_keep_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fill(tmp_path / "in", "txt", 100)
    monkeypatch.setattr(module, "BATCH_ROWS", 16)
    found = results(folder)
    for result in found:
        reasons = sum(part.num_rows for part in (result.decisions, result.rejects) if part is not None)
        assert max(result.rows.num_rows, reasons) <= 16
    assert sum(result.rows_in for result in found) == 100 + 85  # the lines of a no-break space are decided on
    monkeypatch.setattr(module, "_JOINED_BYTES", 2000)
    assert all(result.rows.nbytes <= 2000 for result in results(folder))


@pytest.mark.parametrize(("kind", "most"), [("jsonl", 4), ("txt", 3), ("jsonl.gz", 5)])
def test_a_small_file_is_opened_a_few_times(
    tmp_path: Path, kind: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    real = storage.open_input

    def count(location: Any) -> Any:
        opened[str(location)] += 1
        return real(location)

    folder = fill(tmp_path / "in", kind, 20)
    recipe = write_recipe(tmp_path, f'name: a\nsteps: [{{step: ingest, files: ["{folder}"]}}]')
    monkeypatch.setattr(storage, "open_input", count)
    dataset = run(recipe, tmp_path / "out", max_error_rate=1.0)["ingest"].dataset
    assert len(dataset.manifest.shards) == 1
    assert {opened[str(path)] for path in folder.iterdir()} == {most}


def test_the_order_of_small_files_is_that_of_their_names(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "jsonl", 300)
    found = read_all(folder)
    assert [row["origin"]["file"] for row in found.documents] == sorted(
        row["origin"]["file"] for row in found.documents
    )
    assert read_all(folder, target_bytes=100).documents == found.documents


def test_very_many_small_files_are_several_tasks_that_weigh_what_they_cost() -> None:
    files = [InputFile(Path("nowhere"), f"{number:05d}", "s", "jsonl", "none", 10) for number in range(25_000)]
    tasks = module.cut_files(files, target_bytes=64 << 20)
    assert [len(parts) for parts in tasks] == [10_000, 10_000, 5_000]
    assert [part.file.name for parts in tasks for part in parts] == [file.name for file in files]
    assert weight_of(tasks[0]) > 100 << 20  # so that workers are started for them
