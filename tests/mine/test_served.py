"""Models behind servers, those that work and those that do not; what came is kept, and no key is seen anywhere."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mine.servers import FailingProxy, Reply, completion, echo, prompt_of, serving
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.errors import ModelError, UserError
from xlcorpus.mine import served
from xlcorpus.mine.backend import Answer, Answered, Decoding, Model
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.questions import Questions, open_model

KEY = "sk-Zq81-not-for-anyone-93xT"
ONE, FOUR = Decoding(4), Decoding(4, beams=4, returns=4)
PROMPTS = [f"{word} {number}" for number in range(12) for word in ("mvua", "নদী", "白猫", "ልጆቹ")]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "FIRST_WAIT", 0.001)
    monkeypatch.setenv("OWN_KEY", KEY)


def options_of(url: str, **more: Any) -> AskOptions:
    given = {"llm": "openai:tiny", "llm_url": url, "llm_key": "OWN_KEY", "timeout": 20.0, **more}
    return AskOptions(**given)


def model_of(url: str, **more: Any) -> Model:
    return open_model(options_of(url, **more))


def test_completions() -> None:
    together = threading.Barrier(4)

    def four(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        if number < 4:
            together.wait(20)
        return echo(number, body, headers)

    with serving(four) as server:
        found = dict(model_of(server.url).generate(PROMPTS, FOUR))
        plain = dict(model_of(server.url).generate(PROMPTS[:1], ONE))[0]
    for number, prompt in enumerate(PROMPTS):
        said = [Answer(f"{prompt.upper()} {place}", -0.5 - place) for place in range(4)]
        assert found[number] == Answered(tuple(said), 7, 2)
    assert plain.answers == (Answer(f"{PROMPTS[0].upper()} 0", -0.5),)
    assert server.bodies[0] | {"prompt": ""} == {
        "model": "tiny", "prompt": "", "max_tokens": 4, "temperature": 1.0, "seed": 0, "n": 4, "stop": ["\n"],
        "logprobs": 1,
    }  # fmt: skip
    assert server.bodies[-1]["temperature"] == 0.0
    assert server.keys == {f"Bearer {KEY}"}
    assert 4 <= server.most_at_once <= 8


def test_chat() -> None:
    with serving(echo) as server:
        found = dict(model_of(server.url, chat=True).generate(["mvua"], FOUR))[0]
    assert [one.text for one in found.answers] == [f"MVUA {place}" for place in range(4)]
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "mvua"}]


BAD = {
    "error 500": Reply(500, b'{"error": {"message": "out of luck"}}', {"Content-Type": "application/json"}),
    "too many": Reply(429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0.001"}),
    "too many until": Reply(429, b"", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "closed": Reply(closes=True),
    "nothing": Reply(headers={"Content-Type": "application/json"}),
    "broken": Reply(content=b'{"choices": [{"te', headers={"Content-Type": "application/json"}),
    "a page": Reply(content=b"<html>maintenance</html>", headers={"Content-Type": "text/html"}),
    "a list": Reply(content=b"[]", headers={"Content-Type": "application/json"}),
    "no text": Reply(content=b'{"choices": [{"index": 0}]}', headers={"Content-Type": "application/json"}),
    "more choices": completion(["a", "b"]),
    "no choices": completion([]),
}


@pytest.mark.parametrize("how", BAD)
def test_asked_again(how: str) -> None:
    lock, seen = threading.Lock(), set()

    def once(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with lock:
            new = prompt_of(body) not in seen
            seen.add(prompt_of(body))
        return BAD[how] if new else echo(number, body, headers)

    with serving(once) as server:
        found = dict(model_of(server.url).generate(PROMPTS[:5], ONE))
    assert [found[at].answers[0].text for at in range(5)] == [f"{prompt.upper()} 0" for prompt in PROMPTS[:5]]
    assert set(server.asked.values()) == {2}


@pytest.mark.parametrize("how", BAD)
def test_it_ends_after_so_many_times(how: str) -> None:
    with serving(lambda *given: BAD[how]) as server:
        with pytest.raises(ModelError, match=r"the model tiny at 127.0.0.1:\d+ fails, asked 3 times: (.|\n)*--resume"):
            list(model_of(server.url, retries=2, concurrency=1).generate(PROMPTS[:1], ONE))
        assert server.asked == {PROMPTS[0]: 3}


def test_what_came_is_given_before_it_ends() -> None:
    def half(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return echo(number, body, headers) if PROMPTS.index(prompt_of(body)) != 20 else BAD["error 500"]

    found = {}
    with serving(half) as server:
        given = model_of(server.url, retries=0).generate(PROMPTS, ONE)
        with pytest.raises(ModelError, match=r"500 out of luck"):
            found.update(given)
    assert set(range(13)) <= set(found) <= set(range(len(PROMPTS))) - {20}
    assert {PROMPTS[number] for number in found} == set(server.asked) - {PROMPTS[20]}


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, r"key in the environment variable OWN_KEY"), (404, "check --llm-url"), (400, "--llm-length")],
)
def test_refused_at_once(status: int, said: str) -> None:
    content = json.dumps({"error": {"message": f"Incorrect: {KEY}, {KEY[:10]}****"}}).encode()
    with serving(lambda *given: Reply(status, content, {"Content-Type": "application/json"})) as server:
        with pytest.raises(ModelError, match=said) as raised:
            list(model_of(server.url).generate(PROMPTS[:1], ONE))
        assert server.asked == {PROMPTS[0]: 1} | ({served._SHORT: 1} if status == 400 else {})
    assert str(status) in str(raised.value)
    assert KEY[:6] not in str(raised.value)


def refusing(status: int, body: dict[str, Any]) -> Callable[[int, dict[str, Any], dict[str, str]], Reply]:
    """Refuses some prompts, answers others."""

    def answer(number: int, given: dict[str, Any], headers: dict[str, str]) -> Reply:
        if prompt_of(given) in PROMPTS[::7]:
            return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return echo(number, given, headers)

    return answer


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "This model's maximum context length is 64 tokens. However, you requested 70 tokens."),
        (400, "The response was filtered due to the prompt triggering content management policy."),
        (403, "Your input was flagged."),
        (413, "Payload too large"),
        (422, "`inputs` must have less than 64 tokens."),
    ],
)
def test_a_prompt_that_is_refused_has_no_answer_and_is_kept_for_the_run_alone(
    tmp_path: Path, status: int, message: str
) -> None:
    refused = set(PROMPTS[::7])
    with serving(refusing(status, {"error": {"message": message}})) as server:
        options = options_of(server.url, calls=str(tmp_path / "calls"))
        questions = questions_of(tmp_path / "out", options)
        found = questions.ask("words", PROMPTS, FOUR)
        assert [one.refused for one in found] == [prompt in refused for prompt in PROMPTS]
        assert all(not one.answers if one.refused else len(one.answers) == 4 for one in found)
        assert server.asked == dict.fromkeys(PROMPTS, 1) | {served._SHORT: len(refused)}
        assert questions.spent.refused == questions.spent.noted["refused"] == len(refused)
        assert questions_of(tmp_path / "out", options).ask("words", PROMPTS, FOUR) == found
        assert server.asked.total() == len(PROMPTS) + len(refused)
    with serving(echo) as server:  # another server of the model, which reads them
        questions = questions_of(tmp_path / "other", options_of(server.url, calls=str(tmp_path / "calls")))
        again = questions.ask("words", PROMPTS, FOUR)
        assert server.asked == dict.fromkeys(refused, 1)
        assert [one for one in again if one not in found] == [again[at] for at in range(0, len(PROMPTS), 7)]
        assert "refused" not in questions.spent.noted


def test_where_all_is_refused_in_the_end_the_run_ends() -> None:
    """A balance that is used up: 400 for each request from some moment on."""

    def until(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return echo(number, body, headers) if number < 10 else Reply(400, b'{"error": {"message": "no credit"}}')

    found = {}
    with serving(until) as server, pytest.raises(ModelError, match=r"refuses a request: 400 .*no credit"):
        found.update(model_of(server.url, concurrency=1).generate(PROMPTS, ONE))
    assert not any(one.refused for one in found.values())


def test_no_server_is_there() -> None:
    with serving(echo) as server:
        pass
    with pytest.raises(ModelError, match=r"fails, asked 2 times: Connection error. .*refused"):
        list(model_of(server.url, retries=1).generate(["a"], ONE))


def test_a_slow_server() -> None:
    held = threading.Event()

    def slow(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        if number == 0:
            held.wait(20)
        return echo(number, body, headers)

    with serving(slow) as server:
        found = dict(model_of(server.url, timeout=0.3).generate(["mvua"], ONE))
        held.set()
    assert found[0].answers[0].text == "MVUA 0"
    assert server.asked == {"mvua": 2}


def test_fields_that_a_server_does_not_know_are_left_out() -> None:
    def strict(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        unknown = {"logprobs", "seed"} & set(body)
        if unknown:
            return Reply(422, json.dumps({"detail": f"Unexpected fields: {min(unknown)}"}).encode())
        return completion(["ja"], logprob=None)

    with serving(strict) as server:
        found = dict(model_of(server.url, retries=0).generate(PROMPTS, ONE))
    assert {found[at].answers for at in range(len(PROMPTS))} == {(Answer("ja", None),)}
    assert len(server.bodies) < 3 * len(PROMPTS)


def test_a_server_that_gives_one_choice_is_asked_as_often() -> None:
    def single(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        return completion([f"{prompt_of(body)} {body['seed']}"], logprob=None)

    with serving(single) as server:
        found = dict(model_of(server.url).generate(PROMPTS, Decoding(4, temperature=0.5, returns=3, seed=2)))
    for number, prompt in enumerate(PROMPTS):
        assert [one.text for one in found[number].answers] == [f"{prompt} {seed}" for seed in (2000, 2001, 2002)]
        assert (found[number].prompt_tokens, found[number].new_tokens) == (21, 6)


def test_what_a_filter_refuses_has_no_answer() -> None:
    reply = completion(["x"])
    reply.content = reply.content.replace(b'"stop"', b'"content_filter"')
    with serving(lambda *given: reply) as server:
        assert dict(model_of(server.url).generate(["a"], ONE))[0] == Answered((), 7, 2)


def test_it_stops_before_more_tokens_are_used() -> None:
    with serving(echo) as server:
        model, found = model_of(server.url, most_tokens=100), []
        with pytest.raises(ModelError, match=r"of --most-tokens 100 are used(.|\n)*--resume"):
            found += model.generate(PROMPTS, ONE)
        assert 6 <= len(server.bodies) <= 11  # 9 tokens each, of which at most 17 are expected
    with serving(echo) as server:
        assert len(list(model_of(server.url, most_tokens=9 * len(PROMPTS) + 30).generate(PROMPTS, ONE))) == len(PROMPTS)


def test_requests_a_minute() -> None:
    with serving(echo) as server:
        model = model_of(server.url, per_minute=6000)
        threads = [threading.Thread(target=lambda: list(model.generate(PROMPTS[:5], ONE))) for _ in range(2)]
        begin = served.time.monotonic()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert served.time.monotonic() - begin >= 9 * 0.01


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OWN_KEY")
    with pytest.raises(UserError, match="environment variable OWN_KEY is not set"):
        model_of("https://models.example.org/v1")
    with pytest.raises(UserError, match="is no address"):
        model_of("models.example.org")
    with serving(echo) as server:
        assert len(list(model_of(server.url).generate(["a"], ONE))) == 1


def questions_of(folder: Path, options: AskOptions) -> Questions:
    execution = Execution(Workspace(folder), RunnerChoice(), step="ask", quiet=True)
    return Questions(execution.each, options, execution.scratch)


def test_no_key_is_written_or_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A server that shows the key in errors and in answers."""
    caplog.set_level(logging.DEBUG)

    def tells(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        if number >= 30:
            return Reply(500, f"your key {headers['key']} has expired".encode())
        return completion([f"the key is {headers['key']}"]) if number != 3 else BAD["broken"]

    with serving(tells) as server:
        questions = questions_of(tmp_path / "out", options_of(server.url, retries=1))
        with pytest.raises(ModelError) as raised:
            questions.ask("first", PROMPTS, ONE)
        assert server.keys == {f"Bearer {KEY}"}
    out, err = capfd.readouterr()
    seen = [str(raised.value), repr(raised.value), repr(raised.value.__cause__), out, err, caplog.text]
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert any(one.suffix == ".parquet" for one in files)
    assert not [one for one in files if KEY.encode() in one.read_bytes()]
    assert not [one for one in seen if KEY in one]
    assert "(the key) has expired" in str(raised.value)
    from xlcorpus.mine.calls import Calls

    answers = Calls(questions.folder).table()["answers"].to_pylist()
    assert {one[0]["text"] for one in answers} == {"the key is Bearer (the key)"}


def test_behind_a_proxy_that_delays_fails_and_dies(tmp_path: Path) -> None:
    """The run ends; resumed it is whole. The model behind it is asked nothing twice, and nothing is lost."""
    with serving(echo) as behind:
        proxy = FailingProxy(behind.url, PROMPTS, 0.002)
        with serving(proxy) as before:
            options = options_of(before.url, retries=1)
            with pytest.raises(ModelError, match="asked 2 times: Connection error"):
                questions_of(tmp_path / "out", options).ask("words", PROMPTS, FOUR)
            first = sum(behind.asked.values())
            assert 0 < first < len(PROMPTS)
        proxy.requests = 10**6
        with serving(proxy) as before:
            resumed = questions_of(tmp_path / "out", options_of(before.url, retries=1))
            found = resumed.ask("words", PROMPTS, FOUR)
        assert [one.answers[0].text for one in found] == [f"{prompt.upper()} 0" for prompt in PROMPTS]
        assert behind.asked == dict.fromkeys(PROMPTS, 1)
        assert (resumed.spent.calls, resumed.spent.asked) == (len(PROMPTS), len(PROMPTS) - first)
        again = questions_of(tmp_path / "out", options)  # no server is there any more, and none is asked
        assert again.ask("words", PROMPTS, FOUR) == found
        assert sum(behind.asked.values()) == len(PROMPTS)
