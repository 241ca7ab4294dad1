"""docs/labels.md is true: its commands run one after the other, and no label is stale."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.house.pages import blocks
from tests.rows import rows_of
from xlcorpus.cli.main import main
from xlcorpus.dataset.dataset import Dataset

pytestmark = pytest.mark.slow  # eight commands

NER = "Kofi B-PER\nlikes O\nthe O\nold O\nhouse O\nin O\nNew B-LOC\nYork I-LOC\n. O\n"
PAIRS = [
    (["Kofi", "likes", "New", "York"], ["B-PER", "O", "B-LOC", "I-LOC"], "Kofi mag New York"),
    (["New", "York", "likes", "Kofi"], ["B-LOC", "I-LOC", "O", "B-PER"], "New York mag Kofi"),
    (["Kofi", "sees", "York"], ["B-PER", "O", "B-LOC"], "Kofi sieht York"),
]


def dataset(folder: str) -> Dataset:
    return Dataset.open(Path(folder))


def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ner.conll").write_text(NER, encoding="utf-8")
    Path("en-de.tsv").write_text("en\tde\nlikes\tmag gern\nhouse\tHaus\nold\talte\n", encoding="utf-8")
    rows = [
        {"src_tokens": words, "src_tags": tags, "tgt": text, "src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
        for words, tags, text in PAIRS * 20
    ]
    Path("pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ((_, commands),) = blocks("labels.md", "bash")
    for line in commands.splitlines():
        with pytest.raises(SystemExit) as end:
            main(shlex.split(line)[1:])
        assert end.value.code == 0, line
    (switched,) = rows_of(dataset("out/switched"))
    assert switched["tokens"] == ["Kofi", "mag", "gern", "the", "alte", "Haus", "in", "New", "York", "."]
    assert switched["tags"] == ["B-PER", "O", "O", "O", "O", "O", "O", "B-LOC", "I-LOC", "O"]
    for row in rows_of(dataset("out/projected")):
        wanted = next(tags for words, tags, text in PAIRS if text == row["tgt"])
        assert (row["tgt_tokens"], row["tgt_tags"]) == (row["tgt"].split(), wanted)
    for row in rows_of(dataset("out/mixed")):
        assert row["tokens"] == row["cs_source"].split()
        assert len(row["tokens"]) == len(row["tags"])
    assert json.loads(Path("out/target/labels.json").read_text("utf-8"))["B-LOC"] == 1
    notes = dataset("out/projected").manifest.notes["labels"]["deu_Latn"]["tgt_tags"]
    assert notes == {"LOC": {"spans": 60, "lost": 0}, "PER": {"spans": 60, "lost": 0}}
