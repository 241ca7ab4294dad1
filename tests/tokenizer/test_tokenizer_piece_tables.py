"""Counts, trimming lists, overlaps and pieces of words, against slow code."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import write_dataset
from tests.running import invoked
from tests.tokenizer.families import save_family
from tests.tokenizer.tokenizer_helpers import documents, rows, train_model
from xlcorpus.cli.tokenizer import command
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.piece_tables import (
    count_pieces,
    counts_table,
    piece_lines,
    pieces_of_words,
    shared_pieces,
)
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL
from xlcorpus.tokenizer.trim import trimmed

_LANGS = ("eng_Latn", "rus_Cyrl", "tha_Thai")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    train_model(folder, "t", _LANGS)
    train_model(folder, "o", ("eng_Latn", "deu_Latn"), vocab_size=370)
    write_dataset(folder / "data", [documents(rows(_LANGS, count=5)), documents([("x", None, "the river")])])
    return folder


def test_counts_are_those_of_the_ids_of_each_text(made: Path) -> None:
    from xlcorpus.dataset.dataset import Dataset

    tokenizer = open_tokenizer(made / "t.model")
    slow: dict[str, Counter[int]] = {"und": Counter()}
    for lang, text in [(row[1], row[2]) for row in rows(_LANGS, count=5)] + [("und", "the river")]:
        slow.setdefault(lang, Counter()).update(tokenizer.encode_batch(pa.array([text]))[0].tolist())
    counts = count_pieces(tokenizer, [Dataset.open(made / "data")])
    assert list(counts) == sorted(slow)
    for lang, found in counts.items():
        assert {at: int(n) for at, n in enumerate(found) if n} == slow[lang]
    table = counts_table(tokenizer, counts)
    assert table["count"].to_pylist() == [sum(one[at] for one in slow.values()) for at in range(tokenizer.vocab_size)]
    assert table["piece"][4].as_py() == "<mask>"


def test_the_trimming_list_by_hand(made: Path) -> None:
    from xlcorpus.dataset.dataset import Dataset

    tokenizer = open_tokenizer(made / "t.model")
    counts = count_pieces(tokenizer, [Dataset.open(made / "data")])
    table = trimmed(tokenizer, counts, 0.01).to_pylist()
    names = tokenizer.piece_names()
    expected = [
        at
        for at, name in enumerate(names)
        if at < 5 or name.startswith("<0x") or any(one[at] / one.sum() >= 0.01 for one in counts.values())
    ]
    assert [row["id"] for row in table] == expected
    assert [row["new_id"] for row in table] == list(range(len(expected)))
    assert {row["why"] for row in table} == {"special", "byte", "frequent"}
    assert len(expected) < tokenizer.vocab_size


def test_the_overlap_by_hand(made: Path) -> None:
    one, other = open_tokenizer(made / "t.model"), open_tokenizer(made / "o.model")
    place = {name: at for at, name in enumerate(other.piece_names())}
    expected = [(at, place[name]) for at, name in enumerate(one.piece_names()) if name in place]
    table = shared_pieces(one, other).to_pylist()
    assert [(row["id"], row["other_id"]) for row in table] == expected
    assert shared_pieces(one, other, loose=True)["id"].to_pylist()[: len(table)]


class _Vocabulary:
    """The little of a tokenizer that an overlap asks for: pieces with ▁ or Ġ for a space, the first one special."""

    kind = "toy"

    def __init__(self, mark: str, *pieces: str) -> None:
        self._pieces, self._mark = ["</s>", *pieces], mark
        self.piece_kinds = np.array([CONTROL, *([NORMAL] * len(pieces))], dtype=np.uint8)

    def piece_names(self) -> list[str]:
        return self._pieces

    def piece_texts(self) -> list[str | None]:
        return [None, *(piece.replace(self._mark, " ") for piece in self._pieces[1:])]

    def special_ids(self) -> dict[str, int | None]:
        return {"eos": 0, "bos": None}


def test_a_loose_overlap_minds_neither_case_nor_space() -> None:
    one = _Vocabulary("▁", "▁the", "The", "дом", "水", "▁", "<0x41>", "ЁЖ")
    other = _Vocabulary("Ġ", "<0x41>", "Ġthe", "ĠДом", "水", "THE", "ёж", "дОМ")
    found = shared_pieces(one, other, loose=True)  # type: ignore[arg-type]
    assert list(zip(*(found[name].to_pylist() for name in ("id", "other_id", "match")), strict=True)) == [
        (0, 0, "exact"),
        (1, 2, "exact"),
        (2, 5, "loose"),
        (3, 7, "loose"),  # of one case and another before that of one space and another
        (4, 4, "exact"),
        (6, 1, "exact"),
        (7, 6, "loose"),
    ]


def test_special_tokens_are_shared_by_any_role_or_name_and_bytes_however_written(made: Path, tmp_path: Path) -> None:
    """XLM-R's <s> is bos and cls at once; a hole in the ids is like no other; Ã of byte-level BPE is <0xC3>."""
    library = pytest.importorskip("tokenizers")
    own = open_tokenizer(made / "t.model")
    shared = {}
    for name in ("xlm-r", "bert", "gpt-2"):
        other = open_tokenizer(save_family(library, name, tmp_path / name))
        ours, theirs = own.piece_names(), other.piece_names()
        table = shared_pieces(own, other).to_pylist()
        shared[name] = {ours[row["id"]]: theirs[row["other_id"]] for row in table if row["id"] < 5}
        assert {row["other_id"]: row["id"] for row in shared_pieces(other, own).to_pylist()} == {
            row["id"]: row["other_id"] for row in table if name != "gpt-2" or row["id"] not in (2, 3)
        } | ({} if name != "gpt-2" else {2: theirs.index("<|endoftext|>")})
    assert shared["xlm-r"] == {name: name for name in ("<pad>", "<unk>", "<s>", "</s>", "<mask>")}
    assert shared["bert"] == {"<pad>": "[PAD]", "<unk>": "[UNK]", "<mask>": "[MASK]"}
    assert shared["gpt-2"] == {"<s>": "<|endoftext|>", "</s>": "<|endoftext|>"}
    levels = open_tokenizer(tmp_path / "gpt-2")
    pairs = {row["piece"]: own.piece_names()[row["other_id"]] for row in shared_pieces(levels, own).to_pylist()}
    assert (pairs["Ã"], pairs["Ġ"]) == ("<0xC3>", "▁")
    value = {**levels.json}  # type: ignore[attr-defined]
    value["added_tokens"] = [{**token, "id": 600} for token in value["added_tokens"]]
    value["model"] = {**value["model"], "vocab": {**value["model"]["vocab"], "<|endoftext|>": 600}}
    holes = [tmp_path / "one", tmp_path / "two"]
    for folder in holes:
        folder.mkdir()
        (folder / "tokenizer.json").write_text(json.dumps(value))
    table = shared_pieces(*map(open_tokenizer, holes))
    assert "" not in table["piece"].to_pylist()
    assert table["id"].to_pylist() == table["other_id"].to_pylist()


