"""The passes of dedup over files: sign each shard, match signatures over all shards, mark each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.candidates import ROW_BITS, ROW_MASK, bucket_edges, components, document_keys, pack_bands
from xlcorpus.dedup.signature import (
    DIGEST_BYTES,
    Banding,
    band_hashes,
    exact_digests,
    shingle_texts,
    signatures,
)
from xlcorpus.dedup.verify import Candidates, cluster
from xlcorpus.errors import UserError, nearest
from xlcorpus.text.hashes import hash_spans, mix

_ID = pa.binary(16)


@dataclass(frozen=True)
class DedupSettings:
    """What decides the result of a dedup."""

    threshold: float
    shingle_size: int
    banding: Banding
    seed: int
    within: str  # 'none', or a column: only texts with the same value are compared
    keep_by: str  # 'length' or a numeric column: the highest is kept


def _fixed(values: np.ndarray, width: int) -> pa.Array:
    """A fixed_size_binary array over the bytes of a numpy array [rows, width / itemsize]."""
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def _bytes_of(column: pa.Array, width: int) -> np.ndarray:
    """The bytes of a fixed_size_binary array without nulls: void[rows]."""
    data = np.frombuffer(column.buffers()[1], dtype=f"V{width}")
    return data[column.offset : column.offset + len(column)]


def sign_batch(batch: pa.RecordBatch, settings: DedupSettings) -> pa.RecordBatch:
    """Signature columns of documents: doc_id, digest binary[16], rank float64, bands binary[8 * (bands + 1)].

    The last band is the hash of the exact content, so that texts without shingles meet their copies too.
    """
    texts = batch.column("text")
    digests = exact_digests(texts)
    values = shingle_texts(texts, settings.shingle_size)
    rows, minima = signatures(values, settings.banding.permutations, settings.seed)
    exact = mix(np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)[:, 0])
    # A text without shingles gets band hashes of its own from its content.
    bands = mix(exact[:, None] + np.arange(1, settings.banding.bands + 2, dtype=np.uint64))
    bands[rows, :-1] = band_hashes(minima, settings.banding)
    if settings.within != "none":
        bands ^= _value_hash(batch, settings.within)[:, None]
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"),
            _fixed(digests, DIGEST_BYTES),
            pa.array(_rank(batch, settings.keep_by)),
            _fixed(bands, 8 * bands.shape[1]),
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
    settings: DedupSettings

    def __call__(self, number: int, shard: Shard) -> Done:
        """The signatures of all rows; of a shard without rows there is no file."""
        wanted = ["doc_id", "text"]
        wanted += [c for c in (self.settings.within, self.settings.keep_by) if c not in ("none", "length")]
        signed = [sign_batch(batch, self.settings) for batch in read_batches(shard.location, wanted)]
        if signed:
            write_beside(signature_file(self.folder, number), pa.concat_batches(signed))
        return Done()


def signature_file(folder: Location, number: int) -> Location:
    """Signatures of shard `number`."""
    return folder / f"{number:05d}.signatures.arrow"


def mark_file(folder: Location, number: int) -> Location:
    """Marks of shard `number`: what `MarkShard` wrote."""
    return folder / f"{number:05d}.marks.arrow"


@dataclass(frozen=True)
class PackShard:
    """Pass 2a: the bands of a shard, packed by band and partition."""

    folder: Location
    partitions: int

    def __call__(self, number: int) -> list[tuple[int, bytes]]:
        """[(group, packed uint64[k, 2])]."""
        file = signature_file(self.folder, number)
        if not storage.is_file(file):
            return []
        column = read_beside(file).column("bands")
        bands = _bytes_of(column, column.type.byte_width).view(np.uint64).reshape(len(column), -1)
        return list(pack_bands(bands, document_keys(number, len(column)), self.partitions))


def match_bands(group: tuple[int, Iterable[bytes]]) -> list[bytes]:
    """Pass 2b: star edges of one group, packed uint64[edges, 2]; nothing where there are none."""
    edges = bucket_edges(iter(group[1]))
    return [edges.tobytes()] if len(edges) else []


def label_candidates(group: tuple[None, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    """Pass 2c, one worker: connected components of all edges. Yields (shard, packed uint64[k, 2] of row and label)."""
    edges = np.concatenate([np.frombuffer(part, dtype=np.uint64) for part in group[1]]).reshape(-1, 2)
    keys, labels = components(edges)
    shards = keys >> ROW_BITS
    for shard in np.unique(shards):
        mine = shards == shard
        yield int(shard), np.column_stack([keys[mine] & ROW_MASK, labels[mine]]).tobytes()


@dataclass(frozen=True)
class ShingleCandidates:
    """Pass 2d: read the candidates of a shard once more and give their shingles, by component.

    One element a partition of components, so that a component's members meet in one place.
    """

    folder: Location
    paths: Mapping[int, Location]
    settings: DedupSettings
    partitions: int

    def __call__(self, candidates: tuple[int, bytes]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, packed) -> (partition, batch of key, label, doc_id, digest, rank, shingles)."""
        number, packed = candidates
        marked = np.frombuffer(packed, dtype=np.uint64).reshape(-1, 2)
        marked = marked[np.argsort(marked[:, 0])]
        rows, labels = marked[:, 0].astype(np.int64), np.ascontiguousarray(marked[:, 1])
        signed = read_beside(signature_file(self.folder, number))
        start = 0
        for batch in read_batches(self.paths[number], ["text"]):
            inside = slice(*np.searchsorted(rows, [start, start + batch.num_rows]))
            here, label = rows[inside], labels[inside]
            if len(here):
                facts = signed.take(pa.array(here))
                first = _first_copies(label, _bytes_of(facts.column("digest"), DIGEST_BYTES))
                texts = batch.column("text").take(pa.array(here[first] - start))
                values = shingle_texts(texts, self.settings.shingle_size)
                sizes = np.zeros(len(here), dtype=np.int64)
                sizes[first] = np.diff(values.offsets)
                offsets = np.concatenate([[0], np.cumsum(sizes)])
                members = pa.RecordBatch.from_arrays(
                    [
                        pa.array((np.uint64(number) << ROW_BITS) + here.astype(np.uint64)),
                        pa.array(label),
                        *(facts.column(name) for name in ("doc_id", "digest", "rank")),
                        pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values.hashes)),
                    ],
                    names=["key", "label", "doc_id", "digest", "rank", "shingles"],
                )
                part = mix(label) % np.uint64(self.partitions)
                for partition in np.unique(part):
                    yield int(partition), members.filter(pa.array(part == partition))
            start += batch.num_rows


