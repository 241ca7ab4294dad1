"""dict-piece: pieces of whole words replaced, by a small model trained here."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codeswitch.switch_helpers import check, documents, parts_of, sentences
from xlcorpus.codeswitch.dict_piece import switch_pieces
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.piece_table import PieceTable, build_piece_table
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.sentencepiece_model import WORD_START

SENTENCES = [
    "the cold water of the old house",
    "an old man lives in the house by the water",
    "cold winters, long summers and old houses",
    "das kalte Wasser des alten Hauses",
    "ein alter Mann wohnt im Haus am Wasser",
    "kalte Winter, lange Sommer und alte Häuser",
]


@pytest.fixture(scope="module")
def model() -> sentencepiece.SentencePieceProcessor:
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_writer=written, vocab_size=54, minloglevel=2
    )
    return sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())


def _pieces(model: sentencepiece.SentencePieceProcessor) -> list[str]:
    pieces = [model.id_to_piece(number) for number in range(3, len(model))]
    return [piece for piece in pieces if piece.strip(WORD_START)]


def _table(
    model: sentencepiece.SentencePieceProcessor, src: list[str], tgt: list[str], labels: list[str] | None = None
) -> PieceTable:
    """From English into German, or languages of their own."""
    langs = ["eng_Latn"] * len(src), labels or ["deu_Latn"] * len(src)
    return build_piece_table(model, *(pa.array(column) for column in (src, tgt, *langs)))


@pytest.fixture(scope="module")
def table(model: sentencepiece.SentencePieceProcessor) -> PieceTable:
    """Each piece to three others of the same kind (with or without the space mark)."""
    src, tgt = [], []
    for marked in (True, False):
        kind = [piece for piece in _pieces(model) if piece.startswith(WORD_START) == marked]
        for place, piece in enumerate(kind):
            src += [piece] * 4
            tgt += [kind[(place + step) % len(kind)] for step in (1, 2, 3, 4)]
    return _table(model, src, tgt)


def test_pieces_of_whole_words(model: sentencepiece.SentencePieceProcessor, table: PieceTable) -> None:
    texts = SENTENCES[:3] * 20
    made, decisions = parts_of(switch_pieces(documents(texts), model, table, CodeswitchOptions()))
    rows = check(documents(texts), made, decisions)
    assert decisions.num_rows == 0
    for row in rows:
        words = row["cs_target"].split(" ")
        assert row["cs_words"] == len(words)
        assert row["cs_coverage"] == 1.0
        switched = row["cs_source"].split(" ")
        assert len(switched) == len(words)
        changed = sum(a != b for a, b in zip(words, switched, strict=True))
        assert changed <= round(row["cs_ratio"] * len(words)) == max(np.floor(0.35 * len(words) + 0.5), 1)
    assert made["cs_operator"][0].as_py() == "dict_piece"
    assert len({row["cs_source"] for row in rows}) > 40


def test_three_candidates_at_most(model: sentencepiece.SentencePieceProcessor, table: PieceTable) -> None:
    assert table.counts.max() == 3
    assert table.index.unused["beyond_candidates"] == len(_pieces(model))
    batch = documents(["old house"] * 200)
    made = switch_pieces(batch, model, table, CodeswitchOptions(ratio=1.0)).rows
    old = model.encode("old", out_type=str)[0]
    at = int(table.first[0, model.piece_to_id(old)])
    wanted = {piece.strip(WORD_START) for piece in table.index.targets.to_pylist()[at : at + 3]}
    assert {row[0]["new_token"] for row in made["cs_spans"].to_pylist()} == wanted


def test_spaces_protection_and_normalisation(model: sentencepiece.SentencePieceProcessor, table: PieceTable) -> None:
    texts = ["  the  old\thouse ", "ｏｌｄ house", "https://the.old/house 42 (old@house.org)", "", "水 ☃ house", None]
    batch = documents(texts)
    made, decisions = parts_of(switch_pieces(batch, model, table, CodeswitchOptions(ratio=1.0)))
    rows = check(batch.set_column(2, "text", pa.array([text or "" for text in texts])), made, decisions)
    assert decisions["reason"].to_pylist() == ["no_words"] * 3
    assert rows[0]["cs_source"].startswith("  ")
    assert rows[2]["cs_source"].startswith("水 ☃ ")


def test_rows_do_not_depend_on_each_other(model: sentencepiece.SentencePieceProcessor, table: PieceTable) -> None:
    batch = documents([SENTENCES[number % 6] * (1 + number % 3) for number in range(30)], ["eng_Latn", "fra_Latn"] * 15)
    whole = switch_pieces(batch, model, table, CodeswitchOptions()).rows.to_pylist()
    parts = [switch_pieces(batch.slice(start, 7), model, table, CodeswitchOptions()).rows for start in range(0, 30, 7)]
    assert [row for part in parts for row in part.to_pylist()] == whole
    assert len(whole) == 15


def test_dictionary_of_another_model(model: sentencepiece.SentencePieceProcessor, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="vocabulary"):
        _table(model, ["▁zzzz"], ["▁qqqq"])


def test_a_pair_without_an_entry_in_the_vocabulary_is_nobodys_partner(
    model: sentencepiece.SentencePieceProcessor,
) -> None:
    src, tgt = _pieces(model)[:2]
    labels = ["deu_Latn", "swh_Latn"]
    made = _table(model, [src, "\u2581zzz"], [tgt, "\u2581yyy"], labels)
    assert [pair.tgt for pair in made.index.directions] == ["deu_Latn"]
    assert made.index.unused["not_in_vocabulary"] == 1
    assert made.counts.sum() == made.counts[0, model.piece_to_id(src)] == 1


def test_published_rule_on_real_text(shared_data: Path) -> None:
    """Every piece of a chosen word that has an entry is replaced by one of three, uniformly; the others stay."""
    english = sentences(shared_data / "ntrex" / "eng.jsonl.gz")[:400]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(english), model_writer=written, vocab_size=1500, character_coverage=1.0, minloglevel=2
    )
    model = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    known = [piece for piece in _pieces(model) if piece.strip(WORD_START).isalpha()]
    entries: dict[str, list[str]] = {}
    for marked in (True, False):  # half of the pieces have an entry
        kind = [piece for piece in known if piece.startswith(WORD_START) == marked]
        entries |= {kind[at]: [kind[at - step] for step in (1, 2, 3)] for at in range(0, len(kind), 2)}
    src = [piece for piece, others in entries.items() for _ in others]
    tgt = [other for others in entries.values() for other in others]
    table = _table(model, src, tgt)
    batch = documents(english)
    made, decisions = parts_of(switch_pieces(batch, model, table, CodeswitchOptions()))
    drawn = np.zeros(3, dtype=np.int64)
    for row in check(batch, made, decisions):
        text, moved, changed = row["cs_target"], 0, {}
        for span in row["cs_spans"]:
            start = span["start"] - moved
            changed[start, start + len(span["src_token"])] = span["new_token"]
            moved += span["end"] - span["start"] - len(span["src_token"])
        encoded = model.encode(text, out_type="offset_mapping")
        words: list[list[tuple[str, str | None]]] = []
        decoded: list[int] = []
        for identifier, (start, end) in zip(encoded["ids"], encoded["offsets"], strict=True):
            piece = model.id_to_piece(identifier)
            start += len(text[start:end]) - len(text[start:end].lstrip())
            if piece.startswith(WORD_START) or not words:
                words.append([])
            new = changed.pop((start, end), None)
            words[-1].append((piece, new))
            if new is not None:
                others = [other.strip(WORD_START) for other in entries[piece]]
                drawn[others.index(new)] += 1
                identifier = model.piece_to_id(entries[piece][others.index(new)])
            decoded.append(identifier)
        assert not changed
        chosen = [word for word in words if any(new is not None for _, new in word)]
        assert len(chosen) == round(row["cs_ratio"] * row["cs_words"])
        assert all((new is not None) == (piece in entries) for word in chosen for piece, new in word)
        assert model.decode(decoded) == model.decode(model.encode(row["cs_source"]))
    assert drawn.min() > 500
    assert drawn.max() - drawn.min() < 4 * drawn.sum() ** 0.5


def test_characters_that_the_model_takes_apart(model: sentencepiece.SentencePieceProcessor, table: PieceTable) -> None:
    """Of ǆ (to the model dž) the piece d has no place in the text: such words stay."""
    for text in ("oﬂd", "ǆ", "the ﬁ house", "a ﬀﬁ", "the ℡", "¨old"):
        batch = documents([text])
        made, decisions = parts_of(switch_pieces(batch, model, table, CodeswitchOptions(ratio=1.0)))
        for row in check(batch, made, decisions):
            assert all(span["src_token"] for span in row["cs_spans"])
            assert {character for character in text if ord(character) > 0x7F} <= set(row["cs_source"])


@settings(max_examples=40)
@given(
    texts=st.lists(st.none() | st.text(max_size=20) | st.text("housewatrl \n\t▁ﬁǄ¨½4", max_size=40), max_size=5),
    ratio=st.sampled_from([0.2, 1.0]),
)
def test_any_text(
    model: sentencepiece.SentencePieceProcessor, table: PieceTable, texts: list[str | None], ratio: float
) -> None:
    batch = documents(texts)
    made, decisions = parts_of(switch_pieces(batch, model, table, CodeswitchOptions(ratio=ratio)))
    rows = check(batch, made, decisions)
    for row in rows:
        assert all(span["src_token"] for span in row["cs_spans"])
        assert all(a["end"] <= b["start"] for a, b in pairwise(row["cs_spans"]))
        assert row["cs_ratio"] <= row["cs_coverage"] <= 1
    alone = [
        switch_pieces(batch.slice(at, 1), model, table, CodeswitchOptions(ratio=ratio)) for at in range(len(texts))
    ]
    assert [row for part in alone for row in part.rows.to_pylist()] == rows


def test_the_table_agrees_with_a_loop(model: sentencepiece.SentencePieceProcessor) -> None:
    """Pieces as they are written, by their numbers: no case is folded, a pair has its own."""
    random = np.random.default_rng(1)
    pieces = [*(model.id_to_piece(number) for number in range(len(model))), "\u2581", "Old", "\u2581OLD"]
    src, tgt = (random.choice(pieces, 400).tolist() for _ in range(2))
    labels = random.choice(["deu_Latn", "swh_Latn"], 400).tolist()
    made = _table(model, src, tgt, labels)
    wanted: dict[tuple[str, str], list[str]] = {}
    vocabulary = {model.id_to_piece(number) for number in range(len(model))}
    for piece, other, label in zip(src, tgt, labels, strict=True):
        if {piece, other} <= vocabulary and piece != other and all(one.strip(WORD_START) for one in (piece, other)):
            kept = wanted.setdefault((label, piece), [])
            if other not in kept and len(kept) < 3:
                kept.append(other)
    for number, pair in enumerate(made.index.directions):
        for identifier in range(len(model)):
            first, count = int(made.first[number, identifier]), int(made.counts[number, identifier])
            found = made.index.targets.slice(first, count).to_pylist()
            assert found == wanted.get((pair.tgt, model.id_to_piece(identifier)), [])
