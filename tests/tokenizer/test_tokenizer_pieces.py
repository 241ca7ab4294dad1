"""Texts and special ids in turn: each text is cut as by itself, and tokens are trained on where they touch a part."""

from __future__ import annotations

import itertools
import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from tests.tokenizer.odd_strings import odd_texts
from tests.tokenizer.tokenizer_helpers import HARD_TEXTS, WORDS, train_model
from xlcorpus.text.ragged import offsets_of
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.pieces import TEXT, Pieces, with_around


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> list[Tokenizer]:
    folder = tmp_path_factory.mktemp("pieces")
    found: list[Tokenizer] = [open_tokenizer("bytes")]
    for name, more in (("plain", {}), ("nfkc", {"normalization": "nfkc", "vocab_size": 541})):
        path = train_model(folder, name, tuple(WORDS), **{"vocab_size": 650, **more})
        found.append(open_tokenizer(path))
        write_folder(found[-1].model, found[-1], path.with_suffix(".hf"))  # type: ignore[attr-defined]
        found.append(open_tokenizer(path.with_suffix(".hf")))
    return found


def pieces_of(rows: list[list[str | int]], trained: list[list[bool]] | None = None) -> Pieces:
    flat = [one for row in rows for one in row]
    return Pieces(
        pa.array([one if isinstance(one, str) else "" for one in flat], pa.string()),
        np.array([TEXT if isinstance(one, str) else one for one in flat], dtype=np.int32),
        offsets_of(np.array([len(row) for row in rows], dtype=np.int64)),
        None if trained is None else np.array([one for row in trained for one in row], dtype=bool),
    )


def test_each_text_between_special_ids_is_cut_by_itself(kinds: list[Tokenizer]) -> None:
    texts = [*HARD_TEXTS, *odd_texts(random.Random(5), 60)]
    three = zip(texts, texts[1:], texts[2:], strict=False)
    rows: list[list[str | int]] = [[one, 1, other, third] for one, other, third in three]
    for tokenizer in kinds:
        found = tokenizer.encode_pieces(pieces_of([*rows, [], [1, 1], [""]]))
        for number, (one, _, other, third) in enumerate(rows):
            cut = [
                tokenizer.encode_batch(pa.array([text], pa.string()))[0].tolist() for text in (one, f"{other}{third}")
            ]
            assert found.ids[found.offsets[number] : found.offsets[number + 1]].tolist() == [*cut[0], 1, *cut[1]]
        assert np.diff(found.offsets)[-3:].tolist() == [0, 2, len(tokenizer.encode_batch(pa.array([""]))[0])]


def test_a_token_that_touches_what_is_trained_on_is(kinds: list[Tokenizer]) -> None:
    texts = ["the river ", "carries 😀", "雨が", " Fluss трава", "é①"]
    flags = [[False, True, False, True, True, True], [True], [False]]
    for tokenizer in kinds:
        found = tokenizer.encode_pieces(pieces_of([[*texts, 1], [texts[1]], [texts[0]]], flags))
        assert found.trained is not None
        first, second, third = (slice(*pair) for pair in pairwise(found.offsets.tolist()))
        ids, trained = found.ids[first], found.trained[first]
        assert (ids[-1], trained[-1]) == (1, True)
        loud, quiet = tokenizer.decode(ids[trained][:-1]), tokenizer.decode(ids[~trained])
        for word in ("carries", "😀", "Fluss", "трава"):
            assert word in loud
            assert word not in quiet
        for word in ("river", "雨が"):
            assert word in quiet
            assert word not in loud
        assert found.trained[second].all()
        assert not found.trained[third].any()


def test_bytes_are_trained_on_exactly() -> None:
    found = open_tokenizer("bytes").encode_pieces(pieces_of([["ab", "😀", "c"]], [[False, True, False]]))
    assert found.trained is not None
    assert found.trained.tolist() == [False] * 2 + [True] * 4 + [False]


def test_what_an_objective_puts_around_rows() -> None:
    rows = pieces_of([["a"], [7, "b"], ["c", 8], [9], []], [[True], [False, True], [True, False], [True], []])
    found = with_around(rows, (1, 2), (3,))
    bounds = found.offsets.tolist()
    shown = [
        text if special == TEXT else special
        for text, special in zip(found.texts.to_pylist(), found.specials.tolist(), strict=True)
    ]
    assert [shown[start:end] for start, end in itertools.pairwise(bounds)] == [
        [1, 2, "a", 3], [7, "b", 3], [1, 2, "c", 8], [9], [],
    ]  # fmt: skip
    assert found.trained is not None
    assert found.trained.tolist() == [True] * 4 + [False, True, True] + [True, True, True, False] + [True]
    assert with_around(rows, (), ()) is rows
