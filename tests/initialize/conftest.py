"""Tokenizers and what extends them, and what new rows are made of, once for these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.initialize.starts import QUICK, extend_tokenizer, save_tokenizer
from tests.rows import documents, write_dataset
from tests.tokenizer.tokenizer_helpers import rows


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


@pytest.fixture(scope="package")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in English and Swahili."""
    found = rows(("eng_Latn", "swh_Latn"), 12)
    folder = tmp_path_factory.mktemp("texts") / "data"
    write_dataset(folder, [documents([text for _, _, text in found], [lang for _, lang, _ in found])])
    return folder


@pytest.fixture(scope="package")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dictionary") / "eng-swh.tsv"
    pairs = ("river mto", "small ndogo", "house nyumba", "morning asubuhi", "children watoto", "birds ndege")
    path.write_text("\n".join(pair.replace(" ", "\t") for pair in pairs), "utf-8")
    return path


@pytest.fixture(scope="package")
def ways(texts: Path, dictionary: Path) -> dict[str, dict[str, Any]]:
    """Ways to make new rows that need something, small; but for clp's helper."""
    of_both = {"texts": [str(texts)], "dictionary": str(dictionary), **QUICK}
    return {
        "ofa": {"method": "ofa", "languages": ["eng_Latn", "swh_Latn"], **of_both},
        "wechsel": {"method": "wechsel", "source": "eng_Latn", "target": "swh_Latn", **of_both},
        "cw2v": {"method": "cw2v", "texts": [str(texts)], "rank": 4, "epochs": 1},
    }
