from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from xlcorpus.dataset.features import KEY, features_of, metadata_for, metadata_of, said_in

CLASSES = {"names": ["喜", "दुख", "anger"], "_type": "ClassLabel"}
IMAGE = {"_type": "Image"}
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def schema(features: dict[str, Any], **columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()), metadata={KEY: json.dumps({"info": {"features": features}}).encode()})


def said(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    return json.loads(metadata[KEY])["info"]["features"] if metadata else {}


def test_what_types_say_is_left_out() -> None:
    value = {"dtype": "string", "_type": "Value"}
    plain = {"a": value, "b": {"feature": value, "_type": "List"}, "c": {"x": value}, "d": [value]}
    more = {
        "label": CLASSES,
        "thumbs": {"feature": IMAGE, "_type": "Sequence"},
        "scene": {"x": value, "picture": IMAGE},
    }
    assert set(said_in(schema({**plain, **more}).metadata)) == set(more)


def test_large_types_become_the_small_ones_that_ingest_makes() -> None:
    large = {"caption": {"dtype": "large_string", "_type": "Value"}, "shots": {"feature": IMAGE, "_type": "LargeList"}}
    found = json.loads(said_in(schema({"scene": large}).metadata)["scene"])
    small = {"caption": {"dtype": "string", "_type": "Value"}, "shots": {"feature": IMAGE, "_type": "List"}}
    assert found == small


@pytest.mark.parametrize(
    "metadata", [None, {}, {KEY: b"{"}, {KEY: b"[]"}, {KEY: b'{"info": {"features": [1]}}'}, {KEY: b'{"info": null}'}]
)
def test_metadata_of_no_known_form_says_nothing(metadata: dict[bytes, bytes] | None) -> None:
    assert said_in(metadata) == {}


def test_inputs_that_agree_and_inputs_that_do_not() -> None:
    first = schema({"label": CLASSES, "image": IMAGE}, label=pa.int64(), image=PICTURE)
    other = {"names": ["joy", "anger"], "_type": "ClassLabel"}
    without = pa.schema([("image", pa.null()), ("text", pa.string())])
    features, remarks = features_of([first, without])
    assert {name: json.loads(one.said) for name, one in features.items()} == {"label": CLASSES, "image": IMAGE}
    assert not remarks
    features, remarks = features_of([first, schema({"label": other, "image": IMAGE}, label=pa.int64(), image=PICTURE)])
    assert set(features) == {"image"}
    assert len(remarks) == 1
    assert "'label'" in remarks[0]
    features, remarks = features_of([first, pa.schema([("label", pa.int64())])])  # one that says nothing of it
    assert set(features) == {"image"}
    assert len(remarks) == 1


def test_what_files_of_one_ingest_do_not_agree_on_is_said() -> None:
    ingested = pa.schema([("label", pa.int64())], metadata=metadata_of({"label": None}))
    assert said(dict(ingested.metadata)) == {}
    features, remarks = features_of([ingested])
    assert not features
    assert "'label'" in remarks[0]


def test_of_a_column_of_lists_the_feature_is_a_sequence_and_of_another_type_nothing() -> None:
    scene = pa.struct([("picture", PICTURE)])
    features, _ = features_of(
        [schema({"label": CLASSES, "scene": {"picture": IMAGE}}, label=pa.int64(), scene=scene, other=pa.int64())]
    )
    same = metadata_for(features, [pa.field("label", pa.int64()), pa.field("other", pa.int64())])
    assert said(same) == {"label": CLASSES}
    lists = metadata_for(features, [pa.field("label", pa.list_(pa.int64())), pa.field("scene", pa.list_(scene))])
    assert said(lists) == {
        "label": {"feature": CLASSES, "length": -1, "_type": "Sequence"},
        "scene": {
            "feature": {"picture": IMAGE},
            "length": -1,
            "_type": "List",
        },
    }
    assert metadata_for(features, [pa.field("label", pa.string())]) == {}


def test_lists_that_are_no_longer_of_a_fixed_size_have_no_length() -> None:
    """`datasets` takes what is said of a column for nothing where its type is another one."""
    two = {"feature": CLASSES, "length": 2, "_type": "List"}
    fixed, free = pa.list_(pa.int64(), 2), pa.list_(pa.int64())
    said_of = {"two": two, "scene": {"two": two, "length": IMAGE}}
    kinds = {kind: {"two": kind, "scene": pa.struct([("two", kind), ("length", PICTURE)])} for kind in (fixed, free)}
    expected = {"two": {**two, "length": -1}, "scene": {"two": {**two, "length": -1}, "length": IMAGE}}
    for given, made, result in ((fixed, fixed, said_of), (fixed, free, expected), (free, free, expected)):
        features, _ = features_of([schema(said_of, **kinds[given])])
        assert said(metadata_for(features, [pa.field(*one) for one in kinds[made].items()])) == result
