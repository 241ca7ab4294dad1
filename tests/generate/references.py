"""Own texts in many scripts, and what the operators do as slow Python, a text at a time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import regex
from hypothesis import strategies as st

from tests.rows import documents
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source, source_of

# Own sentences.
SENTENCES = {
    "eng_Latn": "The ferry leaves at nine, and we don't wait. Bread is warm! Who walks? Nobody knows.",
    "hin_Deva": "आज क्षत्रिय नदी के किनारे बैठे थे। हवा बहुत ठंडी थी। बच्चे घर गए।",
    "tha_Thai": "เมื่อวานฝนตกหนักจนถนนหน้าบ้านมีน้ำขัง\nน้องไปซื้อข้าว\nแม่กลับบ้านแล้ว",
    "khm_Khmr": "ក្រុមប្រឹក្សាសង្គមជួបជុំគ្នា។ ទឹកទន្លេឡើងខ្ពស់។ ក្មេងៗទៅផ្ទះ។",
    "zho_Hans": "昨天晚上我们在河边散步，遇见了一只白猫。它很饿。我们回家了。",
    "mya_Mymr": "ကမ္ဘာပေါ်တွင် မိုးရွာသည်။ ကလေးများ အိမ်ပြန်ကြသည်။",
    "arb_Arab": "وصلت السفينة متأخرة، وكان البحر هادئًا. عاد الأولاد. نام الجميع.",
    "kor_Hang": "어제 강가에서 오래 걸었다. 바람이 찼다. 모두 집에 갔다.",
}
TEXTS = list(SENTENCES.values())


def options_of(operator: str, **more: object) -> GenerateOptions:
    """Options of an operator."""
    return GenerateOptions.model_validate({"operator": operator, **more})


def batch_of(texts: list[str | None]) -> pa.RecordBatch:
    """Documents of one language and script."""
    return documents(texts, "eng_Latn")


def opened(texts: list[str]) -> tuple[Source, np.ndarray]:
    """The texts with a state each."""
    return source_of(pa.array(texts, pa.string())), np.arange(len(texts), dtype=np.uint64) * np.uint64(7919)


def letters(text: str) -> list[str]:
    """Grapheme clusters, by the regex module, those that begin with a mark with what is before them."""
    return regex.findall(r"\X(?:(?=\p{M})\X)*", text)


# Texts of such letters, never with a mark that stands on nothing.
LETTERS = [letter for text in TEXTS for letter in letters(text) if regex.match(r"\p{L}", letter)]
WORDS = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6).map("".join)
GIVEN = st.lists(
    st.one_of(st.sampled_from(TEXTS), st.lists(WORDS, max_size=8).map(" ".join), st.text(max_size=20)),
    min_size=1,
    max_size=5,
)


def words(text: str) -> list[str]:
    """The words that operators move, of one text by itself."""
    source = source_of(pa.array([text]))
    return source.pick(source.words.starts, source.words.ends).to_pylist()


def is_edit(before: list[str], after: list[str]) -> bool:
    """Whether one list of letters is the other but for one swap, drop, repeat, insertion or substitution."""
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    left, right = before[head : len(before) - tail], after[head : len(after) - tail]
    sizes = (len(left), len(right))
    return sizes in ((1, 0), (0, 1), (1, 1)) or (sizes == (2, 2) and left == right[::-1])
