"""Dictionaries out of the texts of a dataset: which texts, which seeds, what comes out."""

from __future__ import annotations

import random
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from tests.rows import documents, pairs, write_dataset
from xlcorpus.cli.lexicon import command
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.dictionaries import read_entries
from xlcorpus.lexicon.embed import EmbedOptions, word_lines
from xlcorpus.lexicon.induce import InducedLexicon, breaker_of, induce_lexicon, texts_of, write_all_vectors
from xlcorpus.text.breakers import WORD_BREAKERS
from xlcorpus.text.breakers.icu import IcuBreaker

WORDS = 60
_FAST = EmbedOptions(dim=30, epoch=10, min_count=1, subsample=1.0)  # of 60 words none is rare


def _word(prefix: str, number: int) -> str:
    """Every fifth word is a numeral, which both languages write alike."""
    return str(900 + number) if number % 5 == 0 else f"{prefix}{chr(97 + number % 26)}{'o' * (number // 26)}"


def _texts(prefix: str, seed: int) -> list[str]:
    """Walks over a graph that both languages share: after each of 60 words one of four others."""
    shared, drawn = random.Random(7), random.Random(seed)
    follows = [shared.sample(range(WORDS), 4) for _ in range(WORDS)]
    lines = []
    for _ in range(1500):
        walk = [drawn.randrange(WORDS)]
        while len(walk) < 12:
            walk.append(drawn.choice(follows[walk[-1]]))
        lines.append(" ".join(_word(prefix, number) for number in walk))
    return lines


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = list(zip(_texts("k", 1), _texts("m", 2), strict=True))
    return write_dataset(tmp_path_factory.mktemp("induced"), [pairs(rows, "aaa_Latn", "bbb_Latn")], "pair").folder


def test_texts_are_those_of_the_language_and_bounded(dataset: Path) -> None:
    opened = [Dataset.open(dataset)]
    everything = texts_of(opened, "aaa_Latn", 1 << 30, 0)
    assert len(everything) == 1500
    assert all(word[0] in "k9" for text in everything.to_pylist() for word in text.split())
    some = texts_of(opened, "aaa_Latn", 20_000, 0)
    assert 15_000 < sum(map(len, some.to_pylist())) < 25_000
    assert some.equals(texts_of(opened, "aaa_Latn", 20_000, 0))
    assert not some.equals(texts_of(opened, "aaa_Latn", 20_000, 1))
    with pytest.raises(UserError, match=r"no text is in 'aab_Latn'.*'aaa_Latn'"):
        texts_of(opened, "aab_Latn", 1, 0)


def _read_vectors(path: Path) -> tuple[list[str], np.ndarray]:
    head, *lines = path.read_text().splitlines()
    fields = [line.split(" ") for line in lines]
    matrix = np.array([[float(one) for one in row[1:]] for row in fields])
    assert head == f"{matrix.shape[0]} {matrix.shape[1]}"
    return [row[0] for row in fields], matrix


def _check_kept_vectors(made: InducedLexicon, folder: Path) -> None:
    """The files have the vectors that were used: CSLS (10 neighbours) over them gives the entries and their scores."""
    languages = ("aaa_Latn", "bbb_Latn")
    write_all_vectors(made, languages, locate(str(folder)))
    for lang, vectors in zip(languages, made.vectors, strict=True):
        words, matrix = _read_vectors(folder / f"{lang}.vec")
        assert words == vectors.words
        assert np.allclose(matrix, vectors.matrix, atol=1e-6)
    (ours, one), (theirs, other) = (_read_vectors(folder / f"{lang}.mapped.vec") for lang in languages)
    cosines = one @ other.T
    near, near_other = (np.sort(side, axis=1)[:, -10:].mean(axis=1) for side in (cosines, cosines.T))
    scores = 2 * cosines - near[:, None] - near_other
    expected = {
        (ours[at], theirs[to]): scores[at, to]
        for at in range(len(ours))
        for to in np.argsort(-scores[at])[:3]
        if ours[at] != theirs[to]  # a word on both sides is no entry
    }
    found = {(row["src"], row["tgt"]): row["score"] for row in made.entries.to_pylist()}
    assert found == pytest.approx(expected, abs=1e-5)


