"""Pronunciation lexicons as a tool: whole texts by their words, null where a word is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rows import documents, rows_of, write_dataset
from tests.running import called
from xlcorpus.errors import UserError
from xlcorpus.romanize.pronunciations import Pronunciations
from xlcorpus.romanize.tools import check_latin, open_tool

LEXICONS = {
    "swh_Latn.txt": "habari\thɑbɑɾi\nza\tzɑ\nza\tza\nng'ombe\tŋɔmbɛ\n\nasubuhi\tɑsubuhi\n",
    "hin_Deva.txt": "नमस्ते\tnəməsteː\nदुनिया\tdʊnijaː\n",
    "deu_Latn.txt": "stra\u00dfe\tʃtʁaːsə\ngrün\tɡʁyːn\n",
}


@pytest.fixture
def lexicons(tmp_path: Path) -> Path:
    folder = tmp_path / "lexicons"
    folder.mkdir()
    for name, text in LEXICONS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "lang", "script", "ipa"),
    [
        ("Habari za\nASUBUHI, 12!", "swh", "Latn", "hɑbɑɾi zɑ\nɑsubuhi, 12!"),
        ("Ng'ombe", "swh", None, "ŋɔmbɛ"),
        ("gru\u0308n Stra\u00dfe", "deu", "Latn", "ɡʁyːn ʃtʁaːsə"),  # decomposed
        ("नमस्ते, दुनिया।", "hin", "Deva", "nəməsteː, dʊnijaː।"),
        ("habari njema", "swh", "Latn", None),  # a word is missing: not half of it
        ("habari", "swh", "Arab", None),
        ("habari", "zul", "Latn", None),
        ("habari", None, "Latn", None),
        ("", "zul", "Latn", ""),
        ("12 + 3", "swh", "Latn", "12 + 3"),
    ],
)
def test_texts(lexicons: Path, text: str, lang: str | None, script: str | None, ipa: str | None) -> None:
    assert open_tool(str(lexicons), 1 << 20).romanize(text, lang, script) == ipa


def test_as_a_step(lexicons: Path, tmp_path: Path) -> None:
    """Rows without all of their words stay, null and counted; another lexicon is another run."""
    texts = ["Habari za asubuhi", "habari njema", "नमस्ते", "rain"]
    langs = ["swh_Latn", "swh_Latn", "hin_Deva", "eng_Latn"]
    given = write_dataset(tmp_path / "given", [documents(texts, langs, script=True)]).folder
    done = called("romanize", given, "--tool", lexicons, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    made = rows_of(tmp_path / "out")
    assert [row["text_ipa"] for row in made] == ["hɑbɑɾi zɑ ɑsubuhi", None, "nəməsteː", None]
    assert {row["translit_tool"] for row in made} == {"pronunciations"}
    assert "text_latn" not in made[0]
    (lexicons / "swh_Latn.txt").write_text("habari\thabaɾi\n", encoding="utf-8")
    again = called("romanize", given, "--tool", lexicons, "--output", tmp_path / "out")
    assert again.returncode != 0
    assert "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("swh_Latn.txt", b"habari\n", r"swh_Latn.txt, line 1: 'habari' is not a word, TAB, its form"),
        ("swh_Latn.txt", b"za\tz\nhabari\t \n", r"line 2"),
        ("swh_Latn.txt", b"\xff\tz\n", "not UTF-8"),
        ("words.txt", b"za\tz\n", "is no language and script"),
    ],
)
def test_what_is_no_lexicon(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        Pronunciations(str(tmp_path / name))


def test_what_is_no_tool(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pronunciation lexicon"):
        Pronunciations(str(tmp_path / "empty"))
    with pytest.raises(UserError, match="writes text_ipa"):
        check_latin(str(tmp_path / "swh_Latn.txt"))
