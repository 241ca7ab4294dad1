"""ProKD: tags of English carried to Spanish by prototypes of classes, and by a student of the target alone."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, documents, ntrex, pairs, pairs_of, recipe_of, tokenizer, write_rows
from tests.effects.taught import measured, once, predicted, pud

SOURCE, TARGET = "en", "es"
LENGTH, PIECES, BASE_STEPS, STEPS, TESTED = 64, 3000, 150, 100, "test"
# Of Wiktionary; words with several of these, or with none, have no tag.
TAGS = ("n", "prop", "v", "adj", "adv", "prep", "pron", "conj", "num", "determiner")
SHAPE = {"shape": "xlm-roberta", "layers": 2, "width": 96, "heads": 4}
TAGGING = {"folder": "source", "objective": "tagging"}
PROKD = {"folder": "both", "objective": "prokd"}
ARMS: Mapping[str, Any] = {
    "teacher": (TAGGING, None),
    "teacher, student of its tags": (TAGGING, "tagging"),
    "prototypes": (PROKD, None),
    "prototypes, student of its tags": (PROKD, "tagging"),
    "ProKD": (PROKD, "prokd_student"),
}


def prepare(shared: Path, folder: Path) -> None:
    """Sentences of PUD whose words have the tags that Wiktionary gives them: English with, Spanish without."""
    split = {code: pud(shared, code) for code in (SOURCE, TARGET)}
    news = {
        code: [row for part in ntrex(shared, name) for row in part]
        for code, name in ((SOURCE, "eng"), (TARGET, "spa-MX"))
    }
    both = pairs_of(*(news[code] for code in (SOURCE, TARGET)))
    texts = documents(folder, "texts", [row for code in news for row in (*news[code], *split[code]["train"])])
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH}
    xlcorpus.pack(texts, objective="mlm", output=folder / "packed", **settings)
    xlcorpus.pack(
        pairs(folder, "pairs", both), view="tlm", output=folder / "joined", **{**settings, "length": 2 * LENGTH}
    )
    words = {code: _tags(shared, code) for code in (SOURCE, TARGET)}
    labels = {"view": "labels", "label_column": "tags", **settings}
    tagged = {
        "source": [*_tagged(split[SOURCE]["train"], words[SOURCE])],
        **{f"{code}-{part}": [*_tagged(split[code][part], words[code])] for code in words for part in ("dev", "test")},
    }
    target = [*_tagged(split[TARGET]["train"], {})]
    for name, rows in (tagged | {"both": tagged["source"] + target, "target": target}).items():
        xlcorpus.ingest(write_rows(folder / f"{name}.jsonl", rows), lang_column="lang", output=folder / f"{name}-texts")
        ids = {} if name == "source" else {"label_ids": str(folder / "source")}
        xlcorpus.pack(folder / f"{name}-texts", output=folder / name, **labels, **ids)


def _tags(shared: Path, code: str) -> Mapping[str, str]:
    """The tag of each word that has one alone."""
    found: dict[str, set[str]] = {}
    with gzip.open(shared / "dict" / "wiktionary" / f"en-{TARGET}.tsv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["pos"] in TAGS:
                found.setdefault(row[code], set()).add(row["pos"])
    return {word: next(iter(tags)) for word, tags in found.items() if len(tags) == 1}


def _tagged(rows: Rows, tags: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for row in rows:
        tokens = re.findall(r"\w+|[^\w\s]", row["text"])
        found = [tags.get(one, tags.get(one.lower(), "_")) for one in tokens]
        yield {"text": row["text"], "lang": row["lang"], "tokens": tokens, "tags": found}


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """The share of tags that are right of unseen sentences, in both languages."""
    (first, student), base = ARMS[arm], _base(folder, seed)
    model = once(folder, first["objective"], seed, _recipe(folder, base, first))
    if student is not None:
        made = folder / f"{first['objective']}-predicted-{seed}"
        if not made.is_dir():
            predicted(model, folder / "target", made)
        data = {"folder": made.name, "objective": student, "absent_labels": True}
        model = once(folder, f"{first['objective']} {student}", seed, _recipe(folder, base, data))
    rows = {"Spanish": f"{TARGET}-{TESTED}", "English": f"{SOURCE}-{TESTED}"}
    return {name: measured(model, "labels", folder / one)["all"]["accuracy"] for name, one in rows.items()}


def _base(folder: Path, seed: int) -> Path:
    data = [{"folder": "packed", "objective": "mlm"}, {"folder": "joined", "objective": "tlm"}]
    return once(folder, "base", seed, recipe_of(folder, data, 2 * BASE_STEPS, start=SHAPE))


def _recipe(folder: Path, base: Path, data: Mapping[str, Any]) -> Any:
    rows = 64 if data["objective"] == "prokd" else 32  # half of them have tags
    return recipe_of(
        folder,
        [data],
        STEPS,
        start={"model": str(base)},
        rows=rows,
        batch=f"{rows} rows",
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]},
    )


EXPERIMENTS = (
    Experiment(
        "prokd",
        "Ge et al. 2023 (ProKD): by its abstract prototypes of classes brought together across languages make a better "
        "teacher, and a student that weighs its labels by nearness to prototypes learns what is the target's own; its "
        "figures are not in what could be read here",
        f"parts of speech that Wiktionary gives to words of PUD, English to Spanish, sentences by document; an encoder "
        f"of 2 layers after {BASE_STEPS} steps of MLM and {BASE_STEPS} of TLM on NTREX, {STEPS} steps of 32 tagged "
        "sentences (of prototypes, of as many without tags too); names of people and places are one of ten tags",
        (
            Claim("Spanish", "teacher", "prototypes", "better, no figure"),
            Claim("Spanish", "prototypes", "ProKD", "better, no figure"),
            Claim("Spanish", "teacher, student of its tags", "ProKD", "better, no figure"),
            Claim("Spanish", "prototypes, student of its tags", "ProKD", ""),
        ),
        ARMS,
        prepare,
        run,
    ),
)
