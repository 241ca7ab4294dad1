"""Write an extended tokenizer in the form of its base, with a card of what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, read_json, write_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.extend import Extended
from xlcorpus.tokenizer.extend_sentencepiece import CONTROLS
from xlcorpus.tokenizer.kinds.huggingface import CONFIGS
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.romanized import RomanizedPiece
from xlcorpus.tokenizer.sentencepiece_model import SentencePieceModel
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.write import check_output, guarded, rows_by_language, write_model

_ROLE_OF = {"<pad>": "pad_token", "<unk>": "unk_token", "<s>": "bos_token", "</s>": "eos_token", "<mask>": "mask_token"}


@dataclass(frozen=True)
class WrittenTokenizer:
    """An extended tokenizer on disk, opened again, and where its card and the sources of its new pieces go."""

    tokenizer: Tokenizer
    base: Tokenizer
    added: int
    card: Location
    sources: Location

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

    def write_sources(self, pieces: Iterable[RomanizedPiece]) -> None:
        """By each new id, the old ids that its piece is the romanisation of: what its embedding is to be made of."""
        sources = {piece.text: list(piece.sources) for piece in pieces}
        texts = self.tokenizer.piece_texts()
        rows = {number: sources.get(texts[number] or "") for number in range(self.base.vocab_size, len(texts))}
        guarded(self.sources, lambda: write_json(self.sources, {str(at): row for at, row in rows.items() if row}))


def check_extended_output(base: Tokenizer, given: Location, output: Location) -> None:
    """Raise UserError where the output is the base itself or has the name of another kind."""
    if storage.exists(output) and storage.resolve(output) == storage.resolve(given):
        raise UserError(f"--output {output} is the tokenizer to extend", remedy="name another file or folder")
    if isinstance(base, SentencePieceTokenizer):
        check_output(output)
    elif output.suffix == ".model" or (storage.is_file(output) and output.suffix != ".json"):
        raise UserError(
            f"--output {output}: a Hugging Face tokenizer is a file *.json or a folder",
            remedy=f"--output {output.with_suffix('')}",
        )


def write_extended(extended: Extended, base: Tokenizer, given: Location, output: Location) -> WrittenTokenizer:
    """Write it: FILE.model, FILE.vocab and FILE.hf/; or FILE.json; or a folder with the base's configuration.

    given: the base's path. Raises StorageError where a file cannot be written.
    """
    if isinstance(extended.model, SentencePieceModel):
        opened: Tokenizer = write_model(extended.model, extended.model.to_bytes(), output)
        beside = output.with_suffix(".json"), output.with_suffix(".sources.json")
        return WrittenTokenizer(opened, base, extended.added, *beside)
    value = extended.model
    if output.suffix == ".json":
        guarded(output, lambda: write_json(output, value))
        beside = output.with_suffix(".card.json"), output.with_suffix(".sources.json")
    else:
        guarded(output, lambda: _write_folder(value, given, output))
        beside = output / "card.json", output / "sources.json"
    return WrittenTokenizer(open_tokenizer(output), base, extended.added, *beside)


def _write_folder(value: Mapping[str, Any], given: Location, output: Location) -> None:
    write_json(output / "tokenizer.json", value)
    folder = given if storage.is_folder(given) else given.parent
    for name in CONFIGS:
        if storage.is_file(folder / name) and (storage.is_folder(given) or given.name == "tokenizer.json"):
            storage.write_bytes(output / name, storage.read_bytes(folder / name))
    config = output / "tokenizer_config.json"
    if storage.is_file(config):
        settings = read_json(config)
        for token in value["added_tokens"]:
            if token["content"] in CONTROLS:
                settings.setdefault(_ROLE_OF[token["content"]], token["content"])
        write_json(config, settings)
