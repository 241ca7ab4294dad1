"""What a refused run leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import RECIPE, edit_manifest, run, write_recipe
from xlcorpus.errors import IntegrityError, UserError


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
