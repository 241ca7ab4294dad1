"""pairs-align on documents of NTREX and PUD: what it finds, what it says of the rest, and that only texts count."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.evaluate.models import folder
from tests.mine.lines import lines_of
from tests.rows import documents, rows_of, write_dataset
from tests.running import called, digests, run_nodes
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.mine.embedder import EmbedderOptions, embed_all, embedder_of
from xlcorpus.pairs.cosines import similarities
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step

PAIR = "eng_Latn:deu_Latn"


def aligned(
    given: list[Path],
    output: Path,
    workers: int = 1,
    keep_text: bool = False,
    runner: str = "local",
    **options: object,
) -> Dataset:
    step = find_step("pairs-align")
    node = Node("pairs-align", step, make_options(step, {"pair": PAIR, **options}, "test"), tuple(given))
    run_nodes([node], output, runner=runner, workers=workers, keep_text=keep_text)
    return Dataset.open(output / "pairs-align", verify=True)


def of_ntrex(shared: Path, code: str, count: int) -> pa.RecordBatch:
    """Documents of NTREX, a line a sentence."""
    lines = lines_of(shared / "ntrex" / f"{code}.jsonl.gz", count)
    texts: dict[str, list[str]] = {}
    for doc, text in zip(lines["doc"].to_pylist(), lines["text"].to_pylist(), strict=True):
        texts.setdefault(doc, []).append(text)
    label = lines["lang"][0].as_py()
    return documents(["\n".join(one) for one in texts.values()], label, names=[f"{code} {doc}" for doc in texts])


@pytest.fixture(scope="module")
def inputs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One dataset a language, and both in one in another order, in other shards, with documents of a third."""
    root = tmp_path_factory.mktemp("documents")
    sides = {code: of_ntrex(shared_data, code, 120) for code in ("eng", "deu")}
    made = {code: write_dataset(root / code, [batch]).folder for code, batch in sides.items()}
    more = documents(["Bonjour à tous.", "...", ""], ["fra_Latn", "eng_Latn", "deu_Latn"], names=["f", "e", "d"])
    both = pa.concat_batches([sides["deu"], sides["eng"]]).take(pa.array(range(2 * len(sides["eng"])))[::-1])
    made["both"] = write_dataset(root / "both", [both.slice(0, 3), more, both.slice(3)]).folder
    return made


