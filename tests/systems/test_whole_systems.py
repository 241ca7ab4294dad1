"""Recipes of published systems from raw texts to the evaluated model, by one command, at the least size there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import called
from tests.systems.corpora import documents, ingested, pairs, with_languages
from tests.systems.test_recipes import RECIPES, WHOLE
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.sample import sample_folder

pytestmark = pytest.mark.slow
TOKENIZER = str(sample_folder() / "tokenizer.model")
CODES = ("eng", "swa", "hin")
# Settings that make a run short; those that a recipe does not have are left out.
SHORT = {
    **{"layers": 1, "width": 32, "layer": 1, "rows": 2, "step_rows": 6, "queue": 8, "warmup": 0},
    **{"steps": 2, "restore_steps": 2, "decoder_steps": 2, "floor": 10, "share": 0.01, "mix": None},
    **{"length": 128, "chunk": 64, "holdout": "10%", "residual": 0, "test_pairs": 4, "dim": 16},
}


def raw(folder: Path, name: str, rows: Iterator[dict[str, Any]]) -> str:
    """A file of JSON lines."""
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def given(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What recipes need: texts and pairs of NTREX, a tokenizer with mBART's tokens, tiny models to go on from."""
    folder = tmp_path_factory.mktemp("whole")
    rows = list(pairs(shared_data, ["swa", "hin"], 240))
    taught = [row for number, row in enumerate(rows) if number % 240 < 200]
    words = {"src": ["na", "ya", "wa"], "tgt": ["and", "of", "the"]}
    lines = [
        f"{one}\t{other}\t{langs[0]}\t{langs[1]}"
        for one, other in zip(*words.values(), strict=True)
        for langs in (("swh_Latn", "eng_Latn"),)
    ]
    lines += ["\t".join([b, a, d, c]) for a, b, c, d in (line.split("\t") for line in lines)]
    (folder / "dictionary.tsv").write_text("\n".join(["src\ttgt\tsrc_lang\ttgt_lang", *lines]), encoding="utf-8")
    mix = folder / "mix.yaml"
    mix.write_text("{name: even, unit: tokens, mix: {by: lang, rule: uniform}}", "utf-8")
    swahili = ingested(folder / "swahili", documents(shared_data, ["swa"]))
    made = called("tokenizer", "extend", TOKENIZER, swahili, "--pieces", "50", "--output", folder / "extended")
    assert made.returncode == 0, made.stderr
    shapes = {"decoder": ("llama", "clm"), "encoder": ("xlm-roberta", "mlm")}
    texts = raw(folder, "texts", documents(shared_data, CODES))
    ready = called("pack", texts, "--tokenizer", TOKENIZER, "--length", "128", "--output", folder / "packs")
    assert ready.returncode == 0, ready.stderr
    for name, (shape, objective) in shapes.items():
        content = {
            "tokenizer": TOKENIZER,
            "start": {"shape": shape, "layers": 1, "width": 32, "heads": 2, "positions": 512},
            "data": [{"folder": str(folder / "packs"), "objective": objective}],
            "batch": "2 rows", "rows": 2, "steps": 0,
        }  # fmt: skip
        (folder / f"{name}.yaml").write_text(json.dumps(content), "utf-8")
        begun = called("pretrain", folder / f"{name}.yaml", "--output", folder / name, "--quiet")
        assert begun.returncode == 0, begun.stderr
    return {
        "documents": texts,
        "pairs": raw(folder, "pairs", iter(taught)),
        "test": raw(folder, "test", (row for row in rows if row not in taught)),
        "dictionary": str(folder / "dictionary.tsv"),
        "known": "eng_Latn",
        "new": "swh_Latn",
        "mbart": str(with_languages(sample_folder() / "tokenizer.model", folder / "mbart")[0]),
        **{name: str(folder / name) for name in ("extended", "decoder", "encoder")},
        "mix": str(mix),
        "budget": "20k",
        "bytes": "20k",
    }


@pytest.mark.parametrize("name", WHOLE)
def test_from_raw_texts_to_the_evaluated_model(name: str, given: dict[str, str], tmp_path: Path) -> None:
    content = load_yaml(RECIPES[name])
    system = content["name"]
    values = dict(given)
    values["model"] = given["decoder" if system == "mixcpt-cleaning" else "encoder"]
    tokenizers = {"mbart50": given["mbart"], "csr4mbart": given["mbart"], "ofa": given["extended"]}
    values["tokenizer"] = tokenizers.get(system, TOKENIZER)
    short = SHORT | {"mix": given["mix"]}
    chosen = {need: values[need] for need in content["needs"]}
    chosen |= {key: short[key] for key in content["variables"] if key in short}
    settings = [
        part for key, value in chosen.items() for part in ("--set", f"variables.{key}={json.dumps(str(value))}")
    ]
    done = called("run", name, "--output", tmp_path / "out", "--quiet", *settings)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "pretrain" / "model.safetensors").is_file()
    assert (tmp_path / "out" / "evaluate" / "evaluation.json").is_file() == ("evaluate" in content)
    lines = (tmp_path / "out" / "pretrain" / "metrics.jsonl").read_text("utf-8").splitlines()
    held_out = [json.loads(line)["evaluation"] for line in lines if "evaluation" in line]
    assert "evaluate" in content or held_out  # of each something is measured that no training saw
    table = done.stdout[done.stdout.rindex("peak memory") :]
    assert "pretrain" in table
    translated = system in ("mbart50", "csr4mbart", "sixt-plus")
    assert translated == ("translation" in content.get("evaluate", {}))
    print(f"{name}: what seconds {table}")  # `pytest -rP` shows it
