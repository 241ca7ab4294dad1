"""Which models an objective can train: its auto class of transformers, and whether a model reads one way or both."""

from __future__ import annotations

from typing import Any

import transformers
from transformers.models.auto import modeling_auto

from xlcorpus.errors import UserError, nearest
from xlcorpus.objectives.labelled import CLASSIFIER, TAGGER

CAUSAL, MASKED, BODY = "AutoModelForCausalLM", "AutoModelForMaskedLM", "AutoModel"
SEQ2SEQ = "AutoModelForSeq2SeqLM"  # an encoder and a decoder
_OTHER = {CAUSAL: MASKED, MASKED: CAUSAL}
_MAPPINGS = {
    CAUSAL: modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MASKED: modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
}

_OF_LABELS = {
    TAGGER: modeling_auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    CLASSIFIER: modeling_auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
}


def auto_class(architecture: str) -> Any:
    """The auto class by its name; raises UserError where transformers has none."""
    found = getattr(transformers, architecture, None)
    if found is None or not architecture.startswith("AutoModel"):
        names = [name for name in dir(transformers) if name.startswith("AutoModel")]
        raise UserError(
            f"transformers {transformers.__version__} has no {architecture}; {nearest(architecture, names)}",
            remedy="name an auto class of transformers as the objective's architecture",
        )
    return found


def architecture_of(config: Any) -> str:
    """What a checkpoint of this config was saved as: TAGGER, CLASSIFIER, SEQ2SEQ, CAUSAL, MASKED, or BODY, without a
    head."""
    saved = (getattr(config, "architectures", None) or [""])[0]
    for architecture, mapping in _OF_LABELS.items():
        if saved in _names(mapping):
            return architecture
    if getattr(config, "is_encoder_decoder", False):  # Bart's config has a class for masking too
        heads = modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
        return SEQ2SEQ if config.model_type in heads and (not saved or saved in _names(heads)) else BODY
    for architecture in (MASKED, CAUSAL):
        if saved in _names(_MAPPINGS[architecture]):
            return architecture
    if saved.endswith("Model"):
        return BODY
    return next((one for one in (MASKED, CAUSAL) if config.model_type in _MAPPINGS[one]), BODY)


def check_architecture(architecture: str, config: Any, what: str) -> None:
    """Raise UserError where a model of this config cannot be trained by an objective that needs the architecture.

    A model that reads both ways (BERT) has a class for causal language modelling too, which lets it see the token that
    it predicts; so for that only models without one for masking are taken, and checkpoints that were saved as such.
    """
    kind = config.model_type
    saved = list(getattr(config, "architectures", None) or [])
    mapping, others = _MAPPINGS.get(architecture), _MAPPINGS.get(_OTHER.get(architecture, ""), {})
    if mapping is None:
        fits = type(config) in auto_class(architecture)._model_mapping
    else:
        both_ways = architecture == CAUSAL and kind in others and not getattr(config, "is_decoder", False)
        fits = kind in mapping and not both_ways and not (saved and saved[0] in (_names(others) - _names(mapping)))
    if not fits:
        known = sorted(mapping.keys() - others.keys() if architecture == CAUSAL else mapping) if mapping else []
        remedy = "an objective for it (clm for models that read one way, mlm for those that read both)"
        if known:
            short = [name for name in ("llama", "gpt2", "qwen3", "bert", "xlm-roberta", "modernbert") if name in known]
            remedy += f", or another model: {', '.join(short)}, ..."
        is_a = f"a {kind}{f' saved as {saved[0]}' if saved else ''}"
        raise UserError(f"{what} is {is_a}, and the objective needs one of {architecture}", remedy=remedy)


def check_labels(saved: Any, asked: Any, what: str) -> None:
    """Raise UserError where a checkpoint (config `saved`) has a head for labels that are not those of the rows.

    asked: the config that the rows want; a checkpoint without such a head gets a new one.
    """
    if architecture_of(saved) not in _OF_LABELS or saved.id2label == asked.id2label:
        return
    there, here = (", ".join(map(str, one.id2label.values())) for one in (saved, asked))
    raise UserError(
        f"{what} was trained on the labels {there[:200]}; the rows have {here[:200]}, or another order",
        remedy="pack the rows with the same labels (--label-ids DIR, or the same labels.json), or start from a model "
        "without them",
    )


def _names(mapping: Any) -> set[str]:
    return {name for value in mapping.values() for name in ((value,) if isinstance(value, str) else value)}
