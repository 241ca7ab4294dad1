"""Sentence pairs: read from tables (TSV, CSV) and from parallel text files."""
