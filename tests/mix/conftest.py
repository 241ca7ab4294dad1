"""Datasets for tests of the step."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import finished, switched
from tests.mix.mixing import ALL, OPTIONS, bitext, mixed, text_of, web
from tests.rows import documents
from xlcorpus.dataset.dataset import Dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets: web, code, opus (pairs), switched (a code-switched one)."""
    folder = tmp_path_factory.mktemp("data")
    finished(folder / "web", web(), 3)
    code = [f"print({number} + {number % 7})" for number in range(60)]
    scripts = documents(code, [None] * 60, names=[f"f{number}.py" for number in range(60)])
    finished(folder / "code", scripts.append_column("kind", pa.array(["code"] * 60)))
    finished(folder / "opus", bitext("eng_Latn", "swh_Latn", 80), 2)
    originals = [text_of("swh_Latn", number) for number in range(40)]
    finished(folder / "switched", switched([f"{text} river" for text in originals], originals, "swh_Latn"))
    return folder


@pytest.fixture(scope="module")
def through_files(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return mixed(data, tmp_path_factory.mktemp("files") / "out", ALL, **OPTIONS)
