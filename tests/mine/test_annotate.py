"""The step annotate with a model that is asked: every row stays, with a value or a fault; nothing is asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.evaluate.models import folder
from tests.mine.fakes import WordByWord, put_model
from tests.mine.servers import Reply, completion, prompt_of, serving
from tests.rows import documents, pairs, rows_of, write_dataset
from tests.running import called, digests
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import ModelError
from xlcorpus.mine.backend import Answer, Answered, Decoding

GRADE = "Grade from 0 to 5: {text}\nGrade:"
# Texts, languages, what the model says, what becomes of it.
ROWS = [
    ("Habari ya asubuhi.", "swh_Latn", ["4"], (4.0, None)),
    ("নদীর জল আজ বেড়েছে।", "ben_Beng", ["৩"], (3.0, None)),
    ("今日は天気がいい。", "jpn_Jpan", ["評価は2"], (2.0, None)),
    ("Καλημέρα σας.", "ell_Grek", ["-1"], (None, "out_of_range")),
    ("สวัสดีตอนเช้า", "tha_Thai", ["I cannot grade this"], (None, "not_a_number")),
    ("صباح الخير", "arb_Arab", ["3/5"], (None, "several_numbers")),
    ("Guten Morgen.", "deu_Latn", [" "], (None, "empty_answer")),
    ("Good morning.", "eng_Latn", [], (None, "no_answer")),
    (None, "eng_Latn", None, (None, "nothing_to_read")),
    ("Habari ya asubuhi.", "swh_Latn", ["4"], (4.0, None)),  # the same prompt again
    ("Bonjour.", "fra_Latn", ["0.5"], (0.5, None)),
]
TEXTS = [text for text, *_ in ROWS]


def prompt(text: str | None) -> str:
    return GRADE.format(text=text)


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path]:
    """Documents in three shards, and the answers to their prompts."""
    batch = documents(TEXTS, [lang for _, lang, *_ in ROWS], names=[str(row) for row in range(len(ROWS))])
    write_dataset(tmp_path / "documents", [batch.slice(0, 4), batch.slice(4, 6), batch.slice(10)])
    said = {prompt(text): answers for text, _, answers, _ in ROWS if answers is not None}
    return tmp_path / "documents", scripted(tmp_path, said)


def scripted(folder: Path, said: dict[str, list[str]]) -> Path:
    lines = [json.dumps({"prompt": one, "answers": answers}, ensure_ascii=False) for one, answers in said.items()]
    (folder / "answers.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "answers.jsonl"


def annotated(output: Path, dataset: Path, *arguments: object) -> Dataset:
    done = called("annotate", dataset, *map(str, arguments), "--output", output, "--quiet")
    assert done.returncode == 0, done.stderr
    return Dataset.open(output, verify=True)


def graded(output: Path, given: tuple[Path, Path], *more: object) -> Dataset:
    options = ("--template", GRADE, "--column", "grade", "--parse", "number", "--least", "0", "--most", "5")
    return annotated(output, given[0], "--llm", f"scripted:{given[1]}", *options, *more)


def refused(*arguments: object) -> str:
    done = called("annotate", *map(str, arguments))
    assert done.returncode == 1, done.stdout
    return done.stderr


def test_every_row_stays_with_a_value_or_a_fault(tmp_path: Path, given: tuple[Path, Path]) -> None:
    made = graded(tmp_path / "out", given)
    rows = rows_of(made)
    assert [(row["grade"], row["grade_fault"]) for row in rows] == [wanted for *_, wanted in ROWS]
    assert [row["grade_score"] for row in rows] == [None if wanted[1] else 1.0 for *_, wanted in ROWS]
    before = rows_of(given[0])
    assert [{name: row[name] for name in before[0]} for row in rows] == before
    schema = made.manifest.arrow_schema
    assert [str(schema.field(f"grade{end}").type) for end in ("", "_score", "_fault")] == ["double", "float", "string"]
    notes = made.manifest.notes
    assert (notes["rows"], notes["with_value"]) == (11, 5)
    assert notes["faults"] == dict.fromkeys(
        ("empty_answer", "no_answer", "not_a_number", "nothing_to_read", "out_of_range", "several_numbers"), 1
    )
    assert notes["said"] == {"0": 1, "2": 1, "3": 1, "4": 2}
    assert notes["spent"]["calls"] == 9
    calls = pq.read_table(made.folder / "calls.parquet")
    assert sorted(calls["prompt"].to_pylist()) == sorted({prompt(text) for text in TEXTS if text is not None})
    (tally,) = made.manifest.tallies
    assert (tally.rows_in, tally.rows_out) == (11, 11)
    assert str(given[1]) not in made.folder.joinpath("manifest.json").read_text("utf-8")


def test_several_datasets_of_other_columns(tmp_path: Path, given: tuple[Path, Path]) -> None:
    """One of them without rows, and without a column that the other has: what is written has the columns of both."""
    batch = documents(TEXTS[:2], ["swh_Latn", "ben_Beng"], editor=["Amina", None])
    some = write_dataset(tmp_path / "some", [batch]).folder
    none = write_dataset(tmp_path / "none", [documents([""], "tha_Thai").slice(1)]).folder
    made = graded(tmp_path / "out", (none, given[1]), some)
    assert [(row["editor"], row["grade"]) for row in rows_of(made)] == [("Amina", 4.0), (None, 3.0)]
    columns = made.manifest.arrow_schema
    some = write_dataset(tmp_path / "no-rows", [batch.slice(2)]).folder
    assert graded(tmp_path / "none-out", (none, given[1]), some).manifest.arrow_schema.equals(columns)


@pytest.mark.process
def test_any_workers(tmp_path: Path, given: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    one, two = (graded(tmp_path / str(count), given, "--workers", count) for count in (1, 2))
    assert digests(one.folder) == digests(two.folder)


@pytest.mark.slow
def test_the_portable_runner(tmp_path: Path, given: tuple[Path, Path]) -> None:
    one, other = (graded(tmp_path / name, given, "--runner", name) for name in ("local", "portable"))
    assert digests(one.folder) == digests(other.folder)


class Dying(WordByWord):
    """Grades by the length of the prompt; after some answers it is gone."""

    def __init__(self, after: int = 1 << 30) -> None:
        super().__init__({})
        self.after = after

    def said(self, prompt: str) -> list[str]:
        """A digit."""
        return [str(len(prompt) % 6)]

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        for number, answered in super().generate(prompts, decoding):
            if len(self.asked) > self.after:
                raise ModelError("the server is gone", remedy="start it again; --resume goes on")
            yield number, answered


def test_nothing_is_asked_twice(tmp_path: Path, given: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("annotate", given[0], "--llm", "fake:x", "--template", GRADE, "--column", "grade", "--parse", "number",
                 "--quiet", "--output")  # fmt: skip
    dying = Dying(4)
    put_model(monkeypatch, dying)
    assert "the server is gone" in called(*arguments, tmp_path / "out").stderr
    whole = Dying()
    put_model(monkeypatch, whole)
    assert called(*arguments, tmp_path / "out", "--resume").returncode == 0
    assert not set(dying.asked[:4]) & set(whole.asked)
    straight = Dying()
    put_model(monkeypatch, straight)
    kept = (*arguments, tmp_path / "straight", "--calls", tmp_path / "calls")
    assert called(*kept).returncode == 0
    assert sorted(dying.asked[:4] + whole.asked) == sorted(straight.asked)
    assert len(straight.asked) == 9
    assert digests(tmp_path / "out") == digests(tmp_path / "straight")
    again = Dying()
    put_model(monkeypatch, again)
    assert called(*kept, "--overwrite").returncode == 0
    assert not again.asked
    assert digests(tmp_path / "out") == digests(tmp_path / "straight")


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    """SIGKILL during the 150th request of 200: what was not kept yet (64 answers at most) is asked again."""
    texts = [f"Habari ya siku {number}." for number in range(200)]
    batch = documents(texts, "swh_Latn")
    write_dataset(tmp_path / "documents", [batch.slice(0, 90), batch.slice(90)])
    running, started = [], threading.Event()

    def answer(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        if number == 150 and len(running) == 1:
            started.wait(60)
            os.kill(running[0].pid, signal.SIGKILL)
        return completion([f" {len(prompt_of(body)) % 6}"])

    with serving(answer) as server:
        arguments = ["annotate", tmp_path / "documents", "--llm", "openai:tiny", "--llm-url", server.url, "--template"]
        arguments += [GRADE, "--column", "grade", "--parse", "number", "--concurrency", "4", "--quiet", "--output"]
        code = [sys.executable, "-m", "xlcorpus", *map(str, arguments), str(tmp_path / "out")]
        running.append(subprocess.Popen(code, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        started.set()
        assert running[0].wait(120) == -signal.SIGKILL
        before = Counter(server.asked)
        assert 150 <= before.total() <= 160
        running.append(running[0])
        done = called(*arguments, tmp_path / "out", "--resume")
        assert done.returncode == 0, done.stderr
        twice = server.asked.total() - 200
        assert 0 <= twice <= 64 + 4
        assert called(*arguments, tmp_path / "straight").returncode == 0
    assert digests(tmp_path / "out") == digests(tmp_path / "straight")


class Refusing(Dying):
    """Does not read what has an umlaut."""

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        for number, answered in super().generate(prompts, decoding):
            yield number, Answered((), refused=True) if "ü" in prompts[number] else answered


def test_prompts_that_a_server_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_model(monkeypatch, Refusing())
    write_dataset(tmp_path / "documents", [documents(["grün", "rot"])])
    options = ("--llm", "fake:x", "--parse", "number", "--column", "grade", "--template", GRADE)
    made = annotated(tmp_path / "out", tmp_path / "documents", *options)
    assert [row["grade_fault"] for row in rows_of(made)] == ["prompt_refused", None]
    assert made.manifest.notes["faults"] == {"prompt_refused": 1}


class Short(Dying):
    """Reads eight words, and tells how sure it is."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 8 + 64

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        for number, answered in super().generate(prompts, decoding):
            yield number, Answered((Answer(answered.answers[0].text, -0.5),), answered.prompt_tokens)


