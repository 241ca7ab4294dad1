"""What recipes make of chats with images, noisy documents, triples and transcripts, against what each published."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import regex

from tests.pack.pack_runs import decisions_of
from tests.rows import rows_of
from tests.running import called
from tests.systems.corpora import documents, ingested, ntrex, system
from tests.templates.test_templates_page import CHAT
from tests.templates.test_templates_page import tokenizer as byte_tokenizer
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer

pytestmark = pytest.mark.slow
WORD = regex.compile(r"[\p{L}\p{M}]+")
TOKENIZER = sample_folder() / "tokenizer.model"
CHATTING = {"eng": 40, "swa": 12, "hin": 12, "tha": 12, "arb": 12}


@pytest.fixture(scope="module")
def chats(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two turns each of a question about an image and its answer, from NTREX; one chat is far too long."""
    folder, rows = tmp_path_factory.mktemp("chats"), []
    for code, count in CHATTING.items():
        lines = ntrex(shared_data, code)
        for number in range(count):
            said = [line["text"] for line in lines[number : number + 4]]
            said[3] *= 40 if number == 0 else 1
            turns = [{"from": who, "value": text} for who, text in zip(("human", "gpt") * 2, said, strict=True)]
            turns[0]["value"] = "<image>\n" + said[0]
            image = {"bytes": b"\x89PNG" + bytes([number]) * 40, "path": f"{code}/{number}.png"}
            rows.append({"conversations": turns, "lang": lines[0]["lang"], "image": image, "image_id": image["path"]})
    pq.write_table(pa.Table.from_pylist(rows), folder / "chats.parquet")
    asked = ("--text-column", "conversations", "--lang-column", "lang")
    made = called("ingest", folder / "chats.parquet", *asked, "--output", folder / "given")
    assert made.returncode == 0, made.stderr
    byte_tokenizer(folder / "tokenizer", "</s>", "<s>", "<|im_start|>", "<|im_end|>", chat=CHAT)
    return folder


def as_written(chat: list[dict[str, str]], tokenizer: Path) -> tuple[list[int], list[int]]:
    """The bytes that the template writes, and where the answers with their ends stand: slow, by hand."""
    opened = open_tokenizer(str(tokenizer))
    start, end = opened.id_of("<|im_start|>"), opened.id_of("<|im_end|>")

    def ids(text: str) -> list[int]:
        found: list[int] = opened.encode_batch(pa.array([text]))[0].tolist()
        return found

    due: list[Any] = []
    learnt: list[int] = []
    for turn in chat:
        answers = turn["from"] == "gpt"
        due += [start, *ids(("assistant" if answers else "user") + "\n")]
        begin = len(due)
        due += [*ids(turn["value"]), end]
        learnt += [begin, len(due)] if answers else []
        due += ids("\n")
    return due, learnt


def check_chats(packed: list[dict[str, Any]], given: dict[bytes, dict[str, Any]], tokenizer: Path) -> None:
    """Each row is a whole chat as the template writes it, with its image."""
    for row in packed:
        (doc,) = row["doc_ids"]
        assert row["image"] == given[doc]["image"]
        assert (row["input_ids"], row["loss_spans"]) == as_written(given[doc]["conversations"], tokenizer)


def test_towervision(chats: Path, tmp_path: Path) -> None:
    """A row a chat with its image; what is too long is a decision, no rest of it a row."""
    tokenizer = chats / "tokenizer"
    found = system("towervision", tmp_path, chats=chats / "given", tokenizer=tokenizer, keep="image")
    given = {row["doc_id"]: row for row in rows_of(chats / "given")}
    packed = rows_of(found["pack"])
    check_chats(packed, given, tokenizer)
    long = {doc for doc, row in given.items() if len(as_written(row["conversations"], tokenizer)[0]) > 2048}
    gone = {row["doc_id"]: row["reason"] for row in decisions_of(found["pack"])}
    assert gone == dict.fromkeys(long, "longer_than_pack")
    assert len(long) >= len(CHATTING)
    assert len(packed) + len(gone) == len(given)


def test_centurio(chats: Path, tmp_path: Path) -> None:
    """Half of the chats English, the other half in equal parts of the languages that there are."""
    given = {"chats": chats / "given", "tokenizer": chats / "tokenizer", "keep": "image,image_id", "length": 16384}
    found = system("centurio", tmp_path, **given, budget=80)
    packed = rows_of(found["pack"])
    assert Counter(row["langs"][0] for row in packed) == {
        "eng_Latn": 40,
        "swh_Latn": 10,
        "hin_Deva": 10,
        "tha_Thai": 10,
        "arb_Arab": 10,
    }
    check_chats(packed, {row["doc_id"]: row for row in rows_of(chats / "given")}, chats / "tokenizer")
    assert all(row["image_id"] == row["image"]["path"] for row in packed)


# Tokens of the languages of L3-Mono-Stag: table 14 of arXiv:2504.04152.
STAGNANT = {
    "eng_Latn": 43_367_629,
    "tha_Thai": 18_138_086,
    "yor_Latn": 16_887_000,
    "sna_Latn": 7_608_164,
    "wol_Latn": 554_809,
}


