"""A dictionary of the pieces of one SentencePiece model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.formats import INDUCED_PIECES
from xlcorpus.lexicon.index import LexiconIndex
from xlcorpus.tokenizer.sentencepiece_model import WORD_START, open_processor

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor


@dataclass(frozen=True)
class PieceTable:
    """The pieces of a model in the index of a dictionary, by their numbers, so that no piece of a text is hashed.

    index: with pieces for words; first, counts: int32[directions, vocabulary], the candidates of each piece, among the
    targets of the index; marked, bare: bool[vocabulary], pieces that begin with the space mark, and that are nothing
    else.
    """

    index: LexiconIndex
    first: np.ndarray
    counts: np.ndarray
    marked: np.ndarray
    bare: np.ndarray


def build_piece_table(
    model: SentencePieceProcessor,
    src: pa.Array,
    tgt: pa.Array,
    src_lang: pa.Array,
    tgt_lang: pa.Array,
    *,
    candidates: int = 3,
) -> PieceTable:
    """Index pieces that the model knows (string[n] each); one translation a row, the best first among those of a piece.

    Raises UserError where no entry is of the model's vocabulary on both sides.
    """
    vocabulary = pa.array([model.id_to_piece(identifier) for identifier in range(len(model))], pa.string())
    bare = pc.equal(pc.utf8_trim(vocabulary, WORD_START), "")
    known = pc.and_(pc.is_in(src, vocabulary), pc.is_in(tgt, vocabulary))
    blank = vocabulary.filter(bare)
    useless = pc.or_(pc.equal(src, tgt), pc.or_(pc.is_in(src, blank), pc.is_in(tgt, blank)))
    # First, for a direction without an entry would be drawn for texts, which would be left without a switch.
    kept = pc.and_(known, pc.invert(useless))
    if not pc.any(kept).as_py():
        raise UserError(
            "no entry of the dictionary is in the vocabulary of the SentencePiece model",
            remedy="give a dictionary of this model's pieces, such as `xlcorpus lexicon` induces, or use dict-word",
        )
    columns = [column.filter(kept) for column in (src, tgt, src_lang, tgt_lang)]
    index = build_index(*columns, candidates=candidates, words=False)
    index.unused["not_in_vocabulary"] = len(src) - pc.sum(known).as_py()
    index.unused["same_or_blank"] = pc.sum(pc.and_(known, useless)).as_py()
    keys = np.stack([index.find(vocabulary, one) for one in index.directions])
    return PieceTable(
        index=index,
        first=index.first[keys],
        counts=np.where(keys >= 0, index.counts[keys], 0),
        marked=pc.starts_with(vocabulary, WORD_START).to_numpy(zero_copy_only=False),
        bare=bare.to_numpy(zero_copy_only=False),
    )


def open_pieces(path: str | None, entries: pa.Table, candidates: int) -> tuple[SentencePieceProcessor, PieceTable]:
    """A SentencePiece model file and the index of a dictionary (lexicon-2) for its pieces.

    An entry that has the space mark, or was induced from pieces, is of pieces; words become the pieces that begin with
    the mark, where the model has these. Raises UserError where there is no such file, it is no model, or no entry is in
    its vocabulary.
    """
    if path is None:
        raise UserError(
            "dict-piece needs the model whose pieces it switches",
            remedy="give --tokenizer FILE, or use dict-word",
        )
    model = open_processor(locate(path))
    of_pieces = pc.match_substring(entries["source"].combine_chunks(), INDUCED_PIECES)
    sides = []
    for name in ("src", "tgt"):
        texts = entries[name].combine_chunks()
        marked = pc.or_(pc.match_substring(texts, WORD_START), of_pieces)
        sides.append(pc.if_else(marked, texts, pc.binary_join_element_wise(WORD_START, texts, "")))
    languages = (entries[name].combine_chunks() for name in ("src_lang", "tgt_lang"))
    return model, build_piece_table(model, *sides, *languages, candidates=candidates)