def test_prompts_that_the_model_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Short()
    put_model(monkeypatch, model)
    texts = ["one two", "one two three four five six"]
    write_dataset(tmp_path / "documents", [documents(texts)])
    options = ("--llm", "fake:x", "--parse", "number", "--column", "grade")
    rows = rows_of(annotated(tmp_path / "out", tmp_path / "documents", *options, "--template", GRADE))
    assert [row["grade_fault"] for row in rows] == [None, "prompt_too_long"]
    assert rows[0]["grade_score"] == pytest.approx(0.60653, abs=1e-5)
    assert rows[1]["grade_score"] is None
    short = "Grade from 0 to 5: {{ text[:7] }}"
    rows = rows_of(annotated(tmp_path / "short", tmp_path / "documents", *options, "--template", short))
    assert [row["grade_fault"] for row in rows] == [None, None]
    assert model.asked[-1] == "Grade from 0 to 5: one two"


def test_a_model_in_this_process(tmp_path: Path) -> None:
    """A tiny one of transformers, which reads 64 tokens: its answers, with their probability, or why there is none."""
    texts = ["Habari ya asubuhi.", "今日は天気がいい。", "neno " * 80]
    write_dataset(tmp_path / "documents", [documents(texts)])
    arguments = ("--llm", f"transformers:{folder('LlamaForCausalLM')}", "--template", "{text}", "--column", "said")
    rows = rows_of(annotated(tmp_path / "out", tmp_path / "documents", *arguments, "--new-tokens", "6"))
    assert rows[2]["said_fault"] == "prompt_too_long"
    for row in rows[:2]:
        assert (row["said"] is None) == (row["said_score"] is None) == (row["said_fault"] is not None)
        assert row["said_fault"] in (None, "empty_answer")
        assert row["said"] is None or 0 < row["said_score"] < 1
    assert any(row["said"] for row in rows)


