"""Real texts as the recipes of published systems take them, read from the shared data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from tests.rows import records
from tests.running import called, run
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.recipe.load import shipped_recipes


def ntrex(shared_data: Path, code: str) -> list[dict[str, Any]]:
    """The lines of NTREX in a language (`swh`): id, doc, lang, text."""
    return records(shared_data / "ntrex" / f"{code}.jsonl.gz")


def documents(shared_data: Path, codes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Whole documents of NTREX, a sentence a line."""
    for code in codes:
        for doc, lines in groupby(ntrex(shared_data, code), key=lambda line: line["doc"]):
            together = list(lines)
            yield {"text": "\n".join(line["text"] for line in together), "lang": together[0]["lang"], "domain": doc}


def pairs(shared_data: Path, codes: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """The first lines of each language with those of English."""
    english = ntrex(shared_data, "eng")
    for code in codes:
        for one, other in list(zip(ntrex(shared_data, code), english, strict=True))[:count]:
            yield {"src": one["text"], "tgt": other["text"], "src_lang": one["lang"], "tgt_lang": "eng_Latn"}


def ingested(folder: Path, rows: Iterator[dict[str, Any]], **options: str) -> Path:
    """The rows as a dataset, with the languages that they say."""
    folder.mkdir(parents=True)
    raw = folder / "raw.jsonl"
    raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    given = {"lang_column": "lang"} | options if "kind" not in options else options
    recipe = folder / "recipe.yaml"
    recipe.write_text(json.dumps({"steps": [{"step": "ingest", "files": str(raw), **given}]}), encoding="utf-8")
    run(recipe, folder / "made")
    return folder / "made" / "ingest"


def system(name: str, output: Path, **variables: str | Path | int | float) -> dict[str, Dataset]:
    """Run the recipe of a published system; its datasets by name. Nothing is held out, so that all can be compared."""
    settings = [f"variables.{key}={json.dumps(str(value))}" for key, value in variables.items()]
    steps = load_yaml(shipped_recipes()[f"systems/{name}"])["steps"]
    settings += [f"{step.get('id', step['step'])}.holdout=null" for step in steps if "holdout" in step]
    run(f"systems/{name}", output, settings=settings)
    return {path.name: Dataset.open(path) for path in sorted(output.iterdir())}


def with_languages(sentencepiece: Path, folder: Path) -> tuple[Path, dict[str, int]]:
    """The tokenizer with mBART's tokens of languages, special ones as in mBART's own; and their ids."""
    tokens = {
        "deu_Latn": "de_DE", "hin_Deva": "hi_IN", "kir_Cyrl": "ky_KG", "swh_Latn": "sw_KE", "eng_Latn": "en_XX",
    }  # fmt: skip
    made = called("tokenizer", "extend", sentencepiece, "--pieces", "0", "--output", folder / "plain")
    assert made.returncode == 0, made.stderr
    opened = Tokenizer.from_file(str(folder / "plain" / "tokenizer.json"))
    opened.add_special_tokens([AddedToken(token, special=True) for token in tokens.values()])
    opened.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json", {lang: opened.token_to_id(token) for lang, token in tokens.items()}
