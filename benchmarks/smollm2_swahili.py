"""SmolLM2-135M with 4,000 pieces of Swahili, 200 k tokens of it, two ways to begin, with replay of English and without.

    python -m benchmarks.smollm2_swahili prepare out/swahili
    python -m benchmarks.smollm2_swahili run out/swahili          # all arms, or those that are named
    python -m benchmarks.smollm2_swahili run out/swahili ofa-replay
    python -m benchmarks.smollm2_swahili table out/swahili        # of what is there

`prepare` takes the model as `benchmarks.smollm2` does (put the GGUF file into the folder where there is no network) and
texts of ../shared/data; `run` trains arm by arm, goes on with what was begun, and leaves what `xlcorpus evaluate` finds
of held-out Swahili and English, with standard errors over documents, in OUT/ARM/evaluation. `-0` are not trained.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.smollm2 import documents, ingest, make_base, xlcorpus

NEW, OLD = "swh_Latn", "eng_Latn"
PIECES, LENGTH, TOKENS, REPLAY = 4000, 128, 200_000, 0.25  # REPLAY: of the micro-batches
HELD_OUT = 4  # one in so many documents of NTREX: 16 in each language, for the errors
WAYS: dict[str, Any] = {"normal": "normal", "ofa": {"method": "ofa", "languages": [OLD, NEW], "max_bytes": 10_000_000}}
ARMS = {f"{way}{kind}": (way, kind) for way in WAYS for kind in ("-0", "-alone", "-replay")}


def prepare(out: Path) -> None:
    """The model, the extended tokenizer, packs of each language and those held out."""
    make_base(out)
    files: dict[str, list[str]] = defaultdict(list)
    for held_out, row in documents(HELD_OUT):
        if row["lang"] in (NEW, OLD):
            files["held-out" if held_out else row["lang"]].append(json.dumps(row, ensure_ascii=False))
    ingest(out, files)
    tokenizer = out / "tokenizer"
    xlcorpus("tokenizer", "extend", out / "base", out / NEW, "--pieces", PIECES, "-o", tokenizer, "--overwrite")
    for name in (NEW, OLD, "held-out"):
        xlcorpus("pack", out / name, "--tokenizer", tokenizer, "--length", LENGTH, "--output",
                 out / f"packed-{name}", "--overwrite")  # fmt: skip
    xlcorpus("pack", out / "held-out", "--tokenizer", out / "base", "--length", LENGTH, "--output",
             out / "packed-base", "--overwrite")  # fmt: skip
    xlcorpus("evaluate", out / "base", "--bits", out / "packed-base", "--output", out / "base-evaluation")


def recipe_of(out: Path, arm: str) -> dict[str, Any]:
    """The recipe of an arm, as plain data."""
    way, kind = ARMS[arm]
    how = WAYS[way] if isinstance(WAYS[way], str) else {**WAYS[way], "texts": [str(out / NEW), str(out / OLD)]}
    data = [{"folder": str(out / f"packed-{NEW}"), "objective": "clm", "weight": 1 - REPLAY}]
    if kind == "-replay":
        data.append({"folder": str(out / f"packed-{OLD}"), "objective": "clm", "weight": REPLAY})
    tokens = round(TOKENS / (1 - REPLAY)) if kind == "-replay" else TOKENS
    return {
        "name": arm,
        "seed": 0,
        "tokenizer": str(out / "tokenizer"),
        "start": {"model": str(out / "base"), "new_rows": how},
        "data": data,
        "batch": 16 * LENGTH,
        "rows": 8,
        "precision": "bf16",
        **({"steps": 0} if kind == "-0" else {"budget": tokens}),
        "optimizer": {"lr": 2e-4, "weight_decay": 0.01},
        "checkpoints": {"every": 20, "keep": 1},
    }


def run(out: Path, arms: list[str]) -> None:
    """Train and measure arms."""
    for arm in arms:
        folder = out / arm
        folder.mkdir(exist_ok=True)
        (folder / "recipe.yaml").write_text(json.dumps(recipe_of(out, arm)), encoding="utf-8")
        again = ["--resume"] if (folder / "model").exists() else []
        xlcorpus("pretrain", folder / "recipe.yaml", "--output", folder / "model", *again)
        xlcorpus("evaluate", folder / "model", "--bits", out / "packed-held-out", "--output", folder / "evaluation")


def table(out: Path) -> None:
    """Print what was measured of the base with its own tokenizer, and of each arm that is there."""
    print("| | Swahili | English |\n| --- | ---: | ---: |")
    for name, folder in {"base": out / "base-evaluation", **{arm: out / arm / "evaluation" for arm in ARMS}}.items():
        report = folder / "evaluation.json"
        if report.is_file():
            (found,) = json.loads(report.read_text("utf-8"))["bits"].values()
            cells = (found["languages"][lang] for lang in (NEW, OLD))
            print(f"| {name} |" + "".join(f" {one['bits_per_byte']:.3f} ± {one['error']:.3f} |" for one in cells))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["prepare", "run", "table"])
    parser.add_argument("out", type=Path)
    parser.add_argument("arms", nargs="*", help=f"of {', '.join(ARMS)}; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.arms) - set(ARMS):
        parser.error(f"there is no arm {', '.join(sorted(unknown))}; there are {', '.join(ARMS)}")
    if arguments.what == "prepare":
        prepare(arguments.out)
    elif arguments.what == "table":
        table(arguments.out)
    else:
        run(arguments.out, arguments.arms or list(ARMS))


if __name__ == "__main__":
    main()
