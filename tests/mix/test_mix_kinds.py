"""A mix keeps what it mixes: rows of one kind are a dataset of it, those of several keep their own columns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import Shard, mix, named, pairs, switched
from tests.rows import doc_id, documents
from xlcorpus.beam.step import Step
from xlcorpus.dataset.kinds import CODESWITCH, DOCUMENT, KINDS, PAIR, RESTORE, TRANSLICO, kind_of_mix, rows_of_kind
from xlcorpus.dataset.schema import load_schema
from xlcorpus.mix.spec import parse_mix
from xlcorpus.pairs.side_tokens import ALIGN

ALL = parse_mix({"unit": "chars", "mix": {}})
SIDES = [("mvua inanyesha", "βρέχει"), ("ฝนตก", "下雨了"), ("बारिश", "rain")]


def of_schema(schema: str, values: dict[str, Any], count: int) -> Shard:
    """Rows of a view: the columns that its schema requires, some of them given."""
    fields = [field for field in load_schema(schema).fields if field.name in load_schema(schema).required]
    arrays = [pa.array(values.get(field.name, [None] * count), field.type) for field in fields]
    return schema, pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def to_restore(names: str = "abc", ratio: float = 0.5) -> Shard:
    count = len(names)
    values = {
        "doc_id": [doc_id(name) for name in names],
        "inputs": [f"mvua regnet {name}" for name in names],
        "targets": [f"mvua inanyesha {name}" for name in names],
        "lang": ["swh_Latn"] * count,
        "cs_langs": [["deu_Latn"]] * count,
        "cs_ratio": [ratio] * count,
        "cs_operator": ["dict_word"] * count,
    }
    return of_schema(RESTORE, values, count)


def romanised() -> Shard:
    """Two sentences of one document."""
    values = {
        "pair_id": [doc_id("one"), doc_id("two")],
        "text": ["ዝናብ", "ውሃ"],
        "text_latn": ["zenabe", "weha"],
        "lang": ["amh_Ethi"] * 2,
        "script": ["Ethi"] * 2,
        "doc_id": [doc_id("document")] * 2,
        "sentence": [0, 3],
    }
    return of_schema(TRANSLICO, values, 2)


def bitext() -> Shard:
    links = pa.array([[{"src": 0, "tgt": 0}], None, []], ALIGN)
    return pairs(SIDES, "swh_Latn", "ell_Grek", names=list("xyz"), align=links)


MIXED: dict[str, Shard] = {
    PAIR: bitext(),
    CODESWITCH: switched(
        ["watoto spielen"], ["watoto wanacheza"], "swh_Latn", src=pa.array(["a"]), tgt=pa.array(["b"])
    ),
    RESTORE: to_restore(),
    TRANSLICO: romanised(),
    DOCUMENT: documents(["neno"], ["swh_Latn"], text_latn=pa.array(["neno"])),
}
UNITS = {  # characters of both sides and of what parts them
    PAIR: sum(len(src) + 1 + len(tgt) for src, tgt in SIDES),
    CODESWITCH: len("watoto spielen"),
    RESTORE: sum(len(f"mvua regnet {name}\nmvua inanyesha {name}") for name in "abc"),
    TRANSLICO: len("ዝናብ\nzenabe") + len("ውሃ\nweha"),
    DOCUMENT: 4,
}


def test_the_kinds_are_those_of_this_file() -> None:
    assert set(MIXED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mix_of_one_kind_is_of_that_kind(tmp_path: Path, kind: str) -> None:
    _, given = named(MIXED[kind])
    found = mix(tmp_path, [MIXED[kind]], ALL)
    (made,) = found.documents
    load_schema(kind).check(made.schema, "the mix")
    assert sum(row["mix_units"] for row in found.rows) == UNITS[kind]
    left_out = {"text_latn"} if kind == DOCUMENT else set()
    assert set(given.schema.names) - set(made.schema.names) == left_out
    assert {"text", "lang", "kind", "mix_class", "mix_epoch", "mix_units"} <= set(made.schema.names)
    key = "pair_id" if kind == TRANSLICO else "doc_id"
    before = {row[key]: row for row in given.to_pylist()}
    for row in found.rows:
        for name in set(given.schema.names) & set(made.schema.names) - {"kind"}:
            assert row[name] == before[row[key]][name], name
    assert kind_of_mix([kind, kind]) == kind


def test_rows_of_several_kinds_are_what_they_were(tmp_path: Path) -> None:
    """And again in a mix of that mix, which counts the same."""
    first = mix(tmp_path / "first", list(MIXED.values()), ALL)
    assert kind_of_mix([PAIR, DOCUMENT]) == DOCUMENT
    second = mix(tmp_path / "second", list(first.documents), ALL)
    for number, found in enumerate([first, second]):
        (made,) = found.documents
        load_schema(DOCUMENT).check(made.schema, "the mix")
        counts = {kind: int(rows_of_kind(made, DOCUMENT, kind).sum()) for kind in KINDS if kind != DOCUMENT}
        assert counts == {PAIR: 3, CODESWITCH: 1, RESTORE: 3, TRANSLICO: 2}, number
        assert sum(rows_of_kind(made, DOCUMENT, kind).astype(int) for kind in counts).max() == 1
        assert sum(row["mix_units"] for row in found.rows) == sum(UNITS.values())
        assert Counter(row["kind"] for row in found.rows) == {"bi": 3, "cs": 1, "restore": 3, "translico": 2, "mono": 1}
        assert Counter(row["text"] for row in found.rows if row["kind"] == "translico") == {"ዝናብ": 1, "ውሃ": 1}
        (document,) = [row for row in found.rows if row["kind"] == "mono"]
        assert (document["text_latn"], document["src"], document["inputs"]) == (None, None, None)
        # What is put in counts for its own language: a half of the words of `inputs` (deu), "y" of the cs row (eng).
        languages = found.notes["languages"]
        put_in = sum(round(0.5 * len(f"mvua regnet {name}")) for name in "abc")
        assert languages["deu_Latn"] == put_in
        assert languages["eng_Latn"] == 1
        assert languages["ell_Grek"] > 0


def test_columns_of_documents_are_not_taken_for_those_of_pairs(tmp_path: Path) -> None:
    """src and tgt of documents that are no mix are the user's; alone they keep their names."""
    mine = documents(["neno"], ["swh_Latn"], src=pa.array(["p. 3"]), tgt=pa.array(["p. 4"]), sentence=pa.array(["a"]))
    (row,) = mix(tmp_path / "alone", [mine], ALL).rows
    assert (row["src"], row["tgt"], row["sentence"]) == ("p. 3", "p. 4", "a")
    found = mix(tmp_path / "beside", [mine, bitext(), romanised()], ALL)
    (row,) = [row for row in found.rows if row["kind"] == "mono"]
    assert (row["src"], row["input_src"], row["input_tgt"], row["input_sentence"]) == (None, "p. 3", "p. 4", "a")
    assert rows_of_kind(found.documents[0], DOCUMENT, PAIR).sum() == 3


