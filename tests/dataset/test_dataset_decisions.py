"""Decision and reject rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.dataset.dataset_helpers import documents
from tests.rows import doc_id
from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.decisions import DECISION, REJECT, decide, empty, reject
from xlcorpus.dataset.schema import load_schema

ROWS = documents(["Habari", "你好"], lang=pa.array(["swh_Latn", None]))


def test_a_decision_names_document_step_reason_and_origin() -> None:
    found = decide(ROWS, "filter", "n_words_below")
    assert found.schema.equals(load_schema("decision").arrow)
    assert found.to_pylist() == [
        {
            "doc_id": doc_id("swh_Latn/0"),
            "step": "filter",
            "reason": "n_words_below",
            "score": None,
            "threshold": None,
            "lang": "swh_Latn",
            "origin": {"file": "swh_Latn/0", "offset": 0},
            "dup_of": None,
            "similarity": None,
            "text": None,
        },
        {
            **dict.fromkeys(DECISION.names),
            "doc_id": doc_id("/1"),
            "step": "filter",
            "reason": "n_words_below",
            "origin": {"file": "/1", "offset": 0},
        },
    ]


@pytest.mark.parametrize("threshold", [3, 3.0, np.array([3.0, 3.0]), pa.array([3, 3]), np.float64(3)])
def test_scores_and_thresholds_of_any_kind(threshold: object) -> None:
    scores = np.array([1, 2], dtype=np.int32)
    found = decide(ROWS, "filter", pa.array(["a", "b"]), score=scores, threshold=threshold)  # type: ignore[arg-type]
    assert found.column("score").to_pylist() == [1.0, 2.0]
    assert found.column("threshold").to_pylist() == [3.0, 3.0]
    assert found.column("reason").to_pylist() == ["a", "b"]
    assert found.schema.equals(DECISION)


def test_duplicates_name_the_document_they_repeat() -> None:
    kept = pa.array([b"k" * 16] * 2, pa.binary(16))
    found = decide(ROWS, "dedup", "near_duplicate", dup_of=kept, similarity=np.array([0.5, 1]), keep_text=True)
    assert found.column("dup_of").to_pylist() == [b"k" * 16] * 2
    assert found.column("similarity").to_pylist() == [0.5, 1.0]
    assert found.column("text").to_pylist() == ["Habari", "你好"]


def test_documents_without_language_and_batches_without_rows() -> None:
    bare = ROWS.drop_columns(["lang"])
    assert decide(bare, "filter", "x").column("lang").to_pylist() == [None, None]
    for rows in (decide(ROWS.slice(0, 0), "filter", "x", threshold=1.0), empty(DECISION)):
        assert rows.num_rows == 0
        assert rows.schema.equals(DECISION)
    assert column_or_null(bare, "lang", pa.int32()).to_pylist() == [None, None]


def test_a_reject_says_what_was_wrong_and_quotes_200_characters() -> None:
    rows = documents(["文" * 300, "short"])
    found = reject(rows, "score", ["invalid_utf8", "too_deep"], ["byte 3", "level 99"])
    assert found.schema.equals(load_schema("reject").arrow)
    assert found.schema.equals(REJECT)
    assert found.column("excerpt").to_pylist() == ["文" * 200, "short"]
    assert found.column("reason").to_pylist() == ["invalid_utf8", "too_deep"]
    assert found.column("message").to_pylist() == ["byte 3", "level 99"]
    assert found.column("step").to_pylist() == ["score"] * 2
    assert found.column("origin").to_pylist() == rows.column("origin").to_pylist()
    assert reject(rows.drop_columns(["text"]), "s", ["a", "b"], ["c", "d"]).column("excerpt").null_count == 2
