"""Where words begin among pieces, as whole-word masking needs it: every kind of mark, many scripts."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.tokenizer.families import save_family
from tests.tokenizer.tokenizer_helpers import WORDS
from xlcorpus.errors import UserError
from xlcorpus.sample import sample_folder
from xlcorpus.text import properties
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

SPACED = [
    word
    for text in WORDS.values()
    for word in text.split()
    if word.isalpha() and not any(properties.unspaced()[ord(letter)] for letter in word)
]
MORE = ["Синоћ", "смо", "дуго", "ልጆቹ", "ከዛፉ", "어젯밤에", "우리는", "παλιό", "zzqx"]


def words_of(tokenizer: Tokenizer, text: str) -> list[str]:
    """The pieces of each word, decoded; the first piece of a text begins one anyway."""
    ids, _ = tokenizer.encode_batch(pa.array([text]))
    begins = tokenizer.word_starts[ids]
    begins[0] = True
    borders = [*np.flatnonzero(begins).tolist(), len(ids)]
    return [tokenizer.decode(ids[start:end]).strip() for start, end in pairwise(borders)]


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-r", "gpt-2", "llama", "sample", "bytes"])
def test_words_are_those_between_spaces(family: str, tmp_path: Path) -> None:
    if family in ("sample", "bytes"):
        tokenizer = open_tokenizer("bytes" if family == "bytes" else sample_folder() / "tokenizer.model")
    else:
        tokenizer = open_tokenizer(save_family(pytest.importorskip("tokenizers"), family, tmp_path / family))
    found = words_of(tokenizer, " ".join([*SPACED, *MORE]))
    assert len(found) == len(SPACED) + len(MORE)
    known = [pair for pair in zip(found, SPACED, strict=False) if "unk" not in pair[0].lower() and family != "bert"]
    assert all(one == other for one, other in known)


def test_scripts_without_spaces_have_a_word_a_piece() -> None:
    tokenizer = open_tokenizer(sample_folder() / "tokenizer.model")
    for text in ("天上我们", "ฝนตกหนัก"):
        ids, _ = tokenizer.encode_batch(pa.array([text]))
        assert tokenizer.word_starts[ids].all()


def test_a_vocabulary_without_marks_is_refused(tmp_path: Path) -> None:
    folder = save_family(pytest.importorskip("tokenizers"), "word-level", tmp_path / "words")
    with pytest.raises(UserError, match="do not say where words begin"):
        _ = open_tokenizer(folder).word_starts
