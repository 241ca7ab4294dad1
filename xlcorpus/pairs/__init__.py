"""Sentence pairs: read from tables (TSV, CSV) and from parallel text files; a template makes a pair one text."""
