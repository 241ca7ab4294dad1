from __future__ import annotations

import io
import struct
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.piece_files import Piece, plain_pieces, read_sentencepiece
from xlcorpus.tokenizer.romanized import SCHEMA, romanize_piece, romanize_vocabulary

TEXTS = """the market opens early in the morning and the farmers bring bread, milk and honey
people in the old town speak three languages and sing on the long winter evenings
рынок открывается рано утром, и крестьяне привозят хлеб, молоко и мёд
в старом городе говорят на трёх языках и поют долгими зимними вечерами
ринок відкривається рано вранці, і селяни привозять хліб, молоко та мед
у старому місті розмовляють трьома мовами і співають довгими зимовими вечорами
η αγορά ανοίγει νωρίς το πρωί και οι αγρότες φέρνουν ψωμί, γάλα και μέλι
στην παλιά πόλη οι άνθρωποι μιλούν τρεις γλώσσες και τραγουδούν τα βράδια
बाज़ार सुबह जल्दी खुलता है और किसान रोटी, दूध और शहद लाते हैं
पुराने शहर में लोग तीन भाषाएँ बोलते हैं और सर्दी की लंबी शामों में गाते हैं
시장은 아침 일찍 열리고 농부들은 빵과 우유와 꿀을 가져온다
오래된 도시의 사람들은 세 언어를 말하고 긴 겨울 저녁에 노래한다""".splitlines()


class FakeTool:
    """Latin letters by a table of characters; what it does not know stays."""

    name = "fake"
    version = "1"
    column = "text_latn"

    def __init__(self, **table: str) -> None:
        self.table = str.maketrans(table)

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        return None if script == "Qaaa" else text.translate(self.table)


CYRILLIC = FakeTool(п="p", р="r", и="i", і="i", м="m", ё="", ш="sh", х=" kh ")


def vocabulary(*pieces: tuple[str, float]) -> list[Piece]:
    return plain_pieces(pieces)


def rows(table: pa.Table) -> list[tuple[str, float, list[int], list[str]]]:
    return [tuple(row.values()) for row in table.to_pylist()]  # type: ignore[misc]


def test_unseen_pieces_are_grouped_by_their_sources() -> None:
    pieces = vocabulary(("<unk>", 0.0), ("▁ми", -3.0), ("▁мі", -2.0), ("ми", -4.0), ("▁pi", -5.0), ("▁пі", -6.0))
    found = romanize_vocabulary(pieces, CYRILLIC)
    assert found.added.schema.equals(SCHEMA)
    assert rows(found.added) == [("▁mi", -2.0, [2, 1], ["▁мі", "▁ми"]), ("mi", -4.0, [3], ["ми"])]
    assert found.existing == {4: (5,)}


@pytest.mark.parametrize(("merge", "score"), [("max", -1.0), ("min", -6.0), ("average", -3.0)])
def test_scores_are_merged(merge: str, score: float) -> None:
    pieces = vocabulary(("ми", -2.0), ("мі", -6.0), ("mі", -1.0))  # the last: Latin m, Cyrillic і
    assert rows(romanize_vocabulary(pieces, CYRILLIC, merge=merge).added) == [
        ("mi", score, [2, 0, 1], ["mі", "ми", "мі"])
    ]


def test_average_of_one_source_is_its_score() -> None:
    assert rows(romanize_vocabulary(vocabulary(("ми", -2.5)), CYRILLIC, merge="average").added)[0][1] == -2.5


def test_order_is_by_score_then_code_points_whatever_the_ids() -> None:
    pieces = vocabulary(("ши", -2.0), ("ри", -1.0), ("пи", -2.0), ("ми", -1.0))
    ordered = [row[0] for row in rows(romanize_vocabulary(pieces, CYRILLIC).added)]
    assert ordered == ["mi", "ri", "pi", "shi"]
    assert [row[0] for row in rows(romanize_vocabulary(pieces[::-1], CYRILLIC).added)] == ordered


def test_special_and_byte_pieces_are_left_alone() -> None:
    pieces = vocabulary(("<s>", 0.0), ("<0xD0>", 0.0), ("[РИМ]", -1.0), ("[MASK]", 0.0), ("▁", -1.0), ("▁▁", -2.0))
    assert [piece.special for piece in pieces] == [True, True, False, True, False, False]
    becomes_special = FakeTool(**{"‹": "<", "›": ">"})
    found = romanize_vocabulary([*pieces, Piece("‹s›", -3.0)], becomes_special)
    assert found.added.num_rows == 0
    assert found.existing == {}
    assert romanize_vocabulary([Piece("ми", 0.0, special=True)], CYRILLIC).added.num_rows == 0


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("▁при", "▁pri"),
        ("при", "pri"),
        ("▁▁ми▁ши▁", "▁▁mi▁shi▁"),
        ("мхи", "m▁kh▁i"),  # a space that the tool puts in is a word's start to the tokenizer
        ("▁х", "▁kh"),
        ("▁ё", None),  # nothing is left
        ("▁", None),
        ("", None),
        ("▁latin", "▁latin"),
    ],
)
def test_the_mark_of_words_is_kept(piece: str, expected: str | None) -> None:
    assert romanize_piece(piece, CYRILLIC) == expected


