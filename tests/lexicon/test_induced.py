"""Dictionaries out of the texts of a dataset: which texts, which seeds, what comes out."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from xlcorpus.cli.main import main
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import EmbedOptions
from xlcorpus.lexicon.induced import induce_lexicon, texts_of
from xlcorpus.lexicon.lexicon_file import read_entries

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
    folder = tmp_path_factory.mktemp("induced")
    rows = ["src,tgt,src_lang,tgt_lang"]
    rows += [f"{one},{other},aaa_Latn,bbb_Latn" for one, other in zip(_texts("k", 1), _texts("m", 2), strict=True)]
    (folder / "rows.csv").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["ingest", str(folder / "rows.csv"), "--kind", "pairs", "--output", str(folder / "pairs"), "--quiet"])
    assert stopped.value.code == 0
    return folder / "pairs"


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


def test_words_in_like_places_are_found_from_numerals(dataset: Path) -> None:
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
    mixed = tuple(pa.array(reversed(side.to_pylist())) for side in texts)
    again = induce_lexicon(mixed, ("aaa_Latn", "bbb_Latn"), embed=_FAST)  # type: ignore[arg-type]
    assert again.entries.equals(made.entries)


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
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("other.csv").write_text("src_lang,tgt_lang,src,tgt\naaa_Latn,bbb_Latn,xyz,zyx\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["lexicon", "induce", str(dataset), "--src", "aaa_Latn", *arguments, "--output", "made.parquet"])
    assert stopped.value.code != 0
    assert message in capsys.readouterr().err
    assert not Path("made.parquet").exists()


def test_a_language_whose_texts_are_empty_is_not_proposed(dataset: Path) -> None:
    labels, ids = pa.array(["ccc_Latn"]), pa.array([bytes(16)], pa.binary(16))
    empty = [(pa.array([""]), labels, ids)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xlcorpus.lexicon.induced._columns", lambda datasets: empty)
        with pytest.raises(UserError, match=r"no text is in 'ccc_Latn'; nothing is known"):
            texts_of([Dataset.open(dataset)], "ccc_Latn", 1, 0)


def test_the_command_writes_a_lexicon(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small.csv"
    small.write_text("src_lang,tgt_lang,src,tgt\naaa_Latn,bbb_Latn,kb,mb\naaa_Latn,bbb_Latn,kc,mc\n", encoding="utf-8")
    out = tmp_path / "induced.parquet"
    arguments = ["lexicon", "induce", dataset, "--src", "aaa_Latn", "--tgt", "bbb_Latn", "--seed-dictionary", small]
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in [*arguments, "--output", out]])
    assert stopped.value.code == 0
    assert f"{WORDS // 5 + 2} seed pairs" in capsys.readouterr().out
    table = read_entries([out]).table
    assert table.num_rows > WORDS
    assert set(table["tgt_lang"].to_pylist()) == {"bbb_Latn"}
