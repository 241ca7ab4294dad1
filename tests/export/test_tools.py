"""Exports read back whole by the tools themselves, where they are installed (`python -m tests.export.readers VENV`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.export.exported import exported, packs, with_notes
from tests.export.readers import MODULES, READERS, expected_of
from xlcorpus.dataset.dataset import Dataset


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("options", [{}, {"strategy": "concatenate"}, {"objective": "mlm"}], ids=str)
@pytest.mark.parametrize("name", READERS)
def test_its_own_reader_gives_every_token(name: str, options: dict[str, Any], wide: bool, tmp_path: Path) -> None:
    pytest.importorskip(MODULES[name], reason=f"the reader of {name} is not installed", exc_type=ImportError)
    dataset = packs(**options)
    if wide:
        tokenizer = {**Dataset.open(dataset).manifest.notes["tokenizer"], "vocab_size": 70_000}
        dataset = with_notes(dataset, tmp_path / "dataset", tokenizer=tokenizer)
    more = {"block": 65} if name == "litgpt" else {}
    ids, sizes = expected_of(dataset)
    for number, size in enumerate(("1GB", "8k")):
        done = exported(dataset, tmp_path / f"out{number}", name, file_size=size, **more)
        assert done.target.dtype.itemsize == (4 if wide else 2)
        assert number == 0 or len(done.files) > 2
        found, found_sizes = READERS[name](tmp_path / f"out{number}")
        assert np.array_equal(found, ids)
        assert found_sizes in (None, sizes)
