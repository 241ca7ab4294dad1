"""What mix and pack need of a tokenizer, whatever its kind, and what a kind says of itself."""

from __future__ import annotations

import functools
import string
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError, nearest
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE
from xlcorpus.text.ragged import offsets_of, ranges, rows_of
from xlcorpus.tokenizer.pieces import TEXT, Encoded, Pieces, interleave, joined, overlapping, stretches
from xlcorpus.tokenizer.template import Template

# The special tokens by role, as tokenizers that are trained here name them; ids 0 to 4.
SPECIALS = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>", "mask": "<mask>"}
ROLES = (*SPECIALS, "cls", "sep")
INSTEAD = {"bos": "cls", "eos": "sep"}  # BERT begins and ends texts with these

# What a piece is, one number for each id. Control: never made from text (<s>, <pad>, holes in the ids).
# Partial: bytes that are no whole characters: byte pieces above 0x7F, halves of letters in byte-level BPE.
NORMAL, UNKNOWN, CONTROL, PARTIAL = range(4)


@dataclass(frozen=True)
class Places:
    """Tokens and where they stand: ids int32[n], offsets int64[rows + 1] as of `encode_batch`; starts, ends: int64[n],
    code points within the text, ascending; spaces around a word may be in them, and of a character that is several
    tokens (bytes) each has all of it."""

    ids: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


