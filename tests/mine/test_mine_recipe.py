"""The shipped recipe, the command and the page, with a scripted model that knows the sample's own dictionary."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import jsonl
from tests.mine.fakes import WordByWord, put_model
from tests.rows import rows_of
from tests.running import called, digests, run_nodes
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.recipe.load import load_recipe
from xlcorpus.sample import sample_folder

TAU = "0.05"  # of n-grams: English that still has Swahili words in it is near its source; real pairs are not


def swahili_words() -> dict[str, str]:
    with (sample_folder() / "dictionary" / "eng.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["tgt_lang"] == "swh_Latn" and row["rank"] == "1"]
    return {row["tgt"].lower(): row["src"] for row in rows}


def some_documents() -> list[dict[str, str]]:
    """Pages of the sample in three languages, labelled."""
    with (sample_folder() / "gold.tsv").open(encoding="utf-8", newline="") as stream:
        gold = {row["id"]: row["lang"] for row in csv.DictReader(stream, delimiter="\t") if row["kind"] == "page"}
    lines = [line for file in sorted((sample_folder() / "web").glob("*.jsonl")) for line in file.open(encoding="utf-8")]
    read = [row for row in map(json.loads, lines[:400]) if isinstance(row, dict)]
    known = [(row["text"], gold.get(row["id"], "")) for row in read if "text" in row]
    return [{"text": text, "lang": lang} for text, lang in known if lang in ("eng_Latn", "swh_Latn", "yor_Latn")]


def scripted(calls: Path, to: Path) -> Path:
    """What a model said, as a file for the back end `scripted`."""
    rows = pq.read_table(calls).to_pylist()
    lines = [{"prompt": row["prompt"], "answers": [one["text"] for one in row["answers"]]} for row in rows]
    to.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return to


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of the recipe's datasets, made with the scripted model, and the file of that: first it is recorded
    what a model said that was asked as the recipe asks."""
    folder = tmp_path_factory.mktemp("mine")
    nodes = load_recipe("mine", ["variables.llm=fake:x"]).nodes
    with pytest.MonkeyPatch.context() as patch:
        put_model(patch, WordByWord(swahili_words()))
        run_nodes(nodes[: [node.id for node in nodes].index("candidates") + 1], folder / "out", seed=7)
    answers = scripted(folder / "out" / "candidates" / "calls.parquet", folder / "answers.jsonl")
    shutil.rmtree(folder / "out" / "candidates")
    run(folder / "out", f"scripted:{answers}", "--resume")
    return folder / "out", answers


def run(output: Path, llm: str, *more: str) -> None:
    settings = (f"variables.llm={llm}", f"variables.tau={TAU}", "mix.budget=2k")
    done = called(
        "run", "mine", "--output", output, "--quiet", *(one for pair in settings for one in ("--set", pair)), *more
    )
    assert done.returncode == 0, done.stderr


def test_mined_pairs_go_into_a_mix_packs_and_switched_text(mined: tuple[Path, Path]) -> None:
    out, _ = mined
    pairs = Dataset.open(out / "pairs", verify=True)
    assert pairs.manifest.rows > 20
    rows = rows_of(pairs)
    assert {row["kind"] for row in rows} == {"mined"}
    natural = " ".join(row["text"] for row in rows_of(out / "documents", ["text"]))
    assert all(row["tgt"] in " ".join(natural.split()) for row in rows)
    kinds = Dataset.open(out / "mix", verify=True).manifest.notes
    assert {row["kind"] for row in rows_of(out / "mix", ["kind"])} == {"mono", "mined", "cs"}, kinds
    assert Dataset.open(out / "tlm", verify=True).manifest.rows > 0
    assert {row["cs_source"] != row["cs_target"] for row in rows_of(out / "codeswitch")} == {True}
    assert Dataset.open(out / "packed", verify=True).manifest.rows > 0


def test_nothing_is_done_twice(mined: tuple[Path, Path]) -> None:
    out, answers = mined
    again = called(
        "run", "mine", "--output", out, "--set", f"variables.llm=scripted:{answers}", "--set", f"variables.tau={TAU}",
        "--set", "mix.budget=2k", "--resume", "--quiet",
    )  # fmt: skip
    assert again.stderr.count("is done already") == 9


