"""Rows out of those of near pieces, OFA and WECHSEL, beside slow code of another hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.initialize.asked import asked_for
from tests.initialize.slow_rows import flat, old_rows, slow_piece_vectors, softmax_of_nearest
from tests.initialize.starts import QUICK
from tests.tokenizer.tokenizer_helpers import WORDS, rows
from xlcorpus.initialize.kinds.ofa import OfaOptions, ofa
from xlcorpus.initialize.kinds.wechsel import WechselOptions, wechsel
from xlcorpus.initialize.neighbours import nearest_rows, piece_vectors
from xlcorpus.initialize.overlap import equal_pieces, folded_pieces
from xlcorpus.lexicon.embed import EmbedOptions, train_with_parts, write_vectors
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import CONTROL


def test_nearest_rows_are_those_of_a_loop() -> None:
    draw = np.random.default_rng(3)
    wanted, old = draw.normal(size=(300, 5)), draw.normal(size=(40, 5))
    wanted[7], old[[0, 9]] = 0, 0
    weights, has = softmax_of_nearest(wanted, old, 10, 0.1)
    made, seen = np.zeros_like(weights), np.zeros(len(wanted), dtype=bool)
    ids, blocks = nearest_rows(wanted, old, 10, 0.1)
    for places, some in blocks:
        made[np.ix_(places, ids)] = some.toarray()
        seen[places] = True
    np.testing.assert_allclose(made, weights, atol=1e-12)
    assert (seen == has).all()
    assert list(nearest_rows(wanted, np.zeros((4, 5)), 10, 0.1)[1]) == []


@pytest.mark.parametrize("weighted", [True, False])
def test_vectors_of_pieces_are_means_over_the_words_that_hold_them(qwen: Path, weighted: bool) -> None:
    tokenizer = open_tokenizer(qwen)
    words = [*WORDS["eng_Latn"].split()[:6], "mto", "дом"]
    vectors = np.random.default_rng(1).normal(size=(len(words), 3))
    counts = np.arange(1, len(words) + 1) if weighted else None
    found = piece_vectors(tokenizer, words, vectors, counts)
    np.testing.assert_allclose(found, slow_piece_vectors(tokenizer, words, vectors, counts), atol=1e-12)


def vector_files(folder: Path) -> tuple[list[str], np.ndarray, list[str]]:
    draw = np.random.default_rng(2)
    words, files, found = [], [], []
    for lang in ("eng_Latn", "swh_Latn"):
        own = sorted(set(WORDS[lang].split()))
        matrix = draw.normal(size=(len(own), 4)).round(6)
        files.append(str(folder / f"{lang}.mapped.vec"))
        write_vectors(folder / f"{lang}.mapped.vec", own, matrix)
        words += own
        found.append(matrix)
    return files, np.concatenate(found).astype(np.float32).astype(np.float64), words


@pytest.mark.parametrize("rank", [None, 3])
def test_ofa_is_that_of_a_loop(qwen: Path, xlmr: Path, tmp_path: Path, rank: int | None) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(xlmr)
    files, vectors, words = vector_files(tmp_path)
    matrices, same = old_rows(old), equal_pieces(old, new)
    asked = asked_for(matrices, same.tolist(), old, new)
    made = ofa(asked, OfaOptions(vectors=tuple(files), rank=rank))
    folded = folded_pieces(old, new, same)[asked.wanted]
    weights, has = softmax_of_nearest(
        slow_piece_vectors(new, words, vectors)[asked.wanted], slow_piece_vectors(old, words, vectors), 10, 0.1
    )
    mixed = has & (folded < 0)
    assert mixed.any()
    assert (~mixed & (folded < 0)).any()
    for name, matrix in matrices.items():
        coordinates, primitives = flat(matrix), np.eye(flat(matrix).shape[1])
        if rank is not None and len(primitives) > 1:
            left, values, right = np.linalg.svd(flat(matrix), full_matrices=False)
            coordinates, primitives = left[:, :rank], np.diag(values[:rank]) @ right[:rank]
        got = made.matrices[name]
        np.testing.assert_allclose(
            got.values[torch.from_numpy(mixed)], (weights @ coordinates @ primitives)[mixed], rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            got.values[torch.from_numpy(folded >= 0)], (coordinates @ primitives)[folded[folded >= 0]], atol=1e-9
        )
        assert (got.copied, got.mixed, got.drawn) == (
            int((folded >= 0).sum()),
            int(mixed.sum()),
            int((~mixed & (folded < 0)).sum()),
        )
        assert (got.factors is None) == (rank is None or matrix.dim() == 1)
        if got.factors is not None:
            assert [tuple(one.shape) for one in got.factors] == [(new.vocab_size, 3), (3, 6)]
            known = same >= 0
            # Signs of singular vectors are free, so it is the products that must be equal.
            np.testing.assert_allclose(
                (got.factors[0] @ got.factors[1])[torch.from_numpy(known)],
                (coordinates @ primitives)[same[known]],
                atol=1e-9,
            )


@pytest.mark.parametrize("pieces", ["n-grams", pytest.param("words", marks=pytest.mark.slow)])
def test_wechsel_is_that_of_a_loop(qwen: Path, extended: Path, texts: Path, dictionary: Path, pieces: str) -> None:
    old, new = open_tokenizer(qwen), open_tokenizer(extended)
    matrices = old_rows(old)
    asked = asked_for(matrices, [*range(old.vocab_size), *[-1] * (new.vocab_size - old.vocab_size)], old, new)
    how = WechselOptions(
        texts=(str(texts),), source="eng_Latn", target="swh_Latn", dictionary=str(dictionary), min_count=2,
        pieces=pieces, **QUICK,
    )  # fmt: skip
    made = wechsel(asked, how)
    sides = []
    for lang, tokenizer in (("eng_Latn", old), ("swh_Latn", new)):
        own = pa.array(sorted(text for _, one, text in rows(("eng_Latn", "swh_Latn"), 12) if one == lang))
        embed = EmbedOptions(model="cbow", dim=4, epoch=1, min_count=2, minn=5, maxn=5, seed=2)
        parts = [
            "" if text is None or tokenizer.piece_kinds[number] == CONTROL else text.strip().lower()
            for number, text in enumerate(tokenizer.piece_texts())
        ]
        vectors, by_parts = train_with_parts(own, embed, parts=parts)
        by_words = slow_piece_vectors(tokenizer, vectors.words, vectors.matrix.astype(float), vectors.counts)
        sides.append((vectors, by_parts if pieces == "n-grams" else by_words))
    (one, of_old), (other, of_new) = sides
    pairs = [line.split("\t") for line in dictionary.read_text("utf-8").splitlines()]
    hits = [(one.words.index(a), other.words.index(b)) for a, b in pairs if a in one.words and b in other.words]
    assert len(hits) == 5  # no text has birds
    left, right = (side.matrix[[hit[at] for hit in hits]].astype(float) for at, side in enumerate((one, other)))
    u, _, v = np.linalg.svd(left.T @ right)
    weights, has = softmax_of_nearest(of_new[asked.wanted].astype(float), of_old.astype(float) @ u @ v, 10, 0.1)
    assert has.any()
    for name, matrix in matrices.items():
        got = made.matrices[name]
        np.testing.assert_allclose(
            got.values[torch.from_numpy(has)], (weights @ flat(matrix))[has], rtol=1e-5, atol=1e-7
        )
        assert (got.mixed, got.drawn) == (int(has.sum()), int((~has).sum()))
        assert torch.isfinite(got.values).all()
