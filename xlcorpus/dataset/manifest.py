"""The manifest of a dataset: what it holds, how it was made, and the hash of every file. No manifest, no dataset."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import BESIDE, DATA, HELD_OUT, HOLDOUT, MANIFEST, SHARD_FOLDERS, SHARD_NAME
from xlcorpus.dataset.record import dump_record, load_record
from xlcorpus.dataset.shards import PlainFile, ShardFile
from xlcorpus.dataset.storage import Location, fingerprint
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import IntegrityError

FORMAT = 2  # 1: no checksum of its own, no dataset card, partition columns in the shards too
_READABLE = (1, FORMAT)
KEYS = frozenset(("xlcorpus", "schema", "columns", "arrow_schema", "steps", "inputs", "fingerprint", "code_version"))
KEYS |= {"seed", "rows", "shards", "decisions", "rejects", "tallies", "notes"}
_KINDS = {"schema": str, "inputs": dict, "fingerprint": str, "code_version": str, "seed": int, "notes": dict}
_KEY = re.compile(rb'"(\w+)"\s*:(\s*\d)?')


def is_ours(folder: Location) -> bool:
    """Whether the folder has a manifest that xlcorpus wrote, whole or damaged: others write files of this name too.

    It has most of our keys; or it has two of: our format as its first key, shards of ours beside it, damage
    (it is no JSON). The format alone is any file's.
    """
    path = folder / MANIFEST
    if not storage.is_file(path):
        return False
    found: set[str] = set()
    format_first = False
    with storage.open_mapped(path) as data:
        for match in _KEY.finditer(data):
            format_first |= not found and match[1] == b"xlcorpus" and match[2] is not None
            found |= {match[1].decode("ascii", "replace")} & KEYS
            if len(found) > len(KEYS) // 2:
                return True
    shards = storage.names_below(folder / DATA) if storage.is_folder(folder / DATA) else []
    beside = any(SHARD_NAME.fullmatch(f"{DATA}/{name}") for name in shards)
    return format_first + beside + (not _is_json(path)) > 1


def _is_json(path: Location) -> bool:
    try:
        storage.read_json(path)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class StepRecord:
    """A step as it was run: its name, parameters, and the fingerprints of models and other files it read."""

    step: str
    parameters: dict[str, Any]
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """Contents of `manifest.json`; equal runs give equal manifests (no times, no absolute paths)."""

    schema: str
    arrow_schema: pa.Schema
    steps: tuple[StepRecord, ...]
    inputs: dict[str, Any]
    fingerprint: str
    code_version: str
    seed: int
    shards: tuple[ShardFile, ...]
    decisions: tuple[ShardFile, ...]
    rejects: tuple[ShardFile, ...]
    tallies: tuple[Tally, ...]
    notes: dict[str, Any] = field(default_factory=dict)
    plain_files: tuple[PlainFile, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the dataset."""
        return sum(shard.rows for shard in self.shards)

    @property
    def languages(self) -> Counter[str]:
        """Rows by language; '' for rows without one."""
        return self.tallies[-1].languages if self.tallies else Counter()

    @property
    def sources(self) -> Counter[str]:
        """Rows by source."""
        return self.tallies[-1].sources if self.tallies else Counter()

    @property
    def kinds(self) -> Counter[str]:
        """Rows by kind, of those that have one."""
        return self.tallies[-1].kinds if self.tallies else Counter()

    @property
    def schema_name(self) -> str:
        """Name of the rows' schema without its version."""
        return self.schema.rpartition("-")[0]

    @property
    def content_fingerprint(self) -> str:
        """Fingerprint of the rows alone: later steps depend on this, not on how the dataset was made."""
        return fingerprint([self.schema, [(shard.name, shard.sha256) for shard in self.shards]])

    def save(self, folder: Location) -> None:
        """Write the manifest, last of all files and atomically: from now on the folder is a dataset."""
        value = {
            "xlcorpus": FORMAT,
            "schema": self.schema,
            "columns": {column.name: str(column.type) for column in self.arrow_schema},
            "arrow_schema": base64.b64encode(self.arrow_schema.serialize().to_pybytes()).decode(),
            "steps": [asdict(step) for step in self.steps],
            "inputs": self.inputs,
            "fingerprint": self.fingerprint,
            "code_version": self.code_version,
            "seed": self.seed,
            "rows": self.rows,
            "shards": [asdict(shard) for shard in self.shards],
            "decisions": [asdict(shard) for shard in self.decisions],
            "rejects": [asdict(shard) for shard in self.rejects],
            "files": [asdict(file) for file in self.plain_files],
            "tallies": [dump_record(tally) for tally in self.tallies],
            "notes": self.notes,
        }
        storage.write_json(folder / MANIFEST, {**value, "checksum": fingerprint(json.loads(json.dumps(value)))})

    @classmethod
    def load(cls, folder: Location) -> Manifest:
        """Read a dataset's manifest; raises IntegrityError where the folder is no dataset or not of a known format."""
        path = folder / MANIFEST
        if not storage.is_file(path):
            raise IntegrityError(
                f"{folder} is not a dataset: it has no {MANIFEST}",
                remedy="name a folder that an xlcorpus step has finished; an unfinished one goes on with --resume",
            )
        if not is_ours(folder):
            raise IntegrityError(
                f"{folder} is not a dataset: its {MANIFEST} is none of xlcorpus",
                remedy="name a folder that an xlcorpus step has finished",
            )
        try:
            value = storage.read_json(path)
            if value["xlcorpus"] not in _READABLE:
                raise IntegrityError(
                    f"{path} has format {value['xlcorpus']}, this version reads {' and '.join(map(str, _READABLE))}",
                    remedy="upgrade xlcorpus",
                )
            sealed = value.pop("checksum") if value["xlcorpus"] > 1 else value.pop("checksum", None)
            if sealed is not None and sealed != fingerprint(value):
                raise ValueError("it was changed after it was written (its checksum is not that of its content)")
            for key, kind in _KINDS.items():
                if not isinstance(value[key], kind):
                    raise ValueError(f"its {key!r} is of the type {type(value[key]).__name__}, not {kind.__name__}")
            return cls(
                schema=value["schema"],
                arrow_schema=pa.ipc.read_schema(pa.py_buffer(base64.b64decode(value["arrow_schema"]))),
                steps=tuple(StepRecord(**step) for step in value["steps"]),
                inputs=value["inputs"],
                fingerprint=value["fingerprint"],
                code_version=value["code_version"],
                seed=value["seed"],
                shards=tuple(ShardFile(**shard) for shard in value["shards"]),
                decisions=tuple(ShardFile(**shard) for shard in value["decisions"]),
                rejects=tuple(ShardFile(**shard) for shard in value["rejects"]),
                tallies=tuple(load_record(Tally, tally) for tally in value["tallies"]),
                notes=value["notes"],
                plain_files=tuple(PlainFile(**file) for file in value["files"])
                if "files" in value
                else tuple(PlainFile.of(folder, name) for name in BESIDE if storage.is_file(folder / name)),
            )
        except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            raise IntegrityError(
                f"{path} is damaged: {type(error).__name__}: {error}",
                remedy="restore it from a copy, or make the dataset again: with --overwrite, or in another folder",
            ) from error

    def files(self) -> list[str]:
        """Names of all files, relative to the dataset's folder."""
        return [MANIFEST, *(file.name for file in self._checked_files)]

    @property
    def _checked_files(self) -> tuple[ShardFile | PlainFile, ...]:
        return (*self.shards, *self.decisions, *self.rejects, *self.plain_files)

    def verify(self, folder: Location) -> None:
        """Read every file and compare sizes and SHA-256; raises IntegrityError naming the first that differs.

        A file that the manifest does not name is an error too: DuckDB and others would read it. So with the rows that
        are held out.
        """
        named = {folder / name for name in self.files()}
        for name in SHARD_FOLDERS:
            for path in storage.files_below(folder / name):
                if path not in named:
                    raise IntegrityError(f"{path} is not in the manifest", remedy="move it out of the dataset's folder")
        for shard in self._checked_files:
            path = folder / shard.name
            if not storage.is_file(path):
                raise IntegrityError(f"{path} is missing, the manifest names it", remedy="make the dataset again")
            if not shard.is_whole(folder):
                raise IntegrityError(
                    f"{path} was changed after it was written: its SHA-256 is not the manifest's",
                    remedy="restore the file from a copy, or make the dataset again with --overwrite",
                )
        if HELD_OUT in self.files():
            Manifest.load(folder / HOLDOUT).verify(folder / HOLDOUT)
