"""What a refused run leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.rows import documents, rows_of, write_dataset
from tests.running import RECIPE, called, edit_manifest, run, write_recipe
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


BEGIN = "steps:\n  - {step: ingest, files: '${sample}/code', keep: true}\n"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[pack: {tokenizer: /none.model}]", "there is no tokenizer /none.model"),
        ("[pack: {tokenizer: bytes, view: tlm}]", "view tlm"),
        ("[pack: {tokenizer: bytes, template: chat}]", "no chat template"),
        ("[identify: {}, filter: {thresholds: /none.yaml}]", "/none.yaml"),
        ("[mix: {mix: /none.yaml, keep: true}, pack: {tokenizer: bytes}]", "/none.yaml"),
        ("[codeswitch: {dictionary: /none.tsv}, pack: {tokenizer: bytes, view: restore}]", "/none.tsv"),
    ],
)
def test_what_a_later_pass_cannot_do_is_refused_before_the_first_one_runs(
    tmp_path: Path, steps: str, message: str
) -> None:
    """Also by --plan; nothing is written."""
    named = [{"step": name, **options} for one in yaml.safe_load(steps) for name, options in one.items()]
    recipe = write_recipe(tmp_path, BEGIN + "".join(f"  - {json.dumps(step)}\n" for step in named))
    with pytest.raises(UserError, match=message):
        run(recipe, tmp_path / "out")
    planned = called("run", recipe, "--output", tmp_path / "out", "--plan")
    assert planned.returncode != 0
    assert message in planned.stderr
    assert not (tmp_path / "out").exists()


def test_a_pass_may_name_what_an_earlier_one_makes(tmp_path: Path) -> None:
    """Numbers of languages of the first packs, which are not there when the run begins."""
    made = tmp_path / "out" / "first"
    packs = [
        f"  - {{step: pack, id: {name}, input: ingest, tokenizer: bytes, pure: true{more}}}\n"
        for name, more in (("first", ""), ("second", f", language_ids: {made}"))
    ]
    texts = write_dataset(tmp_path / "texts", [documents(["habari", "नमस्ते"], ["swh_Latn", "hin_Deva"])])
    steps = "".join(packs).replace("input: ingest", f"input: {texts.folder}")
    found = run(write_recipe(tmp_path, "steps:\n" + steps), tmp_path / "out")
    assert rows_of(found["second"].dataset, ["lang_id"]) == rows_of(found["first"].dataset, ["lang_id"])