def test_the_command_makes_the_same_pairs(mined: tuple[Path, Path], tmp_path: Path) -> None:
    out, answers = mined
    arguments = [
        "mine", out / "documents", "--pair", "eng_Latn:swh_Latn", "--llm", f"scripted:{answers}", "--seed", "7",
        "--dictionary", sample_folder() / "dictionary" / "eng.csv", "--sentences", "400", "--tau", TAU,
        "--least-translated", "0.3", "--set", "weak.sentences=5000", "--output", tmp_path / "mined", "--quiet",
    ]  # fmt: skip
    plan = called(*arguments, "--plan")
    assert plan.returncode == 0, plan.stderr
    assert [line.split()[1] for line in plan.stdout.splitlines() if line[:1].isdigit()] == [
        "mine-weak", "mine-pairs", "mine-select",
    ]  # fmt: skip
    done = called(*arguments)
    assert done.returncode == 0, done.stderr
    for name in ("weak", "candidates", "pairs"):
        mine, recipes = Dataset.open(tmp_path / "mined" / name), Dataset.open(out / name)
        assert mine.manifest.content_fingerprint == recipes.manifest.content_fingerprint, name
    assert called(*arguments).stderr.count("is done already") == 3
    other = called(*arguments[:-3], "--set", "pairs.nothing=1", *arguments[-3:])
    assert other.returncode == 1
    assert "mine-select has no option 'nothing'" in other.stderr
    raw = called("mine", sample_folder() / "web", *arguments[2:])
    assert "is no dataset; mining reads documents" in raw.stderr


def test_with_mined_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All four steps: the words that a model gives both ways are the dictionary of the weak pairs."""
    into = {src: tgt for src, tgt in swahili_words().items() if src.isalpha() and tgt.isalpha()}
    back = {tgt: src for src, tgt in into.items()}

    class Knows(WordByWord):
        def generate(self, prompts: Sequence[str], decoding: Decoding) -> Iterator[tuple[int, Answered]]:
            """Words by the dictionary, sentences word by word."""
            for number, prompt in enumerate(prompts):
                found = re.fullmatch(r"The (English|Swahili) word (.+) in (?:English|Swahili) is:", prompt)
                if found is None:
                    yield number, next(super().generate([prompt], decoding))[1]
                else:
                    word = (back if found[1] == "English" else into).get(found[2])
                    yield number, Answered((Answer(word, -1.0),) if word else ())

    put_model(monkeypatch, Knows(into))
    jsonl(tmp_path / "web.jsonl", *some_documents())
    arguments = (
        *("mine", tmp_path / "documents", "--pair", "eng_Latn:sw_Latn", "--llm", "fake:x", "--tau", TAU, "--quiet"),
        *("--least-translated", "0.3", "--set", "words.rounds=0", "--output", tmp_path / "mined"),
    )
    said = []
    for call in (
        ("ingest", tmp_path / "web.jsonl", "--lang-column", "lang", "--output", tmp_path / "documents", "--quiet"),
        (*arguments, "--plan"),
        arguments,
    ):
        done = called(*call)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.replace(",", ""))
    check_calls(said[1], said[2], tmp_path / "mined")
    words = rows_of(tmp_path / "mined" / "words")
    assert len(words) > 50
    assert all(into[row["tgt"]] == row["src"] for row in words)
    weak = Dataset.open(tmp_path / "mined" / "weak", verify=True).manifest
    assert weak.notes["entries"] == len(words)
    assert weak.rows > 5
    assert Dataset.open(tmp_path / "mined" / "pairs", verify=True).manifest.rows > 5
    assert called(*arguments).stderr.count("is done already") == 4


def check_calls(plan: str, end: str, mined: Path) -> None:
    """What --plan says beside what the run then takes, and the table at its end."""
    planned = [int(calls) for calls in re.findall(r"about (\d+) calls", plan)]
    asked = {name: [int(one) for one in re.findall(r"\d+", line)] for line in end.splitlines()
             for name in line.split()[:1] if re.fullmatch(r"\w+( +\d+){5}", line)}  # fmt: skip
    assert [*asked] == ["words", "candidates", "all"]
    for name in ("words", "candidates"):
        noted = Dataset.open(mined / name).manifest.notes["spent"]
        calls, known, now, into, out = asked[name]
        assert (calls, known, now) == (noted["calls"], 0, noted["calls"])
        assert (into, out) == (noted["prompt_tokens"], noted["new_tokens"])
    assert asked["all"][0] == asked["words"][0] + asked["candidates"][0]
    assert planned[2] == planned[0] + planned[1]
    assert asked["words"][0] <= planned[0] <= 2 * asked["words"][0]
    assert asked["candidates"][0] <= planned[1]


@pytest.mark.slow
@pytest.mark.parametrize("how", [("--workers", "2"), ("--runner", "portable")])
def test_the_same_whoever_runs_it(
    mined: tuple[Path, Path], tmp_path: Path, how: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, answers = mined
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)  # two even for input as small as this
    run(tmp_path / "other", f"scripted:{answers}", *how)
    assert digests(tmp_path / "other") == digests(out)
