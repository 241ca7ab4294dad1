"""A real model mines words: the one of the sample corpus, which never saw a word of it as a pair, end to end."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.mine_sample_lm import LANGUAGES, documents, in_cyrillic, in_latin, made_up, real_words
from tests import rows
from tests.running import called, digests, run_nodes
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.mine import questions
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.sample import sample_folder

MODEL = sample_folder() / "serbian-lm"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The Serbian documents of the sample, each in both scripts."""
    found = documents()
    texts = [found["srp_Cyrl"] + [in_cyrillic(text) for text in found["srp_Latn"]]]
    texts.append([in_latin(text) for text in found["srp_Cyrl"]] + found["srp_Latn"])
    langs = [lang for lang, some in zip(LANGUAGES, texts, strict=True) for _ in some]
    batch = rows.documents([*texts[0], *texts[1]], langs)
    return rows.write_dataset(tmp_path_factory.mktemp("given") / "documents", [batch.slice(0, 30), batch.slice(30)])


def mined(given: Dataset, output: Path, **running: object) -> Dataset:
    asked = {"pair": ":".join(LANGUAGES), "llm": f"transformers:{MODEL}", "queries": 16, "rounds": 0}
    asked |= {"new_tokens": 14}
    step = find_step("mine-words")
    run_nodes([Node("words", step, make_options(step, asked, "test"), (given.folder,))], output, **running)
    return Dataset.open(output / "words", verify=True)


def first_answers(made: Path, known: set[str]) -> list[tuple[str, str]]:
    """Words of Cyrillic letters, and what the model says of them first, without examples, that is one of `known`."""
    found = []
    for row in pq.read_table(made / "calls.parquet").to_pylist():
        words, said = row["prompt"].split(), [one["text"].strip() for one in row["answers"]]
        if "\n" not in row["prompt"] and words[1:3] == ["Serbian", "(Cyrillic)"]:
            found += [(words[4], word) for word in said if word in known][:1]
    return found


def share_right(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(in_latin(src) == tgt for src, tgt in pairs) / len(pairs)


def test_what_is_confirmed_is_right(given: Dataset, tmp_path: Path) -> None:
    """The command of the model's card. The filter raises precision, at the cost of recall."""
    lines = (MODEL / "README.md").read_text("utf-8").split("```bash\n")[1].split("```")[0].replace("\\\n", "")
    values = {"$SAMPLE": str(sample_folder()), "out/documents": str(given.folder), "out/words": str(tmp_path / "words")}
    for name, value in values.items():
        lines = lines.replace(name, value)
    done = called(*shlex.split(lines)[1:], "--quiet")
    assert done.returncode == 0, done.stderr
    made = Dataset.open(tmp_path / "words", verify=True)
    said = first_answers(tmp_path / "words", {in_latin(word) for word in real_words(documents())})
    raw, found = share_right(said), [(row["src"], row["tgt"]) for row in rows.rows_of(made)]
    assert raw < 0.95
    assert share_right(found) >= max(0.95, raw + (1 - raw) / 2)
    one, other = (one for one in made.manifest.notes["rounds"] if one["lang"] == "srp_Cyrl")
    assert one["queried"] == other["queried"] > len(said) - one["asked_back"]
    assert 5 <= other["confirmed"] < other["in_vocabulary"]


@pytest.fixture(scope="module")
def few(given: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    made = mined(given, tmp_path_factory.mktemp("few"))
    assert made.manifest.rows > 2
    return made


def test_the_portable_runner(given: Dataset, few: Dataset, tmp_path: Path) -> None:
    """Asked anew, as below."""
    assert digests(mined(given, tmp_path, runner="portable").folder) == digests(few.folder)


@pytest.mark.slow
def test_two_workers(given: Dataset, few: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes with a model each, and blocks of their own."""
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    monkeypatch.setattr(questions, "BLOCK", 16)
    assert digests(mined(given, tmp_path, workers=2).folder) == digests(few.folder)


def test_the_model_never_saw_these_words(given: Dataset) -> None:
    """The words that it was taught in pairs are no words of the sample."""
    real = real_words(documents())
    words = made_up(real, 500)
    assert not real & {*words}
    assert len({*words}) == 500
    assert sum(file.stat().st_size for file in MODEL.iterdir()) < 400_000
    assert all(in_cyrillic(in_latin(word)) == word for word in real)
