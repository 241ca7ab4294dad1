"""What the published mixes say in their own codes: figures of papers, tables and model cards, with their sources."""

from __future__ import annotations

# examples/xlmr/README.md of facebookresearch/fairseq: 100 languages; Burmese in Zawgyi is written apart.
XLM_R = """
Afrikaans, Albanian, Amharic, Arabic, Armenian, Assamese, Azerbaijani, Basque, Belarusian, Bengali, Bosnian, Breton,
Bulgarian, Burmese, Catalan, Chinese, Croatian, Czech, Danish, Dutch, English, Esperanto, Estonian, Filipino, Finnish,
French, Galician, Georgian, German, Greek, Gujarati, Hausa, Hebrew, Hindi, Hungarian, Icelandic, Indonesian, Irish,
Italian, Japanese, Javanese, Kannada, Kazakh, Khmer, Korean, Kurmanji, Kyrgyz, Lao, Latin, Latvian, Lithuanian,
Macedonian, Malagasy, Malay, Malayalam, Marathi, Mongolian, Nepali, Norwegian, Oriya, Oromo, Pashto, Persian, Polish,
Portuguese, Punjabi, Romanian, Russian, Sanskrit, Scottish Gaelic, Serbian, Sindhi, Sinhala, Slovak, Slovenian, Somali,
Spanish, Sundanese, Swahili, Swedish, Tamil, Telugu, Thai, Turkish, Ukrainian, Urdu, Uyghur, Uzbek, Vietnamese, Welsh,
Western Frisian, Xhosa, Yiddish
"""
XLM_R_ROMANISED = {"ben_Latn", "hin_Latn", "tam_Latn", "tel_Latn", "urd_Latn"}

# miscellaneous/languages_stats.csv of cisnlp/Glot500: the 101 rows that column XLM-R marks.
GLOT500_KNOWN = """
afr_Latn amh_Ethi ara_Arab arb_Arab azb_Arab bel_Cyrl ben_Beng bre_Latn bul_Cyrl cat_Latn ces_Latn cmn_Hani cym_Latn
dan_Latn deu_Latn ell_Grek eng_Latn epo_Latn est_Latn eus_Latn fas_Arab fin_Latn fra_Latn fry_Latn gla_Latn gle_Latn
glg_Latn hau_Arab hau_Latn heb_Hebr hin_Deva hrv_Latn hun_Latn hye_Armn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan
jpn_Latn kan_Knda kat_Geor kaz_Cyrl khm_Khmr kir_Cyrl kir_Latn kor_Hang kur_Latn lao_Laoo lao_Latn lat_Latn lav_Latn
lit_Latn mal_Mlym mar_Deva mkd_Cyrl mlg_Latn mon_Cyrl msa_Latn mya_Mymr nep_Deva nld_Latn nor_Latn ori_Latn ori_Orya
pan_Guru pes_Arab pol_Latn por_Latn prs_Arab pus_Arab ron_Latn rus_Cyrl san_Deva san_Latn sin_Sinh slk_Latn slv_Latn
snd_Arab som_Arab som_Latn spa_Latn sqi_Latn srp_Latn swa_Latn swe_Latn swh_Latn tam_Taml tel_Telu tgl_Latn tha_Thai
tur_Latn uig_Arab uig_Latn ukr_Cyrl urd_Arab uzb_Latn vie_Latn xho_Latn yid_Hebr zho_Hani
"""
# Sentences (new_length) of that table: some languages that XLM-R has and it does not mark, the smallest new one with
# 30,000, one below, and four known ones.
GLOT500_SENTENCES = {
    "asm_Beng": 1_882_353, "azj_Latn": 46_300_705, "bos_Latn": 11_014_744, "guj_Gujr": 45_738_685,
    "gaz_Latn": 1_067_699, "srp_Cyrl": 3_864_091, "sun_Latn": 2_586_011, "ben_Latn": 648_540, "hin_Latn": 466_175,
    "tam_Latn": 127_952, "urd_Latn": 202_156, "chk_Hani": 30_015, "enx_Latn": 29_977, "eng_Latn": 36_122_761,
    "srp_Latn": 18_371_769, "lao_Laoo": 66_966, "azb_Arab": 33_758,
}  # fmt: skip

