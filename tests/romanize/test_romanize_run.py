"""The step as it runs: one pass with its neighbours, the same bytes, notes, and the view of the quickstart corpus."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tests.running import digests, run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError

RECIPE = """
name: small
seed: 5
steps:
  - {step: ingest, files: "${sample}/web", source: web, task_bytes: 60000}
  - {step: identify}
  - {step: romanize, id: latin, keep: true}
  - {step: romanize, id: pairs, view: translico, share: 0.2, floor: 10}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("romanize")
    run(write_recipe(folder, RECIPE), folder / "out")
    return folder


def test_every_document_stays_in_a_pass_with_its_neighbours(made: Path) -> None:
    dataset = Dataset.open(made / "out" / "latin")
    assert [step.step for step in dataset.manifest.steps] == ["ingest", "identify", "romanize"]
    tally = dataset.manifest.tallies[-1]
    assert tally.rows_in == tally.rows_out == 400
    for batch in dataset.batches():
        assert batch.column("text_latn").null_count == 0
        lines, new_lines = (pc.count_substring(batch.column(name), "\n") for name in ("text", "text_latn"))
        assert lines.equals(new_lines)


def test_the_manifest_notes_a_line_in_three_scripts(made: Path) -> None:
    notes = Dataset.open(made / "out" / "latin").manifest.notes
    assert set(notes) == {"letters_left", "table"}
    assert len([line for line in notes["table"] if line.startswith("      ")]) == 3


def test_the_view_pairs_every_text_with_one_line(made: Path) -> None:
    dataset = Dataset.open(made / "out" / "pairs")
    assert dataset.manifest.schema == "translico-1"
    texts = [text for batch in dataset.batches() for text in batch.column("text").to_pylist()]
    latin = [text for batch in dataset.batches() for text in batch.column("text_latn").to_pylist()]
    assert len(texts) == len(latin) == len(set(texts)) == dataset.manifest.rows > 300
    assert all(text and "\n" not in text for text in (*texts, *latin))


@pytest.mark.process
@pytest.mark.parametrize("again", [["latin"], pytest.param(["latin", "pairs"], marks=pytest.mark.slow)])
def test_same_bytes_with_two_workers(
    made: Path, again: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The passes of the view, which take 20 s of CPU, are run so in tests/translico, too."""
    monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)  # worker processes for this little, too
    shutil.copytree(made / "out", tmp_path / "out")
    for one in again:
        shutil.rmtree(tmp_path / "out" / one)
    run(made / "recipe.yaml", tmp_path / "out", workers=2)
    assert digests(tmp_path / "out") == digests(made / "out")


def test_an_unknown_language_is_refused_with_the_nearest(made: Path) -> None:
    recipe = write_recipe(made / "wrong", RECIPE.replace("id: latin,", "id: latin, lcode: russian,"))
    with pytest.raises(UserError, match=r"no language 'russian'.*'rus'"):
        run(recipe, made / "wrong" / "out")


def test_notes_and_counts_are_the_same_whatever_the_batches(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlcorpus.dataset.dataset.BATCH_ROWS", 7)
    run(made / "recipe.yaml", tmp_path)
    for name in ("latin", "pairs"):
        one, two = (Dataset.open(folder / name).manifest for folder in (made / "out", tmp_path))
        assert two.notes == one.notes
        assert [tally.counts for tally in two.tallies] == [tally.counts for tally in one.tallies]
        assert [shard.sha256 for shard in two.shards] == [shard.sha256 for shard in one.shards]
