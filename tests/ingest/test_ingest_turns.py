"""Turns of conversations as the text of a row: in both usual forms, in JSON Lines and Parquet, and what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import jsonl, read_all
from xlcorpus.errors import UserError

SHARED = [
    [{"from": "human", "value": "<image>\nምን?"}, {"from": "gpt", "value": "ውሻ"}],
    [{"from": "human", "value": "是什么"}],
]
MESSAGES = [
    [{"role": "user", "content": "wer?"}, {"role": "assistant", "content": "a </s>"}],
    [{"role": "user", "content": [{"type": "text", "text": "क्या"}, {"type": "image"}]}],
    [{"role": "assistant", "content": "x", "tool_calls": [1]}],
]


def read(path: Path, column: str) -> Any:
    return read_all(path, text_column=column)


@pytest.mark.parametrize("parquet", [False, True])
def test_what_is_said_is_the_text_and_turns_stay(tmp_path: Path, parquet: bool) -> None:
    rows = [{"conversations": chat, "n": number} for number, chat in enumerate(SHARED * 40)]
    path = tmp_path / "a.parquet"
    if parquet:
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path = jsonl(tmp_path / "a.jsonl", *rows)  # enough of them for Arrow's parser
    found = read(path, "conversations")
    assert found.texts == ["<image>\nምን?\nውሻ", "是什么"] * 40
    assert [row["conversations"] for row in found.documents] == SHARED * 40
    assert [row["n"] for row in found.documents] == list(range(80))


def test_turns_with_differing_fields_are_json(tmp_path: Path) -> None:
    found = read(jsonl(tmp_path / "a.jsonl", *({"messages": chat} for chat in MESSAGES)), "messages")
    assert found.texts == ["wer?\na </s>", "क्या", "x"]
    assert [json.loads(row["messages"]) for row in found.documents] == MESSAGES


def test_what_is_no_turn_is_rejected_and_what_says_nothing_is_left_out(tmp_path: Path) -> None:
    rows = [*SHARED, [7], 5, [], [{"from": "human", "value": ""}], None, "a text"]
    found = read(jsonl(tmp_path / "a.jsonl", *({"conversations": one} for one in rows)), "conversations")
    assert found.texts == ["<image>\nምን?\nውሻ", "是什么", "a text"]
    assert sorted(row["reason"] for row in found.rejects) == ["missing_text", *["text_not_string"] * 2]
    assert [row["reason"] for row in found.decisions] == ["empty_text"] * 2


def test_a_file_without_texts_names_its_turns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="turns of conversations are in 'messages'"):
        read_all(jsonl(tmp_path / "a.jsonl", *({"messages": chat} for chat in MESSAGES)))
    pq.write_table(pa.table({"tags": [[7]]}), tmp_path / "b.parquet")
    with pytest.raises(UserError, match="is list<element: int64>, not string") as caught:
        read(tmp_path / "b.parquet", "tags")
    assert "one of turns" in str(caught.value.remedy)
