"""Rows of new pieces: what a model with an extended vocabulary begins with, and what is left of that after training."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import (
    Rows,
    bits,
    documents,
    evaluations,
    ntrex,
    pairs,
    pairs_of,
    pretrained,
    recipe_of,
    tokenizer,
)
from tests.rows import records

OLD, NEW = "eng", "swa"
LENGTH, PIECES, ADDED, BASE_STEPS, STEPS = 128, 1200, 800, 300, 100
STORIES, MIXED, DICTIONARY, HELPER = "stories", "mixed", "words.tsv", "helper-0"
TEXTS = (OLD, NEW, STORIES)
LABELS = ("eng_Latn", "swh_Latn")
# Folders are named as they lie in the experiment's; rank 64 of 1,024 published, for rows of 96.
ARMS: Mapping[str, Any] = {
    **{name: name for name in ("random", "normal", "mean", "mean-of-pieces")},
    "OFA": {"method": "ofa", "texts": TEXTS, "languages": LABELS, "dictionary": DICTIONARY},
    "WECHSEL": {
        "method": "wechsel",
        "texts": TEXTS,
        "source": LABELS[0],
        "target": LABELS[1],
        "dictionary": DICTIONARY,
        "pieces": "words",
    },
    "CW2V": {"method": "cw2v", "texts": (MIXED, NEW), "rank": 64},
    "CLP": {"method": "clp", "helper": HELPER},
}
LANGUAGES = {"eng_Latn": "English", "swa_Latn": "Swahili", "swh_Latn": "Swahili"}


def prepare(shared: Path, folder: Path) -> None:
    """A model of English with an English tokenizer; the tokenizer with pieces of Swahili; packs of both.

    For the ways to begin: stories, for more words; sentences switched by alignment, and the words switched as a
    dictionary; a small model of Swahili."""
    for code in (OLD, NEW):
        documents(folder, code, ntrex(shared, code)[0])
    base = tokenizer(folder, [xlcorpus.open_dataset(folder / OLD)], PIECES)
    extended = str(folder / "extended")
    command = ["tokenizer", "extend", base, str(folder / NEW), "--pieces", str(ADDED), "--output", extended]
    subprocess.run([sys.executable, "-m", "xlcorpus", *command], check=True, capture_output=True)
    xlcorpus.pack(folder / OLD, tokenizer=base, length=LENGTH, bos=True, output=folder / "packed-base")
    xlcorpus.pack(folder / NEW, tokenizer=extended, length=LENGTH, bos=True, output=folder / "packed")
    tests = documents(folder, "test", [row for code in (OLD, NEW) for row in ntrex(shared, code)[1]])
    xlcorpus.pack(tests, tokenizer=extended, length=LENGTH, bos=True, output=folder / "held-out")
    _alignment(folder, pairs_of(*(ntrex(shared, code)[0] for code in (OLD, NEW))))
    stories = [row for row in records(shared / "stories" / "stories.jsonl.gz") if row["lang"] in LABELS]
    documents(folder, STORIES, [{"text": " ".join(row["pages"]), "lang": row["lang"]} for row in stories])
    data = [{"folder": "packed-base", "objective": "clm"}]
    pretrained(folder, "base", 0, recipe_of(folder, data, BASE_STEPS, start=SHAPE))
    small = {"tokenizer": extended, "start": {**SHAPE, "layers": 1, "width": 48}}
    pretrained(folder, "helper", 0, recipe_of(folder, [{"folder": "packed", "objective": "clm"}], STEPS, **small))


def _alignment(folder: Path, rows: Rows) -> None:
    """Training pairs, switched at aligned spans; what was switched twice or more, one word for one, as a dictionary."""
    pairs(folder, "pairs", rows)
    xlcorpus.align(folder / "pairs", output=folder / "aligned")
    switched = xlcorpus.codeswitch(folder / "aligned", operator="align-span", output=folder / MIXED)
    words: Counter[tuple[str, str]] = Counter()
    for spans in switched.to_arrow(["cs_spans"]).column(0).to_pylist():
        for span in spans:
            one, other = (span[side].strip(".,'\"()").lower() for side in ("new_token", "src_token"))
            words[one, other] += one.isalpha() and other.isalpha()
    lines = (f"{one}\t{other}\n" for (one, other), many in sorted(words.items()) if many > 1)
    (folder / DICTIONARY).write_text("".join(lines), "utf-8")


SHAPE = {"shape": "llama", "layers": 2, "width": 96, "heads": 4, "tied": True}


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Bits per byte of held-out text of both languages, before and after training on the new one."""
    data = [{"folder": "packed", "objective": "clm", "holdout": "held-out"}]
    recipe = recipe_of(
        folder,
        data,
        STEPS,
        tokenizer=str(folder / "extended"),
        start={"model": str(folder / "base-0"), "new_rows": _begun(folder, ARMS[arm])},
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.95]},
        evaluation={"rows": 512},
    )
    told = evaluations(pretrained(folder, arm, seed, recipe))
    return {
        f"{LANGUAGES[lang]}, {when}": value
        for when, one in (("before", told[0]), ("after", told[-1]))
        for lang, value in bits(one, "clm").items()
    }


def _begun(folder: Path, way: Any) -> Any:
    """A way to make new rows, with the folders and files it reads where they lie."""
    if isinstance(way, str):
        return way
    named = {key: str(folder / way[key]) for key in ("dictionary", "helper") if key in way}
    return {**way, **named, **({"texts": [str(folder / one) for one in way["texts"]]} if "texts" in way else {})}


CLAIMS = (
    *(
        Claim(f"Swahili, {when}", "random", better, "", lower=True)
        for when in ("before", "after")
        for better in ("mean", "normal", "mean-of-pieces", "OFA", "WECHSEL", "CW2V", "CLP")
    ),
    *(Claim("Swahili, after", "mean", better, "", lower=True) for better in ("OFA", "WECHSEL", "CW2V", "CLP")),
    Claim("Swahili, after", "mean", "mean-of-pieces", "", lower=True),
)
EXPERIMENTS = (
    Experiment(
        "initialisations",
        "Liu et al. 2024 (OFA), Minixhofer et al. 2022 (WECHSEL), Ostendorff and Rehm 2023 (CLP-Transfer): each better "
        "than random rows; Mundra et al. 2024 (CW2V, An Empirical Comparison of Vocabulary Expansion and "
        "Initialization Approaches): rows in the convex hull of the old ones are a good beginning, and by its abstract "
        "the multivariate normal is on par with advanced ones",
        f"a decoder of 2 layers, {BASE_STEPS} steps of English (NTREX), {ADDED} pieces of Swahili, {STEPS} steps of 32 "
        "packs of Swahili; word vectors of NTREX and 360 kB of stories, a dictionary of aligned words; bits per byte",
        CLAIMS,
        ARMS,
        prepare,
        run,
    ),
)
