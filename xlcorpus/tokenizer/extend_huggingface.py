"""Add pieces to a Hugging Face tokenizer.json (BPE or Unigram), every old id as it was."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.bpe_merges import Merges, choose_merges
from xlcorpus.tokenizer.byte_alphabet import to_letters
from xlcorpus.tokenizer.hf_folder import added_token
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer, import_tokenizers, is_byte, is_byte_level
from xlcorpus.tokenizer.piece_candidates import Candidate, characters_first, check_specials
from xlcorpus.tokenizer.sentencepiece_model import WORD_START
from xlcorpus.tokenizer.tokenizer import SPECIALS
from xlcorpus.tokenizer.unigram_scores import added_scores


def extend_huggingface(
    base: HuggingFaceTokenizer,
    candidates: Sequence[Candidate],
    count: int,
    specials: Sequence[str],
    margin: float | None,
) -> tuple[dict[str, Any], int]:
    """The tokenizer.json with at most `count` pieces of `candidates` and with `specials`; how many pieces were added.

    Unigram: scores by `unigram_scores`. BPE: one merge a piece, after all old merges. Left out: what the vocabulary
    has, what the file's normalizer or pre-tokenizer would never leave so, and what BPE cannot make. Raises UserError
    for models of another type, and where ids have gaps.
    """
    value = copy.deepcopy(base.json)
    model = value["model"]
    kind = base.model_type
    if kind not in ("BPE", "Unigram") or model.get("end_of_word_suffix") or model.get("continuing_subword_prefix"):
        raise UserError(
            f"{base.path} is a {kind or 'tokenizer of unknown type'}"
            f"{' with marked word parts' if kind == 'BPE' else ''}, which cannot be extended",
            remedy="give a BPE (byte-level or with ▁) or Unigram tokenizer, or train a new one",
        )
    _join_added_tokens(value, base)
    known = set(base.ids)
    pieces = _Writing(value, base.path)
    texts = {text for text in base.piece_texts() if text}
    ordered = characters_first(candidates, texts, count)
    usable = [(piece, one.score) for one in ordered if (piece := pieces.stable(one.text)) is not None]
    vocab = model["vocab"]
    if kind == "Unigram":
        added_tokens = {token["content"] for token in value["added_tokens"]}
        scores = {text: score for text, score in vocab if text not in added_tokens and not is_byte(text)}
        both = zip(usable, added_scores(scores, usable, margin), strict=True)
        entries = [[text, score] for (text, _), score in both if score is not None and text not in known][:count]
        vocab += entries
        fresh = [str(text) for text, _ in entries]
    else:
        as_text = bool(model["merges"]) and isinstance(model["merges"][0], str)
        letters = {pieces.write(one.text) for one in ordered if len(one.text) == 1}
        made = choose_merges([text for text, _ in usable], Merges.of(model), set(known), count, letters)
        for one in made:
            vocab[one.text] = len(vocab)
            if one.pair:
                model["merges"].append(" ".join(one.pair) if as_text else list(one.pair))
        fresh = [one.text for one in made]
    _add_specials(value, specials, known | set(fresh))
    return value, len(fresh)


class _Writing:
    """How the tokenizer writes a text before its model cuts it."""

    def __init__(self, value: Mapping[str, Any], path: str) -> None:
        library = import_tokenizers(locate(path))
        self._byte_level = is_byte_level(value)
        self._start = to_letters(" ") if self._byte_level else WORD_START
        tokenizer = library.Tokenizer.from_str(json.dumps(value, ensure_ascii=False))
        self._normalizer, self._pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer

    def write(self, text: str) -> str:
        """The piece of a text."""
        return to_letters(text) if self._byte_level else text.replace(" ", WORD_START)

    def stable(self, text: str) -> str | None:
        """The piece of a text, or None where the text would never reach the model in one part and unchanged."""
        piece = self.write(text)
        written = self._normalizer.normalize_str(text) if self._normalizer else text
        parts = (
            [part for part, _ in self._pre_tokenizer.pre_tokenize_str(written)] if self._pre_tokenizer else [written]
        )
        return piece if parts in ([piece], [self._start + piece]) else None


def _join_added_tokens(value: dict[str, Any], base: HuggingFaceTokenizer) -> None:
    """Give added tokens their place in the model's vocabulary: the library numbers those outside after all pieces,
    so new pieces would move them."""
    model = value["model"]
    vocab = model["vocab"]
    have = {text for text, _ in vocab} if isinstance(vocab, list) else vocab.keys()
    outside = sorted((token["id"], token["content"]) for token in value.get("added_tokens") or [])
    outside = [(number, content) for number, content in outside if content not in have]
    ids = [*range(len(vocab))] if isinstance(vocab, list) else sorted(vocab.values())
    if [*ids, *(number for number, _ in outside)] != [*range(base.vocab_size)]:
        raise UserError(
            f"{base.path} has gaps in its ids, so new pieces have no place after the last one",
            remedy="save it again with transformers, which numbers them without gaps",
        )
    lowest = min((score for _, score in vocab), default=0.0) if isinstance(vocab, list) else 0.0
    for number, content in outside:
        if isinstance(vocab, list):
            vocab.append([content, lowest])  # never chosen: added tokens are taken out of a text before
        else:
            vocab[content] = number


def _add_specials(value: dict[str, Any], specials: Sequence[str], known: set[str]) -> None:
    check_specials(specials, known)
    vocab, controls = value["model"]["vocab"], SPECIALS.values()
    for token in specials:
        number = len(vocab)
        if isinstance(vocab, list):
            vocab.append([token, min(score for _, score in vocab)])
        else:
            vocab[token] = number
        value["added_tokens"].append(added_token(number, token, special=token in controls))
