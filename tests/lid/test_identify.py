from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from xlcorpus.errors import UserError
from xlcorpus.lid.identify import ALTERNATIVES, identify_batch, prior_script
from xlcorpus.lid.model import LanguageModel, Predictions
from xlcorpus.text import properties
from xlcorpus.text.labels import fits_script, normalize_label
from xlcorpus.text.normalize import plain_letters

# One sentence a language, written for this test.
SENTENCES = {
    "eng_Latn": "The children walked slowly along the river and talked about their new school.",
    "swh_Latn": "Watoto walitembea polepole kando ya mto wakizungumza kuhusu shule yao mpya.",
    "tur_Latn": "Çocuklar nehir boyunca yavaşça yürüdüler ve yeni okulları hakkında konuştular.",
    "vie_Latn": "Những đứa trẻ đi chậm rãi dọc bờ sông và nói chuyện về ngôi trường mới của mình.",
    "rus_Cyrl": "Дети медленно шли вдоль реки и разговаривали о своей новой школе.",
    "ukr_Cyrl": "Діти повільно йшли вздовж річки і розмовляли про свою нову школу.",
    "ell_Grek": "Τα παιδιά περπατούσαν αργά δίπλα στο ποτάμι και μιλούσαν για το νέο τους σχολείο.",
    "heb_Hebr": "הילדים הלכו לאט לאורך הנהר ודיברו על בית הספר החדש שלהם.",
    "hin_Deva": "बच्चे नदी के किनारे धीरे धीरे चल रहे थे और अपने नए स्कूल के बारे में बात कर रहे थे।",
    "tha_Thai": "เด็กๆ เดินช้าๆ ไปตามแม่น้ำและพูดคุยเกี่ยวกับโรงเรียนใหม่ของพวกเขา",
    "zho_Hans": "孩子们沿着河边慢慢地走，谈论着他们的新学校。",
    "zho_Hant": "孩子們沿著河邊慢慢地走，談論著他們的新學校。",
    "jpn_Jpan": "子供たちは川沿いをゆっくり歩きながら、新しい学校について話していました。",
    "kor_Hang": "아이들은 강을 따라 천천히 걸으며 새 학교에 대해 이야기했습니다.",
}
WEIGHTS = [0.5, 0.2, 0.125, 0.1, 0.05, 0.025]


class FixedModel:
    """Gives every text the same candidates."""

    folded = False
    label = staticmethod(normalize_label)

    def __init__(self, candidates: Sequence[tuple[str, float]]) -> None:
        self.labels = tuple(label for label, _ in candidates)
        self._scores = np.array([score for _, score in candidates], dtype=np.float32)

    def prepare(self, texts: pa.StringArray) -> pa.StringArray:
        return texts

    def predict(self, texts: pa.StringArray, k: int) -> Predictions:
        count = min(k, len(self.labels))
        return Predictions(
            labels=np.tile(np.arange(count, dtype=np.int32), len(texts)),
            scores=np.tile(self._scores[:count], len(texts)),
            offsets=np.arange(len(texts) + 1, dtype=np.int64) * count,
        )


def batch_of(texts: Sequence[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, type=pa.string()), "n": pa.array(range(len(texts)))})


def test_names_the_language_and_script_of_plain_sentences(embedded: LanguageModel) -> None:
    found = identify_batch(batch_of(list(SENTENCES.values())), embedded)
    assert found.column("lang").to_pylist() == list(SENTENCES)
    scripts = [label[-4:].replace("Hans", "Hani").replace("Hant", "Hani") for label in SENTENCES]
    assert found.column("script").to_pylist() == scripts
    assert found.column("n").to_pylist() == list(range(len(SENTENCES)))
    assert min(found.column("lang_score").to_pylist()) > 0.5


