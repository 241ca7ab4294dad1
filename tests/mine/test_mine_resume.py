"""A run that ends half way goes on where it was; odd input is said, not swallowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.mine.fakes import WordByWord, put_model
from tests.mine.test_mine_pairs import GERMAN, WEAK
from tests.rows import documents, pairs, rows_of, write_dataset
from tests.running import called, digests
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import ModelError
from xlcorpus.mine import questions
from xlcorpus.mine.backend import Answered, Backend, Decoding
from xlcorpus.mine.options import AskOptions


class Dying(WordByWord):
    """Answers some prompts, then is gone."""

    after = 3

    def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
        """See Model."""
        for number, answered in super().generate(prompts, decoding):
            if len(self.asked) > self.after:
                raise ModelError("the server is gone", remedy="start it again; --resume goes on")
            yield number, answered


def test_nothing_is_asked_twice_after_a_server_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = documents([german for german, _ in GERMAN], "deu_Latn")
    write_dataset(tmp_path / "documents", [batch.slice(0, 4), batch.slice(4)])
    write_dataset(tmp_path / "weak", [pairs(WEAK, "deu_Latn", "eng_Latn")], "pair")
    arguments = ("mine-pairs", tmp_path / "documents", tmp_path / "weak", "--pair", "eng_Latn:deu_Latn",
                 "--llm", "fake:x", "--rounds", "1", "--tau", "0", "--quiet", "--output")  # fmt: skip
    dying = Dying({}, dict(GERMAN))
    put_model(monkeypatch, dying)
    done = called(*arguments, tmp_path / "out")
    assert done.returncode == 1
    assert "the server is gone" in done.stderr
    whole = WordByWord({}, dict(GERMAN))
    put_model(monkeypatch, whole)
    assert called(*arguments, tmp_path / "out", "--resume").returncode == 0
    answered = dying.asked[: dying.after]
    assert not set(answered) & set(whole.asked)
    straight = WordByWord({}, dict(GERMAN))
    put_model(monkeypatch, straight)
    assert called(*arguments, tmp_path / "straight").returncode == 0
    assert sorted(answered + whole.asked) == sorted(straight.asked)
    assert digests(tmp_path / "out") == digests(tmp_path / "straight")


def test_a_prompt_that_is_refused_is_a_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(WordByWord):
        def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
            """See Model."""
            for number, answered in super().generate(prompts, decoding):
                refused = GERMAN[2][0] in prompts[number]
                yield number, Answered((), refused=True) if refused else answered

    put_model(monkeypatch, Refusing({}, dict(GERMAN)))
    write_dataset(tmp_path / "documents", [documents([german for german, _ in GERMAN], "deu_Latn")])
    done = called("mine-pairs", tmp_path / "documents", "--pair", "eng_Latn:deu_Latn", "--llm", "f:x", "--shots", "0",
                  "--output", tmp_path / "out", "--keep-text", "--quiet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = Dataset.open(tmp_path / "out", verify=True)
    decisions = [(one["reason"], one["text"]) for batch in made.decisions() for one in batch.to_pylist()]
    assert decisions == [("prompt_refused", GERMAN[2][0])]
    assert made.manifest.notes["spent"]["refused"] == 1


def test_a_run_that_knows_all_answers_opens_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    model = WordByWord({}, dict(GERMAN), length=1000)

    def open_it(name: str, options: AskOptions) -> WordByWord:
        opened.append(name)
        if len(opened) > 1:
            raise ModelError("its weights are gone")
        return model

    backend = Backend("fake", "", lambda name, options: model.identity, open_it)
    monkeypatch.setattr(questions, "backend_of", lambda given: (backend, given))
    write_dataset(tmp_path / "documents", [documents([german for german, _ in GERMAN], "deu_Latn")])
    write_dataset(tmp_path / "weak", [pairs(WEAK, "deu_Latn", "eng_Latn")], "pair")
    arguments = ("mine-pairs", tmp_path / "documents", tmp_path / "weak", "--pair", "eng_Latn:deu_Latn", "--llm", "f:x",
                 "--rounds", "1", "--tau", "0", "--calls", tmp_path / "calls", "--quiet", "--output")  # fmt: skip
    for run in ("first", "second"):
        questions._open.cache_clear()
        assert called(*arguments, tmp_path / run).returncode == 0
    assert opened == ["f:x"]
    assert digests(tmp_path / "first") == digests(tmp_path / "second")
    for more in (("--shots", "1"), ("--llm-length", "900")):  # other prompts; a length that may be another one
        questions._open.cache_clear()
        done = called(*arguments, tmp_path / more[0], *more)
        assert "its weights are gone" in done.stderr
    questions._open.cache_clear()


def test_a_language_without_documents(tmp_path: Path) -> None:
    write_dataset(tmp_path / "documents", [documents(["Der Fluss steigt."], "deu_Latn")])
    (tmp_path / "en-de.tsv").write_text("src\ttgt\nriver\tFluss\n", encoding="utf-8")
    done = called("mine-weak", tmp_path / "documents", "--pair", "eng_Latn:deu_Latn", "--dictionary",
                  tmp_path / "en-de.tsv", "--output", tmp_path / "weak", "--quiet")  # fmt: skip
    assert done.returncode == 0
    assert "no document is labelled eng_Latn" in done.stderr
    made = Dataset.open(tmp_path / "weak", verify=True)
    assert made.manifest.rows == 0
    assert {one["reason"] for batch in made.decisions() for one in batch.to_pylist()} == {"another_language"}


def test_documents_without_languages(tmp_path: Path) -> None:
    write_dataset(tmp_path / "documents", [documents(["Der Fluss steigt."])])
    (tmp_path / "en-de.tsv").write_text("src\ttgt\nriver\tFluss\n", encoding="utf-8")
    done = called("mine-weak", tmp_path / "documents", "--pair", "eng_Latn:deu_Latn", "--dictionary",
                  tmp_path / "en-de.tsv", "--output", tmp_path / "weak")  # fmt: skip
    assert done.returncode == 1
    assert "no column 'lang'" in done.stderr
    assert "xlcorpus identify" in done.stderr


def test_limits_and_ids_do_not_follow_the_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same documents in one shard, in three and in another order give the same pairs."""
    put_model(monkeypatch, WordByWord({}, dict(GERMAN)))
    names = [str(number) for number in range(len(GERMAN))]
    batch = documents([german for german, _ in GERMAN], "deu_Latn", names=names)
    ways = {
        "one": [batch],
        "three": [batch.slice(0, 1), batch.slice(1, 4), batch.slice(5)],
        "turned": [batch.slice(3), batch.slice(0, 3)],
    }
    found = {}
    for way, parts in ways.items():
        write_dataset(tmp_path / way, parts)
        done = called("mine-pairs", tmp_path / way, "--pair", "eng_Latn:deu_Latn", "--llm", "f:x", "--shots", "0",
                      "--sentences", "4", "--output", tmp_path / f"{way}-out", "--quiet")  # fmt: skip
        assert done.returncode == 0, done.stderr
        rows = rows_of(tmp_path / f"{way}-out")
        found[way] = sorted((row["doc_id"], row["src"], row["pair_doc_id"]) for row in rows)
        assert len(rows) == 4
    assert found["one"] == found["three"] == found["turned"]
