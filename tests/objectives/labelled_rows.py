"""Small datasets with labels: of tokens, of texts, and of pairs; and encoders with heads for them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.objectives.masked_models import PAD, SIZE
from tests.packed import _cut, _folder, document_rows, pack, pair_rows
from tests.tags.label_helpers import columns_of

NAMES = ("news", "poem", "recipe")
BERT = {"shape": "bert", "layers": 2, "width": 16, "heads": 2}


@functools.cache
def tagged(count: int = 24, without: int = 0, **options: Any) -> Path:
    """`pack --view labels` of texts in 14 languages, tags by rule; the last `without` of them have none."""
    plain = document_rows(count)
    tags = columns_of(plain.column("text").to_pylist())
    said = [None if row >= count - without else one for row, one in enumerate(tags["ner_tags"].to_pylist())]
    rows = document_rows(count, tokens=tags["tokens"], ner_tags=pa.array(said, tags["ner_tags"].type))
    return pack(_cut(rows, 2), "document", _folder(), view="labels", **options).folder


@functools.cache
def classified(count: int = 24, names: tuple[Any, ...] = NAMES, **options: Any) -> Path:
    """`pack --strategy one --keep label`: a text a row, labels by turns."""
    rows = document_rows(count, label=pa.array([names[row % len(names)] for row in range(count)]))
    given = {"strategy": "one", "objective": "mlm", "keep": "label", "long": "truncate", **options}
    return pack(_cut(rows, 2), "document", _folder(), **given).folder


@functools.cache
def paired(count: int = 24, names: tuple[Any, ...] = NAMES, **options: Any) -> Path:
    """`pack --view bitext --keep label`: a text and its translation, labels by turns."""
    rows = pair_rows(count)
    rows = rows.append_column("label", pa.array([names[row % len(names)] for row in range(count)]))
    return pack(_cut(rows, 2), "pair", _folder(), view="bitext", keep="label", **options).folder


def headed(architecture: str, kind: str, labels: int = 3, **changes: Any) -> Any:
    """A tiny encoder of transformers without dropout. kind: TokenClassification or SequenceClassification."""
    import torch
    import transformers

    settings: dict[str, Any] = {
        "vocab_size": SIZE, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 80, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0, "pad_token_id": PAD, "id2label": {one: str(one) for one in range(labels)},
    }  # fmt: skip
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(architecture, **settings | changes)
    return getattr(transformers, f"AutoModelFor{kind}").from_config(config)
