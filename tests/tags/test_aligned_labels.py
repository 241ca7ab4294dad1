"""Labelled spans and align_span: switched as a whole or left alone, and found again inside of a switched stretch."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.rows import pairs
from tests.tags.label_helpers import LISTS
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.labels import carry_labels
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.dataset.features import features_of
from xlcorpus.pairs.side_tokens import ALIGN

TARGET = ["Сегодня", "утром", "Анна", "Ивановна", "видела", "старый", "Нью", "Йорк"]
TAGS = ["O", "O", "B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC"]
SOURCE = ["this", "morning", "Anna", "Ivanovna", "saw", "old", "New", "York"]
SPAN = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]))


def rows(**columns: Any) -> pa.RecordBatch:
    links = [{"src": at, "tgt": at} for at in range(8)]
    made = [(" ".join(SOURCE), " ".join(TARGET))] * 60
    names = [f"row {number}" for number in range(60)]
    given = {name: pa.array([values] * 60, kind) for name, (values, kind) in columns.items()}
    return pairs(made, "eng_Latn", "rus_Cyrl", names=names, align=pa.array([links] * 60, ALIGN), **given)


def switched(batch: pa.RecordBatch, **options: Any) -> tuple[list[dict[str, Any]], int]:
    made, counts = carry_labels(switch_spans(batch, CodeswitchOptions(operator="align-span", **options)).rows)
    return made.to_pylist(), sum(counts["label_spans_lost"].values())


def test_names_are_switched_as_a_whole_or_left_alone() -> None:
    batch = rows(tgt_tokens=(TARGET, LISTS), tgt_tags=(TAGS, LISTS))
    found, lost = switched(batch)
    assert lost == 0
    forms = set()
    for row in found:
        assert row["tags"] == TAGS  # the words have the order of the target, so the labels do
        for words in ((2, 3), (6, 7)):
            name = tuple(row["tokens"][at] for at in words)
            assert name in {tuple(side[at] for at in words) for side in (SOURCE, TARGET)}
            forms.add(name)
    assert len(forms) == 4
    parts = {tuple(row["tokens"][2:4]) for row in switched(batch, cut_labels=True)[0]}
    assert ("Anna", "Ивановна") in parts


def test_names_inside_of_a_stretch_are_found_by_their_links() -> None:
    span = {"start": 14, "end": 27, "label": "PER"}
    batch = rows(tgt_entities=([span], SPAN))
    found, lost = switched(batch, projected_share=1, span_share=1)
    assert lost == 0
    inside = 0
    for row in found:
        (entity,) = row["entities"]
        name = row["cs_source"][entity["start"] : entity["end"]]
        assert name in ("Anna Ivanovna", "Анна Ивановна")
        inside += any(len(one["src_token"].split()) > 2 and "Анна" in one["src_token"] for one in row["cs_spans"])
    assert inside > 5


def test_numbers_of_a_class_label_hold_words_together() -> None:
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    batch = rows(tgt_tokens=(TARGET, LISTS), tgt_tags=([names.index(tag) for tag in TAGS], pa.list_(pa.int64())))
    feature = {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "List"}
    metadata = {"huggingface": json.dumps({"info": {"features": {"tgt_tags": feature}}})}
    features, _ = features_of([batch.schema.with_metadata(metadata)])
    result = switch_spans(batch, CodeswitchOptions(operator="align-span"), features=features)
    made, counts = carry_labels(result.rows, features)
    assert sum(counts["label_spans_lost"].values()) == 0
    assert made["tags"].to_pylist() == [TAGS] * made.num_rows


@pytest.mark.parametrize("label", [None, "X"])
def test_a_label_of_the_whole_sentence_leaves_it_alone(label: str | None) -> None:
    batch = rows(tgt_entities=([{"start": 0, "end": len(" ".join(TARGET)), "label": label}], SPAN))
    result = switch_spans(batch, CodeswitchOptions(operator="align-span"))
    assert result.decisions is not None
    assert result.decisions["reason"].to_pylist() == ["no_switch"] * 60
    assert switched(batch, cut_labels=True)[1] == 0
