"""Special ids never come from text in any kind of tokenizer, and a model has the same ids in both of its forms."""

from __future__ import annotations

import random
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.tokenizer.odd_strings import cut_otherwise, foreign, odd_texts, special_in, trained_here
from tests.tokenizer.tokenizer_helpers import HARD_TEXTS, rows
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.train import TrainOptions

TEXTS = [*HARD_TEXTS, *(text for _, _, text in rows(count=2)), *odd_texts(random.Random(14), 500)]


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")


@pytest.fixture(scope="module")
def ours(library: Any, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Tokenizer, Tokenizer]]:
    return list(trained_here(tmp_path_factory.mktemp("ours")))


def test_both_forms_of_a_model_give_the_same_ids(ours: list[tuple[str, Tokenizer, Tokenizer]]) -> None:
    for name, model, folder in ours:
        assert cut_otherwise(model, folder, TEXTS) == [], name
        assert isinstance(folder, HuggingFaceTokenizer)


def test_normalised_models_cut_a_text_as_its_normal_form(ours: list[tuple[str, Tokenizer, Tokenizer]]) -> None:
    texts = [
        "ab\u0323\u0301 e\u0301",
        "가각",
        "\u1100\u1161\u11a8",
        "ｶﾞｷﾞ",
        "ﬁﬂ ½ ①",
        "क\u093c\u0947",
        "ש\u05bc\u05b0",
        "㋿ 🯳",
    ]
    found = [one for name, *both in ours if "nfkc" in name for one in both]
    assert len(found) == 4
    for tokenizer in found:
        for text in texts:
            given = [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC"))]
            ids, starts = tokenizer.encode_batch(pa.array(given))
            assert len({tuple(ids[start:end]) for start, end in pairwise(starts)}) == 1, (tokenizer.kind, text)
            back = tokenizer.decode(ids[: starts[1]])
            assert back == unicodedata.normalize("NFKC", text), tokenizer.kind


def test_no_special_ids_from_text(library: Any, ours: list[tuple[str, Tokenizer, Tokenizer]], tmp_path: Path) -> None:
    kinds = [(name, one) for name, *both in ours for one in both] + list(foreign(library, tmp_path))
    assert len(kinds) == 30
    for name, tokenizer in kinds:
        assert special_in(tokenizer, TEXTS) == [], (name, tokenizer.kind)


def test_names_of_bytes_come_back_as_text(ours: list[tuple[str, Tokenizer, Tokenizer]]) -> None:
    texts = ["<0x41>", "x<0xE4><0x0A>y", "ä <0xC3><0xA4>", "<2eng_Latn><0x41><2eng_Latn>"]
    for name, *both in ours:
        for tokenizer in both if "bare" not in name else []:
            ids, offsets = tokenizer.encode_batch(pa.array(texts))
            back = [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)]
            assert back == texts, name


def test_tokens_of_the_users_own_are_cut_alike_before_and_behind_words(
    ours: list[tuple[str, Tokenizer, Tokenizer]],
) -> None:
    texts = ["<2eng_Latn> a house", "<2eng_Latn>", " <2eng_Latn>", "x <2eng_Latn> y", "x<2eng_Latn>y", "cab ab<sep>x"]
    for name, model, folder in ours:
        if "plain" in name:
            continue
        own = model.id_of("<2eng_Latn>")
        for text in texts:
            one, two = (one.encode_batch(pa.array([text]))[0].tolist() for one in (model, folder))
            assert one == two, (name, text)
            assert one.count(own) == text.count("<2eng_Latn>")


def test_a_letter_that_a_configuration_makes_pad_stays_a_letter(library: Any, tmp_path: Path) -> None:
    tokenizer = library.Tokenizer(library.models.WordLevel({"!": 0, "a": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"pad_token": "!"}')
    opened = open_tokenizer(tmp_path)
    assert opened.pad_id == 0
    assert opened.encode_batch(pa.array(["a ! [UNK] b"]))[0].tolist() == [1, 0, 2, 2]


def test_specials_that_normalisation_changes_are_refused() -> None:
    for special in ("<２eng>", "ﬁ", "e\u0301>"):
        with pytest.raises(UserError, match="other characters after --normalization nfkc"):
            TrainOptions(normalization="nfkc", special=(special,)).check()
