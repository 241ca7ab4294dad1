"""The same bytes through both exchanges, with any workers and order of inputs; shards; the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import finished, pairs, switched
from tests.mix.mixing import ALL, OPTIONS, assert_meets_the_plan, mixed
from tests.rows import documents, rows_of
from tests.running import called, digests
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.united import holds_json
from xlcorpus.mix import inputs


def assert_same(one: Dataset, other: Dataset, *, parameters: bool) -> None:
    """The same files, and manifests that differ in their parameters (and what follows from them) at most."""
    found = []
    for dataset in (one, other):
        content = digests(dataset.folder)
        manifest = json.loads((dataset.folder / "manifest.json").read_text(encoding="utf-8"))
        if not parameters:
            del content["manifest.json"], manifest["fingerprint"], manifest["checksum"]
            assert manifest["steps"][-1]["parameters"].pop("exchange") in ("files", "runner")
        found.append((content, manifest))
    assert found[0] == found[1]
    assert any(name.startswith("decisions/") for name in found[0][0])


def test_the_runner_moves_the_texts_to_the_same_bytes(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    dataset = mixed(data, tmp_path / "out", ALL, **OPTIONS, exchange="runner")
    assert_same(dataset, through_files, parameters=False)
    assert_meets_the_plan(dataset)


def test_a_shard_that_nothing_comes_for_is_empty_through_the_runner_too(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"ratios": {"tha_Thai": 1.0}, "unit": "docs", "budget": 2, "shards": 8}
    one = mixed(data, tmp_path / "files", **options)
    other = mixed(data, tmp_path / "runner", **options, exchange="runner")
    assert [shard.rows for shard in one.manifest.shards if shard.rows] == [1, 1]
    assert_same(one, other, parameters=False)


@pytest.mark.process
# Through files two workers are compared in tests/recipe/test_run.py too.
@pytest.mark.parametrize("exchange", [pytest.param("files", marks=pytest.mark.slow), "runner"])
def test_two_workers_give_the_same_bytes(
    data: Path, tmp_path: Path, through_files: Dataset, exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    dataset = mixed(data, tmp_path / "out", ALL, **OPTIONS, exchange=exchange, workers=2)
    assert_same(dataset, through_files, parameters=exchange == "files")


def test_the_order_of_the_inputs_does_not_matter(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    dataset = mixed(data, tmp_path / "out", tuple(reversed(ALL)), **OPTIONS)
    ours = [{key: row[key] for key in sorted(row)} for row in rows_of(dataset)]
    assert ours == [{key: row[key] for key in sorted(row)} for row in rows_of(through_files)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2], ["x1", "2"], ["1", "2", '"x1"', '"2"']),
        ([["ቤት"], []], [{"a": 1}, None], ['["ቤት"]', "[]", '{"a":1}', None]),
        ([2**53 + 1, 1], [0.5, None], ["9007199254740993", "1", "0.5", None]),
        ([1, 2], [0.5, None], [1.0, 2.0, 0.5, None]),
        ([{"a": 1}, None], [{"b": "σ"}, None], [{"a": 1, "b": None}, None, {"a": None, "b": "σ"}, None]),
        ([None, None], ["水", "ა"], [None, None, "水", "ა"]),
    ],
)
def test_columns_of_two_types_are_united(tmp_path: Path, one: Any, other: Any, expected: list[Any]) -> None:
    """The values of both, whatever the order and the exchange; JSON text says so and stays so when mixed again."""
    for name, ids, word in (("a", one, "neno"), ("b", other, "λόγος")):
        batch = documents([word] * 2, ["swh_Latn"] * 2, names=[f"{name}0", f"{name}1"], id=pa.array(ids))
        finished(tmp_path / name, batch, 2)
    runs = {
        order: mixed(tmp_path, tmp_path / f"out {number}", order, rule="proportional", unit="docs", exchange=exchange)
        for number, (order, exchange) in enumerate({("a", "b"): "files", ("b", "a"): "runner"}.items())
    }
    for dataset in runs.values():
        found = {row["origin"]["file"]: row["id"] for row in rows_of(dataset)}
        assert [found[name] for name in ("a0", "a1", "b0", "b1")] == expected
    batch = documents(["word"], ["eng_Latn"], names=["c"], id=pa.array(["ቃል"]))
    finished(tmp_path / "c", batch)
    again = mixed(tmp_path, tmp_path / "again", (str(dataset.folder), "c"), rule="proportional", unit="docs")
    json_text = holds_json(dataset.manifest.arrow_schema.field("id"))
    for row in rows_of(again):
        value = row["id"]
        if row["origin"]["file"] == "c":
            assert value == ('"ቃል"' if json_text or not isinstance(expected[2], str) else "ቃል")
        elif json_text or value is None:
            assert value == found[row["origin"]["file"]]


def test_rehydrated_text_is_counted_for_the_number_of_shards(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard is to hold so many bytes of text, copies included."""
    monkeypatch.setattr(inputs, "TARGET_BYTES", 12_000)
    for rule, epochs in (("rehydrate", 1), ("proportional", 3)):
        dataset = mixed(data, tmp_path / rule, rule=rule, unit="docs", max_epochs=epochs)
        whole = sum(len(row["text"].encode()) for row in rows_of(dataset))
        assert len(dataset.manifest.shards) == pytest.approx(whole / 12_000, abs=1)


