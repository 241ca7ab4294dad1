"""Tokenizers: open SentencePiece, Hugging Face and byte tokenizers alike; train, extend and measure them. No torch."""

from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

__all__ = ["Tokenizer", "open_tokenizer"]
