"""A document that the inputs hold twice is refused by name, however they are cut; versions of one are not."""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xlcorpus
from tests.mix.mix_helpers import count_shards, finished, switched
from tests.rows import documents, grouped, pairs, rows_of
from xlcorpus.errors import UserError
from xlcorpus.mix import repeated
from xlcorpus.mix.census import Counting
from xlcorpus.mix.repeated import PackIds, find_repeated

TEXTS = ["habari ya asubuhi", "नमस्ते दुनिया", "καλημέρα κόσμε", "สวัสดีชาวโลก", "ሰላም ለዓለም", "안녕 세상"]


def refused(*inputs: Path, output: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        xlcorpus.mix(*inputs, output=output, **{"rule": "proportional", "by": "source", **options})
    assert not output.exists() or not list(output.iterdir())
    return str(caught.value)


@settings(deadline=None)
@given(
    names=st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=8), min_size=1, max_size=5),
    groups=st.integers(1, 5),
    shuffle=st.integers(0, 3),
)
def test_each_row_after_the_first_of_its_id_is_found(
    names: list[list[str]], groups: int, shuffle: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("ids")
    shards = [documents(["neno"] * len(part), "swh_Latn", names=part) for part in names]
    count_shards(folder, shards, Counting("docs"))
    pack = PackIds(folder / "scratch", groups)
    packed = [element for number in range(len(shards)) for element in pack(number)]
    found = [element for group in grouped(packed, random.Random(shuffle)) for element in find_repeated(group)]
    expected: Counter[tuple[int, int]] = Counter()
    first: dict[str, int] = {}
    for number, part in enumerate(names):
        for name in part:
            if name in first:
                expected[first[name], number] += 1
            first.setdefault(name, number)
    assert sum((one.rows for _, one in found), Counter()) == expected
    assert {key for key, _ in found} <= {0}


def test_groups_are_small_however_many_documents_there_are(tmp_path: Path) -> None:
    assert PackIds.of(tmp_path, 0).groups == 1
    assert PackIds.of(tmp_path, 2_000_000).groups == 1
    assert PackIds.of(tmp_path, 1_000_000_000).groups == 239


@pytest.mark.parametrize("lang", ["swh_Latn", "hin_Deva"])
def test_documents_of_two_inputs_are_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    """Under another language, and beside another column, a document is the same one."""
    monkeypatch.setattr(repeated, "IDS_A_GROUP", 2)
    finished(tmp_path / "a", documents(TEXTS, "swh_Latn", names=list("abcdef")), 3)
    other = documents(TEXTS, lang, names=list("efghij"), origin_of=pa.array(["x"] * 6))
    finished(tmp_path / "b", other, 2)
    message = refused(tmp_path / "a", tmp_path / "b", output=tmp_path / "out")
    assert f"given twice: 2, and they would count twice: 2 of {tmp_path / 'a'} in {tmp_path / 'b'} too" in message
    (one,) = [row for row in rows_of(tmp_path / "a") if row["origin"]["file"] == "e"]
    assert f"doc_id {one['doc_id'].hex()}: {tmp_path / 'a'}/data/" in message
    assert "remedy: leave one of these inputs out" in message


def test_a_folder_given_twice_is_refused_through_a_link_and_as_a_copy(tmp_path: Path) -> None:
    finished(tmp_path / "a", documents(TEXTS, "swh_Latn"), 1)
    finished(tmp_path / "cut otherwise", documents(TEXTS, "swh_Latn"), 4)
    os.symlink(tmp_path / "a", tmp_path / "link")
    for number, other in enumerate(("a", "link", "a/.", "../" + tmp_path.name + "/a")):
        assert "is given twice" in refused(tmp_path / "a", tmp_path / other, output=tmp_path / f"out {number}")
    assert "given twice: 6," in refused(tmp_path / "a", tmp_path / "cut otherwise", output=tmp_path / "out")


def test_documents_twice_in_one_input(tmp_path: Path) -> None:
    finished(tmp_path / "a", documents(TEXTS * 2, "tha_Thai", names=list("abcdefghijab")), 2)
    message = refused(tmp_path / "a", output=tmp_path / "out")
    assert f"2 of {tmp_path / 'a'} in it again" in message
    assert f"remedy: take out what is there twice: xlcorpus dedup {tmp_path / 'a'}" in message


def test_a_mix_of_several_epochs_is_no_input(tmp_path: Path) -> None:
    finished(tmp_path / "a", documents(TEXTS, "ell_Grek"), 2)
    how: dict[str, Any] = {"rule": "proportional", "by": "source", "unit": "docs"}
    twice = xlcorpus.mix(tmp_path / "a", output=tmp_path / "m", max_epochs=2, budget=12, **how)
    assert [row["mix_epoch"] for row in rows_of(twice)].count(1) == 6
    message = refused(tmp_path / "m", output=tmp_path / "out")
    assert f"6 of {tmp_path / 'm'} in it again" in message
    assert f"remedy: {tmp_path / 'm'} repeats documents in epochs: mix the datasets that it was made of" in message
    once = xlcorpus.mix(tmp_path / "a", output=tmp_path / "n", **how)
    assert len(xlcorpus.mix(once, output=tmp_path / "again", **how)) == 6


def test_pairs_twice(tmp_path: Path) -> None:
    sides = list(pairwise(TEXTS))
    finished(tmp_path / "a", ("pair", pairs(sides, "swh_Latn", "hin_Deva", names=list("abcde"))))
    finished(tmp_path / "b", ("pair", pairs(sides, "swh_Latn", "hin_Deva", names=list("efghi"))))
    assert "given twice: 1," in refused(tmp_path / "a", tmp_path / "b", output=tmp_path / "out")


def test_a_document_and_its_switched_and_romanised_versions_are_no_copies(tmp_path: Path) -> None:
    plain = documents(TEXTS, "swh_Latn", names=[f"switched swh_Latn {row}" for row in range(6)], text_latn=TEXTS[::-1])
    finished(tmp_path / "plain", plain)
    for seed in "xy":
        finished(tmp_path / seed, switched([f"{text} {seed}" for text in TEXTS], TEXTS, "swh_Latn"))
    finished(tmp_path / "x again", switched([f"{text} x" for text in TEXTS], TEXTS, "swh_Latn"), 3)
    how: dict[str, Any] = {"rule": "proportional", "by": "kind", "unit": "docs", "latin": True}
    made = xlcorpus.mix(*(tmp_path / name for name in ("plain", "x", "y")), output=tmp_path / "out", **how)
    kinds = {"mono": 6, "cs": 12, "translit": 6}
    assert Counter(row["kind"] for row in rows_of(made)) == kinds
    # Nor are they in a mix of that mix; beside it its inputs are.
    again = xlcorpus.mix(made, output=tmp_path / "again", **how | {"latin": False})
    assert Counter(row["kind"] for row in rows_of(again)) == kinds
    for name in ("plain", "x"):
        assert "given twice: 6," in refused(made, tmp_path / name, output=tmp_path / "no", **how | {"latin": False})
    assert "6 of" in refused(tmp_path / "x", tmp_path / "x again", output=tmp_path / "no", **how | {"latin": False})


def test_two_empty_inputs_are_no_copies(tmp_path: Path) -> None:
    finished(tmp_path / "a", documents(TEXTS, "amh_Ethi"))
    for name in ("b", "c"):
        finished(tmp_path / name, documents([], "amh_Ethi"))
    inputs = [tmp_path / name for name in "abc"]
    assert len(xlcorpus.mix(*inputs, output=tmp_path / "out", rule="proportional", by="source")) == 6


def test_what_was_ingested_twice_is_refused_and_two_files_of_one_name_are_mixed(tmp_path: Path) -> None:
    for place in "AB":
        (tmp_path / place / "data").mkdir(parents=True)
        lines = [f'{{"text": "{text} {place if row % 2 else ""}"}}\n' for row, text in enumerate(TEXTS)]
        (tmp_path / place / "data" / "train.jsonl").write_text("".join(lines), encoding="utf-8")
        xlcorpus.ingest(tmp_path / place / "data", output=tmp_path / f"raw {place}")
    xlcorpus.ingest(tmp_path / "A" / "data", output=tmp_path / "again", task_bytes=40)
    how: dict[str, Any] = {"rule": "proportional", "by": "source", "unit": "docs"}
    both = xlcorpus.mix(tmp_path / "raw A", tmp_path / "raw B", output=tmp_path / "both", **how)
    assert len({row["doc_id"] for row in rows_of(both)}) == 12
    assert "given twice: 6," in refused(tmp_path / "raw A", tmp_path / "again", output=tmp_path / "no")