def test_the_command_line(data: Path, tmp_path: Path) -> None:
    """Flags as a user writes them."""
    inputs = [data / name for name in ALL]
    ratios = ["--ratios", "web=0.6,opus=0.4", "--unit", "chars", "--budget", "9k", "--max-epochs", "3", "--shards", "4"]
    done = called("mix", *inputs, "-o", tmp_path / "mix", *ratios, "--seed", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "web/mono/eng_Latn" in done.stdout
    recipe = mixed(data, tmp_path / "recipe", ALL, **OPTIONS)
    assert digests(tmp_path / "mix") == digests(recipe.folder)
    done = called("mix", *inputs, "-o", tmp_path / "other", "--rule", "unimax", *ratios, "--quiet")
    assert done.returncode == 1
    assert "--ratios and --rule says what the mixture is" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "other").exists()


def test_names_of_ours_in_other_types_are_input_names(tmp_path: Path) -> None:
    texts = ["நதி ஓடுகிறது", "ውሃ ይፈሳል"]
    finished(tmp_path / "one", pairs([(texts[0], "river")], "tam_Taml", "eng_Latn", timestamp=pa.array([2020])))
    finished(tmp_path / "two", pairs([(texts[1], "water")], "amh_Ethi", "eng_Latn", timestamp=pa.array([0.5])))
    mine = {"cs_langs": pa.array(["eng"]), "cs_ratio": pa.array([["x"]])}
    finished(tmp_path / "mine", documents(["ཆུ་བོ"], "bod_Tibt", **mine))
    finished(tmp_path / "switched", switched(["mto river"], ["mto mto"], "swh_Latn"))
    dataset = mixed(tmp_path, tmp_path / "out", ("one", "two", "mine", "switched"), rule="proportional")
    rows = {row["lang"]: row for row in rows_of(dataset)}
    times = {lang: row["input_timestamp"] for lang, row in rows.items()}
    assert times == {"tam_Taml-eng_Latn": 2020.0, "amh_Ethi-eng_Latn": 0.5, "bod_Tibt": None, "swh_Latn": None}
    assert (rows["bod_Tibt"]["input_cs_langs"], rows["bod_Tibt"]["input_cs_ratio"]) == ("eng", ["x"])
    assert (rows["bod_Tibt"]["cs_langs"], rows["swh_Latn"]["cs_langs"]) == (None, ["eng_Latn"])
    assert dataset.manifest.notes["languages"]["eng_Latn"] > 0
