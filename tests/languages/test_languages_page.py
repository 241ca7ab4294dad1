"""Every command of docs/languages.md runs, on small data of our own, and writes what the page says."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.house.pages import blocks
from tests.rows import write_dataset
from tests.running import each_command
from tests.tokenizer.tokenizer_helpers import documents, rows, train_model

_LANGS = ("eng_Latn", "deu_Latn", "swh_Latn", "rus_Cyrl", "hin_Deva")


@pytest.mark.slow  # induces two dictionaries
def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", [documents(rows(_LANGS, count=12))])
    train_model(tmp_path, "t", _LANGS, vocab_size=450)
    train_model(tmp_path, "other", ("eng_Latn", "deu_Latn"), vocab_size=370)
    (tmp_path / "typology.csv").write_text("code,family,svo\nswh,Bantu,1\neng,IE,1\ndeu,IE,0\nrus,IE,1\nhin,IE,0\n")
    (tmp_path / "words.txt").write_text("river\nреки\n")
    (tmp_path / "en-de.tsv").write_text("en\tde\nriver\tFluss\nhouse\tHaus\nsmall\tkleine\nthe\tder\nboats\tBoote\n")
    ((_, mix),) = blocks("languages.md", "yaml")
    (tmp_path / "chosen.yaml").write_text(mix)
    lines = [line for _, code in blocks("languages.md", "bash") for line in code.splitlines() if line]
    for line, done in zip(lines, each_command([line.split()[1:] for line in lines], cwd=tmp_path), strict=True):
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    table = json.loads((tmp_path / "languages.json").read_text())
    assert [row["lang"] for row in table["languages"]] == sorted(_LANGS)
    assert len(pq.read_table(tmp_path / "languages.pairs.parquet")) == 10
    manifest = json.loads((tmp_path / "near" / "manifest.json").read_text())
    assert len(manifest["notes"]["spec"]["where"]["lang"]) == 3
    assert (tmp_path / "vectors" / "deu_Latn.mapped.vec").is_file()
    control = json.loads((tmp_path / "control" / "manifest.json").read_text())
    assert set(control["tallies"][-1]["languages"]) == {"zxx_Zyyy"}
