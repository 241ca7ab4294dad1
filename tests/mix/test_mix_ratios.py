"""What a user may ask for, and what the answer is to a request that makes no sense."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.ratios_option import check_ratios, parse_ratios, resolve_names

NAMES = st.sampled_from(["eng_Latn", "swh_Latn", "khm_Khmr", "code", "my books", "a", "b"])
WEIGHTS = st.dictionaries(NAMES, st.integers(1, 1000), min_size=1)


def test_ratios_by_name_in_the_order_given() -> None:
    assert parse_ratios(["swh_Latn=0.7, eng_Latn = .3"]) == {"swh_Latn": 0.7, "eng_Latn": 0.3}
    assert list(parse_ratios(["b=0.5,a=0.5"])) == ["b", "a"]
    assert parse_ratios(["code=1"]) == {"code": 1.0}


@given(WEIGHTS)
def test_ratios_survive_being_written(weights: dict[str, int]) -> None:
    ratios = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    assert parse_ratios([",".join(f"{name}={share!r}" for name, share in ratios.items())]) == ratios
    assert check_ratios(ratios) == ratios


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"--ratios: '' is not NAME=SHARE"),
        ("eng_Latn", r"'eng_Latn' is not NAME=SHARE\n.*remedy: write eng_Latn=0\.3,swh_Latn=0\.7"),
        ("eng_Latn=0.5,", r"'' is not NAME=SHARE"),
        ("=0.5", r"'=0\.5' is not NAME=SHARE"),
        ("a=0.5,b=0.25,a=0.25", r"'a' is given twice\n.*remedy: give each name one share"),
        ("a=0.5,b=half", r"'half' for 'b' is not a number\n.*remedy: write 0\.3"),
        ("a=0.5,b=", r"'' for 'b' is not a number"),
        ("a=b=0.5", r"'b=0\.5' for 'a' is not a number"),
        ("a=50%,b=50%", r"'50%' for 'a' is not a number"),
        ("a=1.5,b=-0.5", r"the share of 'a' is 1\.5\n.*remedy: a share is above 0 and at most 1"),
        ("a=1,b=-0.5", r"the share of 'b' is -0\.5"),
        ("a=1,b=0", r"the share of 'b' is 0"),
        ("a=nan,b=1", r"the share of 'a' is nan"),
        ("a=inf", r"the share of 'a' is inf"),
        ("a=0.5,b=0.4", r"--ratios sum to 0\.9, not 1\n.*remedy: in the same proportions: a=0\.5555"),
        ("a=0.9,b=0.4", r"--ratios sum to 1\.3, not 1"),
    ],
)
def test_ratios_that_make_no_sense_are_named(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_ratios([text])


@given(st.dictionaries(NAMES, st.floats(0.01, 1), min_size=1))
@example({"a": 0.2, "b": 0.2, "khm_Khmr": 0.2})
def test_the_remedy_of_a_wrong_sum_is_right(ratios: dict[str, float]) -> None:
    total = math.fsum(ratios.values())
    if abs(total - 1) <= 1e-6:
        assert check_ratios(ratios) == ratios
        return
    with pytest.raises(UserError) as caught:
        check_ratios(ratios)
    proposed = parse_ratios([str(caught.value.remedy).partition("proportions: ")[2]])
    assert proposed == pytest.approx({name: share / total for name, share in ratios.items()}, rel=1e-4)


def test_no_ratios_at_all() -> None:
    with pytest.raises(UserError, match="sum to 0"):
        check_ratios({})


def test_names_are_sources_before_they_are_languages() -> None:
    languages, sources = {"swh_Latn": 5, "eng_Latn": 2, "": 9}, {"web": 7, "eng_Latn": 1, "gone": 0}
    ratios = {"swh_Latn": 0.5, "web": 0.25, "eng_Latn": 0.25}
    assert resolve_names(ratios, languages, sources) == {"swh_Latn": "lang", "web": "source", "eng_Latn": "source"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wob", r"did you mean 'web'\?"),
        ("sw", r"did you mean 'swh_Latn'\?"),
        ("en", r"did you mean 'eng_Latn'\?"),
        ("swa", r"did you mean 'swh_Latn'\?"),
        ("zzzzzzzz", "known: books, eng_Latn, swh_Latn, web"),
    ],
)
def test_a_name_that_no_document_has(name: str, hint: str) -> None:
    languages, sources = {"swh_Latn": 5, "eng_Latn": 2, "": 9}, {"web": 7, "books": 1}
    with pytest.raises(UserError, match=rf"has the language, kind or source '{name}'; {hint}\n.*xlcorpus inspect"):
        resolve_names({"web": 0.5, name: 0.5}, languages, sources)


@pytest.mark.parametrize("label", ["kor_Kore", "kor_Hang", "ko_Kore"])
@pytest.mark.parametrize("there", ["kor_Kore", "kor_Hang"])
def test_labels_are_those_of_steps_in_names_and_in_data(label: str, there: str) -> None:
    assert resolve_names({label: 1.0}, {there: 3}, {}) == {label: "lang"}
    assert resolve_names({f"{label}-eng_Latn": 1.0}, {f"eng_Latn-{there}": 3}, {}) == {f"{label}-eng_Latn": "lang"}
    with pytest.raises(UserError, match="'kor_Hang' is given twice"):
        resolve_names({"kor_Kore": 0.5, "kor_Hang": 0.5}, {there: 3}, {})


def test_ratios_given_several_times_add_up() -> None:
    assert parse_ratios(["a=0.2", "b=0.3,c=0.5"]) == {"a": 0.2, "b": 0.3, "c": 0.5}
    for texts, words in (
        (["a=0.5", "a=0.5"], "'a' is given twice"),
        (["a=1", "b=1"], "sum to 2, not 1"),
        (["a=0.5,b=0.5", ""], "'' is not NAME=SHARE"),
    ):
        with pytest.raises(UserError, match=words):
            parse_ratios(texts)


@pytest.mark.parametrize("pair", ["eng_Latn-swh_Latn", "amh_Ethi-ell_Grek", "hin_Deva-zho_Hans"])
def test_a_pair_named_in_both_directions_is_two_directions(pair: str) -> None:
    other = "-".join(reversed(pair.split("-")))
    assert resolve_names({other: 1.0}, {pair: 3}, {}) == {other: "lang"}
    both = {pair: 0.5, other: 0.5}
    assert resolve_names(both, {pair: 3, other: 1}, {}) == {pair: "direction", other: "direction"}
    with pytest.raises(UserError, match=f"no document has the language, kind or source '{other}'"):
        resolve_names(both, {pair: 3}, {})
    # Sources are called what they are called.
    assert resolve_names({"web-old": 0.5, "old-web": 0.5}, {}, {"web-old": 1, "old-web": 1})


def test_kinds_are_between_sources_and_languages() -> None:
    languages, sources = {"swh_Latn": 5, "bi": 2, "web": 1}, {"web": 7, "code": 0}
    kinds = {"code": 3, "bi": 4, "web": 1, "cs": 0}
    ratios = {"swh_Latn": 0.25, "web": 0.25, "bi": 0.25, "code": 0.25}
    found = {"swh_Latn": "lang", "web": "source", "bi": "kind", "code": "kind"}
    assert resolve_names(ratios, languages, sources, kinds) == found
    with pytest.raises(UserError, match=r"kind or source 'codes'; did you mean 'code'\?"):
        resolve_names({"codes": 1}, languages, {"web": 7}, kinds)
    with pytest.raises(UserError, match="no document has the language, kind or source 'cs'"):
        resolve_names({"cs": 1}, languages, sources, kinds)


def test_nearest_names() -> None:
    assert nearest("eng_latn", ["eng_Latn", "deu_Latn"]) == "did you mean 'eng_Latn'?"
    assert nearest("xyz", ["b", "a", "b"]) == "known: a, b"
    assert nearest("xyz", []) == "nothing is known here"


def test_errors_carry_their_remedy() -> None:
    assert str(UserError("what", remedy="do")) == "what\n  remedy: do"
    assert str(UserError("what")) == "what"
    assert re.search("'x'", repr(UserError("'x'")))
