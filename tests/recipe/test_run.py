"""Runs: the same bytes whatever the runner, workers and file order; resume; conservation; refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import rows_of
from tests.running import RECIPE, called, command, digests, edit_manifest, killed_after, run, write_recipe
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.shards import PlainFile
from xlcorpus.dataset.workspace import RunState, Workspace
from xlcorpus.errors import ConservationError, RunnerError, UserError
from xlcorpus.sample import sample_folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def reference(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run on one worker: what all others must equal, byte for byte."""
    output = tmp_path_factory.mktemp("reference")
    run(recipe, output)
    return output


@pytest.mark.parametrize(
    "how",
    [{"runner": "portable"}, pytest.param({"workers": 2}, marks=pytest.mark.process)],
    ids=["portable runner", "two processes"],
)
def test_same_bytes_on_every_runner(
    recipe: Path, reference: Path, tmp_path: Path, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)  # worker processes for this little, too
    run(recipe, tmp_path, **how)
    assert digests(tmp_path) == digests(reference)


def test_same_bytes_in_any_order_of_the_input(reference: Path, tmp_path: Path) -> None:
    files = sorted(str(path) for path in (sample_folder() / "web").iterdir())
    for number, order in enumerate([files, files[::-1], files[3:] + files[:3]]):
        text = RECIPE.replace('files: "${files}"', f"files: {json.dumps(order)}")
        run(write_recipe(tmp_path, text), tmp_path / str(number), quiet=True)
    assert digests(tmp_path / "0") == digests(tmp_path / "1") == digests(tmp_path / "2")
    shards = {name: digest for name, digest in digests(reference).items() if name.endswith(".parquet")}
    assert {name: digest for name, digest in digests(tmp_path / "0").items() if name.endswith(".parquet")} == shards


def test_steps_one_by_one_give_the_rows_of_the_fused_pass(reference: Path, tmp_path: Path) -> None:
    text = RECIPE.replace("{step: identify}", "{step: identify, keep: true}").replace(
        "task_bytes: 60000}", "task_bytes: 60000, keep: true}"
    )
    run(write_recipe(tmp_path, text), tmp_path / "out")
    fused, stepwise = digests(reference / "filter" / "data"), digests(tmp_path / "out" / "filter" / "data")
    assert fused == stepwise


def test_a_second_run_does_nothing(recipe: Path, reference: Path) -> None:
    before = digests(reference)
    finished = run(recipe, reference)
    assert all(done.skipped for done in finished.values())
    assert digests(reference) == before


def test_a_changed_threshold_redoes_only_what_follows(recipe: Path, reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path / "out")
    with pytest.raises(UserError, match="other options"):
        run(recipe, tmp_path / "out", settings=["dedup.threshold=0.95"])
    finished = run(recipe, tmp_path / "out", settings=["dedup.threshold=0.95"], resume=True, stale_is_error=False)
    assert {name: done.skipped for name, done in finished.items()} == {"filter": True, "dedup": False, "mix": False}
    fresh = run(recipe, tmp_path / "fresh", settings=["dedup.threshold=0.95"])
    assert digests(tmp_path / "out") == digests(tmp_path / "fresh")
    assert fresh["dedup"].dataset.manifest.rows > Dataset.open(reference / "dedup").manifest.rows


def test_a_run_killed_before_it_said_what_it_makes_is_no_obstacle(tmp_path: Path) -> None:
    """Its folder has the temporary of run.json, or not even that; a file of others beside it is one."""
    recipe = write_recipe(tmp_path)
    for number, names in enumerate(([], [".run.json.0123abcd.tmp"], [".run.json.0123abcd.tmp", "notes.txt"])):
        work = tmp_path / str(number) / "filter" / "_work"
        work.mkdir(parents=True)
        for name in names:
            (work / name).write_text("{", encoding="utf-8")
        if "notes.txt" not in names:
            assert not run(recipe, tmp_path / str(number))["filter"].skipped
            continue
        with pytest.raises(UserError, match="xlcorpus did not write"):
            run(recipe, tmp_path / str(number))
        assert sorted(path.name for path in work.iterdir()) == sorted(names)