def test_schema_is_the_document_contract(embedded: LanguageModel) -> None:
    found = identify_batch(batch_of(["text"]), embedded)
    assert found.schema.names == ["text", "n", "lang", "script", "script_share", "lang_score", "lang_alts"]
    assert found.schema.field("lang").type == pa.string()
    assert found.schema.field("script").type == pa.string()
    assert found.schema.field("script_share").type == pa.float32()
    assert found.schema.field("lang_score").type == pa.float32()
    assert found.schema.field("lang_alts").type == ALTERNATIVES


@pytest.mark.parametrize("text", ["", None, "   \n", "12:30 – 14.5 % !!! 🙂", "\x00\x01"])
def test_text_without_letters_has_no_language(embedded: LanguageModel, text: str | None) -> None:
    row = identify_batch(batch_of([text, SENTENCES["swh_Latn"]]), embedded).to_pylist()
    assert row[0] == {
        "text": text,
        "n": 0,
        "lang": "zxx_Zyyy",
        "script": "Zyyy",
        "script_share": 0.0,
        "lang_score": 0.0,
        "lang_alts": [],
    }
    assert row[1]["lang"] == "swh_Latn"


def test_line_ends_and_control_characters_change_nothing(embedded: LanguageModel) -> None:
    plain = SENTENCES["swh_Latn"]
    broken = [plain.replace(" ", mark) for mark in ("\n", "\r\n", "\x00", "\t", "\u2028", "\u0085", "\x0c")]
    rows = identify_batch(batch_of([plain, *broken]), embedded).drop_columns(["text", "n"]).to_pylist()
    assert all(row == rows[0] for row in rows)


def test_empty_batch(embedded: LanguageModel) -> None:
    found = identify_batch(batch_of([]), embedded)
    assert found.num_rows == 0
    assert found.schema.field("lang_alts").type == ALTERNATIVES


def test_alternatives_are_sorted_bounded_and_never_the_choice(embedded: LanguageModel) -> None:
    texts = [*SENTENCES.values(), "dobar dan svima", "ok", "selamat pagi", "no", "taxi hotel"]
    found = identify_batch(batch_of(texts), embedded, top_k=4, alt_floor=0.02).to_pylist()
    assert any(row["lang_alts"] for row in found)
    for row in found:
        scores = [alternative["score"] for alternative in row["lang_alts"]]
        names = [alternative["lang"] for alternative in row["lang_alts"]]
        assert scores == sorted(scores, reverse=True)
        assert all(score >= np.float32(0.02) for score in scores)
        assert len(names) <= 3
        assert row["lang"] not in names
        assert len(set(names)) == len(names)
    alone = identify_batch(batch_of(texts), embedded, top_k=1)
    assert all(row == [] for row in alone.column("lang_alts").to_pylist())
    assert alone.column("lang").to_pylist() == [row["lang"] for row in found]


def test_batch_equals_single_rows(embedded: LanguageModel) -> None:
    texts = [*SENTENCES.values(), "", None, "a\nb", "word " * 2_000, "文" * 4_000]
    together = identify_batch(batch_of(texts), embedded).drop_columns(["n"]).to_pylist()
    alone = [identify_batch(batch_of([text]), embedded).drop_columns(["n"]).to_pylist()[0] for text in texts]
    assert together == alone


def test_a_slice_of_a_batch_is_identified_as_itself(embedded: LanguageModel) -> None:
    batch = batch_of(list(SENTENCES.values()))
    assert identify_batch(batch.slice(3, 5), embedded).column("lang").to_pylist() == list(SENTENCES)[3:8]


def test_earlier_columns_are_replaced_in_place(embedded: LanguageModel) -> None:
    once = identify_batch(batch_of(list(SENTENCES.values())), embedded)
    stale = once.set_column(2, "lang", pa.array(["xxx_Yyyy"] * once.num_rows))
    again = identify_batch(stale, embedded)
    assert again.equals(once)
    other_type = pa.record_batch({"lang": pa.array([7]), "text": pa.array([SENTENCES["rus_Cyrl"]])})
    found = identify_batch(other_type, embedded)
    assert found.schema.names[:2] == ["lang", "text"]
    assert found.column("lang").to_pylist() == ["rus_Cyrl"]


