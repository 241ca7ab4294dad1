"""How the old tokenizer cuts each piece that an extended one has more."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.tokenizer.families import save_family
from tests.tokenizer.tokenizer_helpers import read_candidates, rows, train_model
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.cuts import cuts
from xlcorpus.tokenizer.extend import extend
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.write_extended import write_extended

NEW = ("swh_Latn", "rus_Cyrl", "tha_Thai", "zho_Hans")
SPECIAL = "<2swh_Latn>"


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_model(tmp_path_factory.mktemp("new"), "new", NEW, model="bpe", vocab_size=600)


def _extended(base: Path, candidates: Path, output: Path) -> tuple[Tokenizer, Tokenizer]:
    old = open_tokenizer(base)
    more = extend(old, read_candidates(candidates), None, ("<pad>", SPECIAL) if old.pad_id is None else (SPECIAL,))
    return old, write_extended(more, old, base, output).tokenizer


@pytest.mark.parametrize("name", ["qwen", "xlm-r", "llama"])
def test_a_hugging_face_piece_is_cut_into_pieces_that_make_it(candidates: Path, tmp_path: Path, name: str) -> None:
    library: Any = pytest.importorskip("tokenizers")
    old, new = _extended(save_family(library, name, tmp_path / "old"), candidates, tmp_path / "new")
    assert isinstance(old, HuggingFaceTokenizer)
    assert isinstance(new, HuggingFaceTokenizer)
    found, names = cuts(old, new), {number: piece for piece, number in new.ids.items()}
    olds = {number: piece for piece, number in old.ids.items()}
    assert len(found) == new.vocab_size - old.vocab_size > 60
    whole = 0
    for number, cut in enumerate(found, old.vocab_size):
        if names[number] in (SPECIAL, "<pad>"):
            assert cut == ()
            continue
        assert old.unk_id not in cut
        made = "".join(olds[one] for one in cut)
        whole += made == names[number]
        assert set(made) <= set(names[number])  # what is unknown is left out
    assert whole == len(found) - 1 if name == "qwen" else whole > 20  # bytes make everything


OLD = ("eng_Latn", "deu_Latn", "hin_Deva")


def _as_others_train(folder: Path) -> Path:
    """SentencePiece's own settings: spaces at the ends are taken away, one is put before."""
    from sentencepiece import SentencePieceTrainer

    model = io.BytesIO()
    lines = iter([line for _, _, text in rows(OLD) for line in text.split("\n")])
    SentencePieceTrainer.train(sentence_iterator=lines, model_writer=model, vocab_size=110, minloglevel=2)
    (folder / "others.model").write_bytes(model.getvalue())
    return folder / "others.model"


@pytest.mark.parametrize("model", ["unigram", "bpe", "others"])
def test_a_sentencepiece_piece_is_cut_as_it_stands_within_a_text(candidates: Path, tmp_path: Path, model: str) -> None:
    own = model != "others"
    base = train_model(tmp_path, "old", OLD, model=model, vocab_size=430) if own else _as_others_train(tmp_path)
    old, new = _extended(base, candidates, tmp_path / "both.model")
    found, pieces, olds = cuts(old, new), new.piece_texts()[old.vocab_size :], old.piece_texts()
    assert len(found) == len(pieces) > 60
    begun = whole = 0
    for text, cut in zip(pieces, found, strict=True):
        if text is None or text == SPECIAL:
            assert cut == ()
            continue
        begun += old.encode_batch(pa.array(["." + text]))[0].tolist()[-len(cut) :] == list(cut)
        kinds = [olds[one] for one in cut]
        if None not in kinds:  # bytes of letters that it lacks
            made = "".join(kinds)  # no space before a piece from within a word, none twice
            assert made == text or (not own and set(made) <= set(text))  # which has no bytes for what is unknown
            whole += made == text
    assert whole > 20
    assert not own or begun > 0.9 * sum(1 for cut in found if cut)


def test_special_tokens_are_cut_into_nothing_and_other_kinds_are_refused(candidates: Path, tmp_path: Path) -> None:
    base = train_model(tmp_path, "old", ("eng_Latn",), vocab_size=365, mask=False)
    old = open_tokenizer(base)
    new = write_extended(extend(old, [], None, ("<mask>",)), old, base, tmp_path / "with.model").tokenizer
    assert cuts(old, new) == [()]
    with pytest.raises(UserError, match="kind"):
        cuts(old, open_tokenizer(tmp_path / "with.hf"))
