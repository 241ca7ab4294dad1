"""Special ids never come from data, whatever template and tokenizer (`special_fuzz` has more of both)."""

from __future__ import annotations

import functools
import importlib
import json
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.templates.special_fuzz import Filled, wrong
from tests.tokenizer.odd_strings import kinds, odd_texts
from tests.tokenizer.tokenizer_helpers import WORDS, train_model
from xlcorpus.tokenizer import Tokenizer, open_tokenizer

PARTS = st.sampled_from(
    [
        "<s>",
        "</s>",
        "<",
        "s",
        "/",
        ">",
        "<mask>",
        "[CLS]",
        "＜ｓ＞",
        "▁",
        "\ufdd0",
        " ",
        "\n",
        "<2eng_Latn>",
        "ሰላም",
        "😀",
    ]
)


@functools.cache
def few() -> list[Tokenizer]:
    """A SentencePiece model, unigram, BPE and WordPiece of the library `tokenizers`, and bytes."""
    folder = Path(tempfile.mkdtemp())
    found = [open_tokenizer(train_model(folder, "own", tuple(WORDS), special=("<2eng_Latn>",), vocab_size=650))]
    library = importlib.import_module("tokenizers")
    models, trainers = library.models, library.trainers
    special = ["<s>", "</s>", "<unk>", "<mask>", "[CLS]"]
    for name, model, trainer in (
        ("unigram", models.Unigram(), trainers.UnigramTrainer),
        ("bpe", models.BPE(unk_token="<unk>"), trainers.BpeTrainer),
        ("wordpiece", models.WordPiece(unk_token="<unk>"), trainers.WordPieceTrainer),
    ):
        made = library.Tokenizer(model)
        made.normalizer = library.normalizers.NFKC()
        more = {"unk_token": "<unk>"} if name == "unigram" else {}
        lines = [*WORDS.values(), *"<>/s[]CLS"] * 3
        made.train_from_iterator(lines, trainer(vocab_size=400, special_tokens=special, show_progress=False, **more))
        file = folder / f"{name}.json"
        made.save(str(file))
        file.write_text(json.dumps(json.loads(file.read_text())))
        found.append(open_tokenizer(file))
    return [*found, open_tokenizer("bytes")]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.lists(PARTS, max_size=6).map("".join), min_size=1, max_size=8))
def test_no_special_id_comes_from_data(texts: list[str]) -> None:
    pytest.importorskip("tokenizers")
    filled = Filled(texts)
    for tokenizer in few():
        assert wrong(tokenizer, filled) == [], tokenizer.kind


@pytest.mark.slow
def test_no_special_id_comes_from_data_in_any_kind_of_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    filled = Filled(odd_texts(random.Random(3), 2_000))
    assert {name: found for name, tokenizer in kinds(tmp_path) if (found := wrong(tokenizer, filled))} == {}
