"""Word by word, in many scripts; what is not translated enough is a decision."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from tests.mine.fakes import WordByWord, put_model
from tests.rows import documents, rows_of, write_dataset
from tests.running import called
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.lexicon.build import build_index
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.weak import translate_words

WORDS = {
    ("eng_Latn", "deu_Latn"): {"house": "Haus", "river": "Fluss", "the": "der", "is": "ist", "old": "alt"},
    ("hin_Deva", "eng_Latn"): {"नदी": "river", "पुरानी": "old", "है": "is"},
    ("tha_Thai", "eng_Latn"): {"แม่น้ำ": "river", "เก่า": "old"},
    ("arb_Arab", "eng_Latn"): {"النهر": "river", "قديم": "old"},
    ("zho_Hans", "eng_Latn"): {"河": "river", "古老": "old"},
}


def weak(texts: list[str], src: str, tgt: str) -> tuple[list[str], list[float]]:
    items = list(WORDS[src, tgt].items())
    index = build_index(
        *(pa.array([item[side] for item in items]) for side in (0, 1)),
        *(pa.array([lang] * len(items)) for lang in (src, tgt)),
        candidates=1,
    )
    made = translate_words(pa.array(texts), index, LanguagePair(src, tgt))
    return made.texts.to_pylist(), made.shares.round(6).tolist()


@pytest.mark.parametrize(
    ("lang", "tgt", "text", "made", "share"),
    [
        ("eng_Latn", "deu_Latn", "The old house is by the river.", "Der alt Haus ist by der Fluss.", 6 / 7),
        ("eng_Latn", "deu_Latn", "Nobody knows.", "Nobody knows.", 0.0),
        ("hin_Deva", "eng_Latn", "नदी पुरानी है।", "river old is।", 1.0),
        ("tha_Thai", "eng_Latn", "แม่น้ำเก่า", "river old", 1.0),
        ("arb_Arab", "eng_Latn", "النهر قديم", "river old", 1.0),
        ("zho_Hans", "eng_Latn", "河古老。", "river old。", 1.0),
    ],
)
def test_word_by_word(lang: str, tgt: str, text: str, made: str, share: float) -> None:
    assert weak(["", text, "12 34"], lang, tgt) == (["", made, "12 34"], [0.0, round(share, 6), 0.0])


TEXTS = [
    "The old house is by the river. Nobody knows it well here. The river is old.",
    "The river is old.",
    "Das alte Haus steht am Fluss.",
    "Completely foreign words everywhere.",
    "12 34 56",
]
DICTIONARY = "src\ttgt\n" + "".join(f"{src}\t{tgt}\n" for src, tgt in WORDS["eng_Latn", "deu_Latn"].items())


def write(folder: Path) -> None:
    (folder / "given").mkdir(parents=True)
    batch = documents(TEXTS, ["eng_Latn"] * 2 + ["deu_Latn"] + ["eng_Latn"] * 2)
    write_dataset(folder / "given", [batch.slice(0, 2), batch.slice(2), batch.slice(0, 0)])
    (folder / "en-de.tsv").write_text(DICTIONARY, encoding="utf-8")


def command_of(folder: Path) -> list[str | Path]:
    pair = ("--pair", "eng_Latn:deu_Latn")
    return ["mine-weak", folder / "given", *pair, "--dictionary", folder / "en-de.tsv", "--quiet"]


def made_of(folder: Path, *more: str, workers: int = 1) -> Dataset:
    if not (folder / "given").exists():
        write(folder)
    output = folder / f"weak-{workers}-{len(more)}"
    done = called(*command_of(folder), "--output", output, "--workers", str(workers), *more)
    assert done.returncode == 0, done.stderr
    return Dataset.open(output, verify=True)


def test_sentences_of_documents(tmp_path: Path) -> None:
    made = made_of(tmp_path)
    rows = rows_of(made)
    assert [(row["src"], row["tgt"]) for row in rows] == [
        ("Der alt Haus ist by der Fluss.", "The old house is by the river."),
        ("Der Fluss ist alt.", "The river is old."),
    ]
    assert {(row["src_lang"], row["tgt_lang"], row["natural_side"], row["kind"]) for row in rows} == {
        ("deu_Latn", "eng_Latn", "tgt", "mined")
    }
    decisions = [row for batch in made.decisions() for row in batch.to_pylist()]
    assert [(one["reason"], one["score"], one["threshold"]) for one in decisions] == [
        ("not_drawn", None, None),  # its one sentence is there already
        ("another_language", None, None),
        ("few_words_translated", 0.0, 0.5),
        ("no_sentence", None, None),
    ]
    assert made.manifest.schema_name == "pair"
    assert made.manifest.notes["sentences"] == 4


@pytest.mark.slow
def test_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = made_of(tmp_path)
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)  # two even for input as small as this
    two = made_of(tmp_path, workers=2)
    assert two.manifest.content_fingerprint == made.manifest.content_fingerprint


def test_a_limit_takes_the_same_sentences_whatever_the_shards(tmp_path: Path) -> None:
    few = rows_of(made_of(tmp_path, "--sentences", "3", "--least-translated", "0"))
    assert len(few) == 3
    batch = documents(TEXTS, ["eng_Latn"] * 2 + ["deu_Latn"] + ["eng_Latn"] * 2)
    (tmp_path / "other").mkdir()
    write_dataset(tmp_path / "other" / "given", [batch])
    (tmp_path / "other" / "en-de.tsv").write_text(DICTIONARY, encoding="utf-8")
    other = rows_of(made_of(tmp_path / "other", "--sentences", "3", "--least-translated", "0"))
    assert [row["src"] for row in other] == [row["src"] for row in few]


def test_unknown_words_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Knows(WordByWord):
        def generate(self, prompts, decoding):  # type: ignore[no-untyped-def]
            answers = {"by": "'am'. And more", "nobody": "niemand", "it": ""}
            for number, prompt in enumerate(prompts):
                self.asked.append(prompt)
                word = prompt.rsplit("word '", 1)[1].split("'")[0]
                from xlcorpus.mine.backend import Answer, Answered

                yield number, Answered((Answer(answers.get(word.lower(), "?")),))

    model = Knows({})
    put_model(monkeypatch, model)
    asking = ("--unknown", "ask", "--llm", "fake:x", "--word-examples", "2", "--unknown-words")
    write(tmp_path)
    planned = called(*command_of(tmp_path), "--output", tmp_path / "not", *asking, "99", "--plan").stdout
    assert re.search(r"fake:x: about 10 calls, 3\d\d tokens in and 120 out", planned)  # as many words have no entry
    made = made_of(tmp_path, *asking, "3")
    assert rows_of(made)[0]["src"] == "Der alt Haus ist am der Fluss."
    assert made.manifest.notes["unknown"]["asked"] == 3
    first = model.asked[0].splitlines()
    assert first[0] == "The English word 'house' in German is Haus."
    assert len(first) == 3
    assert (made.folder / "calls.parquet").is_file()


def test_refusals(tmp_path: Path) -> None:
    made_of(tmp_path)
    given = ["mine-weak", tmp_path / "given", "--output", tmp_path / "x"]
    for more, message in (
        (["--pair", "eng_Latn"], "names no two languages"),
        (["--pair", "eng_Latn:eng_Latn"], "both sides are eng_Latn"),
        (["--pair", "eng_Latn:xx"], "is no language"),
        (["--pair", "eng_Latn:deu_Latn"], "there is no dictionary"),
        (["--pair", "eng_Latn:deu_Latn", "--unknown", "ask"], "nobody is asked"),
    ):
        done = called(*given, *more)
        assert done.returncode == 1
        assert message in done.stderr
        assert not (tmp_path / "x").exists()
