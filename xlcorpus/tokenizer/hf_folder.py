"""Write a SentencePiece model as a folder that `transformers` opens: the same pieces, ids and cuts.

Needed because transformers reads .model files through SentencePiece's protobuf module, which asks for a newer protobuf
than Apache Beam allows; a tokenizer.json needs neither. Source of the format: the library `tokenizers`.
"""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.storage import Location, write_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import sentencepiece_model as model_file
from xlcorpus.tokenizer.sentencepiece_model import WORD_START, SentencePieceModel
from xlcorpus.tokenizer.tokenizer import CONTROL, ROLES, Tokenizer

# Of a token of the user's own, as SentencePiece has it whatever its file says (0.2, unigram_model.cc).
_OWN_SCORE = -0.1
# What a configuration says of a slow tokenizer's class and of its files, which the folder has not.
_OF_A_CLASS = ("tokenizer_class", "auto_map", "added_tokens_decoder", "additional_special_tokens", "sp_model_kwargs")


def write_folder(
    model: SentencePieceModel, tokenizer: Tokenizer, folder: Location, settings: Mapping[str, Any] | None = None
) -> None:
    """Write tokenizer.json and tokenizer_config.json. tokenizer: the same model, opened; it gives the special ids.

    settings: of the tokenizer that the model extends, such as its chat template, for the configuration.
    Raises UserError where the model is neither unigram nor BPE.
    """
    special = tokenizer.piece_kinds == CONTROL  # also tokens of the user's own that have a role, as Gemma's <mask>
    pieces = (replace(one, type=model_file.CONTROL) if special[at] else one for at, one in enumerate(model.pieces))
    model = replace(model, pieces=tuple(pieces))
    write_json(folder / model_file.HF_FILE, tokenizer_json(model, tokenizer))
    names = {f"{role}_token": number for role, number in tokenizer.special_ids().items()}
    config: dict[str, Any] = {name: value for name, value in (settings or {}).items() if name not in _OF_A_CLASS}
    config |= {name: model.pieces[at].text for name, at in names.items() if at is not None}
    roles = {tokenizer.special_ids()[role] for role in ROLES}
    others = [
        piece.text for at, piece in enumerate(model.pieces) if at not in roles and piece.type == model_file.CONTROL
    ]
    config = {"model_max_length": 10**30} | config
    config |= {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "extra_special_tokens": others,
    }
    write_json(folder / model_file.HF_CONFIG, config)


def tokenizer_json(model: SentencePieceModel, tokenizer: Tokenizer) -> dict[str, Any]:
    """The contents of tokenizer.json. tokenizer: the same model, opened."""
    makers = {"unigram": _unigram, "bpe": _bpe}
    if model.model_type not in makers:
        raise UserError(
            f"a SentencePiece model of type {model.model_type} has no form as tokenizer.json",
            remedy="train with --model unigram or bpe",
        )
    added = [
        added_token(number, piece.text, special=True)
        for number, piece in enumerate(model.pieces)
        if piece.type in (model_file.CONTROL, model_file.UNKNOWN)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": _normalizer(model),
        "pre_tokenizer": _own_apart(model, tokenizer) if model.model_type == "bpe" else None,
        "post_processor": None,
        "decoder": _decoder(model),
        "model": makers[model.model_type](model),
    }


def added_token(number: int, content: str, *, special: bool) -> dict[str, Any]:
    """An entry of `added_tokens`: text that is taken out as it is, before the model cuts the rest."""
    never = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, **never, "special": special}


def _own(model: SentencePieceModel) -> list[str]:
    """The tokens of the user's own, which are made from text.

    They are pieces like others here and no `added_tokens`: those are taken out of a text before it is normalised, and
    so have no ▁ before them at the start of a text, and one too many behind them.
    """
    return [piece.text for piece in model.pieces if piece.type == model_file.USER_DEFINED]


