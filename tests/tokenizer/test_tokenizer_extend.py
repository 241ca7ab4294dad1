"""Extending SentencePiece models: old ids, scores, what is cut otherwise, and what cannot be extended."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import write_dataset
from tests.tokenizer.tokenizer_helpers import (
    HARD_TEXTS,
    documents,
    read_candidates,
    read_model,
    rows,
    table_by_language,
    train_model,
)
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.bpe_merges import Merges, Pieces, choose_merges, cut
from xlcorpus.tokenizer.compare import compare
from xlcorpus.tokenizer.extend import extend, extend_on_sample
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, best_first, characters_first, pieces_of, pieces_of_model
from xlcorpus.tokenizer.sentencepiece_model import SentencePieceModel
from xlcorpus.tokenizer.text_sample import draw_sample
from xlcorpus.tokenizer.train import TrainOptions
from xlcorpus.tokenizer.unigram_scores import added_scores, best_score
from xlcorpus.tokenizer.write_extended import check_extended_output, write_extended

OLD, NEW = ("eng_Latn", "deu_Latn", "hin_Deva"), ("swh_Latn", "amh_Ethi", "kat_Geor")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extend")
    for model in ("unigram", "bpe"):
        train_model(folder, f"old-{model}", OLD, model=model, vocab_size=430)
        train_model(folder, f"new-{model}", NEW, model=model, vocab_size=430)
    return folder


def _extend(folder: Path, model: str, count: int | None, specials: tuple[str, ...] = ()) -> tuple[Tokenizer, Tokenizer]:
    old = open_tokenizer(folder / f"old-{model}.model")
    extended = extend(old, read_candidates(folder / f"new-{model}.model"), count, specials)
    output = folder / f"both-{model}-{count}.model"
    return old, write_extended(extended, old, Path(old.path), output).tokenizer


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_old_ids_stay_and_new_ones_follow(folder: Path, model: str) -> None:
    old, new = _extend(folder, model, 60, ("<2kat_Geor>", "<extra>"))
    assert isinstance(old, SentencePieceTokenizer)
    assert isinstance(new, SentencePieceTokenizer)
    assert new.vocab_size == old.vocab_size + 62
    assert new.model.pieces[: old.vocab_size] == old.model.pieces
    texts = [piece.text for piece in new.model.pieces]
    assert len(set(texts)) == len(texts)
    assert new.special_ids() == old.special_ids()
    assert new.id_of("<2kat_Geor>") == old.vocab_size + 60
    assert new.model.to_bytes() == read_model(Path(new.path)).to_bytes()


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_every_new_piece_is_used_for_its_own_text(folder: Path, model: str) -> None:
    old, new = _extend(folder, model, None)
    fresh = [text for text in new.piece_texts()[old.vocab_size :] if text]
    assert len(fresh) > 60
    stop = int(new.count_batch(pa.array(["."]))[0])
    counts = new.count_batch(pa.array([f".{text}" for text in fresh]))
    assert (counts == stop + 1).all()


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_new_languages_gain_and_old_ones_stay(folder: Path, model: str) -> None:
    old, new = _extend(folder, model, None)
    table = table_by_language(compare(old, new, [documents(rows((*OLD, *NEW), 20, "held out"))]).to_pylist())
    for lang in NEW:
        letters_known = lang == "swh_Latn"
        assert table[lang]["tokens_after"] < (0.9 if letters_known else 0.5) * table[lang]["tokens_before"]
        assert table[lang]["fertility_after"] < table[lang]["fertility_before"]
    for lang in OLD:
        assert table[lang]["tokens_changed"] < 0.05
        assert table[lang]["tokens_after"] <= table[lang]["tokens_before"]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_texts_still_come_back(folder: Path, model: str) -> None:
    _, new = _extend(folder, model, None, ("<2kat_Geor>",))
    texts = [*HARD_TEXTS, *(text for _, _, text in rows(count=3)), "a<2kat_Geor>b"]
    ids, offsets = new.encode_batch(pa.array(texts))
    assert [new.decode(ids[start:end]) for start, end in pairwise(offsets)] == texts


def test_a_larger_margin_changes_old_texts_less(tmp_path: Path) -> None:
    old = open_tokenizer(train_model(tmp_path, "old", OLD, vocab_size=395))
    candidates = read_candidates(train_model(tmp_path, "new", ("eng_Latn", "swh_Latn"), vocab_size=380))
    changed = []
    for margin in (-4.0, 4.0, 100.0):
        extended = extend(old, candidates, None, (), margin)
        new = write_extended(extended, old, Path(old.path), tmp_path / "margin.model").tokenizer
        table = compare(old, new, [documents(rows(OLD, 20, "held out"))])
        changed.append(sum(row["tokens_changed"] * row["tokens_before"] for row in table.to_pylist()))
    assert changed[0] >= changed[1] > changed[2] == 0


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_pieces_learnt_from_a_dataset(folder: Path, tmp_path: Path, model: str) -> None:
    old = open_tokenizer(folder / f"old-{model}.model")
    sample = draw_sample([write_dataset(tmp_path / "d", [documents(rows(NEW, 40))])], None, 1)
    options = TrainOptions(special=("<2swh_Latn>",))
    first = extend_on_sample(old, sample, 80, options)
    assert isinstance(first.model, SentencePieceModel)
    assert first.added == 80
    assert len(first.model.pieces) == old.vocab_size + 81
    again = extend_on_sample(old, sample, 80, options)
    assert isinstance(again.model, SentencePieceModel)
    assert again.model.to_bytes() == first.model.to_bytes()
    with pytest.raises(UserError, match=r"only [\d,]+ of 100,000 pieces can be added"):
        extend_on_sample(old, sample, 100_000, options)


def test_missing_special_tokens_can_be_added(tmp_path: Path) -> None:
    path = train_model(tmp_path, "bare", ("eng_Latn",), vocab_size=360, mask=False)
    old = open_tokenizer(path)
    with pytest.raises(UserError, match="no mask id"):
        old.require("mask", mode="mlm")
    new = write_extended(extend(old, [], None, ["<mask>", "<x>"]), old, path, tmp_path / "full.model").tokenizer
    new.require("mask", "eos", mode="mlm")
    ids, _ = new.encode_batch(pa.array(["a <mask> <x>"]))
    assert new.mask_id not in ids.tolist()  # a control token is not made from text
    assert new.id_of("<x>") in ids.tolist()
    with pytest.raises(UserError, match="'</s>' is in the vocabulary already"):
        extend(old, [], None, ["</s>"])


def test_pieces_that_normalisation_would_change_are_left_out(tmp_path: Path) -> None:
    old = open_tokenizer(train_model(tmp_path, "nfkc", ("eng_Latn",), vocab_size=360, normalization="nfkc"))
    candidates = [Candidate("ﬁx", -3.0), Candidate("２２", -3.0), Candidate(" zebra", -3.0), Candidate("e\u0301", -3.0)]
    extended = extend(old, candidates, None)
    assert isinstance(extended.model, SentencePieceModel)
    assert [piece.text for piece in extended.model.pieces[old.vocab_size :]] == ["▁zebra"]


def test_unknown_characters_are_known_afterwards_without_byte_fallback(tmp_path: Path) -> None:
    path = train_model(tmp_path, "plain", ("eng_Latn",), vocab_size=110, byte_fallback=False)
    old = open_tokenizer(path)
    new_path = train_model(tmp_path, "new", ("kat_Geor",), vocab_size=380)
    extended = extend(old, read_candidates(new_path), None)
    new = write_extended(extended, old, path, tmp_path / "both.model").tokenizer
    texts = pa.array([text for _, _, text in rows(("kat_Geor",), 3)])
    assert (old.encode_batch(texts)[0] == old.unk_id).any()
    assert not (new.encode_batch(texts)[0] == new.unk_id).any()


def test_what_cannot_be_extended(tmp_path: Path, folder: Path) -> None:
    from sentencepiece import SentencePieceTrainer

    model = io.BytesIO()
    lines = iter(["one two three four"] * 20)
    SentencePieceTrainer.train(
        sentence_iterator=lines,
        model_writer=model,
        model_type="word",
        vocab_size=7,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    path = tmp_path / "word.model"
    path.write_bytes(model.getvalue())
    candidates = read_candidates(folder / "new-unigram.model")
    with pytest.raises(UserError, match="is a word model, which cannot be extended"):
        extend(open_tokenizer(path), candidates, 5)
    with pytest.raises(UserError, match="has no pieces, so none can be added"):
        extend(open_tokenizer("bytes"), candidates, 5)
    with pytest.raises(UserError, match="has no pieces to add"):
        pieces_of(open_tokenizer("bytes"))
    old = open_tokenizer(folder / "old-unigram.model")
    with pytest.raises(UserError, match="is the tokenizer to extend"):
        check_extended_output(old, Path(old.path), Path(old.path))
    with pytest.raises(UserError, match=r"does not end with \.model"):
        check_extended_output(old, Path(old.path), tmp_path / "x.json")


def test_the_extended_model_is_read_by_the_romaniser_too(folder: Path) -> None:
    _, new = _extend(folder, "unigram", 60)
    assert isinstance(new, SentencePieceTokenizer)
    assert [piece.text for piece in read_model(Path(new.path)).pieces] == [piece.text for piece in new.model.pieces]


def test_candidates_are_in_the_order_of_their_worth(folder: Path) -> None:
    model = read_model(folder / "new-bpe.model")
    candidates = best_first(pieces_of_model(model))
    assert [one.score for one in candidates] == sorted((one.score for one in candidates), reverse=True)
    assert not {"<mask>", "<unk>", "<0x41>"} & {one.text for one in candidates}
    first = characters_first([Candidate("ab", 0), Candidate("x", -1), Candidate("y", -2), Candidate("z", -3)], {"x"}, 2)
    assert [one.text for one in first] == ["y", "ab", "x", "z"]  # half of two: one character


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(-9, -1), min_size=1), st.text("abcd", max_size=8)
)
def test_best_score_is_the_best_of_all_cuts(base: dict[str, float], text: str) -> None:
    def best(rest: str) -> float:
        if not rest:
            return 0.0
        scores = [base[rest[:size]] + best(rest[size:]) for size in range(1, len(rest) + 1) if rest[:size] in base]
        return max([*scores, *([-50 + best(rest[1:])] if rest[0] not in base else [])])

    assert best_score(text, base, -50, 3) == pytest.approx(best(text))


def test_scores_are_moved_by_what_both_models_have() -> None:
    base = {"a": -2.0, "b": -3.0, "c": -4.0}
    candidates = [("a", -5.0), ("b", -6.0), ("ab", -4.0), ("bc", -9.0), ("x", -30.0)]
    # Both have a and b, 3 lower there; ab is -4 + 3 - 1 = -2 > -5, bc is -9 + 3 - 1 = -7, no more than b + c.
    assert added_scores(base, candidates, margin=1.0) == [None, None, -2.0, None, None]
    assert added_scores(base, [("x", -5.0)], margin=1.0) == [-6.0]  # unknown before: better than -14


def test_merges_are_made_in_an_order_that_can_be_replayed() -> None:
    known = set("abcd") | {"ab"}
    merges = Merges([("a", "b")])
    made = choose_merges(["abcd", "cd", "ab", "xa", "x"], merges, known, 9)
    assert [(one.text, one.pair) for one in made] == [
        ("cd", ("c", "d")),
        ("x", None),
        ("abcd", ("ab", "cd")),
        ("xa", ("x", "a")),
    ]
    assert cut("abcd", merges) == ["abcd"]
    assert cut("xab", merges) == ["x", "ab"]  # the old merge first
    assert choose_merges(["bcd"], Merges([("a", "b")]), set("abcd"), 5, {"bcd"}) == made[:0] + choose_merges(
        ["bc", "bcd"], Merges([("a", "b")]), set("abcd"), 5
    )
    pieces = Pieces({"ab": -1.0, "a": -9.0, "b": -9.0, "c": -9.0})
    assert [one.text for one in choose_merges(["abc", "bc"], pieces, {"a", "b", "c", "ab"}, 9)] == ["abc", "bc"]
    assert cut("abc", pieces) == ["abc"]
    assert cut("cbc", pieces) == ["c", "bc"]


def test_comparison_counts_tokens_that_are_gone(folder: Path) -> None:
    old, new = _extend(folder, "bpe", None)
    texts = [text for _, _, text in rows(("swh_Latn", "eng_Latn"), 5)]
    langs = ["swh_Latn"] * 5 + ["eng_Latn"] * 5
    table = table_by_language(
        compare(old, new, [documents(list(zip(map(str, range(10)), langs, texts, strict=True)))]).to_pylist()
    )
    for lang in ("swh_Latn", "eng_Latn"):
        lost = changed = total = 0
        for text, of in zip(texts, langs, strict=True):
            if of == lang:
                a, b = (list(one.encode_batch(pa.array([text]))[0]) for one in (old, new))
                total += len(a)
                changed += a != b
                for token in b:
                    if token in a:
                        a.remove(token)
                lost += len(a)
        assert table[lang]["tokens_changed"] == pytest.approx(lost / total)
        assert table[lang]["texts_changed"] == pytest.approx(changed / 5)
    assert compare(old, old, [documents(rows(("eng_Latn",), 3))]).to_pylist()[0]["texts_changed"] == 0


def test_comparison_of_equal_ids_in_another_order() -> None:
    class Fixed:
        def __init__(self, *ids: list[int]) -> None:
            self._ids = ids

        def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
            lengths = [0, *np.cumsum([len(one) for one in self._ids])]
            return np.concatenate([np.array(one, np.int32) for one in self._ids]), np.array(lengths)

    old, new = Fixed([1, 2], [3], [5, 6]), Fixed([2, 1], [3, 4], [5, 6])
    batch = documents([("a", "x", "a b"), ("b", "x", "c"), ("c", "x", "e f")])
    (row,) = compare(old, new, [batch]).to_pylist()  # type: ignore[arg-type]
    assert row["texts_changed"] == pytest.approx(2 / 3)
    assert row["tokens_changed"] == 0
