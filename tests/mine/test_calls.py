"""Answers are kept: each call is asked once, whoever fails, however often it is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import ModelError, UserError
from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.mine.backends.scripted import Scripted
from xlcorpus.mine.calls import SCHEMA, Calls, keys_of

DECODING = Decoding(new_tokens=5, beams=5, returns=5)
PROMPTS = ["The English word house in German is:", "বাংলা শব্দ ঘর:", "词 house 是:", "", "a\0b", "x" * 5000]


def model_of(prompts: Sequence[str] = PROMPTS) -> Scripted:
    return Scripted({prompt: [f"{number}", f"{number} again"] for number, prompt in enumerate(prompts)})


def test_what_is_known_is_not_asked_again(tmp_path: Path) -> None:
    model, calls = model_of(), Calls(tmp_path)
    first, spent = calls.ask(model, [*PROMPTS, PROMPTS[1]], DECODING)
    assert [one.answers[0].text for one in first] == ["0", "1", "2", "3", "4", "5", "1"]
    assert (spent.calls, spent.asked) == (6, 6)
    assert model.asked == PROMPTS
    second, spent = Calls(tmp_path).ask(model, PROMPTS[::-1], DECODING)
    assert second == first[5::-1]
    assert (spent.calls, spent.asked) == (6, 0)
    other, spent = Calls(tmp_path).ask(model, PROMPTS[:2], Decoding(new_tokens=6))
    assert spent.asked == 2
    assert [len(one.answers) for one in other] == [1, 1]


def test_the_key_is_of_model_decoding_and_prompt() -> None:
    keys = {
        key
        for identity in ("a", "a\0", "b")
        for decoding in (DECODING, Decoding(new_tokens=5, beams=5, returns=5, seed=1))
        for key in keys_of(identity, decoding, PROMPTS)
    }
    assert len(keys) == 3 * 2 * len(PROMPTS)


class Failing(Scripted):
    """Answers some prompts, then fails."""

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        for number, answered in super().generate(prompts, decoding):
            if len(self.asked) == 4:
                raise ModelError("the server is gone")
            yield number, answered


def test_what_had_come_is_kept_when_the_model_fails(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gone"):
        Calls(tmp_path).ask(Failing(model_of().answers), PROMPTS, DECODING)
    model = model_of()
    answers, spent = Calls(tmp_path).ask(model, PROMPTS, DECODING)
    assert model.asked == PROMPTS[3:]
    assert spent.asked == 3
    assert [one.answers[0].text for one in answers] == ["0", "1", "2", "3", "4", "5"]


@given(st.lists(st.lists(st.sampled_from(PROMPTS)), max_size=6))
def test_any_number_of_workers(tmp_path_factory: pytest.TempPathFactory, asked: list[list[str]]) -> None:
    """Workers that began with what was there then; the table has each call once, by key, whoever asked it."""
    folder = tmp_path_factory.mktemp("calls")
    workers = [Calls(folder) for _ in asked]
    for calls, prompts in zip(workers, asked, strict=True):
        calls.ask(model_of(), prompts, DECODING)
    table = Calls(folder).table()
    alone = Calls(tmp_path_factory.mktemp("alone"))
    alone.ask(model_of(), [prompt for prompts in asked for prompt in prompts], DECODING)
    assert table.equals(alone.table())
    assert table.schema.equals(SCHEMA)


def test_a_file_that_is_no_calls(tmp_path: Path) -> None:
    (tmp_path / "one.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"one.parquet cannot be read(.|\n)*remove it"):
        Calls(tmp_path).ask(model_of(), PROMPTS, DECODING)


def test_an_answer_without_score_is_kept(tmp_path: Path) -> None:
    class Silent(Scripted):
        def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
            yield 0, Answered((Answer("ja"),), 3, 1)

    Calls(tmp_path).ask(Silent({}), ["?"], DECODING)
    (known,) = Calls(tmp_path).find(keys_of("scripted", DECODING, ["?"])).values()
    assert known == Answered((Answer("ja", None),), 3, 1)
