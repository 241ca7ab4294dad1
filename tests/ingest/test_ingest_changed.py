"""A file that grows, shrinks or is replaced while it is read is an error that names it; one that is touched is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, jsonl
from tests.running import run, write_recipe
from xlcorpus.errors import UserError
from xlcorpus.ingest.read import read_ranges
from xlcorpus.pipelines import ingest as step
from xlcorpus.raw.prints import take_print


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(path.read_bytes())


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_in_place(path: Path) -> None:
    """Another content of the same size."""
    data = path.read_bytes()
    path.write_bytes(data[:-9] + data[-9:].swapcase() if data[-9:].swapcase() != data[-9:] else data[::-1])


def replace(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(path.read_bytes() * 2)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(other, path)


def write_jsonl(folder: Path) -> Path:
    return jsonl(folder / "मूल.jsonl", *({"text": text} for text in TEXTS.values()))


def write_text(folder: Path) -> Path:
    (folder / "a.txt").write_text("\n".join(TEXTS.values()))
    return folder / "a.txt"


def write_packed(folder: Path) -> Path:
    path = write_text(folder)
    path.write_bytes(COMPRESS[".zst"](path.read_bytes()))
    return path


def write_parquet(folder: Path) -> Path:
    pq.write_table(pa.table({"text": list(TEXTS.values())}), folder / "b.parquet")
    return folder / "b.parquet"


def ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], path: Path) -> Any:
    """Run, and change the file when all its rows have been read."""

    def read_then_change(*given: Any, **more: Any) -> Iterator[Any]:
        yield from read_ranges(*given, **more)
        change(path)

    monkeypatch.setattr(step, "read_ranges", read_then_change)
    recipe = write_recipe(tmp_path, f'name: a\nsteps: [{{step: ingest, files: ["{path}"]}}]')
    return run(recipe, tmp_path / "out")["ingest"].dataset


@pytest.mark.parametrize("change", [grow, shrink, overwrite_in_place, replace])
@pytest.mark.parametrize("write", [write_jsonl, write_text, write_packed, write_parquet])
def test_a_file_that_is_changed_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], write: Callable[[Path], Path]
) -> None:
    path = write(tmp_path)
    with pytest.raises(UserError, match="was changed while it was read") as error:
        ingest(tmp_path, monkeypatch, change, path)
    assert str(path) in error.value.message
    assert not (tmp_path / "out" / "ingest" / "manifest.json").exists()


def test_a_file_that_is_gone_at_the_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path)
    with pytest.raises(UserError, match="it was there when the run was planned") as error:
        ingest(tmp_path, monkeypatch, os.unlink, path)
    assert str(path) in error.value.message


def test_a_file_that_is_only_touched_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def touch(path: Path) -> None:
        os.utime(path, ns=(1, 1))
        path.chmod(0o600)

    assert len(ingest(tmp_path, monkeypatch, touch, write_jsonl(tmp_path))) == len(TEXTS)


def test_a_file_that_is_changed_between_the_look_and_the_fingerprint(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path)
    state = (path.stat().st_size, path.stat().st_mtime_ns, path.stat().st_ino)
    grow(path)
    with pytest.raises(UserError, match="was changed while it was read"):
        take_print(path, state)
