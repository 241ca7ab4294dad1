"""Hugging Face tokenizers: opened, extended, and the form of our own models that transformers opens."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.rows import write_dataset
from tests.tokenizer.tokenizer_helpers import (
    HARD_TEXTS,
    WORDS,
    documents,
    read_candidates,
    rows,
    table_by_language,
    train_model,
)
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.byte_alphabet import from_letters, letter_of_byte, to_letters
from xlcorpus.tokenizer.compare import compare
from xlcorpus.tokenizer.extend import extend, extend_on_sample
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.text_sample import draw_sample
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, ROLES
from xlcorpus.tokenizer.train import TrainOptions
from xlcorpus.tokenizer.write_extended import write_extended

OLD, NEW = ("eng_Latn", "deu_Latn", "hin_Deva"), ("swh_Latn", "amh_Ethi", "kat_Geor")


def test_letters_of_bytes() -> None:
    letters = letter_of_byte()
    assert len(set(letters.values())) == 256
    assert (letters[ord("a")], letters[ord(" ")], letters[ord("\n")]) == ("a", "Ġ", "Ċ")
    assert from_letters(to_letters(" naïve 河")) == " naïve 河"
    assert from_letters(to_letters("河")[:2]) is None
    assert from_letters("河") is None


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")


def _lines(languages: tuple[str, ...]) -> list[str]:
    return [line for _, _, text in rows(languages) for line in text.split("\n")]


@pytest.fixture(scope="module")
def bases(library: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Byte-level BPE with special tokens after the vocabulary, Unigram as XLM-R has it, WordPiece."""
    folder = tmp_path_factory.mktemp("bases")
    models, pre, trainers = library.models, library.pre_tokenizers, library.trainers
    bpe = library.Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
    bpe.decoder = library.decoders.ByteLevel()
    alphabet = pre.ByteLevel.alphabet()
    bpe.train_from_iterator(
        _lines(OLD), trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    )
    bpe.add_special_tokens(["<|begin_of_text|>", "<|endoftext|>"])
    bpe.add_tokens(["<tool>"])
    bpe.enable_truncation(4)
    (folder / "bpe").mkdir()
    bpe.save(str(folder / "bpe" / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": {"content": "<|endoftext|>"},
        "bos_token": None,
    }
    (folder / "bpe" / "tokenizer_config.json").write_text(json.dumps(config))

    unigram = library.Tokenizer(models.Unigram())
    unigram.normalizer = library.normalizers.NFKC()
    unigram.pre_tokenizer = pre.Sequence([pre.WhitespaceSplit(), pre.Metaspace()])
    unigram.decoder = library.decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    unigram.train_from_iterator(
        _lines(OLD),
        trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    unigram.add_special_tokens(["<mask>"])
    unigram.post_processor = library.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    unigram.save(str(folder / "unigram.json"))

    pieces = library.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    pieces.pre_tokenizer = pre.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces.train_from_iterator(
        _lines(OLD), trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    pieces.save(str(folder / "wordpiece.json"))
    return {"bpe": folder / "bpe", "unigram": folder / "unigram.json", "wordpiece": folder / "wordpiece.json"}


def test_opened_without_truncation_and_special_tokens(library: Any, bases: dict[str, Path]) -> None:
    for name, path in bases.items():
        tokenizer = open_tokenizer(path)
        given = path / "tokenizer.json" if path.is_dir() else path
        reference = library.Tokenizer.from_file(str(given))
        reference.no_truncation()
        texts = [*(text for _, _, text in rows(OLD, 3)), "", "x  y"]
        ids, offsets = tokenizer.encode_batch(pa.array([*texts, None]))
        assert ids.dtype == np.int32
        assert np.array_equal(tokenizer.count_batch(pa.array([*texts, None])), np.diff(offsets))
        for text, start, end in zip(texts, offsets, offsets[1:], strict=False):
            assert reference.encode(text, add_special_tokens=False).ids == ids[start:end].tolist(), name


def test_special_ids(bases: dict[str, Path]) -> None:
    bpe, unigram, wordpiece = (open_tokenizer(bases[name]) for name in ("bpe", "unigram", "wordpiece"))
    # tokenizer_config.json names an eos alone; without one, names are known.
    none = dict.fromkeys(ROLES)
    assert bpe.special_ids() == none | {"eos": bpe.vocab_size - 2}
    assert unigram.special_ids() == none | {"pad": 1, "unk": 3, "bos": 0, "eos": 2, "mask": unigram.vocab_size - 1}
    assert wordpiece.special_ids() == none | {"pad": 0, "unk": 1, "cls": 2, "sep": 3, "mask": 4}
    with pytest.raises(UserError, match="no pad id"):
        bpe.require("pad", mode="padding")


def test_control_tokens_in_a_text_are_text(bases: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(bases["bpe"])
    ids, _ = tokenizer.encode_batch(pa.array(["a<|endoftext|>b<tool>"]))
    assert tokenizer.eos_id not in ids.tolist()
    assert tokenizer.id_of("<tool>") in ids.tolist()
    assert tokenizer.decode(ids) == "a<|endoftext|>b<tool>"


def test_kinds_of_pieces(bases: dict[str, Path]) -> None:
    bpe = open_tokenizer(bases["bpe"])
    kinds, texts = bpe.piece_kinds, bpe.piece_texts()
    assert kinds[bpe.eos_id] == CONTROL
    assert kinds[bpe.id_of("<tool>")] == NORMAL
    assert kinds[bpe.id_of(letter_of_byte()[0xE0])] == PARTIAL
    assert texts[bpe.id_of("Ġthe")] == " the"
    wordpiece = open_tokenizer(bases["wordpiece"])
    assert wordpiece.piece_texts()[wordpiece.id_of("##e")] == "e"


def test_byte_level_texts_come_back(bases: dict[str, Path]) -> None:
    tokenizer = open_tokenizer(bases["bpe"])
    texts = [*HARD_TEXTS, *(text for _, _, text in rows(count=2))]
    ids, offsets = tokenizer.encode_batch(pa.array(texts))
    assert [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)] == texts


@pytest.mark.parametrize("name", ["bpe", "unigram"])
def test_extended_old_ids_stay(library: Any, bases: dict[str, Path], tmp_path: Path, name: str) -> None:
    old = open_tokenizer(bases[name])
    assert isinstance(old, HuggingFaceTokenizer)
    sample = draw_sample([write_dataset(tmp_path / "d", [documents(rows(NEW, 40))])], None, 1)
    special = "<pad>" if name == "bpe" else "<2swh_Latn>"
    extended = extend_on_sample(old, sample, 90, TrainOptions(special=() if name == "bpe" else (special,)))
    if name == "bpe":
        candidates = read_candidates(train_model(tmp_path, "new", NEW, model="bpe", vocab_size=450))
        extended = extend(old, candidates, 90, (special,))
    new = write_extended(extended, old, bases[name], tmp_path / "out").tokenizer
    assert isinstance(new, HuggingFaceTokenizer)
    assert {token: new.ids[token] for token in old.ids} == old.ids
    assert sorted(new.ids.values()) == list(range(old.vocab_size + 91))
    assert new.id_of(special) == old.vocab_size + 90
    assert {role: number for role, number in new.special_ids().items() if role != "pad"} == {
        role: number for role, number in old.special_ids().items() if role != "pad"
    }
    assert new.pad_id == (old.vocab_size + 90 if name == "bpe" else 1)
    fresh = [text for text in new.piece_texts()[old.vocab_size : old.vocab_size + 90] if text]
    stop = int(new.count_batch(pa.array(["."]))[0])
    counts = new.count_batch(pa.array([f".{text}" for text in fresh])) - stop
    assert (counts == 1).all()
    table = table_by_language(compare(old, new, [documents(rows((*OLD, *NEW), 20, "held out"))]).to_pylist())
    assert all(table[lang]["tokens_changed"] < 0.08 for lang in OLD)
    if name == "bpe":
        assert all(table[lang]["tokens_after"] < 0.9 * table[lang]["tokens_before"] for lang in NEW)
    else:
        texts = pa.array([text for _, _, text in rows(("kat_Geor",), 3)])
        unknown = [(one.encode_batch(texts)[0] == one.unk_id).mean() for one in (old, new)]
        assert unknown[1] < unknown[0] / 5


def test_what_cannot_be_extended(bases: dict[str, Path], tmp_path: Path) -> None:
    candidates = read_candidates(train_model(tmp_path, "new", NEW, vocab_size=430))
    with pytest.raises(UserError, match="is a WordPiece, which cannot be extended"):
        extend(open_tokenizer(bases["wordpiece"]), candidates, 5)
    value = json.loads((bases["bpe"] / "tokenizer.json").read_text())
    last = max(value["model"]["vocab"], key=value["model"]["vocab"].__getitem__)
    del value["model"]["vocab"][last]
    value["model"]["merges"] = [pair for pair in value["model"]["merges"] if "".join(pair).replace(" ", "") != last]
    gap = tmp_path / "gap.json"
    gap.write_text(json.dumps(value))
    opened = open_tokenizer(gap)
    value["model"]["vocab"]["zzz"] = opened.vocab_size + 9
    gap.write_text(json.dumps(value))
    with pytest.raises(UserError, match="gaps in its ids"):
        extend(open_tokenizer(gap), candidates, 5)


@pytest.mark.parametrize("model", ["unigram", "bpe"])
@pytest.mark.parametrize("normalization", ["identity", "nfkc"])
def test_our_models_are_cut_alike_by_the_library(library: Any, tmp_path: Path, model: str, normalization: str) -> None:
    options = {"model": model, "vocab_size": 650, "normalization": normalization, "special": ("<2eng_Latn>",)}
    ours = open_tokenizer(train_model(tmp_path, "t", tuple(WORDS), **options))
    assert isinstance(ours, SentencePieceTokenizer)
    write_folder(ours.model, ours, tmp_path / "t.hf")
    theirs = open_tokenizer(tmp_path / "t.hf")
    assert theirs.vocab_size == ours.vocab_size
    assert theirs.special_ids() == ours.special_ids()
    assert np.array_equal(theirs.piece_kinds, ours.piece_kinds)
    assert theirs.piece_texts() == ours.piece_texts()
    # Names of control and byte pieces written in a text are the one thing that the library reads otherwise.
    texts = [text for text in HARD_TEXTS if "<" not in text] + [text for _, _, text in rows(count=5)]
    for text in texts:
        assert theirs.encode_batch(pa.array([text]))[0].tolist() == ours.encode_batch(pa.array([text]))[0].tolist()
        if normalization == "identity":
            assert theirs.decode(theirs.encode_batch(pa.array([text]))[0]) == text


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_transformers_opens_trained_and_extended_models(tmp_path: Path, model: str) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers (extra pretrain)")
    path = train_model(tmp_path, "old", OLD, model=model, vocab_size=420)
    old = open_tokenizer(path)
    candidates = read_candidates(train_model(tmp_path, "new", NEW, model=model, vocab_size=420))
    new = write_extended(extend(old, candidates, 50), old, path, tmp_path / "both.model").tokenizer
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "both.hf")
    assert len(theirs) == new.vocab_size
    ids = (theirs.pad_token_id, theirs.unk_token_id, theirs.bos_token_id, theirs.eos_token_id, theirs.mask_token_id)
    assert ids == (0, 1, 2, 3, 4)
    for _, _, text in rows((*OLD, *NEW), 3):
        encoded = theirs.encode(text, add_special_tokens=False)
        assert encoded == new.encode_batch(pa.array([text]))[0].tolist()
        assert theirs.decode(encoded) == text
