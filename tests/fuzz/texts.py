"""Sentences in many scripts, written for these tests, from which the fuzzer makes its files."""

from __future__ import annotations

SENTENCES = {
    "eng_Latn": "The baker's van was late again, so we ate yesterday's bread with honey.",
    "tur_Latn": "Iğdır'da kayısı ağaçları erken açtı; İclal şaşırdı.",
    "vie_Latn": "Người đánh cá kể rằng đêm qua sóng rất lớn.",
    "deu_Latn": "Zwölf Boxkämpfer jagten Viktor quer über den großen Deich.",
    "yor_Latn": "Ọmọ náà ń ta ẹja lọ́jà ní gbogbo ọjọ́ Ẹtì.",
    "ell_Grek": "Ο ψαράς έφερε τα δίχτυα στο λιμάνι πριν ξημερώσει.",
    "rus_Cyrl": "Ёжик нёс яблоко через мокрый луг и всё время чихал.",
    "arb_Arab": "جلس المعلّم تحت شجرة التين وقرأ لنا رسالة قديمة.",
    "pes_Arab": "می‌خواهم پنجره‌ها را باز کنم، هوا گرم است.",
    "heb_Hebr": "הסבתא שלנו אופה עוגת שמרים בכל יום שישי.",
    "amh_Ethi": "ልጆቹ ከትምህርት ቤት ሲመለሱ ዝናብ ጀመረ።",
    "hin_Deva": "बारिश रुकते ही बच्चे खेत की मेड़ पर दौड़ने लगे।",
    "ben_Beng": "নৌকাটা ঘাটে ভিড়তেই সবাই গান থামিয়ে দিল।",
    "tam_Taml": "அந்தக் கிணற்றில் தண்ணீர் எப்போதும் குளிர்ச்சியாக இருக்கும்.",
    "mal_Mlym": "മഴക്കാലത്ത് തോട്ടിലെ വെള്ളം വഴിയോളം എത്തും.",
    "tha_Thai": "ยายเก็บมะม่วงใส่ตะกร้าแล้วเดินกลับบ้านช้าๆ",
    "khm_Khmr": "ក្មេងៗលេងបាល់នៅមុខវត្តរៀងរាល់ល្ងាច។",
    "mya_Mymr": "မိုးရွာပြီးနောက် လယ်ကွင်းထဲမှာ ဖားသံတွေ ညံနေသည်။",
    "bod_Tibt": "ཁྱེད་རང་ལ་ཇ་གཅིག་བླུགས་དགོས་སམ།",
    "zho_Hans": "老张把钥匙忘在了火车上，只好在门口等到天黑。",
    "jpn_Jpan": "祖母の畑では、毎年ナスとキュウリが山ほどとれる。",
    "kor_Hang": "고양이가 창가에서 하루 종일 비 오는 것을 구경했다.",
    "kat_Geor": "ბებია ყოველ შაბათს ხაჭაპურს აცხობდა.",
    "hye_Armn": "Ձկնորսը պատմեց, որ լիճն ամբողջ գիշեր աղմկում էր։",
    "mon_Mong": "ᠮᠣᠩᠭᠣᠯ ᠬᠦᠮᠦᠨ ᠮᠣᠷᠢᠨ ᠳᠤ ᠳᠤᠷᠠᠲᠠᠢ᠃",
    "emoji": "🧶🐈‍⬛ 👩🏽‍🌾 🏴󠁧󠁢󠁷󠁬󠁳󠁿 1️⃣",
    "signs": "𝕬 ﷽ ﬁ Å Å ① ㍿ \u200b\u2060\ufeff \u202eabc\u202c \u0300\u0301",
}
TEXTS = tuple(SENTENCES.values())
WORDS = tuple(dict.fromkeys(word for text in TEXTS for word in text.split()))
LABELS = tuple(label for label in SENTENCES if "_" in label)
CODECS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1251",
    "koi8-r",
    "euc-kr",
    "cp949",
    "shift_jis",
    "euc-jp",
    "gb18030",
    "big5",
    "cp874",
    "iso-8859-1",
    "cp1257",
    "utf-7",
    "cp1256",
    "iso-2022-jp",
)
