"""Labels read, carried and written: by hand, by hypothesis against slow code, and damaged on purpose."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codeswitch.switch_helpers import direction, documents, index_of
from tests.rows import pairs
from tests.tags.label_checks import check_projected, check_switched
from tests.tags.label_helpers import LISTS, columns_of
from tests.tags.labels_slow import decode as slow_decode
from tests.tags.labels_slow import encode as slow_encode
from tests.tags.labels_slow import find_tokens
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.labels import carry_labels, columns_left_out
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN
from xlcorpus.tags.columns import label_columns
from xlcorpus.tags.options import ProjectOptions
from xlcorpus.tags.project import columns_to_project, project_pairs
from xlcorpus.tags.schemes import decode, encode
from xlcorpus.tags.tokens import join_tokens, place_tokens, units_of_text
from xlcorpus.text.codepoints import code_points

WORDS = ["Ana", "la", "casa", "de", "Нина", "дом", "北", "京", "ที่", "บ้าน", "9", ",", "don't", "नदी", "İzmir"]
TAGS = ["O", "B-PER", "I-PER", "E-PER", "S-LOC", "I-LOC", "B-LOC", "L-LOC", "U-PER", "M-PER", "NOUN", "_", None]
tokens_of = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9)
EVERYTHING = index_of(
    [
        *direction("eng_Latn", "deu_Latn", la="das", casa="Haus", de="von der"),
        *direction("eng_Latn", "deu_Latn", **{"Нина": "Nina", "北": "Nord", "ที่": "dort", "नदी": "Fluss", "дом": "家"}),
    ]
)


def listed(rows: list[list[Any] | None]) -> pa.Array:
    return pa.array(rows, LISTS)


@given(st.lists(st.tuples(tokens_of, st.lists(st.sampled_from(TAGS), max_size=10)), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_tags_as_the_slow_reader(rows: list[tuple[list[str], list[str | None]]]) -> None:
    tokens, tags = listed([one for one, _ in rows]), listed([two for _, two in rows])
    texts = join_tokens(tokens)
    points = code_points(texts)
    units = place_tokens(points, tokens)
    found = decode(units, tags)
    for number, (own, given_tags) in enumerate(rows):
        text, base = texts[number].as_py(), int(points.offsets[number])
        wanted = slow_decode(find_tokens(text, own), given_tags)
        mine = np.flatnonzero(found.spans.rows == number)
        starts, ends = found.spans.starts[mine] - base, found.spans.ends[mine] - base
        labels = found.spans.labels.take(pa.array(mine)).to_pylist()
        spans = list(zip(starts.tolist(), ends.tolist(), labels, found.spans.flat[mine].tolist(), strict=True))
        assert spans == wanted


@given(st.lists(tokens_of, min_size=1, max_size=3), st.sampled_from(["BIIB", "BIES", "BILU", "BMES"]))
@settings(max_examples=10, deadline=None)
def test_encoded_tags_decode_to_the_same(rows: list[list[str]], style: str) -> None:
    tokens = listed(rows)
    texts = join_tokens(tokens)
    tags = []
    for text, own in zip(texts.to_pylist(), rows, strict=True):
        places = find_tokens(text, own)
        spans = [
            (a, b, "X" if len(word) % 2 else "Y", False)
            for (a, b), word in zip(places, own, strict=True)
            if len(word) > 1
        ]
        tags.append(slow_encode(places, spans, style))
    units = place_tokens(code_points(texts), tokens)
    found = decode(units, listed(tags))
    again, damage = encode(units, found.spans, found.styles, found.outside, np.ones(len(rows), dtype=bool))
    assert again.to_pylist() == tags
    assert not damage
    assert not found.damage


def test_damage_is_counted_and_read_as_far_as_it_goes() -> None:
    tokens = listed([["a", "b"], ["a"], ["a", "zz"], ["a", "b"]])
    texts = pa.array(["a b", "a", "a b", "a b"])
    tags = listed([["O", "I-X", "B-X", "O"], [], ["B-X", "I-X"], ["B-X", "E-Y"]])
    found = decode(place_tokens(code_points(texts), tokens), tags)
    assert found.damage == {
        "more_tags_than_tokens": 1,
        "fewer_tags_than_tokens": 1,
        "token_not_in_text": 1,
        "inside_without_begin": 2,
        "span_without_end": 1,
    }
    assert found.spans.labels.to_pylist() == ["X", "X", "X", "Y"]


def test_spans_outside_of_the_text_are_left_out_and_counted() -> None:
    spans = [
        {"start": 0, "end": 3, "label": "A"},
        {"start": 2, "end": 99, "label": "A"},
        {"start": 4, "end": 4, "label": "A"},
    ]
    batch = documents(["die Katze", "die Katze"], "eng_Latn", entities=pa.array([spans, None]))
    index = index_of(direction("eng_Latn", "deu_Latn", katze="cat", Katze="cat"))
    rows, counts = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)
    assert rows["entities"].to_pylist() == [[{"start": 0, "end": 3, "label": "A"}], None]
    assert counts["label_damage"] == {"outside_of_the_text": 2}


@given(st.lists(tokens_of, min_size=1, max_size=4), st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_switched_words_as_the_slow_carrier(rows: list[list[str]], seed: int) -> None:
    texts = join_tokens(listed(rows)).to_pylist()
    batch = documents(texts, "eng_Latn", **columns_of(texts))
    switched = switch_words(batch, EVERYTHING, CodeswitchOptions(ratio=0.7), seed=seed).rows
    check_switched(batch, switched)


@st.composite
def aligned_pairs(draw: st.DrawFn) -> pa.RecordBatch:
    made, links = [], []
    for _ in range(draw(st.integers(1, 3))):
        sides = [join_tokens(listed([draw(tokens_of)]))[0].as_py() for _ in range(2)]
        sizes = [len(units_of_text(code_points(pa.array([side])))) for side in sides]
        pair = st.tuples(st.integers(0, sizes[0] - 1), st.integers(0, sizes[1] - 1))
        links.append([{"src": s, "tgt": t} for s, t in sorted(draw(st.sets(pair, max_size=8)))])
        made.append(tuple(sides))
    sides = columns_of([one for one, _ in made], "src_") | columns_of([two for _, two in made], "tgt_")
    return pairs(made, "eng_Latn", "deu_Latn", align=pa.array(links, ALIGN), **sides)


@given(aligned_pairs(), st.sampled_from(["contiguous", "longest", "strict"]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_projection_as_the_slow_follower(batch: pa.RecordBatch, method: str, own: bool) -> None:
    kept = [
        number
        for number, row in enumerate(batch.to_pylist())
        if all(link["src"] < _words(row["src"]) and link["tgt"] < _words(row["tgt"]) for link in row["align"])
    ]
    check_projected(batch.take(pa.array(kept, pa.int64())), method, own=own)


def _words(text: str) -> int:
    from xlcorpus.text.words import tokens

    return len(tokens(code_points(pa.array([text]))))


@given(aligned_pairs(), st.integers(0, 2))
@settings(max_examples=10, deadline=None)
def test_aligned_spans_as_the_slow_carrier(batch: pa.RecordBatch, seed: int) -> None:
    check_switched(batch, switch_spans(batch, CodeswitchOptions(operator="align-span"), seed=seed).rows, "tgt_")


def test_projection_by_hand() -> None:
    align = pa.array([[{"src": 0, "tgt": 2}, {"src": 1, "tgt": 1}, {"src": 3, "tgt": 4}]], ALIGN)
    batch = pairs([("New York is big.", "große, York Neu ist groß!")], "eng_Latn", "deu_Latn", align=align)
    columns = {
        "src_tokens": listed([["New", "York", "is", "big", "."]]),
        "src_tags": listed([["B-LOC", "I-LOC", "O", "S-ADJ", "O"]]),
    }
    for name, values in columns.items():
        batch = batch.append_column(name, values)
    (row,) = project_pairs(batch, ProjectOptions()).rows.to_pylist()
    assert row["tgt_tokens"] == ["große", ",", "York", "Neu", "ist", "groß", "!"]
    assert row["tgt_tags"] == ["O", "O", "B-LOC", "E-LOC", "O", "S-ADJ", "O"]
    assert row["pair_labels_lost"] == 0
    back = project_pairs(
        batch.drop_columns(["align"]).append_column("align", pa.array([[]], ALIGN)), ProjectOptions(lost="drop")
    )
    assert back.rows.num_rows == 0
    assert back.decisions is not None
    assert back.decisions.to_pylist()[0] | {"doc_id": None, "origin": None, "text": None} == {
        "doc_id": None, "step": "project", "reason": "labels_lost", "score": 2.0, "threshold": 0.0,
        "lang": "eng_Latn-deu_Latn", "origin": None, "text": None, "dup_of": None, "similarity": None,
    }  # fmt: skip


def test_links_outside_of_the_sentence_lose_the_labels_of_their_row() -> None:
    align = pa.array([[{"src": 0, "tgt": 0}, {"src": 0, "tgt": 9}]], ALIGN)
    batch = pairs(
        [("Ana", "Ana")],
        "eng_Latn",
        "deu_Latn",
        align=align,
        src_entities=pa.array([[{"start": 0, "end": 3, "label": "P"}]]),
    )
    result = project_pairs(batch, ProjectOptions())
    assert result.rows["tgt_entities"].to_pylist() == [[]]
    assert result.counts["label_damage"] == {"link_outside_of_the_sentence": 1}
    assert result.counts["label_spans_lost"] == {"deu_Latn\ttgt_entities\tP": 1}


def test_the_side_that_a_dictionary_switched_gives_the_labels() -> None:
    rows = [("the house", "das Haus")] * 8
    sides: dict[str, Any] = {"src_tokens": listed([["the", "house"]] * 8), "src_tags": listed([["O", "B-E"]] * 8)}
    sides |= {"tgt_tokens": listed([["das", "Haus"]] * 8), "tgt_tags": listed([["O", "B-D"]] * 8)}
    batch = pairs(
        rows,
        "eng_Latn",
        "deu_Latn",
        names=list("abcdefgh"),
        tags=listed([["B-Z"]] * 8),
        tokens=listed([["z"]] * 8),
        **sides,
    )
    both = [*direction("eng_Latn", "deu_Latn", house="Haus"), *direction("deu_Latn", "eng_Latn", Haus="house")]
    from xlcorpus.codeswitch.operators import DictWord

    operator = DictWord(CodeswitchOptions(dictionary=["x"]), 0, index_of(both))
    assert columns_left_out(batch.schema, pairs=True) == ["tokens", "tags"]
    made, _ = carry_labels(operator.switch(batch, keep_text=False).rows)
    found = {(row["cs_side"], tuple(row["tokens"]), tuple(row["tags"])) for row in made.to_pylist()}
    assert found == {("src", ("the", "Haus"), ("O", "B-E")), ("tgt", ("das", "house"), ("O", "B-D"))}
    assert made["src_tags"].to_pylist() == [["O", "B-E"]] * 8  # the sides keep theirs: their texts did not change


def test_numbers_of_a_class_label_stay_numbers() -> None:
    names = ["O", "B-LOC", "I-LOC"]
    feature = {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": {"ner_tags": feature, "text": {"dtype": "string"}}}})}
    tags = pa.array([[0, 1, 2], [7, -100, 0]], pa.list_(pa.int64()))
    batch = documents(
        ["in New York", "in New York"],
        "eng_Latn",
        names=["a", "b"],
        tokens=listed([["in", "New", "York"]] * 2),
        ner_tags=tags,
    )
    batch = batch.replace_schema_metadata(metadata)
    assert label_columns(batch.schema).names == {"ner_tags": tuple(names)}
    index = index_of(direction("eng_Latn", "fra_Latn", **{"in": "à la", "New": "Nouvelle"}))
    made, counts = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)
    assert made["tokens"].to_pylist()[0] == ["à", "la", "Nouvelle", "York"]
    assert made["ner_tags"].to_pylist() == [[0, 0, 1, 2], [None, None, None, 0]]  # of nothing nothing is said
    assert made["ner_tags"].type == pa.list_(pa.int64())
    assert counts["label_damage"] == {"tag_number_without_a_name": 1}


@pytest.mark.parametrize(
    ("names", "given_tags", "wanted"),
    [
        (["O", "I-LOC"], [0, 1, 1], [0, 1, 1, 1]),  # no B among the names: none is written
        (["O", "B-LOC", "M-LOC", "E-LOC", "S-LOC"], [0, 1, 3], [0, 1, 2, 3]),
        (["O", "B-LOC", "L-LOC", "I-LOC", "U-LOC"], [0, 1, 2], [0, 1, 3, 2]),
    ],
)
def test_tags_are_written_in_the_style_of_the_names(names: list[str], given_tags: list[int], wanted: list[int]) -> None:
    feature = {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": {"ner_tags": feature}}})}
    tags = pa.array([given_tags], pa.list_(pa.int64()))
    batch = documents(["in New York"], "eng_Latn", tokens=listed([["in", "New", "York"]]), ner_tags=tags)
    index = index_of(direction("eng_Latn", "fra_Latn", New="Nouvelle Grande"))
    rows = switch_words(batch.replace_schema_metadata(metadata), index, CodeswitchOptions(ratio=1)).rows
    assert carry_labels(rows)[0]["ner_tags"].to_pylist() == [wanted]


def test_nothing_is_not_outside() -> None:
    """Tokens without a tag are not O in the other text: not after a switch, not after translation, not in a pack."""
    tokens, tags = ["Ana", "sees", "old", "York"], ["B-PER", None, "_", "O"]
    batch = documents(["Ana sees old York"], "eng_Latn", tokens=listed([tokens]), tags=listed([tags]))
    index = index_of(direction("eng_Latn", "deu_Latn", sees="sieht an", York="Jork"))
    made, _ = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)
    assert made["tokens"].to_pylist() == [["Ana", "sieht", "an", "old", "Jork"]]
    assert made["tags"].to_pylist() == [["B-PER", None, None, None, "O"]]
    links = [{"src": 0, "tgt": 2}, {"src": 1, "tgt": 1}, {"src": 3, "tgt": 3}]
    side = {"src_tokens": listed([tokens]), "src_tags": listed([tags])}
    batch = pairs(
        [("Ana sees old York", "eben sieht Ana Jork")], "eng_Latn", "deu_Latn", align=pa.array([links], ALIGN), **side
    )
    assert project_pairs(batch, ProjectOptions()).rows["tgt_tags"].to_pylist() == [["O", None, "B-PER", "O"]]


def test_what_spans_say_of_their_text_is_new_and_numbers_of_tokens_are_none() -> None:
    span = {"start": 4, "end": 9, "mention": "house", "text": "N", "label": "E", "token_start": 1, "token_end": 2}
    batch = documents(["the house"], "eng_Latn", entities=pa.array([[span]]))
    index = index_of(direction("eng_Latn", "deu_Latn", the="dieses", house="Haus"))
    ((found,),) = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)[0]["entities"].to_pylist()
    assert found == {
        "start": 7, "end": 11, "mention": "Haus", "text": "Haus", "label": "E", "token_start": None, "token_end": None,
    }  # fmt: skip


def test_what_goes_by_the_old_words_is_left_out() -> None:
    batch = documents(
        ["the house"], "eng_Latn", tokens=listed([["the", "house"]]), head=pa.array([[2, 0]]), tags=listed([["D", "N"]])
    )
    index = index_of(direction("eng_Latn", "deu_Latn", house="Haus"))
    made, _ = carry_labels(switch_words(batch, index, CodeswitchOptions(ratio=1)).rows)
    assert "head" not in made.schema.names
    assert made["tags"].to_pylist() == [["D", "N"]]


def test_tags_of_web_pages_are_no_tags_of_tokens() -> None:
    batch = documents(["the house"], "eng_Latn", tags=listed([["news", "sport"]]))
    index = index_of(direction("eng_Latn", "deu_Latn", house="Haus"))
    switched = switch_words(batch, index, CodeswitchOptions(ratio=1)).rows
    assert carry_labels(switched) == (switched, {})
    assert not label_columns(batch.schema)


def test_pairs_without_labels_or_with_labels_at_both_sides_are_refused() -> None:
    batch = pairs([("a", "b")], "eng_Latn", "deu_Latn", align=pa.array([[]], ALIGN))
    with pytest.raises(UserError, match="holds labels of src"):
        columns_to_project(batch.schema, "src")
    spans = pa.array([[{"start": 0, "end": 1, "label": "x"}]])
    with pytest.raises(UserError, match="'tgt_entities' is in this batch already"):
        columns_to_project(
            batch.append_column("src_entities", spans).append_column("tgt_entities", spans).schema, "src"
        )


def test_no_rows() -> None:
    batch = documents(["the house"], "eng_Latn", **columns_of(["the house"]))
    index = index_of(direction("eng_Latn", "deu_Latn", house="Haus"))
    switched = switch_words(batch, index, CodeswitchOptions(ratio=1)).rows
    made, _ = carry_labels(switched)
    assert carry_labels(switched.slice(0, 0))[0].schema == made.schema


@pytest.mark.parametrize(
    ("method", "wanted"), [("contiguous", (0, 13)), ("longest", (8, 13)), ("strict", None)], ids=lambda one: str(one)
)
def test_words_apart_by_each_method(method: Any, wanted: tuple[int, int] | None) -> None:
    links = [{"src": 0, "tgt": 0}, {"src": 0, "tgt": 4}, {"src": 0, "tgt": 6}, {"src": 1, "tgt": 2}]
    spans = pa.array([[{"start": 0, "end": 3, "label": "P"}]])
    given = [("Ana b", "a b c d e f g")]
    batch = pairs(given, "eng_Latn", "deu_Latn", align=pa.array([links], ALIGN), src_entities=spans)
    (found,) = project_pairs(batch, ProjectOptions(method=method)).rows["tgt_entities"].to_pylist()
    assert [(one["start"], one["end"]) for one in found] == ([] if wanted is None else [wanted])
