"""Words that vectors are trained on: with apostrophes, and in scripts without spaces those of a word breaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.rows import records
from tests.text.text_reference import needs_icu
from xlcorpus.errors import UserError
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.embed import EmbedOptions, read_vectors, train_vectors, word_lines, write_vectors
from xlcorpus.text.breakers import word_breaker_for

QUICK = EmbedOptions(dim=8, epoch=1)


def test_words_keep_their_apostrophes_all_of_one_kind() -> None:
    texts = ["Don't! DON’T 'quoted'", "L'eau de l’homme", "Пам'ять памʼять", "e\u0301te\u0301 3.5"]
    assert list(word_lines(pa.array(texts))) == [
        "don't don't quoted",
        "l'eau de l'homme",
        "пам'ять пам'ять",
        "été 3 5",
    ]
    assert train_vectors(pa.array(texts), QUICK).words == ["don't", "пам'ять"]


def test_characters_are_no_words_where_a_script_has_no_spaces() -> None:
    assert list(word_lines(pa.array(["ไปโรงเรียน", "我去 school 学校"]))) == ["", "school"]
    with pytest.raises(UserError, match="more text"):
        train_vectors(pa.array(["ไปโรงเรียน"] * 5), QUICK)


@needs_icu
def test_words_by_a_breaker() -> None:
    breaker = word_breaker_for("Thai")
    assert list(word_lines(pa.array(["ไปโรงเรียน", "NHKไป, don't"]), breaker)) == ["ไป โรงเรียน", "nhk ไป don't"]
    assert train_vectors(pa.array(["ไปโรงเรียน"] * 3), QUICK, breaker).words == ["โรงเรียน", "ไป"]


@needs_icu
@pytest.mark.parametrize(("code", "label"), [("th", "tha_Thai"), ("zh", "zho_Hant"), ("ja", "jpn_Jpan")])
def test_words_of_unspaced_scripts_can_be_switched(shared_data: Path, code: str, label: str) -> None:
    """Entries made of them are words for the index, not fragments, but for single letters, numbers and long names."""
    texts = pa.array([record["text"] for record in records(shared_data / "pud" / f"{code}.jsonl.gz")])
    words = sorted({word for line in word_lines(texts, word_breaker_for(label[4:])) for word in line.split()})
    index = build_index(*map(pa.array, zip(*((word, f"={word}", label, "eng_Latn") for word in words), strict=True)))
    assert index.unused["not_one_word"] < 0.1 * len(words)
    assert sum(len(word) > 1 for word in words) > 0.75 * len(words)


def test_vectors_come_back_from_their_file(tmp_path: Path) -> None:
    """Words of the web hold signs that other programs end lines at."""
    matrix, words = np.random.default_rng(0).normal(size=(4, 5)).round(6), ["mto", "река", "แม่น้ำ", "a\x85b\u2028c"]
    write_vectors(tmp_path / "x.vec", words, matrix)
    (tmp_path / "crlf.vec").write_bytes((tmp_path / "x.vec").read_bytes().replace(b"\n", b" \r\n"))
    for name in ("x.vec", "crlf.vec"):
        again = read_vectors(tmp_path / name)
        assert again.words == words
        np.testing.assert_allclose(again.matrix, matrix, atol=1e-6)