def test_an_unfinished_run_is_neither_a_dataset_nor_overwritten_by_chance(
    recipe: Path, reference: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(reference, output)
    (output / "dedup" / "manifest.json").unlink()
    Workspace(output / "dedup").begin(RunState("of something else"))
    with pytest.raises(UserError, match="unfinished run"):
        run(recipe, output)
    with pytest.raises(UserError, match="cannot be resumed"):
        run(recipe, output, resume=True)
    run(recipe, output, resume=True, stale_is_error=False)
    assert digests(output) == digests(reference)


def test_resume_redoes_a_task_whose_shard_was_damaged(
    recipe: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"

    def stop(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("xlcorpus.recipe.run._manifest", stop)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, output)
    shard = next((output / "filter" / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    run(recipe, output, resume=True)
    assert digests(output) == digests(reference)


def test_a_runner_that_fails_loses_no_progress(
    recipe: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = RunnerChoice.pipeline

    def fails_at_the_match(self: RunnerChoice) -> object:
        if (tmp_path / "out" / "dedup" / "_work" / "sign").exists():
            raise RuntimeError("the cluster is gone\nconnection refused")
        return whole(self)

    with monkeypatch.context() as patch:
        patch.setattr(RunnerChoice, "pipeline", fails_at_the_match)
        with pytest.raises(RunnerError, match="'portable' failed: connection refused"):
            run(recipe, tmp_path / "out", runner="portable")
    signed = list((tmp_path / "out" / "dedup" / "_work" / "sign").glob("*.json"))
    assert signed
    times = {path: path.stat().st_mtime_ns for path in signed}
    with monkeypatch.context() as patch:
        patch.setattr("xlcorpus.dataset.workspace.Workspace.clean_up", lambda self, named: None)
        run(recipe, tmp_path / "out", resume=True)
    assert {path: path.stat().st_mtime_ns for path in signed} == times  # not signed again
    finished = {name: digest for name, digest in digests(tmp_path / "out").items() if "/_work/" not in name}
    assert finished == digests(reference)


@pytest.mark.process
@pytest.mark.parametrize(
    "cut", [pytest.param(0.3, marks=pytest.mark.slow), 0.5, pytest.param(0.7, marks=pytest.mark.slow)]
)
def test_kill_9_and_resume(recipe: Path, reference: Path, tmp_path: Path, cut: float, whole_run: float) -> None:
    output = tmp_path / "out"
    killed_after(cut * whole_run, ["run", recipe, "--output", output, "--quiet"])
    done = called("run", recipe, "--output", output, "--resume", "--quiet")
    assert done.returncode == 0, done.stderr
    assert digests(output) == digests(reference)


@pytest.fixture(scope="module")
def whole_run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that an uncut run takes on this machine, so that the cuts fall inside it."""
    import time

    begun = time.monotonic()
    assert command("run", recipe, "--output", tmp_path_factory.mktemp("whole"), "--quiet").returncode == 0
    return time.monotonic() - begun


class TestConservation:
    """Rows lost on purpose, at every place where it could happen."""

    def test_a_kernel_that_loses_rows(self, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from xlcorpus.pipelines import score

        whole = score.ScoreKernel.apply
        lost = lambda self, batch, loaded: Result(whole(self, batch, loaded).rows.slice(1))  # noqa: E731
        monkeypatch.setattr(score.ScoreKernel, "apply", lost)
        with pytest.raises(ConservationError, match="step 'score' does not account for every row"):
            run(recipe, tmp_path)
        assert not list(tmp_path.rglob("manifest.json"))

    def test_a_shard_with_a_row_less_than_its_manifest_says(
        self, recipe: Path, reference: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "out"
        shutil.copytree(reference, output)
        for name in ("dedup", "mix"):
            shutil.rmtree(output / name)
        (shard, *_) = Dataset.open(output / "filter").manifest.shards
        path = output / "filter" / shard.name
        table = pq.read_table(path)
        pq.write_table(table.slice(1), path)
        whole = asdict(PlainFile.of(output / "filter", shard.name))
        edit_manifest(output / "filter", lambda content: content["shards"][0].update(whole))
        with pytest.raises(UserError, match=rf"{table.num_rows - 1}.*rows"):
            run(recipe, output)

    def test_a_decision_that_was_never_written(
        self, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from xlcorpus.beam import write

        monkeypatch.setattr(write.TaskWriter, "explain", lambda self, decisions, rejects: None)
        with pytest.raises(ConservationError, match="decisions written"):
            run(recipe, tmp_path)

    def test_a_dedup_that_marks_a_row_twice(
        self, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from xlcorpus.dedup import mark

        def loses(batch: pa.RecordBatch, threshold: float, **more: Any) -> Result:
            result = genuine(batch, threshold, **more)
            assert result.decisions is not None
            return replace(result, decisions=result.decisions.slice(1))

        genuine = mark.keep_best_batch
        monkeypatch.setattr(mark, "keep_best_batch", loses)
        with pytest.raises(ConservationError, match="step 'dedup'"):
            run(recipe, tmp_path)

    def test_every_document_has_a_row_or_a_decision(self, reference: Path) -> None:
        ingested = 403
        filtered = Dataset.open(reference / "filter")
        kept = {row for batch in filtered.batches(["doc_id"]) for row in batch.column("doc_id").to_pylist()}
        gone = {row for batch in filtered.decisions() for row in batch.column("doc_id").to_pylist()}
        rejects = sum(shard.rows for shard in filtered.manifest.rejects)
        assert not kept & gone
        assert len(kept) + len(gone) + rejects == ingested
        deduplicated = Dataset.open(reference / "dedup")
        still = {row for batch in deduplicated.batches(["doc_id"]) for row in batch.column("doc_id").to_pylist()}
        dropped = {row for batch in deduplicated.decisions() for row in batch.column("doc_id").to_pylist()}
        assert still | dropped == kept
        assert not still & dropped


def test_too_many_rejects_fail_and_can_be_accepted(tmp_path: Path) -> None:
    files = tmp_path / "in.jsonl"
    files.write_text('{"text": "ጥሩ ጽሑፍ ነው"}\n[1]\n{"text": "another good one"}\n{"no": "text"}\n', encoding="utf-8")
    recipe = write_recipe(tmp_path, f"steps: [{{step: ingest, files: '{files}'}}]")
    with pytest.raises(UserError, match=r"2 of 4 records were rejected .*missing_text 1"):
        run(recipe, tmp_path / "out")
    done = run(recipe, tmp_path / "out", resume=True, max_error_rate=0.5)
    assert done["ingest"].dataset.manifest.rows == 2


def test_a_column_of_lists_is_no_partition(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--partition-by lang_alts: it holds list"):
        run(recipe, tmp_path, partition_by="lang_alts")
    assert not any(tmp_path.iterdir())


def test_partitions_by_language(recipe: Path, reference: Path, tmp_path: Path) -> None:
    import duckdb

    run(recipe, tmp_path, partition_by="lang")
    folders = {path.name for path in (tmp_path / "dedup" / "data").iterdir()}
    assert {"lang=swh_Latn", "lang=tha_Thai"} <= folders
    query = "select lang, count(*) from read_parquet('{}', hive_partitioning=true) group by 1 order by 1"
    partitioned = duckdb.sql(query.format(tmp_path / "dedup/data/*/*.parquet")).fetchall()
    plain = duckdb.sql(query.format(reference / "dedup/data/*.parquet")).fetchall()
    assert partitioned == plain


def _prefixes(dataset: Dataset) -> Iterator[dict[str, int]]:
    units: dict[str, int] = {}
    for shard in dataset.manifest.shards:
        for row in pq.read_table(dataset.folder / shard.name, columns=["mix_class", "mix_units"]).to_pylist():
            units[row["mix_class"]] = units.get(row["mix_class"], 0) + row["mix_units"]
        yield dict(units)


def test_any_prefix_of_the_shards_holds_the_ratios(tmp_path: Path) -> None:
    words = {"eng_Latn": "the river carries small boats", "swh_Latn": "mto unabeba mashua ndogo kila siku"}
    files = tmp_path / "in"
    files.mkdir()
    for lang, text in words.items():
        lines = [json.dumps({"text": f"{text} {i} " * (1 + i * 7 % 5)}) for i in range(2000)]
        (files / f"{lang}.jsonl").write_text("\n".join(lines) + "\n")
    recipe = write_recipe(
        tmp_path,
        f"""
        seed: 11
        steps:
          - {{step: ingest, id: a, files: {files}/eng_Latn.jsonl, source: river}}
          - {{step: ingest, id: b, files: {files}/swh_Latn.jsonl, source: mto}}
          - {{step: mix, input: [a, b], ratios: {{river: 0.3, mto: 0.7}}, shards: 8, budget: 40k}}
        """,
    )
    mixed = run(recipe, tmp_path / "out")["mix"].dataset
    assert len(mixed.manifest.shards) == 8
    for units in _prefixes(mixed):
        share = units["river/mono/none/none"] / sum(units.values())
        assert abs(share - 0.3) < 0.02
    longest = max(row["mix_units"] for row in rows_of(mixed))
    assert abs(sum(units.values()) - 40_000) <= longest  # each of two cells to half of the text that closes it
