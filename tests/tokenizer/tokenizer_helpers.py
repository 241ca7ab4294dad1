"""Small datasets of documents of our own writing in many scripts, and tokenizers trained on them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from tests import rows as builder
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate, best_first, pieces_of
from xlcorpus.tokenizer.sentencepiece_model import SentencePieceModel, parse_model, read_model_file
from xlcorpus.tokenizer.text_sample import draw_sample
from xlcorpus.tokenizer.train import TrainOptions, train_on_sample

# A sentence pattern a language; documents are made by putting its words together.
WORDS = {
    "eng_Latn": "the river carries small boats past our house every morning while children count them slowly",
    "swh_Latn": "mto unabeba mashua ndogo kupita nyumba yetu kila asubuhi watoto wakizihesabu polepole sana",
    "deu_Latn": "der Fluss trägt kleine Boote jeden Morgen an unserem Haus vorbei während Kinder sie zählen",
    "rus_Cyrl": "река несёт маленькие лодки мимо нашего дома каждое утро пока дети медленно считают их",
    "hin_Deva": "नदी हर सुबह छोटी नावें हमारे घर के पास से ले जाती है और बच्चे उन्हें धीरे गिनते हैं",
    "arb_Arab": "يحمل النهر قوارب صغيرة أمام بيتنا كل صباح بينما يعدها الأطفال ببطء شديد",
    "tha_Thai": "แม่น้ำพาเรือเล็ก ผ่านบ้านของเรา ทุกเช้า เด็กๆ นับเรือ ช้าๆ อย่างสนุก",
    "amh_Ethi": "ወንዙ ትናንሽ ጀልባዎችን በየጠዋቱ በቤታችን አጠገብ ያሳልፋል ልጆች ቀስ ብለው ይቆጥራሉ",
    "zho_Hans": "河流 每天早上 带着小船 经过我们的家 孩子们 慢慢地 数着它们 很高兴",
    "kat_Geor": "მდინარე ყოველ დილით პატარა ნავებს ჩვენს სახლთან ატარებს ბავშვები ნელა ითვლიან",
}

# What tokenizers lose: spaces, line ends, marks, joined emoji, code, digits, other scripts, control tokens as text.
HARD_TEXTS = (
    "",
    " ",
    "   two  spaces   ",
    "\n",
    "\n\n\tline\r\nend\n",
    "def f(x):\n    if x:\n\t\treturn x  # 1234567890\n",
    "नमस्ते दुनिया १२३",
    "e\u0301 and é, \u00a0\u2003 wide",
    "👩‍👩‍👧 👍🏽 🏳️‍🌈",
    "日本語のテキスト、漢字",
    "می‌خواهم",
    "<s> </s> <pad> <mask> <unk> <0x41> <2eng_Latn>",
    "\u0000\u0001\u2028\ufeff",
    "𐍈 𠀀 \U0010ffff",
)


def documents(rows: Sequence[tuple[str, str | None, str]], **columns: Sequence[Any]) -> pa.RecordBatch:
    """Rows of (name, language, text); the id follows from the name."""
    names, langs, texts = zip(*rows, strict=True) if rows else ((), (), ())
    more = {name: pa.array(values) for name, values in columns.items()}
    return builder.documents(texts, langs, names=names, source="test", **more)


def read_candidates(path: Path) -> list[Candidate]:
    """The pieces of a tokenizer, the most valued first."""
    return best_first(pieces_of(open_tokenizer(path)))


def read_model(path: Path) -> SentencePieceModel:
    """A SentencePiece model file."""
    return parse_model(read_model_file(path), str(path))


@functools.cache
def rows(
    languages: tuple[str, ...] = tuple(WORDS), count: int = 30, salt: str = ""
) -> tuple[tuple[str, str, str], ...]:
    """`count` documents a language, of 20 to 60 words in an order that a hash gives."""
    made = []
    for lang in languages:
        words = WORDS[lang].split()
        for number in range(count):
            draw = xxhash.xxh3_64_intdigest(f"{lang}{number}{salt}".encode())
            length = 20 + draw % 41
            picked = [words[xxhash.xxh3_64_intdigest(f"{draw}{at}".encode()) % len(words)] for at in range(length)]
            lines = [" ".join(picked[at : at + 9]) for at in range(0, length, 9)]
            made.append((f"{lang}/{number}", lang, ".\n".join(lines)))
    return tuple(made)


def train_model(folder: Path, name: str, languages: Sequence[str], **options: Any) -> Path:
    """A .model file trained on the documents of some languages."""
    dataset = builder.write_dataset(folder / f"{name}-data", [documents(rows(tuple(languages)))])
    settings = TrainOptions(**{"vocab_size": 420, "sample_bytes": 10**7, **options})
    data, _ = train_on_sample(draw_sample([dataset], settings.sample_bytes, settings.seed), settings)
    parse_model(data, name)
    path = folder / f"{name}.model"
    path.write_bytes(data)
    return path


def table_by_language(rows_of: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Rows by their language."""
    return {row["lang"]: row for row in rows_of}
