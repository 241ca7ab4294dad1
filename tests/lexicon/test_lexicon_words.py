"""Lists of words with forms, dictionaries as TAB text, vectors that are kept, dictionaries of pieces."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import documents as text_rows
from tests.rows import write_dataset
from tests.running import invoked
from tests.tokenizer.tokenizer_helpers import documents, rows, train_model
from xlcorpus.cli.lexicon import command
from xlcorpus.errors import UserError
from xlcorpus.lexicon.words import with_forms
from xlcorpus.romanize.ipa import ipa_codes


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    write_dataset(folder / "data", [documents(rows(("rus_Cyrl", "deu_Latn", "eng_Latn", "amh_Ethi"), count=8))])
    return folder


def test_words_and_how_often(data: Path, tmp_path: Path) -> None:
    invoked(command, "words", data / "data", "--lang", "amh_Ethi", "--tool", "none", "-o", tmp_path / "w.tsv")
    texts = " ".join(text for _, lang, text in rows(("amh_Ethi",), count=8)).replace(".", " ").split()
    slow = sorted(Counter(texts).items(), key=lambda one: (-one[1], one[0]))
    assert (tmp_path / "w.tsv").read_text() == "word\tcount\n" + "".join(f"{word}\t{n}\n" for word, n in slow)
    table = with_forms(pq_table(slow), lambda text: text[::-1].replace("\n", "\n"), "it")
    assert table.schema.names == ["word", "form", "count"]
    with pytest.raises(UserError, match="it: there are no rules"):
        with_forms(pq_table(slow), lambda text: None, "it")


def pq_table(counts: list[tuple[str, int]]) -> pa.Table:
    return pa.table({"word": [word for word, _ in counts], "count": [count for _, count in counts]})


@pytest.mark.slow  # opens uroman
def test_words_with_their_forms(data: Path, tmp_path: Path) -> None:
    invoked(command, "words", data / "data", "--lang", "rus_Cyrl", "-o", tmp_path / "w.tsv")
    lines = [line.split("\t") for line in (tmp_path / "w.tsv").read_text().splitlines()]
    assert lines[0] == ["word", "form", "count"]
    texts = " ".join(text for _, lang, text in rows(("rus_Cyrl",), count=8))
    slow = Counter(texts.lower().replace(".", " ").split())
    assert {word: int(count) for word, _, count in lines[1:]} == slow
    assert [int(line[2]) for line in lines[1:]] == sorted(slow.values(), reverse=True)
    assert dict(line[:2] for line in lines[1:])["река"] == "reka"
    invoked(command, "words", data / "data", "--lang", "rus_Cyrl", "-o", tmp_path / "w.txt", "--limit", 3)
    assert (tmp_path / "w.txt").read_text().splitlines() == ["\t".join(line[:2]) for line in lines[1:4]]
    invoked(
        command,
        "words",
        data / "data",
        "--lang",
        "amh_Ethi",
        "--tool",
        "none",
        "-o",
        tmp_path / "a.parquet",
        "--min-count",
        2,
    )
    assert pq.read_table(tmp_path / "a.parquet").schema.names == ["word", "count"]
    with pytest.raises(UserError, match="no text is in 'swh_Latn'"):
        invoked(command, "words", data / "data", "--lang", "swh_Latn", "-o", tmp_path / "x.tsv")


def stand_in(folder: Path) -> None:
    """A package epitran that reads German: long vowels, voiceless ends of words."""
    for path, content in (
        ("epitran/__init__.py", ""),
        ("epitran/data/map/deu-Latn.csv", "Orth,Phon\n"),
        ("epitran-9.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: epitran\nVersion: 9.1\n"),
        (
            "epitran/simple.py",
            """
            import re

            class SimpleEpitran:
                def __init__(self, code):
                    assert code == "deu-Latn"

                def transliterate(self, word):
                    return re.sub("d$", "t", word.replace("ie", "iː"))
            """,
        ),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(textwrap.dedent(content), encoding="utf-8")


@pytest.fixture
def epitran_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    own = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "epitran"}

    def forget() -> None:
        for name in [one for one in sys.modules if one.partition(".")[0] == "epitran"]:
            del sys.modules[name]
        ipa_codes.cache_clear()

    forget()
    with monkeypatch.context() as patch:
        yield patch
    forget()
    sys.modules.update(own)


def test_ipa_forms(tmp_path: Path, epitran_away: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "packages")
    epitran_away.syspath_prepend(tmp_path / "packages")
    write_dataset(tmp_path / "data", [text_rows(["Die Hand, die Wand!", "die"], "deu_Latn")])
    made = invoked(
        command, "words", tmp_path / "data", "--lang", "deu_Latn", "--tool", "epitran", "-o", tmp_path / "w.txt"
    )
    assert "forms: epitran 9.1" in made.output
    assert (tmp_path / "w.txt").read_text() == "die\tdiː\nhand\thant\nwand\twant\n"
    write_dataset(tmp_path / "ka", [text_rows(["გამარჯობა"], "kat_Geor")])
    with pytest.raises(UserError, match="--tool epitran and kat_Geor: there are no rules"):
        invoked(command, "words", tmp_path / "ka", "--lang", "kat_Geor", "--tool", "epitran", "-o", tmp_path / "x.txt")


@pytest.mark.parametrize(("tool", "module"), [("epitran", "epitran"), ("icu", "icu")])
def test_tools_that_are_not_installed_are_named(
    tool: str, module: str, data: Path, tmp_path: Path, epitran_away: pytest.MonkeyPatch
) -> None:
    epitran_away.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=tool) as raised:
        invoked(command, "words", data / "data", "--lang", "deu_Latn", "--tool", tool, "-o", tmp_path / "w.txt")
    assert "pip install" in (raised.value.remedy or "")
    assert not (tmp_path / "w.txt").exists()


def test_forms_by_icu(tmp_path: Path) -> None:
    pytest.importorskip("icu")
    write_dataset(tmp_path / "data", [text_rows(["Καλή μέρα, καλή", "e\u0301té"], "ell_Grek")])
    invoked(command, "words", tmp_path / "data", "--lang", "ell_Grek", "--tool", "icu", "-o", tmp_path / "w.tsv")
    assert (tmp_path / "w.tsv").read_text().splitlines() == [
        "word\tform\tcount",
        "καλή\tkale\t2",
        "été\tete\t1",
        "μέρα\tmera\t1",
    ]


def test_ipa_forms_are_epitrans_own(data: Path, tmp_path: Path) -> None:
    epitran = pytest.importorskip("epitran")
    invoked(command, "words", data / "data", "--lang", "deu_Latn", "--tool", "epitran", "-o", tmp_path / "w.txt")
    own = epitran.Epitran("deu-Latn")
    found = dict(line.split("\t") for line in (tmp_path / "w.txt").read_text().splitlines())
    assert found == {word: own.transliterate(word) for word in found}


def test_a_dictionary_as_tab_text_comes_back(tmp_path: Path) -> None:
    (tmp_path / "en-de.tsv").write_text("en\tde\nhouse\tHaus\nriver\tFluss\nriver\tStrom\n")
    invoked(command, "build", tmp_path / "en-de.tsv", "-o", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "house\tHaus\nriver\tFluss\nriver\tStrom\n"
    invoked(command, "build", tmp_path / "out.txt", "--src", "en", "--tgt", "de", "-o", tmp_path / "back.parquet")
    invoked(command, "build", tmp_path / "en-de.tsv", "-o", tmp_path / "first.parquet")
    one, other = (
        pq.read_table(tmp_path / name).select(["src", "tgt", "rank"]) for name in ("back.parquet", "first.parquet")
    )
    assert one.equals(other)
    invoked(command, "invert", tmp_path / "first.parquet", "-o", tmp_path / "inverted.parquet")
    both = (tmp_path / "first.parquet", tmp_path / "inverted.parquet")
    with pytest.raises(UserError, match="TAB text is of one direction, and these are 2"):
        invoked(command, "merge", *both, "-o", tmp_path / "both.txt")
    invoked(command, "merge", *both, "-o", tmp_path / "one.txt", "--direction", "deu_Latn-eng_Latn")
    assert (tmp_path / "one.txt").read_text() == "Fluss\triver\nHaus\thouse\nStrom\triver\n"
    with pytest.raises(UserError, match="is there already"):
        invoked(command, "build", tmp_path / "out.txt", "--src", "en", "--tgt", "de", "-o", tmp_path / "out.txt")
    with pytest.raises(UserError, match="no entry is of 'eng_Latn-fra_Latn'"):
        invoked(command, "merge", *both, "-o", tmp_path / "x.txt", "--direction", "eng_Latn-fra_Latn")


@pytest.mark.slow  # trains four times
def test_vectors_are_kept_and_pieces_are_induced(data: Path, tmp_path: Path) -> None:
    sides = ("--src", "eng_Latn", "--tgt", "deu_Latn", "--seed-words", "identical")
    (tmp_path / "seed.txt").write_text("river\tFluss\nhouse\tHaus\nsmall\tkleine\nthe\tder\n")
    seed = (*sides, "--seed-dictionary", tmp_path / "seed.txt")
    invoked(command, "induce", data / "data", *seed, "-o", tmp_path / "i.parquet", "--vectors", tmp_path / "v")
    entries = pq.read_table(tmp_path / "i.parquet")
    for lang in ("eng_Latn", "deu_Latn"):
        head, *lines = (tmp_path / "v" / f"{lang}.vec").read_text().splitlines()
        assert head == f"{len(lines)} 100"
        mapped = (tmp_path / "v" / f"{lang}.mapped.vec").read_text().splitlines()[1:]
        assert [line.split(" ")[0] for line in mapped] == [line.split(" ")[0] for line in lines]
        rows_of = np.array([[float(one) for one in line.split(" ")[1:]] for line in mapped])
        assert np.allclose(np.linalg.norm(rows_of, axis=1), 1, atol=1e-3)
    assert set(entries["source"].to_pylist()) == {"induced"}
    model = train_model(tmp_path, "t", ("eng_Latn", "deu_Latn"), vocab_size=380)
    invoked(command, "induce", data / "data", *seed, "--tokenizer", model, "-o", tmp_path / "p.parquet")
    pieces = pq.read_table(tmp_path / "p.parquet")
    from xlcorpus.tokenizer import open_tokenizer

    known = set(open_tokenizer(model).piece_names())
    assert {*pieces["src"].to_pylist(), *pieces["tgt"].to_pylist()} <= known
    assert any(word.startswith("▁") for word in pieces["src"].to_pylist())
    assert any(not word.startswith("▁") for word in pieces["src"].to_pylist())
    assert set(pieces["source"].to_pylist()) == {"induced pieces"}
    from xlcorpus.codeswitch.piece_table import open_pieces

    _, table = open_pieces(str(model), pieces, 3)
    inner = [at for at, name in enumerate(open_tokenizer(model).piece_names()) if not name.startswith("▁")]
    assert table.counts[:, inner].any()  # pieces within words stay what they are
