"""A token-1 dataset to train on: its row groups, and what its manifest says of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import current_process
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import one_batch
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.partition import Partition
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.pack.facts import PackFacts, TokenizerFacts
from xlcorpus.text.ragged import offsets_of

_OPEN_FILES = 64  # of each dataset: to open a shard again is to parse its footer again, 1 ms for 400 row groups
_RESTORE = "restore the file from a copy, or make the dataset again with --overwrite"


@dataclass
class _Files:
    """Shards that are open in a process, the one read last at the end."""

    lock: Any = field(default_factory=threading.Lock)
    opened: dict[int, Any] = field(default_factory=dict)

    def get(self, number: int, location: Location) -> Any:
        """The file of this number; with the lock held."""
        file = self.opened.pop(number, None) or storage.open_parquet(location, pre_buffer=False)
        self.opened[number] = file
        if len(self.opened) > _OPEN_FILES:
            self.opened.pop(next(iter(self.opened))).close()
        return file


class _FilesByProcess(dict[int | None, _Files]):
    """A worker that was forked must share neither files with its parent nor a lock that a thread may hold there."""

    def here(self) -> _Files:
        """Those of this process."""
        return self.setdefault(current_process().pid, _Files())

    def __reduce__(self) -> Any:
        return _FilesByProcess, ()


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Packs, or the rows of a view.

    view: its name, None for packs; length: the context length; groups: int64[groups], rows of each row group, in the
    order of the dataset; firsts: int64[groups + 1], number of the first row of each.
    """

    folder: Location
    manifest: Manifest
    view: str | None
    length: int
    vocabulary: Vocabulary
    groups: np.ndarray
    firsts: np.ndarray
    _shards: tuple[Shard, ...]
    _shard_of: np.ndarray
    _within: np.ndarray
    _files: _FilesByProcess = field(default_factory=_FilesByProcess, repr=False)

    @classmethod
    def open(cls, folder: Location, *, verify: bool = False) -> TokenRows:
        """Read the manifest and each footer once; verify: also the hash of every file.

        Raises UserError where the rows are no token shards, IntegrityError where a file is missing or changed.
        """
        dataset = Dataset.open(folder, verify=verify)
        manifest = dataset.manifest
        facts = PackFacts.of(manifest, str(folder))
        sizes = [_group_sizes(shard, manifest.arrow_schema) for shard in dataset.shards]
        counts = np.array([len(one) for one in sizes], dtype=np.int64)
        groups = np.concatenate([np.zeros(0, dtype=np.int64), *sizes])
        shard_of = np.repeat(np.arange(len(counts)), counts)
        return cls(
            folder,
            manifest,
            facts.view,
            facts.length,
            vocabulary_of(facts.tokenizer),
            groups,
            offsets_of(groups),
            tuple(dataset.shards),
            shard_of,
            np.arange(len(groups)) - offsets_of(counts)[shard_of],
        )

    @property
    def count(self) -> int:
        """Rows."""
        return int(self.firsts[-1])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.manifest.arrow_schema.names)

    def require(self, columns: Sequence[str], what: str) -> None:
        """Raise UserError where a column is missing that `what` reads."""
        missing = [name for name in columns if name not in self.columns]
        if missing:
            rows = f"the view {self.view}" if self.view else "packs"
            raise UserError(
                f"{self.folder} has no column {', '.join(missing)}, which {what} reads; it holds {rows}",
                remedy="make the token shards that it reads with xlcorpus pack (--view), of this version",
            )

    def require_rows(self, remedy: str = "give a dataset with rows, or leave it out") -> None:
        """Raise UserError where there is none."""
        if not self.count:
            raise UserError(f"{self.folder} has no rows", remedy=remedy)

    def of_shard(self, number: int) -> TokenRows:
        """The rows of one shard alone."""
        here = self._shard_of == number
        groups = self.groups[here]
        return replace(
            self, groups=groups, firsts=offsets_of(groups), _shard_of=self._shard_of[here], _within=self._within[here]
        )

    def place(self, group: int, row: int) -> tuple[str, int]:
        """Name of the shard that a row of a group is in, and its number there."""
        shard = int(self._shard_of[group])
        before = self.groups[(self._shard_of == shard) & (np.arange(len(self.groups)) < group)].sum()
        return storage.relative_name(self._shards[shard].location, storage.resolve(self.folder)), int(before) + row

    def read(self, group: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        """The rows of a row group; pyarrow holds no lock of Python meanwhile. Raises IntegrityError."""
        shard = self._shards[self._shard_of[group]]
        files = self._files.here()
        try:
            with files.lock:
                file = files.get(int(self._shard_of[group]), shard.location)
                partition = Partition.of(file.schema_arrow)
                inside = [name for name in columns or () if partition is None or name != partition.column]
                table = file.read_row_group(
                    int(self._within[group]), columns=None if columns is None else inside, use_threads=False
                )
        except (pa.ArrowException, OSError) as error:
            raise IntegrityError(f"{shard.location}: cannot be read: {error}", remedy=_RESTORE) from error
        if partition is not None:
            table = partition.restore(table, int(self.groups[group]), columns)
        batch = one_batch(table)
        return batch.select(list(columns)) if columns is not None else batch


def _group_sizes(shard: Shard, due: pa.Schema) -> np.ndarray:
    """int64[groups]: rows of each row group of a shard, of its footer.

    Raises IntegrityError where it cannot be read, or has other rows or columns than are due.
    """
    try:
        with storage.open_parquet(shard.location, pre_buffer=False) as file:
            found, schema = file.metadata, file.schema_arrow
            rows = [found.row_group(number).num_rows for number in range(found.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(f"{shard.location}: cannot be read: {error}", remedy=_RESTORE) from error
    partition = Partition.of(schema)
    there = {one.name: one.type for one in (partition.schema(schema) if partition else schema)}
    for one in due:
        if there.get(one.name) != one.type:
            raise IntegrityError(
                f"{shard.location}: the column {one.name} is {there.get(one.name, 'not there')}, its manifest says "
                f"{one.type}",
                remedy=_RESTORE,
            )
    if sum(rows) != shard.rows:
        raise IntegrityError(
            f"{shard.location} has {sum(rows):,} rows, its manifest says {shard.rows:,}", remedy=_RESTORE
        )
    return np.array(rows, dtype=np.int64)


def vocabulary_of(facts: TokenizerFacts) -> Vocabulary:
    """What objectives need of a tokenizer."""
    ids = {role: number for role, number in facts.special_ids.items() if number is not None}
    template = facts.template
    return Vocabulary(facts.fingerprint, facts.vocab_size, ids, facts.never_text, template.single, template.pair)
