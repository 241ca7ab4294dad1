"""Signatures of documents or sentence pairs: written beside each shard, before any two of them are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_each, write_each
from xlcorpus.dataset.columns import bytes_of, fixed_binary, require_column
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.signature import Banding, band_hashes, signatures
from xlcorpus.dedup.texts import DOCUMENTS, Texts, row_bytes, row_digests, row_shingles
from xlcorpus.errors import UserError
from xlcorpus.text.hashes import hash_spans, mix


def check_columns(schema: pa.Schema, options: DedupOptions, where: str) -> None:
    """Raise UserError unless the columns that the options name exist and have the right kind."""
    for option, name, neutral in (("keep-by", options.keep_by, "length"), ("within", options.within, "none")):
        if name == neutral:
            continue
        remedy = f"name a column of the dataset, or leave --{option} at {neutral!r}"
        kind = require_column(schema, name, where, remedy=remedy).type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if (option == "keep-by") != numeric or (option == "within" and not pa.types.is_string(kind)):
            raise UserError(
                f"--{option} {name}: the column is {kind}", remedy="keep-by needs a number, within needs a string"
            )


def sign_batch(
    batch: pa.RecordBatch, options: DedupOptions, banding: Banding, seed: int, texts: Texts = DOCUMENTS
) -> pa.RecordBatch:
    """Signatures of rows: doc_id, digest binary[16], rank float64, shingles int32, and uint64 for each band.

    The last band is the hash of the exact content, so that texts without shingles meet their copies too.
    """
    seen = texts.seen(batch)
    digests = row_digests(seen)
    values = row_shingles(seen, options.shingle_size)
    rows, minima = signatures(values, banding.permutations, seed)
    exact = mix(np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)[:, 0])
    # A text without shingles gets band hashes of its own from its content.
    bands = mix(exact[:, None] + np.arange(1, banding.bands + 2, dtype=np.uint64))
    bands[rows, :-1] = band_hashes(minima, banding)
    if options.within != "none":
        bands ^= _value_hash(batch, options.within)[:, None]
    columns = {
        "doc_id": batch.column("doc_id"),
        "digest": fixed_binary(digests),
        "rank": pa.array(_rank(batch, options.keep_by, texts)),
        "shingles": pa.array(np.diff(values.offsets).astype(np.int32)),
    }
    return pa.RecordBatch.from_pydict(
        columns | {band_name(number): pa.array(bands[:, number]) for number in range(banding.bands + 1)}
    )


def band_name(number: int) -> str:
    """The column of a band."""
    return f"band {number}"


def _rank(batch: pa.RecordBatch, keep_by: str, texts: Texts) -> np.ndarray:
    if keep_by == "length":
        return row_bytes(texts.raw(batch))
    values = pc.cast(batch.column(keep_by), pa.float64(), safe=False)  # large integers may round
    return pc.fill_null(values, float("-inf")).to_numpy(zero_copy_only=False)


def _value_hash(batch: pa.RecordBatch, column: str) -> np.ndarray:
    encoded = pc.fill_null(batch.column(column), "").dictionary_encode()
    names = [np.frombuffer(name.encode(), dtype=np.uint8) for name in encoded.dictionary.to_pylist()]
    hashes = np.array(
        [hash_spans(name, np.array([0]), np.array([len(name)]))[0] for name in names], dtype=np.uint64
    ).reshape(-1)
    return hashes[encoded.indices.to_numpy()] if len(hashes) else np.zeros(batch.num_rows, dtype=np.uint64)


@dataclass(frozen=True)
class Signed:
    """How many rows a shard has."""

    rows: int


@dataclass(frozen=True)
class SignShard:
    """Pass 1: write the signatures of a shard beside it."""

    folder: Location
    options: DedupOptions
    banding: Banding
    seed: int
    texts: Texts = DOCUMENTS

    def __call__(self, number: int, shard: Shard) -> Signed:
        """The signatures of all rows; of a shard without rows there is no file."""
        wanted = ["doc_id", *self.texts.columns]
        more = (self.options.within, self.options.keep_by)
        wanted += [name for name in more if name not in ("none", "length", *wanted)]
        rows = 0

        def signed() -> Iterator[pa.RecordBatch]:
            nonlocal rows
            for batch in read_batches(shard, wanted):
                rows += batch.num_rows
                yield sign_batch(batch, self.options, self.banding, self.seed, self.texts)

        parts = signed()
        first = next(parts, None)
        if first is not None:
            write_each(signature_file(self.folder, number), first.schema, chain([first], parts))
        return Signed(rows)


def signature_file(folder: Location, number: int) -> Location:
    """Signatures of shard `number`."""
    return folder / f"{number:05d}.signatures.arrow"


def read_signed(folder: Location, rows: Mapping[int, int], name: str) -> np.ndarray:
    """A column of the signatures of all shards, one after the other; rows: of each shard. binary[16] gives void16."""
    parts = []
    for number, count in rows.items():
        for signed in read_each(signature_file(folder, number)) if count else ():
            column = signed.column(name)
            fixed = pa.types.is_fixed_size_binary(column.type)
            parts.append((bytes_of(column) if fixed else column.to_numpy()).copy())  # a copy: the file is let go
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
