"""A vocabulary that is trimmed by the list cuts texts of what is kept as the whole one does, whatever the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.tokenizer.families import LANGUAGES, save_family
from tests.tokenizer.tokenizer_helpers import rows, train_model
from xlcorpus.dataset.storage import locate
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.trim import trimmed
from xlcorpus.tokenizer.trim_files import write_trimmed

_TEXTS = [text for _, _, text in rows(("eng_Latn", "amh_Ethi"), count=8)]
_WORDS = sorted({word for text in _TEXTS for word in text.split()})


def _trim(tokenizer: Tokenizer, threshold: float, folder: Path) -> tuple[Tokenizer, dict[int, int], pa.Table]:
    ids, _ = tokenizer.encode_batch(pa.array(_TEXTS))
    table = trimmed(tokenizer, {"und": np.bincount(ids, minlength=tokenizer.vocab_size)}, threshold)
    new = dict(zip(table["id"].to_pylist(), table["new_id"].to_pylist(), strict=True))
    made = write_trimmed(tokenizer, locate(tokenizer.path), new, locate(str(folder)))
    return made, new, table


def _opened(name: str, folder: Path) -> Tokenizer:
    if name.startswith("sentencepiece"):
        return open_tokenizer(
            train_model(folder, "t", LANGUAGES, model=name.split("-")[1], vocab_size=480, special=["<2amh>"])
        )
    library = pytest.importorskip("tokenizers")
    if name not in ("suffix", "prefix"):
        return open_tokenizer(save_family(library, name, folder / name))
    marks = {"end_of_word_suffix": "</w>"} if name == "suffix" else {"continuing_subword_prefix": "##"}
    made = library.Tokenizer(library.models.BPE(unk_token="[UNK]", **marks))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    trainer = library.trainers.BpeTrainer(vocab_size=400, special_tokens=["[UNK]"], show_progress=False, **marks)
    made.train_from_iterator([text for _, _, text in rows(LANGUAGES)], trainer)
    made.save(str(folder / "tokenizer.json"))
    return open_tokenizer(folder)


@pytest.mark.parametrize(
    "name",
    ["sentencepiece-unigram", "sentencepiece-bpe", "xlm-r", "llama", "gpt-2", "bert", "word-level", "suffix", "prefix"],
)
def test_texts_of_kept_pieces_are_cut_as_before(name: str, tmp_path: Path) -> None:
    tokenizer = _opened(name, tmp_path)
    texts = pa.array([*_TEXTS, *_WORDS])
    for threshold in (1e-6, 0.01):
        small, new, table = _trim(tokenizer, threshold, tmp_path / str(threshold))
        (ids, offsets), (theirs, borders) = tokenizer.encode_batch(texts), small.encode_batch(texts)
        compared = 0
        for at in range(len(texts)):
            ours = ids[offsets[at] : offsets[at + 1]].tolist()
            if all(one in new for one in ours):
                compared += 1
                assert [new[one] for one in ours] == theirs[borders[at] : borders[at + 1]].tolist(), texts[at]
                assert small.decode([new[one] for one in ours]) == tokenizer.decode(ours)
        assert compared == len(texts) if threshold < 1e-4 else compared > 5
        assert small.vocab_size == len(new) < tokenizer.vocab_size
        assert set(tokenizer.names.values()) <= set(new)  # special tokens, and those of the user's own
        names = tokenizer.piece_names()
        assert [names[at] for at in new] == small.piece_names()
        assert small.special_ids() == {role: new.get(at) for role, at in tokenizer.special_ids().items()}
        assert small.template.single == tuple(tuple(new[at] for at in side) for side in tokenizer.template.single)
        why = set(table["why"].to_pylist())
        assert ("part" in why) == (name in ("sentencepiece-bpe", "llama", "gpt-2", "suffix", "prefix"))
        if name == "gpt-2":
            assert table["why"].to_pylist().count("byte") == 256