def test_both_forms_of_a_model_share_all_pieces(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", [documents(rows(_LANGS, count=5))])
    invoked(command, "train", data.folder, "-o", tmp_path / "t.model", "--vocab-size", 430)
    one, other = open_tokenizer(tmp_path / "t.model"), open_tokenizer(tmp_path / "t.hf")
    table = shared_pieces(one, other)
    assert table["id"].to_pylist() == table["other_id"].to_pylist() == list(range(430))


def test_pieces_of_words_are_those_they_have_in_text(made: Path) -> None:
    tokenizer = open_tokenizer(made / "t.model")
    words = ["river", "река", "น้ำ", "rivers", "qqq"]
    table = pieces_of_words(tokenizer, pa.array(words)).to_pylist()
    for row in table:
        ids = tokenizer.encode_batch(pa.array([f"the {row['word']}"]))[0].tolist()
        assert ids[-len(row["ids"]) :] == row["ids"]
        assert tokenizer.decode(row["ids"]).strip() == row["word"]
        assert row["pieces"] == [tokenizer.piece_names()[at] for at in row["ids"]]
    assert [row["word"] for row in table] == words


def test_lines_of_pieces_are_the_ids_without_bytes_and_specials(made: Path) -> None:
    tokenizer = open_tokenizer(made / "t.model")
    texts = pa.array(["the river 𐍈 </s>", "", "река"])
    names, (ids, offsets) = tokenizer.piece_names(), tokenizer.encode_batch(texts)
    for line, start, end in zip(piece_lines(tokenizer, texts), offsets[:-1], offsets[1:], strict=True):
        kept = [names[at] for at in ids[start:end] if at >= 5 and not names[at].startswith("<0x") and names[at] != "▁"]
        assert line == " ".join(kept)


def test_the_commands_write_tables(made: Path, tmp_path: Path) -> None:
    invoked(command, "pieces", made / "t.model", made / "data", "-o", tmp_path / "p.tsv")
    lines = (tmp_path / "p.tsv").read_text().split("\n")
    assert lines[0] == "id\tpiece\tcount"
    assert len(lines) == 422  # header, 420 pieces, the end
    invoked(command, "pieces", made / "t.model", made / "data", "-o", tmp_path / "p.parquet", "--by-language")
    assert set(pq.read_table(tmp_path / "p.parquet")["lang"].to_pylist()) == {*_LANGS, "und"}
    assert (
        "pieces are kept" in invoked(command, "trim", made / "t.model", made / "data", "-o", tmp_path / "k.txt").output
    )
    assert (
        "of 420 pieces are among the 370"
        in invoked(command, "overlap", made / "t.model", made / "o.model", "-o", tmp_path / "o.tsv").output
    )
    (tmp_path / "w.tsv").write_text("word\tform\tcount\nriver\tr\t2\nрека\treka\t1\n")
    invoked(command, "words", made / "t.model", tmp_path / "w.tsv", "-o", tmp_path / "w.parquet")
    assert pq.read_table(tmp_path / "w.parquet")["word"].to_pylist() == ["river", "река"]
    (tmp_path / "w.vec").write_text("2 3\nriver 1 2 3\nрека 1 2 3\n")
    invoked(command, "words", made / "t.model", tmp_path / "w.vec", "-o", tmp_path / "w.txt")
    assert [line.split("\t")[0] for line in (tmp_path / "w.txt").read_text().splitlines()] == ["river", "река"]
    with pytest.raises(UserError, match="are the same dataset"):
        invoked(command, "pieces", made / "t.model", made / "data", made / "data", "-o", tmp_path / "p.tsv")
    with pytest.raises(UserError, match="a table is"):
        invoked(command, "trim", made / "t.model", made / "data", "-o", tmp_path / "k.json")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(UserError, match="has no words"):
        invoked(command, "words", made / "t.model", tmp_path / "empty.txt", "-o", tmp_path / "w.txt")
