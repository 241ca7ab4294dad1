"""Several datasets read as one: all columns of all, null where one has none, in a type that holds the values of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa
import xxhash

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import features_of, metadata_for
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.united import can_hold, holds_json, united_schema
from xlcorpus.errors import UserError

_SCHEMAS = ("document", "pair", "codeswitch", "restore", "translico", "quality", "datatrove")
_SHOWN = 10  # columns that a line names


def refuse_given_twice(datasets: Sequence[Dataset]) -> None:
    """Raise UserError where a dataset, or a copy of it, is there twice: its rows would count twice."""
    contents = [dataset.manifest.content_fingerprint for dataset in datasets]
    for number, dataset in enumerate(datasets):
        if dataset.manifest.rows and contents[number] in contents[:number]:
            raise UserError(
                f"{dataset.folder} is given twice (or a copy of it): its documents would count twice",
                remedy="name it once; to repeat documents, mix has --max-epochs",
            )


@dataclass(frozen=True)
class Several:
    """Datasets whose rows are read with the columns of all."""

    datasets: tuple[Dataset, ...]

    @cached_property
    def columns(self) -> pa.Schema:
        """`united_schema`; where a column is of several types all its values are read, once."""

        def fits(name: str, number: int, kind: pa.DataType) -> bool:
            return all(can_hold(batch.column(0), kind) for batch in self.datasets[number].batches([name]))

        return united_schema(self._schemas, fits)

    @property
    def _schemas(self) -> list[pa.Schema]:
        return [dataset.manifest.arrow_schema for dataset in self.datasets]

    def united(self, folder: Location) -> list[Dataset]:
        """The datasets, to be read so: a file in the folder says the columns, and what is known of them
        (`features_of`)."""
        schemas = self._schemas
        if all(schema.equals(schemas[0]) for schema in schemas):
            return list(self.datasets)
        known = metadata_for(features_of(schemas)[0], self.columns)
        said = self.columns.with_metadata(known).serialize().to_pybytes()
        file = folder / f"{xxhash.xxh3_128_hexdigest(said)}.columns"
        storage.write_bytes(file, said)
        return [replace(dataset, united=file) for dataset in self.datasets]

    def remarks(self, label: str) -> list[str]:
        """Lines on columns that have nothing in common but their name, and on those that some datasets lack."""
        lines = []
        for field in self.columns:
            kinds = {
                str(schema.field(field.name).type): str(one.folder)
                for one, schema in zip(self.datasets, self._schemas, strict=True)
                if field.name in schema.names and not holds_json(schema.field(field.name))
            }
            if holds_json(field) and kinds.keys() - {"null"}:
                named = ", ".join(f"{kind} in {where}" for kind, where in kinds.items())
                lines.append(f"{label}: column {field.name!r} is {named}: it becomes JSON text, which holds all values")
        return [*lines, *partly_there(self.datasets, label)]


def partly_there(datasets: Sequence[Dataset], label: str, ours: Collection[str] = ()) -> list[str]:
    """A line on the user's own columns that not all datasets have, none where all have all. ours: more of ours."""
    known = {name for schema in _SCHEMAS for name in load_schema(schema).names} | {*ours}
    names = Counter(name for one in datasets for name in one.manifest.arrow_schema.names if name not in known)
    some = [f"{name!r} ({count})" for name, count in sorted(names.items()) if count < len(datasets)]
    if not some:
        return []
    more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
    named = ", ".join(some[:_SHOWN]) + more
    return [f"{label}: not all of the {len(datasets)} inputs have the columns {named}: null in the rows of the others"]
