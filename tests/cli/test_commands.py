"""The command line as a user meets it: help, exit codes, errors with a remedy, standard input."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.conftest import Call
from tests.running import RECIPE, called, command, digests, run, write_recipe
from xlcorpus.cli import main as entry
from xlcorpus.dataset.dataset import Dataset


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(entry.cli, ["--help"])
    assert result.exit_code == 0
    for name in ("ingest", "identify", "score", "filter", "dedup", "mix", "run", "recipes", "inspect", "lid"):
        assert f"  {name} " in result.output


@pytest.mark.parametrize("name", ["ingest", "identify", "score", "filter", "dedup", "mix", "run", "inspect"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = CliRunner().invoke(entry.cli, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"xlcorpus {name}" in result.output.split("Example:")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["dedpu", "in", "--output", "out"], 2, "did you mean 'dedup'"),
        (["dedup", "in", "--output", "out", "--treshold", "0.5"], 2, "--threshold"),
        (["dedup", "nowhere", "--output", "out"], 1, "nowhere does not exist"),
        (["identify", "--output", "out"], 2, "INPUT"),
        (["inspect", "nowhere"], 1, "is not a dataset"),
        (["mix", "in", "--output", "out", "--ratios", "a=0.5,b=0.6"], 1, "sum to 1.1, not 1"),
        (["mix", "in", "--output", "out", "--ratios", "a=0.5,a=0.5"], 1, "'a' is given twice"),
        (["mix", "in", "--output", "out", "--ratios", "a=-1,b=2"], 1, "the share of 'a' is -1"),
        (["mix", "in", "--output", "out", "--ratios", "a=nan"], 1, "the share of 'a' is nan"),
        (["mix", "in", "--output", "out", "--ratios", "a=1", "--budget", "lots"], 1, "'lots' is not a size"),
        (["dedup", "in", "--output", "out", "--threshold", "7"], 1, "threshold"),
        (["pack", "in", "--output", "out", "--keep", "a", "--keep", "b"], 1, "--keep is given 2 times"),
        (["dedup", "in", "--output", "out", "--runner", "flnk"], 1, "did you mean 'flink'"),
        (["dedup", "in", "--output", "out", "--", "--direct_running_mode=multi_threading"], 1, "loses rows"),
        (["run", "quikstart"], 1, "did you mean 'quickstart'"),
    ],
)
def test_wrong_use(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended, _, err = call(*arguments)
    assert ended == code
    assert message in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_chain_of_steps_by_hand(corpus: Path, tmp_path: Path, call: Call) -> None:
    assert call("identify", corpus, "--output", tmp_path / "lid", "--quiet")[0] == 0
    assert call("dedup", tmp_path / "lid", "--output", tmp_path / "dedup", "--quiet")[0] == 0
    code, out, _ = call("inspect", tmp_path / "dedup", "--verify")
    assert code == 0
    assert "4 documents" in out
    assert "exact_duplicate" in out
    assert "tha_Thai" in out
    assert "verified" in out


def test_an_absent_language_shows_the_nearest(corpus: Path, tmp_path: Path, call: Call) -> None:
    call("identify", corpus, "--output", tmp_path / "lid", "--quiet")
    code, _, err = call("mix", tmp_path / "lid", "-o", tmp_path / "mix", "--ratios", "hin_Dev=1")
    assert code == 1
    assert "did you mean 'hin_Deva'" in err
    assert not (tmp_path / "mix").exists()


def test_a_budget_beyond_the_data_says_how_many_epochs(corpus: Path, tmp_path: Path, call: Call) -> None:
    call("identify", corpus, "--output", tmp_path / "lid", "--quiet")
    arguments = [
        "mix",
        tmp_path / "lid",
        "-o",
        tmp_path / "mix",
        "--ratios",
        "tha_Thai=0.5,hin_Deva=0.5",
        "--unit",
        "docs",
        "--quiet",
    ]
    code, _, err = call(*arguments, "--budget", "6")
    assert code == 1
    assert "(lang hin_Deva): 3 docs asked, 1 there: 3.00 epochs" in err
    assert "--max-epochs 3" in err
    assert not (tmp_path / "mix").exists()
    code, _, _ = call(*arguments, "--budget", "6", "--max-epochs", "3")
    assert code == 0
    assert Dataset.open(tmp_path / "mix").manifest.rows == 6


def test_plan_says_what_would_run_and_runs_nothing(tmp_path: Path, call: Call) -> None:
    code, out, _ = call("run", write_recipe(tmp_path), "--output", tmp_path / "out", "--plan")
    assert code == 0
    assert "1. ingest + identify + score + filter ->" in out
    assert "MB of raw files; to do, about" in out
    assert "3. mix" in out
    assert not (tmp_path / "out").exists()


def test_plan_after_a_run_says_done(tmp_path: Path, call: Call) -> None:
    recipe = write_recipe(tmp_path, RECIPE.split("  - {step: dedup}")[0])
    run(recipe, tmp_path / "out")
    _, out, _ = call("run", recipe, "--output", tmp_path / "out", "--plan")
    assert "done already" in out


def test_standard_input_and_its_name_do_not_depend_on_the_pipe(corpus: Path, tmp_path: Path) -> None:
    for name, ingest in (("one", command), ("two", called)):
        done = ingest(
            "ingest", "-", "--output", tmp_path / name, "--format", "jsonl", "--quiet", stdin=corpus.read_bytes()
        )
        assert done.returncode == 0, done.stderr
    assert Dataset.open(tmp_path / "one").manifest.rows == 5
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    again = called(
        "ingest", "-", "--output", tmp_path / "one", "--format", "jsonl", "--quiet", stdin=corpus.read_bytes()
    )
    assert "done already" in again.stderr


def test_bad_lines_become_rejects_and_the_run_goes_on(tmp_path: Path, call: Call) -> None:
    lines = [json.dumps({"text": f"dokument numer {number} o pogodzie"}).encode() for number in range(60)]
    lines[5] = b'["an", "array"]'
    lines[17] = b'{"text": "broken \xff\xfe utf-8"}'
    lines[30] = b'{"title": "no text"}'
    with gzip.open(tmp_path / "bad.jsonl.gz", "wb") as file:
        file.write(b"\n".join(lines))
    code, out, _ = call("ingest", tmp_path / "bad.jsonl.gz", "-o", tmp_path / "out", "--quiet")
    assert code == 0
    assert "not_an_object 1" in out
    rejects = Dataset.open(tmp_path / "out").manifest.tallies[0].rejected
    assert rejects == {"not_an_object": 1, "invalid_utf8": 1, "missing_text": 1}


@pytest.mark.parametrize("option", ["--source", "--lang", "--text-column"])
def test_an_argument_that_is_no_utf8_is_named(option: str, corpus: Path, tmp_path: Path, call: Call) -> None:
    code, _, err = call("ingest", corpus, option, "a\udcff", "--output", tmp_path / "o")
    assert (code, "error: the argument 'a\\udcff' is not UTF-8" in err) == (1, True)


def test_an_empty_file_is_an_empty_dataset(tmp_path: Path, call: Call) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert call("ingest", tmp_path / "empty.jsonl", "-o", tmp_path / "a", "--quiet")[0] == 0
    for step, before, after in [("identify", "a", "b"), ("score", "b", "c"), ("filter", "c", "d"), ("dedup", "d", "e")]:
        code, _, err = call(step, tmp_path / before, "-o", tmp_path / after, "--quiet")
        assert code == 0, err
    assert Dataset.open(tmp_path / "e", verify=True).manifest.rows == 0
    arguments = ["identify", tmp_path / "a", "-o", tmp_path / "p", "--quiet", "--partition-by", "lang"]
    assert call(*arguments)[0] == 0


def test_columns_of_the_user_pass_through_every_step(tmp_path: Path, call: Call) -> None:
    names = ["class", "place", "dup_kept", "dup_exact", "dup_similarity", "doc_id_key", "bands", "digest", "units"]
    rows = [
        {"text": f"ein ganz anderer Satz über die Zahl {n} " * 5, **{name: f"{name}-{n}" for name in names}}
        for n in range(20)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    call("dedup", tmp_path / "in.jsonl", "-o", tmp_path / "d", "--threshold", "0.99", "--quiet")
    code, _, err = call("mix", tmp_path / "d", "-o", tmp_path / "m", "--ratios", "in=1", "--quiet")
    assert code == 0, err
    found = [row for batch in Dataset.open(tmp_path / "m").batches() for row in batch.to_pylist()]
    assert len(found) == 20
    expected = {row["text"]: row for row in rows}
    for row in found:
        assert {name: row[name] for name in names} == {name: expected[row["text"]][name] for name in names}


def test_partition_values_stay_inside_the_dataset(tmp_path: Path, call: Call) -> None:
    import duckdb

    values = ["../../../escaped", "a/b", "..", "plain", None, "naïve, 100 %"]
    lines = [json.dumps({"text": f"text number {n}", "shelf": value}) for n, value in enumerate(values)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    output = tmp_path / "deep" / "er" / "out"
    code, _, err = call("ingest", tmp_path / "in.jsonl", "-o", output, "--partition-by", "shelf", "--quiet")
    assert code == 0, err
    assert all(output / "data" in path.resolve().parents for path in tmp_path.rglob("*.parquet"))
    query = f"select shelf from read_parquet('{output}/data/*/*.parquet', hive_partitioning=true) order by text"
    assert [row[0] for row in duckdb.sql(query).fetchall()] == values
    code, _, err = call("ingest", tmp_path / "in.jsonl", "-o", tmp_path / "x", "--partition-by", "shlf")
    assert code == 1
    assert "did you mean 'shelf'" in err


def test_set_takes_the_name_of_a_file_as_a_name(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path, "variables: {in: x}\nsteps: [{step: ingest, files: '${in}'}]")
    code, _, err = call("run", recipe, "--set", f"variables.in={corpus.name}", "-o", "out", "--quiet")
    assert code == 0, err
    assert Dataset.open(tmp_path / "out" / "ingest").manifest.rows == 5


def test_one_standard_input(tmp_path: Path, call: Call) -> None:
    code, _, err = call("ingest", "-", "-", "-o", tmp_path / "a")
    assert code == 1
    assert "given twice" in err


@pytest.mark.parametrize("arguments", [["tokenizer", "train", "x", "-o", "y"], ["lid", "train", "x", "-o", "y.ftz"]])
def test_threads_that_the_system_does_not_start(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    """Trainers in C++ end the process in that case (`terminate called without an active exception`)."""
    start, left = threading.Thread.start, iter(range(5))

    def few(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", few)
    before = threading.active_count()
    code, _, err = call(*arguments, "--threads", "6")
    assert code == 2
    assert "'--threads': 6 threads, of which this system starts 5" in err
    assert threading.active_count() == before
