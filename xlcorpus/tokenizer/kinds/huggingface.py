"""A Hugging Face `tokenizer.json` as a tokenizer, by the library `tokenizers` (an extra, imported when needed)."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import Location, fingerprint, fingerprint_of_file, is_file, local_copy, locate, read_json
from xlcorpus.errors import UserError
from xlcorpus.text.ragged import offsets_of
from xlcorpus.tokenizer.byte_alphabet import from_letters
from xlcorpus.tokenizer.hf_roles import special_roles
from xlcorpus.tokenizer.pieces import TEXT, Encoded, Pieces, joined, overlapping, stretches
from xlcorpus.tokenizer.reserved import BYTES, renamed
from xlcorpus.tokenizer.sentencepiece_model import HF_FILE, WORD_START, decides_in
from xlcorpus.tokenizer.template import settings_beside, stated_template, template_of
from xlcorpus.tokenizer.tokenizer import (
    CONTROL,
    NORMAL,
    PARTIAL,
    ROLES,
    UNKNOWN,
    Places,
    Tokenizer,
    TokenizerKind,
    end_to_end,
)

EXTRA = "hf"
_CHUNK = 256  # texts a call: the library's encodings take some 100 bytes a token


class HuggingFaceTokenizer(Tokenizer):
    """Opened from a tokenizer.json; truncation, padding and special tokens that the file asks for are left off.

    Raises UserError where the library is missing or the file is no tokenizer.
    """

    kind = "huggingface"

    def __init__(self, given: Location) -> None:
        file = given / HF_FILE if is_file(given / HF_FILE) else given
        library = import_tokenizers(file)
        self.json = read_tokenizer_json(file)
        try:
            with local_copy(file) as path:
                self._tokenizer: Any = library.Tokenizer.from_file(path)
        except Exception as error:  # the library raises plain Exception
            raise UserError(
                f"{file} is not a Hugging Face tokenizer: {error}", remedy="give the tokenizer.json of a fast tokenizer"
            ) from error
        self.path, self.name = str(given), given.name
        vocab: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        self.ids = vocab
        self.vocab_size = max(vocab.values(), default=-1) + 1
        settings = settings_beside(file) if file.name == HF_FILE else {}
        roles = special_roles(settings, self.json, vocab)
        for role in ROLES:
            setattr(self, f"{role}_id", roles[role])
        self.template = template_of(library, self._tokenizer.post_processor)
        if "src_lang" in settings:  # NLLB, mBART: the template names one language, the texts are in many
            self.template = self.template.of_roles(roles)
        if not self.template.ids:
            self.template = stated_template(settings, self.bos_id, self.eos_id)
        decides = {HF_FILE: fingerprint_of_file(file), "special": roles, "template": self.template.single}
        self.fingerprint = fingerprint(decides)
        self._texts, self._kinds = self._read_pieces()

    @functools.cached_property
    def _encoder(self) -> Any:
        """What cuts texts: `</s>` on a web page is text, as is what the model has of such names in its vocabulary."""
        reserved = [name for name, number in self.ids.items() if self._kinds[number] in (CONTROL, UNKNOWN)]
        value = renamed({"added_tokens": [], **self.json}, [*reserved, *(BYTES if self._bytes is not None else ())])
        encoder = import_tokenizers(locate(self.path)).Tokenizer.from_str(json.dumps(value, ensure_ascii=False))
        encoder.encode_special_tokens = True
        return encoder

    @functools.cached_property
    def _bytes(self) -> np.ndarray | None:
        """int32[256]: byte pieces of a unigram model, which are put in here for what is unknown; None without."""
        ours = [self.ids.get(name) for name in BYTES]
        if (
            self.model_type != "Unigram"
            or not self.json["model"].get("byte_fallback")
            or self.unk_id is None
            or None in ours
        ):
            return None
        return np.array(ours, dtype=np.int32)

    @property
    def model_type(self) -> str:
        """BPE, Unigram, WordPiece, ...; '' where the file does not say."""
        model = self.json["model"]
        named = model.get("type") or ("Unigram" if isinstance(model["vocab"], list) else "")
        return str(named or ("BPE" if "merges" in model else ""))

    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """See Tokenizer."""
        # Only the slower one keeps what the tokens were in the text.
        encode = self._encoder.encode_batch_fast if self._bytes is None else self._encoder.encode_batch
        return end_to_end([ids for ids, _ in self._encodings(texts, encode)])

    def encode_places(self, texts: pa.Array) -> Places:
        """See Tokenizer."""
        ids, places = [], [np.zeros((0, 2), dtype=np.int64)]
        for given, one in self._encodings(texts, self._encoder.encode_batch):
            ids.append(given)
            places.append(self._places(np.array(one.ids, dtype=np.int32), one))
        edges = np.concatenate(places)
        return Places(*end_to_end(ids), edges[:, 0], edges[:, 1])

    def _encodings(self, texts: pa.Array, encode: Any) -> Iterator[tuple[np.ndarray, Any]]:
        for start in range(0, len(texts), _CHUNK):
            values = [text or "" for text in texts.slice(start, _CHUNK).to_pylist()]
            for one in encode(values, add_special_tokens=False):
                ids = np.array(one.ids, dtype=np.int32)
                yield ids if self._bytes is None else self._with_bytes(ids, one), one

    def _with_bytes(self, ids: np.ndarray, encoding: Any, special: np.ndarray | None = None) -> np.ndarray:
        """Ids with the byte pieces of what is unknown. special: places of ids that are no text."""
        unknown = self._unknown(ids, special)
        if self._bytes is None or not len(unknown):
            return ids
        tokens, parts = encoding.tokens, np.split(ids, unknown)
        for number, at in enumerate(unknown.tolist(), 1):
            values = np.frombuffer(tokens[at].encode(), dtype=np.uint8)
            parts[number] = np.concatenate([self._bytes[values], parts[number][1:]])
        return np.concatenate(parts)

    def _places(self, ids: np.ndarray, encoding: Any, special: np.ndarray | None = None) -> np.ndarray:
        """int64[n, 2]: where the tokens of `_with_bytes` begin and end in the text, bytes with their characters."""
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        unknown = self._unknown(ids, special)
        if self._bytes is None or not len(unknown):
            return offsets
        tokens, parts = encoding.tokens, np.split(offsets, unknown)
        for number, at in enumerate(unknown.tolist(), 1):
            text, (start, end) = tokens[at], offsets[at].tolist()
            sizes = [len(letter.encode()) for letter in text]
            first = np.repeat(np.arange(len(text)), sizes) + start if len(text) == end - start else None
            own = np.tile([start, end], (sum(sizes), 1)) if first is None else np.stack([first, first + 1], axis=1)
            parts[number] = np.concatenate([own, parts[number][1:]])
        return np.concatenate(parts)

    def _unknown(self, ids: np.ndarray, special: np.ndarray | None) -> np.ndarray:
        found = np.flatnonzero(ids == self.unk_id)
        return found if special is None else np.setdiff1d(found, special)

    def encode_pieces(self, pieces: Pieces, *, as_row: bool = False) -> Encoded:
        """See Tokenizer. As a row: names that no text has stand in the places of special ids, so that the library takes
        white space beside these as their flags say, and a text behind one for what it is within a row."""
        if not as_row:
            return super().encode_pieces(pieces)
        encoder, names, flags = self._cutter
        special = pieces.specials != TEXT
        kinds = np.array([flags.get(number, 0) for number in pieces.specials[special].tolist()], dtype=np.int64)
        texts = pieces.texts.cast(pa.large_string())
        texts = pc.replace_with_mask(texts, pa.array(special), pa.array(names, pa.large_string()).take(pa.array(kinds)))
        sizes = offsets_of(self.characters(texts))
        spans = None if pieces.trained is None else stretches(pieces.trained, sizes)
        rows, cuts = joined(texts, pieces.offsets), [encoder.token_to_id(name) for name in names]
        parts: list[np.ndarray] = []
        trained: list[np.ndarray] = []
        counts = np.zeros(len(rows), dtype=np.int64)
        first, numbers = 0, pieces.specials[special]
        encode = encoder.encode_batch
        for start in range(0, len(rows), _CHUNK):
            for at, one in enumerate(encode(rows.slice(start, _CHUNK).to_pylist(), add_special_tokens=False), start):
                ids = np.array(one.ids, dtype=np.int32)
                places = np.flatnonzero(np.isin(ids, cuts))
                ids[places] = numbers[first : first + len(places)]
                first += len(places)
                if spans is not None:
                    offsets = self._places(ids, one, places) + sizes[pieces.offsets[at]]
                    trained.append(overlapping(offsets[:, 0], offsets[:, 1], *spans))
                ids = self._with_bytes(ids, one, places)
                parts.append(ids)
                counts[at] = len(ids)
        if first != len(numbers):
            raise AssertionError(f"{len(numbers):,} special ids were put into texts, {first:,} came back")
        found, offsets = end_to_end(parts)
        return Encoded(found, offsets, None if spans is None else np.concatenate([np.zeros(0, dtype=bool), *trained]))

    @functools.cached_property
    def _cutter(self) -> tuple[Any, list[str], dict[int, int]]:
        """`_encoder` with four tokens more that no text has, by whether they take the white space before them and
        behind them; their names; and the number of the one that stands for each special id."""
        library = import_tokenizers(locate(self.path))
        encoder = library.Tokenizer.from_str(self._encoder.to_str())
        encoder.encode_special_tokens = True
        secret = secrets.token_hex(16)
        names = [f"{secret}{number}" for number in range(4)]
        encoder.add_tokens(
            [
                library.AddedToken(name, normalized=False, lstrip=bool(at & 1), rstrip=bool(at & 2))
                for at, name in enumerate(names)
            ]
        )
        added = self._tokenizer.get_added_tokens_decoder().items()
        return encoder, names, {number: token.lstrip + 2 * token.rstrip for number, token in added}

    def without(self, ids: Collection[int]) -> HuggingFaceTokenizer:
        """See Tokenizer."""
        made = copy.copy(self)
        made._kinds = self._kinds.copy()
        made._kinds[list(ids)] = CONTROL
        for cached in ("_encoder", "_cutter"):
            made.__dict__.pop(cached, None)
        return made

    def cut_piece(self, piece: str) -> list[int]:
        """Ids of a piece as vocabularies write it (`Ġka`, `▁ka`), by the model alone: normalizer and pre-tokenizer have
        been at work on it already. What is unknown becomes bytes, or nothing."""
        ids: list[int] = []
        for token in self._tokenizer.model.tokenize(piece):
            if token.id != self.unk_id:
                ids.append(token.id)
            elif self._bytes is not None:
                ids += self._bytes[np.frombuffer(token.value.encode(), dtype=np.uint8)].tolist()
        return ids

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """See Tokenizer."""
        return str(self._tokenizer.decode(np.asarray(ids).reshape(-1).tolist(), skip_special_tokens=False))

    def piece_texts(self) -> list[str | None]:
        """See Tokenizer."""
        return self._texts

    def piece_names(self) -> list[str]:
        """See Tokenizer; '' for ids that no piece has."""
        names = {number: piece for piece, number in self.ids.items()}
        return [names.get(number, "") for number in range(self.vocab_size)]

    @property
    def piece_kinds(self) -> np.ndarray:
        """See Tokenizer."""
        return self._kinds

    def id_of(self, token: str) -> int | None:
        """See Tokenizer."""
        return self.ids.get(token)

    @functools.cached_property
    def names(self) -> Mapping[str, int]:
        """See Tokenizer: added tokens, and special ones that are pieces of the model alone."""
        added = {token.content: number for number, token in self._tokenizer.get_added_tokens_decoder().items()}
        special = {name: number for name, number in self.ids.items() if self._kinds[number] in (CONTROL, UNKNOWN)}
        return special | added

    @functools.cached_property
    def piece_bytes(self) -> np.ndarray:
        """See Tokenizer; of byte-level pieces each letter is a byte."""
        sizes: np.ndarray = Tokenizer.piece_bytes.func(self)  # type: ignore[attr-defined]
        if is_byte_level(self.json):
            for piece, number in self.ids.items():
                if self._kinds[number] == PARTIAL:
                    sizes[number] = len(piece)
        return sizes

    @functools.cached_property
    def word_starts(self) -> np.ndarray:
        """See Tokenizer; a byte-level piece may be a space and half a letter, and [UNK] of WordPiece is a word."""
        starts: np.ndarray = Tokenizer.word_starts.func(self)  # type: ignore[attr-defined]
        if self.model_type == "WordPiece" and self.unk_id is not None:
            starts[self.unk_id] = True
        if is_byte_level(self.json):
            for piece, number in self.ids.items():
                if self._kinds[number] == PARTIAL:
                    starts[number] = from_letters(piece[:1]) == " "
        return starts

    def _read_pieces(self) -> tuple[list[str | None], np.ndarray]:
        texts: list[str | None] = [None] * self.vocab_size
        kinds = np.full(self.vocab_size, CONTROL, dtype=np.uint8)
        write = PieceText(self.json)
        names = {number: piece for piece, number in self.ids.items()}
        for piece, number in self.ids.items():
            texts[number], kinds[number] = write.text(piece)
        for number, added in self._tokenizer.get_added_tokens_decoder().items():
            texts[number] = None if added.special else added.content
            kinds[number] = CONTROL if added.special else NORMAL
        for special in {*self.special_ids().values(), *self.template.ids}:
            # A letter that is made a special token, as ! for pad, stays a letter of texts.
            if special is not None and len(names.get(special, "")) > 1:
                texts[special], kinds[special] = None, CONTROL
        if self.unk_id is not None and self.unk_id not in (self.bos_id, self.eos_id):
            texts[self.unk_id], kinds[self.unk_id] = None, UNKNOWN
        return texts, kinds


class PieceText:
    """How the pieces of a tokenizer.json stand for text."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        model = value["model"]
        self.type = str(model.get("type"))
        self.byte_level = is_byte_level(value)
        self.byte_fallback = bool(model.get("byte_fallback"))
        self._suffix = model.get("end_of_word_suffix") or ""
        self._prefix = model.get("continuing_subword_prefix") or ""

    def text(self, piece: str) -> tuple[str | None, int]:
        """Text with a space where a word starts, and NORMAL; or None and PARTIAL."""
        if self.byte_level:
            text = from_letters(piece)
            return text, PARTIAL if text is None else NORMAL
        if self.byte_fallback and is_byte(piece):
            value = int(piece[3:5], 16)
            return (chr(value), NORMAL) if value < 0x80 else (None, PARTIAL)
        if self._suffix:
            return piece.removesuffix(self._suffix), NORMAL
        if self._prefix:
            return piece.removeprefix(self._prefix) if piece.startswith(self._prefix) else " " + piece, NORMAL
        return piece.replace(WORD_START, " "), NORMAL