class Tokenizer(ABC):
    """A tokenizer that was opened; `open_tokenizer` makes them. Pickled as its path and opened again by the reader.

    A class of a kind is made from a location, as `Kind(location)`, and keeps it as its path. path: of the file or
    folder; name: of the file, for people; kind: the name of its `TokenizerKind`; fingerprint: xxh3-128, hex, of what
    decides the ids; vocab_size: one more than the highest id;
    pad_id, unk_id, bos_id, eos_id, mask_id, cls_id, sep_id: None where there is none; template: what it puts around
    texts by itself.
    """

    kind: ClassVar[str]
    path: str
    name: str
    fingerprint: str
    vocab_size: int
    pad_id: int | None = None
    unk_id: int | None = None
    bos_id: int | None = None
    eos_id: int | None = None
    mask_id: int | None = None
    cls_id: int | None = None
    sep_id: int | None = None
    template: Template = Template()

    @abstractmethod
    def encode_batch(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all texts end to end (int32[n]) and offsets (int64[rows + 1]): text i is ids[offsets[i]:offsets[i+1]].

        texts: string or large_string; a null is an empty text. No special ids are added, and text that looks like a
        control token (`</s>` on a web page) does not become one.
        """

    def encode_places(self, texts: pa.Array) -> Places:
        """Ids as `encode_batch` has them, and the stretch of the text that each stands for.

        Raises UserError for a tokenizer that cannot say it.
        """
        raise UserError(
            f"tokenizers of the kind {self.kind} do not say where tokens stand in a text, which labels of "
            "tokens and a loss on a part of a text need",
            remedy="use a SentencePiece model, a tokenizer.json, or bytes; or put special tokens around the part",
        )

    def count_batch(self, texts: pa.Array) -> np.ndarray:
        """int64[rows]: ids of each text, as `encode_batch` gives them."""
        return np.diff(self.encode_batch(texts)[1])

    def encode_pieces(self, pieces: Pieces, *, as_row: bool = False) -> Encoded:
        """Ids of rows of texts and special ids; no text becomes a special id. Each text between two special ids is cut
        by itself; as_row: where the kind can, as a part of its row, as chat templates are.

        A token that stands in two pieces of a text, of which the loss counts in one, is trained on (as transformers'
        `apply_chat_template(return_assistant_tokens_mask=True)` has it).
        """
        runs = pieces.runs()
        places = np.flatnonzero(runs.specials == TEXT)
        texts = runs.texts.take(pa.array(places))
        ids, offsets = self.encode_batch(texts)
        found, ends = interleave(runs, ids, offsets, places)
        trained = None
        if pieces.trained is not None:
            sums = offsets_of(pieces.trained)
            some = sums[runs.borders[1:]] - sums[runs.borders[:-1]]
            trained = np.repeat(some > 0, np.diff(ends))
            mixed = np.flatnonzero((some > 0) & (some < np.diff(runs.borders)) & (runs.specials == TEXT))
            if len(mixed):
                trained[ranges(ends[mixed], np.diff(ends)[mixed])] = self._trained(pieces, runs.borders, mixed)
        return Encoded(found, ends[runs.offsets], trained)

    def _trained(self, pieces: Pieces, borders: np.ndarray, mixed: np.ndarray) -> np.ndarray:
        """bool[tokens]: which are trained on, of the texts borders[i]:borders[i + 1] of the pieces, i in `mixed`."""
        assert pieces.trained is not None
        sizes = np.diff(borders)[mixed]
        at = ranges(borders[mixed], sizes)
        parts = pieces.texts.take(pa.array(at))
        of_parts = offsets_of(self.characters(parts))
        bases = of_parts[offsets_of(sizes)]
        starts, ends, offsets = self.encode_spans(joined(parts, offsets_of(sizes)))
        row = rows_of(offsets)
        return overlapping(starts + bases[row], ends + bases[row], *stretches(pieces.trained[at], of_parts))

    def encode_spans(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where the tokens of `encode_batch` stand: int64[n] of their first characters, of what is behind their last
        ones (`characters` of the text), and int64[rows + 1] offsets. Raises UserError where the kind cannot say."""
        places = self.encode_places(texts)
        return places.starts, np.maximum(places.ends, places.starts + 1), places.offsets

    def characters(self, texts: pa.Array) -> np.ndarray:
        """int64[rows]: the size of each text as `encode_spans` counts."""
        return pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False).astype(np.int64)

    def without(self, ids: Collection[int]) -> Tokenizer:
        """This tokenizer, of which text does not become these ids either; raises UserError where the kind cannot."""
        names = self.piece_names()
        raise UserError(
            f"a text may become {', '.join(names[one] for one in sorted(ids))} in tokenizers of the kind {self.kind}, "
            "and special tokens come from the template alone",
            remedy="take tokens that the tokenizer never makes of text, or a SentencePiece model or tokenizer.json",
        )

    @abstractmethod
    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text of some ids; special ids are shown by their names, bytes that are no UTF-8 as U+FFFD."""

    @abstractmethod
    def piece_texts(self) -> list[str | None]:
        """The text of each id with a space where a word starts; None for special, partial and missing pieces."""

    def piece_names(self) -> list[str]:
        """Each id as the vocabulary writes it (`▁the`, `</s>`, `<0x0A>`); as it is decoded where there is no such."""
        return [self.decode([number]) for number in range(self.vocab_size)]

    @property
    @abstractmethod
    def piece_kinds(self) -> np.ndarray:
        """uint8[vocab_size]: NORMAL, UNKNOWN, CONTROL or PARTIAL."""

    @abstractmethod
    def id_of(self, token: str) -> int | None:
        """Id of a token as the vocabulary writes it (`<2eng_Latn>`, `</s>`); None where there is none."""

    @property
    def names(self) -> Mapping[str, int]:
        """Ids of the tokens that have a name of their own, special ones and a user's among them; {} where not known."""
        return {}

    @functools.cached_property
    def piece_bytes(self) -> np.ndarray:
        """int32[vocab_size]: bytes of text in UTF-8 that each id stands for, the space before a word among them.

        0 for special ids, 1 for what is unknown; texts that the tokenizer alters have more or fewer.
        """
        sizes = (self.piece_kinds != CONTROL).astype(np.int32)
        for number, text in enumerate(self.piece_texts()):
            if text is not None and sizes[number]:
                sizes[number] = len(text.encode("utf-8", "surrogatepass"))
        return sizes

    @functools.cached_property
    def blank_pieces(self) -> np.ndarray:
        """bool[vocab_size]: pieces of white space alone, as the ▁ that is put before a text whose first word has no
        piece with it."""
        return np.array([text is not None and text.isspace() for text in self.piece_texts()], dtype=bool)

    @functools.cached_property
    def punctuation(self) -> np.ndarray:
        """bool[vocab_size]: pieces of punctuation alone, in any script, and of ASCII's symbols, as `$` or `+=`."""

        def is_mark(character: str) -> bool:
            return unicodedata.category(character)[0] == "P" or (
                character.isascii() and character in string.punctuation
            )

        bodies = [(text or "").strip() for text in self.piece_texts()]
        return np.array([bool(body) and all(map(is_mark, body)) for body in bodies], dtype=bool)

    @functools.cached_property
    def word_starts(self) -> np.ndarray:
        """bool[vocab_size]: pieces that a word begins with, by the mark of a space that the vocabulary has.

        In scripts without spaces every piece is a word. Raises UserError where no piece has a mark.
        """
        unspaced, starts = properties.unspaced(), np.zeros(self.vocab_size, dtype=bool)
        for number, text in enumerate(self.piece_texts()):
            if text:
                starts[number] = text[0].isspace() or unspaced[ord(text[0])]
        if not any(text and text[0] == " " for text in self.piece_texts()):
            raise UserError(
                f"the pieces of the tokenizer {self.path} do not say where words begin",
                remedy="leave out whole_word, or choose a tokenizer with a mark for spaces",
            )
        return starts

    def single_characters(self) -> np.ndarray:
        """bool[0x110000]: characters that are a piece by themselves, with or without a space before them."""
        table = np.zeros(CODE_SPACE, dtype=bool)
        for text in self.piece_texts():
            body = text.removeprefix(" ") if text else None
            if body and len(body) == 1:
                table[ord(body)] = True
        return table

    def special_ids(self) -> dict[str, int | None]:
        """Ids by role (pad, unk, bos, eos, mask, cls, sep)."""
        return {role: getattr(self, f"{role}_id") for role in ROLES}

    def require(self, *roles: str, mode: str) -> None:
        """Raise UserError where a special id that `mode`, what the user asked for, cannot do without is missing, or
        outside the vocabulary. cls does for bos, and sep for eos."""
        for role in roles:
            if role not in ROLES:
                raise ValueError(f"{role!r} is no role; {nearest(role, ROLES)}")
        ids = self.special_ids()
        found = {role: ids[INSTEAD.get(role, role)] if ids[role] is None else ids[role] for role in roles}
        missing = [role for role, number in found.items() if number is None]
        if missing:
            have = ", ".join(f"{role} {number}" for role, number in ids.items() if number is not None)
            raise UserError(
                f"the tokenizer {self.path} has no {' and no '.join(missing)} id, which {mode} needs; "
                f"it has {have or 'no special ids'}",
                remedy="add it (`xlcorpus tokenizer extend --special`), choose what needs none, or a tokenizer with it",
            )
        for role, number in found.items():
            self.check_id(role, number)

    def check_id(self, role: str, number: int | None) -> None:
        """Raise UserError where the id of a role is outside the vocabulary."""
        if number is not None and not 0 <= number < self.vocab_size:
            raise UserError(
                f"the tokenizer {self.path} gives {number} as its {role} id, outside its {self.vocab_size} ids",
                remedy="repair the tokenizer's special ids",
            )

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Workers open the file themselves; one that was altered since is refused."""
        return _reopen, (type(self), self.path, self.fingerprint)


def end_to_end(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The ids of each text laid end to end, and their offsets, as `encode_batch` gives them."""
    counts = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    return np.concatenate(parts) if len(parts) else np.zeros(0, dtype=np.int32), offsets_of(counts)


@dataclass(frozen=True)
class TokenizerKind:
    """A kind of tokenizers; one is added by a module in `kinds`, or an entry point of the group `xlcorpus.tokenizers`.

    name: for reports and manifests; given_as: what a user gives, for messages, as `a SentencePiece .model`.
    opens: whether a location is of this kind, from itself and its first bytes (b"" of a folder, or where there is
    nothing); make: opens it, raises UserError where it is damaged.
    """

    name: str
    given_as: str
    opens: Callable[[Location, bytes], bool]
    make: Callable[[Location], Tokenizer]


def _reopen(kind: Callable[[Location], Tokenizer], path: str, fingerprint: str) -> Tokenizer:
    tokenizer = kind(locate(path))
    if tokenizer.fingerprint != fingerprint:
        raise UserError(
            f"the tokenizer {path} was altered while it was in use",
            remedy="start again with --overwrite, or put the file back",
        )
    return tokenizer
