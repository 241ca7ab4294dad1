"""Lines of the shared data as columns."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pyarrow as pa


def lines_of(path: Path, count: int, start: int = 0) -> pa.RecordBatch:
    """Some lines of a JSON Lines file of PUD or NTREX: id, doc, text, lang."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, start, start + count)]
    columns = {name: pa.array([str(row[name]) for row in rows], pa.string()) for name in ("id", "doc", "text", "lang")}
    return pa.RecordBatch.from_pydict(columns)
