"""The rows of every view against slow code: one text, one side, one token after the other; limits, kept columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pack.pack_helpers import TEXTS
from tests.pack.pack_runs import SAMPLE
from tests.rows import ORIGIN, doc_id, write_shards
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.kept import MOST_BYTES
from xlcorpus.dataset.result import Counts
from xlcorpus.pack import crops, sides
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.sides import VIEWS
from xlcorpus.pack.tasks import CountShard, TokenizeShard, number_languages
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
SPECIALS = {"translico": 2, "restore": 2, "bitext": 2, "tlm": 3, "triples": 2}
SIDES = {name: VIEWS[name].sides for name in SPECIALS}


def pieces(text: str | None) -> list[int]:
    return [int(one) for one in TOKENIZER.encode_batch(pa.array([text or ""]))[0]]


def slow_row(view: str, texts: list[str | None], length: int, limits: dict[str, int]) -> tuple[list[Any], bool]:
    """The ids of each side, and whether a side has more than its room."""
    around, joint = SPECIALS[view], view == "tlm"
    rooms = [limits[side] - (-(-around // 2) if joint else around) if side in limits else length - around
             for side in SIDES[view]]  # fmt: skip
    whole = [pieces(text) for text in texts]
    kept = [ids[:room] for ids, room in zip(whole, rooms, strict=True)]
    while joint and sum(map(len, kept)) > length - around:
        kept[1 if len(kept[1]) >= len(kept[0]) else 0].pop()
    return kept, kept != whole


def shard_of(folder: Path, view: str, rows: list[list[str | None]], langs: list[str | None]) -> Any:
    names = [f"row {number}" for number in range(len(rows))]
    columns: dict[str, pa.Array] = {
        "doc_id": pa.array([doc_id(name) for name in names], pa.binary(16)),
        "origin": pa.array([{"file": name, "offset": 0} for name in names], ORIGIN),
    }
    columns |= {side: pa.array([row[at] for row in rows], pa.string()) for at, side in enumerate(SIDES[view])}
    columns |= {label: pa.array(langs, pa.string()) for label in VIEWS[view].labels}
    columns["number"] = pa.array([[number, None] for number in range(len(rows))], pa.list_(pa.int64()))
    (shard,) = write_shards(folder, [pa.RecordBatch.from_pydict(columns)], VIEWS[view].kind)
    return shard


def made_of(shard: Any, options: PackOptions) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Counts]:
    counts: Counts = {}
    count = CountShard.for_options(options)
    assert count is not None
    results = list(TokenizeShard(options, number_languages([count(0, shard)], None)).results(0, shard, counts))
    rows = [row for one in results for row in one.rows.to_pylist()]
    gone = [row for one in results if one.decisions is not None for row in one.decisions.to_pylist()]
    return rows, gone, counts


texts_of_sides = st.none() | st.sampled_from([*TEXTS.values(), "", " ", "a"]) | st.text(max_size=30)


@settings(max_examples=12)
@given(st.data())
@pytest.mark.parametrize("view", SPECIALS)
def test_rows_of_pairs_and_triples(tmp_path_factory: pytest.TempPathFactory, view: str, data: st.DataObject) -> None:
    names, length = SIDES[view], data.draw(st.integers(8, 40))
    rows = data.draw(st.lists(st.lists(texts_of_sides, min_size=len(names), max_size=len(names)), max_size=6))
    langs = [data.draw(st.sampled_from([*TEXTS, None])) for _ in rows]
    limits = data.draw(st.dictionaries(st.sampled_from(names), st.integers(4, length), max_size=2))
    long = data.draw(st.sampled_from(["truncate", "refuse"]))
    options = PackOptions(tokenizer=SAMPLE, view=view, length=length, limits=limits or None, long=long, keep="n=number")
    found, gone, counts = made_of(shard_of(tmp_path_factory.mktemp(view), view, rows, langs), options)
    wanted, why = [], {}
    languages = sorted({(lang or "und").partition("_")[0] for lang in langs})
    for number, (texts, lang) in enumerate(zip(rows, langs, strict=True)):
        ids, is_cut = slow_row(view, texts, length, limits)
        if not all(map(pieces, texts)):
            why[doc_id(f"row {number}")] = "no_tokens"
        elif is_cut and long == "refuse":
            why[doc_id(f"row {number}")] = "longer_than_pack"
        else:
            label = [lang, languages.index((lang or "und").partition("_")[0])]
            wanted.append((doc_id(f"row {number}"), ids, is_cut, [label] * len(VIEWS[view].labels), [number, None]))
    assert [
        (
            row["pair_id"],
            [row[f"{side}_ids"] for side in names],
            row["truncated"],
            [[row[label], row[number]] for label, number in VIEWS[view].labels.items()],
            row["n"],
        )
        for row in found
    ] == wanted
    assert {row["doc_id"]: row["reason"] for row in gone} == why
    assert counts["truncated"] == sum(row[2] for row in wanted)
    assert sum(counts["tokens"].values()) == sum(row["length"] for row in found)


def test_decisions_of_pairs_say_both_languages_and_texts(tmp_path: Path) -> None:
    shard = shard_of(tmp_path, "bitext", [["", "ዛፍ"], ["tree", "ዛፍ"]], ["amh_Ethi", "amh_Ethi"])
    (result, *_) = TokenizeShard(PackOptions(tokenizer=SAMPLE, view="bitext"), keep_text=True).results(0, shard, {})
    assert result.decisions is not None
    assert result.decisions.schema == DECISION
    (gone,) = result.decisions.to_pylist()
    assert (gone["lang"], gone["text"]) == ("amh_Ethi-amh_Ethi", "\nዛፍ")


def test_a_side_that_is_kept_is_the_column_not_what_its_template_makes_of_it(tmp_path: Path) -> None:
    shard = shard_of(tmp_path, "bitext", [["tree", "ዛፍ"]], ["eng_Latn"])
    templates = {"src": "to {{ src | upper }}{{ eos }}", "tgt": "{{ tgt }}"}
    options = PackOptions(tokenizer=SAMPLE, view="bitext", side_templates=templates, keep="a=src,b=tgt")
    ((row,), _, _) = made_of(shard, options)
    assert (row["a"], row["b"]) == ("tree", "ዛፍ")


def crops_of(folder: Path, text: str, image: bytes, **options: Any) -> list[pa.RecordBatch]:
    columns = {
        "doc_id": pa.array([doc_id("one")], pa.binary(16)),
        "origin": pa.array([{"file": "one", "offset": 0}], ORIGIN),
        "text": pa.array([text]),
        "image": pa.array([image]),
        "src_lang": pa.array(["a user's column"]),
        "tgt_lang": pa.array(["another"]),
    }
    (shard,) = write_shards(folder, [pa.RecordBatch.from_pydict(columns)])
    asked = PackOptions(tokenizer=SAMPLE, view="crops", length=64, **options)
    return [one.rows for one in TokenizeShard(asked).results(0, shard, {})]


def test_crops_of_a_long_text_hold_no_copies_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk took the whole text once: 11 GB for a text of 0.8 MB."""
    taken = []

    def rows_of_sides(kept: pa.RecordBatch, *given: Any) -> Any:
        taken.append(kept.get_total_buffer_size() / kept.num_rows)
        return sides.rows_of_sides(kept, *given)

    monkeypatch.setattr(crops, "rows_of_sides", rows_of_sides)
    rows = crops_of(tmp_path, " ".join(TEXTS.values()) * 10, b"", chunk=2)
    assert sum(batch.num_rows for batch in rows) > 900
    assert max(taken) < 100


def test_an_image_that_is_kept_for_each_crop_comes_in_pieces(tmp_path: Path) -> None:
    rows = crops_of(tmp_path, "river " * 50, b"x" * (5 << 20), chunk=8, keep="image")
    assert sum(batch.num_rows for batch in rows) > 10
    assert max(batch.get_total_buffer_size() for batch in rows) < MOST_BYTES + (1 << 20)
