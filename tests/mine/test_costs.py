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
from tests.rows import documents, write_dataset
from tests.running import called
from xlcorpus.errors import UserError
from xlcorpus.mine import served
from xlcorpus.mine.calls import Spent
from xlcorpus.mine.costs import Cost, rough_tokens, spent_lines, sum_lines, texts_in
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


def test_what_was_asked() -> None:
    assert spent_lines([]) == []
    one, other = Spent(10, 4, 2000, 300, 900, 100), Spent(5, 5, 10, 5, 10, 5)
    assert spent_lines([("words", one, (1000.0, 10_000.0)), ("pairs", other, None)]) == [
        "language model  calls  known  asked  tokens in  tokens out  price",
        "words              10      6      4        900         100   1.90",
        "pairs               5      0      5         10           5   0.00",
        "all                15      6      9        910         105   1.90",
    ]
    assert len(spent_lines([("words", one, None)])) == 2
    assert sum_lines([(Cost(1000, 5, 6), AskOptions(llm="a:b")), (Cost(1, 2, 3), AskOptions(llm="c:d"))]) == [
        "together: about 1,001 calls, 7 tokens in and 9 out"
    ]


def test_tokens_without_a_tokenizer() -> None:
    found = rough_tokens(pa.array(["", "abcdefgh", "নদী", *TEXTS.values()])).tolist()
    assert found[:3] == [0.0, 2.0, 4.5]
    assert all(0 < one < 90 for one in found[3:])


def test_the_texts_in_are_those_that_are_mined(tmp_path: Path) -> None:
    """A label without its script is of the language, as where words are counted."""
    langs = ["swh_Latn", "tha_Thai", "swh", None]
    texts = ["Habari ya asubuhi.", "สวัสดีตอนเช้า", "Asante sana.", "?"]
    dataset = write_dataset(tmp_path / "documents", [documents(texts, langs)])
    found, share = texts_in([dataset], "swh_Latn")
    assert (found.to_pylist(), share) == (["Habari ya asubuhi.", "Asante sana."], 1.0)


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
    # Of 6 calls, of 7 tokens in and 2 out each, 3 had come before the server died.
    assert re.search(r"^mine-pairs +6 +3 +3 +21 +6 +21\.00$", done.stdout, re.MULTILINE), done.stdout
    written = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert {one.name for one in written} >= {"manifest.json", "calls.parquet", "README.md"}
    assert not [one for one in written if KEY[:6].encode() in one.read_bytes()]
    assert not [one for one in (planned, failed, done) if KEY[:6] in _said(one)]


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr
