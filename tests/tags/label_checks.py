"""Checks that every projection passes: the same labels by slow code, nothing lost without a count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tests.tags.labels_slow import Place, Span, Switched, decode, encode, find_tokens, follow
from xlcorpus.codeswitch.labels import FROM, LOST, carry_labels
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
    assert not [name for name in rows.schema.names if name.startswith("__")]
    originals = {row["doc_id"]: row for row in given.to_pylist()}
    begins = switched[FROM].to_pylist() if FROM in switched.schema.names else [None] * switched.num_rows
    every, lost = 0, 0
    for row, first in zip(rows.to_pylist(), begins, strict=True):
        was = originals[row["doc_id"]]
        slow = Switched(row["cs_source"], row["cs_target"], row["cs_spans"])
        places = find_tokens(row["cs_target"], was[f"{prefix}tokens"])
        units = slow.tokens(places)
        assert row["tokens"] == [row["cs_source"][start:end] for start, end in units]
        gone = 0
        for name in (one for one in LABELS if f"{prefix}{one}" in was):
            spans = _spans(name, was[f"{prefix}{name}"], places)
            carried, missed = slow.carry(spans)
            if first is not None:
                found = _by_links(row, slow, first, missed)
                missed = [span for span, there in zip(missed, found, strict=True) if there is None]
                carried = _in_order(spans, slow, [*zip(_missed(slow, spans), found, strict=True)])
            gone, every = gone + len(missed), every + len(spans)
            assert row[name] == _written(name, carried, units, row["cs_source"])
        assert row[LOST] == gone
        lost += gone
    assert sum(counts["label_spans_lost"].values()) == lost
    assert sum(counts["label_spans"].values()) == every
    return every, lost


def _missed(slow: Switched, spans: Sequence[Span]) -> list[int]:
    """Which spans no edit carries."""
    missed = slow.carry(spans)[1]
    return [number for number, span in enumerate(spans) if any(span is one for one in missed)]


def _in_order(spans: Sequence[Span], slow: Switched, others: Sequence[tuple[int, Span | None]]) -> list[Span]:
    """Those that edits carry and the others that are found, by place and then by their own order."""
    found = dict(others)
    places = [found[number] if number in found else slow.place(span) for number, span in enumerate(spans)]
    return sorted((place for place in places if place is not None), key=lambda span: (span[0], -span[1]))


def _by_links(row: dict[str, Any], slow: Switched, first: Sequence[int], spans: Sequence[Span]) -> list[Span | None]:
    """Where labels inside of replaced stretches are by the links of their words: places of cs_source, or None."""
    one, other = (tokens(code_points(pa.array([row[side]]))) for side in ("src", "tgt"))
    source, target = (list(zip(side.starts.tolist(), side.ends.tolist(), strict=True)) for side in (one, other))
    back = [(link["tgt"], link["src"]) for link in row["align"]]
    edits = [
        next((n for n, (a, b) in enumerate(slow.edits) if a <= start and end <= b), None) for start, end, _, _ in spans
    ]
    whole = [span for span, edit in zip(spans, edits, strict=True) if edit is not None]
    followed = iter(follow(whole, target, source, back, "contiguous"))
    found: list[Span | None] = []
    for edit in edits:
        there = next(followed) if edit is not None else None
        if there is None or edit is None:
            found.append(None)
            continue
        new = row["cs_spans"][edit]
        assert row["src"][first[edit] :].startswith(new["new_token"])
        shift = row["cs_source"].index(new["new_token"], new["start"]) - first[edit]
        assert first[edit] <= there[0] < there[1] <= first[edit] + len(new["new_token"])
        found.append((there[0] + shift, there[1] + shift, *there[2:]))
    return found


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