# Table 8 of Chung et al. (2023), arXiv:2304.09151: 10^8 characters by language, and per cent by UniMax of N = 1 with
# the whole budget and an eighth of it (250,000 steps of 1,024 sequences of 568 tokens of 4 characters, section 4.4).
UMT5 = """
en 133960 3.22 1.48, ru 30180 3.22 1.48, es 20520 3.22 1.48, de 17990 3.22 1.48, fr 14330 3.22 1.48, it 7790 3.22 1.48,
pt 6580 3.22 1.48, zh 5560 3.22 1.48, pl 5270 3.22 1.48, vi 4090 3.22 1.48, nl 3710 3.22 1.48, tr 3490 3.22 1.48,
ar 2520 3.22 1.48, ro 2500 3.22 1.48, ja 2400 3.22 1.48, cs 2360 3.22 1.48, fa 2020 3.22 1.48, sv 2010 3.22 1.48,
hu 1850 3.22 1.48, uk 1710 3.22 1.48, el 1660 3.22 1.48, da 1320 2.83 1.48, fi 1200 2.58 1.48, no 1160 2.49 1.48,
bg 990 2.13 1.48, th 920 1.97 1.48, sk 790 1.69 1.48, hi 750 1.60 1.48, ko 740 1.59 1.48, lt 630 1.35 1.48,
iw 570 1.23 1.48, ca 550 1.19 1.48, id 510 1.09 1.48, sl 470 1.00 1.48, et 420 0.91 1.48, lv 380 0.83 1.48,
bn 340 0.72 1.48, sq 180 0.39 1.48, az 180 0.39 1.48, sr 180 0.39 1.48, ta 170 0.37 1.48, ms 150 0.32 1.48,
is 140 0.30 1.48, kk 130 0.28 1.48, mr 130 0.28 1.48, ne 110 0.23 1.48, ur 110 0.23 1.48, ka 100 0.22 1.48,
hy 100 0.21 1.48, mk 100 0.20 1.48, fil 95 0.20 1.48, ml 94 0.20 1.48, mn 93 0.20 1.48, gl 88 0.19 1.48,
af 74 0.16 1.27, be 74 0.16 1.26, kn 69 0.15 1.18, eu 63 0.13 1.08, te 59 0.13 1.01, tg 54 0.12 0.93, mt 52 0.11 0.89,
uz 48 0.10 0.82, la 45 0.10 0.78, so 44 0.10 0.76, my 42 0.09 0.72, sw 41 0.09 0.70, ky 37 0.08 0.64, gu 36 0.08 0.61,
km 35 0.07 0.60, eo 33 0.07 0.57, cy 31 0.07 0.53, si 30 0.06 0.52, ru-Latn 26 0.06 0.44, pa 22 0.05 0.37,
ga 21 0.05 0.36, zh-Latn 19 0.04 0.33, ps 14 0.03 0.25, ku 13 0.03 0.22, lb 13 0.03 0.22, ha 11 0.02 0.19,
ceb 11 0.02 0.19, fy 10 0.02 0.17, mg 9 0.02 0.16, am 9 0.02 0.16, el-Latn 9 0.02 0.15, sd 9 0.02 0.15,
gd 8 0.02 0.14, ht 8 0.02 0.14, yi 8 0.02 0.13, lo 8 0.02 0.13, hi-Latn 7 0.02 0.12, zu 7 0.02 0.12, jv 7 0.01 0.12,
hmn 6 0.01 0.11, mi 6 0.01 0.10, co 5 0.01 0.09, su 5 0.01 0.09, ny 5 0.01 0.08, xh 5 0.01 0.08, st 5 0.01 0.08,
sm 4 0.01 0.07, sn 4 0.01 0.07, ig 4 0.01 0.07, ja-Latn 4 0.01 0.06, haw 4 0.01 0.06, yo 3 0.01 0.06,
bg-Latn 1 0.00 0.01
"""

# Model cards of facebook/xglm-564M and -1.7B: per cent of the tokens, small languages raised.
XGLM = """
en 32.59, ru 6.02, zh 4.83, de 3.63, es 3.53, fr 3.13, ja 2.69, it 1.71, pt 2.97, el 2.33, ko 8.11, fi 6.81, id 1.25,
tr 1.01, ar 0.99, vi 0.91, th 4.40, bg 3.93, ca 2.87, hi 1.40, et 1.33, bn 0.66, ta 0.60, ur 0.55, sw 0.37, te 0.28,
eu 0.43, my 0.30, ht 0.35, qu 0.01
"""

