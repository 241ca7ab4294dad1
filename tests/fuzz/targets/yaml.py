"""YAML of recipes, thresholds and mixes: good files bent, and documents of the language's odd corners."""

from __future__ import annotations

import functools
import json
import math
import random
from pathlib import Path
from typing import Any

import yaml

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import REASONS
from tests.fuzz.target import Case, Target, Violation
from tests.fuzz.texts import LABELS
from xlcorpus.dataset.storage import locate
from xlcorpus.dataset.yaml_file import load_yaml
from xlcorpus.errors import UserError
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.mix.spec import parse_mix
from xlcorpus.quality.thresholds import load_thresholds
from xlcorpus.recipe.load import load_recipe

TOKENS = (
    b"&a ",
    b"*a",
    b"<<: *a",
    b"- ",
    b": ",
    b"? ",
    b"!!python/object:os.system ",
    b"!!int ",
    b"!!binary ",
    b"!<x> ",
    b"| ",
    b">-\n",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b"{a: {a: {a: ",
    b"# ",
    b"'",
    b'"',
    b"\\x",
    b"~",
    b"null",
    b"true",
    b"no",
    b"0o17",
    b"0x1F",
    b"1e5",
    b".inf",
    b".nan",
    b"12345678901234567890",
    b"2020-01-01",
    b"=",
    b"\t",
    b"${x}",
    b"${sample}",
    b"@",
    b"`",
    b"1:30",
    b"-",
    b"mix:",
    b"steps:",
)
_RECIPE = {
    "name": "small",
    "seed": 5,
    "variables": {"files": "${sample}/web", "size": "${files}/x"},
    "steps": [
        {"step": "ingest", "files": "${files}", "source": "web", "task_bytes": 60000},
        "identify",
        {"step": "score", "id": "s2", "keep": True},
        {"step": "filter", "thresholds": None},
        {"step": "dedup", "threshold": 0.8},
        {"step": "mix", "ratios": {"eng_Latn": 0.25, "swh_Latn": 0.75}, "shards": 3, "max_epochs": 2},
        {"step": "romanize", "tool": "uroman"},
        {"step": "pack", "input": "mix", "objective": "clm", "length": 128, "tokenizer": "bytes"},
    ],
}
_MIX = {
    "name": "m",
    "about": "x",
    "unit": "bytes",
    "budget": "10M",
    "max_epochs": 3,
    "missing": "skip",
    "where": {"lang": ["eng_Latn", "hin_Deva"]},
    "mix": {
        "parts": [
            {"where": {"kind": "code"}, "share": 0.25, "within": {"rule": "unimax", "by": "lang"}},
            {"where": {"lang": "eng_Latn"}, "share": "1/4"},
            {
                "share": 0.5,
                "within": {"rule": "temperature", "temperature": 3.3, "by": "lang", "on_cap": "redistribute"},
            },
        ]
    },
}
_THRESHOLDS = {
    "extends": "defaults",
    "default": {
        "q_n_words": {"min": 5, "max": None},
        "lang_score": {"min": 0.5},
        "stop_words": {"words": ["na", "ya"], "min": 2},
    },
    "scripts": {"Thai": {"q_n_words": None}, "Hani": {"stop_words": ["的"]}},
    "languages": {"swh_Latn": {"q_mean_word_len": {"max": 12}}, "fas": {}},
    "keep_languages": ["swh_Latn", "tha_Thai"],
    "drop_languages": ["eng_Latn"],
}
_READERS: dict[str, tuple[dict[str, Any], Any]] = {
    "recipe": (_RECIPE, lambda path: load_recipe(str(path))),
    "mix": (_MIX, lambda path: load_mix(locate(str(path)))),
    "thresholds": (_THRESHOLDS, lambda path: load_thresholds(locate(str(path)))),
    "eng_Latn": (_THRESHOLDS, lambda path: load_thresholds(locate(str(path)))),
}
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    0.5,
    -0.0,
    math.inf,
    math.nan,
    "",
    "x",
    "0",
    [],
    {},
    [[]],
    {"a": 1},
    [None],
    {"": None},
    {1: 2},
    {None: 1},
    "a" * 3000,
    "${nope}",
    "\u2028",
    "1/0",
    "1e-9999999",
    "nan",
    "-1/3",
    "9" * 5000,
    "10M",
    "-5",
    ["eng_Latn", "eng_Latn"],
    "日本",
    "\ud7ff",
)