def test_a_tool_without_rules_adds_nothing() -> None:
    assert romanize_vocabulary(vocabulary(("ми", -1.0)), CYRILLIC, script="Qaaa").added.num_rows == 0
    empty = romanize_vocabulary([], CYRILLIC)
    assert empty.added.schema.equals(SCHEMA)
    assert empty.existing == {}


def test_faults_are_named() -> None:
    with pytest.raises(UserError, match="did you mean 'average'"):
        romanize_vocabulary([], CYRILLIC, merge="avrage")
    with pytest.raises(UserError, match="'ми' is there twice, as ids 0 and 2"):
        romanize_vocabulary(vocabulary(("ми", -1.0), ("ри", -1.0), ("ми", -2.0)), CYRILLIC)
    with pytest.raises(UserError, match=r"'ри' \(id 1\) has the score nan"):
        romanize_vocabulary(vocabulary(("ми", -1.0), ("ри", float("nan"))), CYRILLIC)


def train(folder: Path, **options: object) -> Path:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4),
        model_writer=model,
        minloglevel=2,
        num_threads=1,
        character_coverage=1.0,
        **{"vocab_size": 340, "hard_vocab_limit": False, **options},
    )
    path = folder / "tokenizer.model"
    path.write_bytes(model.getvalue())
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"), user_defined_symbols=["мир"], byte_fallback=True, vocab_size=600)


def test_pieces_of_a_model_are_read_as_sentencepiece_reads_them(model: Path) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = read_sentencepiece(model)
    numbers = list(range(len(processor)))
    assert [piece.text for piece in pieces] == processor.id_to_piece(numbers)
    assert [piece.score for piece in pieces] == processor.get_score(numbers)
    known = [processor.is_control(n) or processor.is_unknown(n) or processor.is_byte(n) for n in numbers]
    user_defined = processor.piece_to_id("мир")
    assert [piece.special for piece in pieces] == [known[n] or n == user_defined for n in numbers]
    assert sum(known) == 256 + 3


def test_files_that_are_no_unigram_models_are_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(UserError, match="is a BPE model"):
        read_sentencepiece(train(tmp_path, model_type="bpe"))
    broken = tmp_path / "broken.model"
    for content in (b"not a model", b"", model.read_bytes()[:-700]):
        broken.write_bytes(content)
        with pytest.raises(UserError, match="is not a SentencePiece model"):
            read_sentencepiece(broken)
    with pytest.raises(UserError, match="cannot be read"):
        read_sentencepiece(tmp_path / "absent.model")


def extended(model: bytes, added: pa.Table) -> bytes:
    """The model with the rows as pieces at its end: protobuf joins repeated fields of messages laid end to end."""
    for row in added.to_pylist():
        text = row["piece"].encode()
        piece = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", row["score"])
        model += b"\x0a" + bytes([len(piece)]) + piece
    return model


def test_romanised_text_is_cut_into_fewer_pieces_with_uroman(model: Path) -> None:
    pytest.importorskip("uroman", reason="the package uroman is not installed")
    engine = pytest.importorskip("xlcorpus.romanize.engine", reason="the engine is not there yet")
    from xlcorpus.romanize.tools import UromanTool

    tool = UromanTool(engine.Engine(1 << 20))
    pieces = read_sentencepiece(model)
    found = romanize_vocabulary(pieces, tool)
    assert found.added.num_rows > 50
    texts = {piece.text for piece in pieces}
    for piece, score, sources, source_pieces in rows(found.added):
        assert piece not in texts
        assert piece.isascii() or piece.replace("▁", "").isascii()
        assert [pieces[number].text for number in sources] == source_pieces
        assert score == max(pieces[number].score for number in sources)
        assert len({text.startswith("▁") for text in source_pieces}) == 1
    for number, sources in found.existing.items():
        assert {romanize_piece(pieces[source].text, tool) for source in sources} == {pieces[number].text}

    before = sentencepiece.SentencePieceProcessor(model_file=str(model))
    after = sentencepiece.SentencePieceProcessor(model_proto=extended(model.read_bytes(), found.added))
    assert len(after) == len(before) + found.added.num_rows
    assert after.id_to_piece(len(before)) == found.added["piece"][0].as_py()  # ids go on where the vocabulary ended
    romanized = [tool.romanize(text, None, None) for text in TEXTS[2:]]
    length_before = sum(map(len, before.encode(romanized)))
    length_after = sum(map(len, after.encode(romanized)))
    assert length_after < 0.8 * length_before


def test_uroman_on_few_pieces() -> None:
    pytest.importorskip("uroman", reason="the package uroman is not installed")
    engine = pytest.importorskip("xlcorpus.romanize.engine", reason="the engine is not there yet")
    from xlcorpus.romanize.tools import UromanTool

    pieces = vocabulary(
        ("<s>", 0.0), ("▁при", -1.0), ("▁πρι", -2.0), ("北京", -3.0), ("▁서울", -4.0), ("▁pri", -5.0), ("▁नमस्ते", -6.0)
    )
    found = romanize_vocabulary(pieces, UromanTool(engine.Engine(1 << 20)))
    assert [row[0] for row in rows(found.added)] == ["beijing", "▁seoul", "▁namaste"]
    assert found.existing == {5: (1, 2)}
