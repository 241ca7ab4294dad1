"""Which pieces of a vocabulary to keep for some languages, so that what they make of a text stays as it was.

Source: Ansell et al. (2023), "Distilling Efficient Language-Specific Models for Cross-Lingual Transfer" (BiStil). They
trim unigram models; BPE makes a piece out of others, so here the pieces on its way are kept with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.tokenizer.bpe_merges import Merges, Pieces, cut
from xlcorpus.tokenizer.byte_alphabet import letter_of_byte
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer, is_byte, is_byte_level
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.piece_candidates import model_type
from xlcorpus.tokenizer.sentencepiece_model import NORMAL
from xlcorpus.tokenizer.tokenizer import CONTROL, UNKNOWN, Tokenizer

SPECIAL, BYTE, FREQUENT, PART = "special", "byte", "frequent", "part"  # why a piece is kept


def trimmed(tokenizer: Tokenizer, counts: Mapping[str, np.ndarray], threshold: float) -> pa.Table:
    """What is left of a vocabulary: new_id, id (int32, ascending), piece, why, share (float64).

    Kept are special tokens and those of the user's own, single bytes, pieces whose share of the tokens of one language
    at least is not below the threshold (BiStil: 1e-6), and the parts that BPE makes these of. So texts of such pieces
    are cut as before. share: the largest of the languages'. Raises UserError where there is no text.
    """
    totals = {lang: int(found.sum()) for lang, found in counts.items()}
    if not any(totals.values()):
        raise UserError("there is no text to count pieces in", remedy="name a dataset with documents")
    share = np.max([found / totals[lang] for lang, found in counts.items() if totals[lang]], axis=0)
    names, kinds = np.array(tokenizer.piece_names(), dtype=object), tokenizer.piece_kinds
    special = ((kinds == CONTROL) | (kinds == UNKNOWN)) & (names != "")  # a hole in the ids has no name
    special[list(tokenizer.names.values())] = True
    letters = set(letter_of_byte().values() if _writes_bytes(tokenizer) else ())
    single = np.array([is_byte(name) or name in letters for name in names], dtype=bool)
    frequent = share >= threshold
    why = np.select([special, single, frequent], [SPECIAL, BYTE, FREQUENT], "")
    parts = np.array([tokenizer.id_of(part) for part in _parts(tokenizer, names[why == FREQUENT])], dtype=object)
    parts = parts[parts != None].astype(np.int64)  # noqa: E711 - element by element
    why[parts[why[parts] == ""]] = PART
    ids = np.flatnonzero(why != "").astype(np.int32)
    return pa.table(
        {
            "new_id": np.arange(len(ids), dtype=np.int32),
            "id": ids,
            "piece": pa.array(names[ids], pa.string()),
            "why": pa.array(why[ids].tolist(), pa.string()),
            "share": share[ids],
        }
    )


def _writes_bytes(tokenizer: Tokenizer) -> bool:
    return isinstance(tokenizer, HuggingFaceTokenizer) and is_byte_level(tokenizer.json)


def _parts(tokenizer: Tokenizer, pieces: Iterable[str]) -> set[str]:
    """What BPE makes these pieces of, letters among them; nothing for models that look pieces up whole."""
    made: set[str] = set()
    if model_type(tokenizer) != "bpe":
        return made
    if isinstance(tokenizer, HuggingFaceTokenizer):
        model = tokenizer.json["model"]
        prefix, suffix = (model.get(name) or "" for name in ("continuing_subword_prefix", "end_of_word_suffix"))
        merges: Merges | Pieces = Merges.of(model)
    else:
        assert isinstance(tokenizer, SentencePieceTokenizer)
        prefix = suffix = ""
        merges = Pieces({piece.text: piece.score for piece in tokenizer.model.pieces if piece.type == NORMAL})
    for piece in pieces:
        cut(_symbols(piece, prefix, suffix), merges, made)
    return made


def _symbols(piece: str, prefix: str, suffix: str) -> list[str]:
    """The letters that merging begins with, as the vocabulary marks them: prefix within words, suffix at their end."""
    end = suffix if suffix and piece.endswith(suffix) else ""
    body = piece.removesuffix(end).removeprefix(prefix)
    inner = bool(prefix) and piece.startswith(prefix)
    symbols = [f"{prefix}{letter}" if at or inner else letter for at, letter in enumerate(body)]
    return [*symbols[:-1], *(f"{last}{end}" for last in symbols[-1:])]
