"""What the recipes of systems of labels, media and noisy pairs make, by value, against the rule that each published."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import regex

from tests.pack.pack_runs import decisions_of
from tests.rows import rows_of
from tests.running import called
from tests.systems.corpora import documents, ingested, ntrex, pairs, system
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.open import open_tokenizer

pytestmark = pytest.mark.slow
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
TOKENIZER = sample_folder() / "tokenizer.model"


def test_filter_and_msvd(shared_data: Path, tmp_path: Path) -> None:
    """Each row of the view has the label, or the video, of the pair it was made of."""
    rows = [
        {**row, "label": number % 3, "video_id": f"v{number % 40}"}
        for number, row in enumerate(pairs(shared_data, ["msa"], 120))
    ]
    given = ingested(tmp_path / "pairs", iter(rows), kind="pairs")
    of = {row["doc_id"]: row for row in rows_of(given)}
    labelled = system("filter", tmp_path / "filter", pairs=given, tokenizer=TOKENIZER, keep="label")["pack"]
    assert all(row["label"] == of[row["pair_id"]]["label"] for row in rows_of(labelled))
    assert len(rows_of(labelled)) == 120
    opened = open_tokenizer(str(TOKENIZER))
    for row in rows_of(labelled):
        for side in ("src", "tgt"):
            ids = opened.encode_batch(pa.array([of[row["pair_id"]][side]]))[0].tolist()
            assert row[f"{side}_ids"] == ids[:254]
            assert row[f"{side}_lang"] == of[row["pair_id"]][f"{side}_lang"]
    captions = system("msvd-indonesian", tmp_path / "msvd", pairs=given, tokenizer=TOKENIZER, keep="video_id")["pack"]
    assert all(row["video_id"] == of[row["pair_id"]]["video_id"] for row in rows_of(captions))


CONLL = "Asha B-PER\nanaishi O\nDar B-LOC\nes I-LOC\nSalaam I-LOC\n. O\n\nNinapenda O\nNairobi B-LOC\nsana O\n\n"


def test_prokd(shared_data: Path, tmp_path: Path) -> None:
    """A label for each word, at its first piece; texts without tags have none at all."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "ner.conll").write_text(CONLL, encoding="utf-8")
    untagged = [{"tokens": line["text"].split(), "lang": line["lang"]} for line in ntrex(shared_data, "nya")[:30]]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in untagged)
    (tmp_path / "raw" / "target.jsonl").write_text(lines, encoding="utf-8")
    asked = ("--lang-column", "lang", "--lang", "swh_Latn", "--text-column", "tokens")
    made = called("ingest", tmp_path / "raw", *asked, "--output", tmp_path / "tagged")
    assert made.returncode == 0, made.stderr
    found = system("prokd", tmp_path / "run", tagged=tmp_path / "tagged", tokenizer=TOKENIZER)["pack"]
    names = json.loads((found.folder / "labels.json").read_text("utf-8"))
    numbers = (
        names if all(isinstance(value, int) for value in names.values()) else {v: int(k) for k, v in names.items()}
    )
    back = {number: name for name, number in numbers.items()}
    opened = open_tokenizer(str(TOKENIZER))
    tags = []
    for row in rows_of(found):
        if row["lang"] == "nya_Latn":
            assert set(row["labels"]) == {-100}
            continue
        pieces = opened.piece_texts()
        assert pieces is not None
        first = [str(pieces[one]).startswith(" ") for one in row["input_ids"]]
        # A lone ▁ begins no word here: the label is at the piece behind it, or at it.
        assert sum(label != -100 for label in row["labels"]) == sum(first)
        tags.append([back[label] for label in row["labels"] if label != -100])
    assert len(rows_of(found)) == 32
    assert sorted(tags) == sorted([["B-PER", "O", "B-LOC", "I-LOC", "I-LOC", "O"], ["O", "B-LOC", "O"]])


def test_mt4crossoie(shared_data: Path, tmp_path: Path) -> None:
    """Each tagged span has one on the other side, most often where the name is spelt alike; rows that lose one go."""
    rows = []
    for one, other in zip(ntrex(shared_data, "eng"), ntrex(shared_data, "deu"), strict=True):
        words = one["text"].split()
        tags = [
            "B-NAME" if word.strip(".,'s").istitle() and word.strip(".,") in other["text"].split() else "O"
            for word in words
        ]
        rows.append(
            {
                "src_tokens": words,
                "src_tags": tags,
                "tgt": other["text"],
                "src_lang": "eng_Latn",
                "tgt_lang": "deu_Latn",
            }
        )
    raw = tmp_path / "pairs.jsonl"
    raw.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[:500]), encoding="utf-8")
    made = called("ingest", raw, "--kind", "pairs", "--src-column", "src_tokens", "--output", tmp_path / "given")
    assert made.returncode == 0, made.stderr
    found = system("mt4crossoie", tmp_path / "run", pairs=tmp_path / "given", tokenizer=TOKENIZER)
    right = wrong = 0
    for row in rows_of(found["project"]):
        names = {word for word, tag in zip(row["src_tokens"], row["src_tags"], strict=True) if tag == "B-NAME"}
        for word, tag in zip(row["tgt_tokens"], row["tgt_tags"], strict=True):
            if word in names:
                right, wrong = right + (tag == "B-NAME"), wrong + (tag != "B-NAME")
        assert row["tgt_tags"].count("B-NAME") == row["src_tags"].count("B-NAME")
    assert right > 300
    assert right > 2 * wrong  # by an aligner that has seen 500 pairs
    packed = rows_of(found["pack"])
    assert packed
    assert all(len(row["labels"]) == len(row["input_ids"]) for row in packed)