def _first_copies(labels: np.ndarray, digests: np.ndarray) -> np.ndarray:
    """Positions, ascending, of the first text of each content in each component: only these need their shingles.

    `cluster` looks at the shingles of the copy with the least key, which is the first one in its batch.
    """
    parts = [labels.view(np.uint8).reshape(-1, 8), digests.view(np.uint8).reshape(-1, DIGEST_BYTES)]
    keys = np.ascontiguousarray(np.concatenate(parts, axis=1)).view(f"V{8 + DIGEST_BYTES}").ravel()
    _, first = np.unique(keys, return_index=True)
    return np.sort(first)


def judge_candidates(members: pa.RecordBatch, threshold: float) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Pass 2e: verify each component. Yields (shard, batch of row, dup_cluster, dup_size, kept, exact, similarity)."""
    members = members.take(pc.sort_indices(members, sort_keys=[("label", "ascending"), ("key", "ascending")]))
    labels = members.column("label").to_numpy()
    cuts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1], [True]]))
    verdicts = []
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        group = members.slice(start, end - start)
        lists = group.column("shingles")
        ids = _bytes_of(group.column("doc_id"), 16)
        found = cluster(
            Candidates(
                shingles=lists.flatten().to_numpy(),
                offsets=lists.offsets.to_numpy() - lists.offsets[0].as_py(),
                digests=_bytes_of(group.column("digest"), DIGEST_BYTES),
                rank=group.column("rank").to_numpy(),
                doc_ids=ids,
            ),
            threshold,
        )
        keys = group.column("key").to_numpy()
        verdicts.append(
            pa.RecordBatch.from_arrays(
                [
                    pa.array(keys),
                    _fixed(ids[found.kept], 16),
                    pa.array(found.size.astype(np.int32)),
                    pa.array(found.kept == np.arange(len(keys))),
                    pa.array(found.exact),
                    pa.array(found.similarity),
                ],
                names=["key", "dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity"],
            )
        )
    all_verdicts = pa.concat_batches(verdicts)
    shards = all_verdicts.column("key").to_numpy() >> ROW_BITS
    for shard in np.unique(shards):
        yield int(shard), all_verdicts.filter(pa.array(shards == shard))


def mark_rows(doc_ids: pa.Array, verdicts: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Marks for all rows of a shard: those without a verdict are their own cluster of one."""
    count = len(doc_ids)
    cluster_of = _bytes_of(doc_ids, 16).copy()
    size = np.ones(count, dtype=np.int32)
    kept = np.ones(count, dtype=bool)
    exact = np.zeros(count, dtype=bool)
    similarity = np.zeros(count, dtype=np.float32)
    for part in verdicts:
        rows = (part.column("key").to_numpy() & ROW_MASK).astype(np.int64)
        cluster_of[rows] = _bytes_of(part.column("dup_cluster"), 16)
        size[rows] = part.column("dup_size").to_numpy()
        kept[rows] = part.column("__dup_kept").to_numpy(zero_copy_only=False)
        exact[rows] = part.column("__dup_exact").to_numpy(zero_copy_only=False)
        similarity[rows] = part.column("__dup_similarity").to_numpy()
    return pa.RecordBatch.from_arrays(
        [_fixed(cluster_of, 16), pa.array(size), pa.array(kept), pa.array(exact), pa.array(similarity)],
        names=["dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity"],
    )


