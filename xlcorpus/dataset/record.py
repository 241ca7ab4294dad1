"""What tasks leave when they are done: typed records, kept as JSON in their sidecars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter

from xlcorpus.dataset.by_file import FileCounts
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.tally import Tally

R = TypeVar("R")


@dataclass(frozen=True)
class Done:
    """The record of a task or phase that has nothing to say but that it is done."""


@dataclass(frozen=True)
class Written:
    """What a task wrote of a dataset: its files in order, the counts of each step, and, of raw input, of each file."""

    shards: tuple[ShardFile, ...] = ()
    decisions: tuple[ShardFile, ...] = ()
    rejects: tuple[ShardFile, ...] = ()
    tallies: tuple[Tally, ...] = field(default=())
    by_file: FileCounts = field(default_factory=dict)

    @property
    def files(self) -> tuple[ShardFile, ...]:
        """All files."""
        return (*self.shards, *self.decisions, *self.rejects)


def written_of(record: Any) -> Written | None:
    """What the record says was written: itself, or its field `written`; None where it wrote nothing of a dataset."""
    found = record if isinstance(record, Written) else getattr(record, "written", None)
    return found if isinstance(found, Written) else None


_adapters: dict[Any, TypeAdapter[Any]] = {}  # by kind of record; making one takes a millisecond


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump_record(record: Any) -> Any:
    """A record (a dataclass) as JSON-able data."""
    return _adapter(type(record)).dump_python(record, mode="json")


def load_record(kind: type[R], data: Any) -> R:
    """The record of this kind that `dump_record` gave; raises ValueError where the data is another kind's."""
    record: R = _adapter(kind).validate_python(data)
    return record
