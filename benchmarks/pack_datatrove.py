"""The tokeniser step of datatrove against the same tokenizer and packing here: one process each, the same documents.

Both read one JSONL file and write tokens: datatrove a flat file and an index of the documents' ends, in the order of
the input; this package shards of best-fit packs. CPU seconds and peak memory of the whole process, start included.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.json as pj
import xxhash

from benchmarks.meter import Measured, Meter
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import PACK
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer.open import open_tokenizer

_VOCABULARY = 16_000
_TRAIN = """
import sys
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(vocab_size=int(sys.argv[3]), special_tokens=["</s>"], show_progress=False,
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
tokenizer.train([sys.argv[1]], trainer)
tokenizer.save(sys.argv[2])
"""
_DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
source, tokenizer, target = sys.argv[1:]
steps = [JsonlReader(source),
         DocumentTokenizer(target, tokenizer_name_or_path=tokenizer, eos_token="</s>", shuffle_documents=False)]
LocalPipelineExecutor(pipeline=steps, tasks=1, workers=1, logging_dir=target + "/logs").run()
"""


@dataclass(frozen=True)
class Run:
    """CPU seconds, peak bytes in memory, bytes written."""

    seconds: float
    memory: int
    written: int


def pack_file(source: Path, tokenizer: Path, target: Path, packages: Path, length: int) -> None:
    """This package's part: JSONL to shards of packs. Prints padding and the CPU seconds of each stage as JSON."""
    sys.path.append(str(packages))  # where the library `tokenizers` lies
    meter, pairs = Meter(), open_tokenizer(tokenizer)
    options = PackOptions(tokenizer=str(tokenizer), length=length)
    packer = Packer(options)
    tokens = 0
    with ShardWriter(target, "data", "00000", PACK) as writer:
        for batch in _documents(source):
            with meter.phase("tokenize"):
                documents = tokenize_batch(batch, pairs, options).documents
            tokens += len(documents.ids)
            with meter.phase("pack"):
                packs = list(packer.add(documents))
            with meter.phase("write"):
                for rows in packs:
                    writer.write(rows)
        with meter.phase("pack"):
            packs = list(packer.finish())
        with meter.phase("write"):
            for rows in packs:
                writer.write(rows)
            writer.close()
    meter.save(target / "meter.json")
    (target / "counts.json").write_text(json.dumps({"padding": packer.counts.padding, "tokens": tokens}))


def _documents(source: Path) -> Iterator[pa.RecordBatch]:
    table = pj.read_json(source)
    for batch in table.to_batches(max_chunksize=2048):
        ids = pa.array(
            [xxhash.xxh3_128_digest(name.encode()) for name in batch.column("id").to_pylist()], pa.binary(16)
        )
        origin = pa.nulls(batch.num_rows, pa.struct([("file", pa.string()), ("offset", pa.int64())]))
        yield pa.RecordBatch.from_arrays(
            [ids, *(batch.column(name) for name in ("text", "lang")), origin],
            names=["doc_id", "text", "lang", "origin"],
        )


def write_corpus(data: Path, target: Path, megabytes: int) -> tuple[int, int]:
    """Whole news documents of NTREX in 65 languages, as often as it takes; gives documents and bytes of text."""
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted((data / "ntrex").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                texts[row["doc"], row["lang"]].append(row["text"])
    documents = size = 0
    with target.open("w", encoding="utf-8") as file:
        while size < megabytes * 1_000_000:
            for (name, lang), sentences in sorted(texts.items()):
                text = "\n".join(sentences)
                row = {"id": f"{name}/{lang}/{documents}", "text": text, "lang": lang}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                documents, size = documents + 1, size + len(text.encode())
    return documents, size


def _run(command: Sequence[str], target: Path) -> Run:
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command[0]} failed with {child.returncode}")
    written = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, written)


def compare(python: Path, data: Path, megabytes: int, length: int, repeats: int) -> None:
    """Print a table."""
    packages = Path(
        subprocess.run(
            [python, "-c", "import tokenizers; print(tokenizers.__path__[0])"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    ).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, tokenizer = folder / "in" / "corpus.jsonl", folder / "tokenizer.json"
        source.parent.mkdir()
        documents, size = write_corpus(data, source, megabytes)
        subprocess.run([python, "-c", _TRAIN, source, tokenizer, str(_VOCABULARY)], check=True)
        peers: dict[str, list[Run]] = {"datatrove, tokeniser step": [], "this package, best-fit": []}
        for repeat in range(repeats):
            target = folder / f"peer-{repeat}"
            peers["datatrove, tokeniser step"].append(
                _run([str(python), "-c", _DATATROVE, str(source.parent), str(tokenizer), str(target)], target)
            )
            target = folder / f"own-{repeat}"
            arguments = [str(value) for value in (source, tokenizer, target, packages, length)]
            peers["this package, best-fit"].append(
                _run([sys.executable, "-m", "benchmarks.pack_datatrove", *arguments], target)
            )
        counts = json.loads((target / "counts.json").read_text())
        least = Measured.least([Measured.load(folder / f"own-{repeat}" / "meter.json") for repeat in range(repeats)])
    print(f"\n{documents:,} documents, {size / 1e6:.0f} MB of text, {counts['tokens'] / 1e6:.1f} M tokens\n")
    print("| | CPU s | documents/s | MB/s of text | peak MB | MB written |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for peer, runs in peers.items():
        best = min(runs, key=lambda run: run.seconds)
        print(
            f"| {peer} | {best.seconds:.1f} | {documents / best.seconds:,.0f} | {size / best.seconds / 1e6:.1f} | "
            f"{best.memory / 1e6:.0f} | {best.written / 1e6:.1f} |"
        )
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in least.phases.items())
    print(f"\nthis package: {stages}; padding {counts['padding']:.3%}")


if __name__ == "__main__":
    _source, _tokenizer, _target, _packages = (Path(value) for value in sys.argv[1:5])
    pack_file(_source, _tokenizer, _target, _packages, int(sys.argv[5]))