def lines_of(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [line.strip() for line in stream if line.strip()]


def test_mixcpt_cleaning(shared_data: Path, tmp_path: Path) -> None:
    """Documents with a foreign paragraph go, and those in another language than said; shares of table 14."""
    english = [row["text"] for row in documents(shared_data, ["eng"])]
    rows = [{"text": text, "lang": "eng_Latn", "what": "right"} for text in english]
    for code in ("tha", "yor", "wol"):
        for number, row in enumerate(documents(shared_data, [code])):
            what = {1: "mixed", 2: "wrong"}.get(number % 5, "right")
            text = {"mixed": f"{row['text']}\n{english[number]}", "wrong": english[number]}.get(what, row["text"])
            rows.append({"text": text, "lang": row["lang"], "what": what})
    lines = lines_of(shared_data / "lid_train" / "sna_Latn.txt.gz")
    rows += [
        {"text": "\n".join(lines[at : at + 4]), "lang": "sna_Latn", "what": "right"} for at in range(0, len(lines), 4)
    ]
    given = ingested(tmp_path / "given", iter(rows))
    made = system(
        "mixcpt-cleaning", tmp_path / "run", documents=given, mix="L3-Mono-Stag", tokenizer=TOKENIZER, budget=30_000
    )
    before, after = (Counter(row["what"] for row in rows_of(one)) for one in (given, made["filter"]))
    assert before["mixed"] > 30 < before["wrong"]
    assert set(after) == {"right"}
    assert after["right"] >= 0.99 * before["right"]
    reasons = Counter(row["reason"] for row in decisions_of(made["filter"]))
    assert set(reasons) == {"lang_sentence_labels_above", "lang_sentence_share_below"}
    # A wrong label alone is one language: 51 of 60 documents fall to the share, or more.
    assert reasons["lang_sentence_share_below"] >= before["wrong"] * 0.8
    units = Counter[str]()
    for row in rows_of(made["mix"]):
        units[row["lang"]] += row["mix_units"]
    opened, largest = open_tokenizer(str(TOKENIZER)), Counter[str]()  # Wolof is due less than half of a document
    for row in rows_of(made["filter"]):
        size = 1 + len(opened.encode_batch(pa.array([row["text"]]))[0])
        largest[row["lang"]] = max(largest[row["lang"]], size)
    assert set(units) >= set(STAGNANT) - {"wol_Latn"}
    assert set(units) <= set(STAGNANT)
    for lang, tokens in STAGNANT.items():
        assert abs(units[lang] - 30_000 * tokens / sum(STAGNANT.values())) <= largest[lang]


def test_colbert_xm(shared_data: Path, tmp_path: Path) -> None:
    """Queries of 32 and documents of 256 with <s>, </s> and the collator's mark, each the beginning of its text."""
    rows = []
    for code in ("eng", "deu", "hin", "tha", "nya"):
        texts = list(documents(shared_data, [code]))[:12]
        for one, other in pairwise(texts):
            first, *_, last = one["text"].split("\n")
            rows += [
                {"query": query, "positive": positive, "negative": other["text"], "lang": one["lang"]}
                for query, positive in ((first, one["text"]), (one["text"], last))
            ]
    raw = tmp_path / "triples.jsonl"
    raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    # As the recipe's `needs` says.
    asked = ("--text-column", "positive", "--lang-column", "lang")
    made = called("ingest", raw, *asked, "--output", tmp_path / "given")
    assert made.returncode == 0, made.stderr
    found = system("colbert-xm", tmp_path / "run", triples=tmp_path / "given", tokenizer=TOKENIZER)["pack"]
    packed = rows_of(found)
    numbers = json.loads((found.folder / "languages.json").read_text("utf-8"))
    opened = open_tokenizer(str(TOKENIZER))
    assert len(packed) == len(rows)
    for row, due in zip(packed, rows, strict=True):
        for side, most in (("query", 32), ("positive", 256), ("negative", 256)):
            ids = opened.encode_batch(pa.array([due[side]]))[0].tolist()
            assert row[f"{side}_ids"] == ids[: most - 3]
        assert row["lang"] == due["lang"]
        assert row["lang_id"] == numbers[due["lang"].partition("_")[0]]
    assert max(len(row["query_ids"]) for row in packed) == 29
    assert max(len(row["positive_ids"]) for row in packed) == 253


def test_whistle(shared_data: Path, tmp_path: Path) -> None:
    """Every word in IPA as its language's lexicon reads it, signs as they are; audio stays; no half transcript."""
    (tmp_path / "lexicons").mkdir()
    rows, ipa = [], {}
    # Stand-ins for hand-corrected lexicons, of every word of the transcripts but one: letters of no text.
    for code, letters in (("nya", "ɑɓɔ"), ("tur", "ɯœʒ"), ("kir", "ɵʉŋ")):
        lines = [line for line in ntrex(shared_data, code)[:80] if not any(sign in line["text"] for sign in "'’‘`´")]
        words = sorted({word for line in lines for word in WORD.findall(line["text"].lower())})
        forms = {word: "".join(letters[ord(letter) % 3] for letter in word) for word in words}
        missing = words[len(words) // 2]
        lexicon = "".join(f"{word}\t{form}\n" for word, form in forms.items() if word != missing)
        (tmp_path / "lexicons" / f"{lines[0]['lang']}.txt").write_text(lexicon, encoding="utf-8")
        for number, line in enumerate(lines):
            text = line["text"]
            rows.append({"text": text, "lang": line["lang"], "audio": f"{code}/{number}.wav", "duration": 0.1 * number})
            lacks = missing in WORD.findall(text.lower())
            ipa[rows[-1]["audio"]] = None if lacks else WORD.sub(lambda word: forms[word[0].lower()], text)  # noqa: B023
    given = ingested(tmp_path / "given", iter(rows))
    found = system("whistle", tmp_path / "run", transcripts=given, tool=tmp_path / "lexicons")["romanize"]
    assert {row["audio"]: row["text_ipa"] for row in rows_of(found)} == ipa
    assert sum(value is None for value in ipa.values()) >= 3
    assert {row["audio"]: (row["text"], row["lang"], row["duration"]) for row in rows_of(found)} == {
        row["audio"]: (row["text"], row["lang"], row["duration"]) for row in rows
    }