# Table 7 of Geigle et al. (2025), arXiv:2501.05122: codes of FLORES-200, without Latin, which has none.
CENTURIO = """
arb_Arab zho_Hant eng_Latn fra_Latn deu_Latn jpn_Jpan spa_Latn eus_Latn cat_Latn hrv_Latn ces_Latn nld_Latn fin_Latn
hin_Deva hun_Latn ita_Latn kor_Hang pes_Arab pol_Latn por_Latn rus_Cyrl srp_Cyrl swe_Latn tur_Latn vie_Latn afr_Latn
ben_Beng bel_Cyrl bos_Latn bul_Cyrl ceb_Latn dan_Latn arz_Arab est_Latn glg_Latn kat_Geor ell_Grek ind_Latn kaz_Cyrl
lvs_Latn lit_Latn zsm_Latn ron_Latn slk_Latn slv_Latn tgl_Latn tam_Taml tha_Thai ukr_Cyrl urd_Arab uzn_Latn heb_Hebr
amh_Ethi hat_Latn hau_Latn isl_Latn gle_Latn lao_Laoo mlt_Latn mar_Deva pan_Guru san_Deva swh_Latn tir_Ethi tsn_Latn
wol_Latn xho_Latn yor_Latn zul_Latn als_Latn asm_Beng azb_Arab bam_Latn mya_Mymr epo_Latn ibo_Latn jav_Latn khm_Khmr
kik_Latn lin_Latn ltz_Latn mri_Latn nob_Latn oci_Latn quy_Latn smo_Latn sag_Latn srd_Latn gla_Latn snd_Arab som_Latn
ssw_Latn tel_Telu bod_Tibt tpi_Latn tso_Latn twi_Latn war_Latn cym_Latn
"""

# Tables 13 (tokens of source, target and both sides of each pair) and 14 (of monolingual text) of Li et al. (2025),
# arXiv:2504.04152, by category; zho_Hans is zho_Hani there.
MIXCPT_PAIRS = {
    "Alt": """
eng_Latn-zul_Latn 12672195 9196313 21868509, zho_Hans-zul_Latn 341665 208653 550318,
ceb_Latn-zul_Latn 190637 94910 285547, zho_Hans-ceb_Latn 696789 863637 1560426,
eng_Latn-mar_Deva 7736633 7248634 14985267, zho_Hans-mar_Deva 2244545 1825067 4069612,
ceb_Latn-mar_Deva 835219 634881 1470100, ceb_Latn-eng_Latn 12355815 11719494 24075309,
zho_Hans-khm_Khmr 1157707 577403 1735110, eng_Latn-khm_Khmr 11364386 10147868 21512254
""",
    "Sel": """
bel_Cyrl-deu_Latn 27012850 18085602 45098452, bel_Cyrl-eng_Latn 1598358 1920079 3518437,
deu_Latn-mri_Latn 1682621 2250042 3932663, eng_Latn-mri_Latn 717914 913809 1631723,
deu_Latn-kir_Cyrl 1682749 1583623 3266372, eng_Latn-kir_Cyrl 2262374 1515087 3777462,
deu_Latn-nya_Latn 1155433 1077300 2232733, eng_Latn-nya_Latn 19714307 16830192 36544499
""",
    "Stag": """
eng_Latn-tha_Thai 5619794 18138086 23757879, eng_Latn-yor_Latn 14334000 16887000 31221000,
eng_Latn-sna_Latn 9813703 7608164 17421867, eng_Latn-wol_Latn 13600133 13636959 27237092
""",
}
MIXCPT_MONO = {
    "Alt": {
        "eng_Latn": 43_492_709, "zho_Hans": 4_440_706, "ceb_Latn": 14_245_308, "mar_Deva": 9_708_582,
        "zul_Latn": 9_499_876, "khm_Khmr": 10_725_271,
    },
    "Sel": {
        "eng_Latn": 24_614_674, "deu_Latn": 22_606_405, "bel_Cyrl": 28_611_208, "mri_Latn": 3_163_851,
        "kir_Cyrl": 3_098_710, "nya_Latn": 17_907_492,
    },
    "Stag": {
        "eng_Latn": 43_367_629, "tha_Thai": 18_138_086, "yor_Latn": 16_887_000, "sna_Latn": 7_608_164,
        "wol_Latn": 554_809,
    },
}  # fmt: skip
# Last lines of the categories in tables 13 and 14. The source's rounding is off by a token in three places.
MIXCPT_TOTALS = {
    "Alt": (92_112_452, 92_112_452), "Sel": (100_002_341, 100_002_341), "Stag": (99_637_838, 86_555_688),
}  # fmt: skip


def rows(text: str) -> list[list[str]]:
    """Words of each comma-separated entry."""
    return [entry.split() for entry in text.replace("\n", " ").split(",") if entry.strip()]
