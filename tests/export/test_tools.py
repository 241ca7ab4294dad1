"""Exports against the tools that are installed (`python -m tests.export.readers VENV`): what they read and write.

Equal are every token that a tool's own reader gives, and every byte that its own writer makes of the same documents.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.export.exported import documents_of, exported, packs, with_notes
from tests.export.readers import MODULES, READERS, expected_of
from tests.export.writers import WRITERS
from xlcorpus.dataset.dataset import Dataset

OPTIONS: tuple[dict[str, Any], ...] = ({}, {"strategy": "concatenate"}, {"objective": "mlm"})


@pytest.fixture
def tool(name: str) -> str:
    """The name of a format whose tool is installed."""
    pytest.importorskip(MODULES[name], reason=f"{name} is not installed", exc_type=ImportError)
    return name


def _packs(folder: Path, wide: bool, **options: Any) -> Path:
    """Packs; wide: of a tokenizer of more than 65,536 ids."""
    given = packs(**options)
    tokenizer = {**Dataset.open(given).manifest.notes["tokenizer"], "vocab_size": 70_000}
    return with_notes(given, folder / "dataset", tokenizer=tokenizer) if wide else given


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", READERS)
def test_its_own_reader_gives_every_token(tool: str, options: dict[str, Any], wide: bool, tmp_path: Path) -> None:
    dataset = _packs(tmp_path, wide, **options)
    more = {"block": 65} if tool == "litgpt" else {}
    ids, sizes = expected_of(dataset)
    for number, size in enumerate(("1GB", "8k")):
        done = exported(dataset, tmp_path / f"out{number}", tool, file_size=size, **more)
        assert done.target.dtype.itemsize == (4 if wide else 2)
        assert number == 0 or len(done.files) > 2
        found, found_sizes = READERS[tool](tmp_path / f"out{number}")
        assert np.array_equal(found, ids)
        assert found_sizes in (None, sizes)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", WRITERS)
def test_its_own_writer_makes_the_same_files(tool: str, options: dict[str, Any], wide: bool, tmp_path: Path) -> None:
    dataset = _packs(tmp_path, wide, **options)
    done = exported(dataset, tmp_path / "ours", tool)
    (tmp_path / "theirs").mkdir()
    facts = {"tokenizer": done.target.tokenizer.name, "end": done.target.end}
    WRITERS[tool](tmp_path / "theirs", documents_of(dataset), done.target.dtype, **facts)
    ours, theirs = ({path.name: _content(path) for path in (tmp_path / side).iterdir()} for side in ("ours", "theirs"))
    assert set(ours) == {*theirs, "README.md", "export.json"}
    assert {name: ours[name] for name in theirs} == theirs


def _content(file: Path) -> Any:
    """The bytes of a file; of what is packed or JSON what it says, but for facts that its reader can do without."""
    content = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(content)
    if file.suffix != ".json":
        return content
    said = json.loads(content)
    if "chunks" in said:  # of litdata: when it was written, the limit of a chunk, what is null, the type by name
        said.pop("updated_at", None)
        left_out = ("chunk_bytes", "types")
        said["config"] = {key: value for key, value in said["config"].items() if value and key not in left_out}
    return said


@pytest.mark.parametrize("options", [{}, {"objective": "mlm", "length": 512}], ids=str)
@pytest.mark.parametrize("name", READERS)
def test_the_lines_of_the_card_open_the_export(tool: str, options: dict[str, Any], tmp_path: Path) -> None:
    exported(packs(**options), tmp_path / "out", tool)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(), re.DOTALL)
    assert code
    names: dict[str, Any] = {}
    exec(code[1].replace("FOLDER", str(tmp_path / "out")), names)
    opened = list(names.values())[-1]
    first = opened[0]
    ids = first if not isinstance(first, dict) else first["input_ids" if "input_ids" in first else "tokens"]
    expected, _ = expected_of(packs(**options))
    assert np.array_equal(np.asarray(ids).astype(np.int64), expected[: len(ids)])
    assert len(ids) > 20