def test_pairs_choices_and_templates(tmp_path: Path) -> None:
    rows = [("Der Hund bellt.", "The dog barks."), ("Ich bin müde.", "The house is red."), ("", None), ("?", "!")]
    batch = pairs(rows, "deu_Latn", "eng_Latn", note=pa.array(["a", "b", None, "c"]))
    write_dataset(tmp_path / "pairs", [batch], "pair")
    template = "{% if note == 'c' %}{{ raise_exception('no') }}{% endif %}{% if src %}{{ src }} = {{ tgt }}?{% endif %}"
    said = {"Der Hund bellt. = The dog barks.?": ["**Right**"], "Ich bin müde. = The house is red.?": ["wrong."]}
    made = annotated(
        tmp_path / "out", tmp_path / "pairs", "--llm", f"scripted:{scripted(tmp_path, said)}", "--template", template,
        "--column", "judged", "--parse", "choice", "--choices", "right", "--choices", "wrong",
    )  # fmt: skip
    assert [(row["judged"], row["judged_fault"]) for row in rows_of(made)] == [
        ("right", None),
        ("wrong", None),
        (None, "nothing_to_read"),
        (None, "template_failed"),
    ]
    assert made.manifest.schema == "pair-1"
    assert made.manifest.notes["said"] == {"right": 1, "wrong": 1}


