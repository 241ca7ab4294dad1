"""Tokens hidden for masked language modelling (Devlin et al. 2019, 3.1), drawn anew for every epoch.

Whole words: of BERT's release of 31 May 2019, and Cui et al. 2019, "Pre-Training with Whole Word Masking for Chinese
BERT". A word is chosen as a token is, so each token still is in `probability` of all cases; what then stands in its
place is drawn for each token by itself, as there.
"""

from __future__ import annotations

import numpy as np
from pydantic import model_validator

from xlcorpus.errors import UserError
from xlcorpus.objectives.objective import NO_LABEL, Vocabulary
from xlcorpus.options import StepOptions, option
from xlcorpus.text.draws import stream
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.ragged import heads_of


class MaskOptions(StepOptions):
    """Which tokens are to be guessed, and what stands in their place (Devlin et al. 2019: 15 %, 80/10/10)."""

    probability: float = option(0.15, gt=0, lt=1, description="share of the tokens of text that are to be guessed")
    mask_share: float = option(0.8, ge=0, le=1, description="of those: replaced by the mask")
    random_share: float = option(0.1, ge=0, le=1, description="of those: replaced by a random token; the rest stays")
    whole_word: bool = option(False, description="choose words in the place of tokens, with all of their pieces")

    @model_validator(mode="after")
    def _check_shares(self) -> MaskOptions:
        if self.mask_share + self.random_share > 1 + 1e-9:
            raise UserError(
                f"mask_share {self.mask_share} and random_share {self.random_share} are more than 1 together",
                remedy="give less of one; what both leave of 1 stays as it is",
            )
        return self


_LONGEST = 64  # pieces of a word; in a longer run, as a URL or Thai in bytes, each is chosen by itself


class Masker:
    """Hides tokens of text. Special ids, so also the padding, are never chosen, and none comes in at random, as
    transformers' collator lets them."""

    def __init__(self, options: MaskOptions, vocabulary: Vocabulary) -> None:
        """Raises UserError where the tokenizer has no mask, or whole words are wanted and it was not opened."""
        self._options = options
        self._mask = vocabulary.id_of("mask")
        self._is_text = np.ones(max(vocabulary.size, 1 + max(vocabulary.special, default=0)), dtype=bool)
        self._is_text[list(vocabulary.special)] = False
        self._text = np.flatnonzero(self._is_text[: vocabulary.size])
        self._begins: np.ndarray | None = None
        if options.whole_word:
            if vocabulary.word_starts is None:
                raise UserError(
                    "whole_word needs the tokenizer, whose pieces say where words begin",
                    remedy="name it: `tokenizer:` of a recipe, open_source(..., tokenizer=...)",
                )
            self._begins = ~self._is_text
            self._begins[: len(vocabulary.word_starts)] |= vocabulary.word_starts

    def mask(
        self,
        ids: np.ndarray,
        keys: np.ndarray,
        purpose: str,
        texts: np.ndarray | None = None,
        trained: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels, int64[rows, L] each; labels are NO_LABEL but at the chosen tokens.

        ids: whole numbers [rows, L]; keys: uint64[rows], of (seed, epoch, row), and purpose: all that the choice
        follows from, so rows are masked alike whatever stands beside or behind them. texts: int64[n], cells at which a
        text begins, where no special id may stand before it. trained: bool[rows, L], tokens that may be chosen.
        """
        draws = stream(mix(keys ^ hash_text(purpose)), ids.shape[1]).ravel()
        of_words = draws if self._begins is None else draws[heads_of(self._words(ids, texts))]
        chosen = np.flatnonzero(of_words < _threshold(self._options.probability))
        chosen = chosen[self._is_text[ids.ravel()[chosen]]]
        if trained is not None:
            chosen = chosen[trained.ravel()[chosen]]
        hidden, draws = ids.ravel()[chosen].astype(np.int64), mix(draws[chosen])
        labels = np.full(ids.shape, NO_LABEL, dtype=np.int64)
        labels.ravel()[chosen] = hidden
        masked = _threshold(self._options.mask_share)
        random = _threshold(self._options.mask_share + self._options.random_share)
        place = (mix(draws) >> np.uint64(32)) * np.uint64(len(self._text)) >> np.uint64(32)
        others = self._text[place.astype(np.intp)]
        inputs = np.array(ids, dtype=np.int64, order="C")
        inputs.ravel()[chosen] = np.where(draws < masked, self._mask, np.where(draws < random, others, hidden))
        return inputs, labels

    def _words(self, ids: np.ndarray, texts: np.ndarray | None) -> np.ndarray:
        """bool[rows * L]: the first piece of each word; special ids are words of their own."""
        begins: np.ndarray = self._begins[ids]  # type: ignore[index]
        begins[:, 1:] |= ~self._is_text[ids[:, :-1]]
        begins[:, 0] = True
        begins = begins.ravel()
        if texts is not None:
            begins[texts] = True
        sizes = np.diff(np.flatnonzero(begins), append=len(begins))
        return begins | np.repeat(sizes > _LONGEST, sizes)


def _threshold(share: float) -> np.uint64:
    """What this share of all uint64 is below."""
    return np.uint64(min(int(share * 2**64), 2**64 - 1))
