"""Pairs made out of documents: crops, typos, shuffled words, spans, next sentences."""
