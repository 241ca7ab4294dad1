"""Models with random weights: a model type of transformers in a small size, for a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers

from xlcorpus.errors import UserError, first_line, nearest
from xlcorpus.initialize.architecture import auto_class, check_architecture
from xlcorpus.initialize.options import StartOptions
from xlcorpus.tokenizer.tokenizer import Tokenizer

_POSITIONS = 2048
# These number positions from pad + 1 on (fairseq's way), so they need that many rows more.
_AFTER_PAD = ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "xmod", "data2vec-text")
_OF_OPTIONS = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "intermediate": "intermediate_size",
}
# What encoder-decoders name by themselves, beside or in the place of those.
_OF_BOTH = {
    "layers": ("encoder_layers", "decoder_layers", "num_decoder_layers"),
    "heads": ("encoder_attention_heads", "decoder_attention_heads"),
    "intermediate": ("encoder_ffn_dim", "decoder_ffn_dim", "d_ff"),
    "head_dim": ("d_kv",),
}
_BY_OPTIONS = {key: name for name, key in _OF_OPTIONS.items()} | {
    "max_position_embeddings": "positions",
    "tie_word_embeddings": "tied",
    "vocab_size": "vocabulary_multiple",
}


def random_model(
    options: StartOptions,
    tokenizer: Tokenizer,
    architecture: str,
    seed: int,
    length: int | None = None,
    objective: Mapping[str, Any] | None = None,
) -> Any:
    """A model in float32, its weights drawn by the seed as transformers draws them.

    length: tokens of the rows that it is to read; objective: settings of its config that the rows ask for. Raises
    UserError where the shape is unknown, has no such setting or contradicts itself.
    """
    config = _config(options, tokenizer, length, objective or {})
    check_architecture(architecture, config, f"start: shape: {options.shape}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return auto_class(architecture).from_config(config).float()
        except Exception as error:  # of any class, by what of the config does not fit
            raise _refused(options, first_line(error)) from error


def round_up(size: int, multiple: int) -> int:
    """The least multiple that is no smaller."""
    return -(-size // multiple) * multiple


def check_positions(model: Any, tokenizer: Tokenizer) -> None:
    """Raise UserError where positions count from the id of pad (RoBERTa), and a tokenizer has another one."""
    config = model.config
    if config.model_type in _AFTER_PAD and config.pad_token_id != tokenizer.pad_id:
        raise UserError(
            f"a {config.model_type} counts positions from its pad, id {config.pad_token_id}, and pad of "
            f"{tokenizer.path} is {tokenizer.pad_id}",
            remedy=f"take a tokenizer whose pad is id {config.pad_token_id}",
        )


def take_special_ids(model: Any, tokenizer: Tokenizer) -> None:
    """Give the model's configs, and the row that padding has, the special ids of another tokenizer."""
    special = tokenizer.special_ids()
    for config in (model.config, getattr(model, "generation_config", None)):
        for role in ("pad", "bos", "eos"):
            if config is not None:
                setattr(config, f"{role}_token_id", special[role])
        for role in ("cls", "sep", "mask", "decoder_start"):
            if getattr(config, f"{role}_token_id", None) is not None:
                found = special["pad" if role == "decoder_start" else role]
                setattr(config, f"{role}_token_id", found)
    tokens = model.get_input_embeddings()
    if getattr(tokens, "padding_idx", None) is not None:
        tokens.padding_idx = tokenizer.pad_id


def _config(options: StartOptions, tokenizer: Tokenizer, length: int | None, objective: Mapping[str, Any]) -> Any:
    shape = str(options.shape)
    known = transformers.CONFIG_MAPPING
    if shape not in known:
        raise UserError(
            f"start: there is no shape {shape!r}; {nearest(shape, known)}",
            remedy="a model type of transformers: llama, gpt2, qwen3, bert, xlm-roberta, modernbert, ...",
        )
    default = transformers.AutoConfig.for_model(shape)
    given = {name: getattr(options, name) for name in _OF_OPTIONS if name in options.model_fields_set}
    given = {
        "layers": options.layers,
        "width": options.width,
        "heads": options.heads,
        "intermediate": 4 * options.width,
        "key_value_heads": options.heads,
        "head_dim": options.width // options.heads,
        **{name: value for name, value in given.items() if value is not None},
    }
    own_heads = bool({"d_kv", "head_dim"} & options.config.keys())  # as ByT5's: 6 heads of 64, and 1,472 wide
    if (options.width % options.heads and not own_heads) or options.heads % (options.key_value_heads or 1):
        raise _refused(options, "they do not divide one another")
    settings: dict[str, Any] = {}
    if own_heads:
        del given["head_dim"]
    for name, value in given.items():
        keys = [key for key in (_OF_OPTIONS.get(name, name), *_OF_BOTH.get(name, ())) if hasattr(default, key)]
        settings |= dict.fromkeys(keys, value)
        if not keys and name in options.model_fields_set:
            raise UserError(
                f"start: {name} is nothing that a {shape} has: its config has no {_OF_OPTIONS[name]}",
                remedy=f"leave out {name}, or set what it has under config:",
            )
    special = tokenizer.special_ids()
    if special["pad"] in (special["bos"], special["eos"]):
        special["pad"] = None  # torch gives the row of pad no gradient as an input, and here it is eos
    after_pad = shape in _AFTER_PAD
    if after_pad:
        tokenizer.require("pad", mode=f"shape: {shape}")
    settings |= {f"{role}_token_id": special[role] for role in ("pad", "bos", "eos")}
    settings |= {f"{role}_token_id": special[role] for role in ("cls", "sep") if hasattr(default, f"{role}_token_id")}
    if default.is_encoder_decoder:
        settings["decoder_start_token_id"] = next(
            (special[role] for role in ("pad", "eos", "bos") if special[role] is not None), None
        )
        settings |= {"forced_eos_token_id": special["eos"]} if hasattr(default, "forced_eos_token_id") else {}
    if hasattr(default, "max_position_embeddings"):
        first = (special["pad"] or 0) + 1 if after_pad else 0
        settings["max_position_embeddings"] = (options.positions or length or _POSITIONS) + first
    for name in options.config:
        if name in _BY_OPTIONS:
            raise UserError(
                f"start: config: {name} follows from the tokenizer and the options",
                remedy=f"leave it out, and write `{_BY_OPTIONS[name]}:`",
            )
        if not hasattr(default, name):
            names = [one for one in default.to_dict() if not one.startswith("_")]
            raise UserError(
                f"start: config: a {shape} has no {name!r}; {nearest(name, names)}", remedy="see its config"
            )
    settings |= {
        "vocab_size": round_up(tokenizer.vocab_size, options.vocabulary_multiple),
        "tie_word_embeddings": options.tied,
        **objective,
        **options.config,
    }
    try:
        return transformers.AutoConfig.for_model(shape, **settings)
    except Exception as error:  # each config has checks of its own, of any class
        raise _refused(options, first_line(error)) from error


def _refused(options: StartOptions, why: str) -> UserError:
    kv = f", key_value_heads {options.key_value_heads}" if options.key_value_heads else ""
    return UserError(
        f"start: there is no {options.shape} of layers {options.layers}, width {options.width}, heads {options.heads}"
        f"{kv}: {why}",
        remedy="the width must be a multiple of the heads, and these one of key_value_heads"
        + ("; or change what config: sets" if options.config else ""),
    )