def is_byte(piece: str) -> bool:
    """Whether a piece is written like one of byte fallback, `<0x41>`."""
    return len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")


def is_byte_level(value: Mapping[str, Any]) -> bool:
    """Whether a tokenizer.json writes bytes in the letters of `byte_alphabet`."""

    def has(part: Any) -> bool:
        if not isinstance(part, dict):
            return False
        inner = [*(part.get("pretokenizers") or []), *(part.get("decoders") or []), *(part.get("normalizers") or [])]
        return part.get("type") == "ByteLevel" or any(has(one) for one in inner)

    return any(has(value.get(name)) for name in ("pre_tokenizer", "decoder", "normalizer"))


def import_tokenizers(file: Location) -> Any:
    """The library `tokenizers`; raises UserError where it is not installed."""
    # One worker, one core; and the library's threads do not survive a fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise UserError(
            f"{file} is a Hugging Face tokenizer, and the package tokenizers, which reads it, is not installed",
            remedy=f'pip install "xlcorpus[{EXTRA}]", or give a SentencePiece .model',
        ) from error


def read_tokenizer_json(file: Location) -> dict[str, Any]:
    """The contents of a tokenizer.json; raises UserError where it is none."""
    try:
        value = read_json(file)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} cannot be read as JSON: {error}", remedy="give the tokenizer.json of a fast tokenizer"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("model"), dict) or "vocab" not in value["model"]:
        raise UserError(
            f"{file} is JSON, but no Hugging Face tokenizer: it has no model with a vocab",
            remedy="give the tokenizer.json of a fast tokenizer (tokenizer.save_pretrained writes one)",
        )
    return value


def _opens(given: Location, start: bytes) -> bool:
    return (is_file(given / HF_FILE) and not decides_in(given)) or start.lstrip().startswith((b"{", b"["))


KIND = TokenizerKind("huggingface", "a Hugging Face tokenizer.json or its folder", _opens, HuggingFaceTokenizer)
