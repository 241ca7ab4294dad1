"""What --plan says of calls beside what a run then takes, and a whole run with a server that tells the key."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mine.servers import Reply, completion, prompt_of, serving
from tests.mine.test_mine_pairs import SAID, given
from tests.packed import TEXTS
from tests.running import called
from xlcorpus.errors import UserError
from xlcorpus.mine import served
from xlcorpus.mine.costs import Cost, rough_tokens
from xlcorpus.mine.options import AskOptions

KEY = "sk-Zq81-not-for-anyone-93xT"


def test_a_price() -> None:
    asked = AskOptions(llm="openai:tiny", price="0.15/0.60")
    assert Cost(1000, 2_000_000, 500_000).lines(asked) == [
        "openai:tiny: about 1,000 calls, 2,000,000 tokens in and 500,000 out; what --calls knows is not asked",
        "at --price 0.15/0.60 a million: about 0.60",
    ]
    assert len(Cost(1, 1, 1).lines(AskOptions(llm="openai:tiny"))) == 1
    for wrong in ("0.15", "a/b", "-1/2"):
        with pytest.raises((UserError, ValueError), match="is no price"):
            AskOptions(llm="openai:tiny", price=wrong)


def test_tokens_without_a_tokenizer() -> None:
    found = rough_tokens(pa.array(["", "abcdefgh", "নদী", *TEXTS.values()])).tolist()
    assert found[:3] == [0.0, 2.0, 4.5]
    assert all(0 < one < 90 for one in found[3:])


def test_the_plan_and_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that fails now and then, and shows the key in what it says, of errors and of answers."""
    monkeypatch.setenv("OWN_KEY", KEY)
    monkeypatch.setattr(served, "FIRST_WAIT", 0.001)
    lives, erred = {"answers": 3}, set()

    def tells(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        text = prompt_of(body).splitlines()[-2].partition(": ")[2]
        if text not in erred:
            erred.add(text)
            return Reply(429, f"slow down, {headers['key']}".encode(), {"Retry-After": "0.001"})
        lives["answers"] -= 1
        if lives["answers"] < 0:
            return Reply(500, f"{headers['key']} has expired".encode())
        return completion([f" {SAID[text]} {headers['key']}"])

    with serving(tells) as server:
        command = ["mine-pairs", *given(tmp_path), "--pair", "eng_Latn:deu_Latn", "--llm", "openai:tiny"]
        command += ["--llm-url", server.url, "--llm-key", "OWN_KEY", "--price", "1000000/0", "--retries", "2"]
        command += ["--shots", "2", "--output", tmp_path / "out"]
        planned = called(*map(str, command), "--plan")
        assert planned.returncode == 0, planned.stderr
        assert not server.bodies
        calls, into, out = map(
            int, re.search(r"about (\d+) calls, (\d+) tokens in and (\d+) out", planned.stdout).groups()
        )
        assert calls == 6  # sentences of the documents in German
        assert 6 * 30 < into < 6 * 70
        assert 6 * 5 < out < 6 * 20
        assert re.search(rf"about {into}\.", planned.stdout.replace(",", ""))
        failed = called(*map(str, command))
        assert failed.returncode == 1
        assert "(the key) has expired" in failed.stderr
        lives["answers"] = 100
        done = called(*map(str, command), "--resume")
        assert done.returncode == 0, done.stderr
        assert server.keys == {f"Bearer {KEY}"}
    assert "6 calls, 42 tokens in, 12 out" in done.stdout
    written = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert {one.name for one in written} >= {"manifest.json", "calls.parquet", "README.md"}
    assert not [one for one in written if KEY[:6].encode() in one.read_bytes()]
    assert not [one for one in (planned, failed, done) if KEY[:6] in _said(one)]


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr
