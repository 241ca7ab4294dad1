"""The recipes of `systems/` that go on to a model, each from raw texts to its evaluation by one command: what it took.

    python -m benchmarks.systems out/systems                    # all, or those that are named
    python -m benchmarks.systems out/systems translico mbart50
    python -m benchmarks.systems out/systems --page docs/systems.md

First it makes what recipes ask for beside raw texts: a tokenizer, one that goes on with Yoruba, one with mBART's tokens
of languages, and two small models to go on from, trained here as well. Raw texts are NTREX (of three documents the
third is for tests alone), PUD, Tatoeba (a tenth of its English for tests alone) and Wiktionary's words of
../shared/data. Then one `xlcorpus run` a recipe, whose seconds and memory are those of its process and workers. What
has a result is not run again; the same model before its first step is measured beside. With --page the tables are
written into the page.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from benchmarks.machine import describe_machine
from benchmarks.smollm2 import xlcorpus
from benchmarks.systems_material import KNOWN, NEW, SYSTEMS, documents, write_rows

SPECIAL = ("en_XX", "de_DE", "nl_XX", "es_XX", "fr_XX", "it_IT", "pt_XX", "hi_IN", "fi_FI")  # mBART's tokens
PIECES, NEW_PIECES = 4000, 500
BEGIN, END = "<!-- runs: made by `python -m benchmarks.systems OUT --page docs/systems.md` -->", "<!-- end of runs -->"

MODELS: dict[str, dict[str, Any]] = {
    "encoder": {"shape": "xlm-roberta", "objective": "mlm", "codes": KNOWN, "steps": 250},
    "decoder": {"shape": "llama", "objective": "clm", "codes": ("eng",), "steps": 100},
}


def prepare(out: Path) -> None:
    """Tokenizers and models to go on from, of those that are not there."""
    made = out / "made"
    if not (made / "tokenizer").exists():
        write_rows(made / "known.jsonl", documents([*KNOWN, "rus", "zho"]))
        xlcorpus("ingest", made / "known.jsonl", "--output", made / "known")
        xlcorpus("tokenizer", "train", made / "known", "--vocab-size", PIECES, "-o", made / "tokenizer")
    if not (made / "mbart").exists():
        (made / "mbart").mkdir()
        opened = Tokenizer.from_file(str(made / "tokenizer" / "tokenizer.json"))
        opened.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
        opened.save(str(made / "mbart" / "tokenizer.json"))
    if not (made / "extended").exists():
        write_rows(made / "new.jsonl", documents([NEW]))
        xlcorpus("ingest", made / "new.jsonl", "--output", made / "new")
        xlcorpus("tokenizer", "extend", made / "tokenizer", made / "new", "--pieces", NEW_PIECES, "-o",
                 made / "extended")  # fmt: skip
    for name, model in MODELS.items():
        if (made / name / "model.safetensors").exists():
            continue
        write_rows(made / f"{name}.jsonl", documents(model["codes"]))
        recipe = {
            "name": name,
            "seed": 1,
            "steps": [
                {"step": "identify", "input": str(made / f"{name}.jsonl")},
                {"step": "pack", "tokenizer": str(made / "tokenizer"), "objective": model["objective"], "length": 128},
            ],
            "pretrain": {
                "tokenizer": str(made / "tokenizer"),
                "start": {"shape": model["shape"], "layers": 3, "width": 128, "heads": 4, "positions": 2048},
                "data": [{"folder": "${output}/pack", "objective": model["objective"]}],
                "batch": "16 rows",
                "rows": 16,
                "steps": model["steps"],
                "optimizer": {"lr": 2e-3, "weight_decay": 0.01, "betas": [0.9, 0.98]},
                "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0},
            },
        }
        (made / f"{name}.yaml").write_text(json.dumps(recipe), encoding="utf-8")
        xlcorpus("run", made / f"{name}.yaml", "--output", made / f"{name}-run", "--overwrite")
        (made / f"{name}-run" / "pretrain").rename(made / name)


def settings_of(out: Path, name: str) -> list[str]:
    """What is set, with the raw files written."""
    needs, raw, kinds = SYSTEMS[name], out / "raw" / name, {"dictionary": "tsv", "mix": "yaml"}
    values = {key: str(value) for key, value in needs.values.items()}
    values |= {key: str(out / "made" / value) for key, value in needs.made.items()}
    for key, rows in needs.raw.items():
        path = raw / f"{key}.{kinds.get(key, 'jsonl')}"
        write_rows(path, rows())
        values[key] = str(path)
    return [f"variables.{key}={json.dumps(value)}" for key, value in values.items()]


def run(out: Path, name: str) -> dict[str, Any]:
    """The recipe by one command, and the same model untrained; what the command took."""
    settings, output = settings_of(out, name), out / "runs" / name
    command = [sys.executable, "-m", "xlcorpus", "run", f"systems/{name}", "--output", str(output), "--overwrite"]
    command += [part for one in settings for part in ("--set", one)]
    print(" ".join(command), flush=True)
    begun = time.monotonic()
    with (out / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"systems/{name} failed: see {out / f'{name}.log'}")
    seconds = time.monotonic() - begun
    untrained = out / "untrained" / name
    measure_untrained(name, settings, output, untrained)
    card = json.loads((output / "pretrain" / "run.json").read_text("utf-8"))
    return {
        "name": name,
        "recipe": fingerprint_of(name),
        "steps": [stage["steps"] for stage in card["stages"]],
        "parameters": parameters_of(output / "pretrain"),
        "seconds": seconds,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss * 1024,
        "parts": parts_in((out / f"{name}.log").read_text("utf-8")),
        "machine": describe_machine("torch", "transformers"),
    }


def measure_untrained(name: str, settings: Sequence[str], output: Path, untrained: Path) -> None:
    """The model before the first step, on the same datasets: its held-out rows, and its evaluation."""
    from xlcorpus.cli.model import checked_training, train
    from xlcorpus.dataset.storage import locate
    from xlcorpus.recipe.load import load_recipe
    from xlcorpus.report.costs import Costs

    training = checked_training(load_recipe(f"systems/{name}", settings, data_only=False), locate(output))
    assert training is not None
    (*_, last) = training.pretrain.stages
    none = replace(training.pretrain, stages=(last.model_copy(update={"steps": 0, "budget": None}),))
    training = replace(
        training, pretrain=none, model=locate(untrained / "pretrain"), evaluation=locate(untrained / "evaluate")
    )
    train(training, Costs(), resume=False, overwrite=True, quiet=True)


def parameters_of(model: Path) -> int:
    """Weights of a saved model."""
    from safetensors import safe_open

    with safe_open(model / "model.safetensors", framework="np") as weights:
        return sum(math.prod(weights.get_slice(key).get_shape()) for key in weights.keys())  # noqa: SIM118 - it is no mapping


def parts_in(log: str) -> dict[str, dict[str, float]]:
    """The table at the end of a log: seconds, CPU seconds and MB of each part."""
    lines = log[log.rindex("peak memory, MB") :].splitlines()[1:]
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        name, *cells = line.rsplit(maxsplit=3)
        found[name] = dict(
            zip(("seconds", "cpu_s", "mb"), (float(cell.replace(",", "")) for cell in cells), strict=True)
        )
        if name == "all":
            break
    return found


def found_in(folder: Path) -> dict[str, dict[str, float | None]]:
    """By what was measured: the value, its error and chance, where these are known."""
    lines = (folder / "pretrain" / "metrics.jsonl").read_text("utf-8").splitlines()
    held_out = [line["evaluation"] for line in map(json.loads, lines) if "evaluation" in line]
    found: dict[str, dict[str, float | None]] = {}
    for source, one in (held_out[-1] if held_out else {}).items():
        bits = next((name for name in one if name.endswith("bits_per_byte")), None)
        if bits is None:
            found[f"loss of held-out rows, {source}"] = {"value": one["loss"]}
        else:
            together = one[bits]["all"]
            found[f"{bits.replace('_', ' ')} of held-out packs"] = {"value": together[bits], "error": together["error"]}
    report = folder / "evaluate" / "evaluation.json"
    measured = json.loads(report.read_text("utf-8")) if report.is_file() else {}
    for rows in measured.get("retrieval", {}).values():
        for row in rows:
            found[f"retrieval, {row['src_lang']} and {row['tgt_lang']}, top 1"] = _value(row, "top_1")
    for rows in measured.get("search", {}).values():
        mean = {key: sum(row[key] for row in rows) / len(rows) for key in ("mrr_10", "chance")}
        found[f"search of crops, MRR@10, mean of {len(rows)} languages"] = _value(mean, "mrr_10")
    for given, rows in measured.get("translation", {}).items():
        seen = ", held-out rows" if given.endswith("holdout") else ""
        for way, chosen in groupby(sorted(rows, key=_into_english), key=_into_english):
            ways = [*chosen]
            error = math.sqrt(sum(row["chrf_error"] ** 2 for row in ways)) / len(ways)
            of = ways[0]["src_lang"] if len(ways) == 1 else f"mean of {len(ways)} languages"
            found[f"chrF {way} English, {of}{seen}"] = {
                "value": sum(row["chrf"] for row in ways) / len(ways),
                "error": error,
                "chance": sum(row["copied"]["chrf"] for row in ways) / len(ways),
                "empty": sum(row["empty"] for row in ways),
            }
    return found


def _into_english(row: Mapping[str, Any]) -> str:
    return "into" if row["tgt_lang"] == "eng_Latn" else "out of"


def _value(row: Mapping[str, Any], key: str) -> dict[str, float | None]:
    return {"value": row[key], "error": row.get("error"), "chance": row.get("chance")}


def fingerprint_of(name: str) -> str:
    """Of the recipe and what it is given: results of another are not counted."""
    from xlcorpus.dataset.storage import fingerprint
    from xlcorpus.dataset.yaml_file import load_yaml
    from xlcorpus.recipe.load import shipped_recipes

    content, needs = load_yaml(shipped_recipes()[f"systems/{name}"]), SYSTEMS[name]
    return fingerprint(
        [
            {key: content[key] for key in ("variables", "steps", "pretrain", "evaluate") if key in content},
            dict(needs.made),
            dict(needs.values),
        ]
    )


def results_in(out: Path) -> dict[str, dict[str, Any]]:
    """Of the recipes as they are now: what each took, and what was found before its first step and after its last."""
    found = {name: out / f"{name}.json" for name in SYSTEMS}
    read = {name: json.loads(path.read_text("utf-8")) for name, path in found.items() if path.is_file()}
    return {
        name: one | {"before": found_in(out / "untrained" / name), "after": found_in(out / "runs" / name)}
        for name, one in read.items()
        if one["recipe"] == fingerprint_of(name)
    }


def tables(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What each took, and what was found, as Markdown."""
    seconds = [f"{what}, CPU s" for what in ("data", "training", "evaluation", "all")]
    titles = ["recipe", "weights", "steps", *seconds, "wall s", "peak GB"]
    lines = [f"| {' | '.join(titles)} |", "| --- |" + " ---: |" * 8]
    for name, one in results.items():
        parts = one["parts"]
        trained, measured = (parts.get(part, {}).get("cpu_s", 0.0) for part in ("pretrain", "evaluate"))
        data = parts["all"]["cpu_s"] - trained - measured
        took = " | ".join(f"{value:,.0f}" for value in (data, trained, measured, one["cpu_s"], one["seconds"]))
        steps = " + ".join(map(str, one["steps"]))
        peak = max(one["memory"], 1e6 * parts["all"]["mb"])
        lines.append(f"| {name} | {one['parameters'] / 1e6:.1f} M | {steps} | {took} | {peak / 1e9:.2f} |")
    lines += [
        "",
        "| recipe | measured | before | after | by chance, or the source itself |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, one in results.items():
        for what, after in one["after"].items():
            before = one["before"][what]
            cells = [_shown(before), _shown(after), _number(after.get("chance"))]
            lines.append(f"| {name} | {what} | {' | '.join(cells)} |")
    machines = sorted({one["machine"] for one in results.values()})
    return [*lines, "", f"Machine: {'; '.join(machines)}."]


def _shown(one: Mapping[str, float | None]) -> str:
    error = "" if one.get("error") is None else f" ± {_number(one['error'])}"
    return _number(one["value"]) + error + (f" ({one['empty']:,} empty)" if one.get("empty") else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SYSTEMS)}; default: all")
    parser.add_argument("--page", type=Path, help="write the tables into this page; run nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SYSTEMS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SYSTEMS)}")
    out = arguments.out.resolve()
    if arguments.page is None:
        prepare(out)
        for name in arguments.names or SYSTEMS:
            if name not in results_in(out):
                (out / f"{name}.json").write_text(json.dumps(run(out, name), indent=1), encoding="utf-8")
    lines = tables(results_in(out))
    print("\n".join(lines))
    if arguments.page is not None:
        text = arguments.page.read_text("utf-8")
        before, rest = text.split(BEGIN)
        arguments.page.write_text("\n".join([before + BEGIN, "", *lines, "", END + rest.split(END)[1]]), "utf-8")


if __name__ == "__main__":
    main()
