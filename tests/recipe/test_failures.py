"""What a failed run leaves behind: progress after a failure of the runner, nothing after a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import RECIPE, digests, edit_manifest, run, write_recipe
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.errors import IntegrityError, RunnerError, UserError


def test_a_runner_that_fails_loses_no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = write_recipe(tmp_path)
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
        patch.setattr("xlcorpus.beam.workspace.Workspace.clean_up", lambda self, named: None)
        run(recipe, tmp_path / "out", resume=True)
    assert {path: path.stat().st_mtime_ns for path in signed} == times  # not signed again
    run(recipe, tmp_path / "fresh")
    finished = {name: digest for name, digest in digests(tmp_path / "out").items() if "/_work/" not in name}
    assert finished == digests(tmp_path / "fresh")


def test_a_refused_budget_leaves_nothing(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, RECIPE.replace("max_epochs: 2}", "max_epochs: 2, budget: 9M}"))
    with pytest.raises(UserError, match=r"needs more than there is:(.|\n)*the cap allows(.|\n)*--max-epochs 2770.94"):
        run(recipe, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dedup", "filter"]


def test_a_dataset_of_another_schema_version_is_refused(tmp_path: Path) -> None:
    run(write_recipe(tmp_path, "steps: [{step: ingest, files: '${sample}/code'}]"), tmp_path / "old")
    edit_manifest(tmp_path / "old" / "ingest", lambda content: {**content, "schema": "document-2"})
    recipe = write_recipe(tmp_path, f"steps: [{{step: mix, input: {tmp_path / 'old' / 'ingest'}, rule: proportional}}]")
    with pytest.raises(IntegrityError, match="ingest was made with the schema document-2, which this version"):
        run(recipe, tmp_path / "new")
    assert not (tmp_path / "new" / "mix").exists()
