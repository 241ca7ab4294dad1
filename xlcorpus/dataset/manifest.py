"""The manifest of a dataset: what it holds, how it was made, and the hash of every file. No manifest, no dataset."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import DATA, DECISIONS, MANIFEST, REJECTS
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import Location, fingerprint
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import IntegrityError

FORMAT = 1


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
            "shards": [shard.to_json() for shard in self.shards],
            "decisions": [shard.to_json() for shard in self.decisions],
            "rejects": [shard.to_json() for shard in self.rejects],
            "tallies": [tally.to_json() for tally in self.tallies],
            "notes": self.notes,
        }
        storage.write_json(folder / MANIFEST, value)

    @classmethod
    def load(cls, folder: Location) -> Manifest:
        """Read a dataset's manifest; raises IntegrityError where the folder is no dataset or not of a known format."""
        path = folder / MANIFEST
        if not storage.is_file(path):
            raise IntegrityError(
                f"{folder} is not a dataset: it has no {MANIFEST}",
                remedy="name a folder that an xlcorpus step has finished; an unfinished one goes on with --resume",
            )
        try:
            value = storage.read_json(path)
            if value["xlcorpus"] != FORMAT:
                raise IntegrityError(
                    f"{path} has format {value['xlcorpus']}, this version reads {FORMAT}", remedy="upgrade xlcorpus"
                )
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
                tallies=tuple(Tally.from_json(tally) for tally in value["tallies"]),
                notes=value["notes"],
            )
        except (ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
            raise IntegrityError(
                f"{path} is damaged: {type(error).__name__}: {error}",
                remedy="make the dataset again with --overwrite",
            ) from error

    def files(self) -> list[str]:
        """Names of all files, relative to the dataset's folder."""
        return [shard.name for shard in (*self.shards, *self.decisions, *self.rejects)]

    def verify(self, folder: Location) -> None:
        """Read every file and compare sizes and SHA-256; raises IntegrityError naming the first that differs.

        A file that the manifest does not name is an error too: DuckDB and others would read it.
        """
        named = {folder / name for name in self.files()}
        for name in (DATA, DECISIONS, REJECTS):
            for path in storage.files_below(folder / name):
                if path not in named:
                    raise IntegrityError(f"{path} is not in the manifest", remedy="move it out of the dataset's folder")
        for shard in (*self.shards, *self.decisions, *self.rejects):
            path = folder / shard.name
            if not storage.is_file(path):
                raise IntegrityError(f"{path} is missing, the manifest names it", remedy="make the dataset again")
            if not shard.is_whole(folder):
                raise IntegrityError(
                    f"{path} was changed after it was written: its SHA-256 is not the manifest's",
                    remedy="restore the file from a copy, or make the dataset again with --overwrite",
                )
