"""Built files are the same bytes whatever the order, and the commands that make and show them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.lexicon.lexicon_files import write
from xlcorpus.cli.lexicon import command
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import StorageError, UserError
from xlcorpus.lexicon.contents import sizes_of, translations
from xlcorpus.lexicon.dictionaries import fingerprint_of_dictionaries, read_entries, write_lexicon
from xlcorpus.lexicon.dictionary_file import is_lexicon
from xlcorpus.lexicon.index import Direction


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [
        write(tmp_path, "en-de.tsv", "en\tde\tpos\ndog\tHund\tn\nice cream\tEis\tn\nhotel\tHotel\tn\nice\tEis\tn\n"),
        write(tmp_path, "en-hi.txt", "dog कुत्ता 0.9\ndog श्वान 0.4\nwater पानी\n"),
        write(
            tmp_path, "more.csv", "src_lang,src,tgt_lang,tgt,score\neng_Latn,dog,deu_Latn,Hund,5\nen,dog,de,Köter,1\n"
        ),
    ]


def run(*arguments: Any) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_same_bytes_whatever_the_order(files: list[Path], tmp_path: Path) -> None:
    contents = set()
    for number, order in enumerate(itertools.permutations(files)):
        run("build", *order, "--output", tmp_path / f"{number}.parquet")
        contents.add((tmp_path / f"{number}.parquet").read_bytes())
    for number, path in enumerate(files):
        run("build", path, "--output", tmp_path / f"part{number}.parquet")
    parts = [tmp_path / f"part{number}.parquet" for number in range(3)]
    run("merge", *parts[::-1], parts[0], "--output", tmp_path / "merged.parquet")
    contents.add((tmp_path / "merged.parquet").read_bytes())
    run("build", tmp_path / "merged.parquet", "--output", tmp_path / "again.parquet")
    contents.add((tmp_path / "again.parquet").read_bytes())
    assert len(contents) == 1
    assert fingerprint_of_dictionaries(files) == fingerprint_of_dictionaries(files[::-1])
    schema = pq.read_schema(tmp_path / "again.parquet")
    load_schema("lexicon", 2).check(schema, "again.parquet")
    assert is_lexicon(tmp_path / "again.parquet")
    assert not list(tmp_path.glob(".*.tmp"))


def test_built_and_raw_files_answer_alike(files: list[Path], tmp_path: Path) -> None:
    run("build", *files, "-o", tmp_path / "all.parquet")
    raw, built = read_entries(files).table, read_entries([tmp_path / "all.parquet"]).table
    assert sizes_of(raw) == sizes_of(built)
    pairs = [size.direction for size in sizes_of(raw)]
    for word in ("dog", "ice", "water"):
        assert translations(raw, word, pairs) == translations(built, word, pairs)
    assert [one.text for one in translations(built, "dog", [Direction("eng_Latn", "deu_Latn")])] == ["Hund", "Köter"]
    hindi = read_entries([tmp_path / "all.parquet"], tgt="hin_Deva").table
    assert [size.direction for size in sizes_of(hindi)] == [Direction("eng_Latn", "hin_Deva")]


def test_inverting(files: list[Path], tmp_path: Path) -> None:
    run("build", *files, "-o", tmp_path / "all.parquet")
    run("invert", tmp_path / "all.parquet", "-o", tmp_path / "turned.parquet")
    run("invert", tmp_path / "turned.parquet", "-o", tmp_path / "back.parquet")
    assert (tmp_path / "back.parquet").read_bytes() == (tmp_path / "all.parquet").read_bytes()
    turned, german = read_entries([tmp_path / "turned.parquet"]).table, Direction("deu_Latn", "eng_Latn")
    found = [[one.text for one in translations(turned, word, [german])] for word in ("eis", "hund")]
    assert found == [["ice", "ice cream"], ["dog"]]
    assert [size.phrases for size in sizes_of(turned) if size.direction == german] == [0]


def test_what_the_commands_say(files: list[Path], tmp_path: Path) -> None:
    output = run("build", *files, "-o", tmp_path / "all.parquet", "--plan")
    assert "9 rows read, 7 entries" in output
    assert "1 the same word on both sides (identical)" in output
    assert "1 in more than one place (repeated)" in output
    assert "not read: column pos of 4 rows" in output
    assert "nothing is written" in output
    assert not (tmp_path / "all.parquet").exists()
    output = run("build", *files, "-o", tmp_path / "all.parquet", "--max-candidates", 1, "--min-score", 0.5)
    assert "2 beyond the limits (limited)" in output
    run("build", *files, "-o", tmp_path / "all.parquet")
    output = run("inspect", tmp_path / "all.parquet")
    assert [line.split() for line in output.splitlines()[1:3]] == [
        ["eng_Latn", "deu_Latn", "2", "3", "1.50", "1"],
        ["eng_Latn", "hin_Deva", "2", "3", "1.50", "0"],
    ]
    assert "deu_Latn" not in run("inspect", tmp_path / "all.parquet", "--lang", "hin_Deva")
    assert "1 more language pairs" in run("inspect", tmp_path / "all.parquet", "--limit", 1)
    output = run("inspect", files[1], "--word", "DOG")
    assert output.splitlines()[1].split() == ["eng_Latn", "hin_Deva", "1", "कुत्ता", "0.9", "en-hi"]


def test_refusals(files: list[Path], tmp_path: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(command, ["inspect", str(files[0]), "--word", "xylophone"])
    assert isinstance(result.exception, UserError)
    assert "no stemming" in str(result.exception)
    result = runner.invoke(command, ["inspect", str(files[0]), "--lang", "deu_Latm"])
    assert "did you mean 'deu_Latn'" in str(result.exception)
    result = runner.invoke(command, ["build", str(files[1]), "-o", str(tmp_path / "x.parquet"), "--min-score", "nan"])
    assert isinstance(result.exception, UserError)
    before = files[1].read_bytes()
    for arguments in (["build", str(files[0])], ["merge", str(files[0])], ["invert", str(files[0])]):
        result = runner.invoke(command, [*arguments, "-o", str(files[1])])
        assert "ends in .parquet" in str(result.exception)
    assert files[1].read_bytes() == before
    table = read_entries(files).table
    write(tmp_path, "file", "")
    with pytest.raises(StorageError, match="cannot be written"):
        write_lexicon(table, tmp_path / "file" / "x.parquet")


@pytest.mark.parametrize("name", ["build", "merge", "invert", "inspect"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    assert f"xlcorpus lexicon {name}" in run(name, "--help").split("Example:")[1]
