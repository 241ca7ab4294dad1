"""Answers read as values: what is none is a fault with a name."""

from __future__ import annotations

import pytest

from xlcorpus.errors import UserError
from xlcorpus.mine.annotate.answers import Form, Unreadable
from xlcorpus.mine.annotate.options import AnnotateOptions

SENTIMENT = ("positive", "negative", "very negative")
TRIPLES = (("subject", "text"), ("count", "number"), ("all", "json"))


def said(form: Form, answer: str) -> object:
    """The value, or the fault in brackets."""
    try:
        found = form.read(answer)
    except Unreadable as error:
        return [str(error)]
    return found["x"] if len(found) == 1 else found


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("4", 4.0),
        (" Score: 4.5. ", 4.5),
        ("**3**", 3.0),
        ("4分", 4.0),
        ("评分：2分。", 2.0),
        ("३", 3.0),
        ("الدرجة: ٣", 3.0),
        ("٣٫٥", 3.5),
        ("3,5", 3.5),
        ("\u22122", -2.0),
        ("-0.5", -0.5),
        ("1,000", ["not_a_number"]),  # a thousand, or one
        ("1.2.3", ["not_a_number"]),
        ("1e5", ["not_a_number"]),
        ("4th", ["not_a_number"]),
        ("4.5x", ["not_a_number"]),
        ("3,5B", ["not_a_number"]),
        ("4.5分", 4.5),
        ("four", ["not_a_number"]),
        ("四", ["not_a_number"]),
        ("4/5", ["several_numbers"]),
        ("3 or 4", ["several_numbers"]),
        ("2024-05-01", ["several_numbers"]),
        ("1 000", ["several_numbers"]),
        ("7", ["out_of_range"]),
        ("-3", ["out_of_range"]),
        ("9" * 400, ["not_a_number"]),
        ("", ["empty_answer"]),
        (" \n\t", ["empty_answer"]),
    ],
)
def test_numbers(answer: str, wanted: object) -> None:
    assert said(Form("x", "number", least=-2, most=5), answer) == wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("positive", "positive"),
        ('"Positive."', "positive"),
        ("**NEGATIVE**\n", "negative"),
        ("Very negative", "very negative"),
        ("very negative, because nothing works", "very negative"),
        ("positive. positive. positive", "positive"),
        ("not positive", ["no_choice"]),
        ("positively", ["no_choice"]),
        ("neutral", ["no_choice"]),
        ("It is positive", ["no_choice"]),
        ("positive or negative", ["several_choices"]),
        ("positive, not negative", ["several_choices"]),
        ("...", ["no_choice"]),
        ("", ["empty_answer"]),
    ],
)
def test_choices(answer: str, wanted: object) -> None:
    assert said(Form("x", "choice", SENTIMENT), answer) == wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("「新闻」", "新闻"),
        ("新闻。", "新闻"),
        ("СТИХИ!", "стихи"),
        ("समाचार।", "समाचार"),
        ("e\u0301tude", "étude"),
        ("新闻报道", ["no_choice"]),
        ("समाचारों में", ["no_choice"]),  # another form of the word: a vowel sign is a part of it
        ("خوب", "خوب"),
        ("خوب\u200cتر است", ["no_choice"]),  # better
    ],
)
def test_choices_of_other_scripts(answer: str, wanted: object) -> None:
    assert said(Form("x", "choice", ("新闻", "стихи", "समाचार", "étude", "خوب")), answer) == wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"a": [1, "ü"]}', '{"a": [1, "ü"]}'),
        ('```json\n{"a":1}\n```', '{"a": 1}'),
        ("Here it is:\n```\n[1,\n2]\n```\nbye", "[1, 2]"),
        ('{"a": 1}\n\nText: another', '{"a": 1}'),
        ('{"a": "```x```"}', '{"a": "```x```"}'),
        ('{"a": 1', ["broken_json"]),
        ("no JSON", ["broken_json"]),
        ('{"a": NaN}', ["broken_json"]),
        ('{"a": 1e999}', ["broken_json"]),  # else it would be written as Infinity
        (r'{"a": "\ud83d"}', ["broken_json"]),
        ("[" * 100_000, ["broken_json"]),
        ("{'a': 1}", ["broken_json"]),
    ],
)
def test_json(answer: str, wanted: object) -> None:
    assert said(Form("x", "json"), answer) == wanted


def test_fields_of_json() -> None:
    form = Form("x", "json", fields=TRIPLES)
    assert [str(field.type) for field in form.values] == ["string", "string", "double", "string"]
    assert said(form, '{"subject": "Ноам", "count": 2, "all": [["a", "b"]], "more": 1}') == {
        "x": '{"subject": "Ноам", "count": 2, "all": [["a", "b"]], "more": 1}',
        "x_subject": "Ноам",
        "x_count": 2.0,
        "x_all": '[["a", "b"]]',
    }
    assert said(form, '{"subject": null, "count": 2, "all": null}')["x_subject"] is None  # type: ignore[index]
    for answer, fault in (
        ('{"subject": "a", "count": 2}', "missing_field"),
        ('{"subject": 1, "count": 2, "all": 1}', "wrong_field"),
        ('{"subject": "a", "count": "2", "all": 1}', "wrong_field"),
        ('{"subject": "a", "count": true, "all": 1}', "wrong_field"),
        ('{"subject": "a", "count": 1e999, "all": 1}', "broken_json"),
        (f'{{"subject": "a", "count": {"9" * 400}, "all": 1}}', "wrong_field"),
        ("[1]", "no_object"),
    ):
        assert said(form, answer) == [fault]


def test_a_part_of_an_answer() -> None:
    form = Form("x", "number", extract=r"(?i)score: (\d)")
    assert said(form, "7 reasons, 3 pages. Educational score: 4 points of 5") == 4.0
    assert said(form, "7 reasons") == ["no_match"]
    assert said(Form("x", extract=r"\w+$"), "the last word") == "word"


def test_options_that_make_no_sense() -> None:
    given = {"llm": "scripted:x", "column": "grade"}
    for options, message in (
        ({"parse": "choice"}, "needs choices"),
        ({"parse": "choice", "choices": ["a", "A."]}, "cannot be told apart"),
        ({"parse": "choice", "choices": ["a", "?"]}, "has no letter"),
        ({"choices": ["a", "b"]}, "--choices is an option of --parse choice"),
        ({"fields": ["a"]}, "--fields is an option of --parse json"),
        ({"parse": "json", "fields": ["a:int"]}, "is no field"),
        ({"parse": "json", "fields": ["score"]}, "is ours"),
        ({"parse": "json", "fields": ["a", "a:number"]}, "names a twice"),
        ({"parse": "number", "least": 3, "most": 2}, "no number is above"),
        ({"least": 3}, "--least is an option of --parse number"),
        ({"extract": "("}, "mend"),
    ):
        with pytest.raises(UserError) as error:
            AnnotateOptions(**given | options)  # type: ignore[arg-type]
        assert message in f"{error.value.message} {error.value.remedy}"
