"""The quickstart: the sample corpus through the whole road, compared with its gold table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.running import run
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.recipe.run import Finished
from xlcorpus.sample import read_gold, sample_folder
from xlcorpus.tokenizer.open import open_tokenizer


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    return run("quickstart", tmp_path_factory.mktemp("quickstart"))


@pytest.fixture(scope="module")
def gold() -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in read_gold() if row["id"]}


def rows_of(finished: dict[str, Finished], name: str) -> pd.DataFrame:
    """A dataset as pandas reads it."""
    return pd.read_parquet(finished[name].dataset.folder / "data")


def test_languages_are_those_of_the_gold_table(finished: dict[str, Finished], gold: dict[str, dict[str, str]]) -> None:
    kept = rows_of(finished, "filter")
    right = [row.lang == gold[row.id]["lang"] for row in kept.itertuples()]
    assert len(right) > 300
    assert sum(right) / len(right) >= 0.98


def test_one_member_of_every_planted_cluster_stays(
    finished: dict[str, Finished], gold: dict[str, dict[str, str]]
) -> None:
    kept = set(rows_of(finished, "dedup").id)
    before = set(rows_of(finished, "filter").id)
    clusters: dict[str, set[str]] = {}
    for row in gold.values():
        if row["kind"] in ("exact_copy", "near_copy"):
            clusters.setdefault(row["of"], {row["of"]}).add(row["id"])
    assert len(clusters) >= 33
    for members in clusters.values():
        assert members <= before
        assert len(members & kept) == 1
    copies = {member for members in clusters.values() for member in members}
    assert before - kept <= copies  # nothing but copies was removed


def test_every_line_of_the_sample_is_a_row_a_decision_or_a_reject(
    finished: dict[str, Finished], gold: dict[str, dict[str, str]]
) -> None:
    folder = finished["filter"].dataset.folder
    reasons = duckdb.sql(
        f"select reason, count(*) from (select reason from '{folder}/decisions/*.parquet' union all "
        f"select reason from '{folder}/rejects/*.parquet') group by reason"
    ).fetchall()
    web = sum(1 for row in read_gold() if row["file"].startswith("web/"))
    assert sum(count for _, count in reasons) + finished["filter"].dataset.manifest.rows == web
    assert {"empty_text", "missing_text", "not_an_object", "n_words_below"} <= {reason for reason, _ in reasons}
    kept = Counter(gold[name]["kind"] for name in rows_of(finished, "filter").id)
    assert kept["page"] == 236
    assert kept["short"] == kept["no_letters"] == kept["repeated_lines"] == 0
    assert kept["links"] <= 1  # Thai has no full stop to tell a menu by


def test_the_mixture_is_what_was_asked_for(finished: dict[str, Finished]) -> None:
    mixed = rows_of(finished, "mix")
    notes = finished["mix"].dataset.manifest.notes
    plan = {item["name"]: item for item in notes["cells"]}
    got = mixed.groupby("mix_class").mix_units.sum()
    assert set(got.index) == set(plan)
    assert sum(item["budget"] for item in plan.values()) == notes["budget"] == 16000
    assert {(item["kind"], item["lang"]) for item in plan.values()} == {
        ("code", ""),
        ("cs", "eng_Latn"),
        *(("mono", lang) for lang in ("eng_Latn", "swh_Latn", "yor_Latn", "hin_Deva", "amh_Ethi", "zho_Hans")),
    }
    tokens = open_tokenizer(sample_folder() / "tokenizer.model").count_batch(pa.array(mixed.text))
    assert mixed.mix_units.tolist() == (tokens + 1).tolist()  # and an end for each document
    smallest = mixed.groupby("mix_class").mix_units.min()
    for name, item in plan.items():
        assert abs(got[name] - item["budget"]) <= smallest[name]
    assert mixed.groupby(["doc_id", "kind"]).size().max() <= 3


def test_the_packs_hold_the_mixture(finished: dict[str, Finished]) -> None:
    packs, mixed = rows_of(finished, "pack"), rows_of(finished, "mix")
    assert packs.length.max() <= 2048
    parts = Counter(doc_id for ids in packs.doc_ids for doc_id in ids)
    assert set(parts) == set(mixed.doc_id)
    assert packs.length.sum() == mixed.mix_units.sum()
    table = finished["pack"].dataset.manifest.notes["table"]
    assert any(line.startswith("swh_Latn ") for line in table)
    assert sum(line.startswith("pack ") for line in table) == 3


def test_every_dataset_opens_in_duckdb_pandas_and_pyarrow(finished: dict[str, Finished]) -> None:
    for done in finished.values():
        folder = done.dataset.folder
        rows = done.dataset.manifest.rows
        assert duckdb.sql(f"select count(*) from '{folder}/data/*.parquet'").fetchall() == [(rows,)]
        assert len(pd.read_parquet(folder / "data")) == rows
        assert ds.dataset(folder / "data").count_rows() == rows
        Dataset.open(Path(folder), verify=True)
