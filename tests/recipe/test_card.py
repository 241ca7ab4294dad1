"""The dataset card: `datasets.load_dataset` opens every folder that a step makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recipe.test_partitions import plant
from tests.recipe.test_whose_files import ingest
from tests.running import RECIPE, run, run_nodes, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.recipe.single import nodes_of_step


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`load_dataset` of a folder, without network and with a cache of its own."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    datasets.disable_progress_bars()
    return lambda folder, name=None: datasets.load_dataset(
        str(folder), name, split="train", cache_dir=str(tmp_path / "hf" / "cache")
    )


def front(folder: Path) -> dict[str, str]:
    _, head, _ = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    return {one["config_name"]: one["data_files"] for one in yaml.safe_load(head)["configs"]}


def test_rows_decisions_and_rejects_are_configurations(tmp_path: Path, load: Any) -> None:
    (tmp_path / "raw").mkdir()
    lines = ['{"text": "དཀར་པོ་"}', '{"text": ""}', '{"text": 5}', '{"text": "ߒߞߏ"}']
    (tmp_path / "raw" / "a.jsonl").write_text("\n".join(lines), "utf-8")
    made = ingest(tmp_path / "raw", tmp_path / "out", max_error_rate=1.0).dataset
    assert front(made.folder) == {
        "default": "data/*.parquet",
        "decisions": "decisions/*.parquet",
        "rejects": "rejects/*.parquet",
    }
    assert set(load(made.folder)["text"]) == {"དཀར་པོ་", "ߒߞߏ"}
    assert load(made.folder, "decisions")["reason"] == ["empty_text"]
    assert len(load(made.folder, "rejects")) == 1
    assert Dataset.open(made.folder, verify=True)
    assert "README.md" in made.manifest.files()


def test_each_partition_is_a_configuration(tmp_path: Path, load: Any) -> None:
    values = ["swh_Latn", "tha_Thai", None, "a/b", "default", "ውሂብ"]
    made = ingest(plant(tmp_path / "raw", values), tmp_path / "out", partition_by="k").dataset
    assert front(made.folder) == {
        "default": "data/*/*.parquet",
        "swh_Latn": "data/k=swh_Latn/*.parquet",
        "tha_Thai": "data/k=tha_Thai/*.parquet",
        "__HIVE_DEFAULT_PARTITION__": "data/k=__HIVE_DEFAULT_PARTITION__/*.parquet",
    }
    assert len(load(made.folder)) == 18
    assert len(load(made.folder, "swh_Latn")) == 3


def test_every_step_of_a_recipe_leaves_a_card(tmp_path: Path, load: Any) -> None:
    made = run(write_recipe(tmp_path, RECIPE), tmp_path / "out")
    pack = nodes_of_step("pack", [str(made["mix"].dataset.folder)], {"tokenizer": _model(), "length": 128}, "test")
    made |= run_nodes(pack, tmp_path / "out")
    for name, done in made.items():
        assert len(load(done.dataset.folder)) == done.dataset.manifest.rows, name


def _model() -> str:
    from xlcorpus.sample import sample_folder

    return str(sample_folder() / "tokenizer.model")


def test_a_card_tells_no_time_and_no_place(tmp_path: Path) -> None:
    raw = plant(tmp_path / "raw", ["a|b", "c"])
    one, other = (ingest(raw, tmp_path / name).dataset.folder for name in ("one", "other"))
    card = (one / "README.md").read_text("utf-8")
    assert card == (other / "README.md").read_text("utf-8")
    assert str(tmp_path) not in card
    assert "| text | string | " in card
    assert json.dumps("default") in card


def test_a_card_that_was_changed_or_is_gone_is_found_by_verify(tmp_path: Path) -> None:
    made = ingest(plant(tmp_path / "raw", ["a"]), tmp_path / "out").dataset
    (made.folder / "README.md").write_text("mine")
    with pytest.raises(Exception, match=r"README\.md was changed after it was written"):
        Dataset.open(made.folder, verify=True)
    (made.folder / "README.md").unlink()
    with pytest.raises(Exception, match=r"README\.md is missing"):
        Dataset.open(made.folder, verify=True)
    assert Dataset.open(made.folder).manifest.rows == 3  # the rows are whole without it
