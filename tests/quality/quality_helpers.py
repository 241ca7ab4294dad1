"""Batches of documents for the tests of quality."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests import rows


def documents(texts: list[str | None], **columns: Any) -> pa.RecordBatch:
    """Documents named by their rows; further columns as given."""
    names = [str(row) for row in range(len(texts))]
    script = columns.pop("script", None)
    made = rows.documents(texts, names=names, **{"source": None, **columns})
    return made if script is None else made.append_column("script", pa.array(script))


def shared_data() -> Path:
    """The folder of real data; skips the test where it is absent."""
    here = Path(os.environ.get("XLCORPUS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (here / "crawl" / "docs.jsonl.gz").is_file():
        pytest.skip(f"no shared data at {here}: set XLCORPUS_SHARED_DATA")
    return here


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
