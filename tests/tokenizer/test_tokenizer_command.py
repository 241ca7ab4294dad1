"""`xlcorpus tokenizer`: train, extend and report from the command line, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rows import write_dataset
from tests.running import invoked
from tests.tokenizer.tokenizer_helpers import documents, rows, train_model
from xlcorpus.cli.tokenizer import command
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    for name, languages in (("old", ("eng_Latn", "deu_Latn")), ("new", ("swh_Latn", "kat_Geor"))):
        made = rows(languages)
        write_dataset(folder / name, [documents(made, line=[row[0].split("/")[1] for row in made])])
    return folder


def test_train_extend_and_report(data: Path, tmp_path: Path) -> None:
    trained = invoked(
        command, "train", data / "old", "-o", tmp_path / "t.model", "--vocab-size", 370, "--special", "<2eng_Latn>"
    )
    assert trained.exit_code == 0, trained.output
    assert "for transformers:" in trained.output
    assert open_tokenizer(tmp_path / "t.model").vocab_size == 370

    extended = invoked(
        command,
        "extend",
        tmp_path / "t.model",
        data / "new",
        "--pieces",
        40,
        "-o",
        tmp_path / "x.model",
        "--check",
        data / "old",
    )
    assert extended.exit_code == 0, extended.output
    assert "370 ids as they were, 40 pieces added" in extended.output
    card = json.loads((tmp_path / "x.json").read_text())
    assert set(card["languages"]) == {"eng_Latn", "deu_Latn", "swh_Latn", "kat_Geor"}
    assert card["base"]["fingerprint"] == open_tokenizer(tmp_path / "t.model").fingerprint
    assert card["languages"]["kat_Geor"]["fertility_after"] < card["languages"]["kat_Geor"]["fertility_before"]

    options = ("--plot", tmp_path / "p.svg", "--parallel", "line", "--output", tmp_path / "r.csv")
    report = invoked(command, "report", tmp_path / "x.model", data / "old", data / "new", *options)
    assert report.exit_code == 0, report.output
    assert "parity (parallel)" in report.output
    assert (tmp_path / "p.svg").read_text().count("kat_Geor") == 1
    header, *lines = (tmp_path / "r.csv").read_text().splitlines()
    assert header.startswith('"lang","texts"')
    assert len(lines) == 4
    assert (
        invoked(command, "report", "bytes", data / "old", data / "new", "--parallel", "doc_id").exit_code == 0
    )  # bytes, no text
    by_bytes = invoked(command, "report", "bytes", data / "old", "--output", tmp_path / "r.json")
    assert "parity (bytes)" in by_bytes.output
    assert json.loads((tmp_path / "r.json").read_text())["deu_Latn"]["unknown_share"] == 0


def test_plans_write_nothing(data: Path, tmp_path: Path) -> None:
    trained = invoked(command, "train", data / "old", "-o", tmp_path / "t.model", "--sample-bytes", "5k", "--plan")
    assert trained.exit_code == 0
    assert "nothing is written" in trained.output
    base = train_model(tmp_path, "base", ("eng_Latn",), vocab_size=360)
    before = sorted(tmp_path.iterdir())
    extended = invoked(command, "extend", base, data / "new", "--pieces", 10, "-o", tmp_path / "x.model", "--plan")
    assert "nothing is written" in extended.output
    assert sorted(tmp_path.iterdir()) == before


def test_pieces_of_another_tokenizer(data: Path, tmp_path: Path) -> None:
    base = train_model(tmp_path, "base", ("eng_Latn",), vocab_size=360)
    new = train_model(tmp_path, "new", ("kat_Geor",), vocab_size=380)
    result = invoked(command, "extend", base, "--with", new, "--special", "<2kat_Geor>", "-o", tmp_path / "x.model")
    assert result.exit_code == 0, result.output
    assert "and 1 special tokens added" in result.output
    only_special = invoked(command, "extend", base, "--special", "<a>", "-o", tmp_path / "y.model")
    assert "360 ids as they were, 0 pieces and 1 special tokens added" in only_special.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "old", "-o", "t.spm"], r"does not end with \.model"),
        (["train", "nowhere", "-o", "t.model"], "is not a dataset"),
        (["train", "old", "-o", "t.model", "--sample-bytes", "much"], "--sample-bytes 'much' is not a size"),
        (["train", "old", "-o", "t.model", "--coverage", "0.2"], "--coverage 0.2"),
        (["extend", "bytes", "-o", "t.model"], "there is nothing to add"),
        (["extend", "bytes", "--pieces", "5", "-o", "t.model"], "no text to learn 5 pieces from"),
        (["extend", "bytes", "old", "--pieces", "5", "-o", "t.model"], "no pieces|is a file"),
        (["report", "missing.model", "old"], "there is no tokenizer"),
        (["report", "bytes", "old", "--plot", "p.png"], "plots are SVG"),
        (["report", "bytes", "old", "--plot", ""], "names no file or folder"),
        (["report", "bytes", "old", "--output", "t.xlsx"], r"\.csv or \.json"),
        (["report", "bytes", "old", "--parallel", "lines"], "there is no column 'lines' in"),
        (["report", "bytes", "old", "--parallel", ""], "there is no column '' in"),
    ],
)
def test_requests_that_cannot_be(data: Path, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    with pytest.raises(UserError, match=says) as caught:
        invoked(command, *arguments)
    assert caught.value.remedy


def test_a_folder_holds_a_tokenizer_that_every_command_opens(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    trained = invoked(
        command, "train", data / "old", "-o", tmp_path / "v1.2", "--vocab-size", 370, "--special", "<2eng_Latn>"
    )
    assert trained.exit_code == 0, trained.output
    assert "memory for training: at most 0.3 GB" in trained.output
    names = sorted(path.name for path in (tmp_path / "v1.2").iterdir())
    assert names == ["card.json", "tokenizer.json", "tokenizer.model", "tokenizer.vocab", "tokenizer_config.json"]
    opened = open_tokenizer(tmp_path / "v1.2")
    assert (opened.kind, opened.vocab_size) == ("sentencepiece", 370)
    extended = invoked(command, "extend", tmp_path / "v1.2", data / "new", "--pieces", 20, "-o", tmp_path / "more")
    assert extended.exit_code == 0, extended.output
    assert open_tokenizer(tmp_path / "more").vocab_size == 390
    (tmp_path / "more" / "card.json").unlink()
    assert open_tokenizer(tmp_path / "more").kind == "huggingface"  # nothing says that the model's ids are the same


def test_nothing_is_written_over_unasked(data: Path, tmp_path: Path) -> None:
    for output in ("t.model", "folder"):
        train = ("train", data / "old", "-o", tmp_path / output, "--vocab-size")
        assert invoked(command, *train, 370).exit_code == 0
        with pytest.raises(UserError, match="is there already") as caught:
            invoked(command, *train, 380)
        assert "--overwrite" in str(caught.value)
        assert open_tokenizer(tmp_path / output).vocab_size == 370
        assert invoked(command, *train, 380, "--overwrite").exit_code == 0
        assert open_tokenizer(tmp_path / output).vocab_size == 380
    extend = ("extend", tmp_path / "t.model", "--special", "<x>", "-o", tmp_path / "folder")
    with pytest.raises(UserError, match="is there already"):
        invoked(command, *extend)
    assert invoked(command, *extend, "--overwrite").exit_code == 0
    assert open_tokenizer(tmp_path / "folder").vocab_size == 381
    with pytest.raises(UserError, match="is a dataset"):
        invoked(command, "train", data / "new", "-o", data / "old", "--vocab-size", 370, "--overwrite")
