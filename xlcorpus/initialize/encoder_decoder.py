"""Encoder-decoders made of an encoder: its layers, its embeddings on both sides, and a decoder with random weights.

SixT+ (Chen et al. 2022, "Towards Making the Most of Cross-Lingual Transfer for Zero-Shot NMT"; methods B14) begins so.
Its second stage takes the residual connection around self-attention out of one encoder layer (Liu et al. 2021,
"Improving Zero-Shot Translation by Disentangling Positional Information"). transformers' own class can say neither that
all three token matrices are one nor which layer has no residual connection, so these models have a type of their own:
where this module was not imported, transformers refuses them, instead of loading another model than was trained.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.encoder_decoder import configuration_encoder_decoder, modeling_encoder_decoder

from xlcorpus.errors import UserError, first_line
from xlcorpus.initialize.options import StartOptions
from xlcorpus.tokenizer.tokenizer import Tokenizer

_TABLE = "embeddings.word_embeddings.weight"  # as BERT, RoBERTa and XLM-R name it
_HEADS = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING


class JoinedConfig(configuration_encoder_decoder.EncoderDecoderConfig):  # type: ignore[misc]
    """without_residual: encoder layers, from 0, whose self-attention has no residual connection."""

    model_type = "xlcorpus-encoder-decoder"
    without_residual: list[int] | None = None


class JoinedModel(modeling_encoder_decoder.EncoderDecoderModel):  # type: ignore[misc]
    """An encoder and a decoder of one model type, with one token matrix."""

    config_class = JoinedConfig
    config: Any

    def __init__(self, config: Any, encoder: Any = None, decoder: Any = None) -> None:
        kind = _HEADS[type(config.decoder)]
        table = f"encoder.{_TABLE}"
        self._tied_weights_keys = {f"decoder.{kind.base_model_prefix}.{_TABLE}": table} | {
            f"decoder.{name}": table if of.endswith(_TABLE) else f"decoder.{of}"
            for name, of in kind._tied_weights_keys.items()
        }
        super().__init__(config, encoder, decoder)
        self.encoder.pooler = None  # nothing reads it, and DDP wants each weight in the graph
        for layer in config.without_residual or ():
            _without_residual(self, layer)


transformers.AutoConfig.register(JoinedConfig.model_type, JoinedConfig, exist_ok=True)
transformers.AutoModelForSeq2SeqLM.register(JoinedConfig, JoinedModel, exist_ok=True)
# By name too, as `architecture_of` looks up what a checkpoint was saved as.
modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES[JoinedConfig.model_type] = JoinedModel.__name__


def add_decoder(encoder: Any, options: StartOptions, tokenizer: Tokenizer, seed: int) -> Any:
    """An encoder-decoder in float32 with this encoder's weights; the decoder's own are drawn by the seed.

    The decoder's embeddings are the encoder's: one token matrix for both and for the output, copies of positions and
    norm. Raises UserError for encoders that are not built as BERT, RoBERTa and XLM-R are.
    """
    config = encoder.config
    if type(config) not in _HEADS or not hasattr(getattr(encoder, "embeddings", None), "word_embeddings"):
        raise UserError(
            f"start: decoder_layers: a {config.model_type} cannot be given a decoder",
            remedy="start from a bert, roberta or xlm-roberta",
        )
    settings = {name: value for name, value in config.to_dict().items() if name not in ("model_type", "architectures")}
    settings |= {
        "num_hidden_layers": options.decoder_layers,
        "num_attention_heads": options.decoder_heads or config.num_attention_heads,
        "intermediate_size": options.decoder_intermediate or config.intermediate_size,
        "is_decoder": True,
        "add_cross_attention": True,
        "tie_word_embeddings": False,  # with the encoder's, which the whole says
    }
    special = tokenizer.special_ids()
    ends = next((special[role] for role in ("eos", "sep", "bos") if special.get(role) is not None), None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            whole = JoinedConfig(
                encoder={**config.to_dict(), "tie_word_embeddings": False},
                decoder=transformers.AutoConfig.for_model(config.model_type, **settings).to_dict(),
                tie_word_embeddings=True,
                pad_token_id=special["pad"],
                bos_token_id=special["bos"],
                eos_token_id=ends,
                decoder_start_token_id=ends,  # as fairseq
            )
            model = JoinedModel(whole).float()
        except (ValueError, KeyError, AttributeError, TypeError) as error:  # by what the shape does not fit
            raise UserError(
                f"start: decoder_layers: {first_line(error)}",
                remedy="start from a bert, roberta or xlm-roberta; its width must be a multiple of decoder_heads",
            ) from error
    model.encoder.load_state_dict(
        {name: one for name, one in encoder.state_dict().items() if not name.startswith("pooler.")}
    )
    model.decoder.base_model.embeddings.load_state_dict(encoder.embeddings.state_dict())
    return model


def remove_residual(model: Any, layer: int) -> None:
    """Take the residual connection around self-attention out of an encoder layer (from 0), which the config keeps.

    Raises UserError where there is no such layer, or the model is not of `start: decoder_layers`.
    """
    if not isinstance(model, JoinedModel):
        raise UserError(
            f"without_residual: a {model.config.model_type} keeps its residual connections",
            remedy="start with a model: and decoder_layers:, or leave it out",
        )
    layers = model.config.encoder.num_hidden_layers
    if layer >= layers:
        raise UserError(
            f"without_residual: layer {layer} of an encoder of {layers}, counted from 0",
            remedy=f"write without_residual: {max(layers - 2, 0)} (SixT+: the last but one), or another below {layers}",
        )
    before = model.config.without_residual or []
    if layer not in before:
        model.config.without_residual = sorted([*before, layer])
        _without_residual(model, layer)


def _without_residual(model: Any, layer: int) -> None:
    model.encoder.encoder.layer[layer].attention.output.register_forward_pre_hook(_no_residual)


def _no_residual(_: Any, given: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """What self-attention found, and nothing to add it to."""
    found, residual = given
    return found, torch.zeros_like(residual)
