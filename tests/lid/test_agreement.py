"""Figures on the project's shared data; skipped where it is absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.rows import records
from xlcorpus.lid.evaluate import evaluate
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel
from xlcorpus.lid.train import TrainOptions

# What was measured on 2026-11-20, less 0.01.
PUD_HELD_OUT = 0.978
CRAWL = 0.97
WANTED = [
    "yor_Latn",
    "swh_Latn",
    "hau_Latn",
    "zul_Latn",
    "amh_Ethi",
    "kir_Cyrl",
    "khm_Khmr",
    "mya_Mymr",
    "tha_Thai",
    "zho_Hans",
    "jpn_Jpan",
    "kor_Hang",
    "srp_Cyrl",
    "hin_Deva",
    "ben_Beng",
    "tam_Taml",
    "urd_Arab",
    "pes_Arab",
    "arb_Arab",
    "heb_Hebr",
    "kat_Geor",
    "hye_Armn",
    "ell_Grek",
    "ukr_Cyrl",
    "rus_Cyrl",
    "vie_Latn",
    "tur_Latn",
]


def share_accepted(model: LanguageModel, texts: list[str], accepted: list[str]) -> float:
    """Share of texts whose top raw label is among the accepted ones (`a|b`)."""
    found = model.predict(model.prepare(pa.array(texts)), 1)
    top = [model.labels[label].removeprefix("__label__") for label in found.labels]
    assert len(top) == len(texts)
    return float(np.mean([label in wanted.split("|") for label, wanted in zip(top, accepted, strict=True)]))


def figure(table: pa.Table, column: str, lang: str = "all") -> float:
    return float(table.filter(pc.equal(table.column("lang"), lang)).column(column)[0].as_py())


def test_lid176_agrees_with_the_crawl_documents(shared_data: Path, lid176: LanguageModel) -> None:
    documents = [row for row in records(shared_data / "crawl" / "docs.jsonl.gz") if row["lid176"]]
    assert len(documents) == 1_938
    share = share_accepted(lid176, [row["text"] for row in documents], [row["lid176"] for row in documents])
    assert share >= 0.965


def test_lid176_agrees_with_pud(shared_data: Path, lid176: LanguageModel) -> None:
    rows = [(path.name.split(".")[0], row["text"]) for path in shared_data.glob("pud/*.gz") for row in records(path)]
    assert len(rows) == 21_000
    assert share_accepted(lid176, [text for _, text in rows], [code for code, _ in rows]) >= 0.975


def test_lid176_through_identify_on_the_crawl(shared_data: Path, lid176: LanguageModel) -> None:
    table = evaluate(lid176, [shared_data / "crawl" / "docs.jsonl.gz"])
    assert figure(table, "recall") >= 0.95


def test_embedded_model_on_pud_lines_it_never_saw(shared_data: Path, embedded: LanguageModel) -> None:
    table = evaluate(embedded, sorted(shared_data.glob("pud/*.gz")), held_out=TrainOptions().hold_out)
    assert figure(table, "n") == 415
    assert figure(table, "recall") >= PUD_HELD_OUT


def test_embedded_model_on_the_crawl(shared_data: Path, embedded: LanguageModel) -> None:
    table = evaluate(embedded, [shared_data / "crawl" / "docs.jsonl.gz"])
    assert figure(table, "recall") >= CRAWL


def test_embedded_model_on_held_out_lines_of_the_wanted_languages(shared_data: Path, embedded: LanguageModel) -> None:
    files = [shared_data / "lid_train" / f"{label}.txt.gz" for label in WANTED]
    table = evaluate(embedded, files, held_out=TrainOptions().hold_out, min_chars=20)
    assert {label: figure(table, "recall", label) for label in WANTED if figure(table, "recall", label) < 0.9} == {}


def test_nothing_is_lost_on_the_crawl(shared_data: Path, embedded: LanguageModel) -> None:
    documents = records(shared_data / "crawl" / "docs.jsonl.gz")
    batch = pa.record_batch({"id": [row["id"] for row in documents], "text": [row["text"] for row in documents]})
    found = identify_batch(batch, embedded)
    assert found.column("id").equals(batch.column("id"))
    assert found.column("lang").null_count == 0
    single = [identify_batch(batch.slice(row, 1), embedded).column("lang")[0].as_py() for row in range(0, 2_237, 97)]
    assert single == [found.column("lang")[row].as_py() for row in range(0, 2_237, 97)]
