"""CoNLL files and lists of tokens: texts, columns of lists, ranges, and what is damaged."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import jsonl, read_all
from xlcorpus.errors import UserError

NER = """-DOCSTART- -X- O O

Kofi NNP B-NP B-PER
Annan NNP I-NP I-PER
spoke VBD O O
. . O O

# . O O
one CD O O


"""
MORE = "他\tO\n住\tO\n在\tO\n北\tB-LOC\n京\tI-LOC\n\nเขา\tO\nไป\tO\nกรุงเทพ\tB-LOC\n\nਮੈਂ\tO\nਦਿੱਲੀ\tB-LOC\n"
UD = """# sent_id = 1
# newdoc
# text = Él vámonos, ¡ya!
1\tÉl\tél\tPRON\t_\t_\t0\troot\t_\t_
2-3\tvámonos\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
2\tvamos\tir\tVERB\t_\t_\t1\tx\t_\t_
3\tnos\tnosotros\tPRON\t_\t_\t2\tx\t_\t_
3.1\tvacío\t_\tNOUN\t_\t_\t_\t_\t_\t_
4\t,\t,\tPUNCT\t_\t_\t2\tx\t_\t_
5\t¡\t¡\tPUNCT\t_\t_\t2\tx\t_\t_
6\tya\tya\tADV\t_\t_\t2\tx\t_\t_
7\t!\t!\tPUNCT\t_\t_\t2\tx\t_\t_
"""


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_bytes(text.encode())
    return str(folder / name)


def test_sentences_of_three_kinds_of_files(tmp_path: Path) -> None:
    files = [write(tmp_path, "a.conll", NER), write(tmp_path, "b.iob2", MORE), write(tmp_path, "c.conllu", UD)]
    found = read_all(*files)
    rows = {row["text"]: row for row in found.documents}
    assert list(rows) == ["Kofi Annan spoke .", "# one", "他住在北京", "เขาไปกรุงเทพ", "ਮੈਂ ਦਿੱਲੀ", "Él vámonos, ¡ya!"]
    assert rows["Kofi Annan spoke ."]["tags"] == ["B-PER", "I-PER", "O", "O"]
    assert rows["Kofi Annan spoke ."]["chunk_tags"] == ["B-NP", "I-NP", "O", "O"]
    assert rows["# one"]["tokens"] == ["#", "one"]
    assert rows["他住在北京"]["tags"] == ["O", "O", "O", "B-LOC", "I-LOC"]
    spanish = rows["Él vámonos, ¡ya!"]
    assert spanish["tokens"] == ["Él", "vámonos", ",", "¡", "ya", "!"]
    assert spanish["upos"] == ["PRON", "VERB", "PUNCT", "PUNCT", "ADV", "PUNCT"]
    assert spanish["tags"] is None
    assert not found.rejects


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_cut_of_a_file_gives_the_same_sentences(tmp_path: Path, size: int, end: str) -> None:
    file = write(tmp_path, "b.conll", ((MORE + "\n") * 3).replace("\n", end))
    whole = read_all(file).documents
    assert len(whole) == 9
    assert read_all(file, target_bytes=size).documents == whole


def test_bad_sentences_are_rejected_and_named(tmp_path: Path) -> None:
    data = b"a\tO\nb O\n\nc\xff\tO\n\nd\0\tO\n\ne\tO\n"
    (tmp_path / "x.bio").write_bytes(data)
    found = read_all(tmp_path / "x.bio")
    assert [row["reason"] for row in found.rejects] == ["wrong_field_count", "invalid_utf8", "nul_bytes"]
    assert "line 2 of the sentence has 1 columns, not 2 (tokens, tags)" in found.rejects[0]["message"]
    assert [row["text"] for row in found.documents] == ["e"]


def test_columns_by_option(tmp_path: Path) -> None:
    file = write(tmp_path, "a.txt", "B-PER 1 Kofi\nO 2 spoke\n")
    (row,) = read_all(file, format="conll", conll_columns="tags,_,tokens").documents
    assert (row["text"], row["tokens"], row["tags"]) == ("Kofi spoke", ["Kofi", "spoke"], ["B-PER", "O"])
    with pytest.raises(UserError, match="`tokens` among them"):
        read_all(file, format="conll", conll_columns="tags,word,x")


@pytest.mark.parametrize("end", ["-\t-", "O"])
def test_numbered_tokens_want_names_of_their_columns(tmp_path: Path, end: str) -> None:
    lines = [f"#\tfrom a page [2009]\n1\tKofi\tB-PER\t{end}", f"2\tspoke\tO\t{end}", "", f"1\tਮੈਂ\tO\t{end}", ""]
    file = write(tmp_path, "a.iob2", "\n".join(lines))
    with pytest.raises(UserError, match="numbers the tokens") as caught:
        read_all(file)
    assert "--conll-columns" in str(caught.value.remedy)
    rows = read_all(file, conll_columns="id,tokens,tags" + ",_" * len(end.split("\t"))).documents
    assert [(row["text"], row["tags"]) for row in rows] == [("Kofi spoke", ["B-PER", "O"]), ("ਮੈਂ", ["O"])]
    score = write(tmp_path, "b.conll", "1 CD O\n0 CD O\n\n2 CD O\n")
    assert [row["text"] for row in read_all(score).documents] == ["1 0", "2"]


def test_a_text_that_has_other_tokens_is_counted(tmp_path: Path) -> None:
    found = read_all(write(tmp_path, "a.conllu", UD.replace("text = Él", "text = Ella")))
    assert found.documents[0]["text"] == "Él vámonos , ¡ ya !"
    assert found.counts["conll_text_without_its_tokens"] == 1


ROWS = [
    {"tokens": ["Kofi", "spoke", "."], "ner_tags": [1, 0, 0]},
    {"tokens": ["他", "住", "在", "北京"], "ner_tags": [0, 0, 0, 3]},
    {"tokens": ["ok"], "ner_tags": [0]},
]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_lists_of_tokens_become_the_text_and_stay(tmp_path: Path, kind: str) -> None:
    if kind == "jsonl":
        files = [jsonl(tmp_path / "a.jsonl", *ROWS * 40, {"tokens": None})]
    else:
        pq.write_table(pa.Table.from_pylist([*ROWS * 40, {"tokens": None}]), tmp_path / "a.parquet")
        files = [tmp_path / "a.parquet"]
    found = read_all(*files, text_column="tokens")
    texts = {row["text"]: (row["tokens"], row["ner_tags"]) for row in found.documents}
    assert texts == {
        "Kofi spoke .": (["Kofi", "spoke", "."], [1, 0, 0]),
        "他住在北京": (["他", "住", "在", "北京"], [0, 0, 0, 3]),
        "ok": (["ok"], [0]),
    }
    assert [row["reason"] for row in found.rejects] == ["missing_text"]
