"""What recipes make of systems that choose languages, keep columns, or prompt, against the rule that each published."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pack.pack_runs import decisions_of
from tests.rows import rows_of
from tests.running import called
from tests.systems.corpora import documents, ingested, ntrex, pairs, system
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer

pytestmark = pytest.mark.slow
TOKENIZER = sample_folder() / "tokenizer.model"
CODES = ("eng", "swa", "nya", "bem", "hin", "tha", "deu")


@pytest.fixture(scope="module")
def texts(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingested(tmp_path_factory.mktemp("texts") / "documents", documents(shared_data, CODES))


@pytest.fixture(scope="module")
def features(texts: Path) -> Path:
    """What languages are like, from their scripts and letters."""
    made = called("languages", texts, "--output", texts.parent / "languages.json")
    assert made.returncode == 0, made.stderr
    return texts.parent / "languages.json"


def test_bistil_and_monolingual_packs(texts: Path, tmp_path: Path) -> None:
    """Both languages in equal parts to the document, rows of at most 256; packs of one text stay it (WECHSEL, CLP)."""
    made = system("bistil", tmp_path / "b", documents=texts, tokenizer=TOKENIZER, ratios="eng_Latn=0.5,swh_Latn=0.5")
    counts = Counter(row["lang"] for row in rows_of(made["mix"]))
    assert set(counts) == {"eng_Latn", "swh_Latn"}
    assert abs(counts["eng_Latn"] - counts["swh_Latn"]) <= 1
    assert max(row["length"] for row in rows_of(made["pack"])) <= 256
    for name in ("wechsel", "clp-transfer"):
        packs = system(name, tmp_path / name, documents=texts, tokenizer=TOKENIZER)
        held = {one for row in rows_of(packs["pack"]) for one in row["doc_ids"]}
        assert held == {row["doc_id"] for row in rows_of(packs["dedup"])}


def test_provable_advantage(texts: Path, tmp_path: Path) -> None:
    """Each rung is a part of the next, in the whole and in each language."""
    rungs = [
        {
            row["doc_id"]
            for row in rows_of(
                system("provable-advantage", tmp_path / size, documents=texts, tokenizer=TOKENIZER, budget=size)["mix"]
            )
        }
        for size in ("10k", "20k", "40k")
    ]
    assert all(0 < len(small) < len(large) and small < large for small, large in pairwise(rungs))


def test_languages_you_know(texts: Path, features: Path, tmp_path: Path) -> None:
    """The nearest languages of Swahili are its Bantu relatives; each has an equal part."""
    given = {"documents": texts, "features": features, "tokenizer": TOKENIZER}
    made = system("languages-you-know", tmp_path, **given, languages="nearest:2:swh_Latn", budget="200k")
    units = Counter[str]()
    for row in rows_of(made["mix"]):
        units[row["lang"]] += row["mix_units"]
    assert set(units) == {"nya_Latn", "bem_Latn"}
    assert min(units.values()) > 0.97 * max(units.values())


def test_cross_lingual_ie(features: Path, shared_data: Path, tmp_path: Path) -> None:
    """Tagged texts of the chosen languages alone; a tag a word."""
    rows = [
        {
            "text": line["text"],
            "lang": line["lang"],
            "tokens": line["text"].split(),
            "tags": ["O"] * len(line["text"].split()),
        }
        for code in ("nya", "bem", "hin", "deu")
        for line in ntrex(shared_data, code)[:60]
    ]
    given = ingested(tmp_path / "tagged", iter(rows))
    chosen = {"features": features, "tokenizer": TOKENIZER, "languages": "nearest:2:swh_Latn"}
    made = system("cross-lingual-ie", tmp_path / "run", tagged=given, **chosen)
    assert Counter(row["lang"] for row in rows_of(made["mix"])) == {"nya_Latn": 60, "bem_Latn": 60}
    packed = rows_of(made["pack"])
    assert all(len(row["labels"]) == len(row["input_ids"]) for row in packed)
    assert {label for row in packed for label in row["labels"]} == {-100, 0}


def test_ainu(tmp_path: Path) -> None:
    """Given languages stay, also those that no model knows; audio and speakers too; shares by collection."""
    kana = ["アイヌ イタㇰ", "イランカラㇷ゚テ", "ピㇼカ クス", "シサㇺ イタㇰ", "カムイ ユカㇻ"]
    for name, label, count in (("ainu", "ain_Kana", 30), ("japanese", "jpn_Jpan", 40), ("other", "kor_Hang", 40)):
        rows = [
            {
                "text": f"{kana[number % 5]} {number}",
                "lang": label,
                "audio": f"{name}/{number}.wav",
                "speaker": number % 7,
            }
            for number in range(count)
        ]
        (tmp_path / name).mkdir()
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / name / "raw.jsonl").write_text(lines, encoding="utf-8")
    folders = [tmp_path / name for name in ("ainu", "japanese", "other")]
    made = called("ingest", *folders, "--lang-column", "lang", "--output", tmp_path / "given")
    assert made.returncode == 0, made.stderr
    shares = "ainu=0.3,japanese=0.4,other=0.3"
    found = system("ainu", tmp_path / "run", transcripts=tmp_path / "given", ratios=shares, budget=100)
    rows = rows_of(found["mix"])
    assert Counter(row["source"] for row in rows) == {"ainu": 30, "japanese": 40, "other": 30}
    assert {row["lang"].split("_")[0] for row in rows if row["source"] == "ainu"} == {"ain"}
    assert all(row["audio"].startswith(row["source"]) and row["speaker"] is not None for row in rows)
    assert all(row["text_latn"].isascii() for row in rows_of(found["romanize"]))


def test_uclip(shared_data: Path, tmp_path: Path) -> None:
    """Half English, and the vectors of each text as they were, to the bit."""
    found = list(documents(shared_data, ["eng", "swa", "tha"]))
    vectors = np.random.default_rng(1).normal(size=(len(found), 8)).astype(np.float16)
    columns: dict[str, Any] = {key: [row[key] for row in found] for key in ("text", "lang")}
    kind = pa.list_(pa.float16(), 8)
    columns["emb"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), type=kind)
    pq.write_table(pa.table(columns), tmp_path / "texts.parquet")
    made = called("ingest", tmp_path / "texts.parquet", "--lang-column", "lang", "--output", tmp_path / "given")
    assert made.returncode == 0, made.stderr
    rows = rows_of(system("uclip", tmp_path / "run", documents=tmp_path / "given", budget=100)["mix"])
    counts = Counter(row["lang"] for row in rows)
    assert counts["eng_Latn"] == 50
    of = {row["text"]: vector for row, vector in zip(found, vectors, strict=True)}
    assert all(np.array_equal(np.array(row["emb"], dtype=np.float16), of[row["text"]]) for row in rows)


def test_prompts_of_ldp_and_self_mined(shared_data: Path, tmp_path: Path) -> None:
    """Examples in their order, then the text; the answer and eos alone are learnt; pairs below tau are decisions."""
    lines = list(pairs(shared_data, ["swa"], 60))
    rows = [
        {
            **row,
            "sim": 0.8 + 0.01 * (number % 20),
            "shots": [{"src": lines[k]["src"], "tgt": lines[k]["tgt"]} for k in (number - 1, number - 2)],
        }
        for number, row in enumerate(lines)
    ]
    given = ingested(tmp_path / "pairs", iter(rows), kind="pairs")
    opened = open_tokenizer(str(TOKENIZER))

    def check(prompts: list[dict[str, Any]], between: str, end: str, due: list[dict[str, Any]]) -> None:
        """Each prompt as it is written by hand; decoded, for pieces at the edge of the answer are the tokenizer's."""
        assert len(prompts) == len(due)
        for row, pair in zip(prompts, due, strict=True):
            shots = "".join(f"{shot['src']}{between}{shot['tgt']}{end}" for shot in pair["shots"])
            start, stop = row["loss_spans"]
            asked = opened.decode(row["input_ids"][:start])
            assert " ".join(asked.split()) == " ".join(f"{shots}{pair['src']}{between}".split())
            assert " ".join(opened.decode(row["input_ids"][start : stop - 1]).split()) == " ".join(pair["tgt"].split())
            assert row["input_ids"].index(opened.eos_id) == stop - 1 == len(row["input_ids"]) - 1

    prompts = rows_of(system("ldp", tmp_path / "ldp", pairs=given, tokenizer=TOKENIZER, length=1024)["pack"])
    check(prompts, "\n", "\n\n", rows)
    mined = system("self-mined", tmp_path / "mined", pairs=given, tokenizer=TOKENIZER, length=1024)
    likely = [row for row in rows if row["sim"] >= 0.9]
    kept = rows_of(mined["filter"])
    # tau is exact; of the others the defaults for pairs may take one that is no sentence.
    assert {row["src"] for row in kept} <= {row["src"] for row in likely}
    assert len(kept) >= 0.95 * len(likely)
    reasons = Counter(row["reason"] for row in decisions_of(mined["filter"]))
    assert reasons["sim_below"] >= 0.95 * (len(rows) - len(likely))
    check(rows_of(mined["pack"]), " = ", "\n", [row for row in rows if row["src"] in {one["src"] for one in kept}])