@pytest.fixture(scope="module")
def plain(inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return aligned([inputs["eng"], inputs["deu"]], tmp_path_factory.mktemp("plain"))


def decided(dataset: Dataset) -> list[dict[str, Any]]:
    return [row for batch in dataset.decisions() for row in batch.to_pylist()]


def without_place(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(value for name, value in sorted(row.items()) if name != "origin") for row in rows)


def test_what_it_finds(plain: Dataset, shared_data: Path) -> None:
    """Most lines are one sentence: those that the other language's file has in the same place are right."""
    lines = [lines_of(shared_data / "ntrex" / f"{code}.jsonl.gz", 120)["text"].to_pylist() for code in ("eng", "deu")]
    place = [{text: number for number, text in enumerate(side)} for side in lines]
    rows = rows_of(plain)
    known = [
        (place[0][row["src"]], place[1][row["tgt"]])
        for row in rows
        if row["src"] in place[0] and row["tgt"] in place[1]
    ]
    right = sum(a == b for a, b in known)
    assert len(rows) > 80
    assert right / len(known) > 0.9
    assert right > 60
    assert {row["kind"] for row in rows} == {"mined"}
    assert {(row["src_lang"], row["tgt_lang"]) for row in rows} == {("eng_Latn", "deu_Latn")}
    assert min(row["margin"] for row in rows) >= np.float32(1.06)
    also = {field.name: field.type for field in load_schema("pair").also}
    assert all(
        also[name] == field.type for name, field in ((f.name, f) for f in plain.manifest.arrow_schema) if name in also
    )
    for side in ("src", "tgt"):
        assert max(Counter(row[side] for row in rows).values()) == 1


def test_similarities_are_those_of_the_texts(plain: Dataset, inputs: dict[str, Path]) -> None:
    rows = rows_of(plain)
    texts = [[row[side] for row in rows] for side in ("src", "tgt")]
    sides = [(pa.array(one), pa.array([label] * len(one))) for one, label in zip(texts, PAIR.split(":"), strict=True)]
    vectors = embed_all(embedder_of(EmbedderOptions()), *sides)
    # idf is that of all sentences of the run, here of those in pairs alone.
    found = similarities(*vectors).diagonal()
    assert np.corrcoef(found, [row["sim"] for row in rows])[0, 1] > 0.97


def test_every_sentence_is_accounted_for(plain: Dataset, inputs: dict[str, Path]) -> None:
    rows, reasons = rows_of(plain), decided(plain)
    assert {one["reason"] for one in reasons} == {"no_translation"}
    assert all(one["threshold"] == 1.06 for one in reasons)
    assert Counter(one["lang"] for one in reasons).keys() == {"eng_Latn", "deu_Latn"}
    (tally,) = plain.manifest.tallies
    for side in ("src", "tgt"):
        assert tally.counts[side]["paired"] == len(rows)
        assert tally.counts[side]["sentences"] >= 120
    total = sum(tally.counts[side]["sentences"] for side in ("src", "tgt"))
    assert total == 2 * len(rows) + len(reasons)
    notes = plain.manifest.notes
    assert (notes["pairs"], notes["src"]) == (len(rows), tally.counts["src"])


def test_order_shards_workers_and_runner_change_nothing(
    plain: Dataset, inputs: dict[str, Path], tmp_path: Path
) -> None:
    other = aligned([inputs["both"]], tmp_path / "one", keep_text=True)
    assert without_place(rows_of(other)) == without_place(rows_of(plain))
    reasons = decided(other)
    assert Counter(one["reason"] for one in reasons) == {
        "another_language": 1,
        "no_sentence": 2,
        "no_translation": len(decided(plain)),
    }
    assert all(one["text"] is not None for one in reasons)
    aligned([inputs["both"]], tmp_path / "two", workers=2, keep_text=True)
    aligned([inputs["both"]], tmp_path / "portable", runner="portable", keep_text=True)
    assert digests(tmp_path / "one") == digests(tmp_path / "two") == digests(tmp_path / "portable")


MOMENTS = ("settle/00001.json", "1.counts.arrow", "tgt.0.vectors.arrow", "search/00001.json", "1.tgt.states.arrow",
           "data/part-00000-000.parquet", "manifest.json")  # fmt: skip


@pytest.mark.slow
@pytest.mark.process
def test_kill_9_in_every_phase_and_resume(shared_data: Path, tmp_path: Path) -> None:
    """Killed where a file is about to get its name; resumed, a run leaves the bytes of a whole one."""
    killing = """
import os, signal, sys
from tests.running import called
folder, moments, arguments, genuine = sys.argv[1], sys.argv[2].split(), sys.argv[3:], os.replace
assert called(*arguments, "--output", f"{folder}/whole").returncode == 0
for number, moment in enumerate(moments):
    child = os.fork()
    if not child:
        def replace(temporary, path):
            if str(path).endswith("/" + moment):
                os.kill(os.getpid(), signal.SIGKILL)
            genuine(temporary, path)
        os.replace = replace
        called(*arguments, "--output", f"{folder}/{number}")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, moment
"""
    sides = [of_ntrex(shared_data, code, 40) for code in ("eng", "deu")]
    arguments = ["pairs-align", write_dataset(tmp_path / "given", sides).folder, "--pair", PAIR, "--quiet"]
    given = [sys.executable, "-c", killing, tmp_path, " ".join(MOMENTS), *arguments]
    done = subprocess.run(list(map(str, given)), capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    for number in range(len(MOMENTS)):
        cut = tmp_path / str(number)
        assert not (cut / "manifest.json").exists()
        assert list((cut / "_work").glob("*/*.json"))
        resumed = called(*arguments, "--output", cut, "--resume")
        assert resumed.returncode == 0, resumed.stderr
        assert digests(cut) == digests(tmp_path / "whole")


def test_one_of_equal_texts(tmp_path: Path) -> None:
    texts = ["Berlin is the capital of Germany.", "Angela Merkel visited Warsaw in 2015."]
    german = ["Berlin ist die Hauptstadt von Deutschland.", "Angela Merkel besuchte 2015 Warschau."]
    given = documents(
        [" ".join(texts), texts[0], "\n".join(german), german[0] + "\n" + german[0]],
        ["eng_Latn", "eng_Latn", "deu_Latn", "deu_Latn"],
        names=[*"abcd"],
    )
    made = aligned([write_dataset(tmp_path / "given", [given]).folder], tmp_path, threshold=0.5, neighbours=1)
    assert {(row["src"], row["tgt"]) for row in rows_of(made)} == set(zip(texts, german, strict=True))
    reasons = Counter((one["reason"], one["lang"]) for one in decided(made))
    assert reasons == {("duplicate_sentence", "eng_Latn"): 1, ("duplicate_sentence", "deu_Latn"): 2}
    none = aligned([tmp_path / "given"], tmp_path / "none", threshold=100.0)
    assert none.manifest.rows == 0
    assert len(decided(none)) == 7


def test_an_encoder_and_faiss(inputs: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    options = {"embedder": f"encoder:{folder('XLMRobertaForMaskedLM')}", "embedder_device": "cpu", "threshold": 1.0}
    exact = aligned([inputs["both"]], tmp_path / "exact", **options)
    found = aligned([inputs["both"]], tmp_path / "faiss", search="faiss", **options)
    assert exact.manifest.rows > 10
    assert rows_of(exact) == rows_of(found)
    with pytest.raises(UserError, match=r"--search faiss takes dense vectors"):
        aligned([inputs["both"]], tmp_path / "sparse", search="faiss")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--pair", "eng_Latn:swh_Latn"], r"no document is in swh_Latn; there are deu_Latn, eng_Latn, fra_Latn"),
        (["--pair", "eng_Latn"], r"names no two languages"),
        (["--pair", PAIR, "--embedder", "word2vec:x"], r"no embedder 'word2vec'"),
        (["--pair", PAIR, "--faiss-index", "IVF4,Flat"], r"--faiss-index is an option of --search faiss"),
    ],
)
def test_what_cannot_be_aligned(inputs: dict[str, Path], tmp_path: Path, arguments: list[str], says: str) -> None:
    done = called("pairs", "align", inputs["both"], *arguments, "--output", tmp_path / "out", "--quiet")
    assert done.returncode == 1
    assert says.replace("\\", "") in done.stderr
