"""`xlcorpus languages`: its table, and languages chosen by it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import documents as build
from tests.rows import write_dataset
from tests.running import invoked
from tests.tokenizer.tokenizer_helpers import documents, rows
from xlcorpus.cli.languages import command
from xlcorpus.errors import UserError
from xlcorpus.languages.choose import Wish, choose, choose_from, distances_to, parse_wish, wish_of
from xlcorpus.languages.measured import measure_languages
from xlcorpus.languages.table import LanguageTable, read_languages
from xlcorpus.tokenizer import open_tokenizer

_LANGS = ("eng_Latn", "deu_Latn", "swh_Latn", "rus_Cyrl", "hin_Deva", "tha_Thai")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("languages")
    write_dataset(folder / "data", [documents(rows(_LANGS, count=8))])
    (folder / "t.csv").write_text("code,family\neng,IE\ndeu,IE\nrus,IE\nhin,IE\nswh,Bantu\ntha,Tai\n")
    invoked(command, folder / "data", "--output", folder / "l.json", "--table", folder / "t.csv")
    return folder


def test_the_table_says_what_there_is(made: Path) -> None:
    table = read_languages(made / "l.json")
    assert table.labels == sorted(_LANGS)
    by_label = {row["lang"]: row for row in table.rows.to_pylist()}
    text = "".join(text for _, lang, text in rows(_LANGS, count=8) if lang == "tha_Thai")
    assert by_label["tha_Thai"]["documents"] == 8
    assert by_label["tha_Thai"]["bytes"] == by_label["tha_Thai"]["tokens"] == len(text.encode())
    assert by_label["tha_Thai"]["tokens_per_character"] == pytest.approx(len(text.encode()) / len(text), abs=1e-6)
    assert [by_label[one]["family"] for one in ("swh_Latn", "tha_Thai")] == ["Bantu", "Tai"]
    assert table.facts["distance"]["weights"] == {"script": 1.0, "ngrams": 1.0}
    pairs = pq.read_table(made / "l.pairs.parquet")
    assert len(pairs) == 15
    assert {"one", "other", "distance", "script", "family", "ngrams", "words_jaccard", "pieces"} <= set(
        pairs.schema.names
    )
    of_pairs = {(row["one"], row["other"]): row["distance"] for row in pairs.to_pylist()}
    assert of_pairs["eng_Latn", "swh_Latn"] == pytest.approx(distances_to("swh_Latn", table)["eng_Latn"], abs=1e-6)


def test_equal_datasets_give_equal_files(made: Path, tmp_path: Path) -> None:
    batches = [documents([row]) for row in reversed(rows(_LANGS, count=8))]
    write_dataset(tmp_path / "data", batches)
    invoked(command, tmp_path / "data", "--output", tmp_path / "l.json", "--table", made / "t.csv")
    one, other = (json.loads((folder / "l.json").read_text()) for folder in (made, tmp_path))
    assert one.pop("datasets") != other.pop("datasets")  # in other shards
    assert one == other


def test_the_nearest_are_printed(made: Path) -> None:
    lines = invoked(command, made / "data", "--nearest", "sw").output.splitlines()
    assert {line.split()[0] for line in lines[1:3]} == {"eng_Latn", "deu_Latn"}  # the only others in Latin letters
    with pytest.raises(UserError, match="has no language 'swi_Latn'"):
        invoked(command, made / "data", "--nearest", "swi_Latn")


def test_choices(made: Path) -> None:
    table = read_languages(made / "l.json")
    nearest = choose(parse_wish("nearest:2:swh_Latn"), table)
    assert nearest.labels == tuple(distances_to("swh_Latn", table))[:2]
    assert nearest.facts["table"] == table.fingerprint
    assert len(nearest.facts["distances"]) == 2
    # By hand: all three families have no script in common, so they are chosen before a second language of one.
    diverse = choose(parse_wish("diverse:3"), table)
    families = dict(zip(table.labels, table.rows["family"].to_pylist(), strict=True))
    assert sorted(families[one] for one in diverse.labels) == ["Bantu", "IE", "Tai"]
    assert choose(parse_wish("diverse:6"), table).labels[:3] == diverse.labels
    wish, by = wish_of({"nearest": 1, "to": "swh_Latn", "by": str(made / "l.json")})
    assert choose_from(wish, by, among=["tha_Thai", "rus_Cyrl"]).labels[0] in ("tha_Thai", "rus_Cyrl")


def _table(rows: Sequence[tuple[str, str, str | None, int]], matrix: np.ndarray) -> LanguageTable:
    names = ("lang", "script", "family", "bytes")
    return LanguageTable(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), matrix)


def _slow_diverse(table: LanguageTable, count: int) -> list[str]:
    """Farthest point first, each language against each chosen one."""
    rows = {row["lang"]: row | {"at": at} for at, row in enumerate(table.rows.to_pylist())}
    known = [one for one in rows if any(not np.isnan(table.matrix[rows[one]["at"], rows[two]["at"]])
                                        for two in rows if two != one)]  # fmt: skip

    def apart(one: str, two: str) -> tuple[int, float | None]:
        a, b = rows[one], rows[two]
        letters = {"Hans": "Hani", "Hant": "Hani"}
        script = letters.get(a["script"], a["script"]) != letters.get(b["script"], b["script"]) or not a["script"]
        family = a["family"] != b["family"] or a["family"] is None
        far = table.matrix[a["at"], b["at"]]
        return script + family, None if np.isnan(far) else float(far)

    chosen: list[str] = []
    while len(chosen) < count:

        def rank(one: str) -> tuple[float, float, int, str]:
            to = [apart(one, two) for two in chosen]
            signs = min((signs for signs, _ in to), default=0)
            far = min((far for _, far in to if far is not None), default=0.0)
            return -signs, -far, -rows[one]["bytes"], one

        chosen.append(min((one for one in known if one not in chosen), key=rank))
    return chosen


@settings(max_examples=60)
@given(st.data())
def test_choices_are_those_of_slow_code_whatever_the_order_of_the_rows(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 8))
    scripts, families = st.sampled_from(["Latn", "Cyrl", "Hans", "Hant", ""]), st.sampled_from(["A", "B", None])
    rows = [(f"l{at}", data.draw(scripts), data.draw(families), data.draw(st.integers(0, 3))) for at in range(size)]
    cells = st.sampled_from([0.0, 0.25, 0.5000001, 0.5000002, 1.0, math.nan])
    matrix = np.array([[data.draw(cells) for _ in range(size)] for _ in range(size)])
    matrix = np.triu(matrix, 1) + np.triu(matrix, 1).T
    lost = data.draw(st.sampled_from([None, 0]))
    if lost is not None:
        matrix[lost] = matrix[:, lost] = math.nan
    table = _table(rows, matrix)
    order = data.draw(st.permutations(range(size)))
    other = _table([rows[at] for at in order], matrix[np.ix_(order, order)])
    none = [f"l{at}" for at in range(size) if np.isnan(np.delete(matrix[at], at)).all()]
    for count in range(1, size - len(none) + 1):
        chosen = choose(Wish("diverse", count), table)
        assert list(chosen.labels) == _slow_diverse(table, count)
        assert chosen.labels == choose(Wish("diverse", count), other).labels
        assert sorted(chosen.facts.get("not_known", [])) == none
    with pytest.raises(UserError, match="such languages"):
        choose(Wish("diverse", size - len(none) + 1), table)
    known = sorted((round(matrix[0, at], 6), f"l{at}") for at in range(1, size) if not np.isnan(matrix[0, at]))
    for count in range(1, len(known) + 1):
        nearest = choose(Wish("nearest", count, "l0"), table)
        assert list(nearest.labels) == [one for _, one in known[:count]]
        assert nearest.labels == choose(Wish("nearest", count, "l0"), other).labels


def test_a_language_of_one_document_is_measured_beside_large_ones(tmp_path: Path) -> None:
    """A sample has as much of each language as there is room for, and all of those that have less."""
    large = [
        ("eng_Latn", "the river carries small boats " * 40),
        ("deu_Latn", "der Fluss trägt kleine Boote " * 40),
    ] * 20
    small = [("swh_Latn", "mto unabeba mashua"), ("und", "abc"), (None, "def"), ("zxx_Zyyy", "12")]
    langs, texts = zip(*large, *small, strict=True)
    dataset = write_dataset(tmp_path / "d", [build(list(texts), list(langs))])
    table = measure_languages([dataset], open_tokenizer("bytes"), sample_bytes=5000)
    rows = {row["lang"]: row for row in table.rows.to_pylist()}
    assert {one: (row["documents"], row["bytes"] == row["sample_bytes"]) for one, row in rows.items()} == {
        **dict.fromkeys(("deu_Latn", "eng_Latn"), (20, False)),
        **{"swh_Latn": (1, True), "und": (2, True), "zxx_Zyyy": (1, True)},
    }
    assert abs(rows["deu_Latn"]["sample_bytes"] - rows["eng_Latn"]["sample_bytes"]) <= 1
    assert 4990 <= sum(row["sample_bytes"] for row in rows.values()) <= 5000
    whole = measure_languages([dataset], open_tokenizer("bytes"))
    assert whole.rows["bytes"].to_pylist() == whole.rows["sample_bytes"].to_pylist() == table.rows["bytes"].to_pylist()


@pytest.mark.parametrize("text", ["nearest:3", "nearest:x:swh_Latn", "diverse:0", "diverse:2:eng_Latn", "nearest:1:"])
def test_half_a_choice_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="which languages"):
        parse_wish(text)


def test_wrong_choices_and_tables_are_named(made: Path, tmp_path: Path) -> None:
    assert parse_wish("swh_Latn") is None
    with pytest.raises(UserError, match="has 5 such languages"):
        choose_from(parse_wish("nearest:9:swh_Latn"), made / "l.json")
    with pytest.raises(UserError, match="has the keys by, nearest, to"):
        wish_of({"nearest": 3, "by": "x.json"})
    with pytest.raises(UserError, match="cannot be read"):
        read_languages(made / "t.csv")
    (tmp_path / "x.json").write_text('{"kind": "other"}')
    with pytest.raises(UserError, match="is no table of languages"):
        read_languages(tmp_path / "x.json")
    good = json.loads((made / "l.json").read_text())
    for wrong in (
        [], {"languages": ["a"]}, {"languages": 5}, {"languages": []}, {"matrix": [[0]]}, {"matrix": "x"},
        {"languages": [row | {"bytes": None} for row in good["languages"]]},
        {"languages": [row | {"bytes": "x"} for row in good["languages"]]},
        {"languages": [row | {"lang": "eng_Latn"} for row in good["languages"]]},
        {"languages": [{name: value for name, value in row.items() if name != "script"} for row in good["languages"]]},
    ):  # fmt: skip
        (tmp_path / "x.json").write_text(json.dumps(good | wrong if isinstance(wrong, dict) else wrong))
        with pytest.raises(UserError, match="is no table of languages"):
            read_languages(tmp_path / "x.json")
    with pytest.raises(UserError, match=r"ends in \.json"):
        invoked(command, made / "data", "--output", tmp_path / "x.csv")
