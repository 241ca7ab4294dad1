"""The commands of docs/annotate.md run, with a model that grades by the length of a prompt."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.evaluate.models import folder
from tests.house.pages import blocks
from tests.mine.fakes import WordByWord, put_model
from tests.mine.test_annotate_models import TAGS, TOPICS, saved
from tests.packed import SAMPLE, TEXTS
from tests.rows import documents, rows_of, write_dataset
from tests.running import called
from xlcorpus.dataset.dataset import Dataset

GRADE, TOPIC = "Grade from 0 to 5: {text}\\nGrade:", "News or fiction? {text}\\nIt is"


class Reader(WordByWord):
    """Says a grade, or a topic."""

    def __init__(self) -> None:
        super().__init__({})

    def said(self, prompt: str) -> list[str]:
        """By the length of the prompt."""
        if prompt.endswith("Grade:"):
            return [str(len(prompt) % 6)]
        return [("news", "fiction")[len(prompt) % 2]]


@pytest.mark.slow
def test_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_model(monkeypatch, Reader())
    write_dataset(Path("out/documents"), [documents([*TEXTS.values()], [*TEXTS])])
    Path("grades.yaml").write_text("default: {grade: {min: 3}}\n", "utf-8")
    shutil.copy(SAMPLE, "t.model")
    values = {"$LLM": "fake:x", "$GRADE": GRADE, "$TOPIC": TOPIC}
    values["$CLASSIFIER"] = str(saved(Path("classifier"), "SequenceClassification", TOPICS))
    values["$TAGGER"] = str(saved(Path("tagger"), "TokenClassification", TAGS))
    values["encoder:$ENCODER"] = f"encoder:{folder('XLMRobertaForMaskedLM')}"
    for _, code in blocks("annotate.md", "bash"):
        for line in code.splitlines():
            words = [values.get(word, word) for word in shlex.split(line)]
            done = called(*words[1:], "--quiet")
            assert done.returncode == 0, (line, done.stderr)
    graded = {row["text"]: row["grade"] for row in rows_of(Path("out/graded"))}
    assert set(graded) == set(TEXTS.values())
    assert {row["text"] for row in rows_of(Path("out/good"))} == {text for text, grade in graded.items() if grade >= 3}
    assert 0 < Dataset.open(Path("out/good")).manifest.rows < len(graded)
    low = [one for batch in Dataset.open(Path("out/good")).decisions() for one in batch.to_pylist()]
    assert {one["reason"] for one in low} == {"grade_below"}
    assert {one["score"] for one in low} == {grade for grade in graded.values() if grade < 3}
    topics = [row["domain"] for row in rows_of(Path("out/mix"))]
    assert sorted(topics) == ["fiction"] * 3 + ["news"] * 3
    assert {row["topic"] for row in rows_of(Path("out/classified"))} <= {*TOPICS}
    assert {len(row["vector"]) for row in rows_of(Path("out/vectors"))} == {16}
    assert Dataset.open(Path("out/rows"), verify=True).manifest.rows == len(TEXTS)