def test_words_in_like_places_are_found_from_numerals(dataset: Path, tmp_path: Path) -> None:
    texts = tuple(texts_of([Dataset.open(dataset)], lang, 1 << 30, 0) for lang in ("aaa_Latn", "bbb_Latn"))
    made = induce_lexicon(texts, ("aaa_Latn", "bbb_Latn"), embed=_FAST)  # type: ignore[arg-type]
    assert made.seeds == WORDS // 5
    assert made.words == (WORDS, WORDS)
    best: dict[str, str] = {}
    for row in sorted(made.entries.to_pylist(), key=lambda row: -row["score"]):
        best.setdefault(row["src"], row["tgt"])
    wanted = {_word("k", number): _word("m", number) for number in range(WORDS) if number % 5}
    right = sum(best.get(word) == other for word, other in wanted.items())
    assert right > len(wanted) * 0.8, best
    assert set(made.entries["source"].to_pylist()) == {"induced"}
    _check_kept_vectors(made, tmp_path)
    mixed = tuple(pa.array(reversed(side.to_pylist())) for side in texts)
    again = induce_lexicon(mixed, ("aaa_Latn", "bbb_Latn"), embed=_FAST)  # type: ignore[arg-type]
    assert again.entries.equals(made.entries)


def _induce(dataset: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["induce", str(dataset), *arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tgt", "aaa_Latn"), "--src and --tgt are both aaa_Latn"),
        (("--tgt", "bbb_Latn", "--min-score", "99"), "has a score of 99.0 or more"),
        (("--tgt", "bbb_Latn", "--min-count", "100000"), "aaa_Latn: no word occurs 100000 times"),
        (("--tgt", "bbb_Latn", "--seed-dictionary", "other.csv"), "other.csv: of its 1 entries none"),
        (("--tgt", "bbb_Latn", "--seed", "-1"), "--seed"),
    ],
)
def test_the_command_writes_nothing_where_there_is_nothing_to_write(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_text("src_lang,tgt_lang,src,tgt\naaa_Latn,bbb_Latn,xyz,zyx\n", encoding="utf-8")
    result = _induce(dataset, "--src", "aaa_Latn", *arguments, "--output", "made.parquet")
    assert result.exit_code != 0
    assert message in f"{result.exception} {result.output}"
    assert not Path("made.parquet").exists()


def test_a_language_whose_texts_are_empty_is_not_proposed(dataset: Path) -> None:
    labels, ids = pa.array(["ccc_Latn"]), pa.array([bytes(16)], pa.binary(16))
    empty = [(pa.array([""]), labels, ids)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xlcorpus.lexicon.induce._columns", lambda datasets: empty)
        with pytest.raises(UserError, match=r"no text is in 'ccc_Latn'; nothing is known"):
            texts_of([Dataset.open(dataset)], "ccc_Latn", 1, 0)


def test_the_command_writes_a_lexicon(dataset: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("src_lang,tgt_lang,src,tgt\naaa_Latn,bbb_Latn,kb,mb\naaa_Latn,bbb_Latn,kc,mc\n", encoding="utf-8")
    out = tmp_path / "induced.parquet"
    languages = ("--src", "aaa_Latn", "--tgt", "bbb_Latn")
    result = _induce(dataset, *languages, "--seed-dictionary", str(small), "--output", str(out))
    assert result.exit_code == 0, result.output
    assert f"{WORDS // 5 + 2} seed pairs" in result.output
    table = read_entries([out]).table
    assert table.num_rows > WORDS
    assert set(table["tgt_lang"].to_pylist()) == {"bbb_Latn"}


UNSPACED = ("tha_Thai", "zho_Hans", "jpn_Jpan", "khm_Khmr", "lao_Laoo", "mya_Mymr", "bod_Tibt")


class Spaceless:
    """A breaker for the tests: words of two characters."""

    name, scripts, version = "second", frozenset({"Thai"}), "1"

    def cuts(self, run: str) -> list[int]:
        return list(range(2, len(run), 2))


@pytest.mark.parametrize("lang", UNSPACED)
@pytest.mark.parametrize("side", [0, 1])
def test_scripts_without_spaces_are_refused_without_a_breaker(
    monkeypatch: pytest.MonkeyPatch, lang: str, side: int
) -> None:
    """Cut at letters, they would give fragments of syllables, which codeswitch would write into texts."""
    monkeypatch.setitem(sys.modules, "icu", None)
    monkeypatch.setitem(WORD_BREAKERS.__dict__, "all", {"icu": IcuBreaker()})
    texts, languages = (pa.array(["one two three"] * 50),) * 2, ["eng_Latn"] * 2
    languages[side] = lang
    with pytest.raises(UserError, match=f"{lang}: {lang[4:]} has no spaces between words") as caught:
        induce_lexicon(texts, (languages[0], languages[1]), embed=_FAST)
    assert "install" in str(caught.value) or lang == "bod_Tibt"
    assert caught.value.remedy


def test_words_of_a_script_without_spaces_are_those_of_the_breaker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two letters a word, nothing between them: a dictionary as from the spaced texts, each word whole."""
    monkeypatch.setitem(WORD_BREAKERS.__dict__, "all", {"second": Spaceless()})
    thai = {_word("k", number): chr(0xE01 + number // 8) + chr(0xE01 + number % 8) for number in range(WORDS)}
    lines = ["".join(thai[word] if word[0] == "k" else f" {word} " for word in line.split()) for line in _texts("k", 1)]
    folder = tmp_path / "pairs"
    rows = list(zip(lines, _texts("m", 2), strict=True))
    write_dataset(folder, [pairs(rows, "tha_Thai", "bbb_Latn")], "pair")
    small = tmp_path / "small.csv"
    small.write_text(f"src_lang,tgt_lang,src,tgt\ntha_Thai,bbb_Latn,{thai['kb']},mb\n", encoding="utf-8")
    out = tmp_path / "made.parquet"
    languages = ("--src", "tha_Thai", "--tgt", "bbb_Latn")
    result = _induce(folder, *languages, "--seed-dictionary", str(small), "--output", str(out))
    assert result.exit_code == 0, result.output
    assert "words of tha_Thai: as the word breaker second 1 finds them" in result.output
    assert f"{WORDS // 5 + 1} seed pairs" in result.output
    words = set(read_entries([out]).table["src"].to_pylist())
    assert {word for word in words if not word.isdecimal()} <= set(thai.values())
    assert len(words) > WORDS // 2


def test_the_script_is_that_of_the_texts_where_the_label_names_none() -> None:
    breaker = breaker_of(pa.array(["", "ไปโรงเรียน"]), "th") if find_spec("icu") else None
    assert breaker is None or "Thai" in breaker.scripts
    assert breaker_of(pa.array(["to school"]), "en") is None
    assert breaker_of(pa.array([], pa.string()), "th") is None


def test_the_switcher_looks_up_the_words_that_were_learned() -> None:
    """Apostrophes of all kinds: what the induction calls a word is a key that code-switching finds in the text."""
    text = "Don’t drink l'eau, пам\u02bcять, diné bi\u02bc, rock'n'roll 'quoted' café"
    words = next(word_lines(pa.array([text]))).split(" ")
    assert words == ["don't", "drink", "l'eau", "пам'ять", "diné", "bi\u02bc", "rock'n'roll", "quoted", "café"]
    columns = [pa.array(words), pa.array([f"={word}" for word in words])]
    index = build_index(*columns, *(pa.array([lang] * len(words)) for lang in ("eng_Latn", "deu_Latn")))
    assert +Counter(index.unused) == Counter()
    rows = switch_words(documents([text], "eng_Latn"), index, CodeswitchOptions(ratio=1.0)).rows.to_pylist()
    assert [span["new_token"].lower() for span in rows[0]["cs_spans"]] == [f"={word}" for word in words]
