"""What tokenizers put around texts by themselves, and what an objective asks for beyond."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.tokenizer.families import ROLES, SPECIALS, TEMPLATES, save_family
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.objectives import special_ids_around
from xlcorpus.tokenizer.template import Template, template_of

TEXTS = ["The ferry leaves at nine.", "आज सुबह नदी", "ልጆቹ ከዛፉ ሥር", "x", "a  b\n\nc "]


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")


@pytest.fixture(scope="module")
def families(library: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("families")
    return {name: save_family(library, name, folder / name) for name in SPECIALS}


@pytest.mark.parametrize("name", SPECIALS)
def test_around_texts_and_pairs_stands_what_transformers_puts_there(families: dict[str, Path], name: str) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers, which people open tokenizers with")
    theirs, ours = transformers.AutoTokenizer.from_pretrained(families[name]), open_tokenizer(families[name])
    ids, offsets = ours.encode_batch(pa.array(TEXTS))
    parts = [ids[start:end].tolist() for start, end in pairwise(offsets)]
    (before, after), (first, between, last) = ours.template.single, ours.template.pair
    for text, part in zip(TEXTS, parts, strict=True):
        assert [*before, *part, *after] == theirs(text)["input_ids"]
        assert [*first, *parts[0], *between, *part, *last] == theirs(TEXTS[0], text)["input_ids"]


# Around each document of clm and mlm, `-` where the tokenizer lacks what mlm needs.
AROUND = {
    "bert": ("[CLS] A [SEP]", "[CLS] A [SEP]"),
    "bert-bare": ("[CLS] A [SEP]", "[CLS] A [SEP]"),
    "roberta": ("<s> A </s>", "<s> A </s>"),
    "xlm-r": ("<s> A </s>", "<s> A </s>"),
    "xlnet": ("A <sep> <cls>", "A <sep> <cls>"),
    "mt5": ("A </s>", "-"),
    "llama": ("<s> A </s>", "-"),
    "llama-3": ("<|begin_of_text|> A <|end_of_text|>", "-"),
    "gemma": ("<bos> A <eos>", "-"),
    "glm": ("[gMASK] <sop> A <|endoftext|>", "-"),
    "gpt-2": ("A <|endoftext|>", "-"),
    "qwen": ("A <|im_end|>", "-"),
    "word-level": ("[CLS] A [SEP]", "[CLS] A [SEP]"),
}


@pytest.mark.parametrize("name", SPECIALS)
def test_what_objectives_put_around_documents(families: dict[str, Path], name: str) -> None:
    tokenizer = open_tokenizer(families[name])

    def around(objective: str, **asked: bool) -> str:
        before, after = special_ids_around(tokenizer, objective, **asked)
        tokens = {tokenizer.id_of(token): token for token in SPECIALS[name]}
        return " ".join([*(tokens[number] for number in before), "A", *(tokens[number] for number in after)])

    clm, mlm = AROUND[name]
    assert around("clm") == clm
    if mlm == "-":
        with pytest.raises(UserError, match=r"no (bos and no )?mask id, which objective mlm needs"):
            around("mlm")
    else:
        assert around("mlm") == mlm
    assert around("plain") == around("clm", bos=False, eos=False) == "A"
    assert around("clm", eos=False) == " ".join([*clm.split()[: clm.split().index("A")], "A"])
    assert around("clm", bos=False) == around("span")


def test_a_side_that_is_asked_for(families: dict[str, Path]) -> None:
    gpt, qwen = open_tokenizer(families["gpt-2"]), open_tokenizer(families["qwen"])
    assert special_ids_around(gpt, "clm", bos=True) == ((gpt.bos_id,), (gpt.eos_id,))
    with pytest.raises(UserError, match="no bos id, which --bos needs"):
        special_ids_around(qwen, "clm", bos=True)
    assert special_ids_around(qwen, "plain", eos=True) == ((), (qwen.eos_id,))


def test_an_id_that_is_both_bos_and_eos(families: dict[str, Path], tmp_path: Path) -> None:
    """OPT begins texts with its eos: once is enough to part documents, but one there must be, or what was asked for."""
    shutil.copytree(families["gpt-2"], tmp_path / "opt")
    path = tmp_path / "opt" / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"add_bos_token": True}))
    opt, xlnet = open_tokenizer(tmp_path / "opt"), open_tokenizer(families["xlnet"])
    one = (opt.eos_id,)
    assert special_ids_around(opt, "clm") == (one, ())
    assert special_ids_around(opt, "clm", eos=True) == special_ids_around(opt, "plain", True, True) == (one, one)
    assert special_ids_around(opt, "clm", bos=False) == special_ids_around(opt, "span") == ((), one)
    assert special_ids_around(xlnet, "mlm", eos=False) == ((xlnet.cls_id,), ())
    assert special_ids_around(xlnet, "mlm", bos=True) == ((xlnet.cls_id,), (xlnet.sep_id, xlnet.cls_id))


def test_a_wordpiece_model_without_a_template(families: dict[str, Path], tmp_path: Path) -> None:
    """Its special tokens are known by the roles in its config, or by name where there is no config."""
    value = json.loads((families["bert"] / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(value | {"post_processor": None}))
    for config in (None, {"cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}, "mask_token": "[MASK]"}):
        if config is not None:
            (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        tokenizer = open_tokenizer(tmp_path)
        assert not tokenizer.template.ids
        assert (tokenizer.bos_id, tokenizer.eos_id) == (None, None)
        assert special_ids_around(tokenizer, "mlm") == ((2,), (3,))
        assert special_ids_around(tokenizer, "clm") == ((), (3,))


@pytest.mark.parametrize(("bos", "eos"), [(True, None), (False, True), (None, None), (True, True), (True, False)])
def test_settings_that_say_what_is_added(
    families: dict[str, Path], tmp_path: Path, bos: bool | None, eos: bool | None
) -> None:
    """add_bos_token and add_eos_token, where the file itself adds nothing."""
    given = {name: value for name, value in (("add_bos_token", bos), ("add_eos_token", eos)) if value is not None}
    value = json.loads((families["llama"] / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(value | {"post_processor": None}))
    settings = {"bos_token": "<s>", "eos_token": "</s>", **given}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = open_tokenizer(tmp_path)
    assert tokenizer.template.single == ((1,) if bos else (), (2,) if eos else ())
    assert special_ids_around(tokenizer, "clm") == ((1,) if bos else (), (2,))
    shutil.copytree(families["llama"], tmp_path / "own")  # the file's template goes before what is said beside it
    (tmp_path / "own" / "tokenizer_config.json").write_text(json.dumps(settings))
    assert open_tokenizer(tmp_path / "own").template.single == ((1,), ())


def test_sentencepiece_models_add_nothing_unless_it_is_said(tmp_path: Path) -> None:
    from xlcorpus.sample import sample_folder

    model = sample_folder() / "tokenizer.model"
    plain = open_tokenizer(model)
    assert plain.template == Template()
    assert special_ids_around(plain, "clm") == ((), (plain.eos_id,))
    assert special_ids_around(plain, "mlm") == ((plain.bos_id,), (plain.eos_id,))
    shutil.copy(model, tmp_path / "tokenizer.model")
    assert open_tokenizer(tmp_path).fingerprint == plain.fingerprint
    (tmp_path / "tokenizer_config.json").write_text('{"add_bos_token": true, "add_eos_token": false}')
    told = open_tokenizer(tmp_path)
    assert special_ids_around(told, "clm") == ((plain.bos_id,), (plain.eos_id,))
    assert told.fingerprint != plain.fingerprint  # packs of it are others


def test_bytes_end_with_eos() -> None:
    assert special_ids_around(open_tokenizer("bytes"), "clm") == ((), (1,))
    assert open_tokenizer("bytes").template.pair == ((), (1,), (1,))


def test_templates_without_a_text_add_nothing(library: Any) -> None:
    processing = library.processors.TemplateProcessing(single="<s>", special_tokens=[("<s>", 0)])
    assert template_of(library, processing).single in (((), ()), ((0,), ()))


def test_a_template_with_ids_that_are_not_there(families: dict[str, Path], tmp_path: Path) -> None:
    value = json.loads((families["llama"] / "tokenizer.json").read_text())
    value["post_processor"]["special_tokens"]["<s>"]["ids"] = [99_999]
    (tmp_path / "tokenizer.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="gives 99999 as its bos id, outside its"):
        special_ids_around(open_tokenizer(tmp_path), "clm")


def test_every_family_has_a_template_and_roles() -> None:
    assert SPECIALS.keys() == TEMPLATES.keys() == ROLES.keys() == AROUND.keys()


LETTERS = "abcdefghαβγदनमሀለ"
CLASSES = {  # special tokens in the order of their ids, and the kind of model
    "BertTokenizer": ("WordPiece", "[PAD] [UNK] [CLS] [SEP] [MASK]"),
    "ElectraTokenizer": ("WordPiece", "[PAD] [UNK] [CLS] [SEP] [MASK]"),
    "XLMRobertaTokenizer": ("Unigram", "<s> <pad> </s> <unk> <mask>"),
    "T5Tokenizer": ("Unigram", "<pad> </s> <unk>"),
    "AlbertTokenizer": ("Unigram", "<pad> <unk> [CLS] [SEP] [MASK]"),
    "XLNetTokenizer": ("Unigram", "<unk> <s> </s> <cls> <sep> <pad> <mask>"),
    "DebertaV2Tokenizer": ("Unigram", "[PAD] [CLS] [SEP] [UNK] [MASK]"),
    "LlamaTokenizer": ("BPE", "<unk> <s> </s>"),
    "GemmaTokenizer": ("BPE", "<pad> <eos> <bos> <unk> <mask>"),
    "NllbTokenizer": ("BPE", "<s> <pad> </s> <unk>"),
    "GPT2Tokenizer": ("bytes", "<|endoftext|>"),
    "Qwen2Tokenizer": ("bytes", "<|endoftext|>"),
    "RobertaTokenizer": ("bytes", "<s> <pad> </s> <unk> <mask>"),
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_transformers_with_an_own_vocabulary(name: str, tmp_path: Path) -> None:
    """What transformers writes of its own classes has the template that it uses; of NLLB all but the language."""
    transformers = pytest.importorskip("transformers", reason="needs transformers, which people open tokenizers with")
    kind, special = CLASSES[name]
    before, prefix = special.split(), {"WordPiece": "##", "bytes": "Ġ"}.get(kind, "▁")
    pieces = [*before, *LETTERS, *(prefix + letter for letter in LETTERS), prefix]
    vocab: Any = {piece: number for number, piece in enumerate(pieces)}
    if kind == "Unigram":
        vocab = [(piece, 0.0 if number < len(before) else -2.0) for number, piece in enumerate(pieces)]
    merges = {"BPE": {"merges": [("▁", letter) for letter in LETTERS]}, "bytes": {"merges": []}}.get(kind, {})
    more = [{"add_bos_token": True}, {"add_eos_token": True}] if name == "LlamaTokenizer" else []
    for number, settings in enumerate([{}, *more]):
        made = getattr(transformers, name)(vocab=vocab, **merges, **settings)
        made.save_pretrained(tmp_path / str(number))
        tokenizer = open_tokenizer(tmp_path / str(number))
        texts = ["abc a", "नद", "ሀ ለ αβ"]
        ids, offsets = tokenizer.encode_batch(pa.array(texts))
        first, last = special_ids_around(tokenizer, "clm")
        own_first, own_last = tokenizer.template.single
        assert (first, last) == (own_first, own_last or (tokenizer.eos_id,))
        language = {"NllbTokenizer": [tokenizer.id_of("eng_Latn")]}.get(name, [])
        for text, (start, end) in zip(texts, pairwise(offsets), strict=True):
            assert made(text)["input_ids"] == [*language, *own_first, *ids[start:end].tolist(), *own_last]
        if "mask" in special.lower() and name != "GemmaTokenizer":
            assert special_ids_around(tokenizer, "mlm") == tokenizer.template.single
