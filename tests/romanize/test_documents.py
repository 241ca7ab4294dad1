"""Documents with their romanisation: columns, counts, and texts on which the tool fails."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.result import Counts, add_counts
from xlcorpus.errors import UserError
from xlcorpus.romanize.documents import changed_share, romanize_batch, sample_lines
from xlcorpus.romanize.tools import Tool, open_tool


@pytest.fixture(scope="module")
def tool() -> Tool:
    return open_tool("uroman", 1 << 20)


def documents(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows)


ROWS = [
    {"text": "Река тиха.\nЕда готова.", "lang": "rus_Cyrl", "script": "Cyrl", "lang_score": 0.9},
    {"text": "Река тиха.\nЕда готова.", "lang": "rus_Cyrl", "script": "Cyrl", "lang_score": 0.2},
    {"text": "The river is calm.", "lang": "eng_Latn", "script": "Latn", "lang_score": 0.9},
    {"text": "", "lang": "zxx_Zyyy", "script": "Zyyy", "lang_score": None},
    {"text": None, "lang": None, "script": None, "lang_score": None},
    {"text": "नदी शांत है।", "lang": "hin_Deva", "script": "Deva", "lang_score": None},
]


def test_columns_say_what_was_made_and_how(tool: Tool) -> None:
    made = romanize_batch(documents(ROWS), tool, "auto").rows.to_pylist()
    assert [row["text_latn"] for row in made] == [
        "Reka tikha.\nYeda gotova.",
        "Reka tikha.\nEda gotova.",  # not sure to be Russian, so without the rules of Russian
        "The river is calm.",
        "",
        "",
        "nadii shaamt hai.",
    ]
    assert [row["translit_lcode"] for row in made] == ["rus", None, "eng", None, None, "hin"]
    assert [row["translit_identity"] for row in made] == [False, False, True, True, True, False]
    assert made[2]["translit_ratio"] == made[3]["translit_ratio"] == 0
    assert made[5]["translit_ratio"] == pytest.approx(10 / 12)
    assert {(row["translit_tool"], row["translit_version"]) for row in made} == {("uroman", "1.3.1.1")}
    assert [row["text"] for row in made] == [row["text"] for row in ROWS]


def test_paper_mode_gives_the_tool_no_language(tool: Tool) -> None:
    made = romanize_batch(documents(ROWS), tool, "none").rows
    assert made.column("translit_lcode").null_count == len(ROWS)
    assert made.column("text_latn")[0].as_py() == "Reka tikha.\nEda gotova."


def test_a_language_for_all(tool: Tool) -> None:
    made = romanize_batch(documents(ROWS), tool, "rus").rows
    assert set(made.column("translit_lcode").to_pylist()) == {"rus"}
    assert made.column("text_latn")[1].as_py() == "Reka tikha.\nYeda gotova."


def test_again_replaces_the_columns(tool: Tool) -> None:
    once = romanize_batch(documents(ROWS), tool, "none").rows
    assert romanize_batch(once, tool, "auto").rows.equals(romanize_batch(documents(ROWS), tool, "auto").rows)


def test_without_labels_no_language_is_given(tool: Tool) -> None:
    made = romanize_batch(documents([{"text": "Еда"}]), tool, "auto").rows
    assert made.to_pylist()[0] == {
        "text": "Еда",
        "text_latn": "Eda",
        "translit_tool": "uroman",
        "translit_version": "1.3.1.1",
        "translit_lcode": None,
        "translit_ratio": 1.0,
        "translit_identity": False,
    }


def test_without_text_there_is_a_remedy(tool: Tool) -> None:
    with pytest.raises(UserError, match="no column 'text'") as raised:
        romanize_batch(documents([{"body": "Еда"}]), tool, "auto")
    assert "--text-column" in str(raised.value)


def test_a_fraction_that_uroman_fails_on_stays_and_all_else_is_read(tool: Tool) -> None:
    # uroman fails where no number follows the fraction sign; 四分之一 is a quarter.
    made = romanize_batch(documents([{"text": "река 三分之好 四分之一 еда"}]), tool, "none")
    assert made.rows.column("text_latn")[0].as_py() == "reka 三分之hao 1/4 eda"
    assert made.counts["words_left_by_failure"] == 1


def test_letters_without_a_rule_are_counted_by_script(tool: Tool) -> None:
    # Georgian capital HIE has a number and no sound; Kirat Rai is younger than the rules.
    made = romanize_batch(documents([{"text": "ჳჳ გზა"}, {"text": "\U00016d43\U00016d44"}]), tool, "none")
    assert made.counts["letters_left"]["Geor"] == 2
    assert made.rows.column("text_latn")[0].as_py() == "ჳჳ gza"


@given(st.lists(st.integers(0, 9), max_size=6), st.permutations(range(9)))
def test_counts_follow_from_the_documents_alone(tool: Tool, cuts: list[int], order: list[int]) -> None:
    texts = [
        "река 三分之好 еда",
        "ჳჳ გზა",
        "river",
        "ჳ \U00016d43",
        "三分之好 三分之好",
        "",
        "дом дом, дом",
        "नदी",
        "река",
    ]
    batch = documents([{"text": text} for text in texts])
    whole = romanize_batch(batch, tool, "none").counts
    assert whole == {"words_left_by_failure": 3, "letters_left": {"Geor": 3, "Krai": 1, "Hani": 9}}
    mixed = batch.take(pa.array(order))
    places = [0, *sorted(cuts), len(texts)]
    counts: Counts = {}
    for start, stop in pairwise(places):
        add_counts(counts, romanize_batch(mixed.slice(start, stop - start), tool, "none").counts)
    assert counts == whole


@pytest.mark.parametrize(
    ("text", "new", "share"),
    [("", "", 0), ("abc", "abc", 0), ("дом", "dom", 1), ("я и Ann", "ya i Ann", 2 / 7), ("чч", "chch", 1)],
)
def test_changed_share(text: str, new: str, share: float) -> None:
    assert changed_share(text, new) == pytest.approx(share)


def test_lines_are_shown_in_three_scripts(tool: Tool) -> None:
    texts = ["The river", "река\nдом", "дом", "नदी", "河", "ποτάμι"]
    made = romanize_batch(documents([{"text": text} for text in texts]), tool, "none").rows
    assert sample_lines(iter([made])) == [
        "Cyrl  река",
        "      reka",
        "Deva  नदी",
        "      nadii",
        "Hani  河",
        "      he",
    ]
    assert sample_lines(iter([documents([{"text": "река"}])])) == []
