"""Tokenizers as well-known families of models have them, made here: their kinds, special tokens and templates.

Each is a folder that transformers opens too, so what is put around texts is compared with what it puts there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.tokenizer.tokenizer_helpers import rows

LANGUAGES = ("eng_Latn", "hin_Deva", "amh_Ethi", "kat_Geor")
SPECIALS = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "bert-bare": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    "xlm-r": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
    "xlnet": ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"],
    "mt5": ["<pad>", "</s>", "<unk>"],
    "llama": ["<unk>", "<s>", "</s>"],
    "llama-3": ["<|begin_of_text|>", "<|end_of_text|>"],
    "gemma": ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"],
    "glm": ["<|endoftext|>", "[gMASK]", "<sop>"],
    "gpt-2": ["<|endoftext|>"],
    "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "word-level": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
}
# What stands around a text and a pair, and roles in tokenizer_config.json. A and B are the texts.
TEMPLATES = {
    "bert": ("[CLS] A [SEP]", "[CLS] A [SEP] B [SEP]"),
    "bert-bare": ("[CLS] A [SEP]", "[CLS] A [SEP] B [SEP]"),
    "roberta": ("<s> A </s>", "<s> A </s> </s> B </s>"),
    "xlm-r": ("<s> A </s>", "<s> A </s> </s> B </s>"),
    "xlnet": ("A <sep> <cls>", "A <sep> B <sep> <cls>"),
    "mt5": ("A </s>", "A </s> B </s>"),
    "llama": ("<s> A", "<s> A <s> B"),
    "llama-3": ("<|begin_of_text|> A", "<|begin_of_text|> A <|begin_of_text|> B"),
    "gemma": ("<bos> A", "<bos> A <bos> B"),
    "glm": ("[gMASK] <sop> A", "[gMASK] <sop> A B"),
    "gpt-2": ("A", "A B"),
    "qwen": ("A", "A B"),
    "word-level": ("[CLS] A [SEP]", "[CLS] A [SEP] B [SEP]"),
}
_BERT = {"cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "unk": "[UNK]", "mask": "[MASK]"}
_ROBERTA = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
ROLES: dict[str, dict[str, str | None]] = {
    "bert": {**_BERT},
    "bert-bare": {},  # as bert-base-uncased has it: the class knows them
    "roberta": {**_ROBERTA},
    "xlm-r": {**_ROBERTA},
    "xlnet": {**_ROBERTA, "cls": "<cls>", "sep": "<sep>"},
    "mt5": {"eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
    "llama": {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
    "llama-3": {"bos": "<|begin_of_text|>", "eos": "<|end_of_text|>"},
    "gemma": {"bos": "<bos>", "eos": "<eos>", "unk": "<unk>", "pad": "<pad>"},
    "glm": {"eos": "<|endoftext|>", "pad": "<|endoftext|>"},
    "gpt-2": {"bos": "<|endoftext|>", "eos": "<|endoftext|>"},
    "qwen": {"bos": None, "eos": "<|im_end|>", "pad": "<|endoftext|>"},
    "word-level": {**_BERT},
}
_MODELS = {
    "bert": "WordPiece",
    "bert-bare": "WordPiece",
    "xlm-r": "Unigram",
    "xlnet": "Unigram",
    "mt5": "Unigram",
    "llama": "BPE",
    "gemma": "BPE",
    "word-level": "WordLevel",
}  # others: BPE of bytes


def save_family(library: Any, name: str, folder: Path) -> Path:
    """A tokenizer of a family, trained on own sentences: tokenizer.json and tokenizer_config.json."""
    tokenizer = _trained(library, name)
    singles, processors = TEMPLATES[name], library.processors
    ids = [(token, tokenizer.token_to_id(token)) for token in SPECIALS[name]]
    template = processors.TemplateProcessing(single=_written(singles[0]), pair=_written(singles[1]), special_tokens=ids)
    if name == "roberta":
        template = processors.RobertaProcessing(ids[2], ids[0])
    elif name == "bert":
        template = processors.BertProcessing(ids[3], ids[2])
    if name not in _MODELS and name != "roberta":
        levels = processors.ByteLevel(trim_offsets=False)
        template = levels if singles[0] == "A" else processors.Sequence([levels, template])
    tokenizer.post_processor = template
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {f"{role}_token": token for role, token in ROLES[name].items()}
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def _written(template: str) -> str:
    return " ".join({"A": "$A", "B": "$B:1"}.get(part, part) for part in template.split())


def _trained(library: Any, name: str) -> Any:
    models, pre, trainers = library.models, library.pre_tokenizers, library.trainers
    kind, special = _MODELS.get(name, "bytes"), SPECIALS[name]
    lines: Sequence[str] = [line for _, _, text in rows(LANGUAGES) for line in text.split("\n")]
    unknown = next((token for token in special if "unk" in token.lower()), None)
    settings: dict[str, Any] = {"special_tokens": special, "show_progress": False}
    if kind == "Unigram":
        tokenizer = library.Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(vocab_size=300, unk_token=unknown, **settings)
    elif kind == "WordPiece":
        tokenizer = library.Tokenizer(models.WordPiece(unk_token=unknown))
        trainer = trainers.WordPieceTrainer(vocab_size=400, **settings)
    elif kind == "WordLevel":
        tokenizer = library.Tokenizer(models.WordLevel(unk_token=unknown))
        trainer = trainers.WordLevelTrainer(vocab_size=300, **settings)
    else:
        tokenizer = library.Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True))
        alphabet = pre.ByteLevel.alphabet() if kind == "bytes" else []
        trainer = trainers.BpeTrainer(vocab_size=450, initial_alphabet=alphabet, **settings)
    if kind == "bytes":
        tokenizer.pre_tokenizer, tokenizer.decoder = pre.ByteLevel(add_prefix_space=False), library.decoders.ByteLevel()
    elif kind in ("WordPiece", "WordLevel"):
        tokenizer.pre_tokenizer = pre.BertPreTokenizer()
    else:
        tokenizer.pre_tokenizer, tokenizer.decoder = pre.Metaspace(), library.decoders.Metaspace()
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer
