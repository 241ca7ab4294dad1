"""What a reader of token shards must know of them and of their tokenizer, as the manifest notes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.record import dump_record, load_record
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.template import Ids, Template
from xlcorpus.tokenizer.tokenizer import CONTROL, Tokenizer

SCHEMA = "token"
_TEXT_ROLES = ("unk",)  # the id of a role that texts do give


@dataclass(frozen=True)
class TokenizerFacts:
    """The tokenizer of a dataset: see `Tokenizer`.

    special_ids: by role; special: ids that are never made from text, ascending (of shards made before xlcorpus noted
    them, those of roles); template: what it puts around texts by itself.
    """

    name: str
    kind: str
    fingerprint: str
    vocab_size: int
    special_ids: Mapping[str, int | None]
    special: Ids | None = None
    template: Template = field(default_factory=Template)

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> TokenizerFacts:
        """The facts of a tokenizer that is open."""
        ids = tokenizer.special_ids()
        special = {*np.flatnonzero(tokenizer.piece_kinds == CONTROL).tolist(), *_never_text(ids)}
        return cls(
            tokenizer.name,
            tokenizer.kind,
            tokenizer.fingerprint,
            tokenizer.vocab_size,
            ids,
            tuple(sorted(special)),
            tokenizer.template,
        )

    @property
    def never_text(self) -> frozenset[int]:
        """Ids that are never made from text."""
        return frozenset(_never_text(self.special_ids) if self.special is None else self.special)


def _never_text(ids: Mapping[str, int | None]) -> set[int]:
    text = {ids.get(role) for role in _TEXT_ROLES}
    return {number for number in ids.values() if number is not None and number not in text}


@dataclass(frozen=True)
class PackFacts:
    """A dataset of token shards: tokenizer, context length, view (None: packs), ids around each document (packs)."""

    tokenizer: TokenizerFacts
    length: int
    view: str | None = None
    around: tuple[Ids, Ids] = ((), ())

    @property
    def noted(self) -> dict[str, Any]:
        """As the manifest's notes have it."""
        around = {"around": dict(zip(("before", "after"), map(list, self.around), strict=True))}
        facts = {"tokenizer": dump_record(self.tokenizer), "length": self.length, "view": self.view}
        return facts | (around if self.view is None else {})

    @classmethod
    def of(cls, manifest: Manifest, where: str = "the dataset") -> PackFacts:
        """What a manifest notes; raises UserError, naming `where`, for rows of another schema than token-1."""
        if manifest.schema_name != SCHEMA:
            raise UserError(
                f"{where} holds rows of the schema {manifest.schema}, not token shards",
                remedy="make them with `xlcorpus pack`",
            )
        notes, asked = manifest.notes, manifest.steps[-1].parameters  # older notes leave the options to the step
        around = notes.get("around", {})
        try:
            return cls(
                load_record(TokenizerFacts, notes["tokenizer"]),
                int(notes["length"] if "length" in notes else asked["length"]),
                notes.get("view", asked.get("view")),
                (tuple(around.get("before", ())), tuple(around.get("after", ()))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"the manifest of {where} does not say what the token shards were made with: {error}",
                remedy="make them again with `xlcorpus pack`",
            ) from error
