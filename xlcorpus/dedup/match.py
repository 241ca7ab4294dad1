"""Match signatures over all shards: bands to candidates, their shingles once more, and a verdict on each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import bytes_of, fixed_binary, parts_by
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.candidates import ROW_BITS, ROW_MASK, bucket_edges, components, deal_bands, document_keys
from xlcorpus.dedup.sign import signature_file
from xlcorpus.dedup.signature import shingle_texts
from xlcorpus.dedup.verify import Candidates, cluster
from xlcorpus.text.hashes import DIGEST_BYTES, mix
from xlcorpus.text.ragged import offsets_of


@dataclass(frozen=True)
class DealBands:
    """Pass 2a: the bands of a shard, packed by band and partition."""

    folder: Location
    partitions: int

    def __call__(self, number: int) -> list[tuple[int, bytes]]:
        """[(group, packed uint64[k, 2])]."""
        file = signature_file(self.folder, number)
        if not storage.is_file(file):
            return []
        column = read_beside(file).column("bands")
        bands = bytes_of(column).view(np.uint64).reshape(len(column), -1)
        return list(deal_bands(bands, document_keys(number, len(column)), self.partitions))


def match_bands(group: tuple[int, Iterable[bytes]]) -> list[bytes]:
    """Pass 2b: star edges of one group, packed uint64[edges, 2]; nothing where there are none."""
    edges = bucket_edges(group[1])
    return [edges.tobytes()] if len(edges) else []


def label_candidates(group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
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
    shingle_size: int
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
                first = _first_copies(label, bytes_of(facts.column("digest")))
                texts = batch.column("text").take(pa.array(here[first] - start))
                values = shingle_texts(texts, self.shingle_size)
                sizes = np.zeros(len(here), dtype=np.int64)
                sizes[first] = np.diff(values.offsets)
                offsets = offsets_of(sizes)
                members = pa.RecordBatch.from_arrays(
                    [
                        pa.array((np.uint64(number) << ROW_BITS) + here.astype(np.uint64)),
                        pa.array(label),
                        *(facts.column(name) for name in ("doc_id", "digest", "rank")),
                        pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values.hashes)),
                    ],
                    names=["key", "label", "doc_id", "digest", "rank", "shingles"],
                )
                yield from parts_by(mix(label) % np.uint64(self.partitions), members)
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
        ids = bytes_of(group.column("doc_id"))
        found = cluster(
            Candidates(
                shingles=lists.flatten().to_numpy(),
                offsets=lists.offsets.to_numpy() - lists.offsets[0].as_py(),
                digests=bytes_of(group.column("digest")),
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
                    fixed_binary(ids[found.kept]),
                    pa.array(found.size.astype(np.int32)),
                    pa.array(found.kept == np.arange(len(keys))),
                    pa.array(found.exact),
                    pa.array(found.similarity),
                ],
                names=["key", "dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity"],
            )
        )
    all_verdicts = pa.concat_batches(verdicts)
    yield from parts_by(all_verdicts.column("key").to_numpy() >> ROW_BITS, all_verdicts)


@dataclass(frozen=True)
class JudgeComponents:
    """`judge_candidates` of all members of a partition of components."""

    threshold: float

    def __call__(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(partition, batches) -> see `judge_candidates`."""
        return judge_candidates(pa.concat_batches(list(group[1])), self.threshold)