def _own_apart(model: SentencePieceModel, tokenizer: Tokenizer) -> dict[str, Any] | None:
    """The user's own tokens as parts of a text, the longest first, that are looked up whole.

    So are other parts; those that are the name of a special token or a byte are parted where the model cuts them.
    """
    own = sorted(_own(model), key=lambda text: (-len(text), text))
    if not own:
        return None
    patterns = ["|".join(map(re.escape, own)), _names_parted(model, tokenizer, own[0])]
    steps = [{"type": "Split", "pattern": {"Regex": one}, "behavior": "Isolated", "invert": False} for one in patterns]
    return {"type": "Sequence", "pretokenizers": steps}


def _names_parted(model: SentencePieceModel, tokenizer: Tokenizer, own: str) -> str:
    names = [piece.text for piece in model.pieces if piece.type not in (model_file.NORMAL, model_file.USER_DEFINED)]
    ids, offsets = tokenizer.encode_batch(pa.array([own + name for name in names]))
    behind = 2 if model.add_dummy_prefix else 1  # ▁ and the token
    rests: dict[str, list[str]] = defaultdict(list)
    for name, at in zip(names, offsets.tolist(), strict=False):
        start = model.pieces[int(ids[at + behind])].text
        if name.startswith(start):
            rests[start].append(re.escape(name[len(start) :]))
    parted = (f"{re.escape(start)}(?=(?:{'|'.join(rest)})$)" for start, rest in rests.items())
    return f"^(?:{'|'.join(parted)})"


def _normalizer(model: SentencePieceModel) -> dict[str, Any]:
    """SentencePiece's order: character map, extra spaces, prefix, ▁ for spaces."""
    steps: list[dict[str, Any]] = []
    if model.normalization == "nfkc":
        # The library applies a charsmap to the first characters of a grapheme alone: it loses the mark of ｶﾞ and ①̸. Its
        # NFKC is that of Unicode 12.0, so the charsmap is left for 171 later characters, as ㋿ and 🯰.
        steps.append({"type": "NFKC"})
    if model.charsmap:
        steps.append({"type": "Precompiled", "precompiled_charsmap": base64.b64encode(model.charsmap).decode()})
    if model.remove_extra_whitespaces:
        steps.append({"type": "Strip", "strip_left": True, "strip_right": True})
        steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})
    if model.add_dummy_prefix:
        steps.append({"type": "Prepend", "prepend": WORD_START})
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": WORD_START})
    return {"type": "Sequence", "normalizers": steps}


def _decoder(model: SentencePieceModel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"type": "Replace", "pattern": {"String": WORD_START}, "content": " "}]
    steps += [{"type": "ByteFallback"}] if model.byte_fallback else []
    steps.append({"type": "Fuse"})
    steps += [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if model.add_dummy_prefix else []
    return {"type": "Sequence", "decoders": steps}


def _unigram(model: SentencePieceModel) -> dict[str, Any]:
    unknown = next((at for at, piece in enumerate(model.pieces) if piece.type == model_file.UNKNOWN), None)
    return {
        "type": "Unigram",
        "unk_id": unknown,
        "vocab": [
            [piece.text, _OWN_SCORE if piece.type == model_file.USER_DEFINED else piece.score] for piece in model.pieces
        ],
        "byte_fallback": model.byte_fallback,
    }


def _bpe(model: SentencePieceModel) -> dict[str, Any]:
    """SentencePiece merges any two neighbours that make a piece, the best piece first: every split becomes a merge."""
    ids = {piece.text: at for at, piece in enumerate(model.pieces)}
    plain = {piece.text: piece.score for piece in model.pieces if piece.type == model_file.NORMAL}
    merges: list[list[str]] = []
    for text in sorted(plain, key=lambda text: (-plain[text], ids[text])):
        splits = [(text[:at], text[at:]) for at in range(1, len(text))]
        known = [pair for pair in splits if pair[0] in plain and pair[1] in plain]
        merges += [list(pair) for pair in sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    unknown = next((piece.text for piece in model.pieces if piece.type == model_file.UNKNOWN), None)
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
        "ignore_merges": bool(_own(model)),
        "vocab": ids,
        "merges": merges,
    }
