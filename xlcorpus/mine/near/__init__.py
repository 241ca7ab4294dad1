"""Sentence pairs of comparable documents: the sentences that are nearest to one another (step pairs-align)."""
