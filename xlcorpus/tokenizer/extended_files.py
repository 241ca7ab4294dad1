"""Write an extended tokenizer in the form of its base, with a card of what changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

import xlcorpus
from xlcorpus.dataset.storage import read_json, write_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.extend import Extended
from xlcorpus.tokenizer.extend_sentencepiece import CONTROLS
from xlcorpus.tokenizer.files import check_output, guarded, rows_by_language, write_model
from xlcorpus.tokenizer.huggingface import CONFIGS
from xlcorpus.tokenizer.model_proto import SentencePieceModel
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.sentencepiece_file import SentencePieceTokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

_ROLE_OF = {"<pad>": "pad_token", "<unk>": "unk_token", "<s>": "bos_token", "</s>": "eos_token", "<mask>": "mask_token"}


@dataclass(frozen=True)
class Written:
    """An extended tokenizer on disk, opened again, and where its card goes."""

    tokenizer: Tokenizer
    base: Tokenizer
    added: int
    card: Path

    def write_card(self, facts: Mapping[str, Any], changes: pa.Table) -> None:
        """What it was made from, and what changed by language (`compare.SCHEMA`)."""
        value = {
            "tokenizer": self.tokenizer.kind,
            "fingerprint": self.tokenizer.fingerprint,
            "made_by": {"xlcorpus": xlcorpus.__version__},
            "base": {"fingerprint": self.base.fingerprint, "vocab_size": self.base.vocab_size},
            "vocab_size": self.tokenizer.vocab_size,
            "pieces_added": self.added,
            "special_ids": self.tokenizer.special_ids(),
            "languages": rows_by_language(changes),
        }
        guarded(self.card, lambda: write_json(self.card, value | dict(facts)))


def check_extended_output(base: Tokenizer, given: Path, output: Path) -> None:
    """Raise UserError where the output is the base itself or has the name of another kind."""
    if output.exists() and output.resolve() == given.resolve():
        raise UserError(f"--output {output} is the tokenizer to extend", remedy="name another file or folder")
    if isinstance(base, SentencePieceTokenizer):
        check_output(output)
    elif output.suffix == ".model" or (output.is_file() and output.suffix != ".json"):
        raise UserError(
            f"--output {output}: a Hugging Face tokenizer is a file *.json or a folder",
            remedy=f"--output {output.with_suffix('')}",
        )


def write_extended(extended: Extended, base: Tokenizer, given: Path, output: Path) -> Written:
    """Write it: FILE.model, FILE.vocab and FILE.hf/; or FILE.json; or a folder with the base's configuration.

    given: the base's path. Raises StorageError where a file cannot be written.
    """
    if isinstance(extended.model, SentencePieceModel):
        opened: Tokenizer = write_model(extended.model, extended.model.to_bytes(), output)
        return Written(opened, base, extended.added, output.with_suffix(".json"))
    value = extended.model
    if output.suffix == ".json":
        guarded(output, lambda: write_json(output, value))
        return Written(open_tokenizer(output), base, extended.added, output.with_suffix(".card.json"))
    guarded(output, lambda: _write_folder(value, given, output))
    return Written(open_tokenizer(output), base, extended.added, output / "card.json")


def _write_folder(value: Mapping[str, Any], given: Path, output: Path) -> None:
    write_json(output / "tokenizer.json", value)
    folder = given if given.is_dir() else given.parent
    for name in CONFIGS:
        if (folder / name).is_file() and (given.is_dir() or given.name == "tokenizer.json"):
            shutil.copyfile(folder / name, output / name)
    config = output / "tokenizer_config.json"
    if config.is_file():
        settings = read_json(config)
        for token in value["added_tokens"]:
            if token["content"] in CONTROLS:
                settings.setdefault(_ROLE_OF[token["content"]], token["content"])
        write_json(config, settings)