def test_a_mix_goes_by_what_was_said(tmp_path: Path) -> None:
    texts = [f"{word} {number}" for word in ("habari", "hadithi") for number in range(6)]
    write_dataset(tmp_path / "documents", [documents(texts, "swh_Latn")])
    said = {text: ["Fiction" if text.startswith("hadithi") else "news"] for text in texts}
    annotated(
        tmp_path / "out", tmp_path / "documents", "--llm", f"scripted:{scripted(tmp_path, said)}", "--template",
        "{text}", "--column", "domain", "--parse", "choice", "--choices", "news", "--choices", "fiction",
    )  # fmt: skip
    parts = "[{where: {domain: fiction}, share: 0.75}, {where: {domain: news}, share: 0.25}]"
    (tmp_path / "mix.yaml").write_text(f"unit: docs\nbudget: 8\nmix: {{parts: {parts}}}\n", "utf-8")
    done = called("mix", tmp_path / "out", "--mix", tmp_path / "mix.yaml", "--output", tmp_path / "mix", "--quiet")
    assert done.returncode == 0, done.stderr
    assert sorted(row["domain"] for row in rows_of(tmp_path / "mix")) == ["fiction"] * 6 + ["news"] * 2


def test_triples(tmp_path: Path) -> None:
    """What MT4CrossOIE has an LLM say: a relation and its arguments."""
    write_dataset(tmp_path / "documents", [documents(["Амина живёт в Кигали.", "Ничего."])])
    said = {
        "Амина живёт в Кигали.": ['```json\n{"relation": "живёт в", "arguments": ["Амина", "Кигали"]}\n```'],
        "Ничего.": ['{"relation": "'],
    }
    made = annotated(
        tmp_path / "out", tmp_path / "documents", "--llm", f"scripted:{scripted(tmp_path, said)}", "--template",
        "{text}", "--column", "oie", "--parse", "json", "--fields", "relation", "--fields", "arguments:json", "--chat",
    )  # fmt: skip
    rows = rows_of(made)
    assert rows[0]["oie_relation"] == "живёт в"
    assert json.loads(rows[0]["oie_arguments"]) == ["Амина", "Кигали"]
    assert [(row["oie"] is None, row["oie_fault"]) for row in rows] == [(False, None), (True, "broken_json")]


def test_the_plan_says_about_how_much(given: tuple[Path, Path], tmp_path: Path) -> None:
    done = called(
        "annotate", given[0], "--llm", f"scripted:{given[1]}", "--template", GRADE, "--column", "grade", "--parse",
        "number", "--price", "1/2", "--plan", "--output", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "about 11 calls" in done.stdout
    assert "44 out" in done.stdout
    assert "--price 1/2" in done.stdout
    assert not (tmp_path / "out").exists()


def test_an_empty_dataset(tmp_path: Path) -> None:
    write_dataset(tmp_path / "documents", [documents([])])
    made = graded(tmp_path / "out", (tmp_path / "documents", scripted(tmp_path, {"": []})))
    assert made.manifest.rows == 0
    assert made.manifest.arrow_schema.names[-3:] == ["grade", "grade_score", "grade_fault"]


def test_what_is_refused(given: tuple[Path, Path], tmp_path: Path) -> None:
    documents_here, answers = given
    base = ["--output", tmp_path / "out", "--llm", f"scripted:{answers}", "--template", GRADE]
    assert "there is a column 'lang'" in refused(documents_here, *base, "--column", "lang")
    assert "a name of xlcorpus' own" in refused(documents_here, *base, "--column", "script_share")
    assert "'body'" in refused(documents_here, *base[:4], "--template", "{body}", "--column", "grade")
    assert "needs a prompt" in refused(documents_here, *base[:4], "--column", "grade")
    assert "special tokens" in refused(documents_here, *base[:4], "--template", "{{ bos }}{{ text }}", "--column", "x")
    assert "does not say how the model is asked" in refused(
        documents_here, *base[:2], "--llm", "scripted", "--template", GRADE, "--column", "grade"
    )
    assert not (tmp_path / "out").exists()
