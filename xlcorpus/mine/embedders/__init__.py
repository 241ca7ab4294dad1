"""Embedders: ways to make vectors of sentences, a module each (`embedder.py`)."""
