"""What media columns cost: rows with an image, a list of floats and a struct from ingest to packs and three views.

`python -m benchmarks.media [--rows 1000] [--kilobytes 100]` prints Markdown: CPU seconds and bytes on disk of each
step, of the same rows with the media and without, each command in a process of its own (0.5 to 2 s of each are its
start). It fails where a value or a feature of a column that was kept is not what was put in.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.machine import describe_machine
from xlcorpus.dataset.features import Feature, said_in

COLUMNS = ("image", "vector", "scene", "label")
_PNG = b"\x89PNG\r\n\x1a\n"
LABELS = ("web", "book", "speech", "街", "सड़क")
_SENTENCES = {
    "eng_Latn": "the river runs slowly through old towns while people walk home under grey evening light",
    "deu_Latn": "der Fluss fließt langsam durch alte Städte während Menschen unter grauem Licht nach Hause gehen",
    "hin_Deva": "नदी पुराने शहरों से धीरे धीरे बहती है और लोग शाम की रोशनी में घर जाते हैं",
    "rus_Cyrl": "река медленно течёт через старые города и люди идут домой под серым вечерним светом",
}
_CHAIN = """name: chain
steps:
  - {step: ingest, files: rows.parquet, lang_column: lang}
  - {step: identify}
  - {step: score}
  - {step: filter, thresholds: none.yaml}
  - {step: romanize, lcode: none}
"""
_DICTIONARY = "river\tFluss\nold\talt\ntowns\tStädte\npeople\tMenschen\nhome\tHeim\nlight\tLicht\n"


def features() -> dict[str, Any]:
    """The features of the columns, as Hugging Face's `datasets` writes them."""
    number = {"dtype": "float32", "_type": "Value"}
    return {
        "image": {"_type": "Image"},
        "vector": {"feature": number, "_type": "List"},
        "scene": {"place": {"dtype": "string", "_type": "Value"}, "thumb": {"_type": "Image"}},
        "label": {"names": list(LABELS), "_type": "ClassLabel"},
    }


def rows(count: int, size: int) -> pa.Table:
    """Rows in four languages; the images are random bytes behind the signature of a PNG, which no compressor packs."""
    rng = np.random.default_rng(16)
    words = {lang: sentence.split() for lang, sentence in _SENTENCES.items()}
    langs = list(words)
    texts = [" ".join(rng.choice(words[langs[row % 4]], 40)) + f". {row}." for row in range(count)]
    images = [{"bytes": _PNG + rng.bytes(size - len(_PNG)), "path": f"{row}.png"} for row in range(count)]
    vectors = rng.standard_normal((count, 512)).astype(np.float32)
    thumbs = [
        {"place": f"place {row % 7}", "thumb": {"bytes": _PNG + rng.bytes(500), "path": None}} for row in range(count)
    ]
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {
        "text": pa.array(texts),
        "lang": pa.array([langs[row % 4] for row in range(count)]),
        "image": pa.array(images, picture),
        "vector": pa.array(list(vectors), pa.list_(pa.float32())),
        "scene": pa.array(thumbs, pa.struct([("place", pa.string()), ("thumb", picture)])),
        "label": pa.array((np.arange(count) % len(LABELS)).tolist(), pa.int64()),
    }
    said = {b"huggingface": json.dumps({"info": {"features": features()}}).encode()}
    return pa.table(columns).replace_schema_metadata(said)


