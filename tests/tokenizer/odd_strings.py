"""Tokenizers of every kind with special tokens where text could become them, and texts that try to.

`python -m tests.tokenizer.odd_strings [--strings N] [--seed N]`: N texts in each; a line for each, exit 1 for faults.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.tokenizer.tokenizer_helpers import WORDS, rows, train_model
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.tokenizer import CONTROL

OWN = ("<2eng_Latn>", "ab", "<sep>x")
_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[CLS]", "[SEP]", "<|endoftext|>")
_BITS = (
    *_SPECIALS,
    *OWN,
    "<tool>",
    "<think>",
    "[MASK]",
    "[PAD]",
    "[UNK]",
    "<0x41>",
    "<0xE4>",
    "＜ｓ＞",
    "＜／ｓ＞",
    "<ｓ>",
    "［ＣＬＳ］",
    "﹤s﹥",
    "<s\u200b>",
    "<\u00ads>",
    "<s>\u200d",
    "\u2060</s>",
    "▁<s>",
    "▁",
    "<s>▁",
    "##[CLS]",
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "\x00",
    "\ufeff",
    "\u00a0",
    "\u3000",
    "<",
    ">",
    "s",
    "/",
    "^",
    "=====",
    "mmmm",
    "hahaha",
    "١٤٢",
    "१९४७",
    "2024",
    "oʻzbek",
    "ʻōlelo",
    "n't",
    "e\u0301",
    "ﬁ",
    "①\u0338",
    "½",
    "ｶﾞ",
    "\u0301\u0323",
    "ab\u0323\u0301",
    "㋿",
    "🯳",
    "가각",
    "日本語",
    "ประเทศ",
    "नमस्ते",
    "👩‍👩‍👧",
    "𐍈",
    "\U0010ffff",
    "the river",
    " carries",
    "Fluss",
)


def odd_texts(chaos: random.Random, count: int) -> list[str]:
    """Texts of names of special tokens, whole, in other shapes and in pieces, among words of many scripts."""
    return ["".join(chaos.choices(_BITS, k=chaos.randint(1, 8))) for _ in range(count)]


def trained_here(folder: Path) -> Iterator[tuple[str, Tokenizer, Tokenizer]]:
    """Models of all options that decide how text is cut: name, the .model, and its form for transformers."""
    for model in ("unigram", "bpe"):
        for name, more in (
            ("own", {"special": OWN}),
            ("plain", {}),
            ("nfkc", {"normalization": "nfkc", "special": OWN, "vocab_size": 541}),
            ("bare", {"dummy_prefix": False, "byte_fallback": False, "special": OWN, "vocab_size": 330}),
        ):
            path = train_model(folder, f"{model}-{name}", tuple(WORDS), **{"model": model, "vocab_size": 650, **more})
            ours = open_tokenizer(path)
            assert isinstance(ours, SentencePieceTokenizer)
            write_folder(ours.model, ours, path.with_suffix(".hf"))
            yield path.stem, ours, open_tokenizer(path.with_suffix(".hf"))


def foreign(library: Any, folder: Path) -> Iterator[tuple[str, Tokenizer]]:
    """Hugging Face models of all types that hold their special tokens as pieces, and SentencePiece models of others."""
    models, before, trainers = library.models, library.pre_tokenizers, library.trainers
    lines = [line for _, _, text in rows(count=8) for line in text.split("\n")] + [*"<>/s[]|^_CLSEPMAK"] * 3
    special = list(_SPECIALS)
    made = {
        "unigram": (models.Unigram(), trainers.UnigramTrainer(unk_token="<unk>", **_of(400, special))),
        "bpe": (models.BPE(unk_token="<unk>", ignore_merges=True), trainers.BpeTrainer(**_of(400, special))),
        "wordpiece": (models.WordPiece(unk_token="<unk>"), trainers.WordPieceTrainer(**_of(400, special))),
        "wordlevel": (models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(**_of(400, special))),
    }
    for name, (model, trainer) in made.items():
        tokenizer = library.Tokenizer(model)
        tokenizer.normalizer = library.normalizers.NFKC()
        tokenizer.pre_tokenizer = before.Metaspace() if name == "unigram" else before.WhitespaceSplit()
        tokenizer.train_from_iterator(lines, trainer)
        tokenizer.add_tokens(["<think>"])  # a user's own, which texts become
        for flagged in (True, False):
            (folder / f"{name}-{flagged}").mkdir()
            file = folder / f"{name}-{flagged}" / "tokenizer.json"
            tokenizer.save(str(file))
            value = json.loads(file.read_text())
            if not flagged:  # special by the configuration alone
                value["added_tokens"] = []
            file.write_text(json.dumps(value))
            names = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>", "mask": "<mask>"}
            names |= {"cls": "[CLS]", "sep": "[SEP]"}
            config = {f"{role}_token": token for role, token in names.items()}
            (file.parent / "tokenizer_config.json").write_text(json.dumps(config))
            yield f"{name}-{flagged}", open_tokenizer(file.parent)
    for name, more in _SENTENCEPIECE.items():
        from sentencepiece import SentencePieceTrainer

        data = io.BytesIO()
        given = {"vocab_size": 300, "hard_vocab_limit": False, "minloglevel": 2, "pad_id": 3, **more}
        SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=data, **given)
        (folder / f"{name}.model").write_bytes(data.getvalue())
        yield name, open_tokenizer(folder / f"{name}.model")
    yield "bytes", open_tokenizer("bytes")


def _of(size: int, special: list[str]) -> dict[str, Any]:
    return {"vocab_size": size, "special_tokens": special, "show_progress": False}


_SENTENCEPIECE: dict[str, dict[str, Any]] = {
    "gemma": {"model_type": "bpe", "user_defined_symbols": ["<mask>", "<tool>"]},
    "mask-unigram": {
        "model_type": "unigram",
        "user_defined_symbols": ["[MASK]", "[CLS]"],
        "control_symbols": ["[SEP]"],
    },
    "letter-for-bos": {"model_type": "bpe", "bos_piece": "^"},
    "words": {"model_type": "word", "add_dummy_prefix": False, "normalization_rule_name": "identity"},
    "characters": {"model_type": "char", "bos_piece": "^", "normalization_rule_name": "nfkc"},
}


def special_in(tokenizer: Tokenizer, texts: list[str]) -> list[str]:
    """The texts that became special ids, unknown ones apart."""
    ids, offsets = tokenizer.encode_batch(pa.array(texts, pa.string()))
    special = [number for role, number in tokenizer.special_ids().items() if number is not None and role != "unk"]
    wrong = np.isin(ids, special) | (tokenizer.piece_kinds[ids] == CONTROL)
    rows_of = np.repeat(np.arange(len(texts)), np.diff(offsets))
    return [texts[row] for row in np.unique(rows_of[wrong])]


def cut_otherwise(first: Tokenizer, second: Tokenizer, texts: list[str]) -> list[str]:
    """The texts that two tokenizers give other ids."""
    (one, starts), (two, others) = (one.encode_batch(pa.array(texts, pa.string())) for one in (first, second))
    return [
        text
        for at, text in enumerate(texts)
        if not np.array_equal(one[starts[at] : starts[at + 1]], two[others[at] : others[at + 1]])
    ]


def kinds(folder: Path) -> Iterator[tuple[str, Tokenizer]]:
    """Tokenizers of every kind, by name."""
    for name, model, other in trained_here(folder):
        yield f"{name}.model", model
        yield f"{name}.hf", other
    yield from foreign(importlib.import_module("tokenizers"), folder)


Faults = Iterator[tuple[str, int, list[str]]]  # what was tried, how often, and the texts that it went wrong for


def try_texts(program: str, described: str, faults: Callable[[Path, list[str]], Faults]) -> None:
    """Make as many texts as the command line says, print each of `faults`, and exit 1 where there are any."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=described)
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, tried, wrong in faults(Path(folder), odd_texts(random.Random(given.seed), given.strings)):
            found += len(wrong)
            print(f"{what:<48} {len(wrong):>7,} of {tried:,} {wrong[:3] or ''}", flush=True)
    sys.exit(found > 0)


def _faults(folder: Path, texts: list[str]) -> Faults:
    before: Tokenizer | None = None
    for name, tokenizer in kinds(folder):
        yield f"{name} with special ids", len(texts), special_in(tokenizer, texts)
        if name.endswith(".hf") and before is not None:
            yield f"{name} with other ids than the model", len(texts), cut_otherwise(before, tokenizer, texts)
        before = tokenizer


if __name__ == "__main__":
    try_texts("tests.tokenizer.odd_strings", __doc__, _faults)