def test_script_passes_over_a_label_that_does_not_fit() -> None:
    model = FixedModel([("__label__eng_Latn", 0.6), ("__label__rus_Cyrl", 0.3), ("__label__ukr_Cyrl", 0.1)])
    row = identify_batch(batch_of(["Привет, мир"]), model).to_pylist()[0]  # type: ignore[arg-type]
    assert row["lang"] == "rus_Cyrl"
    assert row["lang_score"] == pytest.approx(0.3)
    assert [alternative["lang"] for alternative in row["lang_alts"]] == ["eng_Latn", "ukr_Cyrl"]
    assert identify_batch(batch_of(["ελληνικά"]), model).column("lang").to_pylist() == ["und_Grek"]  # type: ignore[arg-type]


def _texts_of_every_script() -> dict[str, str]:
    """Twelve words of letters of each script that has eight of them, taken from all over it."""
    table = np.where(properties.letters(), properties.scripts(), -1)
    made = {}
    for number, name in enumerate(properties.script_names()):
        letters = np.flatnonzero(table == number)
        if len(letters) >= 8 and name not in ("Zyyy", "Zinh", "Zzzz"):
            words = np.random.default_rng(number).choice(letters, (12, 5))
            made[name] = " ".join("".join(map(chr, word)) for word in words.tolist())
    return made


def test_no_text_gets_a_label_of_another_script(embedded: LanguageModel, lid176: LanguageModel) -> None:
    texts = _texts_of_every_script()
    assert len(texts) > 140
    for model in (embedded, lid176):
        found = identify_batch(batch_of(list(texts.values())), model)
        unknown = set()
        for row in found.select(["lang", "script", "lang_score"]).to_pylist():
            assert fits_script(row["lang"], row["script"]), row
            if row["lang"].startswith("und"):
                assert row["lang_score"] == 0
                unknown.add(row["script"])
        assert {"Cham", "Rohg", "Bali", "Lisu", "Egyp", "Runr"} & set(texts) <= unknown
        assert not {"Latn", "Cyrl", "Arab", "Deva", "Hani", "Hang", "Thai", "Geor", "Ethi"} & unknown


def test_all_labels_are_asked_before_a_language_is_unknown() -> None:
    others = [(f"__label__{first}{second}_Latn", 0.02) for first in "abcde" for second in "vwxyz"]
    model = FixedModel([*others, ("__label__ell_Grek", 0.003)])
    rows = identify_batch(batch_of(["ελληνικά", "a word", "ᠮᠣᠩᠭᠣᠯ"]), model).to_pylist()  # type: ignore[arg-type]
    assert [row["lang"] for row in rows] == ["ell_Grek", "ava_Latn", "und_Mong"]
    assert [row["lang_score"] for row in rows] == pytest.approx([0.003, 0.02, 0])
    assert [len(row["lang_alts"]) for row in rows] == [4, 4, 0]


def _in_shapes(text: str, tag: str) -> str:
    """A text in the letters that Unicode decomposes to its own by this tag, where there are such."""
    shapes = {
        unicodedata.normalize("NFKC", chr(code)): chr(code)
        for code in range(0x1D434, 0x2100, -1)
        if unicodedata.decomposition(chr(code)).startswith(tag)
    }
    return "".join(
        shapes.get(letter, letter) for letter in unicodedata.normalize("NFKD" if tag == "<narrow>" else "NFC", text)
    )


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Der schnelle braune Fuchs springt heute wieder einmal über den Hund", "<wide>"),
        ("The quick brown fox jumps over the lazy dog near the river bank", "<font>"),
        ("الكتاب على الطاولة في الغرفة الكبيرة", "<medial>"),
        ("کتاب روی میز است و ما آن را می‌خوانیم", "<isolated>"),
        ("コンピュータヲツカッテシゴトヲシマス", "<narrow>"),
    ],
)
def test_letters_of_other_shapes_are_the_plain_ones(text: str, tag: str, embedded: LanguageModel) -> None:
    shaped = _in_shapes(text, tag)
    assert shaped != text
    plain, other = identify_batch(batch_of([text, shaped]), embedded).drop_columns(["text", "n"]).to_pylist()
    assert other == plain
    assert plain["lang_score"] > 0.9


def test_letters_that_are_written_with_compatibility_characters_stay() -> None:
    texts = pa.array(["น้ำ ทำ", "ນ້ຳ ໜ້າ", "և", "1º ª", "ŉ", "ĳ", "x²"])
    assert plain_letters(texts) == texts


def test_letters_that_the_model_does_not_see_have_no_language(embedded: LanguageModel) -> None:
    numbers = "12 345 – 678 " * 400
    for word, lang in (("Wort", "und_Latn"), ("слово", "und_Cyrl"), ("คำ", "und_Thai")):
        row = identify_batch(batch_of([numbers + word + " " + numbers * 4]), embedded).to_pylist()[0]
        assert (row["lang"], row["lang_score"], row["lang_alts"]) == (lang, 0, [])


def test_number_and_floor_of_alternatives() -> None:
    model = FixedModel([(f"__label__{name}_Latn", score) for name, score in zip("abcdef", WEIGHTS, strict=True)])
    for top_k, floor, expected in ((1, 0.0, ""), (3, 0.0, "bc"), (9, 0.0, "bcdef"), (9, 0.1, "bcd"), (9, 0.9, "")):
        row = identify_batch(batch_of(["text"]), model, top_k=top_k, alt_floor=floor).to_pylist()[0]  # type: ignore[arg-type]
        assert row["lang"] == "a_Latn"
        assert "".join(alternative["lang"][0] for alternative in row["lang_alts"]) == expected
        assert [alternative["score"] for alternative in row["lang_alts"]] == pytest.approx(
            WEIGHTS[1 : 1 + len(expected)]
        )


def test_same_language_twice_is_one_alternative() -> None:
    model = FixedModel([("__label__ar", 0.5), ("__label__fil_Latn", 0.2), ("__label__tgl_Latn", 0.2), ("ara", 0.1)])
    rows = identify_batch(batch_of(["مرحبا"]), model).to_pylist()  # type: ignore[arg-type]
    assert rows[0]["lang"] == "arb_Arab"
    assert [alternative["lang"] for alternative in rows[0]["lang_alts"]] == ["tgl_Latn"]


def test_prior_script_looks_past_code_and_guest_letters() -> None:
    texts = pa.array(["我们 使用 git push 命令", "the word 文 is text", "日本 の test", "한국 漢字 말", "漢字", ""])
    assert prior_script(texts).to_pylist() == ["Hani", "Latn", "Jpan", "Hang", "Hani", "Zyyy"]


def test_chinese_page_of_commands_is_chinese(embedded: LanguageModel, lid176: LanguageModel) -> None:
    text = "# tar\n\n> 归档工具。\n\n- 创建归档文件：\n\n`tar cf {{path/to/target.tar}} {{path/to/file1 path/file2}}`"
    for model in (embedded, lid176):
        row = identify_batch(batch_of([text]), model).to_pylist()[0]
        assert row["lang"] == "zho_Hans"
        assert row["script"] == "Latn"  # of all letters, most are of the commands


def test_bad_arguments(embedded: LanguageModel) -> None:
    with pytest.raises(ValueError, match="top_k"):
        identify_batch(batch_of(["a"]), embedded, top_k=0)
    with pytest.raises(UserError, match="no column 'text'") as raised:
        identify_batch(pa.record_batch({"body": ["a"]}), embedded)
    assert "--text-column" in str(raised.value)
    with pytest.raises(UserError, match="'text' is int64, not string"):
        identify_batch(pa.record_batch({"text": [7]}), embedded)