def bend(chaos: random.Random, value: Any) -> Any:
    """The value with something replaced, added, taken away, renamed or nested."""
    if isinstance(value, dict) and value and chaos.random() < 0.85:
        key = chaos.choice(list(value))
        how = chaos.random()
        if how < 0.6:
            return {**value, key: bend(chaos, value[key])}
        if how < 0.7:
            return {one: inner for one, inner in value.items() if one != key}
        if how < 0.8:
            return {
                chaos.choice((key, 5, None, True, "", "x", 1.5)) if one == key else one: inner
                for one, inner in value.items()
            }
        return {
            **value,
            chaos.choice(("more", "rule", "by", "parts", "within", "input", "files", "min", "words", 3)): odd(chaos),
        }
    if isinstance(value, list) and value and chaos.random() < 0.85:
        at = chaos.randrange(len(value))
        return [*value[:at], *([bend(chaos, value[at])] if chaos.random() < 0.8 else []), *value[at + 1 :]]
    return odd(chaos) if chaos.random() < 0.8 else [value, value]


def odd(chaos: random.Random) -> Any:
    """A value that nobody expects."""
    return chaos.choice((chaos.choice(ODD), chaotic.text(chaos, 1), chaos.choice(LABELS)))


def make(chaos: random.Random) -> Case:
    """A file with its name saying who reads it."""
    name = chaos.choice(list(_READERS))
    content: Any = _READERS[name][0]
    if name == "mix" and chaos.random() < 0.6:
        content = chaos.choice(_shipped())
    for _ in range(chaos.choice((0, 1, 1, 2, 4))):
        content = bend(chaos, content)
    about: dict[str, object] = {}
    if chaos.random() < 0.3 and _finite(content):
        text = json.dumps(content, ensure_ascii=chaos.random() < 0.5)
    else:
        text = yaml.safe_dump(
            content, allow_unicode=True, sort_keys=False, default_flow_style=chaos.choice((None, False, True))
        )
    data = text.encode("utf-8", "surrogatepass")
    if chaos.random() < 0.5:
        data = chaotic.damage(chaos, data, TOKENS)
    return Case({f"{name}.yml" if name == "eng_Latn" else f"{name}.yaml": data}, about)


@functools.cache
def _shipped() -> tuple[Any, ...]:
    specs = [load_mix(name) for name in sorted(shipped_mixes())[:20]]
    return tuple({"name": spec.name, **spec.to_json()} for spec in specs)


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError):
        return False
    return True


def run(case: Case, folder: Path) -> int:
    """Read as its reader would, and a mix that was read is read back from what it says of itself."""
    path = folder / next(iter(case.files))
    read = _READERS[path.stem][1]
    try:
        load_yaml(locate(str(path)))
    except UserError as error:
        _check(error, path)
        REASONS["no YAML"] += 1
        return 1
    try:
        found = read(path)
    except UserError as error:
        _check(error, path)
        REASONS[f"{path.stem} refused"] += 1
        return 1
    REASONS[f"{path.stem} read"] += 1
    if path.stem == "mix":
        again = parse_mix({"name": found.name, **found.to_json()})
        if again.to_json() != found.to_json():
            raise Violation(f"mix: reads back as {again.to_json()!r}, not {found.to_json()!r}")
    elif path.stem != "recipe":
        found.rules_for("swh_Latn", "Latn")
        _ = found.columns, found.fingerprint
    return 1


def _check(error: UserError, path: Path) -> None:
    text = str(error)
    if str(path) not in text and path.name not in text:
        raise Violation(f"names-no-file: {text[:300]}")
    if len(text) > 5000:
        raise Violation(f"long-message: {text[:300]} ({len(text):,} characters)")


TARGET = Target("yaml", make, run, seconds=4.0)  # each file is read twice
