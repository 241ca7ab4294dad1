"""Documents that are held out of training: no document on both sides, each language alike, a dataset of its own."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS, options_of
from tests.pack.pack_runs import LENGTH, document_rows, killed_at, run_pack, save
from tests.rows import doc_id, pairs, write_dataset, write_shards
from tests.running import digests
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.dataset.dataset import Dataset, Shard, is_dataset
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pack.facts import PackFacts
from xlcorpus.pack.gather import deal
from xlcorpus.pack.holdout import ChooseDocuments, HeldOut, ListDocuments, choose, held_file
from xlcorpus.pairs.swap import with_both_sides

LANGS = list(TEXTS)[:4]


@given(
    groups=st.lists(st.integers(0, 40), min_size=1, max_size=300),
    joined=st.booleans(),
    share=st.sampled_from([0.01, 0.1, 0.5]),
)
def test_documents_and_groups_are_on_one_side(groups: list[int], joined: bool, share: float) -> None:
    rng = np.random.default_rng(len(groups))
    hashes = rng.integers(0, 1 << 60, 41).astype(np.uint64)
    of = np.array(groups)
    documents = rng.integers(0, 99, len(of)).astype(np.uint64) if joined else hashes[of]
    held = choose(documents, hashes[of], rng.integers(0, 3, len(of)), share)
    for names in (documents, hashes[of]):
        assert not set(names[held].tolist()) & set(names[~held].tolist())


@given(counts=st.lists(st.integers(1, 500), min_size=1, max_size=5), share=st.sampled_from([0.01, 0.05, 0.3]))
def test_each_language_loses_the_same_share(counts: list[int], share: float) -> None:
    langs = np.repeat(np.arange(len(counts)), counts)
    documents = np.random.default_rng(7).integers(0, 1 << 63, len(langs)).astype(np.uint64)
    order = np.random.default_rng(8).permutation(len(langs))
    held = choose(documents, documents, langs, share)
    found = np.bincount(langs[held], minlength=len(counts))
    assert (np.abs(found - share * np.array(counts)) <= 0.5 + 1e-9).all()
    again = choose(documents[order], documents[order], langs[order], share)
    assert (again == held[order]).all()


def corpus(folder: Path, epochs: int = 1) -> Path:
    """1,200 documents of four languages in two shards an epoch, every third with a near copy in its cluster."""
    rows, shards = 1200, []
    texts = [f"{TEXTS[LANGS[row % 4]]} {row} " * (1 + row % 9) for row in range(rows)]
    names = [str(row // 3 * 3) if row % 3 else str(row) for row in range(rows)]
    clusters = pa.array([doc_id(names[row]) if row % 9 < 3 else doc_id(str(row)) for row in range(rows)], pa.binary(16))
    all_rows = document_rows(texts, [LANGS[row % 4] for row in range(rows)]).append_column("dup_cluster", clusters)
    for epoch in range(epochs):
        repeated = all_rows.append_column("mix_epoch", pa.array([epoch] * rows, pa.int32()))
        shards += [repeated.slice(0, 500), repeated.slice(500)]
    return save(folder, shards)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset, Dataset]:
    folder = tmp_path_factory.mktemp("holdout")
    docs = corpus(folder / "docs", epochs=2)
    made = run_pack(docs, folder / "out", length=LENGTH, holdout="10%")
    return docs, made, Dataset.open(made.folder / "holdout", verify=True)


def documents_of(dataset: Dataset) -> set[bytes]:
    return set(dataset.to_arrow(["doc_ids"])["doc_ids"].combine_chunks().flatten().to_pylist())


def test_no_document_and_no_near_copy_is_on_both_sides(held: tuple[Path, Dataset, Dataset]) -> None:
    docs, training, holdout = held
    rows = Dataset.open(docs).to_arrow(["doc_id", "dup_cluster", "lang"]).to_pylist()
    sides = [documents_of(one) for one in (training, holdout)]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == {row["doc_id"] for row in rows}
    clusters: defaultdict[bytes, set[bool]] = defaultdict(set)
    for row in rows:
        clusters[row["dup_cluster"]].add(row["doc_id"] in sides[1])
    assert {len(found) for found in clusters.values()} == {1}
    assert any(row["doc_id"] in sides[1] and row["doc_id"] != row["dup_cluster"] for row in rows)
    total = Counter(row["lang"] for row in rows)
    lost = Counter(row["lang"] for row in rows if row["doc_id"] in sides[1])
    assert max(abs(lost[lang] - 0.1 * count) for lang, count in total.items()) < 15  # rows of the largest cluster
    assert training.manifest.notes["holdout"]["held"] == lost


def test_counts_add_up_and_both_are_datasets(held: tuple[Path, Dataset, Dataset]) -> None:
    docs, training, holdout = held
    (tally,), (aside,) = training.manifest.tallies, holdout.manifest.tallies
    lost = sum(training.manifest.notes["holdout"]["held"].values())
    assert tally.reasons == {"held_out": lost}
    assert (tally.rows_in, aside.rows_in) == (2400, lost)
    assert not aside.removed
    texts = Dataset.open(docs).to_arrow(["text"])["text"].to_pylist()
    counts = [one.manifest.notes["counts"] for one in (training, holdout)]
    assert sum(one["text_bytes"] for one in counts) == sum(len(text.encode()) for text in texts)
    assert counts[0]["documents"] + counts[1]["documents"] == 2400
    assert PackFacts.of(training.manifest) == PackFacts.of(holdout.manifest)
    assert training.manifest.fingerprint != holdout.manifest.fingerprint
    assert "holdout/manifest.json" in training.manifest.files()
    assert any(line.startswith(f"held out: {lost:,} of 2,400 documents") for line in training.manifest.notes["table"])
    assert '- config_name: "holdout"\n  data_files: "holdout/data/*.parquet"' in (
        training.folder / "README.md"
    ).read_text("utf-8")
    assert not (training.folder / "_work").exists()


@pytest.mark.slow
def test_two_processes_and_a_run_that_is_done_give_the_same(
    held: tuple[Path, Dataset, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, training, _ = held
    monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)
    seen: list[int] = []
    genuine = RunnerChoice.pipeline
    monkeypatch.setattr(RunnerChoice, "pipeline", lambda self: seen.append(self.workers) or genuine(self))
    run_pack(docs, tmp_path / "two", workers=2, length=LENGTH, holdout="10%")
    assert seen.count(2) >= 3  # documents are listed, packed and held out by two processes
    assert digests(tmp_path / "two") == digests(training.folder)
    run_pack(docs, tmp_path / "two", length=LENGTH, holdout="10%", settings={"resume": True})  # done already
    assert digests(tmp_path / "two") == digests(training.folder)


@pytest.mark.process
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("_work/holdout", marks=pytest.mark.slow),  # a record of what was held out
        "holdout/data",
        pytest.param("holdout/manifest.json", marks=pytest.mark.slow),
        pytest.param("out/manifest.json", marks=pytest.mark.slow),
    ],
)
def test_kill_9_while_a_holdout_is_written(held: tuple[Path, Dataset, Dataset], tmp_path: Path, moment: str) -> None:
    """No half of a dataset looks like one, and going on gives the bytes of a run at one go."""
    docs, training, _ = held
    killed_at(moment, docs, tmp_path / "out", "--holdout", "10%")
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert is_dataset(tmp_path / "out" / "holdout") is (moment == "out/manifest.json")
    with pytest.raises(UserError, match="holds an unfinished run"):
        run_pack(docs, tmp_path / "out", length=LENGTH, holdout="10%")
    run_pack(docs, tmp_path / "out", length=LENGTH, holdout="10%", settings={"resume": True})
    assert digests(tmp_path / "out") == digests(training.folder)


def test_shards_of_any_number_have_the_same_holdout(held: tuple[Path, Dataset, Dataset], tmp_path: Path) -> None:
    docs, training, _ = held
    shared = run_pack(docs, tmp_path / "three", length=LENGTH, holdout="10%", shards=3)
    assert shared.to_arrow().equals(training.to_arrow())
    assert digests(tmp_path / "three" / "holdout" / "data") == digests(training.folder / "holdout" / "data")


def test_a_new_run_replaces_the_holdout(held: tuple[Path, Dataset, Dataset], tmp_path: Path) -> None:
    docs, training, _ = held
    shutil.copytree(training.folder, tmp_path / "out")
    (tmp_path / "out" / "holdout" / "mine.txt").write_text("mine", "utf-8")
    run_pack(docs, tmp_path / "out", length=LENGTH, settings={"overwrite": True})
    left = {str(one.relative_to(tmp_path / "out")) for one in (tmp_path / "out").rglob("*") if one.is_file()}
    assert {name for name in left if name.startswith("holdout")} == {"holdout/mine.txt"}
    with pytest.raises(UserError, match="holdout is there already"):
        run_pack(docs, tmp_path / "out", length=LENGTH, holdout="10%", settings={"overwrite": True})


def test_a_change_in_the_holdout_is_found(held: tuple[Path, Dataset, Dataset], tmp_path: Path) -> None:
    shutil.copytree(held[1].folder, tmp_path / "out")
    (shard,) = (tmp_path / "out" / "holdout" / "data").iterdir()
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(IntegrityError, match="was changed after it was written"):
        Dataset.open(tmp_path / "out", verify=True)


def test_a_budget_of_bytes_is_spent_on_training_alone(tmp_path: Path) -> None:
    docs = corpus(tmp_path / "docs")
    options: dict[str, Any] = {"tokenizer": "bytes", "length": LENGTH, "byte_budget": "5k", "holdout": "10%"}
    made = run_pack(docs, tmp_path / "out", **options)
    assert made.manifest.notes["counts"]["bytes"] == dict.fromkeys(LANGS, 5000)
    aside = Dataset.open(tmp_path / "out" / "holdout").manifest
    assert not aside.tallies[0].removed
    assert not documents_of(made) & documents_of(Dataset.open(tmp_path / "out" / "holdout"))


def test_pairs_of_views_are_held_out_too(tmp_path: Path) -> None:
    rows = [(f"{TEXTS['srp_Cyrl']} {row}", f"{TEXTS['eng_Latn']} {row}") for row in range(300)]
    given = save(tmp_path / "pairs", [pairs(rows, "srp_Cyrl", "eng_Latn")], "pair")
    made = run_pack(given, tmp_path / "out", view="tlm", length=LENGTH, holdout="5%")
    aside = Dataset.open(tmp_path / "out" / "holdout")
    ids = [set(one.to_arrow(["pair_id"])["pair_id"].to_pylist()) for one in (made, aside)]
    assert [len(one) for one in ids] == [285, 15]
    assert not ids[0] & ids[1]
    assert aside.manifest.notes["languages"] == made.manifest.notes["languages"]
    counts = [one.manifest.notes["counts"] for one in (made, aside)]
    for side, lang in enumerate(("srp_Cyrl", "eng_Latn")):
        assert sum(one["bytes"][lang] for one in counts) == sum(len(row[side].encode()) for row in rows)
        assert [one["languages"][lang] for one in counts] == [one["tokens"][("src", "tgt")[side]] for one in counts]
    assert (tmp_path / "out" / "holdout" / "languages.json").is_file()


def held_of(folder: Path, batches: list[pa.RecordBatch], wanted: float | Path) -> list[np.ndarray]:
    """Which rows of each batch, a shard of pairs, are held out."""
    for number, shard in enumerate(write_shards(folder, batches, "pair")):
        ListDocuments(folder, 3, "pair")(number, shard)
    ChooseDocuments(folder, wanted, 3)(0, len(batches))
    return [HeldOut(held_file(folder), 3).rows(batch) for batch in batches]


@pytest.mark.parametrize("clustered", [False, True])
def test_both_ways_of_a_pair_are_on_one_side(tmp_path: Path, clustered: bool) -> None:
    """Also where only some rows have been through dedup, and where the other dataset has the pairs one way alone."""
    given = pairs([(f"mlin {row}", f"mill {row}") for row in range(200)], "srp_Latn", "eng_Latn")
    if clustered:
        ids = given.column("doc_id").to_pylist()
        given = given.append_column("dup_cluster", pa.array([None, *ids[1:100], *[None] * 100], pa.binary(16)))
    ways = [with_both_sides(given, swapped=swapped) for swapped in (False, True)]
    held, held_turned = held_of(tmp_path / "both", ways, 0.1)
    assert held.sum() == 20
    assert (held == held_turned).all()
    for one, other in (ways, ways[::-1]):
        chosen = one.filter(pa.array(held))
        named = chosen.append_column("pair_id", chosen.column("doc_id"))
        place = write_dataset(tmp_path / f"named {one.column('src')[0]}", [named], "pair").folder
        for number, way in enumerate((one, other)):
            (found,) = held_of(place / f"held {number}", [way], place)
            assert (found == held).all()


def test_another_dataset_holds_out_the_same_documents(held: tuple[Path, Dataset, Dataset], tmp_path: Path) -> None:
    """One test set for packs of another length, and of more documents."""
    docs, training, aside = held
    made = run_pack(docs, tmp_path / "out", length=64, holdout=str(aside.folder))
    assert documents_of(made) == documents_of(training)
    assert documents_of(Dataset.open(tmp_path / "out" / "holdout")) == documents_of(aside)
    for wrong, says in (
        (docs, "its rows do not name the documents"),
        (tmp_path / "none", "is neither a share of the documents nor a dataset"),
    ):
        with pytest.raises(UserError, match=says):
            run_pack(docs, tmp_path / "other", length=64, holdout=str(wrong))
    other = save(tmp_path / "other docs", [document_rows(["bread"], ["eng_Latn"], first=10**6)])
    with pytest.raises(UserError, match="none of these 1 documents is in it"):
        run_pack(other, tmp_path / "other", length=64, holdout=str(aside.folder))


@pytest.mark.parametrize("share", ["0", "60%", "-1%", "100%"])
def test_shares_that_are_none(share: str) -> None:
    with pytest.raises(UserError, match="is no share of the documents"):
        options_of(64, holdout=share)


def test_a_share_of_too_few_documents(tmp_path: Path) -> None:
    given = save(tmp_path / "docs", [document_rows(["bread", "salt"], ["eng_Latn"] * 2)])
    with pytest.raises(UserError, match="is none in any language"):
        run_pack(given, tmp_path / "out", length=32, holdout="1%")
    one_each = save(tmp_path / "one each", [document_rows(["bread", "sal"], ["eng_Latn", "por_Latn"])])
    with pytest.raises(UserError, match="takes all of these 2 documents and leaves none to train on"):
        run_pack(one_each, tmp_path / "out", length=32, holdout="50%")
    empty = run_pack(save(tmp_path / "empty", [document_rows([], [])]), tmp_path / "none", length=32)
    with pytest.raises(UserError, match="none of these 2 documents is in it"):
        run_pack(given, tmp_path / "out", length=32, holdout=str(empty.folder))
    with pytest.raises(UserError, match=r"no documents(.|\n)*leave out --holdout"):
        run_pack(tmp_path / "empty", tmp_path / "out", length=32, holdout="1%")
    run_pack(given, tmp_path / "out", length=32)  # nothing was left behind


@given(rows=st.lists(st.integers(0, 20), min_size=1, max_size=9), count=st.integers(1, 7))
def test_rows_are_dealt_once_and_evenly(rows: list[int], count: int) -> None:
    shards = [Shard(Path(str(at)), one, 1, "token", ()) for at, one in enumerate(rows)]
    dealt = deal(shards, count)
    found = [(one.shard.location, row) for part in dealt for one in part for row in range(one.start, one.stop)]
    assert found == [(one.location, row) for one in shards for row in range(one.rows)]
    sizes = [sum(one.stop - one.start for one in part) for part in dealt]
    assert len(sizes) == max(min(count, sum(rows)), 1)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("count", [1, 7])
def test_any_number_of_shards_has_the_same_rows(tmp_path: Path, count: int) -> None:
    texts = [f"{TEXTS[LANGS[row % 4]]} {row}. " * (row % 7) for row in range(90)]
    rows = document_rows(texts, [LANGS[row % 4] for row in range(90)])
    given = save(tmp_path / "docs", [rows.slice(0, 30), rows.slice(30, 0), rows.slice(30)])
    plain = run_pack(given, tmp_path / "plain", length=64)
    made = run_pack(given, tmp_path / "out", length=64, shards=count)
    assert made.to_arrow().equals(plain.to_arrow())
    sizes = [shard.rows for shard in made.manifest.shards]
    assert len(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    assert made.manifest.notes == plain.manifest.notes


def test_more_shards_than_rows(tmp_path: Path) -> None:
    given = save(tmp_path / "docs", [document_rows(["bread", "salt"], ["eng_Latn"] * 2)])
    made = run_pack(given, tmp_path / "out", length=32, strategy="one", shards=5)
    assert [shard.rows for shard in made.manifest.shards] == [1, 1]
    empty = save(tmp_path / "empty", [document_rows([], [])])
    assert [shard.rows for shard in run_pack(empty, tmp_path / "none", shards=5).manifest.shards] == [0]
