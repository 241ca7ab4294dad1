"""Romanised pieces: which are added, with which score, and what the command writes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece

from tests.running import invoked
from tests.tokenizer.tokenizer_helpers import read_model
from xlcorpus.cli.tokenizer import command
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, pieces_of
from xlcorpus.tokenizer.romanized import MERGES, check_unigram, romanize_piece, romanized_pieces
from xlcorpus.tokenizer.sentencepiece_model import NORMAL, open_processor

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


class Table:
    """Latin letters by a table of characters; what it does not know stays."""

    def __init__(self, **table: str) -> None:
        self.table = str.maketrans(table)

    def __call__(self, text: str) -> str | None:
        return text.translate(self.table)


CYRILLIC = Table(п="p", р="r", и="i", і="i", м="m", ё="", ш="sh", х=" kh ")


def vocabulary(*pieces: tuple[str, float]) -> dict[int, Candidate]:
    return {number: Candidate(text, score) for number, (text, score) in enumerate(pieces)}


def rows(pieces: dict[int, Candidate], merge: str = "max") -> list[tuple[str, float, tuple[int, ...]]]:
    return [(one.text, one.score, one.sources) for one in romanized_pieces(pieces, CYRILLIC, merge)]


def test_unseen_pieces_are_grouped_by_their_sources() -> None:
    pieces = vocabulary((" latin", 0.0), (" ми", -3.0), (" мі", -2.0), ("ми", -4.0), (" pi", -5.0), (" пі", -6.0))
    assert rows(pieces) == [(" mi", -2.0, (2, 1)), ("mi", -4.0, (3,))]


@pytest.mark.parametrize(("merge", "score"), [("max", -1.0), ("min", -6.0), ("average", -3.0)])
def test_scores_are_merged(merge: str, score: float) -> None:
    pieces = vocabulary(("ми", -2.0), ("мі", -6.0), ("mі", -1.0))  # the last: Latin m, Cyrillic і
    assert rows(pieces, merge) == [("mi", score, (2, 0, 1))]
    assert set(MERGES) == {"max", "min", "average"}


def test_average_of_one_source_is_its_score() -> None:
    assert rows(vocabulary(("ми", -2.5)), "average")[0][1] == -2.5


def test_order_is_by_score_then_code_points_whatever_the_ids() -> None:
    pieces = [("ши", -2.0), ("ри", -1.0), ("пи", -2.0), ("ми", -1.0)]
    ordered = [row[0] for row in rows(vocabulary(*pieces))]
    assert ordered == ["mi", "ri", "pi", "shi"]
    assert [row[0] for row in rows(vocabulary(*pieces[::-1]))] == ordered


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (" при", " pri"),
        ("при", "pri"),
        ("  ми ши ", "  mi shi "),
        ("мхи", "m kh i"),  # a space that the romaniser puts in is a word's start to the tokenizer
        (" х", " kh"),
        (" ё", None),  # nothing is left
        (" ", None),
        ("", None),
        (" latin", " latin"),
    ],
)
def test_spaces_are_kept(piece: str, expected: str | None) -> None:
    assert romanize_piece(piece, CYRILLIC) == expected


def test_a_romaniser_without_rules_adds_nothing() -> None:
    assert romanized_pieces(vocabulary(("ми", -1.0)), lambda text: None) == []
    assert rows({}) == []


def train(folder: Path, **options: object) -> Path:
    path = folder / "tokenizer.model"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4),
        model_prefix=str(path.with_suffix("")),
        minloglevel=2,
        num_threads=1,
        character_coverage=1.0,
        **{"vocab_size": 340, "hard_vocab_limit": False, **options},
    )
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("model"), user_defined_symbols=["мир"], byte_fallback=True, vocab_size=600)


def test_pieces_of_a_model_are_read_as_sentencepiece_reads_them(model: Path) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    pieces = read_model(model).pieces
    numbers = list(range(len(processor)))
    assert [piece.text for piece in pieces] == processor.id_to_piece(numbers)
    assert [piece.score for piece in pieces] == processor.get_score(numbers)
    known = [processor.is_control(n) or processor.is_unknown(n) or processor.is_byte(n) for n in numbers]
    user_defined = processor.piece_to_id("мир")
    special = [known[n] or n == user_defined for n in numbers]
    assert [piece.type != NORMAL for piece in pieces] == special
    assert sum(known) == 256 + 3
    assert list(pieces_of(open_tokenizer(model))) == [n for n in numbers if not special[n]]  # these are left alone


def test_files_that_are_no_unigram_models_are_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(UserError, match="is a bpe model; only the scores of a unigram model can be merged"):
        check_unigram(open_tokenizer(train(tmp_path, model_type="bpe")))
    with pytest.raises(UserError, match="bytes is a bytes model"):
        check_unigram(open_tokenizer("bytes"))
    check_unigram(open_tokenizer(model))
    broken = tmp_path / "broken.model"
    for content in (b"not a model", b"", model.read_bytes()[:-700]):
        broken.write_bytes(content)
        with pytest.raises(UserError, match="is not a SentencePiece model"):
            open_processor(broken)
    with pytest.raises(UserError, match="cannot be read"):
        open_processor(tmp_path / "absent.model")


def extend(*arguments: object) -> str:
    return invoked(command, "extend", *arguments).output


def test_the_command_adds_the_pieces_that_romanised_text_lacks(model: Path, tmp_path: Path) -> None:
    from xlcorpus.romanize.tools import open_tool

    tool = open_tool("uroman", 1 << 20)
    old, output = open_tokenizer(model), tmp_path / "latin.model"
    assert f"sources of the new pieces, for their embeddings: {tmp_path / 'latin.sources.json'}" in extend(
        model, "--romanized", "--special", "<2hin_Latn>", "--output", output
    )
    new = open_tokenizer(output)
    before, after = pieces_of(old), pieces_of(new)
    assert {number: after[number] for number in before} == before  # every old id and score as it was
    sources = {
        int(number): found for number, found in json.loads((tmp_path / "latin.sources.json").read_text()).items()
    }
    assert set(sources) == set(after) - set(before)
    assert len(sources) > 50
    assert new.vocab_size == old.vocab_size + len(sources) + 1
    assert new.id_of("<2hin_Latn>") == new.vocab_size - 1
    texts = {piece.text for piece in before.values()}
    for number, found in sources.items():
        piece = after[number]
        assert piece.text not in texts
        assert piece.text.isascii()
        scores = [before[source].score for source in found]
        assert scores == sorted(scores, reverse=True)
        assert piece.score == scores[0]
        assert {romanize_piece(before[one].text, lambda text: tool.romanize(text, None, None)) for one in found} == {
            piece.text
        }
    romanized = pa.array([tool.romanize(text, None, None) for text in TEXTS[2:]])
    assert new.count_batch(romanized).sum() < 0.8 * old.count_batch(romanized).sum()
    card = json.loads((tmp_path / "latin.json").read_text())
    assert card["romanized"] == {"tool": "uroman", "version": tool.version, "merge": "max"}
    assert card["pieces_added"] == len(sources)


def test_the_command_on_a_tokenizer_json(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    extend(model, "--special", "<x>", "--output", tmp_path / "same.model")  # its folder for transformers
    extend(tmp_path / "same.hf", "--romanized", "--merge", "average", "--output", tmp_path / "latin")
    extend(model, "--special", "<x>", "--romanized", "--merge", "average", "--output", tmp_path / "latin.model")
    one, other = (pieces_of(open_tokenizer(tmp_path / name)) for name in ("latin", "latin.model"))
    old = open_tokenizer(model).vocab_size
    found, due = ({one.text: one.score for number, one in all_.items() if number >= old} for all_ in (one, other))
    assert {text: found[text] for text in due} == pytest.approx(due)
    assert json.loads((tmp_path / "latin" / "sources.json").read_text())


def test_requests_that_cannot_be(model: Path, tmp_path: Path) -> None:
    for given, says in (
        (("--romanized", "--with", model), "--romanized takes the pieces of BASE"),
        (("--special", "<x>", "--merge", "min"), "--merge is only for --romanized"),
        (("--romanized", "--margin", "2"), "--margin is not for --romanized"),
        (("--romanized", "--pieces", "99999"), "of 99,999 pieces can be added"),
    ):
        with pytest.raises(UserError, match=says) as caught:
            extend(model, *given, "--output", tmp_path / "out.model")
        assert caught.value.remedy
    with pytest.raises(UserError, match="only the scores of a unigram model can be merged"):
        extend(train(tmp_path, model_type="bpe"), "--romanized", "--output", tmp_path / "out.model")


def test_uroman_on_few_pieces() -> None:
    from xlcorpus.romanize.tools import open_tool

    tool = open_tool("uroman", 1 << 20)
    pieces = vocabulary(
        (" при", -1.0), (" πρι", -2.0), ("北京", -3.0), (" 서울", -4.0), (" pri", -5.0), (" नमस्ते", -6.0)
    )
    found = romanized_pieces(pieces, lambda text: tool.romanize(text, None, None))
    assert [one.text for one in found] == ["beijing", " seoul", " namaste"]
