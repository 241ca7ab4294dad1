"""The report: each figure against its definition, parity, the plot."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow as pa
import pytest

from tests.tokenizer.tokenizer_helpers import HARD_TEXTS, WORDS, documents, rows, table_by_language, train_model
from xlcorpus.errors import UserError
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import count_words, tokens
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.measure import SCHEMA, measure
from xlcorpus.tokenizer.plot import plot, write_plot
from xlcorpus.tokenizer.tokenizer import PARTIAL


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return open_tokenizer(train_model(tmp_path_factory.mktemp("m"), "t", ("eng_Latn", "hin_Deva"), vocab_size=415))


def test_figures_are_what_they_say(tokenizer: Tokenizer) -> None:
    made = [*rows(tuple(WORDS), 6), *((f"hard/{at}", None, text) for at, text in enumerate(HARD_TEXTS))]
    table = measure(tokenizer, [documents(made)])
    assert table.schema.equals(SCHEMA)
    by_language = table_by_language(table.to_pylist())
    assert list(by_language) == sorted([*WORDS, "und"])
    for lang, row in by_language.items():
        texts = [text for _, of, text in made if (of or "und") == lang]
        ids, _ = tokenizer.encode_batch(pa.array(texts))
        characters = [letter for text in texts for letter in text]
        solid = [letter for letter in characters if not letter.isspace()]
        words = float(count_words(points := code_points(pa.array(texts)), tokens(points)).sum())
        pieces = {text.removeprefix(" ") for text in tokenizer.piece_texts() if text}
        assert (row["texts"], row["tokens"]) == (len(texts), len(ids))
        assert row["bytes"] == sum(len(text.encode()) for text in texts)
        assert row["fertility"] == pytest.approx(len(ids) / words)
        assert row["tokens_per_character"] == pytest.approx(len(ids) / len(characters))
        assert row["bytes_per_token"] == pytest.approx(row["bytes"] / len(ids))
        assert row["unknown_share"] == 0
        assert row["partial_share"] == pytest.approx((tokenizer.piece_kinds[ids] == PARTIAL).mean())
        if lang != "und":
            assert row["coverage"] == pytest.approx(sum(letter in pieces for letter in solid) / len(solid))
    assert by_language["eng_Latn"]["coverage"] == 1
    assert by_language["kat_Geor"]["coverage"] < 0.1
    assert by_language["kat_Geor"]["partial_share"] > 0.8
    assert by_language["zho_Hans"]["whole_words"] is None


def test_words_that_are_one_token(tokenizer: Tokenizer) -> None:
    for lang in ("eng_Latn", "hin_Deva", "kat_Geor"):
        texts = [text for _, _, text in rows((lang,), 6)]
        words = [word.strip(".") for text in texts for word in text.split()]
        before = int(tokenizer.count_batch(pa.array(["boats"]))[0])
        whole = [int(tokenizer.count_batch(pa.array([f"boats {word}"]))[0]) == before + 1 for word in words]
        (row,) = measure(tokenizer, [documents(rows((lang,), 6))]).to_pylist()
        assert row["whole_words"] == pytest.approx(sum(whole) / len(whole))


def test_the_report_does_not_depend_on_the_batches(tokenizer: Tokenizer) -> None:
    batch = documents(rows(tuple(WORDS), 8))
    whole = measure(tokenizer, [batch])
    assert measure(tokenizer, [batch.slice(start, 3) for start in range(0, batch.num_rows, 3)]).equals(whole)
    order = list(range(batch.num_rows))
    random.Random(1).shuffle(order)
    assert measure(tokenizer, [batch.take(pa.array(order))]).equals(whole)
    assert measure(tokenizer, []).num_rows == 0


def test_foreign_names_are_not_the_words_of_a_script_without_spaces(tokenizer: Tokenizer) -> None:
    text = "河流 river 每天早上带着小船经过我们的家"
    (row,) = measure(tokenizer, [documents([("a", "zho_Hans", text)])]).to_pylist()
    assert row["whole_words"] is None


def test_parity_on_parallel_text(tokenizer: Tokenizer) -> None:
    texts = {
        "eng_Latn": {"1": "the river", "2": "small boats every morning", "4": "children"},
        "hin_Deva": {"1": "नदी", "2": "छोटी नावें हर सुबह", "3": "बच्चे"},
        "kat_Geor": {"9": "ბავშვები"},
    }
    flat = [(f"{lang}{at}", lang, text, at) for lang, by_id in texts.items() for at, text in by_id.items()]
    flat.append(("none", "hin_Deva", "नदी नदी", None))  # type: ignore[arg-type]
    batch = documents([row[:3] for row in flat], sentence=[row[3] for row in flat])
    table = table_by_language(measure(tokenizer, [batch.slice(0, 4), batch.slice(4)], parallel="sentence").to_pylist())

    def count(lang: str, ids: str) -> int:
        return int(tokenizer.count_batch(pa.array([texts[lang][at] for at in ids])).sum())

    assert table["hin_Deva"]["parity"] == pytest.approx(count("hin_Deva", "12") / count("eng_Latn", "12"))
    assert table["eng_Latn"]["parity"] == 1
    assert table["hin_Deva"]["parity_basis"] == "parallel"
    assert (table["kat_Geor"]["parity"], table["kat_Geor"]["parity_basis"]) == (None, None)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1, 2], [1, 2], [3]]),
        pa.array([{"a": "नदी", "b": None}] * 2 + [{"a": "x", "b": 1}]),
        pa.array([[("k", 1)], [("k", 1)], [("k", 2)]], pa.map_(pa.string(), pa.int64())),
        pa.array([b"\xff", b"\xff", b"a"], pa.large_binary()),
    ],
    ids=lambda values: str(values.type),
)
def test_parity_by_values_of_any_type(values: pa.Array) -> None:
    batch = documents([("a", "eng_Latn", "ab"), ("b", "rus_Cyrl", "да"), ("c", "eng_Latn", "abcdef")], key=values)
    (_, other) = measure(open_tokenizer("bytes"), [batch], parallel="key").to_pylist()
    assert other["parity"] == 2


def test_parity_by_bytes(tokenizer: Tokenizer) -> None:
    table = table_by_language(measure(tokenizer, [documents(rows(("eng_Latn", "hin_Deva"), 5))]).to_pylist())
    ratio = table["eng_Latn"]["bytes_per_token"] / table["hin_Deva"]["bytes_per_token"]
    assert table["hin_Deva"]["parity"] == pytest.approx(ratio)
    assert table["hin_Deva"]["parity_basis"] == "bytes"
    (row,) = measure(tokenizer, [documents(rows(("hin_Deva",), 5))]).to_pylist()
    assert row["parity"] is None


def test_bytes_as_tokens() -> None:
    texts = [("a", "eng_Latn", "ab cd"), ("b", "zho_Hans", "河流")]
    table = table_by_language(measure(open_tokenizer("bytes"), [documents(texts)]).to_pylist())
    assert table["eng_Latn"]["fertility"] == 2.5
    assert table["eng_Latn"]["coverage"] == 1
    assert (table["zho_Hans"]["tokens"], table["zho_Hans"]["partial_share"], table["zho_Hans"]["coverage"]) == (6, 1, 0)


def test_the_plot_has_a_bar_for_each_figure(tokenizer: Tokenizer, tmp_path: Path) -> None:
    table = measure(tokenizer, [documents([*rows(("eng_Latn", "hin_Deva", "kat_Geor"), 3), ("empty", "deu_Latn", "")])])
    image = plot(table, "a < b & c")
    root = ElementTree.fromstring(image)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "a < b & c"
    assert set(texts[1:5]) == {"kat_Geor", "eng_Latn", "hin_Deva", "deu_Latn"}
    assert (texts[1], texts[4]) == ("kat_Geor", "deu_Latn")  # the most fertile first, without text last
    bars = list(root.iter("{http://www.w3.org/2000/svg}rect"))[1:]
    assert len(bars) == 9  # three languages with text, three figures
    widths = [float(bar.get("width", "nan")) for bar in bars[:3]]
    assert widths == sorted(widths, reverse=True)
    assert image == plot(table, "a < b & c")
    write_plot(table, tmp_path / "new" / "plot.svg", "t")
    assert (tmp_path / "new" / "plot.svg").read_text().startswith("<svg")
    with pytest.raises(UserError, match="plots are SVG files"):
        write_plot(table, tmp_path / "plot.png", "t")
    assert plot(measure(tokenizer, []), "none").endswith("</svg>\n")
