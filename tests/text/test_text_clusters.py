"""Grapheme clusters of a batch against those of the regex module, text by text."""

from __future__ import annotations

import pyarrow as pa
import regex
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.text.clusters import clusters
from xlcorpus.text.codepoints import code_points, strings_of

# Letters, marks, linkers, joiners, emoji, flags, Hangul jamo, controls: what the rules are about.
SIGNS = "aé\u0301क्षि\u094d\u200d\u200cกิ่ำเខ្មែក်္က낅한ᄒ\u1161\u11ab👩\ufe0f🇰🇭❤\r\n\u0600\u200b \u0bcdக་ཀྵ"
TEXTS = st.lists(st.one_of(st.text(st.sampled_from(SIGNS), max_size=12), st.text(max_size=8)), max_size=6)


@given(texts=TEXTS)
def test_clusters_are_those_of_the_annex(texts: list[str]) -> None:
    points = code_points(pa.array(texts, pa.string()))
    spans = clusters(points)
    whole = points.codes.tobytes().decode("utf-32-le")
    cut = [whole[start:end] for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    found = [cut[begin:end] for begin, end in zip(spans.offsets[:-1], spans.offsets[1:], strict=True)]
    assert found == [regex.findall(r"\X", text) for text in texts]


@given(texts=TEXTS)
def test_texts_come_back_from_code_points(texts: list[str]) -> None:
    points = code_points(pa.array(texts, pa.string()))
    assert strings_of(points.codes, points.offsets).to_pylist() == texts
