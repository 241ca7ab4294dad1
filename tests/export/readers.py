"""Exports read back by the tools' own readers, in an environment of their own.

`python -m tests.export.readers VENV [MILLIONS]` makes the environment (network: PyPI), exports so many millions of
tokens (default 40) in every format there, reads them back whole and prints what that took. `tests/export/test_tools.py`
does the same with small packs wherever a tool is installed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
MODULES = {  # to import, by format
    "megatron": "megatron.core.datasets.indexed_dataset",
    "datatrove": "datatrove.utils.dataset",
    "olmo": "olmo_core.data",
    "litgpt": "litdata",
    "mds": "streaming",
}
TOOLS = (
    "megatron-core==0.16.1",
    "datatrove==0.10.1",
    "ai2-olmo-core==3.0.0",
    "litdata==0.2.76",
    "mosaicml-streaming==0.13.0",
)
# What they import on the way, of their hundreds of dependencies.
IMPORTED = (
    *("loguru", "fsspec", "humanize", "dill", "multiprocess", "tqdm", "rich", "cached_path", "omegaconf", "filelock"),
    *(
        "lightning-utilities",
        "boto3",
        "botocore",
        "s3transfer",
        "jmespath",
        "requests",
        "catalogue",
        "brotli",
        "pillow",
    ),
    *("zstd", "python-snappy", "cramjam", "torchvision", "dataclass-extensions", "bettermap", "importlib_resources"),
    *("google-cloud-storage", "google-auth", "google-api-core", "google-cloud-core", "google-resumable-media"),
    *("googleapis-common-protos", "google-crc32c", "proto-plus"),
)
BLOCK = 1025  # of litgpt: a context of 1,024, and the next token
Tokens = tuple[np.ndarray, "list[int] | None"]  # ids in order; tokens of each document, where the reader says them


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def read_megatron(folder: Path) -> Tokens:
    """IndexedDataset, every document by its number."""
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    ids, sizes = [], []
    for file in sorted(folder.glob("*.idx")):
        dataset = IndexedDataset(str(file.with_suffix("")))
        assert dataset.document_indices.tolist() == list(range(len(dataset) + 1))
        found = [dataset[number].copy() for number in range(len(dataset))]
        ids += found
        sizes += list(map(len, found))
        assert sizes[-len(found) :] == dataset.sequence_lengths.tolist()
    return _joined(ids), sizes


def read_datatrove(folder: Path) -> Tokens:
    """DatatroveFolderDataset lists the files; of each one window of all its tokens, positions from the ends."""
    from datatrove.utils.dataset import DatatroveFileDataset, DatatroveFolderDataset

    width = np.dtype(json.loads((folder / "export.json").read_text())["dtype"]).itemsize
    listed = DatatroveFolderDataset(str(folder), seq_len=1, token_size=width)
    ids, sizes = [], []
    for file in listed.files:
        path = folder / Path(file.file_path).name
        tokens = path.stat().st_size // width
        window = DatatroveFileDataset(str(path), tokens - 1, width, return_positions=True)[0]
        ids.append(window["input_ids"].numpy())
        begins = np.flatnonzero(window["positions"].numpy() == 0)
        sizes += np.diff(begins, append=tokens).tolist()
    return _joined(ids), sizes


def read_olmo(folder: Path) -> Tokens:
    """NumpyFSLDataset, one sequence a file; the documents by eos and by .csv.gz, which must agree."""
    from olmo_core.data import NumpyFSLDataset
    from olmo_core.data.utils import iter_document_indices

    said = json.loads((folder / "export.json").read_text())
    dtype, end = getattr(np, said["dtype"]), said["document_end"]["id"]
    facts = {"pad_token_id": 0, "eos_token_id": end, "vocab_size": said["tokenizer"]["vocab_size"], "dtype": dtype}
    ids, sizes = [], []
    for file in sorted(folder.glob("*.npy")):
        dataset = NumpyFSLDataset(file, sequence_length=file.stat().st_size // dtype(0).itemsize, **facts)
        assert len(dataset) == 1
        ids.append(dataset[0]["input_ids"].numpy())
        by_end = list(iter_document_indices(file, eos_token_id=end, dtype=dtype))
        assert by_end == list(iter_document_indices(file, dtype=dtype, use_array_if_local=False))
        sizes += [stop - start for start, stop in by_end]
    return _joined(ids), sizes


def read_litgpt(folder: Path) -> Tokens:
    """StreamingDataset with TokensLoader, block by block; what is over at the end of the last chunk, token by token."""
    from litdata import StreamingDataset, TokensLoader

    said = json.loads((folder / "export.json").read_text())
    block = said["options"]["block"] or 1
    dataset = StreamingDataset(str(folder), item_loader=TokensLoader(block_size=block))
    ids = [np.asarray(dataset[number]) for number in range(len(dataset))]
    one_by_one = StreamingDataset(str(folder), item_loader=TokensLoader(block_size=1))
    assert len(one_by_one) == said["tokens"]
    ids += [np.asarray(one_by_one[number]) for number in range(len(dataset) * block, said["tokens"])]
    return _joined(ids), None


def read_mds(folder: Path) -> Tokens:
    """StreamingDataset, every sample by its number."""
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    dataset = StreamingDataset(local=str(folder), shuffle=False, batch_size=1)
    found = [dataset[number]["tokens"].copy() for number in range(len(dataset))]
    return _joined(found), list(map(len, found))


READERS: dict[str, Callable[[Path], Tokens]] = {
    "megatron": read_megatron,
    "datatrove": read_datatrove,
    "olmo": read_olmo,
    "litgpt": read_litgpt,
    "mds": read_mds,
}


def large_packs(folder: Path, tokens: int, length: int = 1024) -> Path:
    """Packs of `pack`'s own packer, best-fit, of documents of 20 to 200,000 random ids, median 400."""
    from tests.packed import packs, regroup
    from tests.rows import write_dataset
    from xlcorpus.dataset.columns import fixed_binary
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.pack.options import PackOptions
    from xlcorpus.pack.packer import Packer
    from xlcorpus.pack.token_documents import TokenDocuments
    from xlcorpus.text.ragged import offsets_of

    like = Dataset.open(packs()).manifest
    chance = np.random.default_rng(1)
    batches, made = [], 0
    for task in range(2):
        packer, rows = Packer(PackOptions(tokenizer="x", length=length), task), []
        while made < tokens * (task + 1) // 2:
            sizes = np.clip(np.exp(chance.normal(6, 1.2, 2_000)).astype(np.int64), 20, 200_000)
            ids = chance.integers(5, 6_000, sizes.sum(), dtype=np.int32)
            ids[np.cumsum(sizes) - 1] = 3
            names = pa.array(["eng_Latn"] * len(sizes))
            doc_ids = fixed_binary(chance.integers(0, 2**63, (len(sizes), 2), dtype=np.uint64))
            numbers = pa.array(np.zeros(len(sizes), dtype=np.int32))
            columns = (doc_ids, names, names, names, names, numbers, numbers.cast(pa.int64()))
            rows += packer.add(TokenDocuments(ids, offsets_of(sizes), *columns))
            made += int(sizes.sum())
        batches.append(pa.Table.from_batches([*rows, *packer.finish()]).combine_chunks().to_batches()[0])
    notes = {**like.notes, "length": length}
    made = write_dataset(folder.with_name("groups-of-16MB"), batches, "token", steps=like.steps, notes=notes)
    groups = [[min(256, batch.num_rows - at) for at in range(0, batch.num_rows, 256)] for batch in batches]
    return regroup(made.folder, folder, groups)  # as `pack` writes them


