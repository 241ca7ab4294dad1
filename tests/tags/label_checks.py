"""Checks that every projection passes: the same labels by slow code, nothing lost without a count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tests.tags.labels_slow import Place, Span, Switched, decode, encode, find_tokens, follow
from xlcorpus.codeswitch.labels import LOST, carry_labels
from xlcorpus.tags.options import ProjectOptions
from xlcorpus.tags.project import project_pairs
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import tokens

LABELS = ("ner_tags", "pos_tags", "entities")


def _spans(name: str, value: Any, places: Sequence[Place | None]) -> list[Span]:
    if name == "entities":
        return [(one["start"], one["end"], one["label"], False) for one in value]
    return decode(places, value)


def _written(name: str, spans: Sequence[Span], units: Sequence[Place], text: str) -> list[Any]:
    if name == "entities":
        return [{"start": a, "end": b, "label": label, "text": text[a:b]} for a, b, label, _ in spans]
    return list(encode(units, spans, outside="O" if name == "ner_tags" else None))


def check_switched(given: pa.RecordBatch, switched: pa.RecordBatch, prefix: str = "") -> tuple[int, int]:
    """Labels of switched rows against slow code; how many there were, and how many had no place."""
    rows, counts = carry_labels(switched)
    rows.validate(full=True)
    originals = {row["doc_id"]: row for row in given.to_pylist()}
    every, lost = 0, 0
    for row in rows.to_pylist():
        was = originals[row["doc_id"]]
        slow = Switched(row["cs_source"], row["cs_target"], row["cs_spans"])
        places = find_tokens(row["cs_target"], was[f"{prefix}tokens"])
        units = slow.tokens(places)
        assert row["tokens"] == [row["cs_source"][start:end] for start, end in units]
        gone = 0
        for name in (one for one in LABELS if f"{prefix}{one}" in was):
            spans = _spans(name, was[f"{prefix}{name}"], places)
            carried, missed = slow.carry(spans)
            gone, every = gone + len(missed), every + len(spans)
            assert row[name] == _written(name, carried, units, row["cs_source"])
        assert row[LOST] == gone
        lost += gone
    assert sum(counts["label_spans_lost"].values()) == lost
    assert sum(counts["label_spans"].values()) == every
    return every, lost


def check_projected(batch: pa.RecordBatch, method: Any, *, own: bool = True) -> tuple[int, int]:
    """Labels of src given to tgt, against slow code; own: with the tokens that tgt has. How many there were, and how
    many had no place."""
    theirs = [name for name in batch.schema.names if name.startswith("tgt_") and name != "tgt_lang"]
    kept = [name for name in batch.schema.names if name not in theirs or (own and name == "tgt_tokens")]
    result = project_pairs(batch.select(kept), ProjectOptions(method=method))
    result.rows.validate(full=True)
    every, lost = 0, 0
    for row in result.rows.to_pylist():
        one, two = (tokens(code_points(pa.array([row[side]]))) for side in ("src", "tgt"))
        source, target = (list(zip(side.starts.tolist(), side.ends.tolist(), strict=True)) for side in (one, two))
        links = [(link["src"], link["tgt"]) for link in row["align"] or []]
        places = find_tokens(row["src"], row["src_tokens"])
        into = find_tokens(row["tgt"], row["tgt_tokens"])
        assert None not in into
        gone = 0
        for name in LABELS:
            spans = _spans(name, row[f"src_{name}"], places)
            followed = follow(spans, source, target, links, method)
            there = sorted((span for span in followed if span is not None), key=lambda span: (span[0], -span[1]))
            gone, every = gone + followed.count(None), every + len(spans)
            assert row[f"tgt_{name}"] == _written(name, there, [place for place in into if place], row["tgt"])
        assert row["pair_labels_lost"] == gone
        lost += gone
    assert sum(result.counts["label_spans_lost"].values()) == lost
    return every, lost
