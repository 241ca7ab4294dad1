"""Dictionary files to an index: one for a process, equal from text and from a built lexicon, in slices of any size."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.codeswitch.switch_helpers import documents, index_of, wiktionary
from tests.lexicon.lexicon_files import found_in
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError
from xlcorpus.lexicon import build
from xlcorpus.lexicon import dictionaries as module
from xlcorpus.lexicon.dictionaries import open_index, read_entries, write_lexicon
from xlcorpus.lexicon.index import LexiconIndex

LINES = "water\tWasser\nwater\tNass\nhouse\tHaus\ngive up\taufgeben\nPolish\tpolnisch\npolish\tpolieren\n"


@pytest.fixture
def german(tmp_path: Path) -> Path:
    path = tmp_path / "en-de.tsv"
    path.write_text("en\tde\n" + LINES, encoding="utf-8")
    return path


def equal(one: LexiconIndex, other: LexiconIndex) -> bool:
    """Whether two indexes find the same."""
    arrays = ("salts", "first", "counts", "exact", "has_exact", "sizes", "spaced_head", "spaced_tail", "cased")
    return (
        one.directions == other.directions
        and one.keys.words.equals(other.keys.words)
        and one.targets.equals(other.targets)
        and one.unused == other.unused
        and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in (*arrays, "prefixes", "longest"))
        and np.array_equal(one.keys.hashes, other.keys.hashes)
    )


def test_read_once_for_equal_contents(german: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    monkeypatch.setattr(module, "read_entries", lambda *a, **k: (reads.append(a), read_entries(*a, **k))[1])
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_index([german]), range(16)))
    assert len({id(index) for index in opened}) == len(reads) == 1
    assert open_index([str(german)]) is opened[0]
    assert open_index([german], candidates=1) is not opened[0]
    german.write_text("en\tde\nwater\tSee\n", encoding="utf-8")  # the same file, other contents
    assert found_in(open_index([german]), ["water"], "eng_Latn", "deu_Latn") == [["See"]]
    shutil.copy(german, tmp_path / "other.tsv")
    assert open_index([tmp_path / "other.tsv"]).keys.words.to_pylist() == ["water"]


def test_text_and_built_lexicon_are_the_same(german: Path, tmp_path: Path) -> None:
    text = open_index([german])
    table = read_entries([german]).table
    write_lexicon(table, tmp_path / "built.parquet")
    assert equal(text, open_index([tmp_path / "built.parquet"]))
    assert found_in(text, ["Water", "Polish"], "eng_Latn", "deu_Latn") == [["Wasser", "Nass"], ["polnisch"]]
    assert text.unused["not_one_word"] == 1
    made = switch_words(documents(["WATER the house"]), text, CodeswitchOptions(ratio=1.0))
    assert made.rows["cs_source"].to_pylist()[0] in ("NASS the Haus", "WASSER the Haus")


def test_partners(german: Path, tmp_path: Path) -> None:
    french = tmp_path / "en-fr.tsv"
    french.write_text("en\tfr\nwater\teau\n", encoding="utf-8")
    both = open_index([german, french])
    assert [pair.tgt for pair in both.directions] == ["deu_Latn", "fra_Latn"]
    assert open_index([french, german]) is both
    for one in ("fra", "French", "fr-CA", "fra_Latn"):
        assert [pair.tgt for pair in open_index([german, french], partners=[one]).directions] == ["fra_Latn"]
    with pytest.raises(UserError, match="'spa'"):
        open_index([german, french], partners=["spa"])


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missing"):
        open_index([tmp_path / "missing.tsv"])
    phrases = tmp_path / "en-de.tsv"
    phrases.write_text("en\tde\ngive up\taufgeben\n", encoding="utf-8")
    with pytest.raises(UserError, match="1 not_one_word"):
        open_index([phrases])


@pytest.mark.parametrize("code", ["de", "zh", "ja", "tr"])
@pytest.mark.parametrize("inverse", [False, True])
def test_slices_of_any_size_give_the_same(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, code: str, inverse: bool
) -> None:
    entries = wiktionary(shared_data, code, "aaa_Latn", "bbb_Zyyy", inverse=inverse)[::7]
    entries += [(src, tgt[::-1], "aaa_Latn", "ccc_Zyyy") for src, tgt, *_ in entries[:500]]
    whole = index_of(entries)
    for rows in (97, 1000):
        monkeypatch.setattr(build, "_ROWS", rows)
        assert equal(index_of(entries), whole)


def test_first_candidates_of_each_spelling() -> None:
    """What is kept of a word, against a plain dictionary: in the order of the entries, each once, three at most."""
    random = np.random.default_rng(1)
    names = ["may", "May", "MAY", "march", "March", "ß", "Ünde"]
    rows = [(str(random.choice(names)), f"t{random.integers(6)}", "eng", "deu") for _ in range(200)]
    index = index_of(rows)
    for word in names:
        exact = [tgt for src, tgt, _, _ in rows if src == word]
        folded = [tgt for src, tgt, _, _ in rows if src.lower() == word.lower()]
        wanted = exact if word != word.lower() else folded
        assert found_in(index, [word], "eng", "deu") == [list(dict.fromkeys(wanted))[:3]]
    assert found_in(index, ["mAy"], "eng", "deu") == found_in(index, ["may"], "eng", "deu")


def test_null_and_chunked_columns() -> None:
    columns = [
        pa.chunked_array([["water", None], ["house"]]),
        pa.chunked_array([["Wasser"], ["x", "Haus"]]),
        pa.array(["eng"] * 3).dictionary_encode(),
        pa.array(["deu"] * 3, pa.large_string()),
    ]
    index = build.build_index(*columns)
    assert sorted(index.keys.words.to_pylist()) == ["house", "water"]
    assert index.unused["empty"] == 1
    assert index.nbytes() > 0
