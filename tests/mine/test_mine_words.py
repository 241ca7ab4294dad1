"""The step mine-words: a dataset that is a dictionary, the same for any workers and runner; nothing asked twice."""

from __future__ import annotations

import functools
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.mine.oracle import LANGS, Oracle, made_word, number_of
from tests.rows import documents, rows_of, write_dataset
from tests.running import digests, invoked, run_nodes
from xlcorpus.beam import runners
from xlcorpus.cli.lexicon import command
from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.mine.backend import Decoding
from xlcorpus.mine.vocabulary import Vocabulary
from xlcorpus.mine.word_prompts import WordPrompts
from xlcorpus.mine.word_texts import TrainSide, read_side
from xlcorpus.mine.words import Mining
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.text.labels import language_of

WORDS, QUERIES, ERROR = 240, 160, 0.3
PAIR = ":".join(LANGS)


def count_of(number: int) -> int:
    """How often a word stands in the documents."""
    return min(8, 1 + (WORDS - 1 - number) // 28)


def vocabulary(side: int) -> Vocabulary:
    """The words of a side as the step should find them."""
    order = sorted(range(WORDS), key=lambda number: (-count_of(number), made_word(number, side)))
    return Vocabulary(LANGS[side], tuple(made_word(n, side) for n in order), tuple(map(count_of, order)))


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Documents in which the words of the oracle stand, the first ones the most often, and some of another language."""
    folder = tmp_path_factory.mktemp("given")
    texts, langs = [], []
    for side, lang in enumerate(LANGS):
        for part in range(8):
            texts.append(". ".join(made_word(number, side).title() for number in range(WORDS - 28 * part)))
            langs.append(lang)
    texts += ["Nyumba ni kubwa.", None, ""]
    langs += ["swh_Latn", "swh_Latn", LANGS[0]]
    batch = documents(texts, langs, names=[str(row) for row in range(len(texts))])
    return write_dataset(folder / "documents", [batch.slice(0, 5), batch.slice(5, 6), batch.slice(11)])


@pytest.fixture(scope="module")
def answers(given: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the oracle says to all prompts of a run, as a file; the prompts come of the room's functions."""
    folder = tmp_path_factory.mktemp("answers")
    train = TrainSide((given,), locate(str(folder)), 64 << 20, 5)
    for side, lang in enumerate(LANGS):
        train(side, lang)
    oracle, sides = Oracle(WORDS, ERROR, 0.1), (vocabulary(0), vocabulary(1))
    prompts = WordPrompts(LANGS, functools.cache(lambda side: read_side(locate(str(folder)), side)))
    queries = sides[0].words[:QUERIES], sides[1].words[:QUERIES]
    Mining(sides, prompts, oracle, Decoding(5, beams=5, returns=5)).rounds(queries)
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as lines:
        for prompt in dict.fromkeys(prompt for _, asked in oracle.asked for prompt in asked):
            said = [one.text for one in oracle.answer(prompt, 5).answers]
            lines.write(json.dumps({"prompt": prompt, "answers": said}, ensure_ascii=False) + "\n")
    return folder / "answers.jsonl"


def mined(
    given: Dataset, answers: Path, output: Path, running: Mapping[str, Any] | None = None, **options: object
) -> Dataset:
    """running: of `run_nodes`."""
    step = find_step("mine-words")
    asked = {"pair": PAIR, "llm": f"scripted:{answers}", "queries": QUERIES} | options
    node = Node("words", step, make_options(step, asked, "test"), (given.folder,))
    run_nodes([node], output, **(running or {}))
    return Dataset.open(output / "words", verify=True)


@pytest.fixture(scope="module")
def made(given: Dataset, answers: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return mined(given, answers, tmp_path_factory.mktemp("made"), {"keep_text": True})


def test_the_rows_and_what_became_of_the_rest(made: Dataset, given: Dataset) -> None:
    rows = rows_of(made)
    assert made.manifest.schema == "mined_word-1"
    assert len({row["doc_id"] for row in rows}) == len(rows) > 100
    good = sum(number_of(row["src"], 0) == number_of(row["tgt"], 1) for row in rows)
    assert good / len(rows) >= 0.97
    assert {row["iteration"] for row in rows} == {0, 1}
    assert [row["src_rank"] for row in rows] == sorted(row["src_rank"] for row in rows)
    for row in rows:
        for side, name in enumerate(("src", "tgt")):
            assert vocabulary(side).ranks[row[name]] == row[f"{name}_rank"]
            assert count_of(number_of(row[name], side)) == row[f"{name}_count"]
    assert made.manifest.languages == {"-".join(LANGS): len(rows)}
    decided = [row for batch in made.decisions() for row in batch.to_pylist()]
    reasons = Counter(row["reason"] for row in decided)
    assert reasons["other_language"] == 2
    assert {row["text"] for row in decided if row["reason"] == "other_language"} == {"Nyumba ni kubwa.", None}
    assert set(reasons) <= {"other_language", "not_confirmed", "out_of_vocabulary", "no_answer"}
    for side, lang in enumerate(LANGS):
        paired = {row[("src", "tgt")[side]] for row in rows}
        without = {row["text"] for row in decided if row["lang"] == lang}
        assert without == {*vocabulary(side).words[:QUERIES]} - paired
    (tally,) = made.manifest.tallies
    assert (tally.rows_in, tally.merged) == (given.manifest.rows, given.manifest.rows - 2)
    notes = made.manifest.notes
    assert notes["words"] == dict.fromkeys(LANGS, WORDS)
    assert [(one["round"], one["queried"]) for one in notes["rounds"]] == [(0, 160), (0, 160), (1, 160), (1, 160)]
    assert notes["rounds"][-1]["confirmed"] == len(rows) > notes["rounds"][0]["confirmed"]
    assert sum(one["confirmed"] for one in notes["bands"]) == sum(row["src_rank"] <= QUERIES for row in rows)
    calls = pq.read_table(made.folder / "calls.parquet")
    assert calls.num_rows == notes["spent"]["calls"] > 2 * 2 * QUERIES
    assert "asked" not in notes["spent"]


@pytest.mark.process
def test_any_workers(given: Dataset, answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    one, two = (mined(given, answers, tmp_path / str(n), {"workers": n}, rounds=0) for n in (1, 2))
    assert digests(one.folder) == digests(two.folder)


@pytest.mark.slow
def test_the_portable_runner(made: Dataset, given: Dataset, answers: Path, tmp_path: Path) -> None:
    other = mined(given, answers, tmp_path, {"runner": "portable", "keep_text": True})
    assert digests(other.folder) == digests(made.folder)


def test_what_is_known_is_not_asked_again(given: Dataset, answers: Path, tmp_path: Path) -> None:
    """With --calls a second run needs no model: one that knows nothing gives the same rows."""
    one = mined(given, answers, tmp_path / "one", rounds=0, calls=str(tmp_path / "calls"))
    before = sorted(path.name for path in (tmp_path / "calls").iterdir())
    other = mined(given, answers, tmp_path / "other", rounds=0, calls=str(tmp_path / "calls"))
    assert sorted(path.name for path in (tmp_path / "calls").iterdir()) == before
    assert digests(one.folder) == digests(other.folder)


def test_a_seed_dictionary(given: Dataset, answers: Path, tmp_path: Path) -> None:
    """Its pairs of single words stand in the prompts of the first round, of both directions; its content counts."""
    one, other = (made_word(WORDS - 1, side) for side in (0, 1))
    seeds = tmp_path / "seeds.tsv"
    seeds.write_text(f"eng_Latn\thin_Deva\n{one}\t{other}\ntwo words\t{other}\n", encoding="utf-8")
    prompts = [
        f"The {names[0]} word '{known[0]}' in {names[1]} is {known[1]}.\nThe {names[0]} word '{word}' in {names[1]} is"
        for names, known, side in ((("English", "Hindi"), (one, other), 0), (("Hindi", "English"), (other, one), 1))
        for word in vocabulary(side).words[:20]
    ]
    lines = [json.dumps({"prompt": prompt, "answers": [" no"]}) for prompt in prompts]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines), encoding="utf-8")
    made = mined(given, tmp_path / "answers.jsonl", tmp_path / "made", queries=20, seed_dictionary=str(seeds))
    assert sorted(pq.read_table(made.folder / "calls.parquet")["prompt"].to_pylist()) == sorted(prompts)
    record = made.manifest.steps[-1]
    assert record.parameters["seed_dictionary"] == ["seeds.tsv"]
    assert len(record.models["seed dictionary"]) == 32
    seeds.write_text("deu_Latn\tfra_Latn\nHaus\tmaison\n", encoding="utf-8")
    with pytest.raises(UserError, match="the header says deu_Latn"):
        mined(given, answers, tmp_path / "refused", seed_dictionary=str(seeds))


def test_labels_of_one_language(made: Dataset, given: Dataset, answers: Path, tmp_path: Path) -> None:
    """A label without a script is of the language in every one; the rows are the same."""
    batches = list(given.batches())
    other = [
        put_columns(one, {"lang": pc.replace_substring(one.column("lang"), LANGS[1], language_of(LANGS[1]))})
        for one in batches
    ]
    found = mined(write_dataset(tmp_path / "given", other), answers, tmp_path / "out")
    assert rows_of(found) == rows_of(made)
    (tally,) = found.manifest.tallies
    assert tally.merged == made.manifest.tallies[0].merged


def test_it_is_a_dictionary(made: Dataset, given: Dataset, tmp_path: Path) -> None:
    """`lexicon build`, `lexicon inspect` and `codeswitch --dictionary` read it as it is."""
    invoked(command, "build", made.folder, "--output", tmp_path / "words.parquet")
    entries = pq.read_table(tmp_path / "words.parquet")
    pairs = {(row["src"], row["tgt"], row["score"]) for row in rows_of(made)}
    assert {(row["src"], row["tgt"], row["score"]) for row in entries.to_pylist()} == pairs
    assert entries["induced"].to_pylist() == [True] * len(pairs)
    assert set(entries["source"].to_pylist()) == {"mined"}
    assert f"{len(pairs):,}" in invoked(command, "inspect", made.folder).output
    step = find_step("codeswitch")
    options = {"dictionary": [str(made.folder)], "ratio": 1.0, "src": LANGS[0]}
    options = {name: value for name, value in options.items() if name in step.options.model_fields}
    node = Node("cs", step, make_options(step, options, "test"), (given.folder,))
    run_nodes([node], tmp_path)
    rows = [row for row in rows_of(Dataset.open(tmp_path / "cs")) if row["lang"] == LANGS[0]]
    texts = [row["cs_source"].lower() for row in rows if row["cs_source"] is not None]
    assert sum(any(word in text for _, word, _ in pairs) for text in texts) >= 5


def test_what_is_refused(given: Dataset, answers: Path, tmp_path: Path) -> None:
    for options, message in (
        ({"pair": "swh_Latn:fra_Latn"}, "no document is in 'fra_Latn'"),
        ({"pair": f"{LANGS[0]}:{LANGS[0]}"}, "both sides"),
        ({"pair": f"{LANGS[0]}:swh_Latn"}, r"swh_Latn: its documents have 3 words(.|\n)*lower --min-count"),
        ({"min_count": 9}, "have 0 words"),
        ({"template": "{word} {wort}"}, "wort"),
        ({"llm": "scripted"}, "does not say how"),
    ):
        with pytest.raises(UserError, match=message):
            mined(given, answers, tmp_path / "refused", **options)
        shutil.rmtree(tmp_path / "refused", ignore_errors=True)
    bare = write_dataset(tmp_path / "bare", [documents(["a"])])
    with pytest.raises(UserError, match=r"no column 'lang'(.|\n)*identify"):
        mined(bare, answers, tmp_path / "refused")
