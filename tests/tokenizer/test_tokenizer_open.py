"""Opening tokenizers: kinds, ids and offsets, special ids, and paths that are no tokenizer."""

from __future__ import annotations

import json
import pickle
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import records, write_dataset
from tests.tokenizer.tokenizer_helpers import HARD_TEXTS, documents, rows, train_model
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.kinds.bytes import ByteTokenizer
from xlcorpus.tokenizer.open import KINDS
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, ROLES, UNKNOWN, TokenizerKind


class FirstLetters(ByteTokenizer):
    """A kind of the test's own: bytes, and no more of them than the file says."""

    kind = "letters"

    def __init__(self, given: Path) -> None:
        super().__init__(given)
        self.most = int(given.read_text().split()[1])
        self.fingerprint = f"letters {self.most}"


PARQUET_TEXT = pa.table({"text": ["a"]})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tokenizer]:
    folder = tmp_path_factory.mktemp("models")
    languages = ("eng_Latn", "hin_Deva", "tha_Thai")
    return {
        "unigram": open_tokenizer(train_model(folder, "unigram", languages, special=("<2eng_Latn>",))),
        "bpe": open_tokenizer(train_model(folder, "bpe", languages, model="bpe")),
        "bytes": open_tokenizer("bytes"),
    }


@pytest.mark.parametrize("name", ["unigram", "bpe", "bytes"])
def test_ids_lie_end_to_end_and_come_back_as_the_texts(models: dict[str, Tokenizer], name: str) -> None:
    tokenizer = models[name]
    texts = pa.array([*HARD_TEXTS, None, *(text for _, _, text in rows(count=2))])
    ids, offsets = tokenizer.encode_batch(texts)
    assert (ids.dtype, offsets.dtype) == (np.int32, np.int64)
    assert offsets[0] == 0
    assert offsets[-1] == len(ids)
    assert np.array_equal(np.diff(offsets), tokenizer.count_batch(texts))
    back = [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)]
    assert back == [text or "" for text in texts.to_pylist()]
    assert ids.min() >= 0
    assert ids.max() < tokenizer.vocab_size


@pytest.mark.parametrize("name", ["unigram", "bpe", "bytes"])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"), max_size=30)))
def test_any_text_comes_back(models: dict[str, Tokenizer], name: str, texts: list[str]) -> None:
    tokenizer = models[name]
    ids, offsets = tokenizer.encode_batch(pa.array(texts, pa.string()))
    back = [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)]
    assert back == texts


@pytest.mark.parametrize("name", ["unigram", "bpe", "bytes"])
def test_slices_and_wide_strings_are_encoded_alike(models: dict[str, Tokenizer], name: str) -> None:
    tokenizer = models[name]
    texts = pa.array(["left out", "नमस्ते", None, "two words", "left out"])
    slices = [texts.slice(1, 3), texts.slice(1, 3).cast(pa.large_string()), pa.array(["नमस्ते", "", "two words"])]
    encoded = [tokenizer.encode_batch(part) for part in slices]
    for ids, offsets in encoded[1:]:
        assert np.array_equal(ids, encoded[0][0])
        assert np.array_equal(offsets, encoded[0][1])
    ids, offsets = tokenizer.encode_batch(pa.array([], pa.string()))
    assert (len(ids), offsets.tolist()) == (0, [0])


def test_real_texts_in_many_scripts_come_back(models: dict[str, Tokenizer], shared_data: Path) -> None:
    """The first 20 lines of each of 65 languages of NTREX, as one text."""
    texts = []
    for path in sorted((shared_data / "ntrex").glob("*.jsonl.gz")):
        texts.append("\n".join(row["text"] for row in records(path)[:20]))
    assert len(texts) > 60
    for tokenizer in models.values():
        ids, offsets = tokenizer.encode_batch(pa.array(texts))
        assert [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)] == texts


def test_control_tokens_in_a_text_are_text(models: dict[str, Tokenizer]) -> None:
    for tokenizer in (models["unigram"], models["bpe"]):
        ids, _ = tokenizer.encode_batch(pa.array(["</s><pad><mask> <s>"]))
        assert not set(ids.tolist()) & set(tokenizer.special_ids().values())


def test_tokens_of_the_users_own_are_one_id(models: dict[str, Tokenizer]) -> None:
    tokenizer = models["unigram"]
    ids, _ = tokenizer.encode_batch(pa.array(["one<2eng_Latn>two"]))
    assert ids.tolist().count(tokenizer.id_of("<2eng_Latn>")) == 1
    assert tokenizer.id_of("<2xyz_Latn>") is None


NONE = dict.fromkeys(ROLES)


def test_special_ids_and_what_a_mode_requires(models: dict[str, Tokenizer]) -> None:
    assert models["unigram"].special_ids() == NONE | {"pad": 0, "unk": 1, "bos": 2, "eos": 3, "mask": 4}
    assert models["bytes"].special_ids() == NONE | {"pad": 0, "unk": 2, "eos": 1}
    models["unigram"].require("pad", "mask", mode="masked language modelling")
    models["bytes"].require("eos", "pad", mode="packing")
    with pytest.raises(UserError, match="bytes has no bos and no mask id, which --objective mlm needs"):
        models["bytes"].require("bos", "eos", "mask", mode="--objective mlm")
    with pytest.raises(ValueError, match="did you mean 'eos'"):
        models["bytes"].require("eoss", mode="packing")


