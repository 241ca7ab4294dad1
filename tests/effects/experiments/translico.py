"""TransliCo and "How Transliterations Improve Crosslingual Alignment": romanised text, with and without contrast."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import documents, found, ntrex, pairs, pretrained, recipe_of, tokenizer
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.evaluate.models import open_model

LENGTH, LAYER, PIECES, STEPS = 48, 2, 2000, 240
VIEWS = {"folder": "views", "objective": "translico", "layer": LAYER}
JOINED = {"folder": "joined", "objective": "tlm"}
ARMS: Mapping[str, Any] = {
    "M1": [{"folder": "originals-packed", "objective": "mlm"}],
    "M2": [{**VIEWS, "tcm_weight": 0.0}],
    "M3": [{**VIEWS, "tcm_weight": 0.5}],
    "M4": [{**VIEWS, "tcm_weight": 0.0}, JOINED],
    "M5": [{**VIEWS, "tcm_weight": 0.5}, JOINED],
}


def prepare(codes: tuple[str, str], shared: Path, folder: Path) -> None:
    """Originals of both, romanisations as views and as pairs; nothing says which sentences belong together."""
    split = {code: ntrex(shared, code) for code in codes}
    originals = xlcorpus.identify(
        documents(folder, "train", [row for code in codes for row in split[code][0]]), output=folder / "originals"
    )
    settings = {"tokenizer": tokenizer(folder, [originals], PIECES), "length": LENGTH}
    xlcorpus.pack(originals, strategy="one", objective="mlm", output=folder / "originals-packed", **settings)
    made = xlcorpus.romanize(originals, view="translico", share=1.0, output=folder / "romanised")
    xlcorpus.pack(made, view="translico", output=folder / "views", **settings)
    rows = [
        {"src": row["text"], "tgt": row["text_latn"], "src_lang": row["lang"], "tgt_lang": row["lang"]}
        for row in Dataset.open(folder / "romanised").to_arrow(["text", "text_latn", "lang"]).to_pylist()
    ]
    joined = pairs(folder, "joined-pairs", rows)
    xlcorpus.pack(joined, view="tlm", output=folder / "joined", **{**settings, "length": 2 * LENGTH})
    for code in codes:
        test = documents(folder, f"test-{code}", split[code][1])
        xlcorpus.romanize(test, output=folder / f"latin-{code}")


def run(codes: tuple[str, str], folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Top-1 retrieval of the other language, and of each sentence's own romanisation (of the first language)."""
    data = ARMS[arm]
    # M1 has each original twice in a step, so that steps have as many rows; two data take turns, so twice the steps.
    many: dict[str, Any] = {"rows": 64, "batch": "64 rows"} if arm == "M1" else {}
    output = pretrained(folder, f"{arm}", seed, recipe_of(folder, data, STEPS * len(data), **many))
    model = open_model(str(output))
    tests = {code: Dataset.open(folder / f"latin-{code}").to_arrow(["text", "text_latn"]) for code in codes}
    one, other = (tests[code].column("text").to_pylist() for code in codes)
    latin = tests[codes[0]].column("text_latn").to_pylist()
    return {"translated": found(model, one, other, layer=LAYER), "romanised": found(model, one, latin, layer=LAYER)}


def experiment(name: str, codes: tuple[str, str], figures: Mapping[str, str]) -> Experiment:
    """The five arms on two languages."""
    ladder = (("M2", "M3"), ("M1", "M3"), ("M4", "M5"))
    claims = tuple(
        Claim(measure, worse, better, figures[f"{worse} {better}"] if measure == "translated" else "")
        for measure in ("translated", "romanised")
        for worse, better in ladder
    )
    return Experiment(
        name,
        "Liu et al. 2024 (TransliCo) and 2024 (How Transliterations Improve Crosslingual Alignment)",
        f"{' and '.join(codes)} of NTREX, an encoder of 2 layers from nothing, {STEPS} steps of 32 pairs; M1 MLM on "
        "originals twice, M2 on both views, M3 with TCM, M4 with TLM on both, M5 all",
        claims,
        ARMS,
        partial(prepare, codes),
        partial(run, codes),
    )


EXPERIMENTS = (
    experiment(
        "translico srp-hrv",
        ("srp-Cyrl", "hrv"),
        {"M2 M3": "pol-ukr: 70.2 to 76.4", "M1 M3": "pol-ukr: 74.7 to 76.4", "M4 M5": "pol-ukr: 74.7 to 82.0"},
    ),
    experiment(
        "translico tgk-fas",  # hin-urd as published, whose Urdu the shared data lack
        ("tgk-Cyrl", "fas"),
        {"M2 M3": "hin-urd: 50.9 to 70.2", "M1 M3": "hin-urd: 52.7 to 70.2", "M4 M5": "hin-urd: 52.9 to 65.1"},
    ),
)
