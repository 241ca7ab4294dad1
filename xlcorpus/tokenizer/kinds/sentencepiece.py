"""A SentencePiece model as a tokenizer."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import Location, fingerprint, is_file
from xlcorpus.text.hashes import digest_bytes
from xlcorpus.text.normalize import before_normalizing, normalize
from xlcorpus.tokenizer import sentencepiece_model as model_file
from xlcorpus.tokenizer.template import settings_beside, stated_template
from xlcorpus.tokenizer.tokenizer import CONTROL, NORMAL, PARTIAL, UNKNOWN, Places, Tokenizer, TokenizerKind, end_to_end

_NAMES = (("<mask>", "[MASK]"), ("<cls>", "[CLS]"), ("<sep>", "[SEP]"))  # a model does not say which these are


class SentencePieceTokenizer(Tokenizer):
    """Opened from a .model file; raises UserError where it is none."""

    kind = "sentencepiece"

    def __init__(self, given: Location) -> None:
        path = given / model_file.FOLDER_FILE if is_file(given / model_file.FOLDER_FILE) else given
        data = model_file.read_model_file(path)
        self._processor: Any = model_file.load_processor(data, str(path))
        self.model = model_file.parse_model(data, str(path))
        self.path, self.name = str(path), path.name
        self.fingerprint = digest_bytes(data)
        self.vocab_size = len(self.model.pieces)
        ids = (self._processor.pad_id(), self._processor.unk_id(), self._processor.bos_id(), self._processor.eos_id())
        self.pad_id, self.unk_id, self.bos_id, self.eos_id = (number if number >= 0 else None for number in ids)
        self._ids = {piece.text: number for number, piece in enumerate(self.model.pieces)}
        special = (model_file.CONTROL, model_file.USER_DEFINED)
        self.mask_id, self.cls_id, self.sep_id = (
            next((at for at in ids if at is not None and self.model.pieces[at].type in special), None)
            for ids in (map(self._ids.get, names) for names in _NAMES)
        )
        if path.name == model_file.FOLDER_FILE:
            self.template = stated_template(settings_beside(path), self.bos_id, self.eos_id)
        if self.template.ids:
            self.fingerprint = fingerprint({"model": self.fingerprint, "template": self.template.single})
        self._kinds = np.array([_kind(piece) for piece in self.model.pieces], dtype=np.uint8)
        self._kinds[[at for at in self.special_ids().values() if at not in (None, self.unk_id)]] = CONTROL
        if self._makes_special():
            self._processor = model_file.load_processor(self._without_specials().to_bytes(), str(path))

    def _makes_special(self) -> bool:
        """Whether text can become a special token: where one is of the user's own (Gemma's `<mask>`) or a single
        character, or the model looks up whole words."""
        of_text = self.model.model_type not in ("unigram", "bpe")
        special = [self.model.pieces[at] for at in np.flatnonzero(self._kinds == CONTROL)]
        return any(of_text or piece.type == model_file.USER_DEFINED or len(piece.text) == 1 for piece in special)

    def _without_specials(self) -> model_file.SentencePieceModel:
        """The model with special tokens under names that no text has; ids are as they were."""
        secret = secrets.token_hex(16)
        pieces = [
            replace(piece, text=f"{secret}{at}", type=model_file.CONTROL) if self._kinds[at] == CONTROL else piece
            for at, piece in enumerate(self.model.pieces)
        ]
        return replace(self.model, pieces=tuple(pieces))

    def without(self, ids: Collection[int]) -> SentencePieceTokenizer:
        """See Tokenizer."""
        made = copy.copy(self)
        made._kinds = self._kinds.copy()
        made._kinds[list(ids)] = CONTROL
        made._processor = model_file.load_processor(made._without_specials().to_bytes(), self.path)
        return made

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """See Tokenizer."""
        return end_to_end(self._encode(texts))

    def encode_places(self, texts: pa.Array) -> Places:
        """See Tokenizer; raises UserError where the installed version of SentencePiece gives no positions."""
        texts = texts.fill_null("") if texts.null_count else texts
        normal = self._normal(texts)
        answers = model_file.encode_with_offsets(self._processor, normal)
        parts = [np.array(answer["ids"], dtype=np.int32) for answer in answers]
        edges = [np.array(answer["offsets"], dtype=np.int64).reshape(-1, 2) for answer in answers]
        if normal is not texts:  # positions are those of the normalised text
            for row in np.flatnonzero(np.asarray(pc.not_equal(normal, texts))).tolist():
                edges[row] = before_normalizing(texts[row].as_py(), "NFKC", edges[row])
        ids, offsets = end_to_end(parts)
        places = np.concatenate([np.zeros((0, 2), dtype=np.int64), *edges])
        starts, ends = places[:, 0], places[:, 1].copy()
        # SentencePiece gives the place of a character in bytes to the last byte alone, to the others an empty one.
        byte = np.array([piece.type == model_file.BYTE for piece in self.model.pieces], dtype=bool)[ids]
        for _ in range(3):
            early = np.flatnonzero(byte[:-1] & byte[1:] & (ends[:-1] == starts[:-1]) & (starts[1:] == starts[:-1]))
            ends[early] = ends[early + 1]
        return Places(ids, offsets, starts, ends)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """See Tokenizer. SentencePiece writes control tokens as nothing, so they are put in here."""
        values = np.asarray(ids, dtype=np.int64).reshape(-1)
        parts: list[str] = []
        start = 0
        for at in [*np.flatnonzero(self._kinds[values] == CONTROL).tolist(), len(values)]:
            if start < at:
                parts.append(self._processor.decode(values[start:at].tolist()))
            if at < len(values):
                parts.append(self.model.pieces[int(values[at])].text)
            start = at + 1
        return "".join(parts)

    def piece_texts(self) -> list[str | None]:
        """See Tokenizer."""
        texts: list[str | None] = []
        for piece, kind in zip(self.model.pieces, self._kinds.tolist(), strict=True):
            if piece.type == model_file.BYTE:
                texts.append(chr(int(piece.text[1:-1], 16)) if kind == NORMAL else None)
            else:
                texts.append(model_file.plain_text(piece.text) if kind == NORMAL else None)
        return texts

    def piece_names(self) -> list[str]:
        """See Tokenizer."""
        return [piece.text for piece in self.model.pieces]

    @property
    def piece_kinds(self) -> np.ndarray:
        """See Tokenizer."""
        return self._kinds

    def id_of(self, token: str) -> int | None:
        """See Tokenizer."""
        return self._ids.get(token)

    @property
    def names(self) -> Mapping[str, int]:
        """See Tokenizer."""
        named = (model_file.CONTROL, model_file.USER_DEFINED, model_file.UNKNOWN)
        return {piece.text: number for number, piece in enumerate(self.model.pieces) if piece.type in named}

    def normalize(self, texts: list[str]) -> list[str]:
        """What the model makes of texts before it cuts them: ▁ for spaces, with its prefix."""
        return list(self._processor.normalize(self._normal(pa.array(texts, pa.string())).to_pylist()))

    def _normal(self, texts: pa.Array) -> pa.Array:
        """SentencePiece's own NFKC leaves marks in the order in which they are typed; that of transformers does not."""
        return normalize(texts, "NFKC") if self.model.normalization == "nfkc" else texts

    def _encode(self, texts: pa.Array) -> list[np.ndarray]:
        if texts.null_count:
            texts = texts.fill_null("")
        texts = self._normal(texts)
        wide = pa.types.is_large_string(texts.type)
        values = texts.cast(pa.large_binary() if wide else pa.binary()).to_pylist()  # bytes: half the cost of str
        return list(self._processor.encode(values, return_type="numpy", num_threads=1))


def _kind(piece: model_file.ModelPiece) -> int:
    if piece.type == model_file.BYTE:
        return NORMAL if int(piece.text[1:-1], 16) < 0x80 else PARTIAL
    if piece.type == model_file.UNKNOWN:
        return UNKNOWN
    return CONTROL if piece.type in (model_file.CONTROL, model_file.UNUSED) else NORMAL


def _opens(given: Location, start: bytes) -> bool:
    """A model begins with its first piece, a field of bytes; a folder has one, and no tokenizer.json."""
    return model_file.decides_in(given) or (start.startswith(b"\n") and not start.lstrip().startswith((b"{", b"[")))


KIND = TokenizerKind("sentencepiece", "a SentencePiece .model", _opens, SentencePieceTokenizer)
