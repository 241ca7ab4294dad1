"""`xlcorpus languages`: its table, and languages chosen by it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.rows import write_dataset
from tests.running import invoked
from tests.tokenizer.tokenizer_helpers import documents, rows
from xlcorpus.cli.languages import command
from xlcorpus.errors import UserError
from xlcorpus.languages.choose import choose, choose_from, distances_to, parse_wish, wish_of
from xlcorpus.languages.table import read_languages

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
    with pytest.raises(UserError, match=r"ends in \.json"):
        invoked(command, made / "data", "--output", tmp_path / "x.csv")
