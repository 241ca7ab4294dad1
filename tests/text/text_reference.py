"""Text in many scripts for the tests, and slow references that take Unicode from `regex`, not from fontTools."""

from __future__ import annotations

import functools
import importlib.util
from itertools import pairwise

import pytest
import regex
from hypothesis import strategies as st

from xlcorpus.text.segment import Spans

needs_icu = pytest.mark.skipif(
    importlib.util.find_spec("icu") is None, reason="PyICU is not installed (extra icu; it needs libicu-dev)"
)

# The first article of the Universal Declaration, or its beginning, by ISO 15924 code.
ARTICLE_ONE: dict[str, str] = {
    "Latn": "All human beings are born free and equal in dignity and rights.",
    "Cyrl": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "Grek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Armn": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
    "Geor": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "Hebr": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "Arab": "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق.",
    "Syrc": "ܟܠ ܒܪܢܫܐ ܒܪܝܠܗ ܚܐܪܐ ܘܒܪܒܪ",
    "Thaa": "ހުރިހާ އިންސާނުންވެސް ދުނިޔެއަށް އުފަންވަނީ",
    "Deva": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "Beng": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
    "Guru": "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ",
    "Gujr": "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.",
    "Orya": "ସବୁ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ",
    "Taml": "மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்",
    "Telu": "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు.",
    "Knda": "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ.",
    "Mlym": "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചിട്ടുള്ളവരാണ്‌.",
    "Sinh": "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත.",
    "Thai": "มนุษย์ทั้งปวงเกิดมามีอิสระและเสมอภาคกันในศักดิ์ศรีและสิทธิ",
    "Laoo": "ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ",
    "Mymr": "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် မွေးဖွားလာသူများ ဖြစ်သည်။",
    "Khmr": "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព",
    "Tibt": "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས",
    "Ethi": "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።",
    "Hani": "人人生而自由，在尊严和权利上一律平等。",
    "Jpan": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "Hang": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "Cher": "ᎠᏂᏴᏫ ᏂᎦᏓ ᎠᎾᏕᎲᏍᎬ",
    "Cans": "ᐃᓄᓕᒫᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ",
    "Tfng": "ⵉⵎⴷⴰⵏⵏ ⴰⴽⴽⵯ ⵜⵜⵍⴰⵍⵏ",
    "Nkoo": "ߡߐ߱ ߓߍ߯ ߝߊ߬ߛߏ߬ ߛߌ߰ߣߍ߲",
    "Olck": "ᱡᱚᱛᱚ ᱢᱟᱱᱣᱟ",
    "Mong": "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ",
    "Yiii": "ꊿꂷꃅꄿꐨꐥ",
}

# The scripts that write no spaces between words, by their Unicode names (the product lists ISO codes).
UNSPACED = (
    *("Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Tai_Tham"),
    *("New_Tai_Lue", "Tai_Le", "Javanese", "Balinese", "Yi", "Nushu", "Tangut", "Khitan_Small_Script"),
)

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\u200C\u200D]")
_MARK = regex.compile(r"\p{M}")
_UNSPACED = regex.compile("[" + "".join(rf"\p{{Script={name}}}" for name in UNSPACED) + "]")


@functools.cache
def is_word(character: str) -> bool:
    return _WORD.fullmatch(character) is not None


@functools.cache
def is_mark(character: str) -> bool:
    return _MARK.fullmatch(character) is not None


@functools.cache
def is_unspaced(character: str) -> bool:
    return is_word(character) and _UNSPACED.fullmatch(character) is not None


def tokens_of(text: str) -> list[str]:
    """Runs of letters, marks, numbers and joiners; unspaced characters stand apart, marks never do."""
    found: list[str] = []
    before: str | None = None
    for character in text:
        if not is_word(character):
            before = None
            continue
        apart = not is_mark(character) and (is_unspaced(character) or (before is not None and is_unspaced(before)))
        if before is None or apart:
            found.append(character)
        else:
            found[-1] += character
        before = character
    return found


def pieces(values: list[str], spans: Spans) -> list[list[str]]:
    """The spans of each text as strings."""
    whole = "".join(values)
    cut = [whole[a:b] for a, b in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    return [cut[a:b] for a, b in pairwise(spans.offsets.tolist())]


def lines_of(text: str) -> list[str]:
    r"""Lines of str.split('\n'), trimmed of white space and of what shows nothing, without blank ones."""
    edge = r"[\s\p{Default_Ignorable_Code_Point}\p{Cc}\uFFF9-\uFFFB]+"
    trimmed = (regex.sub(rf"\A{edge}|{edge}\Z", "", line) for line in text.split("\n"))
    return [line for line in trimmed if line]


_SPACES = "  \n\n\r\t\v\u00a0\u3000\u2028\u0085"
_SIGNS = ".,!?।。、-_'\"(😀👨"
_ODD = "0١१๒٣Ⅷ²½ー々〆한가ᄒ\u200b\u200c\u200d\u0301\u3099\u0e31\u1039\U00020000\U000e0100"
ALPHABET = "".join(sorted(set("".join(ARTICLE_ONE.values()) + _ODD + _SIGNS + _SPACES)))


def texts(max_size: int = 60) -> st.SearchStrategy[str]:
    """Texts over many scripts' letters, marks, digits and spaces; now and then over all of Unicode."""
    return st.one_of(
        st.text(alphabet=st.sampled_from(ALPHABET), max_size=max_size),
        st.text(alphabet=st.sampled_from(ALPHABET), max_size=max_size),
        st.text(alphabet=st.characters(codec="utf-8"), max_size=max_size),
    )
