"""Code-switching restore (CSR4mBART): does a stage of restoring switched sentences help to learn to translate?"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import (
    Rows,
    data_of,
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
from xlcorpus.evaluate.batches import batches
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.kinds.restore import Restore, RestoreOptions
from xlcorpus.objectives.objective import NO_LABEL

LENGTH, PIECES, RESTORED, TRANSLATED = 64, 2000, 200, 300
RESTORE = {"folder": "restore", "objective": "restore"}
TRANSLATE = {"folder": "bitext", "objective": "translation", "holdout": "bitext-test"}
ARMS: Mapping[str, Any] = {
    "translation": [(TRANSLATE, TRANSLATED)],
    "translation, longer": [(TRANSLATE, RESTORED + TRANSLATED)],
    "restore, then translation": [(RESTORE, RESTORED), (TRANSLATE, TRANSLATED)],
}


def prepare(shared: Path, folder: Path) -> None:
    """Pairs of English and German (NTREX and PUD), each side of half of them switched, and held-out documents."""
    train, test = (pairs_of(*both) for both in zip(ntrex(shared, "eng"), ntrex(shared, "deu"), strict=True))
    train += pairs_of(*(records(shared / "pud" / f"{code}.jsonl.gz") for code in ("en", "de")))
    both_ways = _dictionaries(shared, folder)
    sides: Rows = [{"text": row[side], "lang": row[f"{side}_lang"]} for row in train for side in ("src", "tgt")]
    settings = {"tokenizer": tokenizer(folder, [documents(folder, "texts", sides)], PIECES), "length": LENGTH}
    for name, rows in (("", train), ("-test", test)):
        made = pairs(folder, f"pairs{name}", rows)
        xlcorpus.pack(made, view="bitext", output=folder / f"bitext{name}", **settings)
        switched = xlcorpus.codeswitch(
            made, dictionary=both_ways, view="restore", rounding="ceil", output=folder / f"switched{name}"
        )
        xlcorpus.pack(switched, view="restore", output=folder / f"restore{name}", **settings)


def _dictionaries(shared: Path, folder: Path) -> list[str]:
    """Wiktionary's English-German words, and the same turned round."""
    with gzip.open(shared / "dict" / "wiktionary" / "en-de.tsv.gz", "rt", encoding="utf-8") as lines:
        rows = [(row["en"], row["de"]) for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    made = []
    for one, other, turned in (("en", "de", False), ("de", "en", True)):
        path = folder / f"{one}-{other}.tsv"
        both = ((b, a) if turned else (a, b) for a, b in rows)
        path.write_text("".join(f"{a}\t{b}\n" for a, b in ((one, other), *both)), "utf-8")
        made.append(str(path))
    return made


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """The loss of held-out translations, how far translations lie apart in the encoder as a share of how far any two
    sentences do, and, of restoring, the share of pieces right that the switched sentence has nowhere (so that one who
    copies has none), with the sentence before it and with another's."""
    stages = [
        {"name": f"stage-{number}", "data": data_of(folder, [data]), "steps": steps}
        for number, (data, steps) in enumerate(ARMS[arm])
    ]
    changes: dict[str, Any] = {"optimizer": {"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.98]}}
    changes |= {"start": {"shape": "bart", "layers": 2, "width": 96, "heads": 4}, "evaluation": {"rows": 512}}
    recipe = recipe_of(folder, [], 0, **changes)
    given = {key: value for key, value in recipe.items() if key not in ("data", "steps")}
    output = pretrained(folder, arm, seed, {**given, "stages": stages})
    found = {
        "translation loss": evaluations(output)[-1]["translation"]["loss"],
        "distance of translations": _distance(folder, output),
    }
    if len(stages) == 2:
        rows = TokenRows.open(folder / "restore-test")
        found["restored"], found["restored from another's"] = (
            _restored(output / "stages" / "stage-0", folder, rows, shift) for shift in (0, 1)
        )
    return found


def _restored(model: Path, folder: Path, rows: TokenRows, shift: int) -> float:
    """shift: of the sentences that are read against those that are written."""
    right = count = 0
    for batch in _batches(folder, rows, Restore.sides):
        read, labels = batch["input_ids"], batch["labels"]
        asked = (labels != NO_LABEL) & ~(labels[:, :, None] == read[:, None, :]).any(dim=2)
        written = torch.cat([torch.full_like(labels[:, :1], _begin(model)), labels[:, :-1].clamp(min=0)], dim=1)
        with torch.no_grad():
            logits = _open(model)(
                input_ids=read.roll(shift, 0),
                attention_mask=batch["attention_mask"].roll(shift, 0),
                decoder_input_ids=written,
            ).logits
        right += int((logits.argmax(dim=2) == labels)[asked].sum())
        count += int(asked.sum())
    return right / count


def _distance(folder: Path, model: Path) -> float:
    rows = TokenRows.open(folder / "bitext-test")
    encoder = _open(model).get_encoder()
    sides = []
    for names in (("src_ids", "tgt_ids"), ("tgt_ids", "src_ids")):
        made = []
        for batch in _batches(folder, rows, names):
            mask = batch["attention_mask"]
            with torch.no_grad():
                states = encoder(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
            made.append((states * mask[:, :, None]).sum(dim=1) / mask.sum(dim=1, keepdim=True))
        sides.append(torch.cat(made).numpy())
    distances = np.linalg.norm(sides[0][:, None] - sides[1][None], axis=2)
    return float(np.diag(distances).mean() / distances.mean())


def _batches(folder: Path, rows: TokenRows, sides: tuple[str, str]) -> Any:
    objective = Restore(RestoreOptions(), TokenRows.open(folder / "restore-test").vocabulary, LENGTH)
    for given, _ in batches(rows, sides, 32, None):
        yield objective.tensors(*(objective.ended(given.column(name)) for name in sides))


def _open(model: Path) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM.from_pretrained(model).eval()


def _begin(model: Path) -> int:
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(model).decoder_start_token_id)


EXPERIMENTS = (
    Experiment(
        "restore",
        "Zan et al. 2022 (CSR4mBART): a stage of code-switching restore before translation is learnt; by its abstract "
        "consistently better than mBART alone, and sentences of two languages nearer to one another",
        "English to German, 1,660 pairs of NTREX and PUD, Wiktionary's words, an encoder-decoder of 2 + 2 layers from "
        f"nothing, {RESTORED} steps of restore and {TRANSLATED} of translation, of 32 pairs; distances as shares of "
        "that of any two sentences",
        (
            Claim("translation loss", "translation", "restore, then translation", "better, no figure", lower=True),
            Claim("translation loss", "translation, longer", "restore, then translation", "", lower=True),
            Claim(
                "distance of translations", "translation", "restore, then translation", "nearer, no figure", lower=True
            ),
        ),
        ARMS,
        prepare,
        run,
    ),
)
