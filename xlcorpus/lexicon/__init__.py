"""Bilingual dictionaries: read, build, merge, look up, and induce them from the texts of two languages."""