def expected_of(dataset: Path) -> tuple[np.ndarray, list[int]]:
    """All tokens of the documents and the tokens of each, in the order in which they end: a part at a time."""
    from tests.export.exported import documents_of

    documents = documents_of(dataset)
    return _joined([np.array(one, dtype=np.int64) for one in documents]), list(map(len, documents))


def main(venv: Path, millions: float) -> None:
    """Make the environment where it is not, and run `figures` in it."""
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        (place,) = venv.glob("lib/python*/site-packages")
        # Behind its own: what this interpreter has, with the .pth files that lie there.
        ours = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
        (place / "zz_ours.pth").write_text("\n".join(ours) + "\n")
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, *TOOLS, *IMPORTED], check=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([str(python), __file__, str(millions)], check=True, env=environment, cwd=ROOT)


def figures(millions: float) -> None:
    """Export and read back in this environment; a line a format."""
    from tests.export.exported import exported

    with tempfile.TemporaryDirectory(prefix="xlcorpus-readers-") as held:
        folder = Path(held)
        dataset = large_packs(folder / "packs", round(millions * 1e6))
        ids, sizes = expected_of(dataset)
        stored = sum(path.stat().st_size for path in dataset.rglob("*.parquet"))
        print(f"packs: {len(ids):,} tokens, {len(sizes):,} documents, {stored / 1e6:.1f} MB")
        for name, read in READERS.items():
            options: dict[str, Any] = {"block": BLOCK} if name == "litgpt" else {}
            begun = time.process_time()
            done = exported(dataset, folder / name, name, **options)
            cpu = time.process_time() - begun
            size = sum(path.stat().st_size for path in (folder / name).iterdir())
            begun = time.perf_counter()
            found, found_sizes = read(folder / name)
            wall = time.perf_counter() - begun
            assert np.array_equal(found, ids), name
            assert found_sizes in (None, sizes), name
            print(
                f"{name:10} {done.documents:,} documents, {len(done.files)} files, {size / 1e6:.1f} MB: exported in "
                f"{cpu:.2f} CPU s ({size / 1e6 / cpu:.0f} MB/s, {cpu / done.tokens * 1e9:.0f} s per 10^9 tokens), "
                f"read back whole by its reader in {wall:.1f} s, equal"
            )
            del found
            gc.collect()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        if len(sys.argv) == 2 and sys.argv[1].replace(".", "").isdigit():
            figures(float(sys.argv[1]))
        else:
            main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 40)
