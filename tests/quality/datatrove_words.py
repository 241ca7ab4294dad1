"""Texts of ours, and the words that datatrove 0.10.1 (spaCy 3.8, jieba 0.42, PyThaiNLP 5.4) finds in them."""

from __future__ import annotations

_TEXTS = [
    (
        "ita_Latn",
        "L'acqua dell'8 marzo, c'è «l'oro blu»: 12h30, 3,5 km… po'!",
        "L' | acqua | dell' | 8 | marzo | , | c' | è | « | l' | oro | blu | » | : | 12h30 | , | 3,5 | km | … | po' | !",
    ),
    (
        "spa_Latn",
        "La EE. UU. (EE. UU.) y EE.  UU., 5km/h ¿no? S.A. a.m.",
        "La | EE. UU. | ( | EE. UU. | ) | y | EE | . | UU | . | , | 5 | km/h | ¿ | no | ? | S.A. | a.m | .",
    ),
    (
        "deu_Latn",
        "Am 3. Oktober z.B. geht's los (ca. 50% der Züge) – „Bahn-Card“",
        "Am | 3. | Oktober | z.B. | geht's | los | ( | ca. | 50 | % | der | Züge | ) | – | „ | Bahn-Card | “",
    ),
    (
        "amh_Ethi",
        'ሰላም፡ዓለም። እንዴት፣ ነህ? 2ኛ፤ "ቤት"',
        'ሰላም፡ዓለም | ። | እንዴት | ፣ | ነህ | ? | 2ኛ | ፤ | " | ቤት | "',
    ),
    (
        "fas_Arab",
        "می\u200cروم به خانه، چطوری؟ «کتاب\u200cها» ۱۲٫۵ درصد؛",
        "می\u200cروم | به | خانه | ، | چطوری | ؟ | « | کتاب\u200cها | » | ۱۲٫۵ | درصد | ؛",
    ),
    (
        "kng_Latn",
        'Nge kele ya mbote? (ee), "mbote" 5%... -kele!',
        'Nge | kele | ya | mbote | ? | ( | ee | ) | , | " | mbote | " | 5 | % | ... | -kele | !',
    ),
    (
        "hin_Deva",
        'वह 12:30 बजे\nआया। मूल्य 1,000.50 रु. है - "ठीक"?\t3 , 4 \\x',
        'वह | 12:30 | बजे\nआया | । | मूल्य | 1,000.50 | रु | . | है | - | " | ठीक | " | ? | 3,4 | \\x',
    ),
    (
        "hin_Deva",
        "12:30 1.5/2 : 7\n \n 8 : \n9 a1:2b:3",
        "12 | : | 30 | 1.5/2:7 | 8 | : | 9 | a1:2b | : | 3",
    ),
    (
        "urd_Arab",
        'وہ 12:30 بجے آیا۔ قیمت 1,000 ہے؟ "ٹھیک"',
        'وہ | 12 | : | 30 | بجے | آیا | ۔ | قیمت | 1 | , | 000 | ہے؟ | " | ٹھیک | "',
    ),
    (
        "tha_Thai",
        "ที่นี่ดีมาก ครับ (ใช่) 5 บาท",
        "ที่นี่ | ดีมาก | ครับ | ( | ใช่ | ) | 5 | บาท",
    ),
    (
        "cmn_Hani",
        "我爱北京天安门。\nOK, 3.5公里",
        "我 | 爱 | 北京 | 天安门 | 。 | OK | , | 3.5 | 公里",
    ),
    (
        "ell_Grek",
        "Τι κάνεις; 5π.μ. «Καλά»· κ.λπ. 10€",
        "Τι | κάνεις | ; | 5 | π.μ. | « | Καλά | » | · | κ.λπ. | 10 | €",
    ),
]
WORDS = [(label, text, words.split(" | ")) for label, text, words in _TEXTS]
