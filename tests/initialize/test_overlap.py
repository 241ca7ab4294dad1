"""Pieces that two vocabularies have in common keep their rows, whatever way makes the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.initialize.slow_rows import assert_in_hull
from tests.initialize.starts import CAUSAL, MASKED, begin, save_model
from tests.rows import documents, records, rows_of, write_dataset
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.initialize.overlap import equal_pieces, folded_pieces, text_pieces
from xlcorpus.initialize.vocabulary import token_matrices
from xlcorpus.tokenizer.extend import extend_on_sample
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.text_sample import draw_sample
from xlcorpus.tokenizer.train import TrainOptions, train
from xlcorpus.tokenizer.write import write_trained
from xlcorpus.tokenizer.write_extended import write_extended


def test_equal_pieces_have_one_text_and_folded_ones_differ_in_case_or_space(qwen: Path, xlmr: Path) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    same = equal_pieces(old, new)
    folded = folded_pieces(old, new, same)
    ours, theirs = old.piece_texts(), new.piece_texts()
    assert 0 < (same >= 0).sum() < (folded >= 0).sum()
    for number, text in enumerate(theirs):
        if text is None:
            continue
        if text in ours:
            assert ours[same[number]] == text
            assert folded[number] == same[number]
        elif folded[number] >= 0:
            assert str(ours[folded[number]]).strip().lower() == text.strip().lower()
        else:
            assert text.lower() not in [one.lower() for one in ours if one is not None]
    assert same[new.eos_id] == old.eos_id  # by their role


def test_vocabularies_without_overlap_are_refused(qwen: Path, tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers")
    only = library.Tokenizer(library.models.WordLevel({"[UNK]": 0, "ꙮ": 1, "ꙮꙮ": 2}, unk_token="[UNK]"))
    only.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UserError, match=r"no piece of text in common(.|\n)*start: shape"):
        equal_pieces(open_tokenizer(qwen), open_tokenizer(tmp_path))


@pytest.mark.parametrize(
    "way",
    [
        "ofa",
        "mean-of-pieces",
        *(pytest.param(way, marks=pytest.mark.slow) for way in ("wechsel", "cw2v", "clp", "normal")),
    ],
)
def test_another_tokenizer_keeps_the_rows_of_equal_pieces(
    qwen: Path, xlmr: Path, ways: dict[str, Any], tmp_path: Path, way: str
) -> None:
    folder = save_model(qwen, MASKED, tmp_path / "old", shape="bert", tied=False)
    helper = save_model(xlmr, MASKED, tmp_path / "helper", shape="bert") if way == "clp" else tmp_path
    before = token_matrices(begin(qwen, MASKED, model=str(folder)).model)
    how = {"clp": {"method": "clp", "helper": str(helper)}, **ways}.get(way, way)
    model, _, counted = begin(xlmr, MASKED, model=str(folder), new_rows=how, vocabulary="replaced")
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    same = equal_pieces(old, new)
    for name, matrix in token_matrices(model).items():
        assert len(matrix) == new.vocab_size == model.config.vocab_size
        assert torch.equal(matrix[same >= 0], before[name][same[same >= 0]])
        assert torch.isfinite(matrix).all()
        rows = counted.matrices[name]
        assert rows.copied + rows.mixed + rows.drawn == new.vocab_size
        assert rows.copied >= (same >= 0).sum() > 0
    if way == "ofa":
        folded = folded_pieces(old, new, same)
        for name, matrix in token_matrices(model).items():
            assert torch.equal(matrix[folded >= 0], before[name][folded[folded >= 0]])
    assert model.config.eos_token_id == new.eos_id
    assert model.config.pad_token_id == new.pad_id == model.get_input_embeddings().padding_idx
    assert "another tokenizer" in "\n".join(counted.lines())
    model.save_pretrained(tmp_path / "new")
    (tmp_path / "new" / "tokenizer.json").write_bytes((xlmr / "tokenizer.json").read_bytes())
    again = begin(xlmr, MASKED, model=str(tmp_path / "new")).model
    assert all(torch.equal(one, token_matrices(again)[name]) for name, one in token_matrices(model).items())


def test_wechsel_as_published_keeps_special_rows_alone(
    qwen: Path, extended: Path, ways: dict[str, Any], tmp_path: Path
) -> None:
    folder = save_model(qwen, CAUSAL, tmp_path / "old", shape="llama")
    how = ways["wechsel"] | {"copy_equal": False}
    made = begin(extended, CAUSAL, model=str(folder), new_rows=how, vocabulary="replaced")
    before = begin(qwen, CAUSAL, model=str(folder)).model.get_input_embeddings().weight
    same, text = equal_pieces(open_tokenizer(qwen), open_tokenizer(extended)), text_pieces(open_tokenizer(extended))
    stays = (made.model.get_input_embeddings().weight == before[np.maximum(same, 0)]).all(dim=1).numpy()
    kept = (same >= 0) & ~text
    assert (stays[same >= 0] == kept[same >= 0]).all()
    assert made.counted.matrices["token matrix"].copied == kept.sum()
    assert 0 < kept.sum() < (same >= 0).sum()


@pytest.mark.parametrize("kind", ["huggingface", "sentencepiece"])
def test_swahili_news_on_an_english_tokenizer(shared_data: Path, tmp_path: Path, kind: str) -> None:
    """Old rows stay to the bit, and those of CW2V lie in their hull, as a tokenizer goes on, and as one is replaced."""
    english, swahili = (
        write_dataset(tmp_path / code, [documents([row["text"] for row in found], found[0]["lang"])])
        for code in ("eng", "swa")
        for found in [records(shared_data / "ntrex" / f"{code}.jsonl.gz")[:80]]
    )
    for name, of in (("old", english), ("other", swahili)):
        train_on_texts(kind, of, tmp_path / name)
    old = open_tokenizer(tmp_path / "old")
    more = extend_on_sample(old, draw_sample([swahili], None, 0), 100, TrainOptions())
    write_extended(more, old, tmp_path / "old", tmp_path / "extended")
    folder = save_model(tmp_path / "old", CAUSAL, tmp_path / "model", shape="llama", width=8, heads=2)
    before = begin(tmp_path / "old", CAUSAL, model=str(folder)).model.get_input_embeddings().weight
    corners = before.detach().double().numpy()
    way = {"method": "cw2v", "texts": [str(tmp_path / "swa")], "rank": 8, "epochs": 1, "lr": 0.1}
    for name, vocabulary in (("extended", "extended"), ("other", "replaced")):
        new = open_tokenizer(tmp_path / name)
        made = begin(tmp_path / name, CAUSAL, model=str(folder), new_rows=way, vocabulary=vocabulary)
        after = made.model.get_input_embeddings().weight
        names = {piece: at for at, piece in enumerate(old.piece_names())}
        same = np.array([names.get(piece, -1) for piece in new.piece_names()])  # of one kind, so they write alike
        assert 100 <= (same < 0).sum() < len(same) - 100
        assert torch.equal(after[same >= 0], before[same[same >= 0]])
        assert_in_hull(after[same < 0].detach().double().numpy()[::5], corners)
        assert not (after[same < 0] == before.mean(dim=0)).all(dim=1).any()


def train_on_texts(kind: str, texts: Dataset, folder: Path) -> None:
    """A small tokenizer of texts: unigram of SentencePiece, or tokenizers' byte-level BPE."""
    if kind == "sentencepiece":
        write_trained(train([texts], TrainOptions(vocab_size=500)), folder)
        return
    library = pytest.importorskip("tokenizers")
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([row["text"] for row in rows_of(texts, ["text"])], trainer)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def test_pieces_are_cut_as_within_a_text(xlmr: Path, qwen: Path, tmp_path: Path) -> None:
    """Of another tokenizer too: no row of a bare space is mixed into pieces that stand within words."""
    old, new = open_tokenizer(xlmr), open_tokenizer(qwen)
    folder = save_model(xlmr, MASKED, tmp_path / "old", shape="bert")
    before = begin(xlmr, MASKED, model=str(folder)).model.get_input_embeddings().weight
    given: dict[str, Any] = {"model": str(folder), "vocabulary": "replaced", "new_rows": "mean-of-pieces"}
    after = begin(qwen, MASKED, **given).model.get_input_embeddings().weight
    names, checked = {name: at for at, name in enumerate(old.piece_names())}, 0
    for number in np.flatnonzero(text_pieces(new) & (equal_pieces(old, new) < 0)).tolist():
        text = str(new.piece_texts()[number])
        if text.strip().isalpha() and all(letter in names for letter in text.replace(" ", "▁")):
            assert any(
                torch.allclose(after[number], before[list(cut)].mean(dim=0), atol=1e-6)
                for cut in ways_to_cut(text.replace(" ", "▁"), names)
            ), text
            checked += 1
    assert checked > 20


def ways_to_cut(text: str, names: dict[str, int]) -> list[tuple[int, ...]]:
    """All of them."""
    if not text:
        return [()]
    return [
        (names[text[:end]], *rest)
        for end in range(1, len(text) + 1)
        if text[:end] in names
        for rest in ways_to_cut(text[end:], names)
    ]