def test_pixel_sentences(shared_data: Path, tmp_path: Path) -> None:
    """Typos change few letters, shuffles keep the words, spans are of the document."""
    texts = ingested(tmp_path / "texts", documents(shared_data, ["swa", "hin"]))
    found = system("pixel-sentences", tmp_path / "run", documents=texts)
    whole = [row["text"] for row in rows_of(texts)]
    rows = rows_of(found["mix"])
    kinds = Counter(row["pair_kind"] for row in rows)
    assert set(kinds) == {"typo", "shuffle", "span"}
    for row in rows:
        if row["pair_kind"] == "shuffle":
            assert sorted(WORD.findall(row["src"])) == sorted(WORD.findall(row["tgt"]))
        elif row["pair_kind"] == "typo":
            assert row["src"] != row["tgt"]
            assert abs(len(row["src"]) - len(row["tgt"])) <= 0.2 * len(row["src"]) + 2
        else:
            assert any(row["src"] in text and row["tgt"] in text for text in whole)


def test_filip_and_m2_encoder(shared_data: Path, tmp_path: Path) -> None:
    """The image of each caption, byte for byte; half of the captions of each language in any beginning."""
    rows = list(pairs(shared_data, ["yue"], 200))
    table = pa.table(
        {
            "text": [row["tgt"] for row in rows[:100]] + ["中文說明 " + row["src"] for row in rows[100:]],
            "lang": ["eng_Latn"] * 100 + ["zho_Hans"] * 100,
            "image": [b"\x89PNG" + bytes([number]) * 50 for number in range(200)],
        }
    )
    pq.write_table(table, tmp_path / "captions.parquet")
    made = called("ingest", tmp_path / "captions.parquet", "--lang-column", "lang", "--output", tmp_path / "given")
    assert made.returncode == 0, made.stderr
    images = {row["doc_id"]: row["image"] for row in rows_of(tmp_path / "given")}
    given = {"captions": tmp_path / "given", "tokenizer": TOKENIZER, "keep": "image", "length": 512}
    opened = open_tokenizer(str(TOKENIZER))
    texts = {row["doc_id"]: row["text"] for row in rows_of(tmp_path / "given")}
    filip = rows_of(system("filip", tmp_path / "filip", **{**given, "length": 77})["pack"])
    assert len(filip) == 200
    cut = 0
    for row in filip:  # a caption is cut at 77 with its eos, and none is in two rows
        (doc,) = row["doc_ids"]
        ids = opened.encode_batch(pa.array([texts[doc]]))[0].tolist()
        cut += len(ids) > 76
        assert row["image"] == images[doc]
        assert row["input_ids"] == [*ids[:76], opened.eos_id]
    assert cut > 20
    both = rows_of(system("m2-encoder", tmp_path / "m2", **given, budget=160)["mix"])
    assert Counter(row["lang"] for row in both) == {"eng_Latn": 80, "zho_Hans": 80}
    english = 0
    for size, row in enumerate(both, 1):
        english += row["lang"] == "eng_Latn"
        assert abs(english - size / 2) <= 1


def test_predictions(shared_data: Path, tmp_path: Path) -> None:
    """Texts whose label is likely stay, with it; the others are decisions with their score."""
    rows = [
        {**row, "label": f"l{number % 4}", "label_score": (number % 10) / 10}
        for number, row in enumerate(documents(shared_data, ["swa", "hin"]))
    ]
    given = ingested(tmp_path / "texts", iter(rows))
    made = system("predictions", tmp_path / "run", documents=given, tokenizer=TOKENIZER, keep="label,label_score")
    opened = open_tokenizer(str(TOKENIZER))
    due = {}
    for row in rows_of(given):
        if row["label_score"] >= 0.9:
            ids = opened.encode_batch(pa.array([row["text"]]))[0].tolist()
            due[row["doc_id"]] = ([*ids[:255], opened.eos_id], row["label"], row["label_score"])
    kept = rows_of(made["pack"])
    assert {row["doc_ids"][0]: (row["input_ids"], row["label"], row["label_score"]) for row in kept} == due
    assert len(kept) == len(due) > 5
    gone = decisions_of(made["filter"])
    assert {row["reason"] for row in gone} == {"label_score_below"}
    assert len(gone) == len(rows) - len(due)
