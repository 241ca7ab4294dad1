"""Signatures of documents: written beside each shard, before any two of them are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import write_beside
from xlcorpus.dataset.columns import fixed_binary, require_column, text_column
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.signature import Banding, band_hashes, exact_digests, shingle_texts, signatures
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


def sign_batch(batch: pa.RecordBatch, options: DedupOptions, banding: Banding, seed: int) -> pa.RecordBatch:
    """Signature columns of documents: doc_id, digest binary[16], rank float64, bands binary[8 * (bands + 1)].

    The last band is the hash of the exact content, so that texts without shingles meet their copies too.
    """
    texts = text_column(batch)
    digests = exact_digests(texts)
    values = shingle_texts(texts, options.shingle_size)
    rows, minima = signatures(values, banding.permutations, seed)
    exact = mix(np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)[:, 0])
    # A text without shingles gets band hashes of its own from its content.
    bands = mix(exact[:, None] + np.arange(1, banding.bands + 2, dtype=np.uint64))
    bands[rows, :-1] = band_hashes(minima, banding)
    if options.within != "none":
        bands ^= _value_hash(batch, options.within)[:, None]
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"),
            fixed_binary(digests),
            pa.array(_rank(batch, options.keep_by)),
            fixed_binary(bands),
        ],
        names=["doc_id", "digest", "rank", "bands"],
    )


def _rank(batch: pa.RecordBatch, keep_by: str) -> np.ndarray:
    if keep_by == "length":
        return pc.binary_length(batch.column("text")).to_numpy(zero_copy_only=False).astype(np.float64)
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
class SignShard:
    """Pass 1: write the signatures of a shard beside it."""

    folder: Location
    options: DedupOptions
    banding: Banding
    seed: int

    def __call__(self, number: int, shard: Shard) -> Done:
        """The signatures of all rows; of a shard without rows there is no file."""
        wanted = ["doc_id", "text"]
        wanted += [c for c in (self.options.within, self.options.keep_by) if c not in ("none", "length")]
        signed = [sign_batch(batch, self.options, self.banding, self.seed) for batch in read_batches(shard, wanted)]
        if signed:
            write_beside(signature_file(self.folder, number), pa.concat_batches(signed))
        return Done()


def signature_file(folder: Location, number: int) -> Location:
    """Signatures of shard `number`."""
    return folder / f"{number:05d}.signatures.arrow"
