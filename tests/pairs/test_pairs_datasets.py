"""`xlcorpus ingest --kind pairs` end to end: the dataset it makes, who may read it, and what the command says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.running import digests, run, write_recipe
from xlcorpus.cli import main as entry
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError

PAIRS = [(f"The mill has {n} wheels.", f"Die Mühle hat {n} Räder.") for n in range(1, 400)]
SIDES = "src_column: en, tgt_column: de, src_lang: eng_Latn, tgt_lang: deu_Latn"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "mills"
    folder.mkdir()
    with gzip.open(folder / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"en": src, "de": tgt, "n": n}) + "\n" for n, (src, tgt) in enumerate(PAIRS[:100]))
    (folder / "b.tsv").write_text("de\ten\n" + "".join(f"{tgt}\t{src}\n" for src, tgt in PAIRS[100:200]), "utf-8")
    (folder / "c.en").write_text("".join(f"{src}\n" for src, _ in PAIRS[200:]) + "\nlast\n", "utf-8")
    (folder / "c.de").write_text("".join(f"{tgt}\n" for _, tgt in PAIRS[200:]) + "leer\n \n", "utf-8")
    return folder


def call(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        entry.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def pair_recipe(folder: Path, corpus: Path, *more: str, options: str = "") -> Path:
    steps = "".join(f"  - {{{step}}}\n" for step in more)
    text = f"name: pairs\nsteps:\n  - {{step: ingest, files: {corpus}, kind: pairs, {SIDES}{options}}}\n{steps}"
    return write_recipe(folder, text)


def test_a_dataset_of_pairs_accounts_for_every_row(corpus: Path, tmp_path: Path) -> None:
    done = run(pair_recipe(tmp_path, corpus), tmp_path / "out")["ingest"]
    dataset = Dataset.open(tmp_path / "out" / "ingest", verify=True)
    assert dataset.manifest.schema == "pair-1"
    assert [(row["src"], row["tgt"]) for batch in dataset.batches() for row in batch.to_pylist()] == PAIRS
    (tally,) = dataset.manifest.tallies
    assert (tally.rows_in, tally.rows_out) == (len(PAIRS) + 2, len(PAIRS))
    assert tally.removed == {"eng_Latn-deu_Latn": {"empty_src": 1, "empty_tgt": 1}}
    assert dataset.manifest.languages == {"eng_Latn-deu_Latn": len(PAIRS)}
    assert dataset.manifest.sources == {"mills": len(PAIRS)}
    assert not done.skipped
    assert run(pair_recipe(tmp_path, corpus), tmp_path / "out")["ingest"].skipped
    (corpus / "c.de").write_text((corpus / "c.de").read_text("utf-8").replace("Räder", "Rader"), "utf-8")
    with pytest.raises(UserError, match="already holds a dataset"):  # the second file of two counts as well
        run(pair_recipe(tmp_path, corpus), tmp_path / "out")


def test_documents_with_columns_of_pairs_are_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "src_lang": 1, "tgt_lang": 2}\n')
    recipe = write_recipe(tmp_path, f"name: documents\nsteps:\n  - {{step: ingest, files: {path}}}\n")
    assert run(recipe, tmp_path / "out")["ingest"].dataset.manifest.languages == {}


def test_neither_tasks_nor_workers_change_the_rows(corpus: Path, tmp_path: Path) -> None:
    def rows(name: str, options: str, workers: int = 1) -> list[dict[str, object]]:
        recipe = pair_recipe(tmp_path / name, corpus, options=options)
        run(recipe, tmp_path / name / "out", workers=workers)
        dataset = Dataset.open(tmp_path / name / "out" / "ingest")
        return [row for batch in dataset.batches() for row in batch.to_pylist()]

    whole = rows("whole", "")
    assert rows("cut", ", task_bytes: 2000") == whole
    rows("again", "")
    assert digests(tmp_path / "again" / "out") == digests(tmp_path / "whole" / "out")


def test_the_command_line(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sides = ["--src-column", "en", "--tgt-column", "de", "--src-lang", "eng_Latn", "--tgt-lang", "deu_Latn"]
    out = tmp_path / "out"
    code, _, error = call("ingest", corpus, "--kind", "pairs", *sides, "--output", out, "--quiet", capsys=capsys)
    assert code == 0, error
    code, shown, _ = call("inspect", out, "--rows", "2", capsys=capsys)
    assert code == 0
    assert f"{len(PAIRS)} rows" in shown
    assert "schema pair-1" in shown
    assert "eng_Latn-deu_Latn" in shown
    assert "The mill has 1 wheels." in shown
    assert "Die Mühle hat 1 Räder." in shown
    code, shown, _ = call("identify", out, "--output", tmp_path / "lid", capsys=capsys)
    assert code == 0
    assert f"sides whose language was known: {2 * len(PAIRS)}" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--src-lang", "eng_Latn"], "--src-lang is an option of --kind pairs"),
        (["--kind", "pairs", "--text-column", "text"], "--text-column is an option of --kind documents"),
        (["--kind", "pairs", "--src-lang", "engl"], "'engl' is no language: no language is known by this code"),
        (["--kind", "pairs", "--src-column", "x", "--tgt-column", "x"], "both sides of a pair"),
        (["--kind", "pairs", "--format", "warc"], "cannot be read from --format warc"),
        (["--format", "tsv"], "--kind documents cannot be read from --format tsv"),
        (["--kind", "pairs"], "no column 'src'"),
    ],
)
def test_mistaken_options_are_named(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tsv").write_text("en\tde\na\tb\n")
    code, _, error = call("ingest", tmp_path / "a.tsv", *arguments, "--output", tmp_path / "out", capsys=capsys)
    assert code == 1
    assert message in error
    assert "remedy:" in error