def pairs(table: pa.Table) -> pa.Table:
    """The same rows as sentence pairs: the text, and the text with its words turned round."""
    texts = table["text"].to_pylist()
    turned = [" ".join(reversed(text.split())) for text in texts]
    kept = table.drop_columns(["text", "lang"])
    return kept.append_column("src", pa.array(texts)).append_column("tgt", pa.array(turned))


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a command and its children, and bytes of the dataset that it wrote."""

    seconds: float
    bytes: int


def step(folder: Path, *arguments: str) -> Cost:
    """One command of xlcorpus; the last argument is the name of its output in the folder."""
    *given, name = arguments
    before = os.times()
    quiet = () if given[0] == "tokenizer" else ("--quiet",)
    command = [sys.executable, "-m", "xlcorpus", *given, "--output", name, *quiet]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(given)}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(used, sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()))


def chain(*, kept: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(what a step is called, its command, its output last), each over the output of an earlier one."""
    keep = ("--keep", ",".join(COLUMNS)) if kept else ()
    packed = ("--tokenizer", "tokens", "--length", "2048")
    yield "ingest", ("ingest", "rows.parquet", "--lang-column", "lang", "ingested")
    yield "ingest to romanize, one recipe", ("run", "chain.yaml", "fused")
    yield "identify", ("identify", "ingested", "identified")
    yield "score", ("score", "identified", "scored")
    yield "filter", ("filter", "scored", "--thresholds", "none.yaml", "filtered")
    yield "dedup", ("dedup", "filtered", "single")
    yield "romanize", ("romanize", "single", "--lcode", "none", "romanized")
    yield "mix", ("mix", "romanized", "--rule", "proportional", "--unit", "docs", "mixed")
    yield "pack", ("pack", "mixed", *packed, *keep, "packed")
    yield "pack --strategy one", ("pack", "mixed", *packed, "--strategy", "one", *keep, "ones")
    sentences = ("--view", "translico", "--floor", "250")
    yield (
        "romanize --view translico",
        ("romanize", "single", *sentences, *keep, "sentences"),
    )
    yield "pack --view translico", ("pack", "sentences", *packed, "--view", "translico", *keep, "translico")
    switch = ("--dictionary", "words.tsv", "--src", "eng_Latn", "--tgt", "deu_Latn", "--view", "restore")
    yield "codeswitch --view restore", ("codeswitch", "single", *switch, *keep, "restored")
    yield "pack --view restore", ("pack", "restored", *packed, "--view", "restore", *keep, "restore")
    sides = ("--kind", "pairs", "--src-lang", "eng_Latn", "--tgt-lang", "deu_Latn")
    yield "ingest --kind pairs", ("ingest", "pairs.parquet", *sides, "paired")
    yield "pack --view tlm", ("pack", "paired", *packed, "--view", "tlm", *keep, "tlm")


def measure(folder: Path, table: pa.Table, *, kept: bool) -> dict[str, Cost]:
    """The costs of all steps; raises SystemExit where values or features are not those that were put in."""
    folder.mkdir()
    pq.write_table(table, folder / "rows.parquet")
    pq.write_table(pairs(table), folder / "pairs.parquet")
    (folder / "none.yaml").write_text("default: {}\n", encoding="utf-8")
    (folder / "chain.yaml").write_text(_CHAIN, encoding="utf-8")
    (folder / "words.tsv").write_text(_DICTIONARY, encoding="utf-8")
    costs = {}
    for name, command in chain(kept=kept):
        if command[0] == "pack" and not (folder / "tokens").exists():
            step(folder, "tokenizer", "train", "single", "--vocab-size", "440", "tokens")
        costs[name] = step(folder, *command)
        checked = f", {check(folder / command[-1], table):,} values as they were" if kept else ""
        print(f"{name}: {costs[name].seconds:.1f} s, {costs[name].bytes / 1e6:.1f} MB{checked}", file=sys.stderr)
    return costs


def check(folder: Path, table: pa.Table) -> int:
    """How many rows, or parts of packs, have all columns as they were put in; raises SystemExit where one has not."""
    (data,) = folder.rglob("data")
    found = pq.read_table(data, partitioning=None)
    columns = {name: found[name].combine_chunks() for name in COLUMNS}
    said = said_in(found.schema.metadata)
    listed = pa.types.is_list(columns["label"].type)
    for name, one in said_in(table.schema.metadata).items():
        wanted = Feature(one, pa.null()).listed if listed else one
        if json.loads(said.get(name, "null")) != json.loads(wanted):
            raise SystemExit(f"{folder.name}: of column {name!r} the shards say {said.get(name)}, not {one}")
    if listed:
        columns = {name: column.flatten() for name, column in columns.items()}
    rows = pa.array([int(path.removesuffix(".png")) for path in columns["image"].field("path").to_pylist()])
    for name, column in columns.items():
        if not column.equals(table[name].combine_chunks().take(rows).cast(column.type)):
            raise SystemExit(f"{folder.name}: column {name!r} has other values than were put in")
    return len(rows)


def report(count: int, kilobytes: int) -> None:
    """Print the table."""
    table = rows(count, 1000 * kilobytes)
    with tempfile.TemporaryDirectory() as folder:
        bare = measure(Path(folder) / "bare", table.drop_columns(["image", "vector", "scene"]), kept=False)
        media = measure(Path(folder) / "media", table, kept=True)
    print("| step | CPU s without media | CPU s with media | MB without | MB with |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, cost in media.items():
        seconds = f"{bare[name].seconds:.1f} | {cost.seconds:.1f}"
        print(f"| `{name}` | {seconds} | {bare[name].bytes / 1e6:.1f} | {cost.bytes / 1e6:.1f} |")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is never because of a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--kilobytes", type=int, default=100, help="of an image")
    options = parser.parse_args(arguments)
    print(f"{describe_machine('pyarrow', 'apache-beam')}; {options.rows:,} rows x {options.kilobytes} KB")
    report(options.rows, options.kilobytes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
