"""A dictionary of the pieces of one SentencePiece model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sentencepiece

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.index import Pair

SPACE_MARK = "\u2581"


@dataclass(frozen=True)
class PieceTable:
    """A dictionary of pieces, by the model's ids.

    Not a `LexiconIndex`: that one holds words, whose case it folds, and finds them by hash; a piece may be part of a
    word or no word at all, stands for itself alone, and has a number already.

    pairs: sorted; first, counts: int32[pairs, vocabulary], the candidates of each piece; pieces: string[entries];
    marked, bare: bool[vocabulary], pieces that begin with the space mark, and that are nothing else; unused: entries
    left out, by reason.
    """

    pairs: tuple[Pair, ...]
    first: np.ndarray
    counts: np.ndarray
    pieces: pa.StringArray
    marked: np.ndarray
    bare: np.ndarray
    unused: dict[str, int]


def build_piece_table(
    model: sentencepiece.SentencePieceProcessor,
    src: Sequence[str],
    tgt: Sequence[str],
    src_lang: Sequence[str],
    tgt_lang: Sequence[str],
    *,
    candidates: int = 3,
) -> PieceTable:
    """Index pieces that the model knows; one translation a row, the best first among those of a piece.

    Raises UserError where no entry is of the model's vocabulary on both sides.
    """
    size = len(model)
    found: dict[tuple[Pair, int], list[str]] = {}
    unused = {"not_in_vocabulary": 0, "same_or_blank": 0, "beyond_candidates": 0, "repeated": 0}
    for piece, other, source, target in zip(src, tgt, src_lang, tgt_lang, strict=True):
        if model.id_to_piece(model.piece_to_id(piece)) != piece or model.id_to_piece(model.piece_to_id(other)) != other:
            unused["not_in_vocabulary"] += 1
        elif piece == other or not piece.strip(SPACE_MARK) or not other.strip(SPACE_MARK):
            unused["same_or_blank"] += 1
        else:
            kept = found.setdefault((Pair(source, target), model.piece_to_id(piece)), [])
            if other in kept or len(kept) == candidates:
                unused["repeated" if other in kept else "beyond_candidates"] += 1
            else:
                kept.append(other)
    if not found:
        raise UserError(
            "no entry of the dictionary is in the vocabulary of the SentencePiece model",
            remedy="give a dictionary of this model's pieces, such as `xlcorpus lexicon` induces, or use dict-word",
        )
    # Only pairs with an entry: another would be drawn as a text's partner, and the text be left without a switch.
    pairs = tuple(sorted({pair for pair, _ in found}, key=_labels))
    number = {pair: index for index, pair in enumerate(pairs)}
    first, counts = np.zeros((len(pairs), size), dtype=np.int32), np.zeros((len(pairs), size), dtype=np.int32)
    at = 0
    for (pair, identifier), kept in found.items():
        first[number[pair], identifier], counts[number[pair], identifier] = at, len(kept)
        at += len(kept)
    vocabulary = [model.id_to_piece(identifier) for identifier in range(size)]
    marked = np.array([piece.startswith(SPACE_MARK) for piece in vocabulary])
    bare = np.array([not piece.strip(SPACE_MARK) for piece in vocabulary])
    pieces = pa.array([piece for kept in found.values() for piece in kept], pa.string())
    return PieceTable(pairs, first, counts, pieces, marked, bare, unused)


def load_model(path: Location) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece model file; raises UserError where there is none, or it is something else."""
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=storage.read_bytes(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", remedy="check the path") from error
    except RuntimeError as error:
        raise UserError(f"{path} is no SentencePiece model", remedy="give the file that ends in .model") from error


def open_pieces(
    path: str | None, entries: pa.Table, candidates: int
) -> tuple[sentencepiece.SentencePieceProcessor, PieceTable]:
    """A SentencePiece model file and the index of a dictionary (lexicon-1) for its pieces.

    An entry that has the space mark is of pieces; words become the pieces that begin with it, where the model has
    these. Raises UserError where there is no such file, it is no model, or no entry is in its vocabulary.
    """
    if path is None:
        raise UserError(
            "dict-piece needs the model whose pieces it switches",
            remedy="give --tokenizer FILE, or use dict-word",
        )
    model = load_model(locate(path))
    sides = []
    for name in ("src", "tgt"):
        texts = entries[name].combine_chunks()
        marked = pc.match_substring(texts, SPACE_MARK)
        sides.append(pc.if_else(marked, texts, pc.binary_join_element_wise(SPACE_MARK, texts, "")).to_pylist())
    languages = (entries[name].to_pylist() for name in ("src_lang", "tgt_lang"))
    return model, build_piece_table(model, *sides, *languages, candidates=candidates)


def _labels(pair: Pair) -> tuple[str, str]:
    return pair.src, pair.tgt
