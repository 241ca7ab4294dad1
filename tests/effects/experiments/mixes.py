"""Mixes of continued pretraining (MixCPT): monolingual or bilingual text, with and without code, and replay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from sysconfig import get_paths
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, bits, documents, evaluations, ntrex, pretrained, recipe_of
from tests.rows import records

OLD, NEW, RELATED = "eng", "deu", "nld"  # trained before, trained now, never trained
LENGTH, BASE_STEPS, STEPS, CODE = 256, 300, 150, 400_000
NAMES = {"eng_Latn": "old (English)", "deu_Latn": "new (German)", "nld_Latn": "related (Dutch)"}
WIDE = {"holdout": "held-out", "objective": "clm"}
ARMS: Mapping[str, Any] = {
    "before": [({"folder": "new", **WIDE}, 1.0)],
    "mono": [({"folder": "new", **WIDE}, 1.0)],
    "mono + code": [({"folder": "new", **WIDE}, 0.75), ({"folder": "code", "objective": "clm"}, 0.25)],
    "bi": [({"folder": "both", **WIDE}, 1.0)],
    "bi + code": [({"folder": "both", **WIDE}, 0.75), ({"folder": "code", "objective": "clm"}, 0.25)],
    "mono + replay": [({"folder": "new", **WIDE}, 0.75), ({"folder": "old", "objective": "clm"}, 0.25)],
}
SHAPE = {"shape": "llama", "layers": 2, "width": 96, "heads": 4, "tied": True}


def prepare(shared: Path, folder: Path) -> None:
    """Bytes of each kind in packs, and a model of the old language."""
    split = {code: ntrex(shared, code) for code in (OLD, NEW, RELATED)}
    train = {
        code: split[code][0] + records(shared / "pud" / f"{pud}.jsonl.gz") for code, pud in ((OLD, "en"), (NEW, "de"))
    }
    both: Rows = [
        {"text": f"English: {one['text']}\nDeutsch: {other['text']}", "lang": other["lang"]}
        for one, other in zip(train[OLD], train[NEW], strict=True)
    ]
    for name, rows in (("old", train[OLD]), ("new", train[NEW]), ("both", both), ("code", _code())):
        _packed(folder, name, rows)
    _packed(folder, "held-out", [row for _, test in split.values() for row in test])
    recipe = recipe_of(folder, [{"folder": "old", "objective": "clm"}], BASE_STEPS, tokenizer="bytes", start=SHAPE)
    pretrained(folder, "base", 0, recipe)


def _packed(folder: Path, name: str, rows: Rows) -> None:
    given = documents(folder, f"{name}-texts", rows)
    xlcorpus.pack(given, tokenizer="bytes", length=LENGTH, output=folder / name)


def _code() -> Rows:
    """So many characters of Python's standard library, modules in the order of their names, 2,000 of each."""
    found: Rows = []
    for path in sorted(Path(get_paths()["stdlib"]).glob("*.py")):
        text = path.read_text("utf-8", errors="ignore")[:2000]
        if text.strip() and len(found) < CODE // 2000:
            found.append({"text": text, "lang": "und"})
    return found


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Bits per byte of held-out text in the three languages; every mix has the same number of bytes."""
    data = [{**one, "weight": weight} for one, weight in ARMS[arm]]
    recipe = recipe_of(
        folder,
        data,
        0 if arm == "before" else STEPS,
        tokenizer="bytes",
        start={"model": str(folder / "base-0")},
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.95]},
        evaluation={"rows": 256},
        rows=16,
    )
    told = evaluations(pretrained(folder, arm, seed, recipe))[-1]
    source = next(name for name, one in told.items() if "loss" in one)
    return {NAMES[lang]: value for lang, value in bits(told, source).items()}


NEW_NAME, OLD_NAME, RELATED_NAME = (NAMES[f"{code}_Latn"] for code in (NEW, OLD, RELATED))
EXPERIMENTS = (
    Experiment(
        "mixes",
        "Li et al. 2025 (MixCPT, Rethinking Multilingual Continual Pretraining); figures are of its table 3 (SIB-200)",
        f"a decoder of 2 layers on bytes, {BASE_STEPS} steps of English (NTREX and PUD), then {STEPS} steps of 32 rows "
        f"of {LENGTH} bytes: German, or German below its English original (bi), a quarter of it Python's library "
        "(code) or English again (replay); bits per byte",
        (
            Claim(NEW_NAME, "mono", "mono + code", "code is better in 14 of 18", lower=True),
            Claim(NEW_NAME, "bi", "bi + code", "code is better in 14 of 18", lower=True),
            Claim(NEW_NAME, "mono", "bi", "bi is better in 6 of 9", lower=True),
            Claim(RELATED_NAME, "mono", "before", "Llama 3: related languages lose, -31 to -44 % in mono", lower=True),
            Claim(OLD_NAME, "mono", "mono + replay", "", lower=True),
        ),
        ARMS,
        prepare,
        run,
    ),
)