@pytest.mark.parametrize("directions", ["both", "swapped", "into=swh_Latn", "from=swh_Latn"])
def test_pairs_either_way_round(tmp_path: Path, directions: str) -> None:
    spec = parse_mix({"unit": "chars", "mix": {"by": "direction", "rule": "proportional"}})
    found = mix(tmp_path, [bitext()], spec, directions=directions)
    ways = Counter((row["lang"], row["swapped"]) for row in found.rows)
    as_is, turned = ("swh_Latn-ell_Grek", False), ("ell_Grek-swh_Latn", True)
    asked = {"both": [as_is, turned], "swapped": [turned], "into=swh_Latn": [turned], "from=swh_Latn": [as_is]}
    assert ways == dict.fromkeys(asked[directions], 3)
    assert len({row["doc_id"] for row in found.rows}) == len(found.rows)
    assert [account[:2] for account in found.accounts] == [(3, 3)]
    for row in found.rows:
        assert row["lang"] == f"{row['src_lang']}-{row['tgt_lang']}"
        assert row["text"] == f"{row['src']}\n{row['tgt']}"
        assert ((row["src"], row["tgt"]) in SIDES) != row["swapped"]
    # As any input: a mix of such a mix has each row once, and swapped once more the first rows come back.
    again = mix(tmp_path / "again", [(PAIR, batch) for batch in found.documents], spec, directions="swapped")
    assert len(again.rows) == len(found.rows)
    firsts = {row["doc_id"] for row in named(bitext())[1].to_pylist()}
    assert {row["doc_id"] for row in again.rows if not row["swapped"]} <= firsts


def test_one_direction_of_two(tmp_path: Path) -> None:
    there = [
        pairs([("a", "b")] * 4, "swh_Latn", "ell_Grek", names=list("1234")),
        pairs([("a", "b")] * 2, "ell_Grek", "swh_Latn", names=list("56")),
    ]
    one = parse_mix({"unit": "docs", "where": {"direction": "ell_Grek-swh_Latn"}, "mix": {}})
    found = mix(tmp_path / "where", there, one)
    assert Counter(row["lang"] for row in found.rows) == {"ell_Grek-swh_Latn": 2}
    named = {"swh_Latn-ell_Grek": 0.5, "ell_Grek-swh_Latn": 0.5}
    found = mix(tmp_path / "ratios", there, named, budget=4)
    assert Counter(row["lang"] for row in found.rows) == dict.fromkeys(named, 2)
    cubed = parse_mix({"unit": "docs", "mix": {"by": "direction", "rule": "temperature", "temperature": 0.5}})
    found = mix(tmp_path / "temperature", there, cubed, budget=5)
    assert Counter(row["lang"] for row in found.rows) == {"swh_Latn-ell_Grek": 4, "ell_Grek-swh_Latn": 1}


def test_sentences_of_one_document_are_drawn_one_by_one(tmp_path: Path) -> None:
    found = mix(tmp_path, [romanised()], parse_mix({"unit": "docs", "mix": {}}), budget=1)
    assert len(found.rows) == 1
    assert Counter(row["reason"] for row in found.decisions.to_pylist()) == {"over_budget": 1}


def test_which_version_of_a_document_is_drawn_does_not_depend_on_where_it_stands(tmp_path: Path) -> None:
    """Two rows to restore of each document have one key: what is in them decides."""
    parts = []
    for version in ("first", "second"):
        kind, batch = named(to_restore("abcdefgh"))
        inputs = pa.array([f"{text} {version}" for text in batch["inputs"].to_pylist()])
        parts.append((kind, batch.set_column(batch.schema.get_field_index("inputs"), "inputs", inputs)))
    spec = parse_mix({"unit": "docs", "mix": {}})
    one, other = (mix(tmp_path / str(turn), parts[::turn], spec, budget=7, template="{targets}") for turn in (1, -1))
    assert one.rows == other.rows
    assert len({row["inputs"] for row in one.rows}) == 7


def test_the_step_says_what_it_makes() -> None:
    from xlcorpus.pipelines.mix import STEP

    step: Step = STEP
    assert step.reads == KINDS
    assert step.makes_of(None, [PAIR, PAIR]) == PAIR
    assert step.makes_of(None, [PAIR, DOCUMENT]) == DOCUMENT
