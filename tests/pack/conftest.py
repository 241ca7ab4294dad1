"""A corpus in eight scripts, and pure packs of it: what all ways to run `pack` must equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pack.pack_runs import (
    AS_REFERENCE,
    corpus_rows,
    run_pack,
    save,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards, the second without rows; some documents without text, some longer than a pack."""
    rows = corpus_rows(200)
    return save(tmp_path_factory.mktemp("corpus") / "docs", [rows.slice(0, 70), rows.slice(70, 0), rows.slice(70)])


@pytest.fixture(scope="module")
def reference(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pure packs made on one worker: what all other ways to run must equal."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    run_pack(corpus, folder, **AS_REFERENCE)
    return folder