def test_special_ids_are_shown_in_decoded_packs(models: dict[str, Tokenizer]) -> None:
    for tokenizer in models.values():
        ids, _ = tokenizer.encode_batch(pa.array(["one two"]))
        assert tokenizer.eos_id is not None
        shown = tokenizer.decode([*ids.tolist(), tokenizer.eos_id, *ids.tolist(), 0])
        assert shown == "one two</s>one two<pad>"


def test_byte_ids() -> None:
    tokenizer = open_tokenizer("bytes")
    ids, offsets = tokenizer.encode_batch(pa.array(["aé", "", "日"]))
    assert ids.tolist() == [byte + 3 for byte in "aé日".encode()]
    assert offsets.tolist() == [0, 3, 3, 6]
    assert tokenizer.vocab_size == 259
    assert (
        tokenizer.decode([*(byte + 3 for byte in "日".encode()[:2])]) == "\ufffd"
    )  # a pack may end within a character


def test_kinds_of_pieces(models: dict[str, Tokenizer]) -> None:
    for tokenizer in models.values():
        kinds, texts = tokenizer.piece_kinds, tokenizer.piece_texts()
        assert len(kinds) == len(texts) == tokenizer.vocab_size
        assert [text is not None for text in texts] == (kinds == NORMAL).tolist()
        assert kinds[tokenizer.unk_id] == UNKNOWN
        assert kinds[tokenizer.pad_id] == CONTROL
        assert (kinds == PARTIAL).sum() == 128
    table = models["unigram"].single_characters()
    assert table[[ord(letter) for letter in "aनท"]].all()
    assert not table[ord("河")]


def test_a_tokenizer_travels_to_a_worker_as_its_path(tmp_path: Path) -> None:
    path = train_model(tmp_path, "small", ("eng_Latn",), vocab_size=365)
    tokenizer = open_tokenizer(path)
    sent = pickle.dumps(tokenizer)
    assert len(sent) < 500
    assert pickle.loads(sent).fingerprint == tokenizer.fingerprint
    path.write_bytes(open_tokenizer(train_model(tmp_path, "other", ("deu_Latn",), vocab_size=365)).model.to_bytes())
    with pytest.raises(UserError, match="altered while it was in use"):
        pickle.loads(sent)


def test_kinds_are_found_by_what_a_path_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KINDS.names == ("bytes", "huggingface", "sentencepiece")
    path = tmp_path / "some.file"
    path.write_text("letters 12")
    with pytest.raises(UserError, match="is not a SentencePiece model, nor a tokenizer of another kind") as caught:
        open_tokenizer(path)
    kinds = "the word bytes, a Hugging Face tokenizer.json or its folder, or a SentencePiece .model"
    assert caught.value.remedy == f"give {kinds}"
    own = TokenizerKind("letters", "a file of letters", lambda given, start: start[:7] == b"letters", FirstLetters)
    monkeypatch.setitem(KINDS.all, "letters", own)
    tokenizer = open_tokenizer(path)
    assert (tokenizer.kind, tokenizer.fingerprint) == ("letters", "letters 12")
    assert pickle.loads(pickle.dumps(tokenizer)).path == str(path)
    path.write_text("letters 13")
    with pytest.raises(UserError, match="altered while it was in use"):
        pickle.loads(pickle.dumps(tokenizer))


def _faults(folder: Path) -> dict[str, Path]:
    import pyarrow.parquet as pq

    paths = {name: folder / name for name in ("empty.model", "part.parquet", "notes.model", "other.json", "bad.json")}
    paths["empty.model"].write_bytes(b"")
    pq.write_table(PARQUET_TEXT, paths["part.parquet"])
    paths["notes.model"].write_text("IQ== 0\nIg== 1\n")
    paths["other.json"].write_text(json.dumps({"model": {"type": "BPE"}}))
    paths["bad.json"].write_text('{"model": ')
    for name in ("folder", "xlmr"):
        (folder / name).mkdir()
        paths[name] = folder / name
    (folder / "xlmr" / "sentencepiece.bpe.model").write_bytes(b"x")
    write_dataset(folder / "dataset", [documents(rows(("eng_Latn",), 1))])
    return paths | {"dataset": folder / "dataset", "missing": folder / "notes.modle"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty.model", "is empty"),
        ("part.parquet", "is a Parquet file, not a tokenizer"),
        ("notes.model", "is not a SentencePiece model"),
        ("folder", "has no tokenizer.json"),
        ("xlmr", "sentencepiece.bpe.model but no tokenizer.json"),
        ("dataset", "is a dataset, not a tokenizer"),
        ("missing", "there is no tokenizer .*did you mean 'notes.model'"),
    ],
)
def test_paths_that_are_no_tokenizer(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        open_tokenizer(_faults(tmp_path)[name])
    assert caught.value.remedy


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    path = train_model(tmp_path, "whole", ("eng_Latn",), vocab_size=365)
    data = path.read_bytes()
    for number, size in enumerate((1, 7, len(data) // 2)):
        part = tmp_path / f"part{number}.model"
        part.write_bytes(data[:size])
        with pytest.raises(UserError, match="is not a SentencePiece model"):
            open_tokenizer(part)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": {"type": "BPE", "vocab": {}, "merges": []}}))
    with pytest.raises(UserError, match="is not installed") as caught:
        open_tokenizer(path)
    assert 'pip install "xlcorpus[hf]"' in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"), [("other.json", "no model with a vocab"), ("bad.json", "cannot be read as JSON")]
)
def test_json_files_that_are_no_tokenizer(tmp_path: Path, name: str, says: str) -> None:
    pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    with pytest.raises(UserError, match=says):
        open_tokenizer(_faults(tmp_path)[name])
