"""A tokenizer and what extends it, once for these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.initialize.starts import extend_tokenizer, save_tokenizer


@pytest.fixture(scope="package")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = pytest.importorskip("tokenizers")
    return save_tokenizer(library, "qwen", tmp_path_factory.mktemp("qwen") / "old")


@pytest.fixture(scope="package")
def extended(qwen: Path) -> Path:
    return extend_tokenizer(qwen, qwen.parent / "new")


@pytest.fixture(scope="package")
def xlmr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = pytest.importorskip("tokenizers")
    return save_tokenizer(library, "xlm-r", tmp_path_factory.mktemp("xlmr") / "old")


@pytest.fixture(scope="package")
def extended_xlmr(xlmr: Path) -> Path:
    return extend_tokenizer(xlmr, xlmr.parent / "new")
