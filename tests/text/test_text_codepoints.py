"""A batch as code points, and its normalisation, against Python's own strings."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.text.text_reference import ARTICLE_ONE, texts
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints, code_points, string_buffers
from xlcorpus.text.normalize import collapse_whitespace, normalize_for_matching
from xlcorpus.text.ragged import sum_segments

KINDS = (pa.string(), pa.large_string())


def decoded(points: CodePoints) -> list[list[int]]:
    return [points.codes[a:b].tolist() for a, b in pairwise(points.offsets)]


def expected(values: list[str | None]) -> list[list[int]]:
    return [[ord(character) for character in value or ""] for value in values]


@given(st.lists(st.none() | texts(30), max_size=8), st.sampled_from(KINDS))
def test_code_points_are_pythons(values: list[str | None], kind: pa.DataType) -> None:
    points = code_points(pa.array(values, kind))
    assert decoded(points) == expected(values)
    assert points.codes.dtype == np.uint32
    assert len(points) == len(values)
    assert points.lengths.tolist() == [len(value or "") for value in values]
    assert points.rows.tolist() == [row for row, value in enumerate(values) for _ in value or ""]


@given(st.lists(st.none() | texts(10), min_size=1, max_size=8), st.data(), st.sampled_from(KINDS))
def test_slices_of_arrays_are_their_own_texts(values: list[str | None], data: st.DataObject, kind: pa.DataType) -> None:
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    whole = pa.array(values, kind)
    assert decoded(code_points(whole[start:stop])) == expected(values[start:stop])
    view, offsets = string_buffers(whole[start:stop])
    cut = [bytes(view[a:b]).decode() for a, b in pairwise(offsets.tolist())]
    assert cut == [value or "" for value in values[start:stop]]


def test_chunked_and_empty_arrays() -> None:
    chunked = pa.chunked_array([["ab", None], [], ["हिन्दी", "𠀀"]], pa.string())
    assert decoded(code_points(chunked)) == expected(["ab", None, "हिन्दी", "𠀀"])
    for nothing in (pa.array([], pa.string()), pa.array(["abc"]).slice(1), pa.chunked_array([], pa.string())):
        points = code_points(nothing)
        assert len(points) == 0
        assert points.codes.tolist() == []
    assert decoded(code_points(pa.array(["", None, ""]))) == [[], [], []]


def test_every_code_point_survives() -> None:
    every = [chr(code) for code in range(CODE_SPACE) if not 0xD800 <= code < 0xE000]
    found = code_points(pa.array(["".join(every[:5000]), "".join(every[5000:])]))
    assert found.offsets.tolist() == [0, 5000, len(every)]
    assert (found.codes == np.array([ord(character) for character in every])).all()


@given(st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=6), st.sampled_from([np.int32, np.float32]))
def test_sum_segments_is_a_sum_a_segment(segments: list[list[int]], kind: type) -> None:
    offsets = np.concatenate([[0], np.cumsum([len(segment) for segment in segments])]).astype(np.int64)
    values = np.array([value for segment in segments for value in segment], dtype=kind)
    assert sum_segments(values, offsets).tolist() == [sum(segment) for segment in segments]


def test_sum_per_text_counts_without_wrapping() -> None:
    points = code_points(pa.array(["a" * 300, "", "b" * 70_000]))
    assert points.sum_per_text(np.ones(len(points.codes), dtype=np.uint8)).tolist() == [300, 0, 70_000]
    assert points.sum_per_text(points.codes == ord("a")).tolist() == [300, 0, 0]


@given(texts())
def test_white_space_of_any_kind_collapses(text: str) -> None:
    assert collapse_whitespace(pa.array([text, None])).to_pylist() == [regex.sub(r"\s+", " ", text).strip(" "), None]


def test_every_white_space_character_collapses() -> None:
    spaces = regex.findall(r"\s", "".join(chr(code) for code in range(0x3001)))
    assert {" ", "\u00a0", "\u0085", "\u2028", "\u3000", "\v"} <= set(spaces)
    given_texts = [f"{space}a{space}{space} b{space}" for space in spaces]
    assert set(collapse_whitespace(pa.array(given_texts)).to_pylist()) == {"a b"}
    assert collapse_whitespace(pa.array(["a\u200bb\u200cc\u0000d"])).to_pylist() == ["a\u200bb\u200cc\u0000d"]


@pytest.mark.parametrize("script", ARTICLE_ONE)
def test_matching_form_is_composed_and_lower_case(script: str) -> None:
    text = ARTICLE_ONE[script]
    found = normalize_for_matching(pa.array([text, unicodedata.normalize("NFD", text), text.upper()])).to_pylist()
    assert found[0] == found[1] == unicodedata.normalize("NFC", text).lower()
    if script not in ("Grek", "Geor", "Cher"):  # upper case drops accents, and small Cherokee letters are the odd ones
        assert found[2] == found[0]


def test_matching_form_keeps_combining_marks_and_nulls() -> None:
    assert normalize_for_matching(pa.array(["ก้ाQ\u0323\u0307", None])).to_pylist() == ["ก้ाq\u0323\u0307", None]