@dataclass(frozen=True)
class MarkShard:
    """Pass 2f: write the marks of a shard beside it."""

    folder: Location
    paths: Mapping[int, Location]

    def __call__(self, number: int, verdicts: Iterable[pa.RecordBatch]) -> None:
        """verdicts: of the candidates of this shard, in any order."""
        doc_ids = storage.read_parquet(self.paths[number], ["doc_id"]).column("doc_id").combine_chunks()
        write_beside(mark_file(self.folder, number), mark_rows(doc_ids, verdicts))


@dataclass(frozen=True)
class KeepBest:
    """Pass 3, a kernel: drop every row that is not the kept member of its cluster, with a decision."""

    threshold: float
    keep_text: bool = False
    step: str = "dedup"

    def load(self) -> None:
        """Nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `keep_best_batch`."""
        return keep_best_batch(batch, self.threshold, step=self.step, keep_text=self.keep_text)


def keep_best_batch(batch: pa.RecordBatch, threshold: float, *, step: str = "dedup", keep_text: bool = False) -> Result:
    """Split marked documents into those kept, with dup_cluster and dup_size, and decisions for the others."""
    kept = batch.column("__dup_kept")
    gone = batch.filter(pc.invert(kept))
    decisions = decide(
        gone,
        step,
        pc.if_else(gone.column("__dup_exact"), "exact_duplicate", "near_duplicate"),
        score=gone.column("__dup_similarity"),
        threshold=threshold,
        dup_of=gone.column("dup_cluster"),
        similarity=gone.column("__dup_similarity"),
        keep_text=keep_text,
    )
    return Result(batch.filter(kept).drop_columns(["__dup_kept", "__dup_exact", "__dup_similarity"]), decisions)


def check_columns(schema: pa.Schema, settings: DedupSettings, where: str) -> None:
    """Raise UserError unless the columns that the options name exist and have the right kind."""
    for option, name, neutral in (("keep-by", settings.keep_by, "length"), ("within", settings.within, "none")):
        if name == neutral:
            continue
        index = schema.get_field_index(name)
        if index < 0:
            raise UserError(
                f"--{option} {name}: {where} has no such column; {nearest(name, schema.names)}",
                remedy=f"name a column of the dataset, or leave --{option} at {neutral!r}",
            )
        kind = schema.field(index).type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if (option == "keep-by") != numeric or (option == "within" and not pa.types.is_string(kind)):
            raise UserError(
                f"--{option} {name}: the column is {kind}", remedy="keep-by needs a number, within needs a string"
            )
