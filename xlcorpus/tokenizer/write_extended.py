"""Write an extended tokenizer in the form of its base, with a card of what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, read_json, write_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.extend import Extended
from xlcorpus.tokenizer.extended_rows import FILE, ExtendedRows, rows_file
from xlcorpus.tokenizer.kept_files import keep_files
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.sentencepiece_model import HF_CONFIG, HF_FILE, SentencePieceModel
from xlcorpus.tokenizer.template import settings_beside
from xlcorpus.tokenizer.tokenizer import SPECIALS, Tokenizer
from xlcorpus.tokenizer.write import (
    check_free,
    check_output,
    check_same_ids,
    files_of,
    guarded,
    rows_by_language,
    write_model,
)


@dataclass(frozen=True)
class WrittenTokenizer:
    """An extended tokenizer on disk, opened again, and where its card goes, the sources of its pieces and what its rows
    begin with are. left_out: files of the base that hold the old vocabulary in another form."""

    tokenizer: Tokenizer
    base: Tokenizer
    added: int
    card: Location
    sources: Location
    rows: Location
    left_out: tuple[str, ...] = ()

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


def check_extended_output(base: Tokenizer, given: Location, output: Location, *, overwrite: bool = False) -> None:
    """Raise UserError where the output is the base itself, has the name of another kind, or is there already."""
    if storage.exists(output) and storage.resolve(output) == storage.resolve(given):
        raise UserError(f"--output {output} is the tokenizer to extend", remedy="name another file or folder")
    if isinstance(base, SentencePieceTokenizer):
        check_output(output, overwrite=overwrite)
        return
    if output.suffix == ".model" or (storage.is_file(output) and output.suffix != ".json"):
        raise UserError(
            f"--output {output}: a Hugging Face tokenizer is a file *.json or a folder",
            remedy=f"--output {output.with_suffix('')}",
        )
    written = output if output.suffix == ".json" else output / HF_FILE
    check_free(output, [written], overwrite=overwrite)


def write_extended(extended: Extended, base: Tokenizer, given: Location, output: Location) -> WrittenTokenizer:
    """Write it: FILE.model, FILE.vocab and FILE.hf/; or FILE.json; or a folder with all files of the base that stay as
    they are; the sources of romanised pieces by their ids; and how the new rows begin (`extended_rows`).

    given: the base's path. Raises StorageError where a file cannot be written.
    """
    value, left_out = extended.model, list[str]()
    rows = [rows_file(output)]
    card, sources = output.with_suffix(".json"), output.with_suffix(".sources.json")
    if isinstance(value, SentencePieceModel):
        _, card, folder = files_of(output)
        settings: dict[str, Any] = {}
        if storage.is_folder(given):
            left_out = guarded(folder, lambda: keep_files(given, folder))
            settings = settings_beside(given / HF_CONFIG)
        tokenizer = write_model(value, value.to_bytes(), output, settings)
        check_same_ids(tokenizer, output, [])
        rows = [rows_file(output), folder / FILE]
        sources = card.with_suffix(".sources.json") if output.suffix == ".model" else output / "sources.json"
    elif output.suffix == ".json":
        guarded(output, lambda: write_json(output, value))
        card = output.with_suffix(".card.json")
    else:
        left_out = guarded(output, lambda: _write_folder(value, given, output))
        card, sources = output / "card.json", output / "sources.json"
    opened = tokenizer if isinstance(value, SentencePieceModel) else open_tokenizer(output)
    by_id = _sources_by_id(extended.sources or {}, opened, base)
    if extended.sources is not None:
        guarded(sources, lambda: write_json(sources, {str(number): ids for number, ids in by_id.items()}))
    guarded(rows[0], lambda: ExtendedRows.of(base, opened, by_id).save(*dict.fromkeys(rows)))
    return WrittenTokenizer(opened, base, extended.added, card, sources, rows[0], tuple(left_out))


def _sources_by_id(sources: Mapping[str, Sequence[int]], opened: Tokenizer, base: Tokenizer) -> dict[int, list[int]]:
    """By each new id, the old ids that its piece is the romanisation of: what its embedding is to be made of."""
    new = enumerate(opened.piece_texts()[base.vocab_size :], base.vocab_size)
    return {number: list(sources[text]) for number, text in new if text and text in sources}


def _write_folder(value: Mapping[str, Any], given: Location, output: Location) -> list[str]:
    """Gives the files of the old vocabulary that are left out."""
    write_json(output / HF_FILE, value)
    left_out = keep_files(given, output)
    config = output / HF_CONFIG
    if storage.is_file(config):
        settings = read_json(config)
        roles = {token: f"{role}_token" for role, token in SPECIALS.items()}
        for token in value["added_tokens"]:
            if token["content"] in roles:
                settings.setdefault(roles[token["content"]], token["content"])
        write_json(config, settings)
    return left_out
