"""The commands of docs/mining.md run, on the sample corpus, with a model that knows a small dictionary."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.house.pages import blocks
from tests.ingest.ingest_helpers import jsonl
from tests.mine.fakes import WordByWord, put_model
from tests.mine.test_mine_recipe import some_documents, swahili_words
from tests.rows import pairs, rows_of, write_dataset
from tests.running import called
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.sample import sample_folder


@pytest.mark.slow
def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_model(monkeypatch, WordByWord(swahili_words()))
    sample = sample_folder()
    shutil.copy(sample / "tokenizer.model", "t.model")
    shutil.copy(sample / "dictionary" / "eng.csv", "eng.csv")
    lines = Path("eng.csv").read_text("utf-8").splitlines()
    swahili = [lines[0], *(line for line in lines if "swh_Latn" in line)]
    Path("en-sw.csv").write_text("\n".join(swahili), encoding="utf-8")
    rows = [
        ("कुत्ता बगीचे में सो रहा है।", "The dog sleeps in the garden."),
        ("Собака спит в саду.", "The dog sleeps there."),
    ]
    write_dataset(Path("out/others"), [pairs(rows, ["hin_Deva", "rus_Cyrl"], "eng_Latn")], "pair")
    jsonl(tmp_path / "web.jsonl", *some_documents())
    done = called("ingest", "web.jsonl", "--lang-column", "lang", "--output", "out/documents", "--quiet")
    assert done.returncode == 0, done.stderr
    for _, code in blocks("mining.md", "bash"):
        for line in code.splitlines():
            words = [word.replace("$LLM", "fake:x") for word in shlex.split(line, comments=True)]
            more = [] if words[1] in ("inspect", "prompts") else ["--quiet"]
            done = called(*words[1:], *more)
            assert done.returncode == 0, (line, done.stderr)
    assert Dataset.open(Path("out/pairs"), verify=True).manifest.rows > 20
    assert Dataset.open(Path("out/candidates")).manifest.notes["rounds"][1]["passed"] > 20
    assert rows_of(Path("out/mined/pairs"))[0]["kind"] == "mined"
    exemplars = Dataset.open(Path("out/from-yoruba")).manifest.notes["exemplars"]
    assert {one["lang"] for one in exemplars} == {"hin_Deva", "rus_Cyrl"}
    yoruba = rows_of(Path("out/into-yoruba"))
    assert {row["src_lang"] for row in yoruba} == {"yor_Latn"}
    notes = Dataset.open(Path("out/swahili-into-yoruba")).manifest.notes
    assert {one["lang"] for one in notes["exemplars"]} == {"eng_Latn"}
    assert {(row["src_lang"], row["tgt_lang"]) for row in rows_of(Path("out/swahili-into-yoruba"))} == {
        ("yor_Latn", "swh_Latn")
    }
    assert len(Path("ft/pairs.jsonl").read_text("utf-8").splitlines()) == len(rows_of(Path("out/pairs")))
    assert {row["kind"] for row in rows_of(Path("out/mix"), ["kind"])} == {"mono", "mined", "cs"}
    assert Dataset.open(Path("out/tlm")).manifest.rows > 0
