"""Files on disk: names inside a dataset folder, atomic writes, hashes."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

import xxhash

MANIFEST = "manifest.json"
DATA = "data"
DECISIONS = "decisions"
REJECTS = "rejects"
BESIDE = ("languages.json", "scripts.json")  # numbers of the languages of token shards
WORK = "_work"  # sidecars, spill files and the state of an unfinished run; gone when the manifest is written


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """xxh3-128, hex, of a JSON-able value in canonical form (sorted keys, no spaces)."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return xxhash.xxh3_128_hexdigest(canonical.encode())


def fingerprint_of_file(path: Path) -> str:
    """xxh3-128, hex, of a file's bytes."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no reader takes for a shard; `commit` gives it the final name."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")


def commit(temporary: Path, path: Path) -> None:
    """Flush a finished file to the disk and give it its name in one step, replacing what is there."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(temporary, path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: readers see the old file or the whole new one."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        commit(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Parse a JSON file; raises OSError or ValueError."""
    return json.loads(path.read_text(encoding="utf-8"))
