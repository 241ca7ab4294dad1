"""A thousand random damages to inputs, shards, manifests, unfinished runs and models: is each noticed?

    python -m benchmarks.damages --trials 1000 --seed 1

Each trial damages one copy of one file (a bit flipped, the end cut off, two blocks of 16 bytes exchanged, bytes put
behind it) and does what reads it next. It is noticed: by an error, or as a reject row that names the record; or it has
no effect on the rows; or other rows come out. Formats without a checksum (plain text, a model of somebody else's)
cannot notice a letter that is another one: they stand below.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from xlcorpus.beam.read import read_shard, shard_tasks
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.recipe import run as running
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.load import load_recipe
from xlcorpus.recipe.run import Settings, run_recipe
from xlcorpus.recipe.single import nodes_of_step

SAID = (
    "Habari ya asubuhi rafiki",
    "Добрый день, друзья мои",
    "สวัสดีชาวโลกทุกคน",
    "नमस्ते दुनिया के लोगों",
    "ދިވެހި ބަހުން",
)
TEXTS = [f"{text} {number}" for number in range(12) for text in SAID]
COLUMNS = ("text", "src", "tgt", "lang", "dup_cluster", "text_latn")  # ids and places tell the input's bytes anyway
Rows = list[tuple[Any, ...]]
Found = tuple[Rows, int]  # rows; rejects and decisions


@dataclass(frozen=True)
class Kind:
    """A file to damage (in a folder that is copied for each trial) and what reads it next."""

    name: str
    folder: Path
    file: str
    use: Callable[[Path], Found]
    sealed: bool = True  # whether the format has a checksum over all of it


def _run(nodes: tuple[Node, ...], output: Path, **settings: Any) -> Dataset:
    given = Settings(quiet=True, say=lambda line: None, **settings)
    return run_recipe(nodes, lambda node: output / node.id, given)[-1].dataset


def _step(name: str, source: Path, output: Path, **options: Any) -> Dataset:
    return _run(nodes_of_step(name, [str(source)], options, "damages"), output)


def _found(dataset: Dataset) -> Found:
    manifest = dataset.manifest
    names = [name for name in COLUMNS if name in manifest.arrow_schema.names]
    rows = sorted(tuple(map(repr, row.values())) for row in dataset.to_arrow(names).to_pylist())
    return rows, sum(shard.rows for shard in (*manifest.decisions, *manifest.rejects))


def _ingest(file: str, **options: Any) -> Callable[[Path], Found]:
    return lambda folder: _found(_step("ingest", folder / file, folder / "out", **options))


def _read(folder: Path) -> Found:
    """What the next step reads of a dataset: every column of every shard, through the reader of all steps."""
    dataset = Dataset.open(folder)
    elements = [element for task in shard_tasks([dataset]) for element in read_shard(task)]
    rows = [tuple(map(repr, row.values())) for one in elements for row in one.documents.to_pylist()]
    return [*rows, (dataset.manifest.fingerprint, dataset.manifest.seed)], 0


def _read_decisions(folder: Path) -> Found:
    batches = Dataset.open(folder).decisions()
    return [tuple(map(repr, row.values())) for batch in batches for row in batch.to_pylist()], 0


def _resume(folder: Path) -> Found:
    return _found(_run(nodes_of_step("dedup", [str(folder / "in")], {}, "damages"), folder, resume=True))


def _recipe(folder: Path) -> Found:
    loaded = load_recipe(str(folder / "recipe.yaml"), [f"variables.files={folder / 'raw.jsonl'}"])
    return _found(_run(tuple(loaded.nodes), folder / "out", seed=loaded.seed))


def _tokenize(folder: Path) -> Found:
    from xlcorpus.tokenizer.open import open_tokenizer

    ids, offsets = open_tokenizer(str(folder / "tokenizer.model")).encode_batch(pa.array(TEXTS[:10]))
    return [(ids.tobytes(), offsets.tobytes())], 0


def _identify(folder: Path) -> Found:
    from xlcorpus.lid.model import open_model

    return [(repr(open_model(folder / "model.ftz").predict(pa.array(TEXTS[:10]), 3)),)], 0


def _dictionary(folder: Path) -> Found:
    from xlcorpus.lexicon.dictionary_file import read_dictionary

    return [(repr(read_dictionary(folder / "words.tsv", src="eng", tgt="swh")),)], 0


def make_kinds(base: Path) -> list[Kind]:
    """All kinds of files, made in folders of their own."""
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS).encode()

    def plant(name: str, file: str, content: bytes) -> Path:
        folder = base / name
        folder.mkdir(parents=True)
        (folder / file).write_bytes(content)
        return folder

    page = b"".join(_warc_record(number, text) for number, text in enumerate(TEXTS[:20]))
    kinds = [
        Kind("jsonl.gz", plant("gz", "a.jsonl.gz", gzip.compress(lines, mtime=0)), "a.jsonl.gz", _ingest("a.jsonl.gz")),
        Kind(
            "jsonl.zst",
            plant("zst", "a.jsonl.zst", zstandard.ZstdCompressor(write_checksum=True).compress(lines)),
            "a.jsonl.zst",
            _ingest("a.jsonl.zst"),
        ),
        Kind("warc.gz", plant("warc", "a.warc.gz", page), "a.warc.gz", _ingest("a.warc.gz")),
    ]
    dataset = base / "dataset"
    raw = plant("raw", "raw.jsonl", lines + b'{"text": ""}\n')
    shutil.copytree(_step("ingest", raw / "raw.jsonl", base / "made").folder, dataset)
    for name, file, use in (
        ("shard", "data/part-00000-000.parquet", _read),
        ("decisions shard", "decisions/part-00000-000.parquet", _read_decisions),
        ("manifest.json", "manifest.json", _read),
    ):
        kinds.append(Kind(name, dataset, file, use))
    parted = _run(
        nodes_of_step("ingest", [str(raw / "raw.jsonl")], {}, "damages"), base / "parted", partition_by="source"
    )
    kinds.append(Kind("shard of a partition", parted.folder, parted.manifest.shards[0].name, _read))
    unfinished = base / "unfinished"
    shutil.copytree(dataset, unfinished / "in")
    manifest, running._manifest = running._manifest, _stop  # type: ignore[assignment]
    try:
        _run(nodes_of_step("dedup", [str(unfinished / "in")], {}, "damages"), unfinished)
    except KeyboardInterrupt:
        running._manifest = manifest
    signed = base / "signed"
    shutil.copytree(unfinished, signed)
    for phase in ("match", "write"):  # of two runs that were cut, this one has yet to read what it has signed
        shutil.rmtree(signed / "dedup" / "_work" / phase)
    shutil.rmtree(signed / "dedup" / "data")
    for folder in (unfinished, signed):
        for path in sorted((folder / "dedup").rglob("*")):
            what = {".json": "sidecar", ".arrow": "Arrow file"}.get(path.suffix, "shard")
            if path.is_file():
                file = path.relative_to(folder).as_posix()
                kinds.append(Kind(f"{what} of an unfinished run", folder, file, _resume))
    from xlcorpus.sample import sample_folder

    sample = Path(str(sample_folder()))
    embedded = next(iter(sorted((sample.parent / "lid" / "embedded").glob("*.ftz"))))
    checked = plant("parquet", "a.parquet", b"")
    pq.write_table(pa.table({"text": TEXTS}), checked / "a.parquet", write_page_checksum=True)
    recipe = b"variables: {files: x}\nseed: 3\nsteps:\n  - {step: ingest, files: '${files}'}\n"
    recipe += b"  - {step: dedup, threshold: 0.8}\n"
    shutil.copy(raw / "raw.jsonl", plant("recipe", "recipe.yaml", recipe))
    words = "".join(f"word{number}\tneno{number}\n" for number in range(40)).encode()
    return [
        *kinds,
        Kind("Parquet of others, with page checksums", checked, "a.parquet", _ingest("a.parquet"), sealed=False),
        Kind("jsonl", plant("jsonl", "a.jsonl", lines), "a.jsonl", _ingest("a.jsonl"), sealed=False),
        Kind("txt", plant("txt", "a.txt", "\n".join(TEXTS).encode()), "a.txt", _ingest("a.txt"), sealed=False),
        Kind("language model", plant("lid", "model.ftz", embedded.read_bytes()), "model.ftz", _identify, sealed=False),
        Kind(
            "tokenizer model",
            plant("tokenizer", "tokenizer.model", (sample / "tokenizer.model").read_bytes()),
            "tokenizer.model",
            _tokenize,
            sealed=False,
        ),
        Kind("recipe", base / "recipe", "recipe.yaml", _recipe, sealed=False),
        Kind("dictionary (TSV)", plant("words", "words.tsv", words), "words.tsv", _dictionary, sealed=False),
    ]


def _stop(*arguments: object, **more: object) -> None:
    raise KeyboardInterrupt


def _warc_record(number: int, text: str) -> bytes:
    html = f"<html><meta charset=utf-8><body><p>{text} {text} {text}</p></body></html>".encode()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + html
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/{number}\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)


def damage(content: bytes, how: str, draw: random.Random) -> bytes:
    """The bytes after one damage of that kind."""
    at = draw.randrange(len(content))
    if how == "bit flipped":
        return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
    if how == "cut off":
        return content[:at]
    if how == "blocks exchanged":
        one, other = sorted(draw.randrange(max(1, len(content) - 16)) for _ in range(2))
        other = max(other, one + 16)
        first, second = content[one : one + 16], content[other : other + 16]
        return content[:one] + second + content[one + 16 : other] + first + content[other + 16 :]
    return content + draw.randbytes(draw.randrange(1, 64))


HOW = ("bit flipped", "cut off", "blocks exchanged", "bytes appended")
OUTCOMES = ("error", "reject row", "no effect", "OTHER ROWS", "CRASH")


def trial(kind: Kind, how: str, draw: random.Random, sound: Found, folder: Path) -> str:
    """What comes of one damage: one of OUTCOMES."""
    copy = folder / "copy"
    shutil.copytree(kind.folder, copy)
    try:
        path = copy / kind.file
        damaged = damage(path.read_bytes(), how, draw)
        if damaged == path.read_bytes():
            return "no effect"
        path.write_bytes(damaged)
        rows, others = kind.use(copy)
    except UserError:
        return "error"
    except Exception as error:
        print(f"  {kind.name}, {how}: {type(error).__name__}: {str(error)[:200]}", flush=True)
        return "CRASH"
    finally:
        shutil.rmtree(copy)
    if rows == sound[0]:
        return "no effect"
    return "reject row" if others > sound[1] else "OTHER ROWS"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counted: dict[str, Counter[str]] = {}
    sealed: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="damages-") as base:
        kinds = make_kinds(Path(base) / "kinds")
        sound: dict[int, Found] = {}
        names = list(dict.fromkeys(kind.name for kind in kinds))
        for number in range(options.trials):
            draw = random.Random(f"{options.seed}/{number}")
            name, how = names[number % len(names)], HOW[number // len(names) % len(HOW)]
            at, kind = draw.choice([(at, kind) for at, kind in enumerate(kinds) if kind.name == name])
            if at not in sound:
                copy = Path(base) / "sound"
                shutil.copytree(kind.folder, copy)
                sound[at] = kind.use(copy)
                shutil.rmtree(copy)
            outcome = trial(kind, how, draw, sound[at], Path(base))
            counted.setdefault(name, Counter())[outcome] += 1
            counted.setdefault(f"{'' if kind.sealed else 'no checksum, '}{how}", Counter())[outcome] += 1
            sealed[name] = kind.sealed
    _print(names, counted, sealed)
    unnoticed = sum(counted[name]["OTHER ROWS"] + counted[name]["CRASH"] for name in names if sealed.get(name))
    print(f"\n{options.trials} damages; of files with a checksum {unnoticed} neither noticed nor without effect")


def _print(names: list[str], counted: dict[str, Counter[str]], sealed: dict[str, bool]) -> None:
    rows = [["", *OUTCOMES]]
    for name in (*names, *sorted(set(counted) - {*names})):
        marked = f"{name} (no checksum)" if sealed.get(name) is False else name
        rows.append([marked, *(str(counted[name][outcome]) for outcome in OUTCOMES)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        print("  ".join([first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]))


if __name__ == "__main__":
    main()
