"""The whole mix, over files: every document is used or decided on, and any beginning holds the ratios."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mix.mix_helpers import Mixed, mix
from tests.rows import cut, documents
from xlcorpus.dataset import dataset
from xlcorpus.dataset.united import conform
from xlcorpus.errors import UserError
from xlcorpus.mix import scatter
from xlcorpus.mix.gather import Sums, add_sums
from xlcorpus.mix.mixed_rows import MIX_FIELDS, unite_schemas
from xlcorpus.mix.units import count_units

LANGUAGES = ["eng_Latn", "swh_Latn", "khm_Khmr", None]
RATIOS = {"eng_Latn": 0.2, "swh_Latn": 0.5, "khm_Khmr": 0.3}
CELLS = {f"web/mono/{lang}/none": share for lang, share in RATIOS.items()}  # what they come to


def corpus(rows: int, longest: int = 9) -> pa.RecordBatch:
    """Documents of one to `longest` words in three languages and none."""
    langs = [LANGUAGES[row % 4] for row in range(rows)]
    texts = ["neno " * (1 + (row * 7919) % longest) for row in range(rows)]
    return documents(texts, langs)


def assert_whole(found: Mixed, batch: pa.RecordBatch) -> None:
    """Each row of the input is used, once an epoch without gaps, or has one decision."""
    names = [row["file"] for row in batch.column("origin").to_pylist()]
    uses: dict[str, list[int]] = {}
    for row in found.rows:
        uses.setdefault(row["origin"]["file"], []).append(row["mix_epoch"])
    decided = Counter(row["file"] for row in found.decisions["origin"].to_pylist())
    assert all(sorted(epochs) == list(range(len(epochs))) for epochs in uses.values())
    assert Counter(names) == Counter(uses.keys()) + decided
    rows, used, all_uses = (sum(account[place] for account in found.accounts) for place in range(3))
    assert (rows, used, all_uses) == (len(names), len(uses), len(found.rows))


@settings(max_examples=12)
@given(
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(1, 5),
    st.sampled_from(["tokens", "docs", "bytes", "chars"]),
    st.integers(1, 3),
    st.integers(0, 2),
    st.data(),
)
def test_the_mixture_follows_from_the_documents_alone(
    tmp_path_factory: pytest.TempPathFactory,
    cuts: list[int],
    targets: int,
    unit: str,
    epochs: int,
    seed: int,
    data: st.DataObject,
) -> None:
    batch = corpus(60)
    folder = tmp_path_factory.mktemp("mix")
    asked: dict[str, Any] = {"unit": unit, "max_epochs": epochs, "seed": seed}
    once = mix(folder / "once", [batch], RATIOS, **asked)
    mixed = batch.take(pa.array(data.draw(st.permutations(range(60)))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_ROWS", data.draw(st.integers(1, 30)))
        patch.setattr(scatter, "SPILL_BYTES", data.draw(st.sampled_from([1, 2000, 1 << 27])))
        spill = data.draw(st.booleans())
        again = mix(
            folder / "again", cut(mixed, cuts), RATIOS, **asked, targets=targets, shuffle=len(cuts), spill=spill
        )
    shutil.rmtree(folder)
    assert again.rows == once.rows
    assert_whole(once, batch)
    assert_whole(again, batch)


@pytest.mark.parametrize(("unit", "epochs"), [("tokens", 1), ("bytes", 2.5), ("docs", 1), ("chars", 4)])
@pytest.mark.parametrize("targets", [1, 7])
def test_every_beginning_holds_the_ratios(tmp_path: Path, unit: str, epochs: float, targets: int) -> None:
    """After any document, at place p of the mixture, each class has given p of its units, half a document apart."""
    found = mix(tmp_path, [corpus(400, 40)], RATIOS, unit=unit, max_epochs=epochs, targets=targets)
    assert len(found.documents) == targets
    rows = found.rows
    sums = Counter[str]()
    for row in rows:
        sums[row["mix_class"]] += row["mix_units"]
    largest = {name: max(row["mix_units"] for row in rows if row["mix_class"] == name) for name in CELLS}
    total, gone = sums.total(), Counter[str]()
    shares = {name: sums[name] / total for name in CELLS}
    assert shares == pytest.approx(CELLS, abs=max(largest.values()) / total)
    for row in rows:
        gone[row["mix_class"]] += row["mix_units"]
        for name in CELLS:
            # Its own half document, and its share of everybody's half documents.
            slack = largest[name] / 2 + shares[name] * sum(largest.values()) / 2
            assert abs(gone[name] - shares[name] * gone.total()) <= slack + 1e-6


def test_another_seed_is_another_draw_in_another_order(tmp_path: Path) -> None:
    runs = [mix(tmp_path / str(seed), [corpus(200)], RATIOS, budget=100, seed=seed).names for seed in (0, 1, 2)]
    assert len({frozenset(names) for names in runs}) == 3
    whole = {"eng_Latn": 1.0}
    runs = [mix(tmp_path / f"all {seed}", [corpus(200)], whole, seed=seed).names for seed in (0, 1, 2)]
    assert len({frozenset(names) for names in runs}) == 1
    assert len({tuple(names) for names in runs}) == 3


def test_sums_meet_the_plan(tmp_path: Path) -> None:
    batch = corpus(400, 40)
    found = mix(tmp_path, cut(batch, [100, 101]), RATIOS, budget=2000, unit="tokens", targets=3)
    achieved = {cell["name"]: (cell["units"], cell["docs"]) for cell in found.notes["cells"]}
    assert {item.cell.lang: item.budget for item in found.taken} == {
        "eng_Latn": 400, "swh_Latn": 1000, "khm_Khmr": 600,
    }  # fmt: skip
    assert achieved.keys() == CELLS.keys()
    for item in found.taken:
        units, docs = achieved[item.name]
        mine = [row for row in found.rows if row["mix_class"] == item.name]
        assert (units, docs) == (sum(row["mix_units"] for row in mine), len(mine))
        assert abs(units - item.budget) <= 20  # half of the largest document
        assert {row["lang"] for row in mine} == {item.cell.lang}
    counted = count_units(pa.array([row["text"] for row in found.rows]), "tokens")
    assert [row["mix_units"] for row in found.rows] == counted.tolist()
    assert {row["mix_epoch"] for row in found.rows} == {0}
    assert_whole(found, batch)


def test_sums_of_classes_that_a_shard_lacks() -> None:
    parts: list[dict[str, Sums]] = [{"a": (3, 1, 2, 1)}, {}, {"a": (4, 2, 0, 5)}]
    assert add_sums(["a", "b"], parts) == {"a": (7, 3, 2, 6), "b": (0, 0, 0, 0)}


@pytest.mark.parametrize("keep_text", [False, True])
def test_documents_left_out_have_a_reason(tmp_path: Path, keep_text: bool) -> None:
    batch = corpus(40)
    found = mix(tmp_path, cut(batch, [7]), {"eng_Latn": 0.5, "swh_Latn": 0.5}, budget=6, keep_text=keep_text)
    assert Counter(row["lang"] for row in found.rows) == {"eng_Latn": 3, "swh_Latn": 3}
    reasons = Counter((row["lang"], row["reason"]) for row in found.decisions.to_pylist())
    assert reasons == {
        ("eng_Latn", "over_budget"): 7,
        ("swh_Latn", "over_budget"): 7,
        ("khm_Khmr", "not_in_mix"): 10,
        (None, "not_in_mix"): 10,
    }
    assert set(found.decisions["step"].to_pylist()) == {"mix"}
    texts = {row["origin"]["file"]: row["text"] for row in batch.to_pylist()}
    for row in found.decisions.to_pylist():
        assert row["text"] == (texts[row["origin"]["file"]] if keep_text else None)


def test_a_shard_that_gives_nothing_is_decided_on(tmp_path: Path) -> None:
    odd = documents(["a", "b"], ["fra_Latn", None])
    found = mix(tmp_path, [corpus(8), odd, odd.slice(0, 0)], {"eng_Latn": 1.0}, targets=4)
    assert found.accounts == [(8, 2, 2), (2, 0, 0), (0, 0, 0)]
    assert found.decisions.num_rows == 8
    assert [part.num_rows for part in found.documents] == [0, 1, 0, 1]  # their places are 1/4 and 3/4
    assert all(part.schema.equals(found.documents[0].schema) for part in found.documents)


def test_repetitions_are_counted(tmp_path: Path) -> None:
    batch = corpus(8)
    found = mix(tmp_path, [batch], {"eng_Latn": 0.5, "swh_Latn": 0.5}, budget=10, max_epochs=2.5)
    assert Counter(row["mix_epoch"] for row in found.rows) == {0: 4, 1: 4, 2: 2}
    assert found.accounts == [(8, 4, 10)]
    assert_whole(found, batch)


def test_a_document_in_two_inputs_is_drawn_in_a_fixed_order(tmp_path: Path) -> None:
    """The same ids in two inputs, which differ in another column: which one is used must not hang on the runner."""
    names = [f"doc {row}" for row in range(12)]
    inputs = [
        documents(["neno"] * 12, ["swh_Latn"] * 12, names=names, origin_of=pa.array([label] * 12)) for label in "xyz"
    ]
    runs = [
        mix(tmp_path / str(number), inputs, {"swh_Latn": 1.0}, budget=7, shuffle=number).rows for number in range(6)
    ]
    assert all(rows == runs[0] for rows in runs[1:])
    assert len({(row["doc_id"], row["origin_of"]) for row in runs[0]}) == 7


def test_columns_of_all_inputs_come_through(tmp_path: Path) -> None:
    audio = documents(["neno", "neno"], ["swh_Latn"] * 2, names=["a", "b"], audio=pa.array([b"\x01", None]))
    earlier = {"mix_class": pa.array(["old"]), "mix_epoch": pa.array([9], pa.int32())}
    plain = documents(["word"], ["eng_Latn"], names=["c"], **earlier)
    bare = documents(["kod"], ["x"], names=["d"]).drop_columns(["lang"])
    bare = bare.set_column(bare.schema.get_field_index("source"), "source", pa.array(["code"]))
    ratios = {"swh_Latn": 0.5, "eng_Latn": 0.25, "code": 0.25}
    found = mix(tmp_path, [audio, plain, bare], ratios)
    rows = {row["origin"]["file"]: row for row in found.rows}
    assert set(rows) == set("abcd")
    columns = ["doc_id", "text", "lang", "kind", "source", "origin", "audio", "mix_class", "mix_epoch", "mix_units"]
    assert list(rows["a"]) == columns
    assert (rows["a"]["audio"], rows["c"]["audio"]) == (b"\x01", None)
    assert (rows["c"]["mix_class"], rows["c"]["mix_epoch"]) == ("web/mono/eng_Latn/none", 0)
    assert (rows["d"]["mix_class"], rows["d"]["lang"], rows["d"]["source"]) == ("code/mono/none/none", None, "code")


def test_a_source_goes_before_a_language(tmp_path: Path) -> None:
    batch = documents(["x"] * 5, ["a", "b", None, "a", "c"], names=list("12345"))
    sources = pa.array(["web", "web", "books", "books", None])
    batch = batch.set_column(batch.schema.get_field_index("source"), "source", sources)
    ratios = {"books": 0.5, "a": 0.25, "b": 0.25}
    for order in (["books", "a", "b"], ["b", "a", "books"]):
        found = mix(tmp_path / order[0], [batch], {name: ratios[name] for name in order})
        drawn_for = {item.name: item.path[0].partition(")")[0].rpartition(" ")[2] for item in found.taken}
        counted = {row["origin"]["file"]: drawn_for[row["mix_class"]] for row in found.rows}
        assert counted == {"1": "a", "2": "b", "3": "books", "4": "books"}
        assert [(row["origin"]["file"], row["reason"]) for row in found.decisions.to_pylist()] == [("5", "not_in_mix")]
    bare = batch.drop_columns(["lang", "source"])
    with pytest.raises(UserError, match="no document has the language, kind or source 'a'"):
        mix(tmp_path / "bare", [bare], {"a": 1.0})


def test_conform_gives_the_columns_of_the_schema() -> None:
    schema = pa.schema([("n", pa.int32()), ("text", pa.string()), ("more", pa.list_(pa.string()))])
    batch = pa.RecordBatch.from_pydict({"text": pa.array(["a", "b"]), "other": pa.array([1, 2])})
    found = conform(batch, schema)
    assert found.schema.equals(schema)
    assert found.to_pylist() == [{"n": None, "text": "a", "more": None}, {"n": None, "text": "b", "more": None}]


def test_unite_keeps_the_order_of_first_appearance() -> None:
    one = ("document", pa.schema([("a", pa.string()), ("b", pa.int32())]))
    two = ("document", pa.schema([("c", pa.bool_()), ("b", pa.int32()), *MIX_FIELDS]))
    assert unite_schemas([one, two]).names == ["text", "lang", "kind", "a", "b", "c"]
    assert unite_schemas([two, one]).names == ["text", "lang", "kind", "c", "b", "a"]
    assert unite_schemas([]).names == []


def test_users_columns_may_bear_the_names_of_ours_on_the_way(tmp_path: Path) -> None:
    mine = {name: pa.array([f"my {name}"] * 6) for name in ("place", "class", "units", "row", "epoch", "doc_id_key")}
    batch = documents(["neno"] * 6, ["swh_Latn"] * 6, **mine)
    found = mix(tmp_path, cut(batch, [2]), {"swh_Latn": 1.0}, targets=2)
    assert len(found.rows) == 6
    assert all(row[name] == f"my {name}" for row in found.rows for name in mine)
