"""Labels at pieces as `word_ids` of fast tokenizers says: the recipe of transformers' token classification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tests.tags.label_helpers import LISTS
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.labels import label_source, tokenize_labels
from xlcorpus.pack.options import PackOptions
from xlcorpus.tokenizer.open import open_tokenizer

WORDS = [
    "Kofi",
    "Annan,",
    "spoke",
    "北京市",
    "他",
    "กรุงเทพ",
    "नमस्ते",
    "İzmir’de",
    "ﬁsh",
    "Ångström",
    "𝔊👩‍👩‍👧",
    "9",
    "Ωx",
]
TRAINED = [" ".join(WORDS[:8])] * 4  # of the last ones no letter is known
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = ("O", "B-P", "I-P", "B-L", "I-L")


def word_piece() -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(TRAINED, trainers.WordPieceTrainer(vocab_size=90, special_tokens=SPECIAL))
    return made


def byte_level() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        TRAINED, trainers.BpeTrainer(vocab_size=290, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return made


def unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(TRAINED, trainers.UnigramTrainer(vocab_size=80, special_tokens=SPECIAL, unk_token="[UNK]"))
    return made


def byte_fallback() -> Tokenizer:
    trained = Tokenizer(models.BPE(unk_token="[UNK]"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    of_bytes = [f"<0x{value:02X}>" for value in range(256)]
    trained.train_from_iterator(TRAINED, trainers.BpeTrainer(vocab_size=400, special_tokens=[*SPECIAL, *of_bytes]))
    state = json.loads(trained.to_str())
    state["model"]["byte_fallback"] = True
    state["added_tokens"] = state["added_tokens"][: len(SPECIAL)]
    return Tokenizer.from_str(json.dumps(state))


MADE = {"word_piece": word_piece, "byte_level": byte_level, "unigram": unigram, "byte_fallback": byte_fallback}


@pytest.fixture(scope="module", params=list(MADE))
def tokenizers(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Any]:
    own = MADE[request.param]()
    folder: Path = tmp_path_factory.mktemp(request.param)
    own.save(str(folder / "tokenizer.json"))
    return own, open_tokenizer(str(folder / "tokenizer.json"))


def by_word_ids(own: Tokenizer, words: list[str], tags: list[str], *, every: bool) -> list[int]:
    """run_ner.py of transformers: the label at the first piece; at the others -100, or that of a B as I. A piece of
    nothing but the space before a word has none here: the label is at the first one that holds a character."""
    labels, before = [], None
    encoded = own.encode(words, is_pretokenized=True, add_special_tokens=False)
    for word, token in zip(encoded.word_ids, encoded.tokens, strict=True):
        if word is None or token in ("▁", "Ġ"):
            labels.append(-100)
            continue
        if word != before:
            labels.append(NAMES.index(tags[word]))
        else:
            labels.append(NAMES.index(tags[word].replace("B-", "I-")) if every else -100)
        before = word
    return labels


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(["O", "B-P", "I-P", "B-L"])), min_size=1, max_size=9))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("pieces", ["first", "all"])
def test_labels_are_those_of_word_ids(
    tokenizers: tuple[Tokenizer, Any], pieces: Any, rows: list[tuple[str, str]]
) -> None:
    own, tokenizer = tokenizers
    words, tags = [word for word, _ in rows], [tag for _, tag in rows]
    # I without a span before it is B of the rows: by conlleval a span begins there.
    fixed, before = [], "O"
    for tag in tags:
        fixed.append("B-P" if tag == "I-P" and before[2:] != "P" else tag)
        before = tag
    batch = pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([bytes(16)], pa.binary(16)),
            "text": [" ".join(words)],
            "lang": ["und"],
            "tokens": pa.array([words], LISTS),
            "tags": pa.array([tags], LISTS),
        }
    )
    options = PackOptions(view="labels", tokenizer="x", length=512, label_pieces=pieces)
    made = tokenize_labels(batch, tokenizer, options, 0, None, LabelIds(NAMES), label_source(batch.schema, None))
    (row,) = made.rows.to_pylist()
    labels = np.array(row["labels"])[len(tokenizer.template.single[0]) :]
    labels = labels[: len(labels) - len(tokenizer.template.single[1])]
    assert labels.tolist() == by_word_ids(own, words, fixed, every=pieces == "all")
