"""Tokens of languages, by the conventions of published models, against the code of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.rows import pairs
from xlcorpus.templates.chat import open_template
from xlcorpus.templates.specials import LANGUAGE, Special, SpecialIds, special_ids_of
from xlcorpus.templates.template import parse
from xlcorpus.tokenizer.open import open_once, open_tokenizer

WORDS = ["▁der", "▁Fluss", "▁the", "▁river", "▁ወንዝ", "▁", "s"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def saved(folder: Path, name: str) -> tuple[str, Any]:
    """A tokenizer class of transformers on a few words, saved, and as it is."""
    models = pytest.importorskip("transformers").models
    if name == "nllb":
        letters = sorted(set("".join(WORDS)))
        vocab = {piece: at for at, piece in enumerate([*SPECIAL, *dict.fromkeys([*letters, *WORDS])])}
        made = models.nllb.NllbTokenizer(vocab=vocab, merges=[])
    elif name == "xglm":
        made = models.xglm.XGLMTokenizer(vocab=[(piece, 0.0) for piece in [*SPECIAL, *WORDS]])
    else:
        pieces = ["<unk>", "<s>", "</s>", *WORDS]  # as SentencePiece orders them
        made = models.mbart50.MBart50Tokenizer(vocab=[(piece, -float(at)) for at, piece in enumerate(pieces)])
    made.save_pretrained(folder)
    return str(folder), made


@pytest.mark.parametrize(("name", "languages"), [("mbart50", ("de_DE", "en_XX")), ("nllb", ("deu_Latn", "eng_Latn"))])
def test_both_sides_are_those_of_transformers(tmp_path: Path, name: str, languages: tuple[str, str]) -> None:
    path, theirs = saved(tmp_path / name, name)
    batch = pairs([("der Fluss", "the rivers")], "deu_Latn", "eng_Latn")
    theirs.src_lang, theirs.tgt_lang = languages
    due = theirs("der Fluss", text_target="the rivers")
    ids = special_ids_of(path)
    for side, expected in (("src", due["input_ids"]), ("tgt", due["labels"])):
        template = parse(f"{{{{ lang_token({side}_lang) }}}}{{{{ {side} }}}}{{{{ eos }}}}")
        found = ids.encoder(template).encode_pieces(template.render(batch).with_ids(ids).pieces)
        assert found.ids.tolist() == expected


def test_a_line_end_is_eos_as_xglm_has_it(tmp_path: Path) -> None:
    path, theirs = saved(tmp_path / "xglm", "xglm")
    template = parse("{{ eos }}{{ text | lines_to(eos) }}")
    batch = pa.RecordBatch.from_pydict({"text": ["der Fluss\nthe river </s>"]})
    ids = special_ids_of(path)
    found = ids.encoder(template).encode_pieces(template.render(batch).with_ids(ids).pieces).ids.tolist()
    first, second = theirs("der Fluss")["input_ids"], theirs("the river")["input_ids"]
    assert found[: len(first) + len(second)] == [*first, *second]
    assert theirs.eos_token_id not in found[len(first) + len(second) :]


class Names:
    """A tokenizer, as far as its names go."""

    path = "names"

    def __init__(self, names: list[str]) -> None:
        self.names = {name: at for at, name in enumerate(names)}


def found_for(names: list[str], label: str) -> str | None:
    number = SpecialIds(Names(names)).find(Special(LANGUAGE, label))  # type: ignore[arg-type]
    return None if number is None else names[number]


@pytest.mark.parametrize("convention", ["nllb", "mbart50", "mbart", "m2m100", "whisper"])
def test_each_language_of_transformers_lists_has_its_own_token(convention: str) -> None:
    models = pytest.importorskip("transformers").models
    codes, written = {
        "nllb": lambda: (models.nllb.tokenization_nllb.FAIRSEQ_LANGUAGE_CODES, "{}"),
        "mbart50": lambda: (models.mbart50.tokenization_mbart50.FAIRSEQ_LANGUAGE_CODES, "{}"),
        "mbart": lambda: (models.mbart.tokenization_mbart.FAIRSEQ_LANGUAGE_CODES, "{}"),
        "m2m100": lambda: (models.m2m_100.tokenization_m2m_100.FAIRSEQ_LANGUAGE_CODES["m2m100"], "__{}__"),
        "whisper": lambda: ([*models.whisper.tokenization_whisper.LANGUAGES], "<|{}|>"),
    }[convention]()
    names = [written.format(code) for code in codes]
    assert [found_for(names, code) for code in codes] == names
    assert len(codes) >= 25


MADLAD = [
    "ff",
    "fuv",
    "ku",
    "kmz_Latn",
    "qu",
    "quy",
    "ms",
    "ms_Arab",
    "zh",
    "zh_Hant",
    "zh_Latn",
    "hi",
    "hi_Latn",
    "ks",
    "ks_Deva",
    "raj",
    "bik",
    "taq",
    "taq_Tfng",
    "fil",
]
SEAMLESS = ["arb", "cmn", "cmn_Hant", "yue", "srp", "zlm", "npi", "ory", "pbt", "lvs"]


@pytest.mark.parametrize(
    ("names", "label", "found"),
    [
        *(([f"<2{code}>" for code in MADLAD], code, f"<2{code}>") for code in MADLAD),
        ([f"<2{code}>" for code in MADLAD], "fuv_Latn", "<2fuv>"),
        ([f"<2{code}>" for code in MADLAD], "raj_Deva", "<2raj>"),
        ([f"<2{code}>" for code in MADLAD], "zsm_Arab", "<2ms_Arab>"),
        ([f"<2{code}>" for code in MADLAD], "hin_Deva", "<2hi>"),
        ([f"<2{code}>" for code in MADLAD], "zho_Hant", "<2zh_Hant>"),
        ([f"<2{code}>" for code in MADLAD], "zho_Hans", "<2zh>"),
        *(([f"__{code}__" for code in SEAMLESS], code, f"__{code}__") for code in SEAMLESS),
        ([f"__{code}__" for code in SEAMLESS], "zho_Hant", "__cmn_Hant__"),
        ([f"__{code}__" for code in SEAMLESS], "zho_Hans", "__cmn__"),
        ([f"__{code}__" for code in SEAMLESS], "srp_Latn", "__srp__"),
        (["__am__", "__ns__"], "nso_Latn", "__ns__"),
        (["apc_Arab", "ajp_Arab"], "ajp_Arab", "ajp_Arab"),
        (["srp_Cyrl", "eng_Latn"], "srp_Latn", None),
        (["en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"], "arb_Arab", "ar_AR"),
    ],
)
def test_labels_that_are_written_otherwise(names: list[str], label: str, found: str | None) -> None:
    for order in (names, names[::-1]):
        assert found_for(order, label) == found


def test_tokens_of_languages_in_a_text_are_text(tmp_path: Path) -> None:
    """Also where the tokenizer would make them of text, as one does that holds them as a user's own (MADLAD-400)."""
    library = pytest.importorskip("tokenizers")
    letters = sorted(library.pre_tokenizers.ByteLevel.alphabet())
    made = library.Tokenizer(library.models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    made.add_tokens(["<2en>", "<2am>"])
    made.save(str(tmp_path / "tokenizer.json"))
    opened, ids = open_tokenizer(tmp_path / "tokenizer.json"), special_ids_of(str(tmp_path / "tokenizer.json"))
    text = "<2en> ወንዝ <2am>"
    assert len(set(opened.encode_batch(pa.array([text]))[0]) & {256, 257}) == 2  # without a template
    for source in ("{{ lang_token(lang) }}{{ text }}", "{{ special('<2am>') }}{{ special('<2en>') }}{{ text }}"):
        template = parse(source)
        batch = pa.RecordBatch.from_pydict({"lang": ["amh_Ethi"], "text": [text]})
        found = ids.encoder(template).encode_pieces(template.render(batch).with_ids(ids).pieces).ids
        assert (found >= 256).sum() == source.count("}}") - 1
        assert opened.decode(found).endswith(text)


@pytest.mark.parametrize(
    ("tokens", "label", "found"),
    [
        (("en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"), "deu_Latn", "de_DE"),
        (("en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"), "swh_Latn", "sw_KE"),
        (("en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"), "zho_Hans", "zh_CN"),
        (("en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"), "arb_Arab", "ar_AR"),
        (("en_XX", "de_DE", "zh_CN", "sw_KE", "ar_AR"), "amh_Ethi", None),
        (("eng_Latn", "zho_Hans", "zho_Hant"), "zho_Hant", "zho_Hant"),
        (("eng_Latn", "zho_Hans", "zho_Hant"), "English", "eng_Latn"),
        (("__en__", "__am__"), "amh_Ethi", "__am__"),
        (("<2en>", "<2am>", "en_XX"), "amh_Ethi", "<2am>"),
        (("<2eng_Latn>", "<2srp_Cyrl>", "<2srp_Latn>"), "srp_Latn", "<2srp_Latn>"),
        (("<|en|>", "<|de|>", "<|x|>"), "deu_Latn", "<|de|>"),
        (("<s>", "plain"), "deu_Latn", None),
    ],
)
def test_tokens_of_languages_by_convention(
    tmp_path: Path, tokens: tuple[str, ...], label: str, found: str | None
) -> None:
    library = pytest.importorskip("tokenizers")
    made = library.Tokenizer(library.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    made.add_special_tokens(list(tokens))
    made.save(str(tmp_path / "tokenizer.json"))
    path = str(tmp_path / "tokenizer.json")
    template = open_template("{{ lang_token(lang) }}{{ text }}", path)
    rendered = template.render(pa.RecordBatch.from_pydict({"lang": [label], "text": ["a"]})).with_ids(
        special_ids_of(path)
    )
    if found is None:
        assert [one.reason for one in rendered.failed] == ["no_language_token"]
        assert "no token" in rendered.failed[0].message
    else:
        assert rendered.pieces.specials.tolist()[0] == open_once(path).id_of(found)
