"""Columns that a model says of rows: a language model that is asked, a classifier, a tagger, an embedder."""
