"""Mined pairs as fine-tuning data: what datasets opens, in the columns that trl and LLaMA-Factory document."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pyarrow as pa
import pytest

from tests.rows import pairs, write_dataset
from tests.running import called
from xlcorpus.dataset.schema import load_schema

ROWS = [
    ("The river rises\tearly.", "नदी जल्दी चढ़ती है।"), ('She said: "no".', "उसने कहा: «नहीं»।"), ("Left out.", "यह नहीं।"),
]  # fmt: skip
SHOTS = [{"src": "A far one.", "tgt": "दूर।"}, {"src": "A near one.", "tgt": "पास।"}]


@pytest.fixture
def mined(tmp_path: Path) -> Path:
    shots = {field.name: field.type for field in load_schema("pair").also}["shots"]
    batch = pairs(
        ROWS,
        "eng_Latn",
        "hin_Deva",
        filter_pass=pa.array([True, None, False]),
        shots=pa.array([SHOTS, [], None], shots),
    )
    write_dataset(tmp_path / "mined", [batch], "pair")
    return tmp_path / "mined"


def written(mined: Path, *more: str) -> datasets.Dataset:
    output = mined.parent / "ft" / "pairs.jsonl"
    done = called("prompts", mined, "--output", output, *more)
    assert done.returncode == 0, done.stderr
    assert "2 pairs" in done.stdout
    made = datasets.load_dataset("json", data_files=str(output), split="train", cache_dir=str(mined.parent / "cache"))
    assert len(made) == 2
    return made


def test_trl_prompt_and_completion(mined: Path) -> None:
    made = written(mined)
    assert made.column_names == ["prompt", "completion"]
    assert made[0] == {"prompt": f"English: {ROWS[0][0]}\nHindi:", "completion": f" {ROWS[0][1]}"}
    made = written(mined, "--into", "src", "--shots", "2")
    assert made[0] == {
        "prompt": "Hindi: दूर।\nEnglish: A far one.\n\nHindi: पास।\nEnglish: A near one.\n\n"
        f"Hindi: {ROWS[0][1]}\nEnglish:",
        "completion": f" {ROWS[0][0]}",
    }
    assert written(mined, "--shots", "1")[0]["prompt"].startswith("English: A near one.\nHindi: पास।\n\n")


def test_trl_messages(mined: Path) -> None:
    made = written(mined, "--format", "trl-messages", "--shots", "1")
    assert made[0]["messages"] == [
        {"role": "user", "content": "Translate from English into Hindi.\nA near one."},
        {"role": "assistant", "content": "पास।"},
        {"role": "user", "content": ROWS[0][0]},
        {"role": "assistant", "content": ROWS[0][1]},
    ]
    assert [one["role"] for one in made[1]["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("format", ["trl", "trl-messages"])
def test_trl_tells_its_formats_apart_by_these_columns(mined: Path, format: str) -> None:
    """As trl's `is_conversational` does: a list of mappings with role and content is a conversation."""
    utils = pytest.importorskip("trl.data_utils")
    made = written(mined, "--format", format)
    assert utils.is_conversational(made[0]) is (format == "trl-messages")


def test_llama_factory_with_its_dataset_info(mined: Path) -> None:
    made = written(mined, "--format", "llama-factory")
    assert made[1] == {"instruction": "Translate from English into Hindi.", "input": ROWS[1][0], "output": ROWS[1][1]}
    info = json.loads((mined.parent / "ft" / "dataset_info.json").read_text("utf-8"))
    assert info == {
        "pairs": {
            "file_name": "pairs.jsonl",
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        }
    }
    assert set(info["pairs"]["columns"].values()) == set(made.column_names)
    made = written(mined, "--format", "llama-factory-messages")
    info = json.loads((mined.parent / "ft" / "dataset_info.json").read_text("utf-8"))["pairs"]
    assert info["formatting"] == "sharegpt"
    assert set(made[0]["messages"][0]) == {info["tags"]["role_tag"], info["tags"]["content_tag"]}


def test_what_is_refused(mined: Path) -> None:
    done = called("prompts", mined, "--output", mined.parent / "x.json")
    assert "JSON Lines" in done.stderr
    write_dataset(mined.parent / "plain", [pairs(ROWS, "eng_Latn", "hin_Deva")], "pair")
    done = called("prompts", mined.parent / "plain", "--output", mined.parent / "x.jsonl", "--shots", "1")
    assert "no column 'shots'" in done.stderr
    assert not (mined.parent / "x.jsonl").exists()
